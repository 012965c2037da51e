"""What batches say of words and themselves, beside a softmax over all words."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.arrays import VectorArray, unpadded_rows
from fastw2v.objectives.softmax.output_layer import OutputLayer

__all__ = ["OwnPairs", "own_pairs", "rows_without_own", "without_own"]

# Above this single precision has too little of the rest of a row, which is computed anew.
_MOST_OWN = math.log(0.999)
_ROUNDING = 1e-6
_WORDS_AT_ONCE = 4096  # whose vectors are copied in double precision

_Doubles = NDArray[np.float64]


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

    @property
    def is_certain(self) -> NDArray[np.bool_]:
        """Whether single precision has too little of the rest of a row (R,)."""
        return np.asarray(self.log_own > _MOST_OWN)

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
    for row, _, log_rest in rows_without_own(layer, batch, log_own > _MOST_OWN, bias):
        log_all = np.logaddexp(scores[row], log_rest)
        log_own[row], log_others[row] = scores[row] - log_all, log_rest - log_all
    return OwnPairs(log_own, log_others, observed.astype(np.float64), others)


def rows_without_own(
    layer: OutputLayer, batch: Any, is_chosen: NDArray[np.bool_], bias: VectorArray
) -> Iterator[tuple[int, _Doubles, float]]:
    """Yield some rows of a batch (R,), with what `without_own` returns of each.

    Parameters as of `own_pairs`.
    """
    if not is_chosen.any():
        return
    table = layer.table  # a copy of it where it is a device's
    inputs = unpadded_rows(layer.rows, len(is_chosen), layer.dimensions)
    for row in np.flatnonzero(is_chosen).tolist():
        yield row, *without_own(inputs[row], table, bias, int(batch.centres[row]))


def without_own(
    inputs: NDArray[np.floating[Any]], outputs: VectorArray, bias: VectorArray, centre: int
) -> tuple[_Doubles, float]:
    """Return the softmax (V,) of one row over all words but its centre, and their log-sum-exp."""
    scores, row = bias.astype(np.float64), inputs.astype(np.float64)
    for first in range(0, len(outputs), _WORDS_AT_ONCE):
        words = slice(first, first + _WORDS_AT_ONCE)
        # Not by BLAS: its last bits depend on how many threads it has.
        scores[words] += np.einsum("wd,d->w", outputs[words].astype(np.float64), row)
    scores[centre] = -np.inf
    peak = scores.max()
    exponentials = np.exp(scores - peak)
    total = exponentials.sum()
    return exponentials / total, float(peak + np.log(total))
