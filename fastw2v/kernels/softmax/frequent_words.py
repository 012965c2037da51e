"""Kernels of the spectral start of large vocabularies: associations with frequent words alone.

Words are numbered by falling frequency and contexts ascend within a row, so that those with the
first words are the beginning of each row. `counts` and `weights` are those of
`fastw2v.kernels.softmax.factorisation.associations`, `n_frequent` says how many words are frequent.
Each row is one task's, so that sums do not depend on the number of workers.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.softmax.factorisation import ROWS_OF_TASK, add_row

__all__ = ["count_associations", "frequent_associations", "frequent_product"]


@njit(nogil=True, inline="always")
def _row_factor(weights, c):
    """Return what counts of a row are multiplied by, 0 for a word without contexts."""
    total, masses, keep, _ = weights
    return keep[c] * total / masses[c] if masses[c] > 0 else 0.0


@kernel
def count_associations(tasks, counts, weights, n_frequent, out):
    """Write to `out` (R,) how many associations above 0 with frequent words each row has.

    Only frequent words have rows there: `out` may be shorter than the part.
    """
    first_word, indptr, indices, values = counts
    _, masses, keep, _ = weights
    n_rows = out.shape[0]
    while True:
        first = fetch_add(tasks, 0, ROWS_OF_TASK)
        if first >= n_rows:
            return
        for r in range(first, min(first + ROWS_OF_TASK, n_rows)):
            row = _row_factor(weights, first_word + r)
            found = 0
            for k in range(indptr[r], indptr[r + 1]):
                o = indices[k]
                if o >= n_frequent:
                    break
                found += values[k] * row * keep[o] / masses[o] > 1
            out[r] = found


@kernel
def frequent_associations(tasks, counts, weights, n_frequent, out):
    """Write associations above 0 of frequent words with one another to a matrix of sparse rows.

    `out` is a tuple of starts (n_frequent + 1,) int64, which are known, words int32 and values
    float32.
    """
    first_word, indptr, _, _ = counts
    starts, words, values = out
    n_rows = min(indptr.shape[0] - 1, n_frequent - first_word)
    while True:
        first = fetch_add(tasks, 0, ROWS_OF_TASK)
        if first >= n_rows:
            return
        for r in range(first, min(first + ROWS_OF_TASK, n_rows)):
            _write_row(counts, weights, n_frequent, r, words, values, starts[first_word + r])


@kernel
def frequent_product(tasks, counts, weights, n_frequent, tall, out, width):
    """Write associations above 0 with frequent words @ tall to `out`, (R * width,) float32.

    `tall` is (n_frequent * width,) float32, or longer.
    """
    _, indptr, _, _ = counts
    n_rows = indptr.shape[0] - 1
    words = np.empty(n_frequent, np.int32)
    values = np.empty(n_frequent, np.float32)
    while True:
        first = fetch_add(tasks, 0, ROWS_OF_TASK)
        if first >= n_rows:
            return
        for r in range(first, min(first + ROWS_OF_TASK, n_rows)):
            found = _write_row(counts, weights, n_frequent, r, words, values, 0)
            add_row((out, r * width), tall, width, words, 0, values, (0, found))


@njit(nogil=True)
def _write_row(counts, weights, n_frequent, r, words, associations, at):
    """Write a row's associations above 0 from a place on; return where they end."""
    first_word, indptr, indices, values = counts
    _, masses, keep, scale = weights
    c = first_word + r
    row = _row_factor(weights, c)
    for k in range(indptr[r], indptr[r + 1]):
        o = indices[k]
        if o >= n_frequent:
            break
        ratio = values[k] * row * keep[o] / masses[o]
        if ratio > 1:
            words[at] = o
            associations[at] = np.log(ratio) * scale[c] * scale[o]
            at += 1
    return at
