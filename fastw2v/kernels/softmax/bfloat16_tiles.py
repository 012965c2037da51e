"""The exact softmax step with its three products in bfloat16: `softmax_tiles`, number by number.

Parameters, moments, sums, exponentials and gradients are float32; what is multiplied is rounded
(see `fastw2v.kernels.simd.bfloat16`). The products sum over pairs of neighbours, so each operand is
laid out in pairs along its summed index:

========================  ===================  ==============================================
product                   summed over          pairs
========================  ===================  ==============================================
scores U V_B^T            dimensions           rows of U as they lie; `packed` V_B
centre gradient G U       words of the tile    two rows of scores, two rows of U interleaved
output gradient G^T V_B   rows of the batch    scores as they lie; two rows of V_B interleaved
========================  ===================  ==============================================

The exponentials are rounded and stored straight from the registers they were made in. The rest
is made tile by tile, just before it is used.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from fastw2v.kernels.simd.amx import HAS_AMX, configure_tiles, release_tiles
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.bfloat16 import (
    PAIR_ROWS,
    PANEL_PAIRS,
    new_planes,
    pair_block,
    pair_block_exponentials,
    pair_block_from_rows,
    pair_block_one_vector,
    pair_block_scaled,
    pair_block_scaled_third,
    pair_block_scaled_two_thirds,
    pair_rows,
    store_pairs,
    store_rounded,
    transpose_pairs,
)
from fastw2v.kernels.simd.blocks import PANEL, THIRD
from fastw2v.kernels.simd.vectors import (
    LANES,
    broadcast,
    exponential,
    load,
    maximum,
    prefetch,
    store,
)
from fastw2v.kernels.softmax.errors import subtract_observed, tile_scales, update_bias
from fastw2v.kernels.softmax.layout import Shape
from fastw2v.kernels.softmax.tiles import FURTHEST_PEAK
from fastw2v.kernels.softmax.updates import update_block

_CACHE_LINE = 16  # elements


class RoundedArrays(NamedTuple):
    """The rounded operands; each a tuple of planes, one-dimensional uint32 arrays of pairs.

    outputs : (words * row_pairs,) the output vectors, their rows `row_pairs` apart
    packed : (rows * dimension_pairs,) the batch's centre vectors as panels of
        (dimension_pairs, PANEL)
    scores : (words * rows / 2,) panels of (words of the tile, PANEL numbers)
    """

    outputs: Any
    packed: Any
    scores: Any


def row_pairs(shape: Shape) -> int:
    """Return the pairs from one row of `RoundedArrays.outputs` to the next."""
    return (shape.stride + 2 * LANES - 1) // (2 * LANES) * LANES


def dimension_pairs(shape: Shape) -> int:
    """Return the pairs of dimensions that the scores are summed over: whole tiles with AMX."""
    return row_pairs(shape) if HAS_AMX else (shape.dimensions + 1) // 2


_row_pairs = njit(nogil=True, inline="always")(row_pairs)


@njit(nogil=True, inline="always")
def _dimension_pairs(shape):
    return _row_pairs(shape) if HAS_AMX else (shape.dimensions + 1) // 2


@njit(nogil=True, inline="always")
def _round_rows(shape, vectors, first, count, outputs):
    """Write `count` output vectors, from row `first` on, in pairs."""
    stride, pairs = shape.stride, _row_pairs(shape)
    nothing = broadcast(np.float32(0))
    for word in range(first, first + count):
        at = word * stride
        for d in range(0, stride, 2 * LANES):
            second = load(vectors, at + d + LANES) if d + LANES < stride else nothing
            store_rounded(outputs, word * pairs + d // 2, load(vectors, at + d), second)


@njit(cache=True, nogil=True)
def round_outputs(shape, vectors, outputs):
    """Write all output vectors (words * stride,) in pairs, once before the first step."""
    _round_rows(shape, vectors, 0, shape.words, outputs)


@njit(cache=True, nogil=True)
def round_centres(shape, batch, packed):
    """Write the batch's packed centre vectors in pairs of dimensions."""
    n_pairs = _dimension_pairs(shape)
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


@njit(nogil=True, inline="always")
def _panel_of_scores(shape, panel, place, rounded, biases, totals):
    """Exponentials of one panel of a tile, relative to the reference; False if it is no good."""
    first, count = place
    at = (first * shape.rows + panel * count * PANEL) // 2
    n_pairs = _dimension_pairs(shape)
    pairs = _row_pairs(shape)
    for lane in range(0, PANEL, LANES):
        store(totals, lane, broadcast(np.float32(0)))
        store(totals, PANEL + lane, broadcast(np.float32(-3e38)))
    for word in range(0, count, PAIR_ROWS):
        pair_block_exponentials(
            (rounded.scores, at + word * PANEL_PAIRS),
            (rounded.outputs, (first + word) * pairs),
            (rounded.packed, panel * n_pairs * PANEL),
            (biases, word),
            (totals, 0),
            (1, n_pairs, PANEL_PAIRS, pairs, 0, 1, 0, PANEL),
        )
    good = True
    for lane in range(PANEL, 2 * PANEL):
        good &= abs(totals[lane]) <= FURTHEST_PEAK
    return good


@njit(nogil=True)
def _panel_by_peak(shape, panel, place, bias, rounded, scores, references):
    """Exponentials of one panel of a tile, relative to each row's own largest score."""
    first, count = place
    peaks, sums = references
    n_pairs = _dimension_pairs(shape)
    pairs = _row_pairs(shape)
    for word in range(0, count, PAIR_ROWS):
        pair_block_from_rows(
            (scores, word * PANEL),
            (rounded.outputs, (first + word) * pairs),
            (rounded.packed, panel * n_pairs * PANEL),
            (bias, first + word),
            (1, n_pairs, PANEL, pairs, 0, 1, 0, PANEL),
        )
    for lane in range(0, PANEL, LANES):
        peak = load(scores, lane)
        for i in range(lane + PANEL, lane + count * PANEL, PANEL):
            peak = maximum(peak, load(scores, i))
        total = broadcast(np.float32(0))
        for i in range(lane, lane + count * PANEL, PANEL):
            value = exponential(load(scores, i) - peak)
            store(scores, i, value)
            total = total + value
        store(peaks, panel * PANEL + lane, peak)
        store(sums, panel * PANEL + lane, total)
    at = (first * shape.rows + panel * count * PANEL) // 2
    for word in range(count):
        i = word * PANEL
        values = load(scores, i), load(scores, i + LANES)
        store_rounded(rounded.scores, at + word * PANEL_PAIRS, values[0], values[1])


@njit(cache=True, nogil=True)
def forward_rounded_tiles(tasks, shape, output, rounded, work):
    """Score tiles taken from the counter `tasks` until none is left.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    shape : Shape
    output : OutputState
        Only its bias is read.
    rounded : RoundedArrays
        `outputs` and `packed` are read, `scores` is written.
    work : Workspace
        `peaks` and `sums` are written; `scores` is not used.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    biases = np.empty(shape.tile, np.float32)
    totals = np.empty(2 * PANEL, np.float32)
    scores = np.empty(shape.tile * PANEL, np.float32)
    configure_tiles()
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            release_tiles()
            return
        first = tile * shape.tile
        count = min(shape.tile, shape.words - first)
        place = (first, count)
        reference = output.bias[first]
        for word in range(first, first + count):
            reference = max(reference, output.bias[word])
        for word in range(count):
            biases[word] = output.bias[first + word] - reference
        peaks, sums = work.peaks[tile], work.sums[tile]
        for panel in range(shape.rows // PANEL):
            if _panel_of_scores(shape, panel, place, rounded, biases, totals):
                for lane in range(PANEL):
                    peaks[panel * PANEL + lane] = reference
                    sums[panel * PANEL + lane] = totals[lane]
            else:
                _panel_by_peak(shape, panel, place, output.bias, rounded, scores, (peaks, sums))


@njit(nogil=True)
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


@njit(nogil=True)
def _pair_outputs(shape, place, outputs, paired):
    """Write the tile's output vectors in pairs of words: (count / 2, 2 * row_pairs)."""
    first, count = place
    pairs = _row_pairs(shape)
    for word in range(0, count, 2):
        at = (first + word) * pairs
        for d in range(0, pairs, LANES):
            pair_rows(paired, word * pairs + 2 * d, outputs, at + d, at + pairs + d)


@njit(nogil=True)
def _transpose_outputs(shape, count, paired, transposed):
    """Turn the tile's pairs of words into (2 * row_pairs, count / 2), as AMX reads them."""
    width, height = 2 * _row_pairs(shape), count // 2
    for d in range(0, width, LANES):
        for word in range(0, height, LANES):
            target = (d * height + word, height)
            transpose_pairs(transposed, target, paired, (word * width + d, width))


@njit(nogil=True, inline="always")
def _centre_gradient(shape, place, rounded, paired, rows, coming):
    """Add G U of the tile to the gradient, and have the scores of the next tile fetched."""
    first, count = place
    paired_outputs, paired_errors = paired
    scales, gradient = rows
    dimensions = shape.block_dimensions
    row_step, word_step = (count // 2, 1) if HAS_AMX else (1, 2 * _row_pairs(shape))
    steps = (1, count // 2, PANEL, row_step, 0, word_step, 0, PANEL)
    panels = shape.rows // PANEL
    share = coming[1] // (panels * ((dimensions + PAIR_ROWS - 1) // PAIR_ROWS)) + 1
    ahead, end = coming[0], coming[0] + coming[1]
    errors = (paired_errors, 0)
    for panel in range(panels):
        at = (first * shape.rows + panel * count * PANEL) // 2
        for word in range(0, count, 2):
            i = at + word * PANEL_PAIRS
            pair_rows(paired_errors, word // 2 * PANEL, rounded.scores, i, i + PANEL_PAIRS)
        row_scales = (scales, panel * PANEL)
        at = panel * dimensions * PANEL
        for d in range(0, dimensions, PAIR_ROWS):
            for i in range(ahead, min(ahead + share, end), _CACHE_LINE):
                for plane in rounded.scores:
                    prefetch(plane, i)
            ahead += share
            sums = (gradient, at + d * PANEL)
            vectors = (paired_outputs, d * row_step)
            if dimensions - d >= PAIR_ROWS:
                pair_block_scaled(sums, vectors, errors, row_scales, steps)
            elif dimensions - d == THIRD:
                pair_block_scaled_third(sums, vectors, errors, row_scales, steps)
            else:
                pair_block_scaled_two_thirds(sums, vectors, errors, row_scales, steps)


@njit(nogil=True, inline="always")
def _update(shape, place, output, rounded, rows, gradient, rules):
    """Update the tile's output vectors, block by block, each from a gradient still in L1."""
    first, count = place
    scales, scaled = rows
    panels = shape.rows // PANEL
    stride = shape.stride
    half = PANEL_PAIRS
    steps = (panels, half, stride, half, count * half, 1, half * stride, stride)
    for word in range(0, count, PAIR_ROWS):
        errors = (rounded.scores, first * shape.rows // 2 + word * half)
        d = 0
        while d + PANEL <= stride:
            pair_block((gradient, d), errors, (scaled, d), steps)
            d += PANEL
        if d < stride:
            pair_block_one_vector((gradient, d), errors, (scaled, d), steps)
        at = (first + word) * stride
        size = PAIR_ROWS * stride
        update_block(output.vectors, output.vector_moments, at, gradient, 0, size, rules[0])
        _round_rows(shape, output.vectors, first + word, PAIR_ROWS, rounded.outputs)
        if rules[1].rate > 0:
            place_of_block = (
                first + word,
                first * shape.rows + word * PANEL,
                count * PANEL,
                PAIR_ROWS,
            )
            update_bias(shape, output, place_of_block, rounded.scores, scales, gradient, rules[1])


@njit(cache=True, nogil=True)
def backward_rounded_tiles(tasks, shape, output, batch, work, rounded, rules):
    """Take groups of tiles from the counter `tasks`; update them, and sum centre gradients.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    shape, output, batch, work, rounded
        As in `forward_rounded_tiles`, after `combine_tiles`; `output` and ``rounded.outputs`` are
        updated, ``work.centre_gradients[group]`` and ``work.observed`` are written.
    rules : tuple of two Rule
        For the output vectors and for the bias; a bias rate of zero leaves the bias fixed.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    groups = work.centre_gradients.shape[0]
    gradient = np.zeros(PAIR_ROWS * shape.stride + LANES, np.float32)
    scales = np.empty(shape.rows, np.float32)
    scaled = new_planes(rounded.scores, shape.rows // 2 * shape.stride)
    paired_outputs = new_planes(rounded.scores, shape.tile * _row_pairs(shape))
    transposed = new_planes(rounded.scores, shape.tile * _row_pairs(shape) if HAS_AMX else 0)
    paired_errors = new_planes(rounded.scores, shape.tile // 2 * PANEL)
    configure_tiles()
    while True:
        group = fetch_add(tasks, 0, 1)
        if group >= groups:
            release_tiles()
            return
        partial = work.centre_gradients[group]
        partial[:] = 0
        last = (group + 1) * tiles // groups
        for tile in range(group * tiles // groups, last):
            first = tile * shape.tile
            count = min(shape.tile, shape.words - first)
            place = (first, count)
            following = 0
            if tile + 1 < last:
                following = min(shape.tile, shape.words - first - count) * shape.rows // 2
            coming = ((first + count) * shape.rows // 2, following)
            tile_scales(shape, tile, batch, work, scales)
            with_scores = (first, count, rounded.scores)
            work.observed[tile] = subtract_observed(
                shape, tile, with_scores, output, batch, work, scales
            )
            _pair_centres(shape, batch.vectors, scales, scaled)
            _pair_outputs(shape, place, rounded.outputs, paired_outputs)
            if HAS_AMX:
                _transpose_outputs(shape, count, paired_outputs, transposed)
            paired = (transposed if HAS_AMX else paired_outputs, paired_errors)
            _centre_gradient(shape, place, rounded, paired, (scales, partial), coming)
            _update(shape, place, output, rounded, (scales, scaled), gradient, rules)
