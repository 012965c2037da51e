"""Rows of which only some contexts are looked at: of rare words about as many at most, drawn.

A row that was seen with very many rare words would bring all of them to its batch as columns. Of
these about m are drawn, the word i with the chance

    q_i = min(1, c n_i),     sum of q_i = m,

n_i its count in the row, and its count becomes n_i / q_i: in expectation it is its own. So what
was seen often is always there, and all others count 1 / c. The draw is systematic: the words that
are not certain lie side by side, each q_i long, and those are drawn that one of the places o,
o + 1, o + 2, ... is in, with an offset o from 0 to 1 (Madow 1949).
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel

__all__ = ["draw_contexts"]

_GOLDEN = 0.6180339887498949  # its multiples lie evenly, so that rows have offsets of their own
_MOST_ROUNDS = 50


@njit(nogil=True, inline="always")
def _is_rare(word, head, centre):
    return word >= head and word != centre


@kernel
def _chance_of_one(indices, values, sizes, centre):
    """Return c of a row, infinity where all are certain; and the most words that it may keep."""
    head, most = sizes
    n_rare, certain, rest = 0, 0, 0.0
    for k in range(indices.shape[0]):
        if _is_rare(indices[k], head, centre):
            n_rare += 1
            rest += values[k]
    others = indices.shape[0] - n_rare
    if n_rare <= most:
        return np.inf, others + n_rare
    # More and more become certain, until the chances of the others add up to what is left.
    chance = 0.0
    for _ in range(_MOST_ROUNDS):
        chance = (most - certain) / rest
        before, certain, rest = certain, 0, 0.0
        for k in range(indices.shape[0]):
            if _is_rare(indices[k], head, centre):
                if chance * values[k] >= 1.0:
                    certain += 1
                else:
                    rest += values[k]
        if certain == before:
            break
    return chance, others + certain + np.int64(chance * rest) + 2


@kernel
def draw_contexts(csr_rows, counts, centres, sizes, chance):
    """Return the contexts of a batch's rows, of rare words about as many at most.

    Parameters
    ----------
    csr_rows : (B,) int64
        The batch's rows within `counts`.
    counts : tuple of indptr (R + 1,) int64, indices (nnz,) int32, values (nnz,) integer
        Columns ascending within a row.
    centres : (B,) int32
        The rows' own words, which are certain.
    sizes : (int, int)
        The first word that is rare, and how many of them a row keeps.
    chance : float
        From 0 to below 1: which offsets the draws have.

    Returns
    -------
    indptr : (B + 1,) int64
    indices : (E,) int32
    values : (E,) float64
        Counts, each by its word's chance.
    """
    head = sizes[0]
    indptr, indices, values = counts
    n_rows = csr_rows.shape[0]
    chances = np.empty(n_rows, np.float64)
    room = 0
    for row in range(n_rows):
        own = slice(indptr[csr_rows[row]], indptr[csr_rows[row] + 1])
        chances[row], most = _chance_of_one(indices[own], values[own], sizes, centres[row])
        room += most
    starts = np.zeros(n_rows + 1, np.int64)
    words, kept = np.empty(room, np.int32), np.empty(room, np.float64)
    at = 0
    for row in range(n_rows):
        place = (chance + row * _GOLDEN) % 1.0
        for k in range(indptr[csr_rows[row]], indptr[csr_rows[row] + 1]):
            weight = np.float64(values[k])
            if _is_rare(indices[k], head, centres[row]) and chances[row] * weight < 1.0:
                place += chances[row] * weight
                if place < 1.0:
                    continue
                place -= 1.0
                weight = 1.0 / chances[row]
            words[at], kept[at] = indices[k], weight
            at += 1
        starts[row + 1] = at
    return starts, words[:at], kept[:at]
