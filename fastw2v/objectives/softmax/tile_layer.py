"""The output layer on the CPU: its state, and its sweeps over tiles by compiled kernels."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Precision
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.softmax.centre_rows import pack_rows, row_gradients
from fastw2v.kernels.softmax.layout import (
    DIMENSION_STEP,
    GROUPS,
    LOWEST,
    WORD_STEP,
    BatchArrays,
    OutputState,
    Shape,
    Workspace,
    new_shape,
    tile_words,
)
from fastw2v.objectives.arrays import (
    HeldRows,
    VectorArray,
    copy_arrays,
    padded_rows,
    round_up,
    unpadded_rows,
    zeros_of,
)
from fastw2v.objectives.softmax.optimizers import UPDATE_RULES, StepRules
from fastw2v.objectives.softmax.output_layer import ObservedRows, OutputLayer
from fastw2v.objectives.softmax.precision import PLANES, Products, resolved_precision
from fastw2v.system.threads import WorkerPool

__all__ = ["TileLayer", "tile_for"]


def tile_for(max_rows: int, dimensions: int) -> int:
    """Return the output words of a tile, by which batches cut their entries."""
    return tile_words(round_up(max_rows, PANEL), round_up(dimensions, LANES))


class TileLayer(OutputLayer):
    """Output vectors and bias, and the exact step over them by tiles that fit a core's cache.

    Parameters
    ----------
    out_vectors : (V, D) float32
    out_bias : (V,) float32
    optimizer : {"adam", "adagrad", "sgd"}
    max_rows : int
        The most input rows that a batch will have.
    precision : {"float32", "bf16x2", "bf16", "auto"}
        In which numbers `train` multiplies; `loss` is always computed in float32.
    pool : WorkerPool
        Who computes; results do not depend on how many there are.

    Raises
    ------
    ConfigurationError
        If the CPU lacks the precision.
    """

    def __init__(
        self,
        out_vectors: VectorArray,
        out_bias: VectorArray,
        *,
        optimizer: str,
        max_rows: int,
        precision: Precision,
        pool: WorkerPool,
    ) -> None:
        self.n_words, self.dimensions = out_vectors.shape
        self.pool = pool
        self._words = round_up(self.n_words, WORD_STEP)
        self.stride = round_up(self.dimensions, LANES)
        self._block_dimensions = round_up(self.dimensions, DIMENSION_STEP)
        self.max_rows = round_up(max_rows, PANEL)
        self.tile = tile_for(max_rows, self.dimensions)
        moments = UPDATE_RULES[optimizer].output_moments
        bias = self._padded(out_bias)
        self.state = OutputState(
            padded_rows(out_vectors, self._words),
            np.zeros((moments, self._words * self.stride), np.float32),
            bias,
            np.zeros((moments, self._words), np.float32),
        )
        self.rows = np.zeros(self.max_rows * self.stride, np.float32)
        self.gradients = np.zeros(self.max_rows * self.stride, np.float32)
        self._packed = np.zeros(self.max_rows * self.dimensions, np.float32)
        self._row_weights = np.zeros(self.max_rows, np.float32)
        self._precision = precision
        self._held = HeldRows(self.stride)
        self.work = self._workspace()
        self._products = self._new_products()
        self._batch: tuple[int, Shape, BatchArrays] | None = None

    def _padded(self, bias: VectorArray) -> VectorArray:
        padded = np.full(self._words, LOWEST, np.float32)
        padded[: self.n_words] = bias
        return padded

    def _new_products(self) -> Products:
        shape = self._shape(self.max_rows)
        return Products(self._precision, self.pool, self.state, self.work, shape)

    def _shape(self, rows: int) -> Shape:
        return new_shape(
            self._words, rows, self.dimensions, self.stride, self._block_dimensions, self.tile
        )

    def _workspace(self) -> Workspace:
        # Rounded scores are kept where they are rounded.
        n_scores = 0 if PLANES[resolved_precision(self._precision)] else self._words * self.max_rows
        return self._workspace_with(n_scores)

    def _workspace_with(self, n_scores: int) -> Workspace:
        tiles = -(-self._words // self.tile)
        return Workspace(
            np.empty(n_scores, np.float32),
            np.empty((tiles, self.max_rows), np.float32),
            np.empty((tiles, self.max_rows), np.float32),
            np.empty(self.max_rows, np.float32),
            np.empty(self.max_rows, np.float32),
            np.zeros(tiles, np.float64),
            np.empty((min(GROUPS, tiles), self.max_rows * self._block_dimensions), np.float32),
        )

    @property
    def vectors(self) -> VectorArray:
        """Output vectors (V, D), a copy."""
        return unpadded_rows(self.state.vectors, self.n_words, self.dimensions)

    @property
    def table(self) -> VectorArray:
        """Output vectors (V, D), a view."""
        return self.state.vectors.reshape(-1, self.stride)[: self.n_words, : self.dimensions]

    @property
    def bias(self) -> VectorArray:
        """Output bias (V,), a copy."""
        return self.state.bias[: self.n_words].copy()

    @property
    def nbytes(self) -> int:
        """Memory of parameters, optimiser state and workspace, in bytes."""
        held = (self.rows, self.gradients, self._packed, self._row_weights)
        arrays = (*self.state, *self.work, *held)
        return self._products.nbytes + sum(array.nbytes for array in arrays)

    def vectors_of(self, words: NDArray[np.integer[Any]]) -> VectorArray:
        """Return the output vectors of some words (N, D), a copy."""
        return self.state.vectors.reshape(-1, self.stride)[words, : self.dimensions]

    def end_training(self) -> None:
        """Give back nothing: what measures has the room that training had."""

    def end(self) -> None:
        """Give back what only `loss` and `train` need; neither can be called again.

        Of the optimiser's moments zeros stay, which take no memory: checkpoints have all arrays.
        """
        del self.work, self._products
        moments = zeros_of(self.state.vector_moments)
        self.state = self.state._replace(vector_moments=moments)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that training changes, as views."""
        return {
            "out_vectors": self.state.vectors,
            "out_moments": self.state.vector_moments,
            "out_bias": self.state.bias,
            "out_bias_moments": self.state.bias_moments,
        }

    def hold(self, words: NDArray[np.bool_]) -> None:
        """Keep the vectors of some words (V,) as they are, bit by bit, whatever is trained."""
        self._held.words = np.flatnonzero(words)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over those of `arrays` that are given."""
        copy_arrays(arrays, self.arrays())
        self._products = self._new_products()  # they may have copies of the vectors

    @property
    def is_finite(self) -> bool:
        """Whether vectors and bias are finite numbers; looks at each of them."""
        tables = (self.state.vectors, self.state.bias)
        return all(bool(np.isfinite(table).all()) for table in tables)

    def load(self, batch: ObservedRows) -> None:
        """Take over the observed words of a batch; the caller then writes the input `rows`."""
        self._take(batch, self._words)

    def _take(self, batch: ObservedRows, words: int) -> Shape:
        """Take over a batch whose tiles are of so many words, filled up to whole blocks."""
        n_rows = len(batch.row_weights)
        if n_rows > self.max_rows:
            raise ValueError(f"batch: expected at most {self.max_rows} rows, got {n_rows}")
        tiles = -(-words // self.tile)
        if len(batch.tile_starts) != tiles + 1:
            raise ValueError(
                f"batch: expected entries cut into {tiles} tiles, "
                f"got {len(batch.tile_starts) - 1}; "
                "make batches and objective with the same number of rows and dimensions"
            )
        shape = self._shape(round_up(n_rows, PANEL))._replace(words=words)
        self._row_weights[:n_rows] = batch.row_weights
        self._row_weights[n_rows : shape.rows] = 0
        arrays = BatchArrays(
            self.rows,
            self._packed,
            self._row_weights,
            batch.tile_starts,
            batch.entry_rows,
            batch.columns,
            batch.weights,
        )
        self._batch = (n_rows, shape, arrays)
        return shape

    @property
    def loaded(self) -> tuple[Shape, BatchArrays]:
        """The batch as kernels take it, its input rows in both layouts."""
        if self._batch is None:
            raise ValueError("batch: expected one that was loaded, got none")
        n_rows, shape, arrays = self._batch
        self.pool.run_kernel(pack_rows, shape, n_rows, arrays)
        return shape, arrays

    def loss(self) -> float:
        """Return the loss of the batch, see `OutputLayer.loss`."""
        shape, arrays = self.loaded
        self._products.observe(shape, arrays)
        return self._observed_loss(shape)

    @property
    def columns(self) -> NDArray[np.int32] | slice:
        """Which words the last batch's softmax was computed over."""
        return slice(None)

    def scores_of(self, rows: int) -> VectorArray:
        """Return room for the scores of so many rows, in float32."""
        return np.empty(self._words * round_up(rows, PANEL), np.float32)

    def log_sum_exps(self, bias: VectorArray, scores: VectorArray) -> NDArray[np.float64]:
        """Return the log-sum-exp of each row's scores, see `OutputLayer.log_sum_exps`."""
        shape, arrays = self.loaded
        if len(scores) < self._words * shape.rows:
            raise ValueError(f"scores: expected room for {shape.rows} rows, got less")
        self._products.predict(shape, arrays, self._padded(bias), scores)
        return self.row_log_sums()

    def row_log_sums(self) -> NDArray[np.float64]:
        """Return the log-sum-exp (rows,) of the rows that were last looked at, float64."""
        assert self._batch is not None
        rows = self._batch[1].rows
        peaks, sums = self.work.row_peaks[:rows], self.work.row_sums[:rows]
        with np.errstate(divide="ignore", invalid="ignore"):  # diverged: the loss is noticed
            return np.asarray(peaks.astype(np.float64) + np.log(sums.astype(np.float64)))

    def predicted_masses(
        self, weights: NDArray[np.float64], scores: VectorArray
    ) -> NDArray[np.float64]:
        """Return what the rows predict of every word, see `OutputLayer.predicted_masses`."""
        return self._masses(self._products, weights, scores)[: self.n_words]

    def _masses(
        self, products: Products, weights: NDArray[np.float64], scores: VectorArray
    ) -> NDArray[np.float64]:
        assert self._batch is not None
        _, shape, arrays = self._batch
        row_weights = np.zeros_like(arrays.row_weights)
        row_weights[: len(weights)] = weights
        masses = np.zeros(shape.words)
        weighed = arrays._replace(row_weights=row_weights)
        products.add_masses(shape, weighed, scores, masses)
        return masses

    def predicted_means(self, values: VectorArray, scores: VectorArray) -> NDArray[np.float64]:
        """Return the mean of `values` over each row's softmax, see `OutputLayer`."""
        assert self._batch is not None
        n_rows, shape, arrays = self._batch
        of_words = np.zeros(shape.words, np.float32)
        of_words[: len(values)] = values
        even = arrays._replace(row_weights=np.ones_like(arrays.row_weights))
        return self._products.means(shape, even, scores, of_words)[:n_rows]

    def predicted_loss(self, bias: VectorArray, scores: VectorArray) -> float:
        """Return the loss of the batch by its `scores`, see `OutputLayer.predicted_loss`."""
        assert self._batch is not None
        _, shape, arrays = self._batch
        self._products.observe_predicted(shape, arrays, self._padded(bias), scores)
        return self._observed_loss(shape)

    def words_above(
        self, least: NDArray[np.float64], scores: VectorArray
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return pairs that have a share of their row, see `OutputLayer.words_above`."""
        assert self._batch is not None
        _, shape, arrays = self._batch
        bounds = np.full(shape.rows, np.inf, np.float32)
        bounds[: len(least)] = least
        weighed = arrays._replace(row_weights=np.ones_like(arrays.row_weights))
        # No more shares than these add up to one.
        room = int(np.ceil(1.0 / bounds.astype(np.float64)).sum()) + shape.rows
        found = np.zeros(1, np.int64)
        pairs, shares = np.empty((room, 2), np.int32), np.empty(room, np.float32)
        self._products.list_peaks(shape, weighed, scores, bounds, (found, pairs, shares))
        rows, words = pairs[: found[0]].astype(np.int64).T
        order = np.lexsort((words, rows))
        return rows[order], words[order], shares[order].astype(np.float64)

    def train(self, rules: StepRules) -> float:
        """Update the layer by the batch, see `OutputLayer.train`."""
        shape, arrays = self.loaded
        self._held.note(self.state.vectors)
        self._products.forward(shape, arrays)
        self._products.backward(shape, arrays, (rules.output, rules.bias))
        if self._held.put_back(self.state.vectors):
            self._products.renew(shape)
        return self._trained(shape)

    def _trained(self, shape: Shape) -> float:
        """Lay out the gradients of the input rows; return the loss."""
        self.pool.run_kernel(row_gradients, shape, self.work, self.gradients)
        return self._observed_loss(shape)

    def _observed_loss(self, shape: Shape) -> float:
        """Return the loss that the tiles have added up; NaN if it was made of such or infinities.

        The kernels' exponential and logarithm make numbers of them, so a look at the loss alone
        would not tell. Any in the output vectors comes to every input row of a batch by its update.
        """
        vectors = self.rows[: shape.rows * shape.stride]
        sound = np.isfinite(vectors).all() and np.isfinite(self.work.row_peaks[: shape.rows]).all()
        tiles = -(-shape.words // self.tile)
        return -float(self.work.observed[:tiles].sum()) if sound else math.nan
