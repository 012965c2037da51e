"""Words among those that they are predicted from, with a hierarchical softmax.

What is left of a row is shared out by the tree over the other words, with powers above knots
(`fastw2v.objectives.losses.share_bins`), by which predicted and observed shares agree.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.kernels.formulas.skipgram import WordRows
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.losses.counted_rates import (
    chosen_logs,
    counted_rates,
    rows_of_words,
    scores_of_words,
    stored_rates,
)
from fastw2v.objectives.losses.own_words import softmax_loss_with_rates
from fastw2v.objectives.losses.rows import BATCH_ROWS, CentreRows
from fastw2v.objectives.losses.scores import TreeScores
from fastw2v.objectives.losses.share_bins import ShareBins, fitted_powers
from fastw2v.objectives.losses.training_rows import training_rows
from fastw2v.objectives.peaks import Peaks
from fastw2v.text.encoded import EncodedTokens

__all__ = ["TreeFit", "tree_fit", "tree_loss_with_rates"]

_Doubles = NDArray[np.float64]
_LEAST_REST = 1e-7  # logarithms are those of numbers in single precision


class TreeFit(NamedTuple):
    """What makes probabilities of the text of a tree's.

    Attributes
    ----------
    self_rates : (V,) float32, optional
        p(c | c); None of a single word, and with CBOW where they would make the text less likely.
    peaks : Peaks, optional
        What becomes of the tree's probabilities of other words; None where it does not help.
    """

    self_rates: NDArray[np.float32] | None = None
    peaks: Peaks | None = None


def tree_fit(
    in_vectors: VectorArray,
    scores: TreeScores,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    workers: int = 1,
) -> TreeFit:
    """Fit rates and powers of a hierarchical softmax to the training text.

    No row's loss is higher for the rates: one is moved to lie between what was counted and what the
    tree says, if it is outside. With CBOW none is moved, but there are none if a sample of the text
    is less likely with them. Powers are fitted to a sample.

    Parameters
    ----------
    in_vectors : (V, D) float32
    scores : TreeScores
    tokens : EncodedTokens
        The training text.
    settings : Hyperparameters
    workers : int
        Threads of counting; the result does not depend on them.
    """
    counted = counted_rates(tokens, len(in_vectors), settings)
    if counted is None:
        return TreeFit()
    rates = counted.rates
    rows = training_rows(in_vectors, tokens, settings, workers, others=True)
    if isinstance(rows, CbowRows):
        if rows.rates_loss(rates) >= _tree_within_loss(scores, rows):
            return TreeFit()
    else:
        told, seen = np.exp(_own_logs(scores, in_vectors)), counted.seen
        rates = stored_rates(np.clip(rates, np.fmin(seen, told), np.fmax(seen, told)))
    if not rows.others_weight:
        return TreeFit(rates)
    return TreeFit(rates, fitted_powers(ShareBins.of_rows(scores, rows, _as_it_is(scores))))


def _as_it_is(scores: TreeScores) -> tuple[float, VectorArray]:
    """Return temperature and bias under which a softmax of a tree's logarithms is the tree."""
    return 1.0, np.zeros(scores.n_words, np.float32)


def tree_loss_with_rates(
    scores: TreeScores,
    rows: CentreRows | CbowRows,
    rates: NDArray[np.float32],
    peaks: Peaks | None = None,
) -> float:
    """Return the mean loss of a hierarchical softmax with rates (V,) of own pairs.

    Parameters
    ----------
    scores : TreeScores
    rows : CentreRows or CbowRows
        With `others`.
    rates : (V,) float32
    peaks : Peaks, optional
        What becomes of the tree's probabilities of other words.
    """
    if peaks is not None:
        return softmax_loss_with_rates(scores, rows, rates, _as_it_is(scores), peaks)
    loss = rows.rates_loss(rates)
    for batch in rows:
        assert batch.left_out is not None
        logs = _leaf_logs(scores, batch.inputs, batch.left_out)
        log_rest = np.log(_rest(logs, batch.left_out))
        loss += float(
            batch.row_weights @ log_rest - batch.contexts.weights @ scores.observed(batch)
        )
    return loss / rows.weight


def _tree_within_loss(scores: TreeScores, rows: CbowRows) -> float:
    """Return what rates would replace: the `within_loss` of a tree."""
    loss = 0.0
    for batch, windows in rows.with_windows():
        logs = _leaf_logs(scores, batch.inputs, windows)
        loss -= float(chosen_logs(batch, windows, logs, np.log(_rest(logs, windows)))[0].sum())
    return loss


def _leaf_logs(scores: TreeScores, inputs: VectorArray, words: WordRows) -> _Doubles:
    """Return log q of some words of each row, below 0."""
    logs = scores_of_words(scores, inputs, words)
    return np.asarray(np.minimum(logs, -np.finfo(np.float64).tiny))


def _rest(logs: _Doubles, words: WordRows) -> _Doubles:
    """Return what is left for other words, of each row, above 0."""
    n_rows = len(words.starts) - 1
    if len(logs) == n_rows:  # one word each
        return np.asarray(-np.expm1(logs))
    taken = np.bincount(rows_of_words(words), np.exp(logs), n_rows)
    return np.asarray(np.maximum(1.0 - taken, _LEAST_REST), np.float64)


def _own_logs(scores: TreeScores, inputs: VectorArray) -> _Doubles:
    """Return log q(c | c) of all words (V,), below 0."""
    parts = []
    for first in range(0, len(inputs), BATCH_ROWS):
        words = np.arange(first, min(first + BATCH_ROWS, len(inputs)))
        parts.append(_leaf_logs(scores, inputs[words], WordRows.single(words)))
    return np.concatenate(parts)
