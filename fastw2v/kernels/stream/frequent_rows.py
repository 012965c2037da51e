"""Copies of the most frequent rows, one for each worker.

A few hundred words make up most of a text. If all workers write the same rows, their cache lines
travel from core to core at every step. So each worker trains a copy of the first rows of a table
and brings its changes home now and then: what the copy has gained since the last time is added to
the common row, and the copy goes on from there. Nothing is lost; others see it a little later.
"""

from typing import NamedTuple

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import exchange
from fastw2v.kernels.simd.vectors import LANES, load, store

__all__ = ["Copies", "begin_copies", "merge_copies"]


class Copies(NamedTuple):
    """Where the copies are.

    Attributes
    ----------
    in_size, out_size : int
        Elements of a worker's copy of either table, a multiple of `LANES`; 0 if workers have none.
    in_first, out_first : int
        Where the first worker's copy begins in the tables; the others' follow.
    in_marks, out_marks : float32 arrays (workers, at least its size)
        The copies as they were when they last came home.
    lock : int64 array (1,)
        0, or 1 while a worker is bringing changes home.
    """

    in_size: int
    out_size: int
    in_first: int
    out_first: int
    in_marks: object
    out_marks: object
    lock: object


@kernel
def _bring_home(rows, first, marks, size):
    """Add the changes of a copy to the first rows of the table; renew copy and marks."""
    for at in range(0, size, LANES):
        copy = load(rows, first + at)
        # So that what has not changed stays bit by bit, as -0.0 + (x - x) does not.
        shared = load(rows, at) - (load(marks, at) - copy)
        store(rows, at, shared)
        store(rows, first + at, shared)
        store(marks, at, shared)


@kernel
def begin_copies(tables, copies, worker):
    """Make a worker's copies equal to the common rows."""
    for rows, first, marks, size in (
        (tables.in_rows, copies.in_first, copies.in_marks, copies.in_size),
        (tables.out_rows, copies.out_first, copies.out_marks, copies.out_size),
    ):
        start = first + worker * size
        for k in range(size):
            rows[start + k] = rows[k]
            marks[worker, k] = rows[k]


@kernel
def merge_copies(tables, copies, worker):
    """Bring a worker's changes home, unless another worker is just doing so.

    Returns
    -------
    bool
        Whether it was done. If not, the changes stay in the copy until the next time.
    """
    in_size, out_size = copies.in_size, copies.out_size
    if in_size == 0 and out_size == 0:
        return True
    if exchange(copies.lock, 0, np.int64(1)) != 0:
        return False
    in_first, out_first = copies.in_first + worker * in_size, copies.out_first + worker * out_size
    _bring_home(tables.in_rows, in_first, copies.in_marks[worker], in_size)
    _bring_home(tables.out_rows, out_first, copies.out_marks[worker], out_size)
    exchange(copies.lock, 0, np.int64(0))
    return True
