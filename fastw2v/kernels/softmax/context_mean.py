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
from fastw2v.kernels.softmax.centre_rows import add_groups, rule_of_visit
from fastw2v.kernels.softmax.updates import update_block

__all__ = ["combine_contexts", "context_gradients", "update_contexts"]

_WORDS_OF_TASK = 16


@njit(nogil=True, inline="always")
def _scale(windows, row, mean):
    size = windows.starts[row + 1] - windows.starts[row]
    return np.float32(1) / np.float32(size) if mean else np.float32(1)


@kernel
def combine_contexts(tasks, shape, windows, mean, source, batch):
    """Write h of every row into both layouts of the batch.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    shape : Shape
    windows : ContextRows
        Of R rows, at most ``shape.rows``; what is beyond them is set to zero.
    mean : bool
        The mean of the contexts' vectors; else their sum.
    source : (V * stride,) float32
        The words' input vectors.
    batch : BatchArrays
        `vectors` and `packed` are written.
    """
    stride = shape.stride
    n_rows = windows.words.shape[0]
    while True:
        panel = fetch_add(tasks, 0, 1)
        if panel >= shape.rows // PANEL:
            return
        for row in range(panel * PANEL, (panel + 1) * PANEL):
            at = row * stride
            batch.vectors[at : at + stride] = 0
            if row < n_rows:
                scale = broadcast(_scale(windows, row, mean))
                first, end = windows.starts[row], windows.starts[row + 1]
                for d in range(0, stride, LANES):
                    total = broadcast(np.float32(0))
                    for k in range(first, end):
                        total = total + load(source, windows.contexts[k] * stride + d)
                    store(batch.vectors, at + d, scale * total)
            packed_at = panel * shape.dimensions * PANEL + row - panel * PANEL
            for d in range(shape.dimensions):
                batch.packed[packed_at + d * PANEL] = batch.vectors[at + d]


@kernel
def context_gradients(tasks, shape, work, windows, mean, gradients):
    """Write s_r dh_r of every row: what each of its contexts receives.

    Parameters
    ----------
    tasks, shape, windows, mean
        As in `combine_contexts`.
    work : Workspace
        After the backward sweep; its parts of the gradient are added up in place.
    gradients : (rows * stride,) float32
        Written.
    """
    dimensions = shape.block_dimensions
    while True:
        panel = fetch_add(tasks, 0, 1)
        if panel >= shape.rows // PANEL:
            return
        add_groups(shape, work, panel)
        total = work.centre_gradients[0]
        start = panel * dimensions * PANEL
        for row in range(panel * PANEL, min((panel + 1) * PANEL, windows.words.shape[0])):
            scale = _scale(windows, row, mean)
            lane = start + row - panel * PANEL
            for d in range(shape.dimensions):
                gradients[row * shape.stride + d] = scale * total[lane + d * PANEL]


@kernel
def update_contexts(tasks, shape, word_rows, gradients, state, rule):
    """Update every distinct context word of a batch once, by the sum over its rows.

    Parameters
    ----------
    tasks, shape
        As in `combine_contexts`.
    word_rows : WordRows
    gradients : (rows * stride,) float32
        Of `context_gradients`; zero beyond D.
    state : CentreState
        Input vectors; updated.
    rule : Rule
        Its `unbias_second` is replaced by that of each word's own number of updates.
    """
    stride = shape.stride
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
