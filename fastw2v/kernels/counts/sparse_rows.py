"""One sparse row at a time: add to words in any order, get them back sorted.

A `RowAccumulator` is a dense array of V sums with a list of the words that were touched. To
empty it in the order of the words no comparison sort is needed: every touched word sets one
bit of V, and one bit of V / 64 says which groups of 64 words have any. Reading the bits
upwards gives the sorted row for V / 4096 steps plus a few instructions an entry, however long
the row is, and leaves everything zero for the next one.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.bits import count_ones, lowest_bit

__all__ = [
    "SLACK",
    "WORDS_IN_GROUP",
    "RowAccumulator",
    "add_to_row",
    "drain_row",
    "new_row_accumulator",
]

WORDS_IN_GROUP = 64
# `drain_row` writes four indices at a time, so up to this many places after a row are
# overwritten with anything.
SLACK = 3


class RowAccumulator(NamedTuple):
    """The memory that one sparse row needs while it grows; all zeros between two rows.

    Attributes
    ----------
    sums : ndarray of int32 or int64, shape (V,)
    touched : ndarray of uint32, shape (V + 1,)
        Words whose sum is not zero, in order of arrival. The last place is never used.
    words : ndarray of uint64, shape (ceil(V / 64),)
        One bit a word.
    groups : ndarray of uint64, shape (ceil(V / 4096),)
        One bit an element of `words`.
    """

    sums: NDArray[Any]
    touched: NDArray[np.uint32]
    words: NDArray[np.uint64]
    groups: NDArray[np.uint64]


def new_row_accumulator(n_words: int, dtype: Any) -> RowAccumulator:
    """Return an empty accumulator for rows over `n_words` words with sums of `dtype`."""
    n_groups = -(-n_words // WORDS_IN_GROUP)
    return RowAccumulator(
        sums=np.zeros(n_words, dtype),
        touched=np.empty(n_words + 1, np.uint32),
        words=np.zeros(n_groups, np.uint64),
        groups=np.zeros(-(-n_groups // WORDS_IN_GROUP), np.uint64),
    )


@kernel
def add_to_row(
    row: RowAccumulator, n_touched: np.uint64, word: np.uint32, amount: int
) -> np.uint64:
    """Add `amount` > 0 to the sum of `word`; return the new number of touched words.

    Without a branch: whether a word is new cannot be predicted, and costs more than the rest.
    """
    before = row.sums[word]
    row.touched[n_touched] = word
    row.sums[word] = before + amount
    return n_touched + np.uint64(before == 0)


@kernel
def drain_row(
    row: RowAccumulator,
    n_touched: np.uint64,
    indices: NDArray[np.int32],
    values: NDArray[Any],
    start: int,
) -> tuple[int, int]:
    """Write the row sorted by word to the arrays from `start` on, and empty it.

    Parameters
    ----------
    row : RowAccumulator
    n_touched : uint64
        As returned by `add_to_row`.
    indices : ndarray of int32, shape (n,)
        At least `SLACK` places after the end of the row must exist; they are overwritten.
    values : ndarray of int32 or int64, shape (n,)
        Wide enough for the sums.
    start : int

    Returns
    -------
    stop : int
        ``start`` plus the number of touched words.
    largest : int
        The largest sum of the row; 0 if it is empty.
    """
    one = np.uint64(1)
    low_six = np.uint64(WORDS_IN_GROUP - 1)
    six = np.uint64(6)
    for i in range(n_touched):
        word = np.uint64(row.touched[i])
        group = word >> six
        row.words[group] |= one << (word & low_six)
        row.groups[group >> six] |= one << (group & low_six)
    stop = np.uint64(start)
    for i in range(row.groups.size):
        groups = row.groups[i]
        row.groups[i] = 0
        while groups != 0:
            group = (np.uint64(i) << six) | np.uint64(lowest_bit(groups))
            groups &= groups - one
            bits = row.words[group]
            row.words[group] = 0
            place = stop
            stop += count_ones(bits)
            while bits != 0:
                # Four at a time: the number of bits is hard to predict, and a wrong guess
                # costs more than the indices that are written for nothing.
                for k in range(4):
                    indices[place + np.uint64(k)] = (group << six) | np.uint64(lowest_bit(bits))
                    bits &= bits - one
                place += np.uint64(4)
    largest: Any = 0
    for k in range(np.uint64(start), stop):
        word = np.uint64(indices[k])
        value = row.sums[word]
        values[k] = value
        row.sums[word] = 0
        largest = max(largest, value)
    after: Any = np.int64(stop)
    return after, largest
