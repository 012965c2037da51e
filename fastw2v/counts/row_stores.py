"""Where counting puts its rows: into arrays, or into few bytes an entry."""

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import LARGEST_INT32, PairCounts
from fastw2v.counts.packed import PackedCounts
from fastw2v.kernels.counts.packed_rows import PackedRows, measure_rows, pack_rows
from fastw2v.kernels.counts.pair_counting import Rows, Tasks, copy_rows
from fastw2v.system.threads import WorkerPool

__all__ = ["ArrayStore", "CountsKind", "PackedStore", "RowStore"]

CountsKind = TypeVar("CountsKind", covariant=True)  # noqa: PLC0105

# Address space (not memory) that is reserved for the result before its size is known.
RESERVED_ENTRIES = 2**28


class RowStore(Protocol[CountsKind]):
    """What counting needs to know of a store, which is filled from the first row to the last."""

    def take(
        self, tasks: Tasks, first: int, indptr: NDArray[np.int64], staged: Rows, largest: int
    ) -> None:
        """Take over the rows of some tasks.

        Parameters
        ----------
        tasks : Tasks
            Rows are numbered from `first` on.
        first : int
        indptr : ndarray of int64, shape (V + 1,)
            Filled as far as the last of these rows.
        staged : Rows
            Where the tasks left them.
        largest : int
            No count of theirs is larger.
        """
        ...

    def counts(self, indptr: NDArray[np.int64], window: int) -> CountsKind:
        """Return the rows that were taken."""
        ...


class ArrayStore:
    """Rows in arrays, for `PairCounts`.

    Parameters
    ----------
    pool : WorkerPool
    n_words : int
        V.
    n_entries : int
        There are no more.
    """

    def __init__(self, pool: WorkerPool, n_words: int, n_entries: int) -> None:
        self._pool = pool
        self._indices = np.empty(min(n_entries, RESERVED_ENTRIES), np.int32)
        self._values: NDArray[Any] = np.empty(len(self._indices), np.int32)

    def take(
        self, tasks: Tasks, first: int, indptr: NDArray[np.int64], staged: Rows, largest: int
    ) -> None:
        """Take over the rows of some tasks, see `RowStore`."""
        row_starts = indptr[first:]
        n_entries = int(row_starts[tasks.cuts[-1]])
        if n_entries > len(self._indices):
            # In place where the system can. Nothing else refers to these arrays.
            room = n_entries + n_entries // 4
            self._indices.resize(room, refcheck=False)
            self._values.resize(room, refcheck=False)
        if largest > LARGEST_INT32 and self._values.dtype == np.int32:
            wider = np.empty(len(self._values), np.int64)
            # More than was filled so far is garbage, but memory that is not touched is free.
            wider[:n_entries] = self._values[:n_entries]
            self._values = wider
        result, counter = Rows(self._indices, self._values), np.zeros(1, np.int64)
        self._pool.run(lambda _: copy_rows(tasks, row_starts, staged, result, counter))

    def counts(self, indptr: NDArray[np.int64], window: int) -> PairCounts:
        """Return the rows that were taken, and give back what was reserved beyond them."""
        self._indices.resize(int(indptr[-1]), refcheck=False)
        self._values.resize(int(indptr[-1]), refcheck=False)
        return PairCounts(indptr, self._indices, self._values, window)


class PackedStore:
    """Rows in few bytes, for `PackedCounts`; parameters as for `ArrayStore`."""

    def __init__(self, pool: WorkerPool, n_words: int, n_entries: int) -> None:
        self._pool = pool
        self._byte_starts = np.zeros(n_words + 1, np.int64)
        self._codes = np.empty(min(n_entries, RESERVED_ENTRIES), np.uint16)
        self._data = np.empty(len(self._codes), np.uint8)
        self._largest = 0

    def take(
        self, tasks: Tasks, first: int, indptr: NDArray[np.int64], staged: Rows, largest: int
    ) -> None:
        """Take over the rows of some tasks, see `RowStore`."""
        self._largest = max(self._largest, largest)
        row_starts, byte_starts = indptr[first:], self._byte_starts[first:]
        sizes, counter = byte_starts[1:], np.zeros(1, np.int64)
        self._pool.run(lambda _: measure_rows(tasks, row_starts, staged, sizes, counter))
        filled = byte_starts[tasks.cuts[0] : tasks.cuts[-1] + 1]
        np.cumsum(filled, out=filled)
        for array, size in (
            (self._codes, int(row_starts[tasks.cuts[-1]])),
            (self._data, int(filled[-1])),
        ):
            if size > len(array):
                array.resize(size + size // 4, refcheck=False)
        target, again = (byte_starts, self._codes, self._data), np.zeros(1, np.int64)
        self._pool.run(lambda _: pack_rows(tasks, row_starts, staged, *target, again))

    def counts(self, indptr: NDArray[np.int64], window: int) -> PackedCounts:
        """Return the rows that were taken, and give back what was reserved beyond them."""
        self._codes.resize(int(indptr[-1]), refcheck=False)
        self._data.resize(int(self._byte_starts[-1]), refcheck=False)
        packed = PackedRows(indptr, self._byte_starts, self._codes, self._data)
        return PackedCounts(packed, self._largest, window, self._pool.workers)
