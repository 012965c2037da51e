"""The spectral start against numpy's dense eigendecomposition, and its invariances."""

import numpy as np
import pytest

from fastw2v import initial
from fastw2v.config import Hyperparameters
from fastw2v.initial import initial_bias, random_vectors, spectral_vectors
from fastw2v.parallel import WorkerPool
from tests.dense_softmax import pair_counts, random_counts


def symmetric_counts(seed, n_words, density=0.2):
    dense = random_counts(np.random.default_rng(seed), n_words, density)
    return np.triu(dense) + np.triu(dense, 1).T


def associations(dense, keep):
    """Weighed positive PMI in float64, and the weights of the words."""
    weighed = dense * keep[:, None] * keep[None, :]
    masses = weighed.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        pmi = np.log(weighed * masses.sum() / np.outer(masses, masses))
    scale = np.where(masses > 0, (masses / masses.sum()) ** initial.MASS_EXPONENT, 1.0)
    return np.where(dense > 0, np.maximum(pmi, 0), 0) * np.outer(scale, scale), scale


def spectral(dense, keep, workers=1, **settings):
    with WorkerPool(workers) as pool:
        return spectral_vectors(pair_counts(dense), keep, Hyperparameters(**settings), pool)


@pytest.mark.parametrize(("n_words", "dimensions"), [(300, 12), (90, 40), (1000, 100)])
def test_products_are_the_best_of_low_rank(n_words, dimensions):
    dense = symmetric_counts(n_words, n_words)
    keep = np.random.default_rng(0).uniform(0.3, 1, n_words)
    matrix, scale = associations(dense, keep)
    in_vectors, out_vectors = spectral(dense, keep, vector_size=dimensions)
    product = (in_vectors @ out_vectors.T).astype(np.float64) * np.outer(scale, scale)
    values = np.sort(np.abs(np.linalg.eigvalsh(matrix)))[::-1]
    best = np.sqrt(np.sum(values[dimensions:] ** 2))
    product /= initial.STRETCH
    reached = np.linalg.norm(matrix - product)
    # The range finder with a few power iterations: close to the best, never better.
    assert best * 0.999 <= reached <= best * 1.1
    # The check sees a start that has one sign wrong.
    in_vectors[:, 0] *= -1
    flipped = (in_vectors @ out_vectors.T).astype(np.float64) * np.outer(scale, scale)
    flipped /= initial.STRETCH
    assert np.linalg.norm(matrix - flipped) > best * 1.1


def test_any_number_of_workers_gives_the_same_bits():
    dense = symmetric_counts(3, 700, 0.05)
    reference = spectral(dense, np.ones(700), vector_size=30)
    for workers in (2, 3):
        result = spectral(dense, np.ones(700), workers, vector_size=30)
        for came, wanted in zip(result, reference, strict=True):
            assert np.array_equal(came, wanted)


@pytest.mark.parametrize("n_words", [1, 2, 5])
def test_columns_beyond_the_rank_are_random(n_words):
    dense = symmetric_counts(1, n_words, density=1.0)
    settings = Hyperparameters(vector_size=9)
    in_vectors, out_vectors = spectral(dense, np.ones(n_words), vector_size=9)
    expected = random_vectors(n_words, settings)
    assert np.array_equal(in_vectors[:, n_words:], expected[0][:, n_words:])
    assert not out_vectors[:, n_words:].any()
    assert np.isfinite(in_vectors).all()


def test_a_word_without_contexts_starts_at_random():
    dense = symmetric_counts(2, 50)
    dense[7] = dense[:, 7] = 0
    in_vectors, out_vectors = spectral(dense, np.ones(50), vector_size=10)
    assert np.array_equal(in_vectors[7], random_vectors(50, Hyperparameters(vector_size=10))[0][7])
    assert not out_vectors[7].any()


def test_bias_is_the_log_share_of_contexts():
    dense = symmetric_counts(4, 20)
    dense[3] = dense[:, 3] = 0
    keep = np.random.default_rng(1).uniform(0.3, 1, 20)
    bias = initial_bias(pair_counts(dense), keep, Hyperparameters())
    weighed = dense * keep[:, None] * keep[None, :]
    sums = weighed.sum(axis=0)
    assert np.allclose(np.exp(bias[sums > 0]), sums[sums > 0] / sums.sum(), rtol=1e-5)
    unweighed = initial_bias(pair_counts(dense), np.ones(20), Hyperparameters())
    assert unweighed.argmin() == 3
    assert not initial_bias(pair_counts(dense), keep, Hyperparameters(bias="none")).any()
