"""All rows of a table scored against queries in float32; of each group of rows the peak is kept.

The product of queries and rows is not stored, but for a few queries, where a group is one row. A
task is a tile of rows that stays in the cache while all queries meet it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.search.row_products import row_products
from fastw2v.kernels.simd.atomics import fetch_add, fetch_add_in_order
from fastw2v.kernels.simd.blocks import PANEL, ROWS, Steps
from fastw2v.kernels.simd.operands import block, block_one_vector
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, maximum, store

__all__ = ["Peaks", "Scanned", "scan_for_few", "scan_for_many"]


class Scanned(NamedTuple):
    """The rows that are scanned.

    `table` has V rows of D float32 one after the other, at least LANES and ROWS of them, or their
    upper halves as uint16; a score is a product times the row's number of `scales` (V,) float32.
    """

    table: NDArray[np.float32] | NDArray[np.uint16]
    scales: NDArray[np.float32]
    dimensions: int


class Peaks(NamedTuple):
    """The greatest score of each query in each group of rows.

    Group g has `group` rows from row g * group on. Its peak for query n is
    ``numbers[n * length + g]``; `length` is a multiple of LANES.
    """

    numbers: NDArray[np.float32]
    length: int
    group: int


@kernel
def scan_for_few(tasks, n_tasks, tile, scanned, queries, n_queries, peaks):
    """Write the scores of a few queries, one query after the other.

    Parameters
    ----------
    tasks : (2,) int64
        As `fastw2v.system.kept_threads.run_tasks` has them.
    n_tasks : int
    tile : int
        Rows of a task, a multiple of LANES.
    scanned : Scanned
        Of at least LANES dimensions, whole or halved.
    queries : (N * whole vectors,) float32
        As `row_products` takes them, one behind the other.
    n_queries : int
    peaks : Peaks
        Written; a group is one row.

    Returns
    -------
    int
        How many tasks are done.
    """
    dimensions, n_rows = scanned.dimensions, len(scanned.scales)
    whole = (dimensions + LANES - 1) // LANES * LANES
    while True:
        task = fetch_add(tasks, 0, 1)
        if task >= n_tasks:
            return fetch_add_in_order(tasks, 1, 0)
        begin = task * tile
        for query in range(n_queries):
            for at in range(begin, min(begin + tile, n_rows), LANES):
                first = min(at, n_rows - LANES)  # the last rows come with some that were seen
                products = row_products(
                    scanned.table, first * dimensions, dimensions, queries, query * whole
                )
                scores = products * load(scanned.scales, first)
                store(peaks.numbers, query * peaks.length + first, scores)
        fetch_add_in_order(tasks, 1, 1)


@kernel
def scan_for_many(tasks, n_tasks, tile, scanned, panels, n_queries, peaks):
    """Write the peaks of many queries, PANEL of them at a time.

    Parameters
    ----------
    tasks, n_tasks, scanned, n_queries
        As for `scan_for_few`.
    tile : int
        Rows of a task, a multiple of those of a group.
    panels : (panels * D * PANEL,) float32
        Number d of query n is ``panels[n // PANEL * D * PANEL + d * PANEL + n % PANEL]``.
    peaks : Peaks
        Written; a group has a multiple of ROWS.

    Returns
    -------
    int
        How many tasks are done.
    """
    dimensions, n_rows = scanned.dimensions, len(scanned.scales)
    steps = Steps(1, dimensions, PANEL, dimensions, 0, 1, 0, PANEL)
    products = np.empty(ROWS * PANEL, np.float32)
    found = np.empty(tile // peaks.group * PANEL, np.float32)
    nothing = broadcast(np.float32(-np.inf))
    while True:
        task = fetch_add(tasks, 0, 1)
        if task >= n_tasks:
            return fetch_add_in_order(tasks, 1, 0)
        begin = task * tile
        end = min(begin + tile, n_rows)
        n_groups = (end - begin + peaks.group - 1) // peaks.group
        for query in range(0, n_queries, PANEL):
            panel = (panels, query * dimensions)
            is_wide = n_queries - query > LANES
            for group in range(n_groups):
                peak, other = nothing, nothing
                group_begin = begin + group * peaks.group
                for at in range(group_begin, min(group_begin + peaks.group, end), ROWS):
                    first = min(at, n_rows - ROWS)  # the last rows come with some of before
                    rows = (scanned.table, first * dimensions)
                    if is_wide:
                        block((products, 0), rows, panel, steps)
                        for i in range(at - first, ROWS):
                            scale = broadcast(scanned.scales[first + i])
                            peak = maximum(peak, load(products, i * PANEL) * scale)
                            other = maximum(other, load(products, i * PANEL + LANES) * scale)
                    else:
                        block_one_vector((products, 0), rows, panel, steps)
                        for i in range(at - first, ROWS):
                            scale = broadcast(scanned.scales[first + i])
                            peak = maximum(peak, load(products, i * PANEL) * scale)
                store(found, group * PANEL, peak)
                store(found, group * PANEL + LANES, other)
            for lane in range(min(PANEL, n_queries - query)):
                place = (query + lane) * peaks.length + begin // peaks.group
                for group in range(n_groups):
                    peaks.numbers[place + group] = found[group * PANEL + lane]
        fetch_add_in_order(tasks, 1, 1)
