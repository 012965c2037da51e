"""Inputs that are means of rows, as fastText has them: a word's own row and those of its n-grams.

A word's mean is taken when the word comes into reach of a window, into a slot that belongs to the
worker. Windows train the slot like any row. When the word is out of reach, what the slot has
gained is added to each of the word's rows, as fastText does with each step. So rows are read and
moved once a token and not once a pair; what others of the word's n-grams gain meanwhile is seen by
the next mean. A word that has one row alone needs no slot: it is trained where it lies.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.memory import LINE, aligned_zeros
from fastw2v.kernels.simd.vectors import LANES, load, prefetch, store
from fastw2v.kernels.stream.context_rows import move_rows, sum_rows

__all__ = [
    "RowMeans",
    "Slots",
    "fetch_rows",
    "new_slots",
    "no_means",
    "place_of_input",
    "return_gain",
    "slots_for",
    "take_mean",
    "write_means",
]

_LEAST_SLOTS = 16
_WORDS_OF_TASK = 256


class RowMeans(NamedTuple):
    """Which rows each word's input is the mean of.

    Attributes
    ----------
    starts : int64 array (V + 1,)
        The rows of word w are those from ``starts[w]`` to ``starts[w + 1]``, at least one.
    places : int64 array (E,)
        Where each begins in the table of inputs. A row may come more than once.
    given : tuple
        A zero; or nothing, if every word has the row of its number. Then the rest is not looked
        at, and no code is compiled for it.
    """

    starts: object
    places: object
    given: object


class Slots(NamedTuple):
    """A worker's slots for the words in reach.

    `first` is where they begin in the table of inputs, `mask` their number less one, and `before`
    (float32) holds the means as they were taken. Token i has slot ``i & mask``.
    """

    first: int
    mask: int
    before: object


def no_means() -> RowMeans:
    """Return what says that every word has the row of its number."""
    return RowMeans(np.zeros(1, np.int64), np.zeros(1, np.int64), ())


def slots_for(window: int) -> int:
    """Return how many slots windows that reach so far need: a power of two."""
    in_reach = 2 * window + 1
    return max(_LEAST_SLOTS, 1 << (in_reach - 1).bit_length())


@kernel
def new_slots(first, n_slots, stride):
    """Return slots that begin at an element of the table of inputs; their number may be zero."""
    return Slots(first, n_slots - 1, aligned_zeros(n_slots * stride))


@njit(nogil=True, inline="always")
def place_of_input(means, slots, word, token, stride):
    """Return where a window finds the input of a token within reach."""
    start = means.starts[word]
    if means.starts[word + 1] - start == 1:
        return means.places[start]
    return slots.first + (token & slots.mask) * stride


@njit(nogil=True, inline="always")
def fetch_rows(rows, means, word, stride):
    """Ask for the rows that a mean will be taken of."""
    for k in range(means.starts[word], means.starts[word + 1]):
        for element in range(0, stride, LINE):
            prefetch(rows, means.places[k] + element)


@njit(nogil=True, inline="always")
def take_mean(rows, means, slots, word, token, layout):
    """Fill a token's slot as it comes into reach."""
    start = means.starts[word]
    n_rows = means.starts[word + 1] - start
    if n_rows > 1:
        slot = (token & slots.mask) * layout.stride
        mean, share = rows[slots.first + slot :], np.float32(1) / np.float32(n_rows)
        sum_rows(rows, means.places[start:], n_rows, mean, share, layout.shape.vectors)
        for d in range(0, layout.shape.length, LANES):
            store(slots.before, slot + d, load(mean, d))


@njit(nogil=True, inline="always")
def return_gain(rows, means, slots, word, token, layout):
    """Add to each row of a token what its slot has gained, when it is out of reach."""
    start = means.starts[word]
    n_rows = means.starts[word + 1] - start
    if n_rows > 1:
        slot = (token & slots.mask) * layout.stride
        gain = slots.before[slot:]
        for d in range(0, layout.shape.length, LANES):
            store(gain, d, load(rows, slots.first + slot + d) - load(gain, d))
        whole = np.float32(1)
        move_rows(rows, means.places[start:], n_rows, gain, whole, layout.shape.vectors)


@kernel
def write_means(tasks, rows, means, layout, target):
    """Write the means of all words, V rows, to a table of its own.

    Parameters
    ----------
    tasks : int64 array (1,)
        The next words, common to all workers.
    rows : float32 array
        The table of inputs.
    means : RowMeans
    layout : fastw2v.kernels.stream.training.Layout
    target : float32 array (V * stride,)
    """
    n_words = means.starts.shape[0] - 1
    while True:
        first = fetch_add(tasks, 0, _WORDS_OF_TASK)
        if first >= n_words:
            return
        for word in range(first, min(first + _WORDS_OF_TASK, n_words)):
            start = means.starts[word]
            n_rows = means.starts[word + 1] - start
            mean, share = target[word * layout.stride :], np.float32(1) / np.float32(n_rows)
            sum_rows(rows, means.places[start:], n_rows, mean, share, layout.shape.vectors)
