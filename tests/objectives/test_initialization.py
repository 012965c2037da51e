"""The spectral start against numpy's dense eigendecomposition, and its invariances."""

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.config import Hyperparameters
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.objectives.softmax import initialization as initial
from fastw2v.objectives.softmax.initialization import (
    initial_bias,
    random_vectors,
    spectral_vectors,
)
from fastw2v.objectives.softmax.range_finder import (
    OVERSAMPLING,
    ROUNDS,
    WIDEST_SPREAD,
    SymmetricMatrix,
)
from fastw2v.system.threads import WorkerPool
from tests.support.associations import associations, counts_of_rank, symmetric_counts
from tests.support.dense_softmax import pair_counts


def spectral(dense, keep, workers=1, **settings):
    with WorkerPool(workers) as pool:
        return spectral_vectors(pair_counts(dense), keep, Hyperparameters(**settings), pool)


def test_vectors_are_the_same_however_many_words_are_scaled_at_once(monkeypatch):
    dense, keep = symmetric_counts(3, 200), np.random.default_rng(0).uniform(0.3, 1, 200)
    whole = spectral(dense, keep, vector_size=10)
    for words in (1, 7, 199, 200):
        monkeypatch.setattr(initial, "WORDS_AT_ONCE", words)
        for came, expected in zip(spectral(dense, keep, vector_size=10), whole, strict=True):
            np.testing.assert_array_equal(came, expected)


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
    # A few rounds of the range finder come close to the best, and never beyond it.
    assert best * 0.999 <= reached <= best * 1.1
    # The check sees a start that has one sign wrong.
    in_vectors[:, 0] *= -1
    flipped = (in_vectors @ out_vectors.T).astype(np.float64) * np.outer(scale, scale)
    flipped /= initial.STRETCH
    assert np.linalg.norm(matrix - flipped) > best * 1.1


class _Given(SymmetricMatrix):
    """A matrix that is given, in place of the associations of counts."""

    def _product(self, tall):
        out = np.zeros_like(tall)
        out[: self.n_words] = self.dense @ tall[: self.n_words]
        return out


def symmetric_matrix(pool, eigenvalues, seed=0):
    """A matrix to be factorised with these eigenvalues, and the same one dense in float64."""
    n_words = len(eigenvalues)
    random = np.random.default_rng(seed).standard_normal((n_words, n_words))
    basis = np.linalg.qr(random)[0]
    dense = (basis * eigenvalues) @ basis.T
    matrix = _Given(n_words, pool)
    matrix.dense = dense.astype(np.float32)
    return matrix, dense


def orthonormal_columns(n_words, width, seed=1):
    random = np.random.default_rng(seed).standard_normal((n_words, width))
    return np.linalg.qr(random)[0].astype(np.float32)


# As many words as there are rows in a task of the kernels: no padding.
FLAT = np.concatenate(([6.0, -5.0, 4.5], np.linspace(3, 2, 45), np.linspace(0.8, -0.8, 192)))


def test_a_round_is_chebyshevs_second_polynomial():
    tall = orthonormal_columns(len(FLAT), PANEL)
    with WorkerPool(1) as pool:
        matrix, dense = symmetric_matrix(pool, FLAT)
        came = matrix._amplified(tall)
    once = dense @ tall.astype(np.float64)
    cut = np.linalg.svd(once, compute_uv=False)[-1]
    assert cut <= np.sort(np.abs(FLAT))[::-1][PANEL - 1]
    wanted = 2 * dense @ once / cut**2 - tall

    def is_equal(result):
        return np.abs(result - wanted).max() < 1e-3 * np.abs(wanted).max()

    assert is_equal(came)
    assert not is_equal(came + 2 * tall)


def test_singular_values_far_apart_take_two_plain_products():
    eigenvalues = FLAT.copy()
    eigenvalues[0] = 40 * WIDEST_SPREAD
    tall = orthonormal_columns(len(FLAT), PANEL)
    with WorkerPool(1) as pool:
        matrix, dense = symmetric_matrix(pool, eigenvalues)
        came = matrix._orthonormal(matrix._amplified(tall)).astype(np.float64)
    wanted = np.linalg.qr(dense @ np.linalg.qr(dense @ tall.astype(np.float64))[0])[0]

    def largest_angle(left, right):
        return np.arccos(np.clip(np.linalg.svd(left.T @ right, compute_uv=False)[-1], 0, 1))

    assert largest_angle(came, wanted) < 0.01
    assert largest_angle(orthonormal_columns(len(FLAT), PANEL, seed=2), wanted) > 0.1


def test_rounds_find_more_than_as_many_plain_products():
    n_words, rank, products = 600, 20, 2 + 2 * ROUNDS
    eigenvalues = 5.0 / np.sqrt(np.arange(1, n_words + 1)) * np.where(np.arange(n_words) % 3, 1, -1)
    with WorkerPool(1) as pool:
        matrix, dense = symmetric_matrix(pool, eigenvalues)
        values, vectors = matrix.largest_eigenpairs(rank, np.random.default_rng(3))
    vectors = vectors[:n_words, :rank].astype(np.float64)
    width = -(-(rank + OVERSAMPLING) // PANEL) * PANEL
    plain = np.random.default_rng(3).standard_normal((n_words, width))
    for _ in range(products - 1):
        plain = np.linalg.qr(dense @ plain)[0]
    ritz = np.linalg.eigvalsh(plain.T @ dense @ plain)
    plain_energy = np.sum(np.sort(np.abs(ritz))[-rank:] ** 2)
    best_energy = np.sum(np.sort(np.abs(eigenvalues))[-rank:] ** 2)
    assert plain_energy < np.sum(values**2) <= best_energy * (1 + 1e-5)
    assert np.allclose(vectors.T @ vectors, np.eye(rank), atol=1e-4)
    assert np.allclose(np.diag(vectors.T @ dense @ vectors), values, atol=1e-3)


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


@pytest.mark.parametrize("rank", [0, 1, 4])
def test_columns_beyond_the_rank_of_the_counts_are_random_too(rank):
    n_words, dimensions = 60, 12
    dense = counts_of_rank(rank, n_words) if rank > 1 else np.ones((n_words, n_words), int)
    if rank == 1:  # all but the last word meet alike, which is alone with itself
        dense[-1] = dense[:, -1] = 0
        dense[-1, -1] = 1
        rank = 2
    matrix, _ = associations(dense, np.ones(n_words))
    assert np.linalg.matrix_rank(matrix, tol=1e-6) == rank
    in_vectors, out_vectors = spectral(dense, np.ones(n_words), vector_size=dimensions)
    expected = random_vectors(n_words, Hyperparameters(vector_size=dimensions))[0]
    assert np.array_equal(in_vectors[:, rank:], expected[:, rank:])
    assert not out_vectors[:, rank:].any()
    assert (np.abs(in_vectors).max(axis=0) > 0).all()
    assert out_vectors[:, :rank].any(axis=0).all()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_counts_of_low_rank_leave_no_column_that_never_learns(optimizer):
    sentences = [["a", "b", "a", "c"], ["x", "y", "x", "z"], ["a", "c"], ["z", "y"]] * 20
    settings = {"vector_size": 12, "min_count": 1, "epochs": 3, "sample": 0}
    model = Word2Vec(optimizer=optimizer, **settings).fit(sentences)
    for vectors in (model.in_vectors, model.out_vectors):
        assert vectors.any(axis=0).all()


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
