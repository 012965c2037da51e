"""Making objectives comparable: the exact softmax likelihood after a calibration of two numbers.

Scores of negative sampling are no log probabilities, and those of a tree may be too sharp. A
temperature t and a weight s of the unigram distribution q turn any of them into the model

    p(o | h) = e^(t z_o + s log q_o) / sum_w e^(t z_w + s log q_w)

t and s are fitted on training counts, and the loss of held-out text is then -log p in nats per
pair, the same for all (docs/math.md). Vectors and everything else stay as they are.

    log_unigram = context_log_probabilities(counts)
    scores = SoftmaxScores(embeddings.out_vectors, pool)
    training = CentreRows(embeddings.in_vectors, counts, sample=CALIBRATION_ROWS)
    held_out = CentreRows(embeddings.in_vectors, held_out_counts)
    calibration = calibrate(scores, training, log_unigram)
    loss_nats = calibrated_loss(scores, held_out, log_unigram, calibration)
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import PairCounts
from fastw2v.errors import DivergenceError
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.losses.rows import InputRows, thinned
from fastw2v.objectives.losses.scores import ContextScores

__all__ = ["Calibration", "calibrate", "calibrated_loss", "context_log_probabilities"]

_MOST_STEPS = 60
_MOST_HALVINGS = 30
# A Newton step that promises less than this is the last: its own error is the square of that.
_SETTLED_NATS = 1e-5
_COARSE = 16  # a first fit goes over every so manieth row
_FEWEST_COARSE = 16  # rows, or there is none
_ROUNDING = 1e-6  # relative error of the loss, which is summed in single precision
_RIDGE = 1e-5  # keeps a step finite where scores are all the same


@dataclass(frozen=True)
class Calibration:
    """A fitted calibration.

    Attributes
    ----------
    temperature : float
        t, what scores are multiplied by.
    unigram_weight : float
        s, what the log frequencies of contexts are multiplied by.
    loss_nats : float
        The mean of -log p over the pairs that it was fitted on.
    """

    temperature: float
    unigram_weight: float
    loss_nats: float


def context_log_probabilities(counts: PairCounts) -> VectorArray:
    """Return log q: how frequent each word is as a context, float32 (V,).

    One is added to the count of every word, so that words that were never a context can still be
    met in held-out text.
    """
    sums = counts.context_sums() + 1.0
    return np.asarray(np.log(sums / sums.sum()), np.float32)


def calibrate(
    scores: ContextScores,
    rows: InputRows,
    log_unigram: VectorArray,
    report: Callable[[int, int | None], None] | None = None,
) -> Calibration:
    """Fit temperature and unigram weight by Newton's method with exact gradients.

    The loss is convex in both, so what is found is the best there is. A fit to a part of the rows,
    where there are many, is where the fit to all of them begins: most rounds are short ones.

    Parameters
    ----------
    scores : SoftmaxScores or TreeScores
    rows : CentreRows or CbowRows
        Of the training text; a sample of `CALIBRATION_ROWS` rows will do.
    log_unigram : float32 array (V,)
        From `context_log_probabilities`, of the training text.
    report : callable, optional
        Called with the rounds that are done, and at the end with as many in all.

    Returns
    -------
    Calibration

    Raises
    ------
    DivergenceError
        If a vector is not finite, or the loss has no minimum within reach.
    VocabularyError
        If dimensions or words do not fit together.
    """
    rounds, start, found = _Rounds(report), np.array([1.0, 1.0]), None
    fit, n_rows = _Fit(scores, rows, log_unigram), sum(len(batch.inputs) for batch in rows)
    every = min(_COARSE, n_rows // _FEWEST_COARSE)
    if every > 1:
        with suppress(DivergenceError):  # too few rows to say so
            coarse = _Fit(scores, list(thinned(rows, every)), log_unigram)
            found = _minimum(fit, _minimum(coarse, start, rounds)[0], rounds)
    point, value = found or _minimum(fit, start, rounds)
    rounds.end()
    return Calibration(float(point[0]), float(point[1]), value.loss)


class _Rounds:
    """Counts the evaluations of the loss, and reports them."""

    def __init__(self, report: Callable[[int, int | None], None] | None) -> None:
        self._report, self._done = report, 0

    def done(self) -> None:
        self._done += 1
        if self._report:
            self._report(self._done, None)

    def end(self) -> None:
        if self._report:
            self._report(self._done, self._done)


def _minimum(
    fit: "_Fit", point: NDArray[np.float64], rounds: _Rounds
) -> tuple[NDArray[np.float64], "_Value"]:
    """Return where the loss is least, from a point on, and what it is there."""
    value = fit.value(point)
    for _ in range(_MOST_STEPS):
        step = np.asarray(-np.linalg.solve(value.curvature, value.gradient), np.float64)
        promised = float(-value.gradient @ step)
        point, value = _accepted(fit, point, value, step, promised)
        rounds.done()
        # Where every pair could be certain there is no minimum: the loss goes to 0 for ever.
        if promised < _SETTLED_NATS or value.loss < _ROUNDING:
            return point, value
    raise DivergenceError(
        f"calibration: expected a minimum of the loss, got none after {_MOST_STEPS} steps at "
        f"temperature {point[0]:g} and unigram weight {point[1]:g}; give more rows"
    )


def calibrated_loss(
    scores: ContextScores, rows: InputRows, log_unigram: VectorArray, calibration: Calibration
) -> float:
    """Return the mean of -log p(o | h) over all pairs of the rows, in nats.

    Parameters and what is raised as for `calibrate`; the rows are those of any text.
    """
    point = np.array([calibration.temperature, calibration.unigram_weight])
    return _Fit(scores, rows, log_unigram).value(point).loss


@dataclass(frozen=True, eq=False)
class _Value:
    """Loss per pair, gradient (2,) and curvature (2, 2) by t and s."""

    loss: float
    gradient: NDArray[np.float64]
    curvature: NDArray[np.float64]


class _Fit:
    """The loss as a function of t and s."""

    def __init__(self, scores: ContextScores, rows: InputRows, log_unigram: VectorArray) -> None:
        self._scores, self._rows, self._biases = scores, rows, log_unigram
        self._weight = 0.0
        observed = np.zeros(2)
        for batch in rows:
            weights = batch.contexts.weights
            self._weight += float(weights.sum())
            observed[0] += float(weights @ scores.observed(batch))
            observed[1] += float(weights @ log_unigram[batch.contexts.indices].astype(np.float64))
        self._observed = observed / self._weight

    def value(self, point: NDArray[np.float64]) -> _Value:
        log_sum = 0.0
        means, squares = np.zeros(2), np.zeros(2)
        curvature = np.zeros((2, 2))
        # What the kernel uses in single precision is used here too, or large scores would differ.
        # A point that it cannot hold has no loss, and the step there is halved.
        with np.errstate(over="ignore"):
            used = point.astype(np.float32).astype(np.float64)
        if not np.isfinite(used).all():
            return _Value(np.nan, means, curvature)
        for batch in self._rows:
            shares = batch.row_weights / self._weight
            moments = self._scores.moments(batch, self._biases, *used.tolist())
            log_sum += float(shares @ moments[:, 0])
            means += shares @ moments[:, 1:3]
            squares += shares @ moments[:, 1:3] ** 2
            var_z, covariance, var_b = shares @ moments[:, 3:]
            curvature += [[var_z, covariance], [covariance, var_b]]
        loss = log_sum - float(used @ self._observed)
        ridge = _RIDGE * (np.maximum(np.diag(curvature), 0) + squares) + np.finfo(float).tiny
        return _Value(loss, means - self._observed, curvature + np.diag(ridge))


def _accepted(
    fit: _Fit, point: NDArray[np.float64], value: _Value, step: NDArray[np.float64], promised: float
) -> tuple[NDArray[np.float64], _Value]:
    """Return the next point: the step, halved until the loss falls."""
    for halvings in range(_MOST_HALVINGS):
        length = 0.5**halvings
        candidate = point + length * step
        found = fit.value(candidate)
        rounding = _ROUNDING * max(1.0, abs(value.loss))
        if found.loss <= value.loss - 1e-4 * length * promised + rounding:
            return candidate, found
    raise DivergenceError(
        f"calibration: expected a lower loss than {value.loss:g}, found none near temperature "
        f"{point[0]:g}; the scores may be too large for single precision"
    )
