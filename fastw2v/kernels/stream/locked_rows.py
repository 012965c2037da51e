"""Rows that take only a part of their steps, or none: word vectors under lock.

A window trains copies of its locked rows. What a copy has gained goes back times the row's factor;
nothing is ever written to a row whose factor is 0, so that it stays bit by bit, whatever other
workers do meanwhile.
"""

from typing import NamedTuple

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, store

__all__ = ["Loans", "borrow_row", "new_loans", "return_rows"]


class Loans(NamedTuple):
    """The rows that a window trains copies of.

    Attributes
    ----------
    homes : int64 array
        Where the row of each context begins; -1 if it is not locked, or an earlier context of the
        window is the same word.
    factors : float32 array
        What part of its steps each takes.
    """

    homes: object
    factors: object


@kernel
def new_loans(n_contexts):
    """Return room for so many contexts."""
    return Loans(np.empty(n_contexts, np.int64), np.empty(n_contexts, np.float32))


@kernel
def borrow_row(rows, at, factor, loans, n_before, copies, stride):
    """Return where to train a context's row: at its place, or at a copy if it is locked.

    Parameters
    ----------
    rows : float32 array
        The table of inputs.
    at : int
        Where the row begins.
    factor : float32
        What part of its steps it takes.
    loans : Loans
        Of the window's earlier contexts; this one is added.
    n_before : int
        How many these are.
    copies : int
        Where the copy of the first context begins; the others' follow.
    stride : int
        From row to row.
    """
    loans.homes[n_before] = -1
    if factor == 1:
        return at
    for other in range(n_before):
        if loans.homes[other] == at:
            return copies + other * stride
    loans.homes[n_before] = at
    loans.factors[n_before] = factor
    copy = copies + n_before * stride
    for k in range(stride):
        rows[copy + k] = rows[at + k]
    return copy


@kernel
def return_rows(rows, loans, n_contexts, copies, stride):
    """Add to locked rows what their copies have gained, times their factors."""
    for context in range(n_contexts):
        at, factor = loans.homes[context], loans.factors[context]
        if at < 0 or factor == 0:
            continue
        copy = copies + context * stride
        for d in range(0, stride, LANES):
            row = load(rows, at + d)
            gained = load(rows, copy + d) - row
            store(rows, at + d, row + broadcast(factor) * gained)
