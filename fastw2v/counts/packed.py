"""Counts in memory in few bytes: about two an entry, unpacked where they are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import LARGEST_INT32, CountArrays, CountPart, CountParts, SparseCounts
from fastw2v.kernels.counts.packed_rows import PackedRows, unpack_rows
from fastw2v.kernels.counts.pair_counting import Rows
from fastw2v.system.threads import WorkerPool

__all__ = ["UNPACKED_ENTRIES", "PackedCounts", "expected_bytes"]

UNPACKED_ENTRIES = 2**18  # of a part, 8 or 12 bytes each; a single row may exceed it
_PARTS_BYTES = 4 * 12 * UNPACKED_ENTRIES  # of those that are unpacked at a time
_ENTRY_BYTES = 2


def expected_bytes(n_words: int, n_entries: float) -> int:
    """Return about what the counts of so many words take, before they are there."""
    return 2 * 8 * n_words + int(_ENTRY_BYTES * n_entries) + _PARTS_BYTES


@dataclass(frozen=True, eq=False)
class PackedCounts(SparseCounts):
    """Counts n(c, o) of V words, as `fastw2v.kernels.counts.packed_rows` writes them.

    Their parts are made anew, by `workers` threads, each time they are asked for.

    Attributes
    ----------
    packed : PackedRows
    largest : int
        The largest count, which decides the type that unpacked counts have: int32 if it fits.
    window : int
        As in `fastw2v.counts.matrix.PairCounts`.
    workers : int
    """

    packed: PackedRows
    largest: int
    window: int
    workers: int

    @property
    def n_words(self) -> int:
        """V, the number of rows and of columns."""
        return len(self.packed.entry_starts) - 1

    @property
    def n_entries(self) -> int:
        """The number of pairs of words that were seen at all."""
        return int(self.packed.entry_starts[-1])

    @property
    def nbytes(self) -> int:
        """Memory of the packed rows, and of the parts that are unpacked at a time."""
        return sum(array.nbytes for array in self.packed) + _PARTS_BYTES

    @property
    def parts(self) -> Sequence[CountPart]:
        """The rows from the first to the last, unpacked when a part is asked for."""
        return _Parts(self)

    @property
    def firsts(self) -> list[int]:
        """The first centre word of each part."""
        return _Parts(self).cuts[:-1]

    def rows(self, centres: NDArray[np.int64]) -> tuple[NDArray[np.int64], CountArrays]:
        """Return counts that hold just the rows of some centre words; see `SparseCounts.rows`."""
        return np.arange(len(centres)), self.unpacked(centres, workers=1)

    def copied(self, rows: NDArray[np.int64]) -> CountArrays:
        """Return rows, in the order that is asked for, in arrays of their own."""
        return self.unpacked(rows, self.workers)

    def unpacked(self, rows: NDArray[np.int64], workers: int) -> CountArrays:
        """Return some rows, one after the other, in arrays of their own."""
        starts = self.packed.entry_starts
        rows = np.asarray(rows, np.int64)  # one kind, so that one kernel is compiled
        indptr = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(starts[rows + 1] - starts[rows], out=indptr[1:])
        dtype = np.int32 if self.largest <= LARGEST_INT32 else np.int64
        n_entries = int(indptr[-1])
        result = Rows(np.empty(n_entries, np.int32), np.empty(n_entries, dtype))
        with WorkerPool(workers) as pool:
            pool.run_kernel(unpack_rows, self.packed, rows, indptr, result)
        return indptr, *result


class _Parts(CountParts):
    """The parts of packed counts: as many rows as have at most so many entries, at least one."""

    def __init__(self, counts: PackedCounts) -> None:
        self._counts = counts
        starts = counts.packed.entry_starts
        self.cuts = [0]
        while self.cuts[-1] < counts.n_words:
            first = self.cuts[-1]
            room = starts[first] + UNPACKED_ENTRIES
            last = int(np.searchsorted(starts, room, side="right")) - 1
            self.cuts.append(max(last, first + 1))
        self._bounds = list(pairwise(self.cuts))

    def __len__(self) -> int:
        return len(self._bounds)

    def part(self, number: int) -> CountPart:
        """Return the part of this number."""
        first, last = self._bounds[number]
        rows = np.arange(first, last)
        return CountPart(first, *self._counts.unpacked(rows, self._counts.workers))
