"""Where a trained softmax is too sure: its largest probabilities beside what the text has.

Where p(o | c) is large it tends to be too large, the more so the larger it is, with sums over
n-grams above all. Above a knot a power makes it smaller (`fastw2v.objectives.peaks`). Both numbers
are those under which the counts are likeliest. Few words of a row are above a knot, and only they
are looked at: what is added to the loss of row c, with n(c, o) and the weight a_c of its pairs with
other words, is

    a_c log Z_c - sum over o above the knot of n(c, o) (power - 1) log(q(o | c) / knot)

which is convex in the power (docs/math.md, section 21).
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.softmax.peaks import Entries, observed_weights
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.peaks import Peaks
from fastw2v.objectives.softmax.output_layer import OutputLayer
from fastw2v.objectives.softmax.own_pairs import OwnPairs, rows_without_own

__all__ = ["KNOTS", "PeakPairs", "fitted_peaks", "likely_words", "peak_pairs"]

# Knots that are tried. Few rows have a probability above the lowest; below it, predicted and
# observed shares agree without (`bench/bench_calibration.py`).
KNOTS = tuple(0.1 * 2 ** (k / 2) for k in range(6))
# Two numbers that are fitted to chance alone make so much likelier a text once in 20,000 times, by
# Wilks' theorem: nats, a pair side by side weighing 1.
LEAST_GAIN_NATS = 10.0
# The order stays above 0; a text that could be foretold for certain would have no largest power.
_POWERS = (0.1, 2.0)
_MOST_STEPS = 50
_MOST_HALVINGS = 30
_SETTLED = 1e-9

_Doubles = NDArray[np.float64]


class PeakPairs(NamedTuple):
    """Pairs of a word and a likely other word.

    Attributes
    ----------
    rows : (N,) int64
        Of each pair, below R.
    words : (N,) int64
    log_q : (N,) float64
        The logarithm of the softmax over the words other than the centre.
    observed : (N,) float64
        What the pair weighs in the text.
    others : (R,) float64
        What each row's pairs of different words weigh together.
    """

    rows: NDArray[np.int64]
    words: NDArray[np.int64]
    log_q: _Doubles
    observed: _Doubles
    others: _Doubles

    @classmethod
    def together(cls, parts: list["PeakPairs"]) -> "PeakPairs":
        """Return the pairs of several batches, whose rows are numbered on."""
        sizes = [len(part.others) for part in parts]
        firsts = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
        rows = [part.rows + first for part, first in zip(parts, firsts, strict=True)]
        rest = zip(*(part[1:] for part in parts), strict=True)
        return cls(np.concatenate(rows), *(np.concatenate(column) for column in rest))

    def loss_change(self, peaks: Peaks) -> float:
        """Return how much higher the loss of these rows is with `peaks`, nats."""
        is_above = self.log_q > math.log(peaks.lowest)
        rows, log_q = self.rows[is_above], self.log_q[is_above]
        sums = peaks.sums_of(rows, log_q, len(self.others))
        gained = _sum_of(self.observed[is_above], peaks.log_factors(log_q))
        return _sum_of(self.others, np.log(sums)) - gained


def likely_words(
    layer: OutputLayer,
    batch: Any,
    own: OwnPairs,
    bias: VectorArray,
    scores: VectorArray,
    least: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], _Doubles]:
    """Return pairs of a batch whose softmax over the other words is at least `least`.

    Parameters
    ----------
    layer : OutputLayer
        After `log_sum_exps` of the batch with `bias` (V,) and `scores`.
    batch : Batch or FeatureBatch
    own : OwnPairs
        Of the batch.
    bias : (V,) float32
    scores : float32
    least : float
        Above 0.

    Returns
    -------
    rows, words : (N,) int64
        Rising rows of the batch, and rising words within a row.
    log_q : (N,) float64
    """
    centres = batch.centres
    bounds = np.where(own.is_certain, np.inf, least * np.exp(own.log_others))
    rows, words, shares = layer.words_above(bounds, scores)
    is_other = words != centres[rows]
    rows, words = rows[is_other], words[is_other]
    log_q = np.minimum(np.log(shares[is_other]) - own.log_others[rows], 0.0)
    if not own.is_certain.any():
        return rows, words, log_q
    for row, told, _ in rows_without_own(layer, batch, own.is_certain, bias):
        more = np.flatnonzero(told >= least)
        rows = np.concatenate([rows, np.full(len(more), row)])
        words, log_q = np.concatenate([words, more]), np.concatenate([log_q, np.log(told[more])])
    order = np.lexsort((words, rows))
    return rows[order], words[order], log_q[order]


def peak_pairs(
    layer: OutputLayer,
    batch: Any,
    own: OwnPairs,
    bias: VectorArray,
    scores: VectorArray,
    least: float,
) -> PeakPairs:
    """Return the pairs of `likely_words`, of the same parameters, with what the text has."""
    rows, words, log_q = likely_words(layer, batch, own, bias, scores, least)
    observed = np.empty(len(rows))
    observed_weights(
        layer.tile,
        Entries(batch.tile_starts, batch.entry_rows, batch.columns, batch.weights),
        rows,
        words,
        observed,
    )
    return PeakPairs(rows, words, log_q, observed, own.others)


def fitted_peaks(pairs: PeakPairs, pair: float) -> Peaks | None:
    """Return the knot and power under which the counts are likeliest; None if it is by chance.

    Parameters
    ----------
    pairs : PeakPairs
        All that are above the lowest of `KNOTS`.
    pair : float
        What a pair side by side weighs.
    """
    found = [_fitted_power(pairs, knot) for knot in KNOTS]
    changes = [pairs.loss_change(peaks) for peaks in found]
    best = int(np.argmin(changes))
    return found[best] if -changes[best] / pair >= LEAST_GAIN_NATS else None


def _fitted_power(pairs: PeakPairs, knot: float) -> Peaks:
    """Return the best power above a knot, by Newton's method on a convex loss."""
    excess = pairs.log_q - math.log(knot)
    is_above = excess > 0
    rows, excess, q = pairs.rows[is_above], excess[is_above], np.exp(pairs.log_q[is_above])
    seen = _sum_of(pairs.observed[is_above], excess)
    peaks, power, n_rows = Peaks.at(knot, 1.0), 1.0, len(pairs.others)
    loss = 0.0
    for _ in range(_MOST_STEPS):
        sums = peaks.sums_of(rows, pairs.log_q[is_above], n_rows)
        told = q * np.exp(peaks.log_factors(pairs.log_q[is_above])) / sums[rows]
        means = np.bincount(rows, told * excess, n_rows)
        spreads = np.bincount(rows, told * excess**2, n_rows) - means**2
        curvature = _sum_of(pairs.others, spreads)
        if curvature <= 0:
            break
        step = (seen - _sum_of(pairs.others, means)) / curvature
        tried = float(np.clip(power + step, *_POWERS))
        for _ in range(_MOST_HALVINGS):
            changed = pairs.loss_change(Peaks.at(knot, tried))
            if changed <= loss:
                break
            tried = (tried + power) / 2
        else:
            break
        moved, power, loss = abs(tried - power), tried, changed
        peaks = Peaks.at(knot, power)
        if moved < _SETTLED:
            break
    return peaks


def _sum_of(weights: _Doubles, values: NDArray[Any]) -> float:
    """Return a weighted sum, not by BLAS: with more threads the last bits of long ones differ."""
    return float(np.sum(weights * values))
