"""Words beside themselves, for objectives that go over running text (docs/math.md, section 21).

A product of vectors, or a tree of them, makes p(c | c) too large whatever it is trained by. As with
the exact softmax a word's own place gets a rate, which is counted over the whole text, and what is
left is shared out by the model's scores over the other words:

    p(o | c) = rate_c [o = c] + (1 - rate_c) p(o | c, not c)

So the loss of a text has two parts, which do not depend on each other: that of the rates, and that
of a softmax which leaves the centre out.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.counts.own_pairs import OwnPairCounts, count_own_pairs
from fastw2v.kernels.formulas.skipgram import SparseRows
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.losses.calibration import Calibration, calibrate, calibrated_loss
from fastw2v.objectives.losses.rows import BATCH_ROWS, CentreRows, RowBatch, training_rows
from fastw2v.objectives.losses.scores import SoftmaxScores, TreeScores
from fastw2v.objectives.softmax.text_fit import shrunk_rates
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens

__all__ = [
    "ScoreFit",
    "loss_with_own_rates",
    "score_fit",
    "softmax_loss_with_rates",
    "tree_loss_with_rates",
    "tree_rates",
]

_Doubles = NDArray[np.float64]
_Report = Callable[[int, int | None], None] | None
# What is left for other words is not rounded away: a text that is measured may have them.
_LARGEST_RATE = np.nextafter(np.float32(1), np.float32(0))
# Where no word has another one near: any scores would do.
_NOTHING_LEARNED = Calibration(1.0, 1.0, 0.0)


class ScoreFit(NamedTuple):
    """What turns scores of negative sampling into probabilities of the text.

    Attributes
    ----------
    temperature : float
    out_bias : (V,) float32
        With them p(o | h) = softmax(temperature * u_o . h + out_bias_o), of skip-gram over the
        words other than the centre.
    self_rates : (V,) float32, optional
        p(c | c); None with CBOW, and of a single word.
    loss_nats : float
        The mean of -log p over the sample of the training text that it was fitted on.
    """

    temperature: float
    out_bias: NDArray[np.float32]
    self_rates: NDArray[np.float32] | None
    loss_nats: float


def score_fit(
    vectors: tuple[VectorArray, VectorArray],
    log_unigram: VectorArray,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    pool: WorkerPool,
    report: _Report = None,
) -> ScoreFit:
    """Fit temperature, weight of the unigram distribution and rates to the training text.

    Rates are counted over the whole text, the two numbers fitted on a sample of it.

    Parameters
    ----------
    vectors : tuple of (V, D) float32
        Input and output vectors.
    log_unigram : (V,) float32
    tokens : EncodedTokens
        The training text.
    settings : Hyperparameters
    pool : WorkerPool
    report : callable, optional
        Gets the rounds that are done, and at the end with as many in all.

    Raises
    ------
    DivergenceError
        As `fastw2v.objectives.losses.calibration.calibrate`.
    """
    in_vectors, out_vectors = vectors
    counted = _own_counts(tokens, len(in_vectors), settings)
    if counted is None:
        rows = training_rows(in_vectors, tokens, settings, pool.workers)
        found = calibrate(SoftmaxScores(out_vectors, pool), rows, log_unigram, report)
        bias = (found.unigram_weight * log_unigram).astype(np.float32)
        return ScoreFit(found.temperature, bias, None, found.loss_nats)
    rates = _stored(shrunk_rates(*counted, float(settings.window)))
    others = training_rows(in_vectors, tokens, settings, pool.workers, others=True)
    assert isinstance(others, CentreRows)  # of skip-gram alone there are counts
    found = _NOTHING_LEARNED
    if others.others_weight:
        found = calibrate(SoftmaxScores(out_vectors, pool), others, log_unigram, report)
    loss_nats = loss_with_own_rates(others, rates, found.loss_nats * others.others_weight)
    bias = (found.unigram_weight * log_unigram).astype(np.float32)
    return ScoreFit(found.temperature, bias, rates, loss_nats)


def tree_rates(
    in_vectors: VectorArray, scores: TreeScores, tokens: EncodedTokens, settings: Hyperparameters
) -> NDArray[np.float32] | None:
    """Return p(c | c) (V,) for a hierarchical softmax, so that no row's loss is higher for it.

    A rate is moved to lie between what was counted and what the tree says, if it is outside. None
    with CBOW, and of a single word.
    """
    n_words = len(in_vectors)
    counted = _own_counts(tokens, n_words, settings)
    if counted is None:
        return None
    own, sums = counted
    rates = shrunk_rates(own, sums, float(settings.window))
    told = np.exp(_own_logs(scores, in_vectors, np.arange(n_words)))
    seen = np.divide(own, sums, out=rates.copy(), where=sums > 0)
    return _stored(np.clip(rates, np.minimum(seen, told), np.maximum(seen, told)))


def _own_counts(
    tokens: EncodedTokens, n_words: int, settings: Hyperparameters
) -> OwnPairCounts | None:
    """Return counts of own pairs; None with CBOW, and of a single word, which has no others."""
    if settings.model != "skipgram" or n_words < 2:
        return None
    return count_own_pairs(tokens, n_words, settings.window)


def _stored(rates: _Doubles) -> NDArray[np.float32]:
    return np.minimum(rates.astype(np.float32), _LARGEST_RATE)


def loss_with_own_rates(rows: CentreRows, rates: NDArray[np.float32], others_loss: float) -> float:
    """Return the mean loss over all pairs of rows, own ones with rates (V,), nats a pair.

    Parameters
    ----------
    rows : CentreRows
    rates : (V,) float32
        p(c | c).
    others_loss : float
        The sum of -log p(o | c, not c) over the pairs of different words.
    """
    own, sums = rows.own_weights
    others = sums - own
    used = rates[rows.centres].astype(np.float64)
    with np.errstate(divide="ignore"):
        apart = -own[own > 0] @ np.log(used[own > 0])
        shared = -others[others > 0] @ np.log1p(-used[others > 0])
    return float(apart + shared + others_loss) / float(sums.sum())


def softmax_loss_with_rates(
    scores: SoftmaxScores,
    rows: CentreRows,
    rates: NDArray[np.float32],
    fit: tuple[float, VectorArray],
) -> float:
    """Return the mean loss of softmax(t z + b) over other words, and rates (V,) of own pairs.

    Parameters
    ----------
    scores : SoftmaxScores
    rows : CentreRows
        With `others`.
    rates : (V,) float32
    fit : tuple of float and (V,) float32
        t and b.
    """
    temperature, bias = fit
    others_loss = 0.0
    if rows.others_weight:
        point = Calibration(temperature, 1.0, np.nan)
        others_loss = calibrated_loss(scores, rows, bias, point) * rows.others_weight
    return loss_with_own_rates(rows, rates, others_loss)


def tree_loss_with_rates(scores: TreeScores, rows: CentreRows, rates: NDArray[np.float32]) -> float:
    """Return the mean loss of a hierarchical softmax with rates (V,) of own pairs.

    Parameters
    ----------
    scores : TreeScores
    rows : CentreRows
        With `others`.
    rates : (V,) float32
    """
    loss = 0.0
    for batch in rows:
        assert batch.left_out is not None
        log_rest = np.log(-np.expm1(_diagonal(scores, batch.inputs, batch.left_out)))
        loss += float(
            batch.row_weights @ log_rest - batch.contexts.weights @ scores.observed(batch)
        )
    return loss_with_own_rates(rows, rates, loss)


def _own_logs(scores: TreeScores, inputs: VectorArray, words: NDArray[np.int64]) -> _Doubles:
    parts = [
        _diagonal(scores, inputs[first : first + BATCH_ROWS], words[first : first + BATCH_ROWS])
        for first in range(0, len(words), BATCH_ROWS)
    ]
    return np.concatenate(parts)


def _diagonal(scores: TreeScores, inputs: VectorArray, words: NDArray[np.integer[Any]]) -> _Doubles:
    """Return log q(w | h) of one word for each row, below 0."""
    n_rows = len(inputs)
    one_each = SparseRows(np.arange(n_rows + 1), words.astype(np.int32), np.ones(n_rows))
    logs = scores.observed(RowBatch(inputs, one_each))
    return np.asarray(np.minimum(logs, -np.finfo(np.float64).tiny))
