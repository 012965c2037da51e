"""One epoch over a running text: skip-gram or CBOW, by negative sampling or hierarchical softmax.

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

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.random_numbers import advance, below, scramble, seed_state
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.memory import LINE
from fastw2v.kernels.simd.vectors import prefetch, prefetch_read
from fastw2v.kernels.stream.context_means import Scales, train_mean
from fastw2v.kernels.stream.frequent_rows import merge_copies
from fastw2v.kernels.stream.locked_rows import borrow_row, new_loans, return_rows
from fastw2v.kernels.stream.noise import draw
from fastw2v.kernels.stream.row_means import (
    fetch_rows,
    new_slots,
    place_of_input,
    return_gain,
    take_mean,
)
from fastw2v.kernels.stream.sigmoid_windows import (
    Meeting,
    fold_losses,
    new_window,
    train_window,
)
from fastw2v.kernels.text.token_blocks import KeptTokens, gather_block

__all__ = [
    "BAD_IDS",
    "CBOW_MEAN",
    "CBOW_SUM",
    "KEPT",
    "LOSS",
    "PAIRS",
    "SKIPGRAM",
    "SKIPGRAM_BY_PAIRS",
    "TOTALS",
    "Inputs",
    "Layout",
    "Outputs",
    "Span",
    "train_blocks",
]

SKIPGRAM, SKIPGRAM_BY_PAIRS, CBOW_SUM, CBOW_MEAN = range(4)
LOSS, PAIRS, KEPT, BAD_IDS = range(4)
TOTALS = 8  # one cache line for each worker

# A path is found one window ahead of its use. What it is found in is asked for as many windows
# ahead; otherwise the search waits for memory, and the rows come late.
_PATHS_AHEAD = 4
# The rows of a mean are asked for so many tokens before it is taken.
_MEANS_AHEAD = 3
_KEEP, _DRAW = 11, 12  # purposes that random numbers are for


class Outputs(NamedTuple):
    """What a word is predicted by.

    With negative sampling: the word's own row and those of words drawn from the alias table of
    `thresholds` (uint32, V) and `aliases` (int32, V). `negatives` is a tuple with a zero for each
    of these, so that code is compiled for their number. With hierarchical softmax it is empty,
    and the word is predicted by the inner nodes on its path, ``rows[starts[w] : starts[w + 1]]``
    (int32). `signs` (float32) is -1 for a row that should say yes and +1 for others: of the one
    word and its negatives, or of all paths one after the other, with room behind the last for a
    vector. `longest` is the most rows of any word. `locked` (uint8) says which words keep their
    rows as they are, and is empty if none do; with hierarchical softmax none can.
    """

    negatives: object
    longest: int
    thresholds: object
    aliases: object
    starts: object
    rows: object
    signs: object
    locked: object


class Inputs(NamedTuple):
    """What predicts.

    `window` is the largest distance of a context, and `shrinks` says whether windows draw their
    reach evenly from 1 to it, or all have it. No sentence lets a window reach further than
    `farthest`, for which there is room. `kind` is one of `SKIPGRAM`, `SKIPGRAM_BY_PAIRS`
    (which draws new negatives for every pair), `CBOW_SUM`, `CBOW_MEAN`; with CBOW, `divides_step`
    says whether what contexts move by is divided by their number. `locks` (float32) is what part
    of its steps each word takes as an input, or empty if all take all. `means` (`RowMeans`) says
    which rows an input is the mean of; words that have locks have none.
    """

    window: int
    farthest: int
    kind: int
    shrinks: bool
    divides_step: bool
    locks: object
    means: object


class Layout(NamedTuple):
    """How parameters lie.

    `stride` is the number of elements from row to row and `shape` how many of them hold
    dimensions; of the first `copied` rows each worker has a copy, of inputs only where they are no
    means; at `scratch` the workers have `scratch_rows` rows each in the table of inputs: one, and
    with locks one for each context, with means one for each slot. At `out_scratch` they have one
    for each output of a window, where outputs are locked.
    """

    stride: int
    shape: object
    copied: int
    scratch: int
    scratch_rows: int
    out_scratch: int


class Span(NamedTuple):
    """Which part of the run: seed, number of the epoch, blocks, and how the rate falls.

    `rate` is that of the first token of the epoch, `rate_step` what each token takes off it.
    """

    seed: int
    number: int
    end_block: int
    block_tokens: int
    rate: float
    rate_step: float


@kernel
def _new_kept(room):
    return KeptTokens(
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
    )


@njit(nogil=True, inline="always")
def _row_at(row, layout, shift):
    """Return where a row begins: one of the first ones in the worker's own copy."""
    return row * layout.stride + (shift if row < layout.copied else 0)


@njit(nogil=True, inline="always")
def _fetch_row(rows, at, stride):
    for element in range(0, stride, LINE):
        prefetch(rows, at + element)


@njit(nogil=True, inline="always")
def _draw_negatives(outputs, layout, shift, state, out_at):
    for k in range(len(outputs.negatives)):
        state = advance(state)
        word = np.int64(draw(outputs.thresholds, outputs.aliases, scramble(state)))
        out_at[1 + k] = _row_at(word, layout, shift)
    return state


@kernel
def _lend_outputs(outputs, layout, copies, out_rows, scratch, homes, out_at):
    """Let locked rows be trained in copies, which nobody brings back.

    Parameters
    ----------
    scratch : int
        Where the worker's copies begin.
    homes : int64 array
        Where each output's row begins; written, but for outputs that are at their copies already.
    out_at : int64 array
        Where each output's row is trained: at its place, or at a fresh copy.
    """
    for k in range(len(outputs.negatives) + 1):
        copy = scratch + k * layout.stride
        if out_at[k] != copy:
            homes[k] = out_at[k]
        at = homes[k]
        row = at // layout.stride
        if at >= copies.out_first:  # in a worker's copy of the first rows
            row = (at - copies.out_first) % copies.out_size // layout.stride
        if outputs.locked[row]:
            for d in range(layout.stride):
                out_rows[copy + d] = out_rows[at + d]
            out_at[k] = copy


@njit(nogil=True, inline="always")
def _find_path(outputs, word, layout, shift, out_rows, out_at):
    """Write where the rows of a word's path begin, root first; return how many there are.

    The rows are asked for at once.
    """
    start = outputs.starts[word]
    n_nodes = outputs.starts[word + 1] - start
    for k in range(n_nodes):
        out_at[k] = _row_at(np.int64(outputs.rows[start + k]), layout, shift)
        _fetch_row(out_rows, out_at[k], layout.stride)
    return n_nodes


@njit(nogil=True, inline="always")
def _fetch_path(outputs, word):
    """Ask for what `_find_path` will read, and for the signs, of up to two cache lines each."""
    start = outputs.starts[word]
    for node in range(0, 2 * LINE, LINE):
        prefetch_read(outputs.rows, start + node)
        prefetch_read(outputs.signs, start + node)


@kernel
def train_blocks(tasks, worker, text, tables, outputs, inputs, model, span):
    """Train on blocks of a text until the counter has passed the last one.

    Parameters
    ----------
    tasks : int64 array (1,)
        The number of the next block, common to all workers.
    worker : int
    text : fastw2v.kernels.text.token_blocks.SubsampledText
    tables : fastw2v.kernels.stream.sigmoid_tiles.Tables
        Updated. The length of a row is a multiple of `LINE`.
    outputs : Outputs
    inputs : Inputs
    model : (Layout, Copies, float64 array (workers, TOTALS))
        The last one gets sums of the epoch, a column each: `LOSS` in nats, `PAIRS` (inputs times
        predicted words), `KEPT` tokens, and `BAD_IDS`, how many blocks had an id without a word.
    span : Span
    """
    layout, copies, totals = model
    shape, stride, window_size = layout.shape, layout.stride, inputs.farthest
    in_rows, out_rows = tables.in_rows, tables.out_rows
    in_shift = copies.in_first + worker * copies.in_size
    out_shift = copies.out_first + worker * copies.out_size
    is_cbow = inputs.kind >= CBOW_SUM
    first_context = 0 if inputs.kind == SKIPGRAM else 1  # behind the one that meets the outputs
    scratch = layout.scratch + worker * layout.scratch_rows * stride
    is_locked = inputs.locks.shape[0] > 0
    loans = new_loans(2 * window_size if is_locked else 0)
    means = inputs.means
    has_means = len(means.given) > 0
    slots = new_slots(scratch + stride, layout.scratch_rows - 1 if has_means else 0, stride)
    kept = _new_kept(span.block_tokens + 2 * window_size)
    window = new_window(2 * window_size + 1, outputs.longest, shape.length, outputs.signs)
    following = np.zeros(outputs.longest + 1, np.int64)
    n_following = len(outputs.negatives) + 1
    is_negative = len(outputs.negatives) > 0
    has_locked = is_negative and outputs.locked.shape[0] > 0
    out_scratch = layout.out_scratch + worker * outputs.longest * stride
    homes = np.zeros(outputs.longest, np.int64)
    key = seed_state(span.seed, _KEEP, span.number)
    n_tokens = text.ids.shape[0]
    while True:
        block = fetch_add(tasks, 0, 1)
        if block >= span.end_block:
            break
        start = block * span.block_tokens
        end = min(n_tokens, start + span.block_tokens)
        low, high = gather_block(text, key, start, end, window_size, kept)
        if low < 0:
            totals[worker, BAD_IDS] += 1
            break
        rate = np.float32(span.rate - start * span.rate_step)
        state = seed_state(span.seed, _DRAW, span.number, block)
        n_pairs = 0
        # Tokens have come into reach up to `entered`, and are out of it up to `left`.
        entered = left = max(low - window_size, 0)
        n_kept = np.int64(kept.end[high - 1]) if has_means and high > low else 0
        for i in range(low - 1, high):
            # While a window is computed, the rows of the next one are on their way.
            n_outputs = len(outputs.negatives) + 1 if is_negative else n_following
            for j in range(outputs.longest):  # all, so that the length is always the same
                window.out_at[j] = following[j]
            if i + 1 < high:
                word = np.int64(kept.words[i + 1])
                if is_negative:
                    following[0] = _row_at(word, layout, out_shift)
                    state = _draw_negatives(outputs, layout, out_shift, state, following)
                    for j in range(n_outputs):
                        _fetch_row(out_rows, following[j], stride)
                else:
                    n_following = _find_path(outputs, word, layout, out_shift, out_rows, following)
                    if i + _PATHS_AHEAD < high:
                        _fetch_path(outputs, kept.words[i + _PATHS_AHEAD])
                if has_means:
                    if i + window_size + _MEANS_AHEAD < n_kept:
                        word = np.int64(kept.words[i + window_size + _MEANS_AHEAD])
                        fetch_rows(in_rows, means, word, stride)
                elif i + 1 + window_size < high:
                    word = np.int64(kept.words[i + 1 + window_size])
                    _fetch_row(in_rows, _row_at(word, layout, in_shift), stride)
            if i < low:
                continue
            if has_means:
                while left < i - window_size:
                    word = np.int64(kept.words[left])
                    return_gain(in_rows, means, slots, word, left, layout)
                    left += 1
                while entered < min(i + window_size + 1, n_kept):
                    word = np.int64(kept.words[entered])
                    take_mean(in_rows, means, slots, word, entered, layout)
                    entered += 1
            if kept.held_out[i]:
                continue
            reach = window_size
            if inputs.shrinks:
                state = advance(state)
                reach = min(1 + below(scramble(state), inputs.window), window_size)
            n_contexts = 0
            for j in range(max(i - reach, kept.first[i]), min(i + reach + 1, kept.end[i])):
                word = np.int64(kept.words[j])
                if has_means:
                    at = place_of_input(means, slots, word, j, stride)
                else:
                    at = _row_at(word, layout, in_shift)
                if is_locked and j != i:
                    factor = inputs.locks[kept.words[j]]
                    at = borrow_row(
                        in_rows, at, factor, loans, n_contexts, scratch + stride, stride
                    )
                window.in_at[first_context + n_contexts] = at
                n_contexts += np.int64(j != i)
            if n_contexts == 0:
                continue
            first_sign = 0 if is_negative else outputs.starts[kept.words[i]]
            rounds, together = n_contexts, 1
            if inputs.kind == SKIPGRAM:
                rounds, together = 1, n_contexts
            elif is_cbow:
                rounds = 1
                share = np.float32(1) / np.float32(n_contexts)
                scales = Scales(
                    share if inputs.kind == CBOW_MEAN else np.float32(1),
                    share if inputs.divides_step else np.float32(1),
                )
                window.in_at[0] = scratch
                if has_locked:
                    _lend_outputs(
                        outputs, layout, copies, out_rows, out_scratch, homes, window.out_at
                    )
                meeting = Meeting(n_contexts, n_outputs, rate, first_sign)
                train_mean(tables, window, meeting, scales, shape)
            for turn in range(0 if is_cbow else rounds):
                if inputs.kind == SKIPGRAM_BY_PAIRS:
                    window.in_at[0] = window.in_at[1 + turn]
                    if turn:
                        state = _draw_negatives(outputs, layout, out_shift, state, window.out_at)
                if has_locked:
                    _lend_outputs(
                        outputs, layout, copies, out_rows, out_scratch, homes, window.out_at
                    )
                train_window(tables, window, Meeting(together, n_outputs, rate, first_sign), shape)
            if is_locked:
                return_rows(in_rows, loans, n_contexts, scratch + stride, stride)
            n_pairs += rounds * together
        while left < entered:
            return_gain(in_rows, means, slots, np.int64(kept.words[left]), left, layout)
            left += 1
        fold_losses(window)
        totals[worker, LOSS] += window.total[0]
        totals[worker, PAIRS] += n_pairs
        totals[worker, KEPT] += high - low
        window.total[0] = 0
        merge_copies(tables, copies, worker)
