"""What the text says of a trained softmax: how often words stand beside themselves, and the rest.

A product of vectors cannot make p(c | c) small, since a vector is near to itself. So a word's own
place gets a rate, which is counted, and the softmax is one over the other words (docs/math.md,
section 21):

    p(o | c) = rate_c [o = c] + (1 - rate_c) e^z_co / sum over w other than c of e^z_cw

Then the bias takes one step of iterative scaling (Darroch and Ratcliff 1972), by which each word is
predicted as often as it comes in the text. Neither can raise the loss of the counts.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import SparseCounts
from fastw2v.objectives.arrays import VectorArray, unpadded_rows
from fastw2v.objectives.softmax.batches import BatchSource, every_batch
from fastw2v.objectives.softmax.objective import SoftmaxObjective
from fastw2v.objectives.softmax.output_layer import OutputLayer

__all__ = [
    "FIT_ROWS",
    "OwnPairs",
    "TextFit",
    "fit_to_text",
    "loss_with_rates",
    "own_pairs",
    "shrunk_rates",
    "without_own",
]

# Pairs that the mean rate of all words counts in the rate of each: as few as hold rates of rare
# words together on held-out text (`bench/bench_calibration.py`).
PRIOR_PAIRS = 200.0
# Pairs that are added to what a context has and to what is predicted of it: a step for a word that
# was seen a few times is no leap.
STEADY_PAIRS = 1.0
# Above this single precision has too little of the rest of a row, which is computed anew.
_MOST_OWN = math.log(0.999)
_ROUNDING = 1e-6
_WORDS_AT_ONCE = 4096  # whose vectors are copied in double precision
# Rows of a batch: their scores take no more than a part of what training has.
FIT_ROWS = 64
# Rare words that take a step of the bias together, where they are sampled.
RARE_BAND = 64

_Doubles = NDArray[np.float64]


class TextFit(NamedTuple):
    """What is fitted to the text.

    Attributes
    ----------
    self_rates : (V,) float32
        p(c | c).
    bias_step : (V,) float64
        To be added to the output bias, which then speaks of words other than the centre.
    """

    self_rates: NDArray[np.float32]
    bias_step: _Doubles


class OwnPairs(NamedTuple):
    """What a batch says of words and themselves, a number for each of its R rows.

    Attributes
    ----------
    log_own, log_others : (R,) float64
        log p(c | c) of the softmax, and log(1 - p(c | c)).
    observed, others : (R,) float64
        Weights of pairs of the word with itself, and with other words.
    """

    log_own: _Doubles
    log_others: _Doubles
    observed: _Doubles
    others: _Doubles

    def loss_change(self, rates: NDArray[np.floating[Any]]) -> float:
        """Return the loss of these pairs with rates (R,) less that of the softmax alone, nats."""
        rates = rates.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            own = self.observed * (self.log_own - np.log(rates))
            rest = self.others * (self.log_others - np.log1p(-rates))
        return float(own[self.observed > 0].sum() + rest[self.others > 0].sum())


def own_pairs(layer: OutputLayer, batch: Any, log_sums: _Doubles, bias: VectorArray) -> OwnPairs:
    """Return what a batch says of words and themselves.

    Parameters
    ----------
    layer : OutputLayer
        It has the batch, and its input rows.
    batch : Batch or FeatureBatch
    log_sums : (rows,) float64
        The log-sum-exp of each row's scores, with `bias`.
    bias : (V,) float32
    """
    centres = batch.centres
    n_rows = len(centres)
    inputs = unpadded_rows(layer.rows, n_rows, layer.dimensions).astype(np.float64)
    scores = (inputs * layer.vectors_of(centres)).sum(axis=1) + bias[centres]
    words = batch.columns if batch.chosen is None else batch.chosen.words[batch.columns]
    is_own = words == centres[batch.entry_rows]
    observed = np.bincount(
        batch.entry_rows[is_own], batch.weights[is_own].astype(np.float64), n_rows
    )
    others = batch.row_weights - observed
    others[others < _ROUNDING * batch.row_weights] = 0.0  # weights are float32
    log_own = np.minimum(scores - log_sums[:n_rows], -np.finfo(np.float64).tiny)
    log_others = np.log(-np.expm1(log_own))
    for row in np.flatnonzero(log_own > _MOST_OWN):
        _, log_rest = without_own(inputs[row], layer.table, bias, int(centres[row]))
        log_all = np.logaddexp(scores[row], log_rest)
        log_own[row], log_others[row] = scores[row] - log_all, log_rest - log_all
    return OwnPairs(log_own, log_others, observed.astype(np.float64), others)


def without_own(
    inputs: NDArray[np.floating[Any]], outputs: VectorArray, bias: VectorArray, centre: int
) -> tuple[_Doubles, float]:
    """Return the softmax (V,) of one row over all words but its centre, and their log-sum-exp."""
    scores, row = bias.astype(np.float64), inputs.astype(np.float64)
    for first in range(0, len(outputs), _WORDS_AT_ONCE):
        words = slice(first, first + _WORDS_AT_ONCE)
        scores[words] += outputs[words].astype(np.float64) @ row
    scores[centre] = -np.inf
    peak = scores.max()
    exponentials = np.exp(scores - peak)
    total = exponentials.sum()
    return exponentials / total, float(peak + np.log(total))


def loss_with_rates(
    objective: SoftmaxObjective[Any],
    batches: BatchSource[Any],
    rates: NDArray[np.float32],
    report: Callable[[int, int | None], None] | None = None,
) -> float:
    """Return the exact mean loss over all rows of the counts, nats per weighted pair.

    As `fastw2v.objectives.softmax.batches.exact_loss`, with rates (V,) of words beside themselves.
    """
    total_loss, total_weight = 0.0, 0.0
    layer, bias = objective.layer, objective.out_bias
    for batch in every_batch(batches, report):
        total_loss += objective.loss(batch)
        found = own_pairs(layer, batch, layer.row_log_sums(), bias)
        total_loss += found.loss_change(rates[batch.centres])
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
    batches: BatchSource[Any],
    counts: SparseCounts,
    bias: VectorArray,
    window: int,
    report: Callable[[int, int | None], None] | None = None,
    first_rare: int | None = None,
) -> TextFit | None:
    """Return rates of words beside themselves, and a step of the bias; None for a single word.

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
        Gets batches done, and batches in all.
    first_rare : int, optional
        From which word on batches have draws in place of all words: the number of frequent ones.
        Batches then have each row's own word as a column.
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
    for batch in every_batch(batches, report):
        objective.load(batch)
        log_sums = layer.log_sum_exps(bias, scores)
        found = own_pairs(layer, batch, log_sums, bias)
        told = np.exp(found.log_own)
        # Between what was counted and what the softmax says no rate is worse than the latter.
        counted = found.observed / batch.row_weights
        rates[batch.centres] = np.clip(
            rates[batch.centres], np.minimum(counted, told), np.maximum(counted, told)
        )
        is_safe = found.log_own <= _MOST_OWN
        scales = np.where(is_safe, found.others / np.exp(found.log_others), 0.0)
        masses[layer.columns] += layer.predicted_masses(scales, scores)
        masses[batch.centres] -= scales * told
        inputs = unpadded_rows(layer.rows, len(told), layer.dimensions)
        for row in np.flatnonzero(~is_safe & (found.others > 0)):
            rest, _ = without_own(inputs[row], layer.table, bias, int(batch.centres[row]))
            masses += found.others[row] * rest
        weight += float(batch.row_weights.sum())
    scale = weight / float(sums.sum())
    steady = STEADY_PAIRS * window * scale
    wanted = contexts * scale
    if first_rare is not None:
        wanted, masses = (_by_bands(found, first_rare) for found in (wanted, masses))
    step = np.log((wanted + steady) / (np.maximum(masses, 0.0) + steady))
    return TextFit(rates.astype(np.float32), step)


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
