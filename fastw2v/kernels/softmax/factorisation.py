"""Kernels of the spectral start: associations of counts, and products with tall matrices.

Tall matrices have one row per word, `width` float32 columns (a multiple of `PANEL`), and a number
of rows that is a multiple of `ROWS`. Tasks are fixed runs of rows, so sums do not depend on the
number of workers.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL, ROWS
from fastw2v.kernels.simd.operands import block
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, store

__all__ = [
    "ROWS_OF_TASK",
    "RUN",
    "add_row",
    "association_product",
    "associations",
    "gram_parts",
    "sparse_product",
    "tall_product",
]

RUN = 240  # rows of a task: whole blocks for any CPU
ROWS_OF_TASK = 8  # of a product with counts, whose first rows have very many entries


@njit(nogil=True, inline="always")
def add_row(target, tall, width, indices, shift, values, entries):
    """Write the sum of value * row of `tall` over the entries (from, to) to the target row.

    The row of entry k is ``indices[k - shift]``.
    """
    out, at = target
    out[at : at + width] = 0
    first_entry, end = entries
    in_fours = end - (end - first_entry) % 4
    for k in range(first_entry, in_fours, 4):
        w0, w1 = broadcast(values[k]), broadcast(values[k + 1])
        w2, w3 = broadcast(values[k + 2]), broadcast(values[k + 3])
        i = k - shift
        s0, s1 = indices[i] * width, indices[i + 1] * width
        s2, s3 = indices[i + 2] * width, indices[i + 3] * width
        for d in range(0, width, LANES):
            total = load(out, at + d) + w0 * load(tall, s0 + d) + w1 * load(tall, s1 + d)
            total = total + w2 * load(tall, s2 + d) + w3 * load(tall, s3 + d)
            store(out, at + d, total)
    for k in range(in_fours, end):
        weight, source = broadcast(values[k]), indices[k - shift] * width
        for d in range(0, width, LANES):
            store(out, at + d, load(out, at + d) + weight * load(tall, source + d))


@kernel
def associations(tasks, counts, weights, out):
    """Write the weighted positive associations of words, entry by entry.

    For an entry n(c, o), with masses m and their sum S, the value is
    max(log(n(c, o) S / (m_c m_o)), 0) * scale_c * scale_o: positive pointwise mutual information,
    weighed.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter, set to zero by the caller.
    counts : tuple of first, indptr (R + 1,), indices (nnz,), values (nnz,)
        R rows, that of the word `first` the first of them.
    weights : tuple of S, masses, keep, scale; S a float64, the others (V,) float64
        ``counts`` times keep_c keep_o has the row sums `masses`.
    out : (nnz,) float32
    """
    first_word, indptr, indices, values = counts
    total, masses, keep, scale = weights
    n_rows = indptr.shape[0] - 1
    while True:
        first = fetch_add(tasks, 0, ROWS_OF_TASK)
        if first >= n_rows:
            return
        for r in range(first, min(first + ROWS_OF_TASK, n_rows)):
            c = first_word + r
            if masses[c] <= 0:
                continue
            row = keep[c] * total / masses[c]
            for k in range(indptr[r], indptr[r + 1]):
                o = indices[k]
                ratio = values[k] * row * keep[o] / masses[o]
                value = np.log(ratio) if ratio > 1 else 0.0
                out[k] = value * scale[c] * scale[o]


@kernel
def association_product(tasks, rows, positive, tall, out, width):
    """Write positive associations @ tall to `out`, (R * width,) float32.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter, set to zero by the caller.
    rows : tuple of indptr (R + 1,) int64, indices (nnz,) int32
        The contexts of R words.
    positive : tuple of starts (R + 1,) int64, values (n,) float32, bits (nnz / 8,) uint8
        Those associations that are not 0, row by row, and a bit for each context that says
        whether it has one, the lowest first.
    tall : (V * width,) float32
    """
    indptr, indices = rows
    starts, values, bits = positive
    n_rows = indptr.shape[0] - 1
    longest = 0
    for r in range(n_rows):
        longest = max(longest, indptr[r + 1] - indptr[r])
    words = np.empty(longest + 1, np.int32)
    while True:
        first = fetch_add(tasks, 0, ROWS_OF_TASK)
        if first >= n_rows:
            return
        for r in range(first, min(first + ROWS_OF_TASK, n_rows)):
            count = 0
            for k in range(indptr[r], indptr[r + 1]):
                words[count] = indices[k]
                count += (bits[k >> 3] >> (k & 7)) & 1
            entries = (starts[r], starts[r + 1])
            add_row((out, r * width), tall, width, words, starts[r], values, entries)


@kernel
def sparse_product(tasks, matrix, tall, out, width):
    """Write matrix @ tall to `out`, both flat (rows * width,) float32.

    `matrix` is a tuple of indptr (V + 1,), indices (nnz,) int32, values (nnz,) float32.
    """
    indptr, indices, values = matrix
    n_words = indptr.shape[0] - 1
    while True:
        first = fetch_add(tasks, 0, 1) * RUN
        if first >= n_words:
            return
        for c in range(first, min(first + RUN, n_words)):
            entries = (indptr[c], indptr[c + 1])
            add_row((out, c * width), tall, width, indices, 0, values, entries)


@kernel
def gram_parts(tasks, left, right, out, shape):
    """Write left^T @ right of each run of rows to ``out[run]`` (width * width,).

    `shape` is (rows, width); rows beyond the words are zero.
    """
    rows, width = shape
    while True:
        run = fetch_add(tasks, 0, 1)
        if run >= out.shape[0]:
            return
        first = run * RUN
        count = min(RUN, rows - first)
        steps = (1, count, width, 1, 0, width, 0, width)
        for i in range(0, width - width % ROWS, ROWS):
            for j in range(0, width, PANEL):
                place = (out[run], i * width + j)
                block(place, (left, first * width + i), (right, first * width + j), steps)
        for i in range(width - width % ROWS, width):
            for j in range(width):
                total = np.float32(0)
                for k in range(first, first + count):
                    total += left[k * width + i] * right[k * width + j]
                out[run, i * width + j] = total


@kernel
def tall_product(tasks, tall, square, out, shape):
    """Write tall @ square to `out`; `square` is (width, width) as a flat array."""
    rows, width = shape
    steps = (1, width, width, width, 0, 1, 0, width)
    while True:
        first = fetch_add(tasks, 0, 1) * RUN
        if first >= rows:
            return
        for word in range(first, min(first + RUN, rows), ROWS):
            for j in range(0, width, PANEL):
                block((out, word * width + j), (tall, word * width), (square, j), steps)
