"""The three products of the exact step alone, by the project's own blocks and tiles.

What the step takes beyond this is element-wise work: exponentials, errors, sparse counts, loss,
optimiser. Two sweeps, as in the step, because errors need every tile's scores first.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL, ROWS
from fastw2v.kernels.simd.operands import block, block_from_rows, block_one_vector
from fastw2v.kernels.softmax.operands import Operands, new_scratch
from fastw2v.kernels.softmax.tiles import tile_centre_gradient


@njit(nogil=True)
def score_tiles(tasks, shape, output, batch, work):
    """Z = V_B U^T + b, tile by tile."""
    tiles = (shape.words + shape.tile - 1) // shape.tile
    while True:
        tile = fetch_add(tasks, 0, 1)
        if tile >= tiles:
            return
        first = tile * shape.tile
        count = min(shape.tile, shape.words - first)
        for panel in range(shape.rows // PANEL):
            at = first * shape.rows + panel * count * PANEL
            for word in range(0, count, ROWS):
                block_from_rows(
                    (work.scores, at + word * PANEL),
                    (output.vectors, (first + word) * shape.stride),
                    (batch.packed, panel * shape.dimensions * PANEL),
                    (output.bias, first + word),
                    (1, shape.dimensions, PANEL, shape.stride, 0, 1, 0, PANEL),
                )


@njit(nogil=True)
def gradient_tiles(tasks, shape, output, batch, work):
    """Z U and Z^T V_B, tile by tile; the second goes no further than the cache."""
    tiles = (shape.words + shape.tile - 1) // shape.tile
    groups = work.centre_gradients.shape[0]
    gradient = np.zeros(ROWS * shape.stride, np.float32)
    operands = Operands(output.vectors, batch.packed, work.scores)
    scratch = new_scratch(shape, operands)
    stride, panels = shape.stride, shape.rows // PANEL
    while True:
        group = fetch_add(tasks, 0, 1)
        if group >= groups:
            return
        partial = work.centre_gradients[group]
        partial[:] = 0
        for tile in range(group * tiles // groups, (group + 1) * tiles // groups):
            first = tile * shape.tile
            count = min(shape.tile, shape.words - first)
            following = min(shape.tile, shape.words - first - count) * shape.rows
            coming = ((first + count) * shape.rows, following)
            place = (first, count, work.scores)
            scales = batch.row_weights
            tile_centre_gradient(shape, place, operands, scratch, scales, partial, coming)
            steps = (panels, PANEL, stride, PANEL, count * PANEL, 1, PANEL * stride, stride)
            for word in range(0, count, ROWS):
                errors = (work.scores, first * shape.rows + word * PANEL)
                d = 0
                while d + PANEL <= stride:
                    block((gradient, d), errors, (batch.vectors, d), steps)
                    d += PANEL
                if d < stride:
                    block_one_vector((gradient, d), errors, (batch.vectors, d), steps)


def products(objective, batch):
    """Run both sweeps on a batch; the objective's parameters stay as they are."""
    objective.load(batch)
    shape, arrays = objective.layer.loaded
    objective.pool.run_kernel(
        score_tiles, shape, objective.layer.state, arrays, objective.layer.work
    )
    objective.pool.run_kernel(
        gradient_tiles, shape, objective.layer.state, arrays, objective.layer.work
    )
