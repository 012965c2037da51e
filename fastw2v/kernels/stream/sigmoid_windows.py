"""One step on a window: its inputs meet its outputs, tile by tile, and the loss is added up.

`fastw2v.kernels.stream.sigmoid_tiles` has the formulas and the inner loops.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.memory import aligned_zeros
from fastw2v.kernels.simd.vectors import LANES, load, logarithm, store
from fastw2v.kernels.stream.sigmoid_tiles import (
    TILE,
    Tile,
    Window,
    score_tile,
    update_outputs,
    update_rows,
)

__all__ = [
    "Meeting",
    "RowShape",
    "add_steps",
    "clear_losses",
    "fold_losses",
    "new_window",
    "reserve_factors",
    "score_outputs",
    "train_window",
]

# How many factors of at least 1/2 a running product may have: float32 holds 2^-126.
_MOST_FACTORS = 120
_GROUPS = -(-2 * TILE // LANES)  # factors that a pair of inputs adds at most
_SCORED_AT_ONCE = 64  # inputs; their factors must not exceed what a product may have


class RowShape(NamedTuple):
    """How long rows are: `vectors` that hold dimensions, and elements in those.

    `vectors` is a number, or a tuple with so many zeros: then code is compiled for this number
    alone, without loops along rows.
    """

    vectors: object
    length: int


class Meeting(NamedTuple):
    """How many inputs meet how many outputs, at which rate; where the outputs' signs begin."""

    n_inputs: int
    n_outputs: int
    rate: float
    first_sign: int


@kernel
def clear_losses(window):
    """Begin anew: no loss so far."""
    window.losses[:LANES] = 0
    window.losses[LANES:] = 1
    window.total[0] = 0
    window.factors[0] = 0


@kernel
def fold_losses(window):
    """Add the running sums and products to the total, in float64.

    log(1 + e^t) = max(t, 0) - log max(sigma(t), 1 - sigma(t)). The first terms are summed lane by
    lane; of the second ones only the products of the maxima, each at least 1/2, are kept, so that
    one logarithm serves up to `_MOST_FACTORS` of them.
    """
    logarithms = logarithm(load(window.losses, LANES))
    store(window.losses, 2 * LANES, load(window.losses, 0) - logarithms)
    for lane in range(LANES):
        window.total[0] += window.losses[2 * LANES + lane]
        window.losses[lane] = 0
        window.losses[LANES + lane] = 1
    window.factors[0] = 0


@njit(nogil=True, inline="always")
def reserve_factors(window, factors):
    """Make sure that the running products have room for so many more factors."""
    if window.factors[0] + factors > _MOST_FACTORS:
        fold_losses(window)
    window.factors[0] += factors


@kernel
def new_window(n_inputs, n_outputs, length, signs):
    """Return work space for at most so many inputs and outputs, of rows of `length` elements."""
    window = Window(
        np.zeros(n_inputs + 1, np.int64),
        np.zeros(n_outputs + 4, np.int64),
        signs,
        aligned_zeros(max((n_inputs + 2) * (TILE + LANES), n_outputs + LANES)),
        aligned_zeros(n_inputs * length),
        aligned_zeros(3 * LANES),
        np.zeros(1, np.float64),
        np.zeros(1, np.int64),
    )
    clear_losses(window)
    return window


@njit(nogil=True, inline="always")
def add_steps(tables, window, n_inputs, shape):
    """Add the collected steps to the input rows."""
    for i in range(n_inputs):
        for d in range(0, shape.length, LANES):
            at = window.in_at[i] + d
            step = load(window.gradients, i * shape.length + d)
            store(tables.in_rows, at, load(tables.in_rows, at) + step)


@njit(nogil=True, inline="always")
def score_outputs(tables, window, meeting, first, size, shape):
    """Errors and loss of a tile of outputs with all inputs."""
    for i in range(0, meeting.n_inputs, _SCORED_AT_ONCE):
        n_scored = min(_SCORED_AT_ONCE, meeting.n_inputs - i)
        factors = (n_scored + 1) // 2 * _GROUPS
        reserve_factors(window, factors)
        sign = meeting.first_sign
        tile = Tile(meeting.n_inputs, first, shape.vectors, meeting.rate, i, n_scored, sign)
        score_tile(tables, window, tile, size)


@njit(nogil=True, inline="always")
def train_window(tables, window, meeting, shape):
    """Take one step on the loss of a window's inputs with its outputs.

    All scores are those of the rows before the step, whatever the number of outputs.

    Parameters
    ----------
    tables : Tables
        Updated.
    window : Window
        Who meets whom.
    meeting : Meeting
    shape : RowShape
    """
    n_inputs, n_outputs = meeting.n_inputs, meeting.n_outputs
    direct = n_outputs <= TILE
    if not direct:
        for i in range(n_inputs * shape.length):
            window.gradients[i] = 0
    first = 0
    tiles = (n_outputs + TILE - 1) // TILE
    while tiles > 0:
        size = (n_outputs - first + tiles - 1) // tiles
        score_outputs(tables, window, meeting, first, size, shape)
        tile = Tile(n_inputs, first, shape.vectors, meeting.rate, 0, 0, 0)
        if direct:
            update_rows(tables, window, tile, size)
        else:
            update_outputs(tables, window, tile, size)
        first += size
        tiles -= 1
    if not direct:
        add_steps(tables, window, n_inputs, shape)
