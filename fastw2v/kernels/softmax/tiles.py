"""The exact full-softmax step, fused over tiles of output words.

A batch is B centre rows with sparse observed context weights (docs/math.md). Its scores
Z = V_B U^T + b, B by V, are made tile by tile: some output words against all rows, in panels of
`PANEL` rows, so that lanes run along rows and every reduction over words is a plain vector
operation. Two sweeps over the tiles, each shared out among workers:

forward
    scores of the tile, turned into exponentials relative to a reference while they are still in
    registers, and each row's sum of them.
backward
    takes the observed contexts off the exponentials and reads the loss off them on the way, adds
    G U to the gradient of the centre vectors, and updates the tile's output vectors with
    G^T V_B, where G = a (softmax - observed).

G is never written down. A tile's softmax is its exponentials E times a scale for each row, so
that G = diag(scale) (E - observed / scale): the scale goes to the rows of V_B and of the
gradient, which are few, instead of to all of the scores. Between the sweeps `combine_tiles`
joins the tiles' references and sums into one log-sum-exp a row. One exponential is taken per
score. Partial sums of the centre gradient follow a fixed grid of `GROUPS` runs of tiles, so that
results do not depend on the number of workers.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import (
    PANEL,
    ROWS,
    THIRD,
    block,
    block_exponentials,
    block_from_rows,
    block_one_vector,
    block_scaled,
    block_scaled_third,
    block_scaled_two_thirds,
)
from fastw2v.kernels.simd.vectors import (
    LANES,
    broadcast,
    exponential,
    load,
    maximum,
    prefetch,
    store,
)
from fastw2v.kernels.softmax.errors import (
    scale_rows,
    subtract_observed,
    tile_scales,
    update_bias,
)
from fastw2v.kernels.softmax.updates import update_block

# The reference of a tile is its largest bias. Exponents this far above or below are as good as
# any; a tile whose largest exponent is further off takes the way round by `_panel_by_peak`.
FURTHEST_PEAK = np.float32(40)
_CACHE_LINE = 16  # float32 elements


@njit(nogil=True, inline="always")
def _panel_of_scores(shape, panel, place, output, batch, biases, totals):
    """Exponentials of one panel of a tile, relative to the reference; False if it is no good."""
    first, count, scores = place
    at = first * shape.rows + panel * count * PANEL
    for lane in range(0, PANEL, LANES):
        store(totals, lane, broadcast(np.float32(0)))
        store(totals, PANEL + lane, broadcast(np.float32(-3e38)))
    for word in range(0, count, ROWS):
        block_exponentials(
            (scores, at + word * PANEL),
            (output.vectors, (first + word) * shape.stride),
            (batch.packed, panel * shape.dimensions * PANEL),
            (biases, word),
            (totals, 0),
            (1, shape.dimensions, PANEL, shape.stride, 0, 1, 0, PANEL),
        )
    good = True
    for lane in range(PANEL, 2 * PANEL):
        good &= abs(totals[lane]) <= FURTHEST_PEAK
    return good


@njit(nogil=True)
def _panel_by_peak(shape, panel, place, output, batch, peaks, sums):
    """Exponentials of one panel of a tile, relative to each row's own largest score."""
    first, count, scores = place
    at = first * shape.rows + panel * count * PANEL
    for word in range(0, count, ROWS):
        block_from_rows(
            (scores, at + word * PANEL),
            (output.vectors, (first + word) * shape.stride),
            (batch.packed, panel * shape.dimensions * PANEL),
            (output.bias, first + word),
            (1, shape.dimensions, PANEL, shape.stride, 0, 1, 0, PANEL),
        )
    for lane in range(0, PANEL, LANES):
        peak = load(scores, at + lane)
        for i in range(at + lane + PANEL, at + lane + count * PANEL, PANEL):
            peak = maximum(peak, load(scores, i))
        total = broadcast(np.float32(0))
        for i in range(at + lane, at + lane + count * PANEL, PANEL):
            value = exponential(load(scores, i) - peak)
            store(scores, i, value)
            total = total + value
        store(peaks, panel * PANEL + lane, peak)
        store(sums, panel * PANEL + lane, total)


@njit(cache=True, nogil=True)
def forward_tiles(tasks, shape, output, batch, work):
    """Score tiles taken from the counter `tasks` until none is left.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    shape : Shape
    output : OutputState
    batch : BatchArrays
    work : Workspace
        `scores`, `peaks` and `sums` are written.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    biases = np.empty(shape.tile, np.float32)
    totals = np.empty(2 * PANEL, np.float32)
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            return
        first = tile * shape.tile
        count = min(shape.tile, shape.words - first)
        place = (first, count, work.scores)
        reference = output.bias[first]
        for word in range(first, first + count):
            reference = max(reference, output.bias[word])
        for word in range(count):
            biases[word] = output.bias[first + word] - reference
        peaks, sums = work.peaks[tile], work.sums[tile]
        for panel in range(shape.rows // PANEL):
            if _panel_of_scores(shape, panel, place, output, batch, biases, totals):
                for lane in range(PANEL):
                    peaks[panel * PANEL + lane] = reference
                    sums[panel * PANEL + lane] = totals[lane]
            else:
                _panel_by_peak(shape, panel, place, output, batch, peaks, sums)


@njit(cache=True, nogil=True)
def combine_tiles(shape, work):
    """Join the tiles into the log-sum-exp of every row.

    With m_t and s_t of each tile, log-sum-exp = m + log sum_t s_t exp(m_t - m), m = max m_t.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    for row in range(0, shape.rows, LANES):
        peak = load(work.peaks[0], row)
        for tile in range(1, tiles):
            peak = maximum(peak, load(work.peaks[tile], row))
        total = broadcast(np.float32(0))
        for tile in range(tiles):
            scale = exponential(load(work.peaks[tile], row) - peak)
            total = total + load(work.sums[tile], row) * scale
        store(work.row_peaks, row, peak)
        store(work.row_sums, row, total)


@njit(nogil=True, inline="always")
def tile_centre_gradient(shape, place, output, scales, gradient, coming):
    """Add G U of the tile to `gradient`, and have the scores of the next tile fetched."""
    first, count, scores = place
    dimensions = shape.block_dimensions
    steps = (1, count, PANEL, 1, 0, shape.stride, 0, PANEL)
    panels = shape.rows // PANEL
    share = coming[1] // (panels * ((dimensions + ROWS - 1) // ROWS)) + 1
    ahead, end = coming[0], coming[0] + coming[1]
    for panel in range(panels):
        errors = (scores, first * shape.rows + panel * count * PANEL)
        row_scales = (scales, panel * PANEL)
        at = panel * dimensions * PANEL
        for d in range(0, dimensions, ROWS):
            for i in range(ahead, min(ahead + share, end), _CACHE_LINE):
                prefetch(scores, i)
            ahead += share
            sums = (gradient, at + d * PANEL)
            vectors = (output.vectors, first * shape.stride + d)
            if dimensions - d >= ROWS:
                block_scaled(sums, vectors, errors, row_scales, steps)
            elif dimensions - d == THIRD:
                block_scaled_third(sums, vectors, errors, row_scales, steps)
            else:
                block_scaled_two_thirds(sums, vectors, errors, row_scales, steps)


@njit(nogil=True, inline="always")
def _tile_update(shape, place, output, rows, gradient, rules):
    """Update the tile's output vectors, block by block, each from a gradient still in L1."""
    first, count, scores = place
    scales, scaled = rows
    panels = shape.rows // PANEL
    stride = shape.stride
    steps = (panels, PANEL, stride, PANEL, count * PANEL, 1, PANEL * stride, stride)
    for word in range(0, count, ROWS):
        errors = (scores, first * shape.rows + word * PANEL)
        d = 0
        while d + PANEL <= stride:
            block((gradient, d), errors, (scaled, d), steps)
            d += PANEL
        if d < stride:
            block_one_vector((gradient, d), errors, (scaled, d), steps)
        at = (first + word) * stride
        size = ROWS * stride
        update_block(output.vectors, output.vector_moments, at, gradient, 0, size, rules[0])
        if rules[1].rate > 0:
            place_of_block = (first + word, first * shape.rows + word * PANEL, count * PANEL, ROWS)
            update_bias(shape, output, place_of_block, scores, scales, gradient, rules[1])


@njit(cache=True, nogil=True)
def loss_tiles(tasks, shape, output, batch, work):
    """Write the tiles' sums of weight * log p to ``work.observed``; train nothing.

    Comes after `combine_tiles`, with parameters as in `forward_tiles`; uses up the scores.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    scales = np.empty(shape.rows, np.float32)
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            return
        first = tile * shape.tile
        place = (first, min(shape.tile, shape.words - first), work.scores)
        tile_scales(shape, tile, batch, work, scales)
        work.observed[tile] = subtract_observed(shape, tile, place, output, batch, work, scales)


@njit(cache=True, nogil=True)
def backward_tiles(tasks, shape, output, batch, work, rules):
    """Take groups of tiles from the counter `tasks`; update them, and sum centre gradients.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    shape, output, batch, work
        As in `forward_tiles`, after `combine_tiles`; `output` is updated, and
        ``work.centre_gradients[group]`` and ``work.observed`` are written.
    rules : tuple of two Rule
        For the output vectors and for the bias; a bias rate of zero leaves the bias fixed.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    groups = work.centre_gradients.shape[0]
    gradient = np.zeros(ROWS * shape.stride + LANES, np.float32)
    scales = np.empty(shape.rows, np.float32)
    scaled = np.empty(shape.rows * shape.stride, np.float32)
    while True:
        group = fetch_add(tasks, 0, 1)
        if group >= groups:
            return
        partial = work.centre_gradients[group]
        partial[:] = 0
        last = (group + 1) * tiles // groups
        for tile in range(group * tiles // groups, last):
            first = tile * shape.tile
            count = min(shape.tile, shape.words - first)
            place = (first, count, work.scores)
            following = 0
            if tile + 1 < last:
                following = min(shape.tile, shape.words - first - count) * shape.rows
            coming = ((first + count) * shape.rows, following)
            tile_scales(shape, tile, batch, work, scales)
            scale_rows(shape, batch.vectors, scales, scaled)
            work.observed[tile] = subtract_observed(shape, tile, place, output, batch, work, scales)
            tile_centre_gradient(shape, place, output, scales, partial, coming)
            _tile_update(shape, place, output, (scales, scaled), gradient, rules)
