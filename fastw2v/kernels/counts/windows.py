"""Windows: how far they reach, and what their pairs weigh.

Two words side by side weigh `size`, and each word between two others takes a place from what
they weigh. In a plain window it takes a whole place: a pair at distance d weighs size - d + 1.
word2vec draws the size of every window evenly from 1 to `size`, so that it uses a context at
distance d with the probability (size - d + 1) / size.

In a measured window a word takes only a part of a place: its width. word2vec drops tokens of
frequent words before it forms windows, so that a window reaches over them. With the probability
of being kept as its width, a word takes the place that it takes there on average.

Mikolov et al., "Efficient estimation of word representations in vector space", 2013, and the
``b = next_random % window`` and the subsampling of word2vec.c.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.counts.sparse_rows import RowAccumulator, add_to_row
from fastw2v.kernels.simd.vectors import prefetch_read

__all__ = [
    "LARGEST_N_TOKENS",
    "LARGEST_REACH",
    "PLACE",
    "PLACE_BITS",
    "REACH_BITS",
    "Spans",
    "Windows",
    "add_windows",
    "pack_span",
]

# A span is one position with the number of contexts it may have on the left and on the right,
# in one integer: 35 bits, 14 bits and 14 bits. Sentence ends are looked up once, in order.
REACH_BITS = 14
LARGEST_REACH = 2**REACH_BITS - 1
LARGEST_N_TOKENS = 2**35
# Widths are whole numbers of 1 / 2**16 of a place, so that their sums are exact.
PLACE_BITS = 16
PLACE = 2**PLACE_BITS
# Positions of one word lie far apart: each costs a fetch from memory unless it is asked for
# this many positions before it is needed. From 24 to 64 the speed is the same.
_AHEAD = 40


class Windows(NamedTuple):
    """The windows of a text.

    Attributes
    ----------
    size : int
        What two words side by side weigh, 1 to `LARGEST_REACH`.
    reach : int
        The largest distance of a pair, 1 to `LARGEST_REACH`; that of plain windows is `size`.
    widths : ndarray of int32, shape (V,) or (0,)
        What each word takes of a place, 0 to `PLACE`. Without elements: windows are plain.
    """

    size: int
    reach: int
    widths: NDArray[np.int32]


class Spans(NamedTuple):
    """Spans grouped by centre word.

    Attributes
    ----------
    packed : ndarray of int64, shape (n,)
    starts : ndarray of int64, shape (C + 1,)
        The spans of the k-th centre are ``packed[starts[k]:starts[k + 1]]``.
    """

    packed: NDArray[np.int64]
    starts: NDArray[np.int64]


@kernel
def pack_span(position: int, sentence_start: int, sentence_stop: int, reach: int) -> int:
    """Return the span of a position in its sentence; see `REACH_BITS`."""
    left = min(position - sentence_start, reach)
    right = min(sentence_stop - 1 - position, reach)
    return (position << (2 * REACH_BITS)) | (left << REACH_BITS) | right


@kernel
def add_windows(
    ids: NDArray[np.uint32],
    spans: Spans,
    centre: int,
    windows: Windows,
    row: RowAccumulator,
) -> np.uint64:
    """Add the contexts of all spans of one centre to its row; return the words touched."""
    if windows.widths.size:
        return _add_measured_windows(ids, spans, centre, windows, row)
    return _add_plain_windows(ids, spans, centre, windows.size, row)


@kernel
def _add_plain_windows(
    ids: NDArray[np.uint32],
    spans: Spans,
    centre: int,
    size: int,
    row: RowAccumulator,
) -> np.uint64:
    n_touched = np.uint64(0)
    last = spans.packed.size - 1
    for k in range(spans.starts[centre], spans.starts[centre + 1]):
        later = spans.packed[min(k + _AHEAD, last)] >> (2 * REACH_BITS)
        prefetch_read(ids, later - size)
        prefetch_read(ids, later + size)
        span = spans.packed[k]
        position = span >> (2 * REACH_BITS)
        left = (span >> REACH_BITS) & LARGEST_REACH
        right = span & LARGEST_REACH
        weight = size + 1 - left
        for i in range(position - left, position):
            n_touched = add_to_row(row, n_touched, ids[np.uint64(i)], weight)
            weight += 1
        weight = size
        for i in range(position + 1, position + right + 1):
            n_touched = add_to_row(row, n_touched, ids[np.uint64(i)], weight)
            weight -= 1
    return n_touched


@kernel
def _add_measured_windows(
    ids: NDArray[np.uint32],
    spans: Spans,
    centre: int,
    windows: Windows,
    row: RowAccumulator,
) -> np.uint64:
    widths = windows.widths
    # A pair with so much between that less than one whole place is left weighs nothing.
    first = (windows.size << PLACE_BITS) + PLACE // 2
    n_touched = np.uint64(0)
    last = spans.packed.size - 1
    for k in range(spans.starts[centre], spans.starts[centre + 1]):
        later = spans.packed[min(k + _AHEAD, last)] >> (2 * REACH_BITS)
        prefetch_read(ids, later - windows.size)
        prefetch_read(ids, later + windows.size)
        span = spans.packed[k]
        position = span >> (2 * REACH_BITS)
        left = (span >> REACH_BITS) & LARGEST_REACH
        right = span & LARGEST_REACH
        rest = first
        i = position - 1
        stop = position - left
        while i >= stop and rest >= PLACE:
            word = ids[np.uint64(i)]
            n_touched = add_to_row(row, n_touched, word, rest >> PLACE_BITS)
            rest -= widths[word]
            i -= 1
        rest = first
        i = position + 1
        stop = position + right
        while i <= stop and rest >= PLACE:
            word = ids[np.uint64(i)]
            n_touched = add_to_row(row, n_touched, word, rest >> PLACE_BITS)
            rest -= widths[word]
            i += 1
    return n_touched
