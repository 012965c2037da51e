"""The exact loss over a sample of rows, with its standard error, where all rows would take long."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import SparseCounts
from fastw2v.objectives.softmax.batches import BatchSource, CountBatches, every_batch
from fastw2v.objectives.softmax.objective import SoftmaxObjective
from fastw2v.objectives.softmax.skipgram import Batch

__all__ = ["LOSS_ROWS", "DrawnRows", "SampledLoss", "sampled_loss"]

# Drawn in groups, whose means tell the error.
LOSS_ROWS = 8192
_GROUPS = 32
_ROW_STREAM = 10  # keeps the rows apart from other uses of the seed


class SampledLoss(NamedTuple):
    """A mean over drawn rows.

    Attributes
    ----------
    loss_nats : float
        Per weighted pair.
    error_nats : float
        Its standard error.
    n_rows : int
        How many were drawn.
    """

    loss_nats: float
    error_nats: float
    n_rows: int


class DrawnRows(CountBatches):
    """Groups of rows, each drawn in proportion to its weight; one that came twice weighs 2.

    The mean loss of such rows is that of all pairs in expectation. A row of counts of 0 is never
    drawn. An epoch has one batch for each group.

    Parameters
    ----------
    counts, keep, dimensions, seed, tile
        As in `CountBatches`.
    rows : int
        The most distinct rows of a batch.
    """

    def __init__(
        self, counts: SparseCounts, keep: NDArray[np.float64], *, rows: int, **options: Any
    ) -> None:
        super().__init__(counts, keep, rows=rows, **options)
        weights = self.weights[self.centres]
        self._shares = weights / weights.sum()
        self._size = min(LOSS_ROWS // _GROUPS, self.max_rows)

    @property
    def n_rows(self) -> int:
        """How many rows are drawn in all."""
        return self._size * _GROUPS

    @property
    def batches_per_epoch(self) -> int:
        """Number of groups."""
        return _GROUPS

    def one_epoch(self, number: int) -> Iterator[Batch]:
        """Yield the groups."""
        generator = np.random.default_rng([self.seed, _ROW_STREAM, number])
        for _ in range(_GROUPS):
            picks = np.searchsorted(np.cumsum(self._shares), generator.random(self._size))
            rows, times = np.unique(np.minimum(picks, len(self.centres) - 1), return_counts=True)
            batch = self.batch(self.centres[rows])
            scales = times / batch.row_weights
            weights = (batch.weights * scales[batch.entry_rows]).astype(np.float32)
            yield batch._replace(weights=weights, row_weights=times.astype(np.float64))


def sampled_loss(
    objective: SoftmaxObjective[Any],
    batches: BatchSource[Any],
    report: Callable[[int, int | None], None] | None = None,
) -> SampledLoss:
    """Return the exact mean loss of drawn rows, nats per weighted pair.

    Parameters
    ----------
    objective : ExactSoftmax or FeatureSoftmax
    batches : DrawnRows, or FeatureBatches of such
    report : callable, optional
        Gets batches done, and batches in all.
    """
    means, n_rows = [], 0.0
    for batch in every_batch(batches, report):
        weight = float(batch.row_weights.sum())
        means.append(objective.loss(batch) / weight)
        n_rows += weight
    found = np.array(means)
    with np.errstate(invalid="ignore"):
        error = float(found.std(ddof=1)) / math.sqrt(len(found))
    return SampledLoss(float(found.mean()), error, round(n_rows))
