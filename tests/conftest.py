"""Corpora and trained models that several test modules share; none of them may change these."""

import os
from contextlib import nullcontext

import pytest

from fastw2v import Word2Vec
from fastw2v.cli.main import main
from fastw2v.training import fit
from fastw2v.training.ahead import SWITCH
from tests.support.corpora_made import as_text, chain_sentences, write_text

# Whether kernels are compiled depends on what ran before, and so would what tests hear of it.
fit.told_of_compiling = lambda tell: nullcontext()
os.environ[SWITCH] = "0"  # each test's settings are new; tests/training/test_ahead.py has it on

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
    """Trained on `chain` without subsampling, in plain windows."""
    settings = {"vector_size": 12, "window": 3, "min_count": 1, "epochs": 20, "batch_rows": 8}
    return Word2Vec(sample=0, window_sample=0, **settings).fit(chain)


@pytest.fixture(scope="session")
def skewed():
    """As `chain`, but some words come far more often than others."""
    return chain_sentences(seed=2, n_words=N_WORDS, sentences=600, skew=1.5)


@pytest.fixture(scope="session")
def thinned_model(skewed):
    """Trained on `skewed` with strong subsampling, in windows that frequent words make longer."""
    settings = {"vector_size": 12, "window": 3, "min_count": 1, "epochs": 20, "batch_rows": 8}
    return Word2Vec(sample=1e-3, window_sample=0.02, **settings).fit(skewed)


@pytest.fixture(scope="session")
def model_folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder)
    return folder


@pytest.fixture(scope="session")
def text(chain):
    return as_text(chain[:100])


@pytest.fixture(scope="session")
def reference(text, tmp_path_factory):
    """A model folder trained on `text` by `QUICK`, the options of test_cli.py."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "text.txt").write_text(text, encoding="utf-8")
    Word2Vec(vector_size=4, min_count=1, epochs=2).fit(folder / "text.txt").save(folder / "model")
    return folder / "model"


@pytest.fixture
def run(capsys):
    """Call the command line's `main`; return exit status, standard output and standard error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return caught.value.code, written.out, written.err

    return call
