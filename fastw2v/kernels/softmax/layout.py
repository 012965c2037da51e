"""Sizes and arrays of the exact step, grouped; shared by its kernels and by the drivers.

All arrays are float32 and one-dimensional unless said otherwise. Output vectors are rows of
`stride` floats (D rounded up to whole vectors), their number rounded up to whole blocks. The
scores of a tile are panels of (words of the tile, PANEL).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.simd.amx import HAS_AMX
from fastw2v.kernels.simd.blocks import ROWS, THIRD

__all__ = [
    "DIMENSION_STEP",
    "GROUPS",
    "LARGEST_TILE",
    "LOWEST",
    "TILE_BYTES",
    "WORD_STEP",
    "BatchArrays",
    "CentreState",
    "Floats",
    "OutputState",
    "Shape",
    "TileShape",
    "Workspace",
    "new_shape",
    "tile_words",
]

GROUPS = 16  # fixed runs of tiles whose shares of the centre gradient are summed apart
TILE_BYTES = 400_000  # scores and output vectors of a tile; with the rest they stay in L2
LARGEST_TILE = 504
# Words and dimensions are filled up to whole blocks; with AMX also to whole tiles of pairs.
WORD_STEP = 8 * ROWS if HAS_AMX else ROWS
DIMENSION_STEP = 16 if HAS_AMX else THIRD
LOWEST = np.float32(-1e30)  # bias of the words that only fill up the last block

Floats = NDArray[np.float32]


class Shape(NamedTuple):
    """Sizes of a step.

    `words` is V rounded up to whole blocks, `rows` is B rounded up to whole panels, `stride` is D
    rounded up to whole vectors, `block_dimensions` is D rounded up to whole blocks of the centre
    gradient, `tile` the output words of a tile.
    """

    words: int
    rows: int
    dimensions: int
    stride: int
    block_dimensions: int
    tile: int


class TileShape(Shape):
    """The same with AMX: a type of its own, by which caches tell kernels for tiles apart."""

    __slots__ = ()


def new_shape(*sizes: int) -> Shape:
    """Return the `Shape` of these sizes for the kernels in use."""
    return TileShape(*sizes) if HAS_AMX else Shape(*sizes)


def tile_words(max_rows: int, stride: int) -> int:
    """Return how many output words make a tile: whole blocks that fit in the cache."""
    fitting = TILE_BYTES // (4 * (max_rows + stride))
    return max(WORD_STEP, min(LARGEST_TILE, fitting) // WORD_STEP * WORD_STEP)


class OutputState(NamedTuple):
    """Output vectors (words * stride,), their bias (words,), and the optimiser's moments."""

    vectors: Floats
    vector_moments: Floats
    bias: Floats
    bias_moments: Floats


class CentreState(NamedTuple):
    """Centre vectors (V * stride,), their moments, and how often each was updated (V,) int32."""

    vectors: Floats
    moments: Floats
    visits: NDArray[np.int32]


class BatchArrays(NamedTuple):
    """A batch of centre rows.

    vectors : (rows * stride,) centre vectors, zero beyond the batch's own rows
    packed : (rows * dimensions,) the same as panels of (dimensions, PANEL)
    row_weights : (rows,) a_r, zero beyond the batch's own rows
    tile_starts : (tiles + 1,) int64, where the entries of each tile of output words begin
    entry_rows : (E,) int32, the entries' rows, ascending within a tile
    columns : (E,) int32, their observed context words, ascending within a tile's row
    weights : (E,) observed weights; those of row r sum to a_r
    """

    vectors: Floats
    packed: Floats
    row_weights: Floats
    tile_starts: NDArray[np.int64]
    entry_rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    weights: Floats


class Workspace(NamedTuple):
    """Scratch memory of a step.

    scores : (words * rows,), or none where they are rounded (`operands.Operands`)
    peaks, sums : (tiles, rows) reference score and sum of exponentials relative to it of a row
        within a tile
    row_peaks, row_sums : (rows,) the same over all tiles; log-sum-exp = peak + log(sum), kept
        apart because a float32 near 1e4 has no digits left for the logarithm
    observed : (tiles,) float64, sum of weight * log p over a tile's observed entries
    centre_gradients : (GROUPS, rows * block_dimensions) partial sums, in panels
    """

    scores: Floats
    peaks: Floats
    sums: Floats
    row_peaks: Floats
    row_sums: Floats
    observed: NDArray[np.float64]
    centre_gradients: Floats
