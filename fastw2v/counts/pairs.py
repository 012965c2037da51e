"""Counting the word pairs of a whole text in memory.

n(c, o) is the sum of a weight over all positions of o near a position of c in the same sentence:
``window - d + 1`` at a distance d <= window or, given widths of words, ``window`` less the widths
of the words between, rounded to the nearest, as long as that is above 0. The weight is a whole
number, so counts do not depend on the order in which they are made, add up exactly, and are the
same for any number of workers.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.checked_text import check_sentences, id_outside, text_of
from fastw2v.counts.matrix import LARGEST_INT32, PairCounts
from fastw2v.counts.packed import PackedCounts
from fastw2v.counts.row_stores import ArrayStore, CountsKind, PackedStore, RowStore
from fastw2v.counts.windows import largest_count, windows_of
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.counts.pair_counting import (
    EncodedText,
    Rows,
    Tasks,
    count_rows,
    count_words,
    group_positions,
)
from fastw2v.kernels.counts.sparse_rows import SLACK, new_row_accumulator
from fastw2v.kernels.counts.windows import Spans, Windows
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens

__all__ = ["count_packed_pairs", "count_pairs"]

# Positions that are grouped by centre at a time, 8 bytes each; a single word may exceed it. The
# text is read once for each group: so many of a long text that it is read a few times.
GROUPED_POSITIONS = 2**21
TIMES_READ = 8
MOST_POSITIONS = 2**27
# Entries that wait to be moved to their place, 8 or 12 bytes each; a single row may exceed it.
STAGED_ENTRIES = 2**20
# Pairs and entries of one task: about a tenth of a millisecond.
TASK_COST = 2**17


def count_pairs(
    tokens: EncodedTokens,
    n_words: int,
    window: int,
    *,
    workers: int,
    widths: NDArray[np.int32] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PairCounts:
    """Count the pairs of a whole corpus.

    Needs, beside the result: 8 bytes a token up to `GROUPED_POSITIONS`, 1 above; `STAGED_ENTRIES`;
    and about 40 bytes a word and worker. Above `GROUPED_POSITIONS` the text is read several times.

    Parameters
    ----------
    tokens : EncodedTokens
        Ids below `n_words`.
    n_words : int
        V, the size of the vocabulary.
    window : int
        What two words side by side count; the largest distance of a pair of plain windows.
    workers : int
        Threads. The result does not depend on it.
    widths : ndarray of int32, shape (V,), optional
        What each word takes of a place in a window, as `fastw2v.counts.windows.word_widths` gives
        it; pairs are then at most ``4 * window`` apart. Default: plain windows, in which each word
        takes a whole place.
    progress : callable, optional
        Called with the tokens whose windows are counted, and all tokens: before, meanwhile, after.

    Returns
    -------
    PairCounts
        With V rows; words without contexts have empty ones.

    Raises
    ------
    ConfigurationError
        If `window`, `n_words` or `workers` is out of range.
    CorpusError
        If the sentences do not cut the tokens from the first to the last, or a count may not fit
        int64.
    VocabularyError
        If an id is not below `n_words`, or there is not one width for each word.
    """
    store = partial(ArrayStore, n_words=n_words)
    return _counted(store, tokens, n_words, window, workers, widths, progress)


def count_packed_pairs(
    tokens: EncodedTokens,
    n_words: int,
    window: int,
    *,
    workers: int,
    widths: NDArray[np.int32] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PackedCounts:
    """Count the pairs of a whole corpus, and keep them in few bytes.

    Parameters, errors and counts are those of `count_pairs`. The result takes little more than a
    quarter of the memory and is unpacked where it is looked at.
    """
    store = partial(PackedStore, n_words=n_words)
    return _counted(store, tokens, n_words, window, workers, widths, progress)


def _counted(
    new_store: Callable[..., RowStore[CountsKind]],
    tokens: EncodedTokens,
    n_words: int,
    window: int,
    workers: int,
    widths: NDArray[np.int32] | None,
    progress: Callable[[int, int], None] | None,
) -> CountsKind:
    if n_words < 1:
        raise ConfigurationError(f"n_words: expected at least 1, got {n_words}")
    windows = windows_of(window, widths, n_words)
    text = text_of(tokens)
    lengths = np.diff(text.sentence_starts)
    check_sentences(text, lengths)
    reach = min(windows.reach, max(int(lengths.max(initial=1)) - 1, 0))
    with WorkerPool(workers) as pool:
        counting = _Counting(pool, text, n_words, windows, new_store)
        counting.count_words()
        for counted in counting.fill_rows(contexts=2 * reach):
            if progress is not None:
                progress(counted, len(text.ids))
        return counting.store.counts(counting.indptr, windows.size)


class _Counting(Generic[CountsKind]):
    """One run of `count_pairs`, step by step."""

    store: RowStore[CountsKind]

    def __init__(
        self,
        pool: WorkerPool,
        text: EncodedText,
        n_words: int,
        windows: Windows,
        new_store: Callable[..., RowStore[CountsKind]],
    ) -> None:
        self.pool = pool
        self.new_store = new_store
        self.text = text
        self.windows = windows
        # One block of text a worker; their order keeps the positions of a word ascending.
        blocks = np.linspace(0, text.ids.size, pool.workers + 1)
        self.blocks = np.round(blocks).astype(np.int64)
        self.frequencies = np.zeros((pool.workers, n_words), np.int64)
        self.indptr = np.zeros(n_words + 1, np.int64)

    def count_words(self) -> None:
        """Fill `frequencies`: how often each word occurs in each block."""
        unknown = np.empty(self.pool.workers, np.int64)
        counter = np.zeros(1, np.int64)
        self.pool.run(
            lambda _: count_words(self.text.ids, self.blocks, self.frequencies, unknown, counter)
        )
        found = unknown[unknown >= 0]
        if found.size:
            raise id_outside(self.text, int(found[0]), self.indptr.size - 1)

    def fill_rows(self, contexts: int) -> Iterator[int]:
        """Fill the rows, and yield now and then the positions whose contexts are counted.

        No position has more than `contexts` contexts.
        """
        yield 0
        n_words = self.indptr.size - 1
        totals = self.frequencies.sum(axis=0)
        pairs = totals * contexts
        entries = np.minimum(pairs, n_words)
        largest = largest_count(int(totals.max()), self.windows)
        self.sum_type: type = np.int32 if largest <= LARGEST_INT32 else np.int64
        self.accumulators = [
            new_row_accumulator(n_words, self.sum_type) for _ in range(self.pool.workers)
        ]
        self.store = self.new_store(self.pool, n_entries=int(entries.sum()))
        self.staged = Rows(np.empty(0, np.int32), np.empty(0, self.sum_type))
        # Beside its pairs and entries a row costs a look at the marks of all words.
        costs = pairs + entries + (n_words // 4096 + 16)
        positions = _starts(totals)
        grouped = max(GROUPED_POSITIONS, len(self.text.ids) // TIMES_READ)
        for first, last in _blocks(totals, min(grouped, MOST_POSITIONS)):
            spans = self._group(first, last, totals)
            cuts = np.array([0] + [stop for _, stop in _blocks(costs[first:last], TASK_COST)])
            room = np.add.reduceat(entries[first:last], cuts[:-1]) + SLACK
            for start, stop in _blocks(room, STAGED_ENTRIES):
                places = _starts(room[start:stop])
                tasks = Tasks(cuts[start : stop + 1], places[:-1])
                self._count_tasks(spans, tasks, first, int(places[-1]))
                yield int(positions[first + cuts[stop]])

    def _group(self, first: int, last: int, totals: NDArray[np.int64]) -> Spans:
        starts = _starts(totals[first:last])
        packed = np.empty(int(starts[-1]), np.int64)
        frequencies = self.frequencies[:, first:last]
        slots = starts[:-1] + np.cumsum(frequencies, axis=0) - frequencies
        counter = np.zeros(1, np.int64)
        self.pool.run(
            lambda _: group_positions(
                self.text, self.blocks, first, self.windows, slots, packed, counter
            )
        )
        return Spans(packed, starts)

    def _count_tasks(self, spans: Spans, tasks: Tasks, first: int, room: int) -> None:
        if self.staged.indices.size < room:
            self.staged = Rows(np.empty(room, np.int32), np.empty(room, self.sum_type))
        row_starts = self.indptr[first:]
        staged, sizes = self.staged, row_starts[1:]
        counter = np.zeros(1, np.int64)

        def count(worker: int) -> int:
            row = self.accumulators[worker]
            return count_rows(
                self.text.ids, spans, tasks, self.windows, row, staged, sizes, counter
            )

        largest = max(self.pool.run(count))
        filled = row_starts[tasks.cuts[0] : tasks.cuts[-1] + 1]
        np.cumsum(filled, out=filled)
        self.store.take(tasks, first, self.indptr, staged, largest)


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0 and the running sums."""
    starts = np.zeros(sizes.size + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


def _blocks(sizes: NDArray[np.int64], limit: int) -> Iterator[tuple[int, int]]:
    """Cut into blocks whose sizes sum to at most `limit`, or of one element that exceeds it."""
    starts = _starts(sizes)
    first = 0
    while first < sizes.size:
        last = int(np.searchsorted(starts, starts[first] + limit, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last
