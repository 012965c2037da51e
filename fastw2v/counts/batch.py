"""Pair counts of a stretch of running text, for training on batches of tokens."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.checked_text import broken_sentence, id_outside, text_of
from fastw2v.counts.matrix import LARGEST_INT32
from fastw2v.counts.windows import largest_count, windows_of
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.kernels.counts.batch_counting import (
    BROKEN_SENTENCE,
    UNKNOWN_WORD,
    Centres,
    count_batch_rows,
    group_batch,
)
from fastw2v.kernels.counts.pair_counting import Rows
from fastw2v.kernels.counts.sparse_rows import SLACK, RowAccumulator, new_row_accumulator
from fastw2v.kernels.counts.windows import Spans
from fastw2v.text.encoded import EncodedTokens

__all__ = ["BatchCounts", "BatchWorkspace", "count_batch"]

_LONGEST_STRETCH = 2**31 - 1  # in tokens, so that int32 counts how often a word is a centre


@dataclass(frozen=True, eq=False)
class BatchCounts:
    """Pair counts of a stretch of running text: B rows, one for each of its distinct words.

    Attributes
    ----------
    rows : ndarray of int32, shape (B,)
        Centre words, ascending.
    indptr : ndarray of int64, shape (B + 1,)
        The entries of row k are those from ``indptr[k]`` to ``indptr[k + 1]``.
    indices : ndarray of int32, shape (nnz,)
        Context words, ascending within each row.
    values : ndarray of int32 or int64, shape (nnz,)
        Counts above 0; int32 if the largest of them fits.
    """

    rows: NDArray[np.int32]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[Any]


class BatchWorkspace:
    """Memory that `count_batch` uses again and again; V long, so made once.

    Not for use by two threads at a time.

    Parameters
    ----------
    n_words : int
        V, the size of the vocabulary.
    """

    def __init__(self, n_words: int) -> None:
        if n_words < 1:
            raise ConfigurationError(f"n_words: expected at least 1, got {n_words}")
        self.n_words = n_words
        self.slots = np.empty(n_words, np.int64)
        self.accumulator = new_row_accumulator(n_words, np.int32)
        self.centres = self._new_centres(0)
        self.entries = Rows(np.empty(0, np.int32), np.empty(0, np.int32))
        self._wide: tuple[RowAccumulator, Rows] | None = None

    def _new_centres(self, n_tokens: int) -> Centres:
        return Centres(
            words=np.empty(n_tokens + SLACK, np.int32),
            frequencies=np.empty(n_tokens + SLACK, np.int32),
            spans=Spans(np.empty(n_tokens, np.int64), np.empty(n_tokens + 1, np.int64)),
            slots=self.slots,
        )

    def centres_for(self, n_tokens: int) -> Centres:
        """Return arrays for the centres of `n_tokens` tokens."""
        if self.centres.spans.packed.size < n_tokens:
            self.centres = self._new_centres(n_tokens)
        return self.centres

    def rows_for(self, n_pairs: int, largest: int) -> tuple[RowAccumulator, Rows]:
        """Return an accumulator and arrays for the entries of `n_pairs` pairs."""
        room = n_pairs + SLACK
        if largest > LARGEST_INT32:
            if self._wide is None or self._wide[1].indices.size < room:
                accumulator = new_row_accumulator(self.n_words, np.int64)
                self._wide = (accumulator, Rows(np.empty(room, np.int32), np.empty(room, np.int64)))
            return self._wide
        if self.entries.indices.size < room:
            self.entries = Rows(np.empty(room, np.int32), np.empty(room, np.int32))
        return self.accumulator, self.entries


def count_batch(
    tokens: EncodedTokens,
    start: int,
    stop: int,
    n_words: int,
    window: int,
    workspace: BatchWorkspace,
    widths: NDArray[np.int32] | None = None,
) -> BatchCounts:
    """Count the pairs whose centre lies in a stretch of the running text.

    Contexts may lie outside the stretch, but not outside the sentence of their centre, so the
    batches of a text that is cut anywhere add up to the counts of `count_pairs`.

    Parameters
    ----------
    tokens : EncodedTokens
        Checked only where they are read.
    start, stop : int
        Positions ``start <= i < stop`` are centres.
    n_words : int
        V, the size of the vocabulary.
    window : int
    workspace : BatchWorkspace
        For `n_words` words. The time taken by plain windows does not depend on V.
    widths : ndarray of int32, shape (V,), optional
        `window` and `widths` are those of `count_pairs`.

    Returns
    -------
    BatchCounts
        In arrays of its own.

    Raises
    ------
    ConfigurationError
        If `window` is out of range or the workspace has another size.
    IndexError
        If the stretch does not lie within the text.
    CorpusError
        If a sentence that is touched is inconsistent, the stretch has more than 2**31 - 1 tokens,
        or a count may not fit int64.
    VocabularyError
        If an id that is touched is not below `n_words`, or there is not one width for each word.
    """
    windows = windows_of(window, widths, n_words)
    if workspace.n_words != n_words:
        raise ConfigurationError(
            f"workspace: expected one for {n_words} words, got {workspace.n_words}; make a new one"
        )
    text = text_of(tokens)
    if not 0 <= start <= stop <= text.ids.size:
        raise IndexError(
            f"start, stop: expected positions within 0 to {text.ids.size}, got {start}, {stop}"
        )
    if stop - start > _LONGEST_STRETCH:
        raise CorpusError(
            f"start, stop: expected a stretch of at most {_LONGEST_STRETCH} tokens, got "
            f"{stop - start}; cut it into several, whose counts add up to the same"
        )
    centres = workspace.centres_for(stop - start)
    origin = max(0, start - windows.reach)
    n_rows, detail = group_batch(text, start, stop, origin, windows, workspace.accumulator, centres)
    if n_rows == UNKNOWN_WORD:
        raise id_outside(text, detail, n_words)
    if n_rows == BROKEN_SENTENCE:
        raise broken_sentence(text, detail)
    most = int(centres.frequencies[:n_rows].max(initial=0))
    room = min(detail, n_rows * n_words)
    accumulator, entries = workspace.rows_for(room, largest_count(most, windows))
    spans = Spans(centres.spans.packed[: stop - start], centres.spans.starts[: n_rows + 1])
    indptr = np.empty(n_rows + 1, np.int64)
    largest = count_batch_rows(text.ids[origin:], spans, windows, accumulator, indptr, entries)
    size = int(indptr[-1])
    return BatchCounts(
        rows=centres.words[:n_rows].copy(),
        indptr=indptr,
        indices=entries.indices[:size].copy(),
        values=entries.values[:size].astype(np.int32 if largest <= LARGEST_INT32 else np.int64),
    )
