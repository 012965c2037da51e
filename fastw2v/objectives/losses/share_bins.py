"""Probabilities of many words by how large they are: what powers above knots do to a loss.

Nearly all words of a row are unlikely, and a few have most of the probability. What a power above a
knot makes of a row (`fastw2v.objectives.peaks`) depends only on how much probability there is at
which logarithm. So each row's softmax is added up once, in narrow bins; then any powers are tried
without looking at scores again. With shares S_cb of row c in bin b, f_b what powers add to
logarithms there, and n(c, o) what the text has, the loss is higher by

    sum over c of a_c log(1 + sum over b of S_cb (e^(f_b) - 1)) - sum of n(c, o) f(q(o | c))

which is convex in the powers (docs/math.md, section 21).
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.losses.rows import InputRows, RowBatch
from fastw2v.objectives.losses.scores import ContextScores
from fastw2v.objectives.peaks import Peaks

__all__ = ["KNOTS", "ShareBins", "fine_bins", "fitted_powers", "observed_logs"]

# Half decades: within each, predicted and observed shares are as far apart at both ends
# (`bench/bench_calibration.py`).
KNOTS = tuple(10 ** (k / 2 - 5) for k in range(9))
# That many numbers that are fitted to chance alone make a text so much likelier once in 20,000
# times, by Wilks' theorem: nats of as many independent pairs as there are rows.
LEAST_GAIN_NATS = 18.0
_BINS = 320  # a knot is where one begins
# Where a loss is told, and nothing is fitted: of few words, errors of bins cancel less.
_FINE, _FINEST, _FINE_WORDS = 16, 256, 65536
_POWERS = (0.1, 10.0)  # the order stays
_MOST_STEPS = 50
_MOST_HALVINGS = 30
_SETTLED = 1e-6
_RIDGE = 1e-9  # where no word of the rows is above a knot

_Doubles = NDArray[np.float64]


def fine_bins(n_words: int) -> int:
    """Return how many bins tell a loss over so many words."""
    return _BINS * min(max(_FINE, _FINE_WORDS // n_words), _FINEST)


class ShareBins(NamedTuple):
    """Probabilities of rows, and those of what the text has beside them.

    Attributes
    ----------
    shares : (R, bins) float64
        The sum of each row's probabilities in each bin.
    middles : (bins,) float64
        Logarithms in the middle of bins.
    row_weights : (R,) float64
    log_q, weights : (N,) float64
        Of the observed words: the logarithm of their probability, and how often they came.
    """

    shares: _Doubles
    middles: _Doubles
    row_weights: _Doubles
    log_q: _Doubles
    weights: _Doubles

    @classmethod
    def of_rows(
        cls,
        scores: ContextScores,
        rows: InputRows,
        fit: tuple[float, VectorArray],
        lowest: float = KNOTS[0],
        log_sums: Iterable[_Doubles] | None = None,
        n_bins: int = _BINS,
    ) -> "ShareBins":
        """Return those of softmax(t z + b) above the lowest knot, with t and b of the fit.

        `log_sums` are those of the rows of each batch, where they are known.
        """
        low = math.log(lowest)
        width = -low / n_bins
        middles = np.asarray(low + width * (np.arange(n_bins) + 0.5), np.float64)
        parts = []
        if log_sums is None:
            log_sums = (_log_sums(scores, batch, fit) for batch in rows)
        for batch, sums in zip(rows, log_sums, strict=True):
            shares = scores.share_bins(batch, fit, sums, (low, 1 / width, n_bins))
            log_q = observed_logs(scores, batch, fit, sums)
            parts.append((shares, batch.row_weights, log_q, batch.contexts.weights))
        shares, *others = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(shares, middles, *others)

    @property
    def loss(self) -> float:
        """The loss of these rows as they are, nats, summed."""
        return -float(self.weights @ self.log_q)

    def loss_change(self, peaks: Peaks) -> float:
        """Return how much higher the loss of these rows is with `peaks`, nats, summed."""
        sums = 1.0 + self.shares @ np.expm1(peaks.log_factors(self.middles))
        return float(self.row_weights @ np.log(sums) - self.weights @ peaks.log_factors(self.log_q))


def _log_sums(scores: ContextScores, batch: RowBatch, fit: tuple[float, VectorArray]) -> _Doubles:
    return scores.log_sums(batch, fit[1], fit[0])


def observed_logs(
    scores: ContextScores, batch: RowBatch, fit: tuple[float, VectorArray], log_sums: _Doubles
) -> _Doubles:
    """Return the logarithm of what softmax(t z + b) gives each observed word, float64 (entries,).

    With t and b of the fit, and the rows' `log_sums` (R,) under them.
    """
    temperature, bias = fit
    contexts = batch.contexts
    logs = np.asarray(temperature * scores.observed(batch), np.float64)
    logs += bias[contexts.indices]
    return logs - np.repeat(log_sums, np.diff(contexts.indptr))


def fitted_powers(bins: ShareBins) -> Peaks | None:
    """Return powers above `KNOTS` under which what the rows have is likeliest; None if by chance.

    By Newton's method on a convex loss; powers at their bounds stay there while the loss falls
    beyond. The rows' weights are taken for numbers of pairs.
    """
    features, observed = _between_knots(bins.middles), bins.weights @ _between_knots(bins.log_q)
    powers, loss = np.ones(len(KNOTS)), 0.0
    for _ in range(_MOST_STEPS):
        # Of shares S e^f / (1 + sum of S (e^f - 1)), which are many, only sums are made.
        factors = np.exp(features @ (powers - 1.0))
        scales = 1.0 / (1.0 + bins.shares @ (factors - 1.0))
        means = (bins.shares @ (factors[:, None] * features)) * scales[:, None]
        gradient = bins.row_weights @ means - observed
        mass = ((bins.row_weights * scales) @ bins.shares) * factors
        curvature = (features.T * mass) @ features - (means.T * bins.row_weights) @ means
        curvature += _RIDGE * (np.trace(curvature) + 1.0) * np.eye(len(KNOTS))
        step = _step_within(powers, gradient, curvature)
        for _ in range(_MOST_HALVINGS):
            tried = np.clip(powers + step, *_POWERS)
            changed = bins.loss_change(Peaks(KNOTS, tuple(tried.tolist())))
            if changed <= loss:
                break
            step /= 2
        else:
            break
        moved, powers, loss = np.abs(tried - powers).max(), tried, changed
        if moved < _SETTLED:
            break
    return Peaks(KNOTS, tuple(powers.tolist())) if -loss >= LEAST_GAIN_NATS else None


def _between_knots(log_q: _Doubles) -> _Doubles:
    """Return how far each logarithm reaches from each knot to the next, (N, knots)."""
    logs = np.log(KNOTS)
    return np.clip(log_q[:, None] - logs, 0.0, np.diff(logs, append=0.0))


def _step_within(powers: _Doubles, gradient: _Doubles, curvature: _Doubles) -> _Doubles:
    """Return Newton's step of the powers that are not at a bound beyond which the loss falls."""
    low, high = _POWERS
    is_free = ~(((powers <= low) & (gradient > 0)) | ((powers >= high) & (gradient < 0)))
    step = np.zeros(len(powers))
    if is_free.any():
        step[is_free] = -np.linalg.solve(curvature[np.ix_(is_free, is_free)], gradient[is_free])
    return step
