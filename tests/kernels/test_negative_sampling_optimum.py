"""Negative sampling at its optimum: the closed form is reached, and only by the right loss."""

import numpy as np
import pytest
from scipy.optimize import minimize

from fastw2v.kernels.formulas.random_numbers import advance, scramble, seed_state
from fastw2v.kernels.formulas.sigmoid_losses import negative_sampling_loss_and_gradients
from fastw2v.kernels.stream.noise import build_alias, draw
from fastw2v.objectives.noise import noise_distribution
from tests.support.gradient_checks import GradientMismatchError, assert_gradient
from tests.support.negative_sampling_optimum import (
    NotTheOptimumError,
    assert_optimal,
    expected_loss,
    least_loss,
    optimal_scores,
)

V, K = 7, 5
COUNTS = np.random.default_rng(1).integers(1, 60, (V, V))
NOISE = noise_distribution(COUNTS.sum(axis=0), 0.75)
TOLERANCE = 1e-3


def start(seed, dimensions):
    generator = np.random.default_rng(seed)
    return 0.3 * generator.standard_normal((2, V, dimensions))


def trained_scores(function, dimensions, seed=2):
    """Minimise `function` of in and out vectors, and return the scores found."""

    def flat(point):
        vectors = point.reshape(2, V, dimensions)
        loss, dv, du = function(*vectors)
        return loss, np.concatenate([dv.ravel(), du.ravel()])

    found = minimize(
        flat, start(seed, dimensions).ravel(), jac=True, method="L-BFGS-B",
        options={"maxiter": 5000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    v, u = found.x.reshape(2, V, dimensions)
    return v @ u.T, found.fun


def the_loss(v, u):
    return expected_loss(COUNTS, NOISE, K, v, u)


@pytest.mark.parametrize("dimensions", [V, V + 3])
@pytest.mark.parametrize("skips_seen", [False, True])
def test_the_expected_loss_leads_to_the_optimum(dimensions, skips_seen):
    options = {"skips_seen": skips_seen}
    scores, loss = trained_scores(
        lambda v, u: expected_loss(COUNTS, NOISE, K, v, u, **options), dimensions
    )
    assert_optimal(scores, COUNTS, NOISE, K, tolerance=TOLERANCE, **options)
    assert loss == pytest.approx(least_loss(COUNTS, NOISE, K, **options), rel=1e-9)
    with pytest.raises(NotTheOptimumError):
        assert_optimal(scores, COUNTS, NOISE, K, tolerance=0.05, skips_seen=not skips_seen)


@pytest.mark.parametrize(
    ("noise", "negatives"),
    [(NOISE, K + 1), (noise_distribution(COUNTS.sum(axis=0), 1.0), K), (NOISE[::-1], K)],
    ids=["one negative more", "noise of another exponent", "noise of other words"],
)
def test_the_optimum_of_another_loss_is_caught(noise, negatives):
    scores, _ = trained_scores(lambda v, u: expected_loss(COUNTS, noise, negatives, v, u), V)
    assert_optimal(scores, COUNTS, noise, negatives, tolerance=TOLERANCE)
    with pytest.raises(NotTheOptimumError):
        assert_optimal(scores, COUNTS, NOISE, K, tolerance=0.05)


def test_too_few_dimensions_are_caught():
    scores, loss = trained_scores(the_loss, 2)
    assert loss > least_loss(COUNTS, NOISE, K)
    with pytest.raises(NotTheOptimumError):
        assert_optimal(scores, COUNTS, NOISE, K, tolerance=0.05)


def test_transposed_scores_and_missing_numbers_are_caught():
    best = optimal_scores(COUNTS, NOISE, K)
    assert_optimal(best, COUNTS, NOISE, K, tolerance=0)
    for wrong in (best.T, -best, best + np.nan):
        with pytest.raises(NotTheOptimumError):
            assert_optimal(wrong, COUNTS, NOISE, K, tolerance=0.05)
    with pytest.raises(NotTheOptimumError, match="no pair has a count"):
        assert_optimal(best, COUNTS, NOISE, K, tolerance=1, least_count=1000)


def test_pairs_that_never_meet_are_scored_minus_infinity():
    counts = COUNTS.copy()
    counts[0, 1] = 0
    counts[2] = 0
    scores = optimal_scores(counts, NOISE, K)
    assert scores[0, 1] == -np.inf
    assert (scores[2] == -np.inf).all()
    assert np.isfinite(least_loss(counts, NOISE, K))


def test_gradients_of_the_expected_loss_are_slopes():
    v, u = start(3, 4)
    _, dv, du = the_loss(v, u)
    assert_gradient(lambda x: the_loss(x, u).loss, v, dv)
    assert_gradient(lambda x: the_loss(v, x).loss, u, du)
    with pytest.raises(GradientMismatchError):
        assert_gradient(lambda x: the_loss(x, u).loss, v, -dv)


def mean_of_draws(noise, n_draws):
    """Mean loss and in-gradient of centre 0 over noise drawn from the alias table."""
    v, u = start(3, 4)
    table, state = build_alias(noise), seed_state(1, 7)
    total, gradient = 0.0, np.zeros(4)
    for _ in range(n_draws):
        words = [int(np.random.default_rng(state).choice(V, p=COUNTS[0] / COUNTS[0].sum()))]
        for _ in range(K):
            state = advance(np.uint64(state))
            words.append(int(draw(*table, np.uint64(scramble(np.uint64(state))))))
        loss, dh, _ = negative_sampling_loss_and_gradients(v[0], u[words])
        total += loss
        gradient += dh
    return total / n_draws, gradient / n_draws


def test_drawn_noise_has_the_expected_loss_on_average():
    v, u = start(3, 4)
    noise = noise_distribution(2 ** np.arange(V), 1.0)
    row = COUNTS * (np.arange(V) == 0)[:, None]
    expected = expected_loss(row, noise, K, v, u)
    loss, gradient = mean_of_draws(noise, 4000)
    assert loss == pytest.approx(expected.loss / row.sum(), rel=0.01)
    np.testing.assert_allclose(gradient, expected.in_gradient[0] / row.sum(), atol=0.02)
    other = expected_loss(row, noise[::-1], K, v, u)
    assert np.abs(gradient - other.in_gradient[0] / row.sum()).max() > 0.1
