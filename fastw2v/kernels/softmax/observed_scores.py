"""Scores of the words that were observed with each input row, and nothing else."""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.functions import log_sigmoid_scalar
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, store

__all__ = [
    "cbow_rows",
    "longest_sentence",
    "observed_leaves",
    "observed_scores",
    "tree_children",
    "window_words",
]

_ROWS_OF_TASK = 64


@njit(nogil=True, inline="always")
def _dot(inputs, row, outputs, word, lanes):
    total = broadcast(np.float32(0))
    input_at, output_at = row * inputs.stride, word * outputs.stride
    for d in range(0, inputs.stride, LANES):
        total = total + load(inputs.rows, input_at + d) * load(outputs.rows, output_at + d)
    store(lanes, 0, total)
    result = 0.0
    for lane in range(LANES):
        result += np.float64(lanes[lane])
    return result


@kernel
def observed_scores(tasks, inputs, outputs, contexts, scores):
    """Write u_o . h_r for every observed word o of every row r.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    inputs, outputs : PaddedVectors
        R rows h and V rows u, of the same stride.
    contexts : SparseRows
        R rows of words below V.
    scores : (entries,) float64
        Written, in the order of the entries.
    """
    lanes = np.empty(LANES, np.float32)
    while True:
        first = fetch_add(tasks, 0, _ROWS_OF_TASK)
        if first >= inputs.n_rows:
            return
        for row in range(first, min(first + _ROWS_OF_TASK, inputs.n_rows)):
            for entry in range(contexts.indptr[row], contexts.indptr[row + 1]):
                scores[entry] = _dot(inputs, row, outputs, contexts.indices[entry], lanes)


@kernel
def observed_leaves(tasks, inputs, nodes, tree, contexts, logs):
    """Write log q(o | h_r) of the hierarchical softmax for every observed word o of every row r.

    Parameters
    ----------
    tasks, inputs, contexts
        As in `observed_scores`.
    nodes : PaddedVectors
        The inner nodes' vectors.
    tree : HuffmanTree
    logs : (entries,) float64
        Written, in the order of the entries.
    """
    lanes = np.empty(LANES, np.float32)
    while True:
        first = fetch_add(tasks, 0, _ROWS_OF_TASK)
        if first >= inputs.n_rows:
            return
        for row in range(first, min(first + _ROWS_OF_TASK, inputs.n_rows)):
            for entry in range(contexts.indptr[row], contexts.indptr[row + 1]):
                word = contexts.indices[entry]
                log = 0.0
                for place in range(tree.starts[word], tree.starts[word + 1]):
                    score = _dot(inputs, row, nodes, tree.points[place], lanes)
                    log += log_sigmoid_scalar(score if tree.codes[place] == 0 else -score)
                logs[entry] = log


@kernel
def tree_children(starts, points, codes):
    """Return the two children of every inner node, int32 (V - 1, 2); leaf w is written ``~w``."""
    n_words = starts.shape[0] - 1
    children = np.zeros((n_words - 1, 2), np.int32)
    for word in range(n_words):
        last = starts[word + 1] - 1
        for place in range(starts[word], last + 1):
            child = ~word if place == last else points[place + 1]
            children[points[place], codes[place]] = child
    return children


@kernel
def longest_sentence(starts):
    """Return the length of the longest sentence, given where sentences start (n + 1,)."""
    longest = 0
    for sentence in range(starts.shape[0] - 1):
        longest = max(longest, starts[sentence + 1] - starts[sentence])
    return longest


@kernel
def cbow_rows(ids, starts, positions, sentences, vectors, reaches, mean, inputs, words):
    """Write the inputs of CBOW for words of running text, for some reaches of the window.

    Parameters
    ----------
    ids : (n_tokens,) int32
    starts : (n_sentences + 1,) int64
    positions : (P,) int64
        Which tokens to predict.
    sentences : (P,) int64
        The sentence of each.
    vectors : (V, D) float32
    reaches : (P, 2) int64
        The least and the largest reach of each.
    mean : bool
        The mean of the contexts' vectors; else their sum.
    inputs : (rows, D) float32
        Written: for each token that has contexts, the inputs for its reaches.
    words : (rows,) int32
        Written: the word to predict from each.

    Returns
    -------
    n_rows : int
        How many rows were written; a token that stands alone in its sentence has none.
    """
    dimensions = vectors.shape[1]
    total = np.empty(dimensions, np.float64)
    n_rows = 0
    for k in range(positions.shape[0]):
        place = positions[k]
        first, end = starts[sentences[k]], starts[sentences[k] + 1]
        if end - first < 2:
            continue
        total[:] = 0
        n_contexts = 0
        least, largest = reaches[k]
        for reach in range(1, largest + 1):
            for neighbour in (place - reach, place + reach):
                if first <= neighbour < end:
                    n_contexts += 1
                    for d in range(dimensions):
                        total[d] += np.float64(vectors[ids[neighbour], d])
            if reach < least:
                continue
            scale = 1.0 / n_contexts if mean else 1.0
            for d in range(dimensions):
                inputs[n_rows, d] = total[d] * scale
            words[n_rows] = ids[place]
            n_rows += 1
    return n_rows


@kernel
def window_words(ids, starts, positions, sentences, reaches, row_starts, words):
    """Write the different words within each window of `cbow_rows`, and return how many rows.

    Parameters
    ----------
    ids, starts, positions, sentences, reaches
        As in `cbow_rows`.
    row_starts : (rows + 1,) int64
        Written: where the words of each row begin.
    words : int32
        Written: at least two for each step of each row's reach.
    """
    row_starts[0] = 0
    n_rows = 0
    for k in range(positions.shape[0]):
        place = positions[k]
        first, end = starts[sentences[k]], starts[sentences[k] + 1]
        if end - first < 2:
            continue
        least, largest = reaches[k]
        begin, count = row_starts[n_rows], 0
        for reach in range(1, largest + 1):
            if reach > least:  # a row of its own, which begins as the one before
                for entry in range(count):
                    words[begin + count + entry] = words[begin + entry]
                begin += count
            for neighbour in (place - reach, place + reach):
                if first <= neighbour < end:
                    is_new = True
                    for entry in range(begin, begin + count):
                        is_new = is_new and words[entry] != ids[neighbour]
                    if is_new:
                        words[begin + count] = ids[neighbour]
                        count += 1
            if reach >= least:
                n_rows += 1
                row_starts[n_rows] = begin + count
    return n_rows
