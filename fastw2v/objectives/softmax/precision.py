"""In which numbers the exact step multiplies: float32, or bfloat16 where the CPU has it.

Parameters, optimiser and sums are float32 in every precision. ``bf16`` rounds what is multiplied
to bfloat16; ``bf16x2`` splits it into two bfloat16 and multiplies three times, for nearly the
products of float32.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Precision
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd.bfloat16 import HAS_BFLOAT16
from fastw2v.kernels.softmax.bfloat16_tiles import (
    RoundedArrays,
    backward_rounded_tiles,
    dimension_pairs,
    forward_rounded_tiles,
    round_centres,
    round_outputs,
    row_pairs,
)
from fastw2v.kernels.softmax.layout import BatchArrays, OutputState, Shape, Workspace
from fastw2v.kernels.softmax.tiles import backward_tiles, forward_tiles
from fastw2v.kernels.softmax.updates import Rule
from fastw2v.system.threads import WorkerPool

PLANES = {"bf16": 1, "bf16x2": 2}


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
            "(or it is switched off by NUMBA_CPU_NAME or NUMBA_CPU_FEATURES); use 'float32' or "
            "'auto'"
        )
    return precision


class Products(Protocol):
    """The two sweeps of a step over the tiles of output words."""

    @property
    def nbytes(self) -> int:
        """Memory of the arrays that only this precision needs."""

    def forward(self, shape: Shape, batch: BatchArrays) -> None:
        """Write the exponentials of a batch, and the workspace's peaks and sums."""

    def backward(self, shape: Shape, batch: BatchArrays, rules: tuple[Rule, Rule]) -> None:
        """Update the output state; write the workspace's centre gradients and observed sums."""


class FloatProducts:
    """Products of float32."""

    nbytes = 0

    def __init__(self, pool: WorkerPool, output: OutputState, work: Workspace) -> None:
        self._pool, self._output, self._work = pool, output, work

    def forward(self, shape: Shape, batch: BatchArrays) -> None:
        """See `Products`."""
        self._pool.run_kernel(forward_tiles, shape, self._output, batch, self._work)

    def backward(self, shape: Shape, batch: BatchArrays, rules: tuple[Rule, Rule]) -> None:
        """See `Products`."""
        self._pool.run_kernel(backward_tiles, shape, self._output, batch, self._work, rules)


class RoundedProducts:
    """Products of bfloat16.

    Parameters
    ----------
    pool, output, work
        Of the objective.
    shape : Shape
        Of the largest batch.
    planes : {1, 2}
        How many bfloat16 a number is split into.
    """

    def __init__(
        self, pool: WorkerPool, output: OutputState, work: Workspace, shape: Shape, planes: int
    ) -> None:
        def new(size: int) -> tuple[NDArray[np.uint32], ...]:
            return tuple(np.zeros(size, np.uint32) for _ in range(planes))

        self._pool, self._output, self._work = pool, output, work
        self._rounded = RoundedArrays(
            new(shape.words * row_pairs(shape)),
            new(shape.rows * dimension_pairs(shape)),
            new(shape.words * shape.rows // 2),
        )
        round_outputs(shape, output.vectors, self._rounded.outputs)

    @property
    def nbytes(self) -> int:
        """Memory of the rounded operands, in bytes."""
        return sum(plane.nbytes for planes in self._rounded for plane in planes)

    def forward(self, shape: Shape, batch: BatchArrays) -> None:
        """See `Products`."""
        round_centres(shape, batch, self._rounded.packed)
        self._pool.run_kernel(forward_rounded_tiles, shape, self._output, self._rounded, self._work)

    def backward(self, shape: Shape, batch: BatchArrays, rules: tuple[Rule, Rule]) -> None:
        """See `Products`."""
        self._pool.run_kernel(
            backward_rounded_tiles, shape, self._output, batch, self._work, self._rounded, rules
        )


def products_for(
    precision: Precision, pool: WorkerPool, output: OutputState, work: Workspace, shape: Shape
) -> Products:
    """Return the sweeps in the precision that `precision` resolves to."""
    resolved = resolved_precision(precision)
    if resolved == "float32":
        return FloatProducts(pool, output, work)
    return RoundedProducts(pool, output, work, shape, PLANES[resolved])
