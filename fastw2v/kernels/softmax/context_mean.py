"""CBOW's input, the mean or sum of the contexts' vectors, and its gradient's way back.

    h_r = s_r sum_k v_k,    s_r = 1 / C_r (mean) or 1 (sum)
    dv_w = sum over the rows r that w stands in, as often as it does, of s_r dh_r

A word is updated once a batch, by the sum over its rows in their order, so that results do not
depend on the number of workers.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, store
from fastw2v.kernels.softmax.centre_rows import rule_of_visit
from fastw2v.kernels.softmax.updates import update_block

__all__ = ["combine_contexts", "context_gradients", "update_contexts"]

_WORDS_OF_TASK = 16


@njit(nogil=True, inline="always")
def _scale(windows, row, mean):
    size = windows.starts[row + 1] - windows.starts[row]
    return np.float32(1) / np.float32(size) if mean else np.float32(1)


@kernel
def combine_contexts(tasks, windows, mean, source, stride, target):
    """Write h of every row to `target`.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    windows : ContextRows
        Of R rows.
    mean : bool
        The mean of the contexts' vectors; else their sum.
    source : (V * stride,) float32
        The words' input vectors.
    stride : int
        Numbers of a row.
    target : (at least R * stride,) float32
        Written.
    """
    n_rows = windows.words.shape[0]
    while True:
        panel = fetch_add(tasks, 0, PANEL)
        if panel >= n_rows:
            return
        for row in range(panel, min(panel + PANEL, n_rows)):
            at = row * stride
            scale = broadcast(_scale(windows, row, mean))
            first, end = windows.starts[row], windows.starts[row + 1]
            for d in range(0, stride, LANES):
                total = broadcast(np.float32(0))
                for k in range(first, end):
                    total = total + load(source, windows.contexts[k] * stride + d)
                store(target, at + d, scale * total)


@kernel
def context_gradients(tasks, sizes, windows, mean, gradients):
    """Turn dh_r of every row into s_r dh_r: what each of its contexts receives.

    Parameters
    ----------
    tasks, windows, mean
        As in `combine_contexts`.
    sizes : (int, int)
        Numbers of a row, and how many of them are dimensions.
    gradients : (at least R * stride,) float32
        The gradients of the input rows, which are changed in place.
    """
    stride, dimensions = sizes
    n_rows = windows.words.shape[0]
    while True:
        first = fetch_add(tasks, 0, PANEL)
        if first >= n_rows:
            return
        for row in range(first, min(first + PANEL, n_rows)):
            scale = _scale(windows, row, mean)
            for d in range(row * stride, row * stride + dimensions):
                gradients[d] = scale * gradients[d]


@kernel
def update_contexts(tasks, stride, word_rows, gradients, state, rule):
    """Update every distinct context word of a batch once, by the sum over its rows.

    Parameters
    ----------
    tasks, stride
        As in `combine_contexts`.
    word_rows : WordRows
    gradients : (rows * stride,) float32
        Of `context_gradients`; zero beyond D.
    state : CentreState
        Input vectors; updated.
    rule : Rule
        Its `unbias_second` is replaced by that of each word's own number of updates.
    """
    gradient = np.zeros(stride, np.float32)
    n_words = word_rows.words.shape[0]
    while True:
        first = fetch_add(tasks, 0, _WORDS_OF_TASK)
        if first >= n_words:
            return
        for m in range(first, min(first + _WORDS_OF_TASK, n_words)):
            word = word_rows.words[m]
            for d in range(0, stride, LANES):
                total = broadcast(np.float32(0))
                for k in range(word_rows.starts[m], word_rows.starts[m + 1]):
                    total = total + load(gradients, word_rows.rows[k] * stride + d)
                store(gradient, d, total)
            state.visits[word] += 1
            word_rule = rule_of_visit(rule, state.visits[word])
            update_block(
                state.vectors, state.moments, word * stride, gradient, 0, stride, word_rule
            )
