"""Kernels of the spectral start: associations of counts, and products with tall matrices.

Tall matrices have one row per word, `width` float32 columns (a multiple of `PANEL`), and a number
of rows that is a multiple of `ROWS`. Tasks are fixed runs of rows, so sums do not depend on the
number of workers.
"""

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL, ROWS
from fastw2v.kernels.simd.operands import block
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, store

__all__ = ["RUN", "associations", "gram_parts", "sparse_product", "tall_product"]

RUN = 240  # rows of a task: whole blocks for any CPU


@kernel
def associations(tasks, counts, masses, scales, out):
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
    masses : (V,) float64
        Sums of the counts as weighed; ``counts`` times keep_c keep_o has these row sums, and the
        first element of `scales` belongs to keep.
    scales : tuple of keep (V,) float64 and scale (V,) float64
    out : (nnz,) float32
    """
    first_word, indptr, indices, values = counts
    keep, scale = scales
    total = masses.sum()
    n_rows = indptr.shape[0] - 1
    while True:
        first = fetch_add(tasks, 0, 1) * RUN
        if first >= n_rows:
            return
        for r in range(first, min(first + RUN, n_rows)):
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
            at = c * width
            out[at : at + width] = 0
            first_entry, end = indptr[c], indptr[c + 1]
            in_fours = end - (end - first_entry) % 4
            for k in range(first_entry, in_fours, 4):
                w0, w1 = broadcast(values[k]), broadcast(values[k + 1])
                w2, w3 = broadcast(values[k + 2]), broadcast(values[k + 3])
                s0, s1 = indices[k] * width, indices[k + 1] * width
                s2, s3 = indices[k + 2] * width, indices[k + 3] * width
                for d in range(0, width, LANES):
                    total = load(out, at + d) + w0 * load(tall, s0 + d) + w1 * load(tall, s1 + d)
                    total = total + w2 * load(tall, s2 + d) + w3 * load(tall, s3 + d)
                    store(out, at + d, total)
            for k in range(in_fours, end):
                weight, source = broadcast(values[k]), indices[k] * width
                for d in range(0, width, LANES):
                    store(out, at + d, load(out, at + d) + weight * load(tall, source + d))


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
