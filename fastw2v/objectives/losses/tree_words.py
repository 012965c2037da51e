"""Words among those that they are predicted from, with a hierarchical softmax.

What is left of a row is shared out by the tree over the other words, with a bias of each word and
powers above knots (`fastw2v.objectives.losses.share_bins`), by which predicted and observed shares
agree.
"""

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.kernels.formulas.skipgram import WordRows
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.losses.counted_rates import (
    counted_rates,
    scores_of_words,
    stored_rates,
)
from fastw2v.objectives.losses.own_words import (
    Report,
    ScoreFit,
    calibrated_fit,
    one_word,
    softmax_loss_with_rates,
)
from fastw2v.objectives.losses.rows import BATCH_ROWS, CentreRows
from fastw2v.objectives.losses.scores import TreeScores
from fastw2v.objectives.losses.training_rows import fitting_rows
from fastw2v.objectives.peaks import Peaks
from fastw2v.text.encoded import EncodedTokens

__all__ = ["tree_fit", "tree_loss_with_rates"]

_Doubles = NDArray[np.float64]
_LEAST_REST = 1e-7  # logarithms are those of numbers in single precision


def tree_fit(
    in_vectors: VectorArray,
    scores: TreeScores,
    log_unigram: VectorArray,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    workers: int = 1,
    report: Report = None,
) -> ScoreFit:
    """Fit rates, temperature, bias and powers of a hierarchical softmax to the training text.

    No row's loss is higher for the rates: one is moved to lie between what was counted and what the
    tree says, if it is outside. With CBOW none is moved, but there are none if a sample of the text
    is less likely with them. The rest is fitted to a sample.

    Parameters
    ----------
    in_vectors : (V, D) float32
    scores : TreeScores
    log_unigram : (V,) float32
    tokens : EncodedTokens
        The training text.
    settings : Hyperparameters
    workers : int
        Threads of counting; the result does not depend on them.
    report : callable, optional
        As of `fastw2v.objectives.losses.own_words.score_fit`.
    """
    counted = counted_rates(tokens, len(in_vectors), settings)
    if counted is None:
        return one_word()
    rows = fitting_rows(in_vectors, tokens, settings, workers)
    if settings.model == "skipgram":
        told, seen = np.exp(_own_logs(scores, in_vectors)), counted.seen
        rates = np.clip(counted.rates.astype(np.float64), np.fmin(seen, told), np.fmax(seen, told))
        counted = counted._replace(rates=stored_rates(rates))
    return calibrated_fit(scores, rows, log_unigram, counted, report)


def tree_loss_with_rates(
    scores: TreeScores,
    rows: CentreRows | CbowRows,
    rates: NDArray[np.float32],
    fit: tuple[float, VectorArray],
    peaks: Peaks | None = None,
) -> float:
    """Return the mean loss of a hierarchical softmax with rates (V,) of own pairs.

    Parameters
    ----------
    scores : TreeScores
    rows : CentreRows or CbowRows
        With `others`.
    rates : (V,) float32
    fit : tuple of float and (V,) float32
        t and b: probabilities of other words are as softmax(t log q + b).
    peaks : Peaks, optional
        What becomes of these.
    """
    if peaks is not None or fit[0] != 1 or fit[1].any():
        return softmax_loss_with_rates(scores, rows, rates, fit, peaks)
    loss = rows.rates_loss(rates)
    for batch in rows:  # the tree as it is: a path for each word
        assert batch.left_out is not None
        logs = _leaf_logs(scores, batch.inputs, batch.left_out)
        log_rest = np.log(_rest(logs, batch.left_out))
        loss += float(
            batch.row_weights @ log_rest - batch.contexts.weights @ scores.observed(batch)
        )
    return loss / rows.weight


def _leaf_logs(scores: TreeScores, inputs: VectorArray, words: WordRows) -> _Doubles:
    """Return log q of some words of each row, below 0."""
    logs = scores_of_words(scores, inputs, words)
    return np.asarray(np.minimum(logs, -np.finfo(np.float64).tiny))


def _rest(logs: _Doubles, words: WordRows) -> _Doubles:
    """Return what is left for other words, of each row, above 0."""
    n_rows = len(words.starts) - 1
    if len(logs) == n_rows:  # one word each
        return np.asarray(-np.expm1(logs))
    taken = np.bincount(words.rows, np.exp(logs), n_rows)
    return np.asarray(np.maximum(1.0 - taken, _LEAST_REST), np.float64)


def _own_logs(scores: TreeScores, inputs: VectorArray) -> _Doubles:
    """Return log q(c | c) of all words (V,), below 0."""
    parts = []
    for first in range(0, len(inputs), BATCH_ROWS):
        words = np.arange(first, min(first + BATCH_ROWS, len(inputs)))
        parts.append(_leaf_logs(scores, inputs[words], WordRows.single(words)))
    return np.concatenate(parts)
