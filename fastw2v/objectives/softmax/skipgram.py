"""The exact full-softmax objective: batches joined with the kernels that train on them.

See docs/math.md for the loss, and `fastw2v.kernels.softmax.tiles` for how a step is computed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.softmax.centre_rows import gather_rows, update_centres
from fastw2v.kernels.softmax.layout import WORD_STEP
from fastw2v.objectives.arrays import VectorArray, round_up
from fastw2v.objectives.softmax.objective import SoftmaxObjective
from fastw2v.objectives.softmax.optimizers import StepRules
from fastw2v.objectives.softmax.output_layer import ChosenColumns

__all__ = ["Batch", "ExactSoftmax", "scores_bytes"]


class Batch(NamedTuple):
    """Distinct centre rows with their weighed contexts, as `prepare_rows` gives them.

    Where the softmax is over some columns only, `chosen` says which, and `columns` are numbers of
    these.
    """

    centres: NDArray[np.int32]
    tile_starts: NDArray[np.int64]
    entry_rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    row_weights: NDArray[np.float64]
    chosen: ChosenColumns | None = None


def scores_bytes(n_words: int, n_rows: int) -> int:
    """Return the size of the largest array of a step, in bytes."""
    return 4 * round_up(n_words, WORD_STEP) * round_up(n_rows, PANEL)


class ExactSoftmax(SoftmaxObjective[Batch]):
    """The exact step on batches of centre rows; the input vectors are those of centre words."""

    def _write_rows(self, batch: Batch, rows: VectorArray) -> None:
        gather_rows(batch.centres, self.inputs.vectors, self.layer.stride, rows)

    def _update_inputs(self, batch: Batch, gradients: VectorArray, rules: StepRules) -> None:
        moved = (self.layer.stride, gradients, batch.centres)
        self.pool.run_kernel(update_centres, *moved, self.inputs, rules.centre)
