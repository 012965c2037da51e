"""Feature vectors by ridge regression, against the closed form."""

import numpy as np
import pytest

from fastw2v.objectives.features import Ngrams, ngram_features
from fastw2v.objectives.ridge import ridge_features
from fastw2v.system.threads import WorkerPool
from tests.support.feature_twins import dense

WORDS = ["river", "rivers", "lake", "lakes", "riverside", "lakeside", "aaaa", "b"]


@pytest.fixture(scope="module")
def matrix():
    return ngram_features(WORDS, Ngrams(3, 5, 4000))[0]


def closed_form(matrix, target, weights, ridge):
    rows = dense(matrix) * matrix.scales[:, None].astype(np.float64)
    normal = rows.T @ np.diag(weights) @ rows + np.diag(np.broadcast_to(ridge, rows.shape[1]))
    return np.linalg.solve(normal, rows.T @ np.diag(weights) @ target)


def solved(matrix, target, weights, ridge, workers=2, steps=60):
    with WorkerPool(workers) as pool:
        return ridge_features(matrix, target, weights, ridge, pool, steps)


def a_problem(dimensions=7):
    generator = np.random.default_rng(3)
    target = generator.normal(size=(len(WORDS), dimensions)).astype(np.float32)
    return target, generator.random(len(WORDS)) + 0.2


@pytest.mark.parametrize("dimensions", [1, 7, 100])
def test_it_is_the_closed_form(matrix, dimensions):
    target, weights = a_problem(dimensions)
    expected = closed_form(matrix, target, weights, 0.5)
    assert np.abs(solved(matrix, target, weights, 0.5) - expected).max() < 1e-5
    # Sabotage: neither another ridge nor other weights would do.
    assert np.abs(closed_form(matrix, target, weights, 0.6) - expected).max() > 1e-3
    assert np.abs(closed_form(matrix, target, weights[::-1], 0.5) - expected).max() > 1e-3


def test_each_feature_may_have_its_own_ridge(matrix):
    target, weights = a_problem()
    ridge = np.linspace(0.1, 3, matrix.n_features)
    expected = closed_form(matrix, target, weights, ridge)
    assert np.abs(solved(matrix, target, weights, ridge) - expected).max() < 1e-5


def test_words_without_weight_are_not_looked_at(matrix):
    target, weights = a_problem()
    weights[2] = 0
    first = solved(matrix, target, weights, 0.5)
    target[2] = 1e6
    assert np.array_equal(solved(matrix, target, weights, 0.5), first)


def test_the_same_bits_for_any_number_of_workers(matrix):
    target, weights = a_problem(100)
    results = [solved(matrix, target, weights, 0.5, workers, 30) for workers in (1, 2, 3)]
    assert all(np.array_equal(result, results[0]) for result in results)


def test_zeros_give_zeros(matrix):
    _, weights = a_problem()
    assert not solved(matrix, np.zeros((len(WORDS), 3), np.float32), weights, 0.5).any()
