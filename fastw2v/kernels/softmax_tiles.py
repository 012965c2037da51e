"""The exact full-softmax step, fused over tiles of output words.

A batch is B centre rows with sparse observed context weights (docs/math.md). Its scores
Z = V_B U^T + b, B by V, are made tile by tile: `TILE` output words against all rows, in panels
of `PANEL` rows, so that lanes run along rows and every reduction over words is a plain vector
operation. Two sweeps over the tiles, each shared out among workers:

forward
    scores of the tile, their sum against the observed weights (the loss), the largest score
    of each row within the tile, the exponentials relative to it, and their sum.
backward
    turns the exponentials into G = a (softmax - observed), adds G U to the gradient of the
    centre vectors, and updates the tile's output vectors with G^T V_B.

Between them `combine_tiles` joins the tiles' maxima and sums into one log-sum-exp a row. One
exponential is taken per score. Partial sums of the centre gradient follow a fixed grid of
`GROUPS` runs of tiles, so that results do not depend on the number of workers.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.atomics import fetch_add
from fastw2v.kernels.blocks import (
    PANEL,
    ROWS,
    THIRD,
    block,
    block_added,
    block_added_third,
    block_added_two_thirds,
    block_from_rows,
    block_one_vector,
)
from fastw2v.kernels.simd import LANES, broadcast, exponential, load, maximum, store
from fastw2v.kernels.softmax_layout import TILE
from fastw2v.kernels.updates import update_block


@njit(nogil=True, inline="always")
def _tile_scores(shape, first, count, output, batch, scores):
    for panel in range(shape.rows // PANEL):
        at = first * shape.rows + panel * count * PANEL
        for word in range(0, count, ROWS):
            block_from_rows(
                (scores, at + word * PANEL),
                (output.vectors, (first + word) * shape.stride),
                (batch.packed, panel * shape.dimensions * PANEL),
                (output.bias, first + word),
                (1, shape.dimensions, PANEL, shape.stride, 0, 1, 0, PANEL),
            )


@njit(nogil=True, inline="always")
def _tile_observed(shape, tile, first, count, batch, scores):
    total = 0.0
    for row in range(batch.splits.shape[0]):
        at = first * shape.rows + (row // PANEL) * count * PANEL + row % PANEL - first * PANEL
        for k in range(batch.splits[row, tile], batch.splits[row, tile + 1]):
            total += float(batch.weights[k]) * float(scores[at + batch.columns[k] * PANEL])
    return total


@njit(nogil=True, inline="always")
def _tile_exponentials(shape, first, count, scores, peaks, sums):
    for panel in range(shape.rows // PANEL):
        at = first * shape.rows + panel * count * PANEL
        peak0 = load(scores, at)
        peak1 = load(scores, at + LANES)
        for i in range(at + PANEL, at + count * PANEL, PANEL):
            peak0 = maximum(peak0, load(scores, i))
            peak1 = maximum(peak1, load(scores, i + LANES))
        sum0 = broadcast(np.float32(0))
        sum1 = broadcast(np.float32(0))
        for i in range(at, at + count * PANEL, PANEL):
            e0 = exponential(load(scores, i) - peak0)
            e1 = exponential(load(scores, i + LANES) - peak1)
            store(scores, i, e0)
            store(scores, i + LANES, e1)
            sum0 = sum0 + e0
            sum1 = sum1 + e1
        row = panel * PANEL
        store(peaks, row, peak0)
        store(peaks, row + LANES, peak1)
        store(sums, row, sum0)
        store(sums, row + LANES, sum1)


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
        `scores`, `peaks`, `sums` and `observed` are written.
    """
    tiles = (shape.words + TILE - 1) // TILE
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            return
        first = tile * TILE
        count = min(TILE, shape.words - first)
        _tile_scores(shape, first, count, output, batch, work.scores)
        work.observed[tile] = _tile_observed(shape, tile, first, count, batch, work.scores)
        _tile_exponentials(shape, first, count, work.scores, work.peaks[tile], work.sums[tile])


@njit(cache=True, nogil=True)
def combine_tiles(shape, batch, work):
    """Join the tiles: log-sum-exp of every row, and the batch's loss.

    With m_t and s_t of each tile, log-sum-exp = m + log sum_t s_t exp(m_t - m), m = max m_t.

    Returns
    -------
    float
        sum_r a_r log-sum-exp_r - sum of weight * score over the observed entries, in nats
        times the unit of the weights.
    """
    tiles = (shape.words + TILE - 1) // TILE
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
    loss = 0.0
    for row in range(shape.rows):
        log_sum = float(work.row_peaks[row]) + np.log(float(work.row_sums[row]))
        loss += float(batch.row_weights[row]) * log_sum
    for tile in range(tiles):
        loss -= work.observed[tile]
    return loss


@njit(nogil=True, inline="always")
def _row_scale(work, tile, row, row_weights):
    """Return a * exp(m_t - log-sum-exp) for one vector of rows."""
    relative = exponential(load(work.peaks[tile], row) - load(work.row_peaks, row))
    return load(row_weights, row) * relative / load(work.row_sums, row)


@njit(nogil=True, inline="always")
def _tile_errors(shape, tile, first, count, batch, work):
    """Turn exponentials into G = a (softmax - observed)."""
    scores = work.scores
    for panel in range(shape.rows // PANEL):
        row = panel * PANEL
        at = first * shape.rows + row * count
        scale0 = _row_scale(work, tile, row, batch.row_weights)
        scale1 = _row_scale(work, tile, row + LANES, batch.row_weights)
        for i in range(at, at + count * PANEL, PANEL):
            store(scores, i, load(scores, i) * scale0)
            store(scores, i + LANES, load(scores, i + LANES) * scale1)
    for row in range(batch.splits.shape[0]):
        at = first * shape.rows + (row // PANEL) * count * PANEL + row % PANEL - first * PANEL
        for k in range(batch.splits[row, tile], batch.splits[row, tile + 1]):
            scores[at + batch.columns[k] * PANEL] -= batch.weights[k]


@njit(nogil=True, inline="always")
def _tile_centre_gradient(shape, first, count, output, scores, gradient):
    dimensions = (shape.dimensions + THIRD - 1) // THIRD * THIRD
    steps = (1, count, PANEL, 1, 0, shape.stride, 0, PANEL)
    for panel in range(shape.rows // PANEL):
        errors = (scores, first * shape.rows + panel * count * PANEL)
        at = panel * dimensions * PANEL
        d = 0
        while d + ROWS <= dimensions:
            vectors = (output.vectors, first * shape.stride + d)
            block_added((gradient, at + d * PANEL), vectors, errors, steps)
            d += ROWS
        vectors = (output.vectors, first * shape.stride + d)
        if dimensions - d == THIRD:
            block_added_third((gradient, at + d * PANEL), vectors, errors, steps)
        elif dimensions - d == 2 * THIRD:
            block_added_two_thirds((gradient, at + d * PANEL), vectors, errors, steps)


@njit(nogil=True, inline="always")
def _block_bias_gradient(shape, at, count, scores, gradient):
    for i in range(ROWS):
        total = np.float32(0)
        for panel in range(shape.rows // PANEL):
            start = at + (panel * count + i) * PANEL
            for lane in range(start, start + PANEL):
                total += scores[lane]
        gradient[i] = total


@njit(nogil=True, inline="always")
def _tile_update(shape, first, count, output, batch, scores, gradient, rules):
    """Update the tile's output vectors, block by block, each from a gradient still in L1."""
    panels = shape.rows // PANEL
    stride = shape.stride
    steps = (panels, PANEL, stride, PANEL, count * PANEL, 1, PANEL * stride, stride)
    for word in range(0, count, ROWS):
        errors = (scores, first * shape.rows + word * PANEL)
        d = 0
        while d + PANEL <= stride:
            block((gradient, d), errors, (batch.vectors, d), steps)
            d += PANEL
        if d < stride:
            block_one_vector((gradient, d), errors, (batch.vectors, d), steps)
        at = (first + word) * stride
        size = ROWS * stride
        update_block(output.vectors, output.vector_moments, at, gradient, 0, size, rules[0])
        if rules[1].rate > 0:
            at = first * shape.rows + word * PANEL
            _block_bias_gradient(shape, at, count, scores, gradient)
            update_bias(output.bias, output.bias_moments, first + word, gradient, rules[1])


@njit(cache=True, nogil=True)
def update_bias(bias, moments, at, gradient, rule):
    """Update the `ROWS` biases from `at` on; a block of them need not fill whole vectors."""
    padded = (ROWS + LANES - 1) // LANES * LANES
    values = np.zeros(padded, np.float32)
    kept = np.zeros((moments.shape[0], padded), np.float32)
    gradient[ROWS:padded] = 0
    values[:ROWS] = bias[at : at + ROWS]
    for i in range(moments.shape[0]):
        kept[i, :ROWS] = moments[i, at : at + ROWS]
    update_block(values, kept, 0, gradient, 0, padded, rule)
    bias[at : at + ROWS] = values[:ROWS]
    for i in range(moments.shape[0]):
        moments[i, at : at + ROWS] = kept[i, :ROWS]


@njit(cache=True, nogil=True)
def backward_tiles(tasks, shape, output, batch, work, rules):
    """Take groups of tiles from the counter `tasks`; update them, and sum centre gradients.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    shape, output, batch, work
        As in `forward_tiles`; `output` is updated, ``work.centre_gradients[group]`` written.
    rules : tuple of two Rule
        For the output vectors and for the bias; a bias rate of zero leaves the bias fixed.
    """
    tiles = (shape.words + TILE - 1) // TILE
    groups = work.centre_gradients.shape[0]
    gradient = np.zeros(ROWS * shape.stride + LANES, np.float32)
    while True:
        group = fetch_add(tasks, 0, 1)
        if group >= groups:
            return
        partial = work.centre_gradients[group]
        partial[:] = 0
        for tile in range(group * tiles // groups, (group + 1) * tiles // groups):
            first = tile * TILE
            count = min(TILE, shape.words - first)
            _tile_errors(shape, tile, first, count, batch, work)
            _tile_centre_gradient(shape, first, count, output, work.scores, partial)
            _tile_update(shape, first, count, output, batch, work.scores, gradient, rules)
