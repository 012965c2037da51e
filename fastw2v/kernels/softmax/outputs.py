"""Where the output vectors of a tile are: rows of the whole table, or rows that a batch lists.

An `OutputState` is the whole table, and a tile is a run of its rows. A `ColumnState` lists which
rows of the table a batch has: its columns. Their vectors are gathered tile by tile for the products
(`Operands.outputs` has room for them in the order of the columns), and updated where they are in
the table, each as if it had had a gradient of zero in the steps since it last was a column.

Functions for kernels are compiled for the kind of output that they get.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload
from numpy.typing import NDArray

from fastw2v.kernels.simd.blocks import SinglePrecision
from fastw2v.kernels.simd.memory import LINE
from fastw2v.kernels.simd.operands import operand_of, store_numbers
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, prefetch, prefetch_read, store
from fastw2v.kernels.softmax.layout import Floats
from fastw2v.kernels.softmax.operands import renew_outputs, row_pairs
from fastw2v.kernels.softmax.updates import ADAM, Rule, adam, update_block

__all__ = [
    "ColumnState",
    "fetch_outputs",
    "gather_outputs",
    "row_of",
    "update_bias_block",
    "update_outputs",
]


class ColumnState(NamedTuple):
    """The columns of a batch: which rows of the table they are, and what kernels change of those.

    Attributes
    ----------
    vectors, vector_moments
        Of the whole table, as in `fastw2v.kernels.softmax.layout.OutputState`.
    bias : (C,) float32
        Of the columns, for their scores: that of the word, and the logarithm of how many words a
        drawn column stands for.
    words : (C,) int32
        The row of each column; -1 for those that only fill up the last block.
    table_bias, table_moments
        The bias of the whole table (V,) and its moments.
    keeps : (2, C) float32
        What each column's moments are multiplied by before a gradient is added: Adam's decays over
        the steps since it last was a column.
    more : (C,) float32
        How many times the rate of a single step each takes.
    """

    vectors: Floats
    vector_moments: Floats
    bias: Floats
    words: NDArray[np.int32]
    table_bias: Floats
    table_moments: Floats
    keeps: Floats
    more: Floats


def _lists_columns(output):
    return getattr(output, "instance_class", None) is ColumnState


def _for_kernels(name):
    raise NotImplementedError(f"{name} works in compiled kernels only")


def row_of(output, word):
    """Return the row of the table that a word of the batch's tiles is."""
    _for_kernels("row_of")


@overload(row_of, inline="always")
def _row_of(output, word):
    if _lists_columns(output):
        return lambda output, word: np.int64(output.words[word])
    return lambda output, word: np.int64(word)


def gather_outputs(shape, output, first, count, operands):
    """Bring `count` columns from `first` on to where the products read them."""
    _for_kernels("gather_outputs")


@overload(gather_outputs, inline="always")
def _gather_outputs(shape, output, first, count, operands):
    if not _lists_columns(output):
        return lambda shape, output, first, count, operands: None
    if operand_of(operands[0]) is SinglePrecision:
        return _gather_single
    return _gather_rounded


# Rows of a table stand anywhere, so that no hardware fetches the next one ahead.
_GATHERED_AHEAD = 8


@njit(nogil=True, inline="always")
def _read_ahead(shape, output, column, last):
    if column < last:
        start = max(np.int64(output.words[column]), np.int64(0)) * shape.stride
        for d in range(0, shape.stride, LINE):
            prefetch_read(output.vectors, start + d)


def _gather_single(shape, output, first, count, operands):
    stride = shape.stride
    for column in range(first, first + count):
        _read_ahead(shape, output, column + _GATHERED_AHEAD, first + count)
        source, target = np.int64(output.words[column]) * stride, column * stride
        for d in range(0, stride, LANES):
            value = broadcast(np.float32(0))
            if source >= 0:
                value = load(output.vectors, source + d)
            store(operands.outputs, target + d, value)


def _gather_rounded(shape, output, first, count, operands):
    stride, pairs = shape.stride, row_pairs(shape)
    nothing = broadcast(np.float32(0))
    for column in range(first, first + count):
        _read_ahead(shape, output, column + _GATHERED_AHEAD, first + count)
        source, target = np.int64(output.words[column]) * stride, column * pairs
        for d in range(0, stride, 2 * LANES):
            one, other = nothing, nothing
            if source >= 0:
                one = load(output.vectors, source + d)
                if d + LANES < stride:
                    other = load(output.vectors, source + d + LANES)
            store_numbers(operands.outputs, target + d // 2, one, other)


@njit(nogil=True, inline="always")
def _adam_of_column(rule, column, output):
    """Return the rule with a column's own rate, and what its moments are multiplied by."""
    own = Rule(
        rule.kind,
        rule.rate * output.more[column],
        rule.decay_first,
        rule.decay_second,
        rule.unbias_first,
        rule.unbias_second,
        rule.epsilon,
    )
    return own, (output.keeps[0, column], output.keeps[1, column])


def fetch_outputs(shape, output, first, count):
    """Have what an update of `count` words from `first` on changes fetched; those of a run are."""
    _for_kernels("fetch_outputs")


@overload(fetch_outputs, inline="always")
def _fetch_outputs(shape, output, first, count):
    if _lists_columns(output):
        return _fetch_columns
    return lambda shape, output, first, count: None


def _fetch_columns(shape, output, first, count):
    moments = output.vector_moments
    for column in range(first, first + count):
        start = max(np.int64(output.words[column]), np.int64(0)) * shape.stride
        for d in range(0, shape.stride, LINE):
            prefetch(output.vectors, start + d)
            for i in range(moments.shape[0]):
                prefetch(moments[i], start + d)


def update_outputs(shape, output, first, count, gradient, rule, operands):
    """Update `count` words from `first` on by a gradient of as many rows."""
    _for_kernels("update_outputs")


@overload(update_outputs, inline="always")
def _update_outputs(shape, output, first, count, gradient, rule, operands):
    if _lists_columns(output):
        return _update_columns
    return _update_run


def _update_run(shape, output, first, count, gradient, rule, operands):
    at, size = first * shape.stride, count * shape.stride
    update_block(output.vectors, output.vector_moments, at, gradient, 0, size, rule)
    renew_outputs(shape, output.vectors, first, count, operands)


def _update_columns(shape, output, first, count, gradient, rule, operands):
    stride, moments = shape.stride, output.vector_moments
    if rule.kind != ADAM:
        for k in range(count):
            row = np.int64(output.words[first + k])
            if row >= 0:
                update_block(
                    output.vectors, moments, row * stride, gradient, k * stride, stride, rule
                )
        return
    # Views of the moments once, not for each row: they take as long as a row's own numbers.
    means, squares = moments[0], moments[1]
    for k in range(count):
        row = np.int64(output.words[first + k])
        if row >= 0:
            own, keeps = _adam_of_column(rule, first + k, output)
            at = row * stride
            adam(output.vectors, means, squares, at, gradient, k * stride, stride, own, keeps)


def update_bias_block(output, first, count, gradient, rule):
    """Update the biases of `count` words; they need not fill whole vectors."""
    _for_kernels("update_bias_block")


@overload(update_bias_block, inline="always")
def _update_bias_block(output, first, count, gradient, rule):
    if _lists_columns(output):
        return _update_column_biases
    return _update_run_biases


def _update_run_biases(output, first, count, gradient, rule):
    padded = (count + LANES - 1) // LANES * LANES
    bias, moments = output.bias, output.bias_moments
    values = np.zeros(padded, np.float32)
    kept = np.zeros((moments.shape[0], padded), np.float32)
    # Number by number here and elsewhere: between slices Numba compiles the message of a mismatch,
    # which takes it 2 s.
    for k in range(count):
        values[k] = bias[first + k]
        for i in range(moments.shape[0]):
            kept[i, k] = moments[i, first + k]
    update_block(values, kept, np.int64(0), gradient, 0, padded, rule)
    for k in range(count):
        bias[first + k] = values[k]
        for i in range(moments.shape[0]):
            moments[i, first + k] = kept[i, k]


def _update_column_biases(output, first, count, gradient, rule):
    bias, moments = output.table_bias, output.table_moments
    values = np.zeros(LANES, np.float32)
    alone = np.zeros(LANES, np.float32)
    kept = np.zeros((moments.shape[0], LANES), np.float32)
    for k in range(count):
        column = first + k
        row = np.int64(output.words[column])
        if row < 0:
            continue
        values[0], alone[0] = bias[row], gradient[k]
        for i in range(moments.shape[0]):
            kept[i, 0] = moments[i, row]
        if rule.kind == ADAM:
            own, keeps = _adam_of_column(rule, column, output)
            adam(values, kept[0], kept[1], np.int64(0), alone, 0, LANES, own, keeps)
        else:
            update_block(values, kept, np.int64(0), alone, 0, LANES, rule)
        bias[row] = values[0]
        for i in range(moments.shape[0]):
            moments[i, row] = kept[i, 0]
