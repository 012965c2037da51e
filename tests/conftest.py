"""Corpora and trained models that several test modules share; none of them may change these."""

import pytest

from fastw2v import Word2Vec
from tests.corpora_made import chain_sentences, write_text

N_WORDS = 40


@pytest.fixture(scope="session")
def chain():
    """600 sentences of 40 words in which word k is mostly followed by word k + 1."""
    return chain_sentences(seed=1, n_words=N_WORDS, sentences=600)


@pytest.fixture(scope="session")
def chain_file(chain, tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus") / "chain.txt", chain)


@pytest.fixture(scope="session")
def model(chain):
    """Trained on `chain` without subsampling."""
    return Word2Vec(vector_size=12, window=3, min_count=1, sample=0, epochs=20, batch_rows=8).fit(
        chain
    )


@pytest.fixture(scope="session")
def skewed():
    """As `chain`, but some words come far more often than others."""
    return chain_sentences(seed=2, n_words=N_WORDS, sentences=600, skew=1.5)


@pytest.fixture(scope="session")
def thinned_model(skewed):
    """Trained on `skewed` with strong subsampling."""
    settings = {"vector_size": 12, "window": 3, "min_count": 1, "epochs": 20, "batch_rows": 8}
    return Word2Vec(sample=1e-3, **settings).fit(skewed)


@pytest.fixture(scope="session")
def model_folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder)
    return folder
