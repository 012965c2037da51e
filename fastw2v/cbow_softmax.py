"""The exact full softmax of CBOW: the contexts of a position together predict its word.

docs/math.md, section 16: the input row is the mean or the sum of the contexts' vectors, and each
context receives the true gradient, divided by their number for the mean.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.cbow_batches import CbowBatch
from fastw2v.config import Precision
from fastw2v.kernels.context_mean import combine_contexts, context_gradients, update_contexts
from fastw2v.kernels.softmax_layout import BatchArrays, Shape
from fastw2v.objectives import input_arrays, input_state
from fastw2v.optim import StepRules
from fastw2v.output_layer import OutputLayer, copy_arrays, unpadded_rows
from fastw2v.parallel import WorkerPool


class CbowSoftmax:
    """Input vectors, output vectors and bias, and the exact step on batches of positions.

    Parameters
    ----------
    in_vectors, out_vectors : (V, D) float32
    out_bias : (V,) float32
    mean : bool
        The input is the mean of the contexts' vectors; else their sum.
    optimizer : {"adam", "adagrad", "sgd"}
    max_rows : int
        The most positions that a batch will have.
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
        mean: bool = True,
        optimizer: str = "adam",
        max_rows: int = 1024,
        precision: Precision = "float32",
        pool: WorkerPool,
    ) -> None:
        self.n_words, self.dimensions = in_vectors.shape
        self.mean = mean
        self.pool = pool
        self.layer = OutputLayer(
            out_vectors,
            out_bias,
            optimizer=optimizer,
            max_rows=max_rows,
            precision=precision,
            pool=pool,
        )
        self.inputs = input_state(in_vectors, optimizer)
        self._gradients = np.zeros(self.layer.max_rows * self.layer.stride, np.float32)

    @property
    def in_vectors(self) -> NDArray[np.float32]:
        """Input vectors (V, D), a copy."""
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
        own = sum(array.nbytes for array in self.inputs)
        return self.layer.nbytes + self._gradients.nbytes + own

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that training changes, as views."""
        return input_arrays(self.inputs) | self.layer.arrays()

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over those of `arrays` that are given."""
        copy_arrays(arrays, input_arrays(self.inputs))
        self.layer.restore(arrays)

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers; looks at each of them."""
        return self.layer.is_finite and bool(np.isfinite(self.inputs.vectors).all())

    def load(self, batch: CbowBatch) -> tuple[Shape, BatchArrays]:
        """Return a batch as kernels take it, with the input row of each position."""
        shape, arrays = self.layer.load(batch)
        self.pool.run_kernel(
            combine_contexts, shape, batch.windows, self.mean, self.inputs.vectors, arrays
        )
        return shape, arrays

    def loss(self, batch: CbowBatch) -> float:
        """Return the sum over the rows of -log p(word | contexts), in nats; train nothing.

        NaN or infinity if the parameters or scores of the batch have left the range of float32.
        """
        return self.layer.loss(*self.load(batch))

    def step(self, batch: CbowBatch, rules: StepRules) -> float:
        """Train on one batch and return its loss from before the step, as `loss` does."""
        shape, arrays = self.load(batch)
        loss = self.layer.train(shape, arrays, rules)
        rows = (self.layer.work, batch.windows, self.mean, self._gradients)
        self.pool.run_kernel(context_gradients, shape, *rows)
        self.pool.run_kernel(
            update_contexts, shape, batch.word_rows, self._gradients, self.inputs, rules.centre
        )
        return loss
