"""Sums and entropies over sparse counts, in float64, accurate to nearly the last bit.

Sums are compensated: the rounding error of every addition is itself computed exactly and
added up beside the sum (Knuth's two-sum; Ogita, Rump and Oishi, "Accurate sum and dot
product", 2005, algorithm Sum2). The result is as good as if twice the precision had been used,
costs little, and has one fixed order.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel

__all__ = [
    "VALID",
    "add_column_sums",
    "add_exactly",
    "add_weighted_column_sums",
    "find_bad_row",
    "integer_row_sums",
    "own_counts",
    "row_entropies",
    "total_in_halves",
    "weighted_row_sums",
]

VALID = -1


@kernel
def add_exactly(x: float, y: float) -> tuple[float, float]:
    """Return x + y rounded, and the rounding error, which is a float64 exactly."""
    total = x + y
    y_part = total - x
    return total, (x - (total - y_part)) + (y - y_part)


@kernel
def find_bad_row(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[Any],
    n_words: int,
) -> int:
    """Return the first row that is not well formed, or `VALID`.

    In a well-formed row the indices ascend strictly within [0, V) and every value is positive.

    Parameters
    ----------
    indptr : ndarray of int64, shape (R + 1,)
        From 0 to nnz, never falling.
    indices : ndarray of int32, shape (nnz,)
    values : ndarray of int32 or int64, shape (nnz,)
    n_words : int
        V.
    """
    for c in range(indptr.size - 1):
        before = -1
        for k in range(indptr[c], indptr[c + 1]):
            if indices[k] <= before or values[k] <= 0:
                return c
            before = indices[k]
        if before >= n_words:
            return c
    return VALID


@kernel
def total_in_halves(values: NDArray[Any]) -> tuple[int, int]:
    """Return sums of ``values >> 32`` and ``values & (2**32 - 1)``, which cannot overflow.

    The total is ``(high << 32) + low`` in integers without a limit.
    """
    high, low = 0, 0
    for k in range(values.size):
        value: Any = np.int64(values[k])
        high += value >> 32
        low += value & 0xFFFFFFFF
    return high, low


@kernel
def integer_row_sums(indptr: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.float64]:
    """Return sum_o n(c, o) for every row c, added up in int64."""
    sums = np.empty(indptr.size - 1, np.float64)
    for c in range(sums.size):
        total = 0
        for k in range(indptr[c], indptr[c + 1]):
            total += values[k]
        sums[c] = total
    return sums


@kernel
def weighted_row_sums(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[Any],
    context_weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return sum_o n(c, o) weight(o) for every row c, as float64 (V,)."""
    sums = np.empty(indptr.size - 1, np.float64)
    for c in range(sums.size):
        total, rest = 0.0, 0.0
        for k in range(indptr[c], indptr[c + 1]):
            total, error = add_exactly(total, values[k] * context_weights[indices[k]])
            rest += error
        sums[c] = total + rest
    return sums


@kernel
def add_column_sums(
    indices: NDArray[np.int32], values: NDArray[Any], totals: NDArray[np.int64]
) -> None:
    """Add sum_c n(c, o) over these entries to the total of every column o."""
    for k in range(indices.size):
        totals[np.uint32(indices[k])] += values[k]


@kernel
def add_weighted_column_sums(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[Any],
    centre_weights: NDArray[np.float64],
    totals: NDArray[np.float64],
    rests: NDArray[np.float64],
) -> None:
    """Add sum_c n(c, o) weight(c) over these R rows to totals (V,), its error to rests (V,).

    Rows that come one after the other give the same bits in one call or in several.
    """
    for c in range(indptr.size - 1):
        for k in range(indptr[c], indptr[c + 1]):
            o = np.uint32(indices[k])
            totals[o], error = add_exactly(totals[o], values[k] * centre_weights[c])
            rests[o] += error


@kernel
def own_counts(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], values: NDArray[Any], first: int
) -> NDArray[np.float64]:
    """Return how often each centre word is its own context, float64 (R,).

    `first` is the word of the first row; the indices of a row ascend.
    """
    found = np.zeros(indptr.size - 1)
    for row in range(found.size):
        low, high = indptr[row], indptr[row + 1]
        while low < high:
            middle = (low + high) // 2
            if indices[middle] < first + row:
                low = middle + 1
            else:
                high = middle
        if low < indptr[row + 1] and indices[low] == first + row:
            found[row] = values[low]
    return found


@kernel
def row_entropies(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[Any],
    context_weights: NDArray[np.float64],
    row_sums: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return -sum_o p log p of every row c, p = n(c, o) weight(o) / row_sums(c), in nats.

    Parameters
    ----------
    indptr, indices, values : the counts
    context_weights : ndarray of float64, shape (V,)
    row_sums : ndarray of float64, shape (V,)
        Of `weighted_row_sums`. A row whose sum is 0 has the entropy 0 here.

    Returns
    -------
    ndarray of float64, shape (V,)
        Every term is positive, so nothing cancels.
    """
    entropies = np.zeros(row_sums.size, np.float64)
    for c in range(row_sums.size):
        if row_sums[c] == 0.0:
            continue
        total, rest = 0.0, 0.0
        for k in range(indptr[c], indptr[c + 1]):
            p = values[k] * context_weights[indices[k]] / row_sums[c]
            if p > 0.0:
                total, error = add_exactly(total, -p * math.log(p))
                rest += error
        entropies[c] = total + rest
    return entropies
