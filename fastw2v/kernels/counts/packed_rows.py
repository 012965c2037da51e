"""Sparse rows of counts in few bytes: the gap between context words and the count in two, mostly.

An entry has a number of 16 bits: the count less 1 in its lower six bits, the gap to the word before
in its upper ten. 63 and 1023 say that what is beyond is among the row's bytes, which come in the
order of the entries, the gap's before the count's: seven bits each, the lowest first, and 128 says
that another follows. The gap of neighbouring words is 0, as is that of a row's first word if it is
word 0. Codes of one byte were tried; their lengths cannot be predicted, and took most of the time.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.counts.pair_counting import Rows, Tasks
from fastw2v.kernels.simd.atomics import fetch_add

__all__ = [
    "COUNT_BITS",
    "MORE",
    "MOST_COUNT",
    "MOST_GAP",
    "PackedRows",
    "measure_rows",
    "pack_rows",
    "unpack_rows",
]

COUNT_BITS = 6
# From here on a gap, or a count less 1, goes beyond its bits of the first number.
MOST_COUNT, MOST_GAP = 2**COUNT_BITS - 1, 2 ** (16 - COUNT_BITS) - 1
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
    codes : ndarray of uint16, shape (nnz,)
    data : ndarray of uint8, shape (n,)
    """

    entry_starts: NDArray[np.int64]
    byte_starts: NDArray[np.int64]
    codes: NDArray[np.uint16]
    data: NDArray[np.uint8]


@njit(nogil=True, inline="always")
def _bytes_beyond(rest, most):  # type: ignore[no-untyped-def]
    """Return how many bytes follow for a gap, or a count less 1."""
    size = 0
    if rest >= most:
        rest -= most
        size = 1
        while rest >= MORE:
            rest >>= _BITS
            size += 1
    return size


@njit(nogil=True, inline="always")
def _write_beyond(data, at, rest, most):  # type: ignore[no-untyped-def]
    """Write what follows for a gap, or a count less 1; return the place behind."""
    if rest >= most:
        rest -= most
        while rest >= MORE:
            data[at] = np.uint8((rest & (MORE - 1)) | MORE)
            rest >>= _BITS
            at += 1
        data[at] = np.uint8(rest)
        at += 1
    return at


@njit(nogil=True, inline="always")
def _read_beyond(data, at, most):  # type: ignore[no-untyped-def]
    """Return a gap, or a count less 1, of at least `most`, and the place behind its bytes."""
    rest, shift = most, 0
    byte = np.int64(data[at])
    while byte >= MORE:
        rest += (byte & (MORE - 1)) << shift
        shift += _BITS
        at += 1
        byte = np.int64(data[at])
    return rest + (byte << shift), at + 1


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
                size += _bytes_beyond(word - following, MOST_GAP)
                size += _bytes_beyond(value - 1, MOST_COUNT)
                following = word + 1
                k += 1
            sizes[centre] = size


@kernel
def pack_rows(
    tasks: Tasks,
    row_starts: NDArray[np.int64],
    staged: Rows,
    byte_starts: NDArray[np.int64],
    codes: NDArray[np.uint16],
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
    codes : ndarray of uint16, shape (m,)
        Its entries are placed by `row_starts`.
    data : ndarray of uint8, shape (n,)
    """
    while True:
        task = fetch_add(counter, 0, 1)
        if task >= tasks.places.size:
            return
        k = tasks.places[task]
        for centre in range(tasks.cuts[task], tasks.cuts[task + 1]):
            at, following = byte_starts[centre], 0
            for entry in range(row_starts[centre], row_starts[centre + 1]):
                word: Any = np.int64(staged.indices[k])
                gap = word - following
                rest: Any = np.int64(staged.values[k]) - 1
                code = min(gap, MOST_GAP) << COUNT_BITS | min(rest, MOST_COUNT)
                codes[entry] = np.uint16(code)
                at = _write_beyond(data, at, gap, MOST_GAP)
                at = _write_beyond(data, at, rest, MOST_COUNT)
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
    codes, data = packed.codes, packed.data
    indices, values = result.indices, result.values
    while True:
        first = fetch_add(counter, 0, _ROWS_OF_TASK)
        if first >= rows.size:
            return
        for number in range(first, min(first + _ROWS_OF_TASK, rows.size)):
            at, following = packed.byte_starts[rows[number]], 0
            begin, to = packed.entry_starts[rows[number]], indptr[number]
            for k in range(packed.entry_starts[rows[number] + 1] - begin):
                code: Any = np.int64(codes[np.uint64(begin + k)])
                gap, rest = code >> COUNT_BITS, code & MOST_COUNT
                if gap == MOST_GAP:
                    gap, at = _read_beyond(data, at, MOST_GAP)
                if rest == MOST_COUNT:
                    rest, at = _read_beyond(data, at, MOST_COUNT)
                indices[np.uint64(to + k)] = following + gap
                values[np.uint64(to + k)] = rest + 1
                following += gap + 1
