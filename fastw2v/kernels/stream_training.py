"""One pass over a running text: skip-gram or CBOW, by negative sampling or hierarchical softmax.

The words around a position are the inputs, the word at the position is what is predicted, as in
word2vec.c. Skip-gram, p(context | centre), is usually written the other way round; windows are
symmetric, so over a text both are the same pairs (docs/objectives.md). Taken this way, all inputs
of a window meet one set of outputs, which is fetched once.

Workers take blocks of the text from a shared counter and update common tables without locks
(Hogwild, Niu et al. 2011, arXiv:1106.5730). All random choices of a block come from its own
generator, so with one worker results are the same, bit by bit, in every run.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from fastw2v.kernels.atomics import fetch_add
from fastw2v.kernels.noise import draw
from fastw2v.kernels.random_numbers import advance, below, scramble, seed_state
from fastw2v.kernels.sigmoid_tiles import (
    TILE,
    Meeting,
    Window,
    clear_losses,
    fold_losses,
    train_window,
)
from fastw2v.kernels.simd import LANES, broadcast, load, prefetch, store
from fastw2v.kernels.token_blocks import KeptTokens, gather_block

LINE = 16  # float32 in a cache line, which the length of a row is a multiple of
LOSS, PAIRS, KEPT, BAD_ID = range(4)  # columns of `totals`
TOTALS = 8  # columns in all: one cache line for each worker

_KEEP, _DRAW = 11, 12  # purposes that random numbers are for


class Outputs(NamedTuple):
    """What a word is predicted by.

    With negative sampling (`negative` > 0): the word itself and `negative` draws from the alias
    table of `thresholds` (uint32, V) and `aliases` (int32, V). With hierarchical softmax
    (`negative` 0): the inner nodes on its path, ``points[starts[w] : starts[w + 1]]`` (int32),
    with `codes` (uint8).
    """

    negative: int
    shared: int
    thresholds: object
    aliases: object
    starts: object
    points: object
    codes: object


class Inputs(NamedTuple):
    """What predicts: each context alone (`cbow` 0), or their sum or mean at once.

    `window` is the largest distance of a context.
    """

    window: int
    cbow: int
    mean: int


class Layout(NamedTuple):
    """How parameters lie: elements from row to row, vectors of a row that hold dimensions,
    rows of the tables, and how many of the first ones every worker has a copy of.
    """

    stride: int
    shape: object
    in_rows: int
    out_rows: int
    copied: int


class Span(NamedTuple):
    """Which part of the run: seed, number of the pass, blocks, and how the rate falls.

    `rate` is that of the first token of the pass, `rate_step` what each token takes off it.
    """

    seed: int
    number: int
    end_block: int
    block_tokens: int
    rate: float
    rate_step: float


@njit(cache=True, nogil=True)
def _aligned_zeros(size):
    """Return zeros (float32) that begin with a cache line."""
    room = np.zeros(size + LINE, np.float32)
    first = -(room.ctypes.data >> 2) & (LINE - 1)
    return room[first : first + size]


@njit(cache=True, nogil=True)
def _new_window(n_inputs, n_outputs, stride):
    signs = np.ones(n_outputs + 2 * LANES, np.float32)
    signs[0] = -1
    window = Window(
        np.zeros(n_inputs + 1, np.int64),
        np.zeros(n_outputs, np.int64),
        signs,
        _aligned_zeros((n_inputs + 2) * (TILE + LANES)),
        _aligned_zeros(n_inputs * stride),
        _aligned_zeros(3 * LANES),
        np.zeros(1, np.float64),
        np.zeros(1, np.int64),
    )
    clear_losses(window)
    return window


@njit(cache=True, nogil=True, inline="always")
def _fetch_row(rows, at, stride):
    for element in range(0, stride, LINE):
        prefetch(rows, at + element)


@njit(cache=True, nogil=True, inline="always")
def _row_at(row, layout, shift):
    """Return where a row begins: one of the first ones in the worker's own copy."""
    return row * layout.stride + (shift if row < layout.copied else 0)


@njit(cache=True, nogil=True, inline="always")
def _draw_negatives(outputs, layout, shift, state, out_at):
    for k in range(outputs.negative):
        state = advance(state)
        word = np.int64(draw(outputs.thresholds, outputs.aliases, scramble(state)))
        out_at[1 + k] = _row_at(word, layout, shift)
    return state


@njit(cache=True, nogil=True)
def train_blocks(tasks, worker, text, tables, outputs, inputs, layout, span, totals):
    """Train on blocks of the text until the counter passes the last one."""
    stride, window_size = layout.stride, inputs.window
    in_shift = (layout.in_rows + worker * layout.copied) * stride
    out_shift = (layout.out_rows + worker * layout.copied) * stride
    n_tokens = text.ids.shape[0]
    room = span.block_tokens + 2 * window_size
    kept = KeptTokens(np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32))
    window = _new_window(2 * window_size, outputs.negative + 1, stride)
    following = np.zeros(outputs.negative + 1, np.int64)
    key = seed_state(span.seed, _KEEP, span.number)
    in_rows, out_rows = tables.in_rows, tables.out_rows
    n_outputs = outputs.negative + 1
    while True:
        block = fetch_add(tasks, 0, 1)
        if block >= span.end_block:
            break
        begin = block * span.block_tokens
        end = min(n_tokens, begin + span.block_tokens)
        low, high = gather_block(text, key, begin, end, window_size, kept)
        if low < 0:
            totals[worker, BAD_ID] += 1
            break
        rate = np.float32(span.rate - begin * span.rate_step)
        state = seed_state(span.seed, _DRAW, span.number, block)
        n_pairs = 0
        for i in range(low - 1, high):
            ahead = i + 1
            for j in range(n_outputs):
                window.out_at[j] = following[j]
            if ahead < high:
                following[0] = _row_at(np.int64(kept.words[ahead]), layout, out_shift)
                state = _draw_negatives(outputs, layout, out_shift, state, following)
                for j in range(n_outputs):
                    _fetch_row(out_rows, following[j], stride)
                if ahead + window_size < high:
                    word = np.int64(kept.words[ahead + window_size])
                    _fetch_row(in_rows, _row_at(word, layout, in_shift), stride)
            if i < low:
                continue
            state = advance(state)
            reach = 1 + below(scramble(state), window_size)
            n_inputs = 0
            for j in range(max(i - reach, kept.first[i]), min(i + reach + 1, kept.end[i])):
                window.in_at[n_inputs] = _row_at(np.int64(kept.words[j]), layout, in_shift)
                n_inputs += np.int64(j != i)
            if n_inputs:
                train_window(tables, window, Meeting(n_inputs, n_outputs, rate, 0), layout.shape)
            n_pairs += n_inputs
        fold_losses(window)
        totals[worker, PAIRS] += n_pairs
        totals[worker, KEPT] += high - low
        totals[worker, LOSS] += window.total[0]
        window.total[0] = 0
        if layout.copied:
            pass
