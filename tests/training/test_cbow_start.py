"""Where exact CBOW begins, seen through a run whose steps are too small to move anything."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.counts.pairs import count_pairs
from fastw2v.objectives.softmax.initialization import random_vectors, spectral_vectors
from fastw2v.system.threads import WorkerPool
from fastw2v.text.reading import read_corpus
from fastw2v.text.vocabulary import keep_probability
from fastw2v.training.cbow import START_SCALES, train_cbow
from fastw2v.training.run import Run
from fastw2v.training.text import TrainingText
from tests.support.corpora_made import chain_sentences
from tests.support.unfitted import unfitted

COMMON = {
    "model": "cbow", "vector_size": 6, "window": 2, "min_count": 1, "epochs": 1, "sample": 0.02,
    "learning_rate": 1e-20, "precision": "float32",
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus():
    return read_corpus(chain_sentences(seed=5, n_words=30, sentences=200, skew=1.0), min_count=1)


def untrained(corpus, mean, **settings):
    asked = Hyperparameters(**COMMON, cbow_mean=mean, **settings)
    with unfitted():
        return train_cbow(Run(settings=asked, workers=2), TrainingText(*corpus)).embeddings


@pytest.mark.parametrize("mean", [True, False], ids=["mean", "sum"])
def test_the_spectral_start_has_the_scale_of_mean_or_sum(corpus, mean):
    vocabulary, tokens = corpus
    found = untrained(corpus, mean)
    with WorkerPool(1) as pool:
        counts = count_pairs(tokens, len(vocabulary), 2, workers=1)
        keep = keep_probability(vocabulary.counts, 0.02)
        wanted = spectral_vectors(counts, keep, Hyperparameters(**COMMON), pool)
    assert (keep < 0.9).any()
    for came, vectors in zip((found.in_vectors, found.out_vectors), wanted, strict=True):
        assert came == pytest.approx(START_SCALES[mean] * vectors, rel=1e-5, abs=1e-7)
        assert came != pytest.approx(START_SCALES[not mean] * vectors, rel=0.1)


def test_the_random_start_is_that_of_the_seed(corpus):
    found = untrained(corpus, True, start="random", seed=4)
    wanted = random_vectors(len(corpus[0]), Hyperparameters(vector_size=6, seed=4))
    assert np.array_equal(found.in_vectors, wanted[0])
    assert np.abs(found.out_vectors).max() < 1e-15


@pytest.mark.parametrize("bias", ["unigram", "none"])
def test_the_bias_is_that_of_the_text_whatever_is_dropped(corpus, bias):
    """Of kept positions while training, of the text itself afterwards: keep comes off again."""
    counts = corpus[0].counts
    found = untrained(corpus, True, bias=bias)
    keep = keep_probability(counts, 0.02)
    expected = np.log(counts / (counts * keep).sum()) if bias == "unigram" else -np.log(keep)
    assert found.out_bias == pytest.approx(expected, abs=1e-5)
