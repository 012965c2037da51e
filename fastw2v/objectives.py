"""The exact full-softmax objective: parameters joined with the kernels that train them.

See docs/math.md for the loss, and `fastw2v.kernels.softmax_tiles` for how a step is computed.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Precision
from fastw2v.kernels.blocks import PANEL
from fastw2v.kernels.centre_rows import gather_rows, update_centres
from fastw2v.kernels.softmax_layout import WORD_STEP, BatchArrays, CentreState, Shape
from fastw2v.optim import RECIPES, StepRules
from fastw2v.output_layer import (
    OutputLayer,
    copy_arrays,
    padded_rows,
    round_up,
    unpadded_rows,
)
from fastw2v.parallel import WorkerPool


class Batch(NamedTuple):
    """Distinct centre rows with their weighed contexts, as `prepare_rows` gives them."""

    centres: NDArray[np.int32]
    tile_starts: NDArray[np.int64]
    entry_rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    row_weights: NDArray[np.float64]


def scores_bytes(n_words: int, n_rows: int) -> int:
    """Return the size of the largest array of a step, in bytes."""
    return 4 * round_up(n_words, WORD_STEP) * round_up(n_rows, PANEL)


def input_state(in_vectors: NDArray[np.float32], optimizer: str) -> CentreState:
    """Return input vectors (V, D) with the optimiser's moments, as before the first step."""
    vectors = padded_rows(in_vectors, len(in_vectors))
    moments = np.zeros((RECIPES[optimizer].centre_moments, vectors.size), np.float32)
    return CentreState(vectors, moments, np.zeros(len(in_vectors), np.int32))


def input_arrays(state: CentreState) -> dict[str, NDArray[Any]]:
    """Return the arrays of `input_state` by the names that checkpoints have for them."""
    return {"in_vectors": state.vectors, "in_moments": state.moments, "in_visits": state.visits}


class ExactSoftmax:
    """Centre vectors, output vectors and bias, and the exact step on batches of rows.

    Parameters
    ----------
    in_vectors, out_vectors : (V, D) float32
    out_bias : (V,) float32
    optimizer : {"adam", "adagrad", "sgd"}
    max_rows : int
        The most centre rows that a batch will have.
    precision : {"float32", "bf16x2", "bf16", "auto"}
        In which numbers `step` multiplies; `loss` is always computed in float32.
    pool : WorkerPool
        Who computes; results do not depend on how many there are.

    Raises
    ------
    ConfigurationError
        If the CPU lacks the precision.
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
    ) -> None:
        self.n_words, self.dimensions = in_vectors.shape
        self.pool = pool
        self.layer = OutputLayer(
            out_vectors,
            out_bias,
            optimizer=optimizer,
            max_rows=max_rows,
            precision=precision,
            pool=pool,
        )
        self.output = self.layer.state
        self.centre = input_state(in_vectors, optimizer)

    @property
    def in_vectors(self) -> NDArray[np.float32]:
        """Centre vectors (V, D), a copy."""
        return unpadded_rows(self.centre.vectors, self.n_words, self.dimensions)

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
        return self.layer.nbytes + sum(array.nbytes for array in self.centre)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that training changes, as views."""
        return input_arrays(self.centre) | self.layer.arrays()

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over those of `arrays` that are given."""
        copy_arrays(arrays, input_arrays(self.centre))
        self.layer.restore(arrays)

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers; looks at each of them."""
        return self.layer.is_finite and bool(np.isfinite(self.centre.vectors).all())

    def load(self, batch: Batch) -> tuple[Shape, BatchArrays]:
        """Return a batch as kernels take it, its centre vectors gathered."""
        shape, arrays = self.layer.load(batch)
        gather_rows(shape, batch.centres, self.centre.vectors, arrays)
        return shape, arrays

    def loss(self, batch: Batch) -> float:
        """Return sum_r sum_o weight(r, o) * -log p(o | r) of a batch, in nats; train nothing.

        NaN or infinity if the parameters or scores of the batch have left the range of float32.
        """
        return self.layer.loss(*self.load(batch))

    def step(self, batch: Batch, rules: StepRules) -> float:
        """Train on one batch and return its loss from before the step, as `loss` does."""
        shape, arrays = self.load(batch)
        loss = self.layer.train(shape, arrays, rules)
        self.pool.run_kernel(
            update_centres, shape, self.layer.work, batch.centres, self.centre, rules.centre
        )
        return loss
