"""Centre rows of a batch: what is gathered before the exact step, and updated after it."""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.softmax.updates import Rule, update_block

__all__ = [
    "gather_rows",
    "pack_rows",
    "prepare_rows",
    "row_gradients",
    "rule_of_visit",
    "update_centres",
]


@kernel
def prepare_rows(csr_rows, counts, context_keep, row_scales, tile):
    """Weigh the observed contexts of a batch's rows and cut them by tiles of output words.

    Parameters
    ----------
    csr_rows : (B,) int64
        The batch's rows within `counts`.
    counts : tuple of indptr (R + 1,) int64, indices (nnz,) int32, values (nnz,) integer
        Windowed pair counts n(c, o), columns ascending within a row.
    context_keep : (V,) float64
        Weight of each context word.
    row_scales : (B,) float64
        Weight of each row's centre word.
    tile : int
        Output words in a tile.

    Returns
    -------
    tile_starts : (tiles + 1,) int64
        Where each tile's entries begin.
    entry_rows : (E,) int32
        The entries' rows within the batch, ascending within a tile.
    columns : (E,) int32
        Their context words, ascending within a tile's row.
    weights : (E,) float32
        row_scale * n(c, o) * keep(o).
    row_weights : (B,) float64
        Their sums a_r over each row.
    """
    indptr, indices, values = counts
    n_rows = csr_rows.shape[0]
    tiles = (context_keep.shape[0] + tile - 1) // tile
    tile_starts = np.zeros(tiles + 1, np.int64)
    for row in range(n_rows):
        # Columns ascend, so that each tile's entries of a row are one run.
        number, end = 0, tile
        for k in range(indptr[csr_rows[row]], indptr[csr_rows[row] + 1]):
            if indices[k] >= end:
                number = indices[k] // tile
                end = (number + 1) * tile
            tile_starts[number + 1] += 1
    for number in range(tiles):
        tile_starts[number + 1] += tile_starts[number]
    following = tile_starts[:tiles].copy()
    entries = tile_starts[tiles]
    entry_rows = np.empty(entries, np.int32)
    columns = np.empty(entries, np.int32)
    weights = np.empty(entries, np.float32)
    row_weights = np.zeros(n_rows, np.float64)
    for row in range(n_rows):
        number, end = 0, tile
        total = 0.0
        for k in range(indptr[csr_rows[row]], indptr[csr_rows[row] + 1]):
            column = indices[k]
            if column >= end:
                number = column // tile
                end = (number + 1) * tile
            at = following[number]
            following[number] = at + 1
            weight = row_scales[row] * values[k] * context_keep[column]
            entry_rows[at] = row
            columns[at] = column
            weights[at] = weight
            total += weight
        row_weights[row] = total
    return tile_starts, entry_rows, columns, weights, row_weights


@kernel
def gather_rows(centres, source, stride, target):
    """Copy the vectors of `centres` from `source` (V * stride,) to the first rows of `target`."""
    for row in range(centres.shape[0]):
        start = centres[row] * stride
        for d in range(stride):
            target[row * stride + d] = source[start + d]


@kernel
def pack_rows(tasks, shape, n_rows, batch):
    """Write the other layout of a batch's input rows, and zeros beyond them into both.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    shape : Shape
    n_rows : int
        How many rows of ``batch.vectors`` are the batch's own.
    batch : BatchArrays
        `vectors` is read, `packed` is written.
    """
    while True:
        panel = fetch_add(tasks, 0, 1)
        if panel >= shape.rows // PANEL:
            return
        for row in range(panel * PANEL, (panel + 1) * PANEL):
            at = row * shape.stride
            if row >= n_rows:
                batch.vectors[at : at + shape.stride] = 0
            packed_at = panel * shape.dimensions * PANEL + row - panel * PANEL
            for d in range(shape.dimensions):
                batch.packed[packed_at + d * PANEL] = batch.vectors[at + d]


@njit(nogil=True, inline="always")
def rule_of_visit(rule, visit):
    """Return the rule with the correction of a row's own number of visits."""
    decayed = np.float64(rule.decay_second) ** visit
    return Rule(
        rule.kind,
        rule.rate,
        rule.decay_first,
        rule.decay_second,
        rule.unbias_first,
        np.float32(1.0 / (1.0 - decayed)) if decayed < 1.0 else np.float32(1.0),
        rule.epsilon,
    )


@kernel
def row_gradients(tasks, shape, work, gradients):
    """Add up the groups' gradients of the input rows, in fixed order, and lay them out by rows.

    Parameters
    ----------
    tasks, shape, work
        As in `backward_tiles`, after it; the parts of the gradient are added up in place.
    gradients : (rows * stride,) float32
        Written, but for what fills up a row.
    """
    size = shape.block_dimensions * PANEL
    while True:
        panel = fetch_add(tasks, 0, 1)
        if panel >= shape.rows // PANEL:
            return
        total = work.centre_gradients[0]
        for group in range(1, work.centre_gradients.shape[0]):
            partial = work.centre_gradients[group]
            for i in range(panel * size, (panel + 1) * size):
                total[i] += partial[i]
        for row in range(panel * PANEL, (panel + 1) * PANEL):
            start = panel * size + row - panel * PANEL
            for d in range(shape.dimensions):
                gradients[row * shape.stride + d] = total[start + d * PANEL]


@kernel
def update_centres(tasks, stride, gradients, centres, state, rule):
    """Update the batch's centre vectors by the gradients of its rows.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    stride : int
        Numbers of a row.
    gradients : (at least B * stride,) float32
        Zero beyond D in each row.
    centres : (B,) int32
        The batch's centre words, each once.
    state : CentreState
        Updated.
    rule : Rule
        Its `unbias_second` is replaced by that of each row's own number of visits.
    """
    while True:
        first = fetch_add(tasks, 0, PANEL)
        if first >= centres.shape[0]:
            return
        for row in range(first, min(first + PANEL, centres.shape[0])):
            centre = centres[row]
            state.visits[centre] += 1
            row_rule = rule_of_visit(rule, state.visits[centre])
            update_block(
                state.vectors,
                state.moments,
                centre * stride,
                gradients,
                row * stride,
                stride,
                row_rule,
            )
