"""Sparse rows of counts in few bytes: gaps between context words, and counts, mostly one byte both.

The first byte of an entry has the gap to the word before it in its upper four bits, and the count
less 1 in its lower four. 15 in a half says that what is beyond 15 follows in bytes of their own,
the gap's before the count's: seven bits each, the lowest first, and 128 says that another follows.
The gap of neighbouring words is 0, as is that of a row's first word if it is word 0.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.counts.pair_counting import Rows, Tasks
from fastw2v.kernels.simd.atomics import fetch_add

__all__ = ["HALF", "MORE", "PackedRows", "measure_rows", "pack_rows", "unpack_rows"]

HALF = 15  # from here on a gap or a count goes beyond its half of the first byte
MORE = 128  # says that another byte follows
_BITS = 7
_ROWS_OF_TASK = 16


class PackedRows(NamedTuple):
    """All rows of V words.

    Attributes
    ----------
    entry_starts : ndarray of int64, shape (V + 1,)
        How many entries there are before each row.
    byte_starts : ndarray of int64, shape (V + 1,)
        Where the bytes of each row begin.
    data : ndarray of uint8, shape (n,)
    """

    entry_starts: NDArray[np.int64]
    byte_starts: NDArray[np.int64]
    data: NDArray[np.uint8]


@njit(nogil=True, inline="always")
def _bytes_beyond(rest):  # type: ignore[no-untyped-def]
    """Return how many bytes follow the first one for a gap, or a count less 1."""
    size = 0
    if rest >= HALF:
        rest -= HALF
        size = 1
        while rest >= MORE:
            rest >>= _BITS
            size += 1
    return size


@njit(nogil=True, inline="always")
def _write_beyond(data, at, rest):  # type: ignore[no-untyped-def]
    """Write what follows the first byte for a gap, or a count less 1; return the place behind."""
    if rest >= HALF:
        rest -= HALF
        while rest >= MORE:
            data[at] = np.uint8((rest & (MORE - 1)) | MORE)
            rest >>= _BITS
            at += 1
        data[at] = np.uint8(rest)
        at += 1
    return at


@njit(nogil=True, inline="always")
def _read_beyond(data, at, half):  # type: ignore[no-untyped-def]
    """Return a gap, or a count less 1, whose half of the first byte was read; the place behind."""
    rest = half
    if half == HALF:
        shift = 0
        byte = np.int64(data[at])
        while byte >= MORE:
            rest += (byte & (MORE - 1)) << shift
            shift += _BITS
            at += 1
            byte = np.int64(data[at])
        rest += byte << shift
        at += 1
    return rest, at


@kernel
def measure_rows(
    tasks: Tasks,
    row_starts: NDArray[np.int64],
    staged: Rows,
    sizes: NDArray[np.int64],
    counter: NDArray[np.int64],
) -> None:
    """Find how many bytes each row takes.

    Parameters
    ----------
    tasks, row_starts, staged, counter
        As in `fastw2v.kernels.counts.pair_counting.copy_rows`.
    sizes : ndarray of int64, shape (C,)
        Receives the bytes of the rows of the tasks.
    """
    while True:
        task = fetch_add(counter, 0, 1)
        if task >= tasks.places.size:
            return
        k = tasks.places[task]
        for centre in range(tasks.cuts[task], tasks.cuts[task + 1]):
            size, following = 0, 0
            for _ in range(row_starts[centre + 1] - row_starts[centre]):
                word: Any = np.int64(staged.indices[k])
                value: Any = np.int64(staged.values[k])
                size += 1 + _bytes_beyond(word - following) + _bytes_beyond(value - 1)
                following = word + 1
                k += 1
            sizes[centre] = size


@kernel
def pack_rows(
    tasks: Tasks,
    row_starts: NDArray[np.int64],
    staged: Rows,
    byte_starts: NDArray[np.int64],
    data: NDArray[np.uint8],
    counter: NDArray[np.int64],
) -> None:
    """Write the rows of every task in few bytes.

    Parameters
    ----------
    tasks, row_starts, staged, counter
        As in `fastw2v.kernels.counts.pair_counting.copy_rows`.
    byte_starts : ndarray of int64, shape (C + 1,)
        Where the bytes of each row begin.
    data : ndarray of uint8, shape (n,)
    """
    while True:
        task = fetch_add(counter, 0, 1)
        if task >= tasks.places.size:
            return
        k = tasks.places[task]
        for centre in range(tasks.cuts[task], tasks.cuts[task + 1]):
            at, following = byte_starts[centre], 0
            for _ in range(row_starts[centre + 1] - row_starts[centre]):
                word: Any = np.int64(staged.indices[k])
                gap = word - following
                rest: Any = np.int64(staged.values[k]) - 1
                data[at] = np.uint8(min(gap, HALF) << 4 | min(rest, HALF))
                at = _write_beyond(data, at + 1, gap)
                at = _write_beyond(data, at, rest)
                following = word + 1
                k += 1


@kernel
def unpack_rows(
    counter: NDArray[np.int64],
    packed: PackedRows,
    rows: NDArray[np.int64],
    indptr: NDArray[np.int64],
    result: Rows,
) -> None:
    """Write rows as arrays again.

    Parameters
    ----------
    counter : ndarray of int64, shape (1,)
        The next row; shared by the workers, zero at first.
    packed : PackedRows
    rows : ndarray of int64, shape (B,)
        Which rows.
    indptr : ndarray of int64, shape (B + 1,)
        Where the entries of each go in `result`.
    result : Rows
        Receives them; its values are wide enough.
    """
    data = packed.data
    while True:
        first = fetch_add(counter, 0, _ROWS_OF_TASK)
        if first >= rows.size:
            return
        for number in range(first, min(first + _ROWS_OF_TASK, rows.size)):
            at, following = packed.byte_starts[rows[number]], 0
            for k in range(indptr[number], indptr[number + 1]):
                byte = np.int64(data[at])
                gap, at = _read_beyond(data, at + 1, byte >> 4)
                rest, at = _read_beyond(data, at, byte & HALF)
                result.indices[k] = following + gap
                result.values[k] = rest + 1
                following += gap + 1
