"""From peaks of scores in float32 to the nearest rows by cosines in double precision."""

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.search.heaps import is_less, replace_least, sort_heap
from fastw2v.kernels.search.row_products import row_products
from fastw2v.kernels.simd.atomics import fetch_add, fetch_add_in_order
from fastw2v.kernels.simd.vectors import LANES, any_above, broadcast, load, maximum, store

__all__ = ["cosines_of_rows", "halve", "nearest_of_peaks", "scale_to_one"]

_PARTS = 4  # peaks that a bound is chosen from, for each row that is asked for


@kernel
def _cosine(table, lengths, row, query):
    """Return the cosine of a row and a query of length 1; the same bits whoever asks for it."""
    first = second = third = fourth = 0.0  # four sums do not wait for each other
    n_whole = len(query) // 4 * 4
    for d in range(0, n_whole, 4):
        first += np.float64(table[row, d]) * np.float64(query[d])
        second += np.float64(table[row, d + 1]) * np.float64(query[d + 1])
        third += np.float64(table[row, d + 2]) * np.float64(query[d + 2])
        fourth += np.float64(table[row, d + 3]) * np.float64(query[d + 3])
    for d in range(n_whole, len(query)):
        first += np.float64(table[row, d]) * np.float64(query[d])
    total = (first + second) + (third + fourth)
    return min(max(total / lengths[row], -1.0), 1.0)


@kernel
def cosines_of_rows(table, lengths, queries, rows, cosines):
    """Write the cosines (N, K) of queries (N, D) and the rows (N, K) of each."""
    for query in range(len(rows)):
        for k in range(rows.shape[1]):
            cosines[query, k] = _cosine(table, lengths, rows[query, k], queries[query])


@kernel
def nearest_of_peaks(
    tasks, n_tasks, table, lengths, scanned, queries, laid_out, peaks, margin, rows, cosines
):
    """Write the nearest rows of each query, and their cosines in double precision.

    As many groups as rows are asked for have a peak of `bound` or more, so the cosines of the
    nearest are at least `bound` less the margin, their scores at least that less the margin. All
    rows with such scores are compared, whatever rounding did to the scores.

    Parameters
    ----------
    tasks, n_tasks
        As `fastw2v.system.kept_threads.run_tasks` has them; a task is a query.
    table : (V, D) float32
    lengths : (V,) float64
    scanned : fastw2v.kernels.search.scans.Scanned
    queries : (N, D) float32
    laid_out : (N * whole vectors,) float32
        The same, as `row_products` takes them.
    peaks : fastw2v.kernels.search.scans.Peaks
        -inf where there are no groups.
    margin : float
        How far a score may be from the cosine.
    rows : (N, topn) int64
        Written, the nearest first, of equal ones the first row; 1 <= topn <= V.
    cosines : (N, topn) float64
        Written.

    Returns
    -------
    int
        How many tasks are done.
    """
    n_rows, dimensions = table.shape
    whole = (dimensions + LANES - 1) // LANES * LANES
    lanes = np.empty(LANES, np.float32)
    while True:
        query = fetch_add(tasks, 0, 1)
        if query >= n_tasks:
            return fetch_add_in_order(tasks, 1, 0)
        best, near = cosines[query], rows[query]
        bound = _bound_of(peaks, query, best, near, lanes) - np.float32(2 * margin)
        least = broadcast(bound)
        best[:] = -np.inf
        for at in range(query * peaks.length, (query + 1) * peaks.length, LANES):
            if not any_above(load(peaks.numbers, at), least):
                continue
            for group in range(at - query * peaks.length, at - query * peaks.length + LANES):
                if not peaks.numbers[query * peaks.length + group] > bound:
                    continue
                begin = group * peaks.group
                end = min(begin + peaks.group, n_rows)
                if peaks.group == 1 or dimensions < LANES or n_rows < LANES:
                    for row in range(begin, end):
                        _take(table, lengths, row, queries[query], near, best)
                    continue
                for block in range(begin, end, LANES):
                    first = min(block, n_rows - LANES)
                    scores = row_products(
                        scanned.table, first * dimensions, dimensions, laid_out, query * whole
                    ) * load(scanned.scales, first)
                    if any_above(scores, least):
                        store(lanes, 0, scores)
                        for row in range(block, min(first + LANES, end)):
                            if lanes[row - first] > bound:
                                _take(table, lengths, row, queries[query], near, best)
        sort_heap(best, near)
        fetch_add_in_order(tasks, 1, 1)


@kernel
def _bound_of(peaks, query, best, near, lanes):
    """Return a number that so many peaks reach as there are places in `best`; -inf if too few."""
    best[:] = -np.inf
    n_vectors = peaks.length // LANES
    step = max(n_vectors * LANES // (_PARTS * len(best)), 1)
    for begin in range(0, n_vectors, step):
        peak = load(peaks.numbers, query * peaks.length + begin * LANES)
        for number in range(begin + 1, min(begin + step, n_vectors)):
            peak = maximum(peak, load(peaks.numbers, query * peaks.length + number * LANES))
        store(lanes, 0, peak)
        for lane in range(LANES):
            if lanes[lane] > best[0]:
                replace_least(best, near, len(best), np.float64(lanes[lane]), 0)
    return np.float32(best[0])


@kernel
def _take(table, lengths, row, query, rows, cosines):
    """Put a row into a heap of cosines if it is among the best."""
    cosine = _cosine(table, lengths, row, query)
    if is_less(cosines[0], rows[0], cosine, row):
        replace_least(cosines, rows, len(rows), cosine, row)


@kernel
def halve(tasks, n_tasks, tile, table, lengths, halves, errors):
    """Write numbers rounded to the upper halves of float32, to nearest, and what that changes.

    Parameters
    ----------
    tasks, n_tasks
        As `fastw2v.system.kept_threads.run_tasks` has them.
    tile : int
        Rows of a task.
    table : (V, D) float32
    lengths : (V,) float64
    halves : (V, D) uint16
        Written.
    errors : (tasks,) float64
        Written: the greatest length of a difference in a task, as a share of the row's length.

    Returns
    -------
    int
        How many tasks are done.
    """
    number = np.empty(1, np.float32)
    bits = number.view(np.uint32)
    while True:
        task = fetch_add(tasks, 0, 1)
        if task >= n_tasks:
            return fetch_add_in_order(tasks, 1, 0)
        errors[task] = 0
        for row in range(task * tile, min(task * tile + tile, len(table))):
            total = 0.0
            for d in range(table.shape[1]):
                number[0] = table[row, d]
                half = (bits[0] + np.uint32(0x7FFF) + ((bits[0] >> 16) & 1)) >> 16
                halves[row, d] = half
                bits[0] = half << 16
                total += (np.float64(number[0]) - np.float64(table[row, d])) ** 2
            errors[task] = max(errors[task], np.sqrt(total) / lengths[row])
        fetch_add_in_order(tasks, 1, 1)


@kernel
def scale_to_one(vectors, units):
    """Write float64 vectors (N, D) at length 1 as float32; those of zeros as they are."""
    for n in range(len(vectors)):
        largest = 0.0
        for number in vectors[n]:
            largest = max(largest, abs(number))
        total = 0.0
        if largest > 0:
            for number in vectors[n]:
                total += (number / largest) ** 2
        length = np.sqrt(total)
        for d in range(vectors.shape[1]):
            units[n, d] = vectors[n, d] / largest / length if largest > 0 else 0.0
