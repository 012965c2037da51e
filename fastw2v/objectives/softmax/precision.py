"""In which numbers the exact step multiplies: float32, or bfloat16 where the CPU has it.

Parameters, optimiser and sums are float32 in every precision. ``bf16`` rounds what is multiplied
to bfloat16; ``bf16x2`` splits it into two bfloat16 and multiplies three times, for nearly the
products of float32.
"""

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Precision
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd.bfloat16 import HAS_BFLOAT16
from fastw2v.kernels.softmax.context_masses import add_context_masses, row_means
from fastw2v.kernels.softmax.layout import BatchArrays, OutputState, Shape, Workspace
from fastw2v.kernels.softmax.operands import (
    Operands,
    dimension_pairs,
    round_centres,
    round_outputs,
    row_pairs,
)
from fastw2v.kernels.softmax.outputs import ColumnState
from fastw2v.kernels.softmax.peaks import list_peaks
from fastw2v.kernels.softmax.tiles import (
    backward_tiles,
    combine_tiles,
    forward_tiles,
    kept_tiles,
    loss_tiles,
    observed_tiles,
)
from fastw2v.kernels.softmax.updates import Rule
from fastw2v.objectives.arrays import VectorArray
from fastw2v.system.threads import WorkerPool

__all__ = ["PLANES", "ColumnProducts", "Products", "resolved_precision"]

# Into how many bfloat16 a number is split; none: it stays a float32.
PLANES = {"float32": 0, "bf16": 1, "bf16x2": 2}


def resolved_precision(precision: Precision) -> Precision:
    """Return the precision that a run uses on this CPU.

    ``auto`` is the fastest whose held-out loss was within 0.1 % of that of float32:
    ``bf16`` where the CPU multiplies bfloat16, else ``float32``.

    Raises
    ------
    ConfigurationError
        If the CPU cannot multiply in the precision asked for.
    """
    if precision == "auto":
        return "bf16" if HAS_BFLOAT16 else "float32"
    if precision != "float32" and not HAS_BFLOAT16:
        raise ConfigurationError(
            f"precision: expected a CPU with AVX512-BF16 for {precision!r}, this one has it not "
            "(or NUMBA_CPU_NAME, NUMBA_CPU_FEATURES or NUMBA_ENABLE_AVX switches it off); use "
            "'float32' or 'auto'"
        )
    return precision


class Products:
    """The two sweeps of a step over the tiles of output words.

    Parameters
    ----------
    precision : {"float32", "bf16x2", "bf16", "auto"}
    pool : WorkerPool
    output : OutputState
    work : Workspace
    shape : Shape
        Of the largest batch.

    Raises
    ------
    ConfigurationError
        If the CPU lacks the precision.
    """

    def __init__(
        self,
        precision: Precision,
        pool: WorkerPool,
        output: OutputState,
        work: Workspace,
        shape: Shape,
    ) -> None:
        self._pool, self._work = pool, work
        self._output: OutputState | ColumnState = output
        self._rounded: Operands | None = None
        self._observed = np.empty(0, np.float32)  # exponentials of a batch's observed entries
        planes = PLANES[resolved_precision(precision)]
        if planes:
            self._rounded = Operands(
                _new_planes(planes, shape.words * row_pairs(shape)),
                _new_planes(planes, shape.rows * dimension_pairs(shape)),
                _new_planes(planes, shape.words * shape.rows // 2),
            )
            self.renew(shape)

    def renew(self, shape: Shape) -> None:
        """Bring the rounded output vectors up to date with vectors that were set from outside."""
        if self._rounded is not None:
            round_outputs(shape, self._output.vectors, self._rounded.outputs)

    @property
    def nbytes(self) -> int:
        """Memory of the rounded operands, in bytes."""
        if self._rounded is None:
            return 0
        return sum(plane.nbytes for planes in self._rounded for plane in planes)

    def _single(self, batch: BatchArrays) -> Operands:
        return Operands(self._output.vectors, batch.packed, self._work.scores)

    def forward(self, shape: Shape, batch: BatchArrays) -> None:
        """Write the exponentials of a batch, and the workspace's row peaks and sums."""
        operands = self._rounded
        if operands is None:
            operands = self._single(batch)
        else:
            round_centres(shape, batch, operands.packed)
        self._score(shape, operands)

    def predict(
        self, shape: Shape, batch: BatchArrays, bias: VectorArray, scores: VectorArray
    ) -> None:
        """Write exponentials to `scores`, and row peaks and sums, in float32 and with this bias."""
        output = self._output._replace(bias=bias)
        operands = self._single(batch)._replace(scores=scores)
        self._pool.run_kernel(forward_tiles, shape, output, operands, self._work)
        combine_tiles(shape, self._work)

    def add_masses(
        self, shape: Shape, batch: BatchArrays, scores: VectorArray, masses: NDArray[np.float64]
    ) -> None:
        """Add to (words,) what the rows predict together, by their weights; after `predict`."""
        work = self._work._replace(scores=scores)
        self._pool.run_kernel(add_context_masses, shape, batch, work, masses)

    def means(
        self, shape: Shape, batch: BatchArrays, scores: VectorArray, values: VectorArray
    ) -> NDArray[np.float64]:
        """Return the mean of `values` (words,) over each row's softmax (rows,); after `predict`."""
        work = self._work._replace(scores=scores)
        means = np.empty((-(-shape.words // shape.tile), shape.rows), np.float32)
        self._pool.run_kernel(row_means, shape, batch, work, values, means)
        return np.asarray(means.sum(axis=0, dtype=np.float64))

    def list_peaks(
        self,
        shape: Shape,
        batch: BatchArrays,
        scores: VectorArray,
        least: VectorArray,
        room: tuple[NDArray[np.int64], NDArray[np.int32], VectorArray],
    ) -> None:
        """Write which words have at least so much of a row (rows,) into `room`; after `predict`."""
        work = self._work._replace(scores=scores)
        self._pool.run_kernel(list_peaks, shape, batch, work, least, *room)

    def _score(self, shape: Shape, operands: Operands) -> None:
        self._pool.run_kernel(forward_tiles, shape, self._output, operands, self._work)
        combine_tiles(shape, self._work)

    def backward(self, shape: Shape, batch: BatchArrays, rules: tuple[Rule, Rule]) -> None:
        """Update the output state; write the workspace's centre gradients and observed sums.

        Comes after `forward` of the same batch.
        """
        operands = self._rounded or self._single(batch)
        self._pool.run_kernel(
            backward_tiles, shape, self._output, batch, operands, self._work, rules
        )

    def observe(self, shape: Shape, batch: BatchArrays) -> None:
        """Write the workspace's observed sums of a batch, always computed in float32.

        Of the scores only those of observed words are kept, so that no room for all is needed.
        """
        rest = (batch, self._work, self._room_for_observed(batch))
        vectors = self._single(batch).outputs
        self._pool.run_kernel(observed_tiles, shape, self._output, vectors, *rest)
        combine_tiles(shape, self._work)
        self._pool.run_kernel(loss_tiles, shape, self._output, *rest)

    def observe_predicted(
        self, shape: Shape, batch: BatchArrays, bias: VectorArray, scores: VectorArray
    ) -> None:
        """Write the observed sums of what `predict` wrote with this bias."""
        output, room = self._output._replace(bias=bias), self._room_for_observed(batch)
        self._pool.run_kernel(kept_tiles, shape, batch, scores, room)
        self._pool.run_kernel(loss_tiles, shape, output, batch, self._work, room)

    def _room_for_observed(self, batch: BatchArrays) -> VectorArray:
        if len(self._observed) < len(batch.columns):
            self._observed = np.empty(len(batch.columns), np.float32)
        return self._observed


class ColumnProducts(Products):
    """The same over the columns that a batch lists; what it holds grows with the largest batch.

    Parameters
    ----------
    precision, pool, work
        As in `Products`.
    max_rows : int
        Of a batch, in whole panels.
    """

    def __init__(
        self, precision: Precision, pool: WorkerPool, work: Workspace, shape: Shape
    ) -> None:
        none = np.empty(0, np.float32)
        super().__init__("float32", pool, _no_output(), work, shape)
        self._planes = PLANES[resolved_precision(precision)]
        self._columns, self._scores = none, none
        if self._planes:
            packed = _new_planes(self._planes, shape.rows * dimension_pairs(shape))
            self._rounded = Operands((), packed, ())

    def choose(self, shape: Shape, output: ColumnState) -> None:
        """Take the columns of the next batch; make room for them."""
        self._output = output
        rounded = self._rounded
        if rounded is None:
            self._room_for(shape, shape.words * shape.rows)
            return
        sizes = shape.words * row_pairs(shape), shape.words * shape.rows // 2
        outputs, scores = rounded.outputs, rounded.scores
        if not outputs or len(outputs[0]) < sizes[0]:
            outputs = _new_planes(self._planes, _with_reserve(sizes[0]))
        if not scores or len(scores[0]) < sizes[1]:
            scores = _new_planes(self._planes, _with_reserve(sizes[1]))
        self._rounded = rounded._replace(outputs=outputs, scores=scores)

    def room_for_scores(self, shape: Shape) -> VectorArray:
        """Return room for the scores of a batch in float32."""
        self._room_for(shape, shape.words * shape.rows)
        return self._scores

    def _room_for(self, shape: Shape, n_scores: int) -> None:
        size = shape.words * shape.stride
        if len(self._columns) < size:
            self._columns = np.empty(_with_reserve(size), np.float32)
        if len(self._scores) < n_scores:
            self._scores = np.empty(_with_reserve(n_scores), np.float32)

    def observe(self, shape: Shape, batch: BatchArrays) -> None:
        """Write the workspace's observed sums of a batch, as `Products.observe`."""
        self._room_for(shape, 0)
        super().observe(shape, batch)

    def _single(self, batch: BatchArrays) -> Operands:
        return Operands(self._columns, batch.packed, self._scores)

    def end_training(self) -> None:
        """Give back what `forward` and `backward` alone need."""
        self._rounded, self._output = None, _no_output()

    @property
    def nbytes(self) -> int:
        """Memory of the operands, in bytes."""
        return super().nbytes + self._columns.nbytes + self._scores.nbytes


def _no_output() -> OutputState:
    none = np.empty(0, np.float32)
    return OutputState(none, none.reshape(0, 0), none, none.reshape(0, 0))


def _with_reserve(size: int) -> int:
    return size + size // 16


def _new_planes(n_planes: int, size: int) -> tuple[NDArray[np.uint32], ...]:
    return tuple(np.zeros(size, np.uint32) for _ in range(n_planes))
