"""Which words a batch's softmax is computed over: frequent ones, seen ones, and some drawn.

The first words, the most frequent ones, are columns of every batch. So is each rarer word that one
of the batch's rows was seen with. Of the rest some are drawn, and each of these stands for others:
the sum of their exponentials, each as often as it stands for one, is that of the rest in
expectation.

The draw is systematic. With whole weights g_w, G their sum over the rest, and S words to draw, the
numbers (k G + offset) // S for k = 0, ..., S - 1 each fall to the word whose share of 0, ..., G - 1
they are in. Over all G offsets the word w is hit S g_w times, so with every offset as likely as any
other it is hit S g_w / G times on average, and counts G / (S g_w) for each hit.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.bits import lowest_bit

__all__ = ["choose_columns", "count_visits"]

_BITS = 64


@njit(nogil=True, inline="always")
def _mark(bits, word):
    bits[word // _BITS] |= np.uint64(1) << np.uint64(word % _BITS)


@kernel
def _seen_words(csr_rows, counts, wanted, head, bits):
    """Return the words from `head` on that rows have as contexts, and `wanted` ones, ascending."""
    indptr, indices, _ = counts
    for row in range(csr_rows.shape[0]):
        for k in range(indptr[csr_rows[row]], indptr[csr_rows[row] + 1]):
            if indices[k] >= head:
                _mark(bits, indices[k])
    for k in range(wanted.shape[0]):
        if wanted[k] >= head:
            _mark(bits, wanted[k])
    total = 0
    for part in range(head // _BITS, bits.shape[0]):
        left = bits[part]
        while left != np.uint64(0):
            left &= left - np.uint64(1)
            total += 1
    seen = np.empty(total, np.int32)
    at = 0
    for part in range(head // _BITS, bits.shape[0]):
        left = bits[part]
        bits[part] = np.uint64(0)
        while left != np.uint64(0):
            seen[at] = part * _BITS + lowest_bit(left)
            left &= left - np.uint64(1)
            at += 1
    return seen


@kernel
def _word_at(cumulative, first, last, number):
    """Return the word from `first` to before `last` whose share of the weights a number is in."""
    while last - first > 1:
        middle = (first + last) // 2
        if cumulative[middle] <= number:
            first = middle
        else:
            last = middle
    return first


@kernel
def _with_drawn(seen, cumulative, head, draws, offset, words, logs):
    """Write the columns beyond the head, and how many words each stands for; return their number.

    `words` and `logs` have room for `head` columns, the seen ones and the draws.
    """
    n_words = cumulative.shape[0] - 1
    of_seen = np.int64(0)
    for k in range(seen.shape[0]):
        of_seen += cumulative[seen[k] + 1] - cumulative[seen[k]]
    rest = cumulative[n_words] - cumulative[head] - of_seen
    n_rest = n_words - head - seen.shape[0]
    at, k = head, 0
    passed = cumulative[head]  # of weights that lie before the gap and are not of the rest
    following = head
    takes_all = draws >= n_rest
    for i in range(seen.shape[0] + 1):
        stop = seen[i] if i < seen.shape[0] else n_words
        if takes_all:
            for word in range(following, stop):
                words[at], logs[at] = word, 0
                at += 1
        else:
            end = cumulative[stop] - passed
            while k < draws and (k * rest + offset) // draws < end:
                number = (k * rest + offset) // draws + passed
                word = _word_at(cumulative, following, stop, number)
                upper = cumulative[word + 1] - passed
                hits = 0
                while k < draws and (k * rest + offset) // draws < upper:
                    hits += 1
                    k += 1
                share = np.float64(draws) * np.float64(cumulative[word + 1] - cumulative[word])
                words[at] = word
                logs[at] = np.log(hits * (np.float64(rest) / share))
                at += 1
        if i < seen.shape[0]:
            words[at], logs[at] = stop, 0
            at += 1
            passed += cumulative[stop + 1] - cumulative[stop]
            following = stop + 1
    return at


@kernel
def choose_columns(csr_rows, counts, wanted, cumulative, sizes, chance, bits, places):
    """Choose the columns of a batch; number its contexts by them.

    Parameters
    ----------
    csr_rows : (B,) int64
        The batch's rows within `counts`.
    counts : tuple of indptr (R + 1,) int64, indices (nnz,) int32, values (nnz,) integer
        Columns ascending within a row.
    wanted : (W,) int32
        Words that are columns whether they were seen or not.
    cumulative : (V + 1,) int64
        0 and the running sums of the words' weights in a draw, each at least 1; their sum times the
        draws is below 2^63.
    sizes : (int, int)
        How many of the first words are columns of every batch, and how many of the rest to draw.
    chance : float
        From 0 to below 1: which of the possible offsets the draw has.
    bits : (at least V / 64,) uint64
        Zeros, and so again afterwards.
    places : (V,) int32
        Scratch memory.

    Returns
    -------
    words : (C,) int32
        The columns, ascending.
    logs : (C,) float32
        The logarithm of how many words each stands for.
    indptr : (B + 1,) int64
    indices : (E,) int32
        The columns that the contexts of the rows are, row by row.
    values : (E,)
        Their counts.
    """
    head, draws = sizes
    indptr, indices, values = counts
    seen = _seen_words(csr_rows, counts, wanted, head, bits)
    n_words = cumulative.shape[0] - 1
    rest = cumulative[n_words] - cumulative[head]
    for k in range(seen.shape[0]):
        rest -= cumulative[seen[k] + 1] - cumulative[seen[k]]
    offset = min(np.int64(chance * rest), max(rest - 1, 0))
    n_rest = n_words - head - seen.shape[0]
    room = head + seen.shape[0] + min(draws, n_rest)
    words, logs = np.empty(room, np.int32), np.zeros(room, np.float32)
    for word in range(head):
        words[word] = word
    n_columns = _with_drawn(seen, cumulative, head, draws, offset, words, logs)
    for column in range(n_columns):
        places[words[column]] = column
    n_rows = csr_rows.shape[0]
    starts = np.zeros(n_rows + 1, np.int64)
    for row in range(n_rows):
        starts[row + 1] = starts[row] + indptr[csr_rows[row] + 1] - indptr[csr_rows[row]]
    columns = np.empty(starts[n_rows], np.int32)
    kept = np.empty(starts[n_rows], values.dtype)
    for row in range(n_rows):
        at = starts[row]
        for k in range(indptr[csr_rows[row]], indptr[csr_rows[row] + 1]):
            columns[at] = places[indices[k]]
            kept[at] = values[k]
            at += 1
    return words[:n_columns], logs[:n_columns], starts, columns, kept


@kernel
def count_visits(words, visits, latest, step, decays, limits):
    """Count that words are columns of a step; return what that means for their update by Adam.

    Had a word had gradients of zero in the steps in which it was no column, Adam would have made
    its moments smaller in these, and gone on to move its vector, in the k-th step after a gradient
    by rho^k of what the first step moved it by, rho = beta1 / sqrt(beta2). What it would so move
    until the word is a column again, after as many steps as on average so far, it moves at once.

    Parameters
    ----------
    words : (C,) int32
    visits, latest : (V,) int32
        How often each word was a column, and in which step last; 0 for none. Written.
    step : int
        The number of this step, from 1 on.
    decays : (2, T) float32
        beta1^t and beta2^t; the last ones hold for all that follow.
    limits : (T,) float32
        1 + rho + ... + rho^(t - 1); likewise.

    Returns
    -------
    keeps : (2, C) float32
        beta1^t and beta2^t for the t steps since each word last was a column.
    more : (C,) float32
        How many times a single step it moves.
    """
    n_words, last = words.shape[0], limits.shape[0] - 1
    keeps, more = np.empty((2, n_words), np.float32), np.empty(n_words, np.float32)
    for k in range(n_words):
        word = words[k]
        visits[word] += 1
        since = min(step - latest[word], last)
        latest[word] = step
        keeps[0, k], keeps[1, k] = decays[0, since], decays[1, since]
        more[k] = limits[min((step + visits[word] // 2) // visits[word], last)]
    return keeps, more
