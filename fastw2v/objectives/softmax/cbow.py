"""The exact full softmax of CBOW: the contexts of a position together predict its word.

docs/math.md, section 16: the input row is the mean or the sum of the contexts' vectors, and each
context receives the true gradient, divided by their number for the mean.
"""

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Precision
from fastw2v.kernels.softmax.context_mean import (
    combine_contexts,
    context_gradients,
    update_contexts,
)
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.softmax.cbow_batches import CbowBatch
from fastw2v.objectives.softmax.device.library import Device
from fastw2v.objectives.softmax.objective import SoftmaxObjective
from fastw2v.objectives.softmax.optimizers import StepRules
from fastw2v.system.threads import WorkerPool

__all__ = ["CbowSoftmax"]


class CbowSoftmax(SoftmaxObjective[CbowBatch]):
    """The exact step on batches of positions; the input vectors are those of contexts.

    Parameters
    ----------
    in_vectors, out_vectors : (V, D) float32
    out_bias : (V,) float32
    mean : bool
        The input is the mean of the contexts' vectors; else their sum.
    max_rows : int
        The most positions that a batch will have.
    optimizer, precision, pool, device
        As in `SoftmaxObjective`.
    """

    def __init__(
        self,
        in_vectors: NDArray[np.float32],
        out_vectors: NDArray[np.float32],
        out_bias: NDArray[np.float32],
        *,
        mean: bool = True,
        optimizer: str = "adam",
        max_rows: int = 1024,
        precision: Precision = "float32",
        pool: WorkerPool,
        device: Device | None = None,
    ) -> None:
        super().__init__(
            in_vectors,
            out_vectors,
            out_bias,
            optimizer=optimizer,
            max_rows=max_rows,
            precision=precision,
            pool=pool,
            device=device,
        )
        self.mean = mean

    def _write_rows(self, batch: CbowBatch, rows: VectorArray) -> None:
        made = (batch.windows, self.mean, self.inputs.vectors, self.layer.stride, rows)
        self.pool.run_kernel(combine_contexts, *made)

    def _update_inputs(self, batch: CbowBatch, gradients: VectorArray, rules: StepRules) -> None:
        layer = self.layer
        rows = ((layer.stride, layer.dimensions), batch.windows, self.mean, gradients)
        self.pool.run_kernel(context_gradients, *rows)
        moved = (layer.stride, batch.word_rows, gradients)
        self.pool.run_kernel(update_contexts, *moved, self.inputs, rules.centre)
