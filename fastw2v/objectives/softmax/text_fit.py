"""What the text says of a trained softmax: words beside themselves, each word, the likeliest ones.

A product of vectors cannot make p(c | c) small, since a vector is near to itself. So a word's own
place gets a rate, which is counted, and the softmax is one over the other words (docs/math.md,
section 21):

    p(o | c) = rate_c [o = c] + (1 - rate_c) e^z_co / sum over w other than c of e^z_cw

Then the bias takes one step of iterative scaling (Darroch and Ratcliff 1972), by which each word is
predicted as often as it comes in the text. And the largest probabilities, which are too large, are
brought down (`fastw2v.objectives.softmax.peak_fit`). None of them can raise the loss of the counts.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import SparseCounts
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.peaks import Peaks
from fastw2v.objectives.softmax.batches import BatchSource, RowBatches, every_batch
from fastw2v.objectives.softmax.objective import SoftmaxObjective
from fastw2v.objectives.softmax.own_pairs import own_pairs, rows_without_own
from fastw2v.objectives.softmax.peak_fit import (
    KNOTS,
    PeakPairs,
    fitted_peaks,
    likely_words,
    peak_pairs,
)
from fastw2v.objectives.softmax.subsampled_loss import SubsampledLoss

__all__ = [
    "FIT_ROWS",
    "STEADY_PAIRS",
    "TextFit",
    "call_kernels",
    "fit_to_text",
    "loss_with_rates",
    "shrunk_rates",
]

# Pairs that the mean rate of all words counts in the rate of each: as few as hold rates of rare
# words together on held-out text (`bench/bench_calibration.py`).
PRIOR_PAIRS = 200.0
# Pairs that are added to what a context has and to what is predicted of it: a step for a word that
# was seen a few times is no leap.
STEADY_PAIRS = 1.0
# Rows of a batch: their scores take no more than a part of what training has.
FIT_ROWS = 64
# Rare words that take a step of the bias together, where they are sampled.
RARE_BAND = 64
# Rows are looked at again, for peaks, that have a probability above this part of the lowest knot
# once the step of the bias is applied but not normalised; and what of it is listed for that.
_NEAR_KNOT = 0.9
_LISTED = 0.7 * KNOTS[0]

_Doubles = NDArray[np.float64]


class TextFit(NamedTuple):
    """What is fitted to the text.

    Attributes
    ----------
    self_rates : (V,) float32
        p(c | c).
    bias_step : (V,) float64
        To be added to the output bias, which then speaks of words other than the centre.
    peaks : Peaks, optional
        What becomes of the largest probabilities; None where it does not help, or was not looked
        for.
    """

    self_rates: NDArray[np.float32]
    bias_step: _Doubles
    peaks: Peaks | None = None


def loss_with_rates(
    objective: SoftmaxObjective[Any],
    batches: BatchSource[Any],
    rates: NDArray[np.float32],
    report: Callable[[int, int | None], None] | None = None,
    peaks: Peaks | None = None,
) -> float:
    """Return the exact mean loss over all rows of the counts, nats per weighted pair.

    As `fastw2v.objectives.softmax.batches.exact_loss`, with rates (V,) of words beside themselves.
    With `peaks` there is room for the scores of a batch, so that it should be small.
    """
    total_loss, total_weight = 0.0, 0.0
    layer, bias = objective.layer, objective.out_bias
    scores = layer.scores_of(batches.max_rows if peaks else 0)
    for batch in every_batch(batches, report):
        objective.load(batch)
        if peaks is None:
            total_loss += layer.loss()
            log_sums = layer.row_log_sums()
        else:
            log_sums = layer.log_sum_exps(bias, scores)
            total_loss += layer.predicted_loss(bias, scores)
        found = own_pairs(layer, batch, log_sums, bias)
        total_loss += found.loss_change(rates[batch.centres])
        if peaks is not None:
            likely = peak_pairs(layer, batch, found, bias, scores, peaks.lowest)
            total_loss += likely.loss_change(peaks)
        total_weight += float(batch.row_weights.sum())
    return total_loss / total_weight


def shrunk_rates(own: _Doubles, sums: _Doubles, pair: float) -> _Doubles:
    """Return how often words stand beside themselves (V,), drawn to the mean over words.

    Parameters
    ----------
    own, sums : (V,) float64
        n(c, c), and the sum of n(c, o) over all o.
    pair : float
        What a pair side by side counts.
    """
    seen = sums > 0
    rates = own[seen] / sums[seen]
    # What nobody saw in so much text may come once in as much again.
    mean = float(rates.mean()) + pair / float(sums.sum())
    prior = PRIOR_PAIRS * pair
    return np.asarray(np.minimum((own + prior * mean) / (sums + prior), 1.0))


def fit_to_text(
    objective: SoftmaxObjective[Any],
    batches: RowBatches[Any],
    counts: SparseCounts,
    bias: VectorArray,
    window: int,
    report: Callable[[int, int | None], None] | None = None,
    first_rare: int | None = None,
    trained: SubsampledLoss | None = None,
) -> TextFit | None:
    """Return rates of words beside themselves, a step of the bias and peaks; None for one word.

    Parameters
    ----------
    objective : ExactSoftmax or FeatureSoftmax
        As training left it; it is not changed.
    batches : CountBatches, or FeatureBatches of such
        Of the plain counts, without subsampling. There is room for the scores of one beside what
        training needs, so that a batch should be small.
    counts : SparseCounts
    bias : (V,) float32
        With which the objective's vectors give probabilities of the text.
    window : int
        What a pair side by side counts.
    report : callable, optional
        Gets batches done, and batches in all; of the latter more when it is known how many rows are
        looked at again.
    first_rare : int, optional
        From which word on batches have draws in place of all words: the number of frequent ones.
        Batches then have each row's own word as a column. Peaks are looked for by layers over all
        words alone: others know no row's probabilities.
    trained : SubsampledLoss, optional
        Gets all batches on the way, which are then over all words; it goes without where None is
        returned.

    Raises
    ------
    DivergenceError
        If `trained` finds no finite loss.
    """
    n_words = len(bias)
    own, sums = counts.self_counts(), counts.row_sums()
    contexts = counts.context_sums() - own
    if n_words < 2 or not contexts.any():
        return None
    rates = shrunk_rates(own, sums, float(window))
    masses, weight = np.zeros(n_words), 0.0
    layer = objective.layer
    scores = layer.scores_of(batches.max_rows)
    likely: list[tuple[NDArray[np.int64], NDArray[np.int64], _Doubles]] = []
    for batch in every_batch(batches, report):
        objective.load(batch if trained is None else trained.weighed(batch))
        log_sums = layer.log_sum_exps(bias, scores)
        if trained is not None:
            trained.add(layer, batch, bias, scores)
        found = own_pairs(layer, batch, log_sums, bias)
        told = np.exp(found.log_own)
        if not layer.lists_columns:
            listed = likely_words(layer, batch, found, bias, scores, _LISTED)
            likely.append((batch.centres[listed[0]], *listed[1:]))
        # Between what was counted and what the softmax says no rate is worse than the latter.
        counted = found.observed / batch.row_weights
        rates[batch.centres] = np.clip(
            rates[batch.centres], np.minimum(counted, told), np.maximum(counted, told)
        )
        is_safe = ~found.is_certain
        scales = np.where(is_safe, found.others / np.exp(found.log_others), 0.0)
        masses[layer.columns] += layer.predicted_masses(scales, scores)
        masses[batch.centres] -= scales * told
        is_left = found.is_certain & (found.others > 0)
        for row, rest, _ in rows_without_own(layer, batch, is_left, bias):
            masses += found.others[row] * rest
        weight += float(batch.row_weights.sum())
    scale = weight / float(sums.sum())
    steady = STEADY_PAIRS * window * scale
    wanted = contexts * scale
    if first_rare is not None:
        wanted, masses = (_by_bands(found, first_rare) for found in (wanted, masses))
    step = np.log((wanted + steady) / (np.maximum(masses, 0.0) + steady))
    peaks = None
    if not layer.lists_columns:
        centres, words, log_q = (np.concatenate(column) for column in zip(*likely, strict=True))
        is_near = np.exp(log_q + step[words]) >= _NEAR_KNOT * KNOTS[0]
        near = batches.only(np.unique(centres[is_near]))
        stepped = (bias + step).astype(np.float32)
        pair = window * scale
        goes_on = _going_on(report, batches.batches_per_epoch)
        peaks = _peaks_of(objective, near, stepped, scores, pair, goes_on)
    return TextFit(rates.astype(np.float32), step, peaks)


def call_kernels(
    objective: SoftmaxObjective[Any], batches: BatchSource[Any], bias: VectorArray
) -> None:
    """Call the kernels of `fit_to_text` that take long to compile, by one batch.

    The last ones first: another process may be compiling them in the order of the fit.

    Parameters
    ----------
    objective, batches, bias
        As for `fit_to_text`; nothing is changed.
    """
    batch = next(iter(batches.one_epoch(0)))
    objective.load(batch)
    layer, n_rows = objective.layer, len(batch.centres)
    scores = layer.scores_of(batches.max_rows)
    layer.log_sum_exps(bias, scores)
    layer.predicted_masses(np.zeros(n_rows), scores)
    if not layer.lists_columns:
        layer.words_above(np.full(n_rows, np.inf), scores)
        layer.predicted_means(np.ones(len(bias), np.float32), scores)
        layer.predicted_loss(bias, scores)


def _going_on(
    report: Callable[[int, int | None], None] | None, before: int
) -> Callable[[int, int | None], None] | None:
    """Return a report of batches that come after so many others."""
    if report is None:
        return None
    return lambda done, total: report(before + done, before + (total or 0))


def _peaks_of(
    objective: SoftmaxObjective[Any],
    batches: BatchSource[Any],
    bias: VectorArray,
    scores: VectorArray,
    pair: float,
    report: Callable[[int, int | None], None] | None,
) -> Peaks | None:
    """Return peaks that are fitted to some rows, with the bias (V,) that they will have."""
    parts: list[PeakPairs] = []
    layer = objective.layer
    for batch in every_batch(batches, report):
        objective.load(batch)
        log_sums = layer.log_sum_exps(bias, scores)
        own = own_pairs(layer, batch, log_sums, bias)
        parts.append(peak_pairs(layer, batch, own, bias, scores, KNOTS[0]))
    return fitted_peaks(PeakPairs.together(parts), pair) if parts else None


def _by_bands(found: _Doubles, first: int) -> _Doubles:
    """Return numbers of words (V,) with means of neighbours in place of those from `first` on.

    What is predicted of a rare word was seen in a few draws only. Words of about the same frequency
    have enough of them together, and take their step together.
    """
    rare = found[first:]
    cuts = np.arange(0, max(len(rare), 1), RARE_BAND)
    if len(cuts) > 1 and len(rare) - cuts[-1] < RARE_BAND:
        cuts = cuts[:-1]
    sizes = np.diff(np.append(cuts, len(rare)))
    means = np.add.reduceat(rare, cuts) / sizes if len(rare) else rare
    return np.concatenate([found[:first], np.repeat(means, sizes)]) if len(rare) else found
