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

What is multiplied is float32 or rounded to bfloat16: see `fastw2v.kernels.softmax.operands`. The
`place` of a tile is its first word, the number of its words, and the scores of all tiles.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.amx import configure_tiles, release_tiles
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL, THIRD
from fastw2v.kernels.simd.memory import LINE
from fastw2v.kernels.simd.operands import (
    block,
    block_exponentials,
    block_from_rows,
    block_one_vector,
    block_rows,
    block_scaled,
    block_scaled_third,
    block_scaled_two_thirds,
    numbers_per_element,
    prefetch_element,
    store_numbers,
)
from fastw2v.kernels.simd.vectors import LANES, broadcast, exponential, load, maximum, store
from fastw2v.kernels.softmax.errors import (
    keep_observed,
    observed_logs,
    subtract_observed,
    tile_scales,
    update_bias,
)
from fastw2v.kernels.softmax.operands import (
    Operands,
    new_scratch,
    panel_errors,
    row_elements,
    scale_centres,
    summed_elements,
    tile_outputs,
)
from fastw2v.kernels.softmax.outputs import fetch_outputs, gather_outputs, update_outputs

__all__ = [
    "backward_tiles",
    "combine_tiles",
    "forward_tiles",
    "kept_tiles",
    "loss_tiles",
    "observed_tiles",
    "tile_centre_gradient",
]

# The reference of a tile is its largest bias. Exponents this far above or below are as good as
# any; a tile whose largest exponent is further off takes the way round by `_panel_by_peak`.
_FURTHEST_PEAK = np.float32(40)


@njit(nogil=True, inline="always")
def _panel_of_scores(shape, panel, place, start, operands, biases, totals):
    """Exponentials of one panel of a tile, relative to the reference; False if it is no good."""
    first, count, scores = place
    numbers, rows = numbers_per_element(scores), block_rows(scores)
    at = (start + panel * count * PANEL) // numbers
    summed, row = summed_elements(shape, operands), row_elements(shape, operands)
    score_row = PANEL // numbers
    for lane in range(0, PANEL, LANES):
        store(totals, lane, broadcast(np.float32(0)))
        store(totals, PANEL + lane, broadcast(np.float32(-3e38)))
    for word in range(0, count, rows):
        block_exponentials(
            (scores, at + word * score_row),
            (operands.outputs, (first + word) * row),
            (operands.packed, panel * summed * PANEL),
            (biases, word),
            (totals, 0),
            (1, summed, score_row, row, 0, 1, 0, PANEL),
        )
    good = True
    for lane in range(PANEL, 2 * PANEL):
        good &= abs(totals[lane]) <= _FURTHEST_PEAK
    return good


@kernel
def _panel_by_peak(shape, panel, place, start, bias, operands, exponents, references):
    """Exponentials of one panel of a tile, relative to each row's own largest score."""
    first, count, scores = place
    peaks, sums = references
    numbers, rows = numbers_per_element(scores), block_rows(scores)
    summed, row = summed_elements(shape, operands), row_elements(shape, operands)
    for word in range(0, count, rows):
        block_from_rows(
            (exponents, word * PANEL),
            (operands.outputs, (first + word) * row),
            (operands.packed, panel * summed * PANEL),
            (bias, first + word),
            (1, summed, PANEL, row, 0, 1, 0, PANEL),
        )
    for lane in range(0, PANEL, LANES):
        peak = load(exponents, lane)
        for i in range(lane + PANEL, lane + count * PANEL, PANEL):
            peak = maximum(peak, load(exponents, i))
        total = broadcast(np.float32(0))
        for i in range(lane, lane + count * PANEL, PANEL):
            value = exponential(load(exponents, i) - peak)
            store(exponents, i, value)
            total = total + value
        store(peaks, panel * PANEL + lane, peak)
        store(sums, panel * PANEL + lane, total)
    at = (start + panel * count * PANEL) // numbers
    for word in range(count):
        i = word * PANEL
        values = load(exponents, i), load(exponents, i + LANES)
        store_numbers(scores, at + word * (PANEL // numbers), values[0], values[1])


@njit(nogil=True, inline="always")
def _score_tile(shape, tile, start, output, operands, work, buffers):
    """Write a tile's exponentials from number `start` of the scores on, their peaks and sums."""
    biases, totals, exponents = buffers
    first = tile * shape.tile
    count = min(shape.tile, shape.words - first)
    gather_outputs(shape, output, first, count, operands)
    place = (first, count, operands.scores)
    reference = output.bias[first]
    for word in range(first, first + count):
        reference = max(reference, output.bias[word])
    for word in range(count):
        biases[word] = output.bias[first + word] - reference
    peaks, sums = work.peaks[tile], work.sums[tile]
    for panel in range(shape.rows // PANEL):
        if _panel_of_scores(shape, panel, place, start, operands, biases, totals):
            for lane in range(PANEL):
                peaks[panel * PANEL + lane] = reference
                sums[panel * PANEL + lane] = totals[lane]
        else:
            references = (peaks, sums)
            _panel_by_peak(shape, panel, place, start, output.bias, operands, exponents, references)


@njit(nogil=True, inline="always")
def _score_buffers(shape):
    return (
        np.empty(shape.tile, np.float32),
        np.empty(2 * PANEL, np.float32),
        np.empty(shape.tile * PANEL, np.float32),
    )


@kernel
def forward_tiles(tasks, shape, output, operands, work):
    """Score tiles taken from the counter `tasks` until none is left.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    shape : Shape
    output : OutputState or ColumnState
        Of a whole table its bias is read, of listed columns their vectors too.
    operands : Operands
        `outputs` and `packed` are read, `scores` is written.
    work : Workspace
        `peaks` and `sums` are written.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    buffers = _score_buffers(shape)
    configure_tiles()
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            release_tiles()
            return
        start = tile * shape.tile * shape.rows
        _score_tile(shape, tile, start, output, operands, work, buffers)


@kernel
def observed_tiles(tasks, shape, output, outputs, batch, work, exponentials):
    """Score tiles in float32 as `forward_tiles` does, and keep of them what was observed.

    Parameters
    ----------
    tasks, shape, output, work
        As in `forward_tiles`.
    outputs : (words * stride,) float32
        The vectors as products read them: those of an `OutputState`, or room for columns.
    batch : BatchArrays
    exponentials : (E,) float32
        Written: those of the batch's observed entries.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    buffers = _score_buffers(shape)
    scores = np.empty(shape.tile * shape.rows, np.float32)
    operands = Operands(outputs, batch.packed, scores)
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            return
        _score_tile(shape, tile, 0, output, operands, work, buffers)
        first = tile * shape.tile
        keep_observed(
            tile, (first, min(shape.tile, shape.words - first), scores), batch, exponentials
        )


@kernel
def kept_tiles(tasks, shape, batch, scores, exponentials):
    """Keep what was observed of scores that `forward_tiles` wrote in float32.

    Parameters
    ----------
    tasks, shape, batch, exponentials
        As in `observed_tiles`.
    scores : (words * rows,) float32
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            return
        first = tile * shape.tile
        count = min(shape.tile, shape.words - first)
        own = scores[first * shape.rows : (first + count) * shape.rows]
        keep_observed(tile, (first, count, own), batch, exponentials)


@kernel
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
def tile_centre_gradient(shape, place, operands, scratch, scales, gradient, coming):
    """Add G U of the tile to `gradient`, and have the scores of the next tile fetched.

    `coming` is the first element of those scores, and how many there are.
    """
    count, scores = place[1], place[2]
    rows = block_rows(scores)
    dimensions = shape.block_dimensions
    outputs, start, dimension_step, word_step = tile_outputs(shape, place, operands, scratch)
    summed = count // numbers_per_element(scores)
    steps = (1, summed, PANEL, dimension_step, 0, word_step, 0, PANEL)
    panels = shape.rows // PANEL
    share = coming[1] // (panels * ((dimensions + rows - 1) // rows)) + 1
    ahead, end = coming[0], coming[0] + coming[1]
    for panel in range(panels):
        errors = panel_errors(shape, place, panel, operands, scratch)
        row_scales = (scales, panel * PANEL)
        at = panel * dimensions * PANEL
        for d in range(0, dimensions, rows):
            for i in range(ahead, min(ahead + share, end), LINE):
                prefetch_element(scores, i)
            ahead += share
            sums = (gradient, at + d * PANEL)
            vectors = (outputs, start + d * dimension_step)
            if dimensions - d >= rows:
                block_scaled(sums, vectors, errors, row_scales, steps)
            elif dimensions - d == THIRD:
                block_scaled_third(sums, vectors, errors, row_scales, steps)
            else:
                block_scaled_two_thirds(sums, vectors, errors, row_scales, steps)


@njit(nogil=True, inline="always")
def _tile_update(shape, place, output, operands, rows_scaled, gradient, rules):
    """Update the tile's output vectors, block by block, each from a gradient still in L1."""
    first, count, scores = place
    scales, scaled = rows_scaled
    numbers, rows = numbers_per_element(scores), block_rows(scores)
    panels = shape.rows // PANEL
    stride = shape.stride
    score_row = PANEL // numbers
    tile_start = first * shape.rows
    steps = (panels, score_row, stride, score_row, count * score_row, 1, score_row * stride, stride)
    fetch_outputs(shape, output, first, min(rows, count))
    for word in range(0, count, rows):
        if word + rows < count:
            fetch_outputs(shape, output, first + word + rows, rows)
        errors = (scores, tile_start // numbers + word * score_row)
        d = 0
        while d + PANEL <= stride:
            block((gradient, d), errors, (scaled, d), steps)
            d += PANEL
        if d < stride:
            block_one_vector((gradient, d), errors, (scaled, d), steps)
        update_outputs(shape, output, first + word, rows, gradient, rules[0], operands)
        if rules[1].rate > 0:
            place_of_block = (first + word, tile_start + word * PANEL, count * PANEL, rows)
            update_bias(shape, output, place_of_block, scores, scales, gradient, rules[1])


@kernel
def loss_tiles(tasks, shape, output, batch, work, exponentials):
    """Write the tiles' sums of weight * log p to ``work.observed``; train nothing.

    Comes after `observed_tiles` and `combine_tiles`. Parameters are as in `backward_tiles`.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    scales = np.empty(shape.rows, np.float32)
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            return
        tile_scales(shape, tile, batch, work, scales)
        work.observed[tile] = observed_logs(shape, tile, output, batch, work, scales, exponentials)


@kernel
def backward_tiles(tasks, shape, output, batch, operands, work, rules):
    """Take groups of tiles from the counter `tasks`; update them, and sum centre gradients.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    shape, output, operands, work
        As in `forward_tiles`, after `combine_tiles`; `output` and ``operands.outputs`` are
        updated, ``work.centre_gradients[group]`` and ``work.observed`` are written.
    batch : BatchArrays
    rules : tuple of two Rule
        For the output vectors and for the bias; a bias rate of zero leaves the bias fixed.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    groups = work.centre_gradients.shape[0]
    scores = operands.scores
    numbers = numbers_per_element(scores)
    gradient = np.zeros(block_rows(scores) * shape.stride + LANES, np.float32)
    scales = np.empty(shape.rows, np.float32)
    scratch = new_scratch(shape, operands)
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
            place = (first, count, scores)
            following = 0
            if tile + 1 < last:
                following = min(shape.tile, shape.words - first - count) * shape.rows // numbers
            coming = ((first + count) * shape.rows // numbers, following)
            tile_scales(shape, tile, batch, work, scales)
            work.observed[tile] = subtract_observed(shape, tile, place, output, batch, work, scales)
            scale_centres(shape, batch.vectors, scales, operands, scratch)
            tile_centre_gradient(shape, place, operands, scratch, scales, partial, coming)
            rows_scaled = (scales, scratch[0])
            _tile_update(shape, place, output, operands, rows_scaled, gradient, rules)
