"""What the three products of the exact step multiply, as float32 or rounded to bfloat16.

Parameters, moments, sums, exponentials and gradients are float32 in either case. Rounded operands
(see `fastw2v.kernels.simd.bfloat16`) are summed over pairs of neighbours, so each is laid out in
pairs along its summed index:

========================  ===================  ==============================================
product                   summed over          pairs
========================  ===================  ==============================================
scores U V_B^T            dimensions           rows of U as they lie; `packed` V_B
centre gradient G U       words of the tile    two rows of scores, two rows of U interleaved
output gradient G^T V_B   rows of the batch    scores as they lie; two rows of V_B interleaved
========================  ===================  ==============================================

The exponentials are rounded and stored straight from the registers they were made in. The rest
is made tile by tile, just before it is used. float32 operands are multiplied where they lie.

Functions for kernels that take `Operands` are compiled for the kind of their elements.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload, register_jitable

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.amx import HAS_AMX
from fastw2v.kernels.simd.bfloat16 import new_planes, pair_rows, store_pairs, transpose_pairs
from fastw2v.kernels.simd.blocks import PANEL, SinglePrecision
from fastw2v.kernels.simd.operands import operand_of, store_numbers
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, store
from fastw2v.kernels.softmax.layout import Shape

__all__ = [
    "Operands",
    "dimension_pairs",
    "new_scratch",
    "panel_errors",
    "renew_outputs",
    "round_centres",
    "round_outputs",
    "row_elements",
    "row_pairs",
    "scale_centres",
    "summed_elements",
    "tile_outputs",
]


class Operands(NamedTuple):
    """Arrays of float32, or tuples of planes: one-dimensional uint32 arrays of pairs.

    outputs : (words * row elements,) the output vectors
    packed : (rows * summed elements,) the batch's centre vectors as panels of
        (summed elements, PANEL)
    scores : (words * rows numbers,) panels of (words of the tile, PANEL numbers)
    """

    outputs: Any
    packed: Any
    scores: Any


@register_jitable(inline="always")
def row_pairs(shape: Shape) -> int:
    """Return the pairs from one row of rounded output vectors to the next."""
    return (shape.stride + 2 * LANES - 1) // (2 * LANES) * LANES


@register_jitable(inline="always")
def dimension_pairs(shape: Shape) -> int:
    """Return the pairs of dimensions that the scores are summed over: whole tiles with AMX."""
    return row_pairs(shape) if HAS_AMX else (shape.dimensions + 1) // 2


def _is_single(operands):
    return operand_of(operands[0]) is SinglePrecision


def _for_kernels(name):
    raise NotImplementedError(f"{name} works in compiled kernels only")


def row_elements(shape, operands):
    """Return the elements from one row of `Operands.outputs` to the next."""
    _for_kernels("row_elements")


@overload(row_elements, inline="always")
def _row_elements(shape, operands):
    if _is_single(operands):
        return lambda shape, operands: shape.stride
    return lambda shape, operands: row_pairs(shape)


def summed_elements(shape, operands):
    """Return the elements of a row that the scores are summed over."""
    _for_kernels("summed_elements")


@overload(summed_elements, inline="always")
def _summed_elements(shape, operands):
    if _is_single(operands):
        return lambda shape, operands: shape.dimensions
    return lambda shape, operands: dimension_pairs(shape)


@njit(nogil=True, inline="always")
def _round_rows(shape, vectors, first, count, outputs):
    """Write `count` output vectors, from row `first` on, in pairs."""
    stride, pairs = shape.stride, row_pairs(shape)
    nothing = broadcast(np.float32(0))
    for word in range(first, first + count):
        at = word * stride
        for d in range(0, stride, 2 * LANES):
            second = load(vectors, at + d + LANES) if d + LANES < stride else nothing
            store_numbers(outputs, word * pairs + d // 2, load(vectors, at + d), second)


@kernel
def round_outputs(shape, vectors, outputs):
    """Write all output vectors (words * stride,) in pairs, once before the first step."""
    _round_rows(shape, vectors, 0, shape.words, outputs)


@kernel
def round_centres(shape, batch, packed):
    """Write the batch's packed centre vectors in pairs of dimensions."""
    n_pairs = dimension_pairs(shape)
    nothing = broadcast(np.float32(0))
    for panel in range(shape.rows // PANEL):
        source = panel * shape.dimensions * PANEL
        target = panel * n_pairs * PANEL
        for d in range(0, 2 * n_pairs, 2):
            for lane in range(0, PANEL, LANES):
                first, second = nothing, nothing
                if d < shape.dimensions:
                    first = load(batch.packed, source + d * PANEL + lane)
                if d + 1 < shape.dimensions:
                    second = load(batch.packed, source + (d + 1) * PANEL + lane)
                store_pairs(packed, target + d // 2 * PANEL + lane, first, second)


def renew_outputs(shape, vectors, first, count, operands):
    """Bring `Operands.outputs` up to date with `count` changed output vectors from `first` on."""
    _for_kernels("renew_outputs")


@overload(renew_outputs, inline="always")
def _renew_outputs(shape, vectors, first, count, operands):
    if _is_single(operands):
        return lambda shape, vectors, first, count, operands: None

    def renew(shape, vectors, first, count, operands):
        _round_rows(shape, vectors, first, count, operands.outputs)

    return renew


def new_scratch(shape, operands):
    """Return a worker's memory for the operands of one tile; the scaled rows come first."""
    _for_kernels("new_scratch")


@overload(new_scratch, inline="always")
def _new_scratch(shape, operands):
    if _is_single(operands):
        return lambda shape, operands: (np.empty(shape.rows * shape.stride, np.float32),)

    def new(shape, operands):
        outputs = shape.tile * row_pairs(shape)
        return (
            new_planes(operands.scores, shape.rows // 2 * shape.stride),
            new_planes(operands.scores, outputs),
            new_planes(operands.scores, outputs if HAS_AMX else 0),
            new_planes(operands.scores, shape.tile // 2 * PANEL),
        )

    return new


@kernel
def _scale_rows(shape, vectors, scales, scaled):
    """Write the batch's centre vectors, each times its scale."""
    for row in range(shape.rows):
        scale = broadcast(scales[row])
        for d in range(row * shape.stride, (row + 1) * shape.stride, LANES):
            store(scaled, d, scale * load(vectors, d))


@kernel
def _pair_centres(shape, vectors, scales, scaled):
    """Write the batch's centre vectors times their scales, in pairs of rows."""
    stride = shape.stride
    for row in range(0, shape.rows, 2):
        first, second = broadcast(scales[row]), broadcast(scales[row + 1])
        at = row * stride
        for d in range(0, stride, LANES):
            x = first * load(vectors, at + d)
            y = second * load(vectors, at + stride + d)
            store_pairs(scaled, row // 2 * stride + d, x, y)


def scale_centres(shape, vectors, scales, operands, scratch):
    """Write the batch's centre vectors, each times its scale, to the first of the scratch."""
    _for_kernels("scale_centres")


@overload(scale_centres, inline="always")
def _scale_centres(shape, vectors, scales, operands, scratch):
    if _is_single(operands):

        def scale_rows(shape, vectors, scales, operands, scratch):
            _scale_rows(shape, vectors, scales, scratch[0])

        return scale_rows

    def scale_pairs(shape, vectors, scales, operands, scratch):
        _pair_centres(shape, vectors, scales, scratch[0])

    return scale_pairs


@kernel
def _pair_outputs(shape, place, outputs, paired):
    """Write the tile's output vectors in pairs of words: (count / 2, 2 * row_pairs)."""
    first, count = place[0], place[1]
    pairs = row_pairs(shape)
    for word in range(0, count, 2):
        at = (first + word) * pairs
        for d in range(0, pairs, LANES):
            pair_rows(paired, word * pairs + 2 * d, outputs, at + d, at + pairs + d)


@kernel
def _transpose_outputs(shape, count, paired, transposed):
    """Turn the tile's pairs of words into (2 * row_pairs, count / 2), as AMX reads them."""
    width, height = 2 * row_pairs(shape), count // 2
    for d in range(0, width, LANES):
        for word in range(0, height, LANES):
            target = (d * height + word, height)
            transpose_pairs(transposed, target, paired, (word * width + d, width))


def tile_outputs(shape, place, operands, scratch):
    """Return the tile's output vectors to be summed over words, and how they lie.

    Returns
    -------
    outputs : array or tuple of planes
    start : int
        The first element of the tile.
    dimension_step, word_step : int
        Elements from one dimension to the next, and from a word (or two) to the following.
    """
    _for_kernels("tile_outputs")


@overload(tile_outputs, inline="always")
def _tile_outputs(shape, place, operands, scratch):
    if _is_single(operands):

        def single(shape, place, operands, scratch):
            return operands.outputs, place[0] * shape.stride, 1, shape.stride

        return single

    def paired(shape, place, operands, scratch):
        _pair_outputs(shape, place, operands.outputs, scratch[1])
        if HAS_AMX:
            _transpose_outputs(shape, place[1], scratch[1], scratch[2])
        outputs = scratch[2] if HAS_AMX else scratch[1]
        steps = (place[1] // 2, 1) if HAS_AMX else (1, 2 * row_pairs(shape))
        return outputs, 0, steps[0], steps[1]

    return paired


def panel_errors(shape, place, panel, operands, scratch):
    """Return the place of a panel's errors to be summed over the words of a tile."""
    _for_kernels("panel_errors")


@overload(panel_errors, inline="always")
def _panel_errors(shape, place, panel, operands, scratch):
    if _is_single(operands):

        def single(shape, place, panel, operands, scratch):
            return operands.scores, place[0] * shape.rows + panel * place[1] * PANEL

        return single

    def paired(shape, place, panel, operands, scratch):
        first, count = place[0], place[1]
        at = (first * shape.rows + panel * count * PANEL) // 2
        for word in range(0, count, 2):
            i = at + word * (PANEL // 2)
            pair_rows(scratch[3], word // 2 * PANEL, operands.scores, i, i + PANEL // 2)
        return scratch[3], 0

    return paired
