"""Sums over a softmax: what a batch's rows predict of each word, and means over words by row."""

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, store
from fastw2v.kernels.softmax.errors import tile_scales

__all__ = ["add_context_masses", "row_means"]


@kernel
def add_context_masses(tasks, shape, batch, work, masses):
    """Add sum_r a_r p(o | r) of every word o to `masses`, tile by tile.

    Comes after `fastw2v.kernels.softmax.tiles.combine_tiles` with float32 operands, whose scores
    are those of `work`; leaves them as they are.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero.
    shape : Shape
    batch : BatchArrays
        Only `row_weights` is looked at: a_r.
    work : Workspace
    masses : (words,) float64
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    scales = np.empty(shape.rows, np.float32)
    sums = np.empty(shape.tile * LANES, np.float32)
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            return
        first = tile * shape.tile
        count = min(shape.tile, shape.words - first)
        tile_scales(shape, tile, batch, work, scales)
        for i in range(0, count * LANES, LANES):
            store(sums, i, broadcast(np.float32(0)))
        for panel in range(shape.rows // PANEL):
            at = first * shape.rows + panel * count * PANEL
            for lane in range(0, PANEL, LANES):
                scale = load(scales, panel * PANEL + lane)
                for word in range(count):
                    weighed = load(work.scores, at + word * PANEL + lane) * scale
                    store(sums, word * LANES, load(sums, word * LANES) + weighed)
        for word in range(count):
            total = 0.0
            for i in range(word * LANES, (word + 1) * LANES):
                total += float(sums[i])
            masses[first + word] += total


@kernel
def row_means(tasks, shape, batch, work, values, means):
    """Write sum_o p(o | r) values_o over the words of each tile; tiles add up to the mean of row r.

    Comes after `fastw2v.kernels.softmax.tiles.combine_tiles` as `add_context_masses` does.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero.
    shape : Shape
    batch : BatchArrays
        Only `row_weights` is looked at, which are all 1.
    work : Workspace
    values : (words,) float32
    means : (tiles, rows) float32
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    scales = np.empty(shape.rows, np.float32)
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            return
        first = tile * shape.tile
        count = min(shape.tile, shape.words - first)
        tile_scales(shape, tile, batch, work, scales)
        for panel in range(shape.rows // PANEL):
            at = first * shape.rows + panel * count * PANEL
            for lane in range(0, PANEL, LANES):
                total = broadcast(np.float32(0))
                for word in range(count):
                    value = broadcast(values[first + word])
                    total = total + load(work.scores, at + word * PANEL + lane) * value
                row = panel * PANEL + lane
                store(means[tile], row, total * load(scales, row))
