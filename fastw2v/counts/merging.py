"""Adding up counts, row by row: whole numbers, so the order of the summands does not matter."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import LARGEST_INT32, CountArrays, CountPart, SparseCounts
from fastw2v.kernels.counts.row_merging import merge_rows
from fastw2v.kernels.counts.sparse_rows import SLACK, RowAccumulator, new_row_accumulator
from fastw2v.system.memory_maps import forget_pages

__all__ = ["BLOCK_ENTRIES", "merged_rows"]

BLOCK_ENTRIES = 2**21  # of all summands together that are in memory at a time; 24 bytes each


def merged_rows(
    summands: Sequence[SparseCounts],
    orders: Sequence[NDArray[np.int64] | None] | None = None,
    rows: tuple[int, int] | None = None,
    n_columns: int | None = None,
) -> Iterator[CountPart]:
    """Yield the rows of the sum of counts, some at a time.

    Parameters
    ----------
    summands : sequence of SparseCounts
        Of the same number of rows.
    orders : sequence of int64 arrays (V,), optional
        Where each word of the sum stands in each of the summands; None where it stands in the
        same place. Default: so for all.
    rows : tuple of int, optional
        The first row, and that behind the last. Default: all.
    n_columns : int, optional
        Words that may be contexts, where that is not the number of rows.

    The sum of all counts must fit int64, which is not checked here.
    """
    sources = [
        _InPlace(counts) if order is None else _Reordered(counts, order)
        for counts, order in zip(summands, orders or [None] * len(summands), strict=True)
    ]
    row = new_row_accumulator(n_columns or summands[0].n_words, np.int64)
    sizes = np.sum([source.sizes() for source in sources], axis=0)
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    start, last = rows or (0, summands[0].n_words)
    while start < last:
        stop = int(np.searchsorted(ends, ends[start] + BLOCK_ENTRIES, "right")) - 1
        stop = min(max(stop, start + 1), last)
        yield _merged_block([source.rows(start, stop) for source in sources], start, row)
        start = stop


def _merged_block(blocks: list[CountArrays], first: int, row: RowAccumulator) -> CountPart:
    offsets = np.cumsum([0] + [len(indices) for _, indices, _ in blocks])
    starts = np.stack([block[0] + offset for block, offset in zip(blocks, offsets, strict=False)])
    indices = np.concatenate([block[1] for block in blocks])
    values = np.concatenate([block[2] for block in blocks]).astype(np.int64, copy=False)
    room = len(indices) + SLACK
    merged = (np.empty(room, np.int32), np.empty(room, np.int64))
    indptr = np.empty(starts.shape[1], np.int64)
    merge_rows(starts, (indices, values), row, merged, indptr)
    n_entries = int(indptr[-1])
    sums = merged[1][:n_entries]
    kind = np.int32 if sums.max(initial=0) <= LARGEST_INT32 else np.int64
    return CountPart(first, indptr, merged[0][:n_entries].copy(), sums.astype(kind))


class _InPlace:
    """Rows of counts as they stand."""

    def __init__(self, counts: SparseCounts) -> None:
        self._counts = counts
        self._parts, self._firsts = counts.parts, counts.firsts

    def sizes(self) -> NDArray[np.int64]:
        return _sizes_of_rows(self._counts)

    def rows(self, start: int, stop: int) -> CountArrays:
        """Return the rows of the words from `start` to `stop`, which may lie in several parts."""
        first_part = int(np.searchsorted(self._firsts, start, "right")) - 1
        behind = int(np.searchsorted(self._firsts, stop, "left"))
        indptrs, indices, values = [np.zeros(1, np.int64)], [], []
        n_entries = 0
        for number in range(first_part, behind):
            part = self._parts[number]
            begin, end = max(start - part.first, 0), min(stop - part.first, part.n_rows)
            low, high = part.indptr[begin], part.indptr[end]
            indptrs.append(part.indptr[begin + 1 : end + 1] - low + n_entries)
            indices.append(part.indices[low:high])
            values.append(part.values[low:high])
            n_entries += int(high - low)
        copied = np.concatenate(indptrs), np.concatenate(indices), np.concatenate(values)
        for array in indices:
            forget_pages(array)
        return copied


class _Reordered:
    """Rows of counts over the same words in another order."""

    def __init__(self, counts: SparseCounts, order: NDArray[np.int64]) -> None:
        self._counts = counts
        self._order = order
        self._places = np.empty(len(order), np.int32)
        self._places[order] = np.arange(len(order), dtype=np.int32)

    def sizes(self) -> NDArray[np.int64]:
        return _sizes_of_rows(self._counts)[self._order]

    def rows(self, start: int, stop: int) -> CountArrays:
        indptr, indices, values = self._counts.copied(self._order[start:stop])
        return indptr, self._places[indices], values


def _sizes_of_rows(counts: SparseCounts) -> NDArray[np.int64]:
    return np.concatenate([np.diff(part.indptr) for part in counts.parts])
