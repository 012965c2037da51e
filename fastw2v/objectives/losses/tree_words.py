"""Words among those that they are predicted from, with a hierarchical softmax."""

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
from fastw2v.objectives.losses.rows import BATCH_ROWS, CentreRows
from fastw2v.objectives.losses.scores import TreeScores
from fastw2v.objectives.losses.training_rows import training_rows
from fastw2v.text.encoded import EncodedTokens

__all__ = ["tree_loss_with_rates", "tree_rates"]

_Doubles = NDArray[np.float64]
_LEAST_REST = 1e-7  # logarithms are those of numbers in single precision


def tree_rates(
    in_vectors: VectorArray, scores: TreeScores, tokens: EncodedTokens, settings: Hyperparameters
) -> NDArray[np.float32] | None:
    """Return p(c | c) (V,) for a hierarchical softmax, so that no row's loss is higher for it.

    A rate is moved to lie between what was counted and what the tree says, if it is outside. With
    CBOW none is moved, but None is returned if a sample of the text is less likely with them; and
    of a single word.
    """
    n_words = len(in_vectors)
    counted = counted_rates(tokens, n_words, settings)
    if counted is None:
        return None
    rates = counted.rates
    if settings.model == "cbow":
        rows = training_rows(in_vectors, tokens, settings, 1, others=True)
        assert isinstance(rows, CbowRows)
        return rates if rows.rates_loss(rates) < _tree_within_loss(scores, rows) else None
    told = np.exp(_own_logs(scores, in_vectors))
    seen = counted.seen
    return stored_rates(np.clip(rates, np.fmin(seen, told), np.fmax(seen, told)))


def tree_loss_with_rates(
    scores: TreeScores, rows: CentreRows | CbowRows, rates: NDArray[np.float32]
) -> float:
    """Return the mean loss of a hierarchical softmax with rates (V,) of own pairs.

    Parameters
    ----------
    scores : TreeScores
    rows : CentreRows or CbowRows
        With `others`.
    rates : (V,) float32
    """
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
