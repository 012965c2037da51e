"""From exponentials to errors G = a (softmax - observed): scales, observed contexts, bias.

Scores are either one float32 array or planes of bfloat16, see `fastw2v.kernels.simd.operands`.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.simd.operands import (
    number_at,
    numbers_per_element,
    prefetch_element,
    set_number,
)
from fastw2v.kernels.simd.vectors import (
    LANES,
    broadcast,
    exponential,
    load,
    logarithm,
    maximum,
    store,
)
from fastw2v.kernels.softmax.outputs import row_of, update_bias_block

__all__ = ["keep_observed", "observed_logs", "subtract_observed", "tile_scales", "update_bias"]

# Probabilities below this are computed anew for the loss, and so are those that come of numbers
# that were kept from vanishing: exponentials, which end at e^-87 = 1.2e-38, and scales.
_SMALLEST_PROBABILITY = np.float32(1e-30)
_SMALLEST_EXPONENTIAL = np.float32(1e-37)
# exp(40) times this is still nothing: a tile so far below the others has no share in a row.
_SMALLEST_SCALE = np.float32(1e-30)
_OBSERVED_BUFFER = 1024
_ENTRIES_AHEAD = 24  # enough to hide a fetch from the third-level cache


@kernel
def tile_scales(shape, tile, batch, work, scales):
    """Write scales[r] = a_r * exp(m_t - log-sum-exp): G is the exponentials times them.

    A scale is kept from vanishing beside a_r, so that it can be divided by; what that adds to a
    probability is below 1e-12.
    """
    smallest = broadcast(_SMALLEST_SCALE)
    for row in range(0, shape.rows, LANES):
        relative = exponential(load(work.peaks[tile], row) - load(work.row_peaks, row))
        relative = maximum(relative / load(work.row_sums, row), smallest)
        store(scales, row, load(batch.row_weights, row) * relative)


@kernel
def _log_probability(shape, row, word, output, batch, work):
    """Return log p(word | row) from scratch, for a probability too small for float32."""
    score = float(output.bias[word])
    start = row_of(output, word) * shape.stride
    for d in range(shape.dimensions):
        u = float(output.vectors[start + d])
        score += u * float(batch.vectors[row * shape.stride + d])
    return score - float(work.row_peaks[row]) - np.log(float(work.row_sums[row]))


@njit(nogil=True, inline="always")
def _weighted_logs(probabilities, weights, count):
    """Return sum of weight * log(probability) over the first `count`; the rest is padded."""
    for k in range(count, (count + LANES - 1) // LANES * LANES):
        probabilities[k] = np.float32(1)
        weights[k] = np.float32(0)
    total = broadcast(np.float32(0))
    for k in range(0, count, LANES):
        total = total + load(weights, k) * logarithm(load(probabilities, k))
    store(weights, 0, total)
    result = 0.0
    for lane in range(LANES):
        result += float(weights[lane])
    return result


@njit(nogil=True, inline="always")
def _relative_scales(shape, batch, scales):
    """Return scales / a_r, by which exponentials become probabilities, and 1 / scales; or zeros."""
    relatives = np.zeros(shape.rows, np.float32)
    shares = np.zeros(shape.rows, np.float32)
    for row in range(shape.rows):
        if batch.row_weights[row] > 0:
            relatives[row] = scales[row] / batch.row_weights[row]
            if relatives[row] < np.float32(2) * _SMALLEST_SCALE:
                relatives[row] = 0  # kept from vanishing: no probability comes of it
            shares[row] = np.float32(1) / scales[row]
    return relatives, shares


@kernel
def subtract_observed(shape, tile, place, output, batch, work, scales):
    """Take observed / scale off the exponentials of a tile; return sum of weight * log p.

    Parameters
    ----------
    shape, output, batch, work
        As in `fastw2v.kernels.softmax.tiles.forward_tiles`.
    tile : int
    place : tuple
        First word of the tile, number of its words, and the scores.
    scales : (rows,) float32
        Of `tile_scales`.
    """
    first, count, scores = place
    relatives, shares = _relative_scales(shape, batch, scales)
    probabilities = np.empty(_OBSERVED_BUFFER, np.float32)
    weights = np.empty(_OBSERVED_BUFFER, np.float32)
    held = 0
    total = 0.0
    base = first * (shape.rows - PANEL)
    start, end = batch.tile_starts[tile], batch.tile_starts[tile + 1]
    for k in range(start, end):
        ahead = min(k + _ENTRIES_AHEAD, end - 1)
        prefetch_element(
            scores, (base + _entry(batch, ahead, count)) // numbers_per_element(scores)
        )
        row = batch.entry_rows[k]
        i = base + _entry(batch, k, count)
        weight = batch.weights[k]
        value = number_at(scores, i)
        set_number(scores, i, value - weight * shares[row])
        probability = value * relatives[row]
        if probability < _SMALLEST_PROBABILITY or value < _SMALLEST_EXPONENTIAL:
            word = batch.columns[k]
            total += weight * _log_probability(shape, row, word, output, batch, work)
            continue
        probabilities[held] = probability
        weights[held] = weight
        held += 1
        if held == _OBSERVED_BUFFER:
            total += _weighted_logs(probabilities, weights, held)
            held = 0
    return total + _weighted_logs(probabilities, weights, held)


@kernel
def keep_observed(tile, place, batch, exponentials):
    """Copy the exponentials of a tile's observed entries; `place` holds the scores of it alone."""
    first, count, scores = place
    base = -first * PANEL
    for k in range(batch.tile_starts[tile], batch.tile_starts[tile + 1]):
        exponentials[k] = scores[base + _entry(batch, k, count)]


@kernel
def observed_logs(shape, tile, output, batch, work, scales, exponentials):
    """Return what `subtract_observed` does, to the bit, of exponentials that were kept (E,)."""
    relatives, _ = _relative_scales(shape, batch, scales)
    probabilities = np.empty(_OBSERVED_BUFFER, np.float32)
    weights = np.empty(_OBSERVED_BUFFER, np.float32)
    held = 0
    total = 0.0
    for k in range(batch.tile_starts[tile], batch.tile_starts[tile + 1]):
        row = batch.entry_rows[k]
        weight = batch.weights[k]
        probability = exponentials[k] * relatives[row]
        if probability < _SMALLEST_PROBABILITY or exponentials[k] < _SMALLEST_EXPONENTIAL:
            word = batch.columns[k]
            total += weight * _log_probability(shape, row, word, output, batch, work)
            continue
        probabilities[held] = probability
        weights[held] = weight
        held += 1
        if held == _OBSERVED_BUFFER:
            total += _weighted_logs(probabilities, weights, held)
            held = 0
    return total + _weighted_logs(probabilities, weights, held)


@njit(nogil=True, inline="always")
def _entry(batch, k, count):
    """Return where entry `k` lies, but for what its tile's entries have in common."""
    row = np.int64(batch.entry_rows[k])
    return (row // PANEL * count + batch.columns[k]) * PANEL + row % PANEL


@kernel
def update_bias(shape, output, place, scores, scales, gradient, rule):
    """Update the biases of a block of words; they need not fill whole vectors.

    `place` holds the block's first word, where its scores begin, how far apart their panels lie,
    and how many words there are; `gradient` is scratch memory.
    """
    word, at, panel_step, words = place
    padded = (words + LANES - 1) // LANES * LANES
    gradient[:padded] = 0
    for i in range(words):
        total = np.float32(0)
        for panel in range(shape.rows // PANEL):
            start = at + panel * panel_step + i * PANEL
            for lane in range(PANEL):
                total += number_at(scores, start + lane) * scales[panel * PANEL + lane]
        gradient[i] = total
    update_bias_block(output, word, words, gradient, rule)
