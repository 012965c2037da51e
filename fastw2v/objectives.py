"""The exact full-softmax objective: parameters joined with the kernels that train them.

See docs/math.md for the loss, and `fastw2v.kernels.softmax_tiles` for how a step is computed.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Precision
from fastw2v.kernels.blocks import PANEL
from fastw2v.kernels.centre_rows import gather_rows, update_centres
from fastw2v.kernels.simd import LANES
from fastw2v.kernels.softmax_layout import (
    DIMENSION_STEP,
    GROUPS,
    LOWEST,
    WORD_STEP,
    BatchArrays,
    CentreState,
    OutputState,
    Shape,
    Workspace,
    tile_words,
)
from fastw2v.kernels.softmax_tiles import combine_tiles, forward_tiles, loss_tiles
from fastw2v.optim import RECIPES, StepRules
from fastw2v.parallel import WorkerPool
from fastw2v.precision import products_for


class Batch(NamedTuple):
    """Distinct centre rows with their weighed contexts, as `prepare_rows` gives them."""

    centres: NDArray[np.int32]
    tile_starts: NDArray[np.int64]
    entry_rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    row_weights: NDArray[np.float64]


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def tile_for(max_rows: int, dimensions: int) -> int:
    """Return the output words of a tile, by which batches cut their entries."""
    return tile_words(_round_up(max_rows, PANEL), _round_up(dimensions, LANES))


def scores_bytes(n_words: int, n_rows: int) -> int:
    """Return the size of the largest array of a step, in bytes."""
    return 4 * _round_up(n_words, WORD_STEP) * _round_up(n_rows, PANEL)


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
        self._words = _round_up(self.n_words, WORD_STEP)
        self._stride = _round_up(self.dimensions, LANES)
        self._block_dimensions = _round_up(self.dimensions, DIMENSION_STEP)
        self._max_rows = _round_up(max_rows, PANEL)
        self.tile = tile_for(max_rows, self.dimensions)
        recipe = RECIPES[optimizer]
        size = self._words * self._stride
        bias = np.full(self._words, LOWEST, np.float32)
        bias[: self.n_words] = out_bias
        self.output = OutputState(
            self._padded(out_vectors, self._words),
            np.zeros((recipe.output_moments, size), np.float32),
            bias,
            np.zeros((recipe.output_moments, self._words), np.float32),
        )
        self.centre = CentreState(
            self._padded(in_vectors, self.n_words),
            np.zeros((recipe.centre_moments, self.n_words * self._stride), np.float32),
            np.zeros(self.n_words, np.int32),
        )
        self._vectors = np.zeros(self._max_rows * self._stride, np.float32)
        self._packed = np.zeros(self._max_rows * self.dimensions, np.float32)
        self._row_weights = np.zeros(self._max_rows, np.float32)
        self._work = self._workspace()
        self._products = products_for(
            precision, pool, self.output, self._work, self._shape(self._max_rows)
        )

    def _shape(self, rows: int) -> Shape:
        return Shape(
            self._words, rows, self.dimensions, self._stride, self._block_dimensions, self.tile
        )

    def _padded(self, vectors: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
        padded = np.zeros((rows, self._stride), np.float32)
        padded[: len(vectors), : self.dimensions] = vectors
        return padded.reshape(-1)

    def _workspace(self) -> Workspace:
        tiles = -(-self._words // self.tile)
        return Workspace(
            np.empty(self._words * self._max_rows, np.float32),
            np.empty((tiles, self._max_rows), np.float32),
            np.empty((tiles, self._max_rows), np.float32),
            np.empty(self._max_rows, np.float32),
            np.empty(self._max_rows, np.float32),
            np.zeros(tiles, np.float64),
            np.empty((min(GROUPS, tiles), self._max_rows * self._block_dimensions), np.float32),
        )

    @property
    def in_vectors(self) -> NDArray[np.float32]:
        """Centre vectors (V, D), a copy."""
        return self._unpadded(self.centre.vectors)

    @property
    def out_vectors(self) -> NDArray[np.float32]:
        """Output vectors (V, D), a copy."""
        return self._unpadded(self.output.vectors)

    @property
    def out_bias(self) -> NDArray[np.float32]:
        """Output bias (V,), a copy."""
        return self.output.bias[: self.n_words].copy()

    def _unpadded(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        table = vectors.reshape(-1, self._stride)[: self.n_words, : self.dimensions]
        return np.ascontiguousarray(table)

    @property
    def nbytes(self) -> int:
        """Memory of parameters, optimiser state and workspace, in bytes."""
        own = (self._vectors, self._packed, self._row_weights)
        arrays = (*self.output, *self.centre, *self._work, *own)
        return self._products.nbytes + sum(array.nbytes for array in arrays)

    def _load(self, batch: Batch) -> tuple[Shape, BatchArrays]:
        n_rows = len(batch.centres)
        if n_rows > self._max_rows:
            raise ValueError(f"batch: expected at most {self._max_rows} rows, got {n_rows}")
        tiles = -(-self._words // self.tile)
        if len(batch.tile_starts) != tiles + 1:
            raise ValueError(
                f"batch: expected entries cut into {tiles} tiles, "
                f"got {len(batch.tile_starts) - 1}; "
                "make batches and objective with the same number of rows and dimensions"
            )
        shape = self._shape(_round_up(n_rows, PANEL))
        self._row_weights[:n_rows] = batch.row_weights
        self._row_weights[n_rows : shape.rows] = 0
        arrays = BatchArrays(
            self._vectors,
            self._packed,
            self._row_weights,
            batch.tile_starts,
            batch.entry_rows,
            batch.columns,
            batch.weights,
        )
        gather_rows(shape, batch.centres, self.centre.vectors, arrays)
        return shape, arrays

    def _observed_loss(self, shape: Shape) -> float:
        """Return the loss that the tiles have added up; NaN if it was made of such or infinities.

        The kernels' exponential and logarithm make numbers of them, so a look at the loss alone
        would not tell. Any in the output vectors comes to every centre of a batch by its update.
        """
        vectors = self._vectors[: shape.rows * shape.stride]
        sound = np.isfinite(vectors).all() and np.isfinite(self._work.row_peaks[: shape.rows]).all()
        return -float(self._work.observed.sum()) if sound else math.nan

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers; looks at each of them."""
        parameters = (self.centre.vectors, self.output.vectors, self.output.bias)
        return all(bool(np.isfinite(table).all()) for table in parameters)

    def loss(self, batch: Batch) -> float:
        """Return sum_r sum_o weight(r, o) * -log p(o | r) of a batch, in nats; train nothing.

        NaN or infinity if the parameters or scores of the batch have left the range of float32.
        """
        shape, arrays = self._load(batch)
        self.pool.run_kernel(forward_tiles, shape, self.output, arrays, self._work)
        combine_tiles(shape, self._work)
        self.pool.run_kernel(loss_tiles, shape, self.output, arrays, self._work)
        return self._observed_loss(shape)

    def step(self, batch: Batch, rules: StepRules) -> float:
        """Train on one batch and return its loss from before the step, as `loss` does."""
        shape, arrays = self._load(batch)
        self._products.forward(shape, arrays)
        combine_tiles(shape, self._work)
        self._products.backward(shape, arrays, (rules.output, rules.bias))
        self.pool.run_kernel(
            update_centres, shape, self._work, batch.centres, self.centre, rules.centre
        )
        return self._observed_loss(shape)
