"""The exact softmax, whatever its input rows are made of: input vectors beside an output layer."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Precision
from fastw2v.kernels.softmax.layout import CentreState
from fastw2v.objectives.arrays import (
    HeldRows,
    VectorArray,
    copy_arrays,
    padded_rows,
    unpadded_rows,
    zeros_of,
)
from fastw2v.objectives.softmax.column_layer import ColumnLayer
from fastw2v.objectives.softmax.device.layer import DeviceLayer
from fastw2v.objectives.softmax.device.library import Device
from fastw2v.objectives.softmax.optimizers import UPDATE_RULES, StepRules
from fastw2v.objectives.softmax.output_layer import ObservedRows, OutputLayer
from fastw2v.objectives.softmax.tile_layer import TileLayer
from fastw2v.system.threads import WorkerPool

__all__ = ["AnyBatch", "SoftmaxObjective"]

AnyBatch = TypeVar("AnyBatch", bound=ObservedRows)


class SoftmaxObjective(ABC, Generic[AnyBatch]):
    """Input vectors, output vectors and bias, with what their optimiser keeps of each.

    A subclass says how batches become input rows, and how these rows' gradient moves the vectors.

    Parameters
    ----------
    in_vectors, out_vectors : (V, D) float32
    out_bias : (V,) float32
    optimizer : {"adam", "adagrad", "sgd"}
    max_rows : int
        The most rows that a batch will have.
    precision : {"float32", "bf16x2", "bf16", "auto"}
        In which numbers a step multiplies; a loss is always computed in float32.
    pool : WorkerPool
        Who computes; results do not depend on how many there are.
    lists_columns : bool
        Whether batches list the words that their softmax is computed over.
    device : Device, optional
        What computes the output layer by PyTorch. Default: the CPU, by compiled kernels.

    Raises
    ------
    ConfigurationError
        If the CPU or the device lacks the precision.
    """

    def __init__(
        self,
        in_vectors: NDArray[np.float32],
        out_vectors: NDArray[np.float32],
        out_bias: NDArray[np.float32],
        *,
        optimizer: str = "adam",
        max_rows: int = 256,
        precision: Precision = "float32",
        pool: WorkerPool,
        lists_columns: bool = False,
        device: Device | None = None,
    ) -> None:
        self.n_words, self.dimensions = in_vectors.shape
        self.pool = pool
        tables, options = (out_vectors, out_bias), (optimizer, max_rows, precision)
        self.layer = _layer(tables, options, pool, device, lists_columns=lists_columns)
        vectors = padded_rows(in_vectors, self.n_words)
        moments = np.zeros((UPDATE_RULES[optimizer].centre_moments, vectors.size), np.float32)
        self.inputs = CentreState(vectors, moments, np.zeros(self.n_words, np.int32))
        self._held = HeldRows(self.layer.stride)

    def announce(self, batch: AnyBatch) -> None:
        """Say that a batch comes next, so that a device has it early; any thread may call it."""
        self.layer.announce(batch)

    def load(self, batch: AnyBatch) -> None:
        """Take over a batch, with its input rows."""
        self.layer.load(batch)
        self._write_rows(batch, self.layer.rows)

    @abstractmethod
    def _write_rows(self, batch: AnyBatch, rows: VectorArray) -> None:
        """Write the input rows of a batch, flat and padded."""

    @abstractmethod
    def _update_inputs(self, batch: AnyBatch, gradients: VectorArray, rules: StepRules) -> None:
        """Move the input vectors by the gradients of their rows, which may be changed."""

    def loss(self, batch: AnyBatch) -> float:
        """Return sum_r sum_o weight(r, o) * -log p(o | r) of a batch, in nats; train nothing.

        NaN or infinity if the parameters or scores of the batch have left the range of float32.
        """
        self.load(batch)
        return self.layer.loss()

    def step(self, batch: AnyBatch, rules: StepRules) -> float:
        """Train on one batch and return its loss from before the step, as `loss` does."""
        self.load(batch)
        self._held.note(self.inputs.vectors)
        loss = self.layer.train(rules)
        self._update_inputs(batch, self.layer.gradients, rules)
        self._held.put_back(self.inputs.vectors)
        return loss

    def hold(self, inputs: NDArray[np.bool_], outputs: NDArray[np.bool_]) -> None:
        """Keep vectors of some words as they are, bit by bit, whatever is trained.

        Parameters
        ----------
        inputs, outputs : (V,) bool
            Words whose vectors on that side stay; inputs only where words have a row each.
        """
        self._held.words = np.flatnonzero(inputs)
        self.layer.hold(outputs)

    @property
    def in_vectors(self) -> NDArray[np.float32]:
        """Input vectors (V, D), a copy: those of centre words, or of CBOW's contexts."""
        return unpadded_rows(self.inputs.vectors, self.n_words, self.dimensions)

    @property
    def out_vectors(self) -> NDArray[np.float32]:
        """Output vectors (V, D), a copy."""
        return self.layer.vectors

    @property
    def out_bias(self) -> NDArray[np.float32]:
        """Output bias (V,), a copy."""
        return self.layer.bias

    @property
    def nbytes(self) -> int:
        """Memory of parameters, optimiser state and workspace, in bytes."""
        return self.layer.nbytes + sum(array.nbytes for array in self.inputs)

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers; looks at each of them."""
        return self.layer.is_finite and bool(np.isfinite(self.inputs.vectors).all())

    def end(self) -> None:
        """Give back what only `loss` and `step` need, see `OutputLayer.end`."""
        self.layer.end()
        self.inputs = self.inputs._replace(moments=zeros_of(self.inputs.moments))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that training changes, as views, by the names that checkpoints have."""
        return self._input_arrays() | self.layer.arrays()

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over those of `arrays` that are given."""
        copy_arrays(arrays, self._input_arrays())
        self.layer.restore(arrays)

    def _input_arrays(self) -> dict[str, NDArray[Any]]:
        state = self.inputs
        return {
            "in_vectors": state.vectors,
            "in_moments": state.moments,
            "in_visits": state.visits,
        }


def _layer(
    tables: tuple[VectorArray, VectorArray],
    options: tuple[str, int, Precision],
    pool: WorkerPool,
    device: Device | None,
    *,
    lists_columns: bool,
) -> OutputLayer:
    optimizer, max_rows, precision = options
    named: dict[str, Any] = {
        "optimizer": optimizer,
        "max_rows": max_rows,
        "precision": precision,
    }
    if device is not None:
        return DeviceLayer(*tables, device=device, lists_columns=lists_columns, **named)
    return (ColumnLayer if lists_columns else TileLayer)(*tables, pool=pool, **named)
