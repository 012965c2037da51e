"""The best that negative sampling can do, in closed form: an oracle for everything that trains it.

Levy and Goldberg (2014), Neural word embedding as implicit matrix factorization, with any noise
distribution. Counts n(c, o) may be windowed ones, or expectations of them; a_c is the sum of row
c, and P is the noise distribution (`fastw2v.objectives.noise.noise_distribution`), which sums to
one.
"""

from typing import NamedTuple

import numpy as np


class NotTheOptimumError(AssertionError):
    """Scores are not those at which the expected loss is least."""


class ExpectedLoss(NamedTuple):
    loss: float
    in_gradient: np.ndarray
    out_gradient: np.ndarray


def noise_counts(counts, noise, negatives, skips_seen=False):
    """Return how often each pair is expected as noise: K a_c P(o), float64 (V, V).

    With `skips_seen` a noise word that equals the word that was seen is dropped, as word2vec.c
    and gensim do: K (a_c - n(c,o)) P(o).
    """
    counts = np.asarray(counts, np.float64)
    rows = counts.sum(axis=1, keepdims=True) - (counts if skips_seen else 0)
    return negatives * rows * np.asarray(noise)


def optimal_scores(counts, noise, negatives, *, skips_seen=False):
    """Return log(n(c,o) / (K a_c P(o))) of every pair, float64 (V, V); -inf without counts.

    `skips_seen` as in `noise_counts`.
    """
    counts = np.asarray(counts, np.float64)
    seen_as_noise = noise_counts(counts, noise, negatives, skips_seen)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(counts > 0, np.log(counts / seen_as_noise), -np.inf)


def expected_loss(counts, noise, negatives, in_vectors, out_vectors, *, skips_seen=False):
    """Return the expectation of the loss over noise draws, in nats over all pairs, and gradients.

    L = -sum [n(c,o) log sigma(s) + K a_c P(o) log sigma(-s)], s = u_o . v_c; all in float64.
    """
    v, u = np.asarray(in_vectors, np.float64), np.asarray(out_vectors, np.float64)
    counts = np.asarray(counts, np.float64)
    seen_as_noise = noise_counts(counts, noise, negatives, skips_seen)
    scores = v @ u.T
    loss = (counts * np.logaddexp(0, -scores) + seen_as_noise * np.logaddexp(0, scores)).sum()
    true = np.exp(-np.logaddexp(0, -scores))
    errors = seen_as_noise * true - counts * (1 - true)
    return ExpectedLoss(float(loss), errors @ u, errors.T @ v)


def least_loss(counts, noise, negatives, *, skips_seen=False):
    """Return the expected loss at `optimal_scores`: nothing that is trained can get below."""
    counts = np.asarray(counts, np.float64)
    seen_as_noise = noise_counts(counts, noise, negatives, skips_seen)
    share = counts / np.maximum(counts + seen_as_noise, np.finfo(float).tiny)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(counts > 0, counts * np.log(share), 0)
        terms += np.where(share < 1, seen_as_noise * np.log1p(-share), 0)
    return float(-terms.sum())


def assert_optimal(
    scores, counts, noise, negatives, *, tolerance, least_count=1.0, skips_seen=False
):
    """Raise NotTheOptimumError unless the scores are the optimal ones.

    Parameters
    ----------
    scores : (V, V)
        u_o . v_c in row c, column o.
    counts, noise, negatives, skips_seen
        As in `optimal_scores`.
    tolerance : float
        Largest difference of a score, in nats.
    least_count : float
        Pairs with fewer counts are not looked at: their loss is flat, they take long to train.
    """
    looked_at = np.asarray(counts) >= least_count
    if not looked_at.any():
        raise NotTheOptimumError(f"no pair has a count of at least {least_count}")
    best = optimal_scores(counts, noise, negatives, skips_seen=skips_seen)
    differences = np.asarray(scores, np.float64) - best
    worst = float(np.abs(differences[looked_at]).max())
    if not worst <= tolerance:
        raise NotTheOptimumError(
            f"largest difference from the optimal score {worst:.3g}, expected at most {tolerance}"
        )
