"""Which words have more than a given share of a row's softmax: a few of very many."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, maximum, store
from fastw2v.kernels.softmax.errors import tile_scales

__all__ = ["Entries", "list_peaks", "observed_weights"]


@kernel
def list_peaks(tasks, shape, batch, work, least, found, pairs, shares):
    """List the pairs whose share of their row's softmax is at least `least`, in any order.

    Comes after `fastw2v.kernels.softmax.tiles.combine_tiles` with float32 operands, whose scores
    are those of `work`; leaves them as they are.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero.
    shape : Shape
    batch : BatchArrays
        Only `row_weights` is looked at, which are all 1.
    work : Workspace
    least : (rows,) float32
        Above 0; infinity for rows that are not asked about.
    found : (1,) int64
        Zero; then how many pairs there are. What there is no room for is counted, not listed.
    pairs : (N, 2) int32
        Written: row and word.
    shares : (N,) float32
        Written.
    """
    tiles = (shape.words + shape.tile - 1) // shape.tile
    scales = np.empty(shape.rows, np.float32)
    peaks = np.empty(LANES, np.float32)
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
                peak = broadcast(np.float32(0))
                for word in range(count):
                    peak = maximum(peak, load(work.scores, at + word * PANEL + lane))
                store(peaks, 0, peak)
                for k in range(LANES):
                    row = panel * PANEL + lane + k
                    if not peaks[k] * scales[row] >= least[row]:
                        continue
                    for word in range(count):
                        share = work.scores[at + word * PANEL + lane + k] * scales[row]
                        if share >= least[row]:
                            place = fetch_add(found, 0, 1)
                            if place < len(shares):
                                pairs[place, 0] = row
                                pairs[place, 1] = first + word
                                shares[place] = share


class Entries(NamedTuple):
    """What a batch observed, as `fastw2v.kernels.softmax.layout.BatchArrays` says."""

    tile_starts: NDArray[np.int64]
    entry_rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]


@kernel
def observed_weights(tile_words, batch, rows, words, observed):
    """Write what pairs of a batch weigh; 0 of those that it has not.

    Parameters
    ----------
    tile_words : int
        Output words of a tile.
    batch : Entries
    rows, words : (N,) int64
    observed : (N,) float64
        Written.
    """
    for pair in range(len(rows)):
        row, word = rows[pair], words[pair]
        tile = word // tile_words
        low, end = batch.tile_starts[tile], batch.tile_starts[tile + 1]
        high = end
        while low < high:
            middle = (low + high) // 2
            other = batch.entry_rows[middle]
            if other < row or (other == row and batch.columns[middle] < word):
                low = middle + 1
            else:
                high = middle
        found = low < end and batch.entry_rows[low] == row and batch.columns[low] == word
        observed[pair] = batch.weights[low] if found else 0.0
