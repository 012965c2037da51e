"""Exact search by cosine: all vectors compared with every query.

A scan in float32 tells which groups of rows may hold the nearest; cosines in double precision
decide. So the answer depends on vectors and query alone: not on workers, nor on what else is asked
at the same time.
"""

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError
from fastw2v.kernels.search.answers import cosines_of_rows, halve, nearest_of_peaks, scale_to_one
from fastw2v.kernels.search.scans import Peaks, Scanned, scan_for_few, scan_for_many
from fastw2v.kernels.simd.blocks import PANEL, ROWS
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.system.kept_threads import run_tasks
from fastw2v.system.threads import checked_workers

__all__ = ["ExactSearch", "unit_rows"]

_TILE_NUMBERS = 2**15  # of a tile of rows: it stays in the cache while queries meet it
_LONG_TILE_NUMBERS = 2**17  # where queries are few, and memory is read ahead
_MOST_QUERIES = 256  # at a time: they stay in the cache too
_FEW_QUERIES = 4
_STEP = int(np.lcm(LANES, ROWS))  # rows that both scans cut evenly
_MANY_GROUPS = 2**15  # enough of them to look again at a small part of all rows
_GROUPS_OF_ONE = 8  # for each row that is asked for
_ALONE = 2**21  # multiplications that are done before another thread is awake
_SAFE = (1e-12, 1e12)  # lengths whose products and inverses float32 holds


_SCALED_ROWS = 2**14  # at a time: a whole table in float64 would be twice its size
_KEPT_NUMBERS = 2**22

# Room for peaks, of each thread: fresh memory would cost more time than writing to it.
_room = threading.local()


class ExactSearch:
    """V vectors, all compared with every query.

    Parameters
    ----------
    table : (V, D) float32
        It is not copied, unless its numbers are so large or small that products leave float32.
    workers : int, optional
        Threads, by default the cores at hand. Answers do not depend on it.
    halved : bool
        Keep the numbers once more in bfloat16, half as many bytes. A few queries at a time are
        answered in about half the time, for memory is what they wait for; answers are the same.

    Raises
    ------
    ConfigurationError
        If it has no rows, or numbers that are not finite.
    """

    def __init__(
        self, table: NDArray[np.float32], workers: int | None = None, *, halved: bool = False
    ) -> None:
        if table.ndim != 2 or not table.size:
            raise ConfigurationError(f"vectors: expected a table (V, D), got {table.shape}")
        lengths = np.sqrt(np.einsum("ij,ij->i", table, table, dtype=np.float64))
        if not np.isfinite(lengths).all():
            row = int(np.flatnonzero(~np.isfinite(lengths))[0])
            raise ConfigurationError(f"vectors: expected finite numbers, got others in row {row}")
        self.table = np.ascontiguousarray(table, np.float32)
        self._workers = checked_workers(workers)
        self._lengths = np.where(lengths > 0, lengths, 1.0)
        scanned, scales = self.table, np.asarray(1 / self._lengths, np.float32)
        if (self._lengths < _SAFE[0]).any() or (self._lengths > _SAFE[1]).any():
            scanned = np.asarray(table / self._lengths[:, None], np.float32)
            scales = np.ones(len(table), np.float32)
        self._scanned = Scanned(scanned.reshape(-1), scales, table.shape[1])
        # How far a score may be from the cosine: each of D products and sums rounds by 2^-24 of
        # what the lengths allow, and so do scaling and the queries themselves.
        self._margin = (table.shape[1] + 8) * 2.0**-24
        self._first_scanned, self._first_margin = self._scanned, self._margin
        if halved:
            self._halve(scanned)

    def _halve(self, scanned: NDArray[np.float32]) -> None:
        """Have few queries scan numbers of half the bytes."""
        halves = np.empty(scanned.shape, np.uint16)
        lengths = 1 / self._scanned.scales.astype(np.float64)
        tile = _rows_of_tile(_LONG_TILE_NUMBERS, scanned.shape[1])
        errors = np.zeros(-(-len(halves) // tile), np.float64)
        self._run(len(errors), len(halves), halve, tile, scanned, lengths, halves, errors)
        self._first_scanned = self._scanned._replace(table=halves.reshape(-1))
        self._first_margin = 2 * self._margin + 1.001 * float(errors.max())

    def cosines(self, queries: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the cosines (N, K) of queries (N, D) of length 1 to rows (N, K) of the table."""
        found = np.empty(rows.shape, np.float64)
        cosines_of_rows(self.table, self._lengths, queries, rows, found)
        return found

    def search(
        self, queries: NDArray[np.float32], topn: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the nearest rows (N, K) of queries (N, D) of length 1, and their cosines.

        K is `topn`, or V if that is less. The nearest come first, of equal ones the first row.
        """
        topn = min(topn, len(self.table))
        rows = np.empty((len(queries), topn), np.int64)
        cosines = np.empty((len(queries), topn), np.float64)
        if not topn:
            return rows, cosines
        for first in range(0, len(queries), _MOST_QUERIES):
            block = slice(first, first + _MOST_QUERIES)
            asked = queries[block]
            laid_out = self._laid_out(asked)
            peaks, margin = self._peaks(asked, laid_out, topn)
            self._run(
                len(asked),
                len(asked) * peaks.length,
                nearest_of_peaks,
                self.table,
                self._lengths,
                self._scanned,
                asked,
                laid_out,
                peaks,
                margin,
                rows[block],
                cosines[block],
            )
        return rows, cosines

    def _laid_out(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return queries in whole vectors; see `fastw2v.kernels.search.row_products`."""
        n_queries, dimensions = queries.shape
        n_before = (dimensions - 1) // LANES * LANES
        laid_out = np.zeros((n_queries, n_before + LANES), np.float32)
        laid_out[:, :n_before] = queries[:, :n_before]
        laid_out[:, n_before - dimensions :] = queries[:, n_before:]
        return laid_out.reshape(-1)

    def _peaks(
        self, queries: NDArray[np.float32], laid_out: NDArray[np.float32], topn: int
    ) -> tuple[Peaks, float]:
        """Return the greatest score of each query in each group of rows, and their margin."""
        n_rows, (n_queries, dimensions) = len(self.table), queries.shape
        are_few = n_queries <= _FEW_QUERIES and dimensions >= LANES
        group = 1 if are_few else self._group(topn)
        n_groups = -(-n_rows // group)
        length = -(-n_groups // LANES) * LANES
        numbers = _room_for(n_queries * length).reshape(n_queries, length)
        numbers[:, n_groups:] = -np.inf
        peaks = Peaks(numbers.reshape(-1), length, group)
        if n_rows < max(LANES, ROWS):
            numbers[:, :n_groups] = 2  # above all cosines: every row is looked at
            return peaks, self._margin
        scan: Callable[..., int]
        if are_few:
            scan, scanned, margin = scan_for_few, self._first_scanned, self._first_margin
            laid, tile = laid_out, _rows_of_tile(_LONG_TILE_NUMBERS, dimensions)
        else:
            scan, scanned, margin = scan_for_many, self._scanned, self._margin
            laid, tile = _panels(queries), _rows_of_tile(_TILE_NUMBERS, dimensions)
            tile = max(tile // group, 1) * group
        n_tasks = -(-n_rows // tile)
        self._run(n_tasks, n_queries * n_rows, scan, tile, scanned, laid, n_queries, peaks)
        return peaks, margin

    def _group(self, topn: int) -> int:
        """Return how many rows share a peak: few enough to look again at those of some groups."""
        n_rows = len(self.table)
        group = -(-n_rows // (_MANY_GROUPS * _STEP)) * _STEP
        is_large = n_rows > _MANY_GROUPS * ROWS and n_rows > group * _GROUPS_OF_ONE * topn
        return group if is_large else ROWS

    def _run(
        self, n_tasks: int, n_products: int, kernel: Callable[..., int], *arguments: object
    ) -> None:
        """Run a kernel, on other threads too where so many products of two vectors are worth it."""
        is_worth_it = n_products * self.table.shape[1] > _ALONE
        run_tasks(self._workers if is_worth_it else 1, n_tasks, kernel, *arguments)


def _rows_of_tile(n_numbers: int, dimensions: int) -> int:
    return max(n_numbers // (dimensions * _STEP), 1) * _STEP


def _room_for(n_numbers: int) -> NDArray[np.float32]:
    """Return an array (n_numbers,) with anything in it, the same for each search of a thread."""
    if n_numbers > _KEPT_NUMBERS:
        return np.empty(n_numbers, np.float32)
    kept: NDArray[np.float32] | None = getattr(_room, "numbers", None)
    if kept is None or len(kept) < n_numbers:
        kept = _room.numbers = np.empty(n_numbers, np.float32)
    return kept[:n_numbers]


def _panels(queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return queries (N, D) side by side, PANEL of them at a time, zeros behind the last."""
    n_queries, dimensions = queries.shape
    panels = np.zeros((-(-n_queries // PANEL), dimensions, PANEL), np.float32)
    for number, first in enumerate(range(0, n_queries, PANEL)):
        part = queries[first : first + PANEL]
        panels[number, :, : len(part)] = part.T
    return panels.reshape(-1)


def unit_rows(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return vectors (N, D) at length 1; those of zeros as they are."""
    units = np.empty(vectors.shape, np.float32)
    for first in range(0, len(vectors), _SCALED_ROWS):
        block = slice(first, first + _SCALED_ROWS)
        scale_to_one(np.ascontiguousarray(vectors[block], np.float64), units[block])
    return units
