"""The loss of training, from a pass over the plain counts: no product of its own.

Training weighs a pair (c, o) by k_c k_o of what it counts, with the shares k that subsampling
keeps, and its softmax q belongs to those counts. Probabilities of the text are p = q / k,
normalised (docs/math.md, section 7), so that

    log q(o | c) = log p(o | c) + log k_o - log sum over w of p(w | c) k_w
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import SparseCounts
from fastw2v.errors import DivergenceError
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.softmax.output_layer import OutputLayer

__all__ = ["SubsampledLoss", "require_finite_loss"]


def require_finite_loss(loss_nats: float) -> None:
    """Raise `DivergenceError` for a loss of the final vectors that is no finite number."""
    if not math.isfinite(loss_nats):
        raise DivergenceError(
            f"training diverged: expected a finite loss of the final vectors, got {loss_nats}; use "
            "a smaller --learning-rate"
        )


class SubsampledLoss:
    """The mean loss over all rows of the counts, nats per weighted pair.

    Parameters
    ----------
    counts : SparseCounts
    keep : (V,) float64
        Subsampling weight of each word, as centre and as context, above 0.
    """

    def __init__(self, counts: SparseCounts, keep: NDArray[np.float64]) -> None:
        self._keep = keep.astype(np.float32)
        self._plain_masses = counts.row_sums()
        self._masses = counts.row_sums(keep) * keep
        # That of log k_o does not depend on what was learned. A sum, here and below: with more
        # threads the last bits of a long product by BLAS differ.
        self._loss = -float(np.sum(counts.context_sums(keep) * keep * np.log(keep)))
        self._weight = 0.0

    def weighed(self, batch: Any) -> Any:
        """Return a batch of plain counts with the weights of training, for the layer to take."""
        of_rows = self._keep[batch.centres]
        weights = batch.weights * of_rows[batch.entry_rows] * self._keep[batch.columns]
        masses = self._masses[batch.centres] * self._scale(batch)
        return batch._replace(weights=weights, row_weights=masses)

    def add(self, layer: OutputLayer, batch: Any, bias: VectorArray, scores: VectorArray) -> None:
        """Add a batch that the layer has as `weighed` gives it; each row comes once.

        Parameters
        ----------
        layer : OutputLayer
            After `log_sum_exps` with `bias` (V,), that of the text, and `scores`.
        batch : Batch or FeatureBatch
            Of plain counts.
        bias : (V,) float32
        scores : float32

        Raises
        ------
        DivergenceError
            If the loss is no finite number.
        """
        loss = layer.predicted_loss(bias, scores) / self._scale(batch)
        require_finite_loss(loss)
        masses = self._masses[batch.centres]
        means = layer.predicted_means(self._keep, scores)
        self._loss += loss + float(np.sum(masses * np.log(means)))
        self._weight += float(masses.sum())

    def _scale(self, batch: Any) -> float:
        """Return what batches weigh a pair by, so that rows weigh 1 on average."""
        return float(batch.row_weights.sum() / self._plain_masses[batch.centres].sum())

    @property
    def loss_nats(self) -> float | None:
        """The mean, once all rows were added; None where nothing was."""
        return self._loss / self._weight if self._weight else None
