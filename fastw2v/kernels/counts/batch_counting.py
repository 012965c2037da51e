"""Pair counts of a stretch of running text, as rows of its distinct centre words.

The steps of `fastw2v.kernels.counts.pair_counting` for a few thousand tokens at a time: nothing
here takes time in proportion to the vocabulary, and whatever is V long is left as it was found.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.counts.pair_counting import EncodedText, Rows
from fastw2v.kernels.counts.sparse_rows import RowAccumulator, add_to_row, drain_row
from fastw2v.kernels.counts.windows import (
    LARGEST_REACH,
    REACH_BITS,
    Spans,
    Windows,
    add_windows,
    pack_span,
)
from fastw2v.kernels.text.sentences import find_sentence

__all__ = [
    "BROKEN_SENTENCE",
    "UNKNOWN_WORD",
    "Centres",
    "count_batch_rows",
    "find_unknown_word",
    "group_batch",
]

UNKNOWN_WORD = -1
BROKEN_SENTENCE = -2


class Centres(NamedTuple):
    """The distinct centre words of a batch of T tokens, and their spans.

    Attributes
    ----------
    words : ndarray of int32, shape (T + 3,)
    frequencies : ndarray of int32, shape (T + 3,)
    spans : Spans
        With places for T spans and T + 1 starts.
    slots : ndarray of int64, shape (V,)
        Where the next span of a word goes. Needs no cleaning: written before it is read.
    """

    words: NDArray[np.int32]
    frequencies: NDArray[np.int32]
    spans: Spans
    slots: NDArray[np.int64]


@kernel
def find_unknown_word(ids: NDArray[np.uint32], start: int, stop: int, n_words: int) -> int:
    """Return the first position in [start, stop) whose id is not below `n_words`, or -1."""
    largest = np.uint32(0)
    for i in range(start, stop):
        largest = max(largest, ids[i])
    if start >= stop or largest < n_words:
        return -1
    for i in range(start, stop):
        if ids[i] >= n_words:
            return i
    return -1


@kernel
def group_batch(
    text: EncodedText,
    start: int,
    stop: int,
    origin: int,
    windows: Windows,
    row: RowAccumulator,
    centres: Centres,
) -> tuple[int, int]:
    """Find the distinct words of [start, stop), sorted, and group their positions.

    Parameters
    ----------
    text : EncodedText
        Only what the batch and its windows touch is read; just that is checked.
    start, stop : int
        Positions, 0 <= start <= stop <= n_tokens.
    origin : int
        The position from which those in spans are counted: a span has no room for positions of
        any size. Not above `start`.
    windows : Windows
    row : RowAccumulator
        Empty; left empty.
    centres : Centres
        Filled.

    Returns
    -------
    n_rows : int
        Number of distinct words; or `UNKNOWN_WORD` or `BROKEN_SENTENCE`.
    detail : int
        Number of pairs at most; or the position of the word, or the number of the sentence.
    """
    n_tokens = text.ids.size
    unknown = find_unknown_word(
        text.ids,
        max(0, start - windows.reach),
        min(n_tokens, stop + windows.reach),
        centres.slots.size,
    )
    if unknown >= 0:
        return UNKNOWN_WORD, unknown
    n_touched = np.uint64(0)
    for i in range(start, stop):
        n_touched = add_to_row(row, n_touched, text.ids[i], 1)
    n_rows, _ = drain_row(row, n_touched, centres.words, centres.frequencies, 0)
    packed, starts = centres.spans
    starts[0] = 0
    for k in range(n_rows):
        centres.slots[centres.words[k]] = starts[k]
        starts[k + 1] = starts[k] + centres.frequencies[k]
    n_pairs = 0
    position = start
    sentence = find_sentence(text.sentence_starts, start)
    while position < stop:
        if sentence + 1 >= text.sentence_starts.size:
            return BROKEN_SENTENCE, sentence
        sentence_start = text.sentence_starts[sentence]
        sentence_stop = text.sentence_starts[sentence + 1]
        if not 0 <= sentence_start <= position <= sentence_stop <= n_tokens:
            return BROKEN_SENTENCE, sentence
        for i in range(position, min(sentence_stop, stop)):
            centre = text.ids[i]
            slot = centres.slots[centre]
            centres.slots[centre] = slot + 1
            span = pack_span(
                i - origin, sentence_start - origin, sentence_stop - origin, windows.reach
            )
            packed[slot] = span
            n_pairs += ((span >> REACH_BITS) & LARGEST_REACH) + (span & LARGEST_REACH)
        position = max(position, sentence_stop)
        sentence += 1
    return n_rows, n_pairs


@kernel
def count_batch_rows(
    ids: NDArray[np.uint32],
    spans: Spans,
    windows: Windows,
    row: RowAccumulator,
    indptr: NDArray[np.int64],
    result: Rows,
) -> int:
    """Count the contexts of the B centres of `spans`.

    Parameters
    ----------
    ids : ndarray of uint32, shape (n_tokens,)
        From the origin of `spans` on.
    spans : Spans
    windows : Windows
    row : RowAccumulator
        Empty; left empty.
    indptr : ndarray of int64, shape (B + 1,)
        Filled.
    result : Rows
        Receives the entries; three places more than the number of pairs are always enough.

    Returns
    -------
    int
        The largest count; 0 if there is none.
    """
    largest = 0
    indptr[0] = 0
    for k in range(indptr.size - 1):
        n_touched = add_windows(ids, spans, k, windows, row)
        indptr[k + 1], row_largest = drain_row(
            row, n_touched, result.indices, result.values, indptr[k]
        )
        largest = max(largest, row_largest)
    return largest
