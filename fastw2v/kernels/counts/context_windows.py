"""Windows of CBOW: for positions of running text, the words around each that predict its word.

Whether subsampling keeps a token, and how far its window reaches, are functions of the epoch's
keys and the position alone, so that it does not matter in which order, in which batch or by whom
a position is looked at. Windows reach over tokens that are not kept, never over the end of a
sentence. A kept token that is the only one of its sentence has no contexts and makes no row.

An epoch takes the text in runs of consecutive positions, in any order of the runs.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.random_numbers import below, is_kept, seed_state
from fastw2v.kernels.text.held_out import first_held_out, is_held_out
from fastw2v.kernels.text.sentences import find_sentence

__all__ = [
    "ContextRows",
    "EpochText",
    "WordRows",
    "count_windows",
    "epoch_keys",
    "group_by_word",
    "one_entry_a_row",
    "take_windows",
]

_KEEP, _REACH = 41, 42  # purposes of the seed


class EpochText(NamedTuple):
    """A text as one epoch sees it.

    `ids` uint32 (n_tokens,), `sentence_starts` int64, `keep` uint32 (V,) the thresholds of
    `random_numbers.subsample_thresholds`, `keep_key` and `reach_key` uint64 (`epoch_keys`),
    `held_out` int64, ascending: positions that make no row, and are contexts all the same.
    """

    ids: NDArray[np.uint32]
    sentence_starts: NDArray[np.int64]
    keep: NDArray[np.uint32]
    keep_key: np.uint64
    reach_key: np.uint64
    held_out: NDArray[np.int64]


class ContextRows(NamedTuple):
    """Rows of CBOW: the words at R positions and the contexts of each.

    Attributes
    ----------
    words : ndarray of int32, shape (R,)
        What is predicted.
    starts : ndarray of int64, shape (R + 1,)
        The contexts of row r are those from ``starts[r]`` to ``starts[r + 1]``, at least one.
    contexts : ndarray of int32, shape (C,)
        The words before the position, the nearest first, then those behind it. A word may stand
        there more than once.
    """

    words: NDArray[np.int32]
    starts: NDArray[np.int64]
    contexts: NDArray[np.int32]


class WordRows(NamedTuple):
    """The same contexts, word by word.

    Attributes
    ----------
    words : ndarray of int32, shape (M,)
        The distinct context words of the batch, ascending.
    starts : ndarray of int64, shape (M + 1,)
    rows : ndarray of int32, shape (C,)
        The rows that word m stands in, ascending: from ``starts[m]`` to ``starts[m + 1]``.
    """

    words: NDArray[np.int32]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]


@kernel
def epoch_keys(seed, number):
    """Return the keys of subsampling and of reaches for epoch `number` of a run."""
    return seed_state(seed, _KEEP, number), seed_state(seed, _REACH, number)


@njit(nogil=True, inline="always")
def _kept(text, position):
    bits = seed_state(text.keep_key ^ np.uint64(position))
    return is_kept(text.keep[text.ids[position]], bits)


@kernel
def count_windows(text):
    """Return how many rows an epoch over the text has; the ids must have been checked."""
    n_rows, place = 0, 0
    for sentence in range(text.sentence_starts.shape[0] - 1):
        kept, kept_held = 0, 0
        for position in range(text.sentence_starts[sentence], text.sentence_starts[sentence + 1]):
            is_kept_here = np.int64(_kept(text, position))
            kept += is_kept_here
            if is_held_out(text.held_out, place, position):
                kept_held += is_kept_here
                place += 1
        if kept > 1:
            n_rows += kept - kept_held
    return n_rows


@kernel
def _add_contexts(text, position, sentence, window, contexts, n):
    """Append the contexts of a kept position; return how many there are now."""
    bits = seed_state(text.reach_key ^ np.uint64(position))
    reach = 1 + below(bits, window)
    for step in (-1, 1):
        first = text.sentence_starts[sentence]
        end = text.sentence_starts[sentence + 1]
        found = 0
        other = position + step
        while found < reach and first <= other < end:
            if _kept(text, other):
                contexts[n] = np.int32(text.ids[other])
                n += 1
                found += 1
            other += step
    return n


@kernel
def take_windows(text, window, runs, cursor, windows):
    """Fill all R rows of `windows` with the next positions of the epoch that have contexts.

    Parameters
    ----------
    text : EpochText
    window : int
        The largest reach; a position's own is 1 to `window`, each as likely.
    runs : tuple of order (n_runs,) int64 and length (int)
        Run k holds the positions from ``k * length`` on; `order` is the runs' order.
    cursor : (2,) int64
        How many runs are done, and how many positions of the next one; advanced.
    windows : ContextRows
        With room for ``2 * window * R`` contexts.

    Returns
    -------
    n_rows, n_contexts : int
        Fewer rows than R only if the epoch has come to its end.
    """
    order, length = runs
    n_tokens = text.ids.shape[0]
    n_rows, n_contexts = 0, 0
    windows.starts[0] = 0
    while cursor[0] < order.shape[0] and n_rows < windows.words.shape[0]:
        start = order[cursor[0]] * length
        end = min(start + length, n_tokens)
        position = start + cursor[1]
        sentence = find_sentence(text.sentence_starts, position)
        place = first_held_out(text.held_out, position)
        while position < end and n_rows < windows.words.shape[0]:
            while text.sentence_starts[sentence + 1] <= position:
                sentence += 1
            if is_held_out(text.held_out, place, position):
                place += 1
            elif _kept(text, position):
                n = _add_contexts(text, position, sentence, window, windows.contexts, n_contexts)
                if n > n_contexts:
                    windows.words[n_rows] = np.int32(text.ids[position])
                    n_rows += 1
                    windows.starts[n_rows] = n
                    n_contexts = n
            position += 1
        if position < end:
            cursor[1] = position - start
        else:
            cursor[0] += 1
            cursor[1] = 0
    return n_rows, n_contexts


@kernel
def group_by_word(windows, places):
    """Turn contexts by row into rows by word.

    Parameters
    ----------
    windows : ContextRows
    places : (V,) int64
        Zeros; left as zeros.

    Returns
    -------
    WordRows
    """
    contexts = windows.contexts
    n_contexts = contexts.shape[0]
    found = np.empty(n_contexts, np.int32)
    n_words = 0
    for k in range(n_contexts):
        word = contexts[k]
        if places[word] == 0:
            found[n_words] = word
            n_words += 1
        places[word] += 1
    words = np.sort(found[:n_words])
    starts = np.zeros(n_words + 1, np.int64)
    for m in range(n_words):
        starts[m + 1] = starts[m] + places[words[m]]
        places[words[m]] = starts[m]
    rows = np.empty(n_contexts, np.int32)
    for row in range(windows.words.shape[0]):
        for k in range(windows.starts[row], windows.starts[row + 1]):
            word = contexts[k]
            rows[places[word]] = row
            places[word] += 1
    for m in range(n_words):
        places[words[m]] = 0
    return WordRows(words, starts, rows)


@kernel
def one_entry_a_row(words, n_words, tile):
    """Cut rows that each observed one word by tiles of output words.

    Parameters
    ----------
    words : (R,) int32
        The observed word of each row.
    n_words : int
        V.
    tile : int
        Output words in a tile.

    Returns
    -------
    tile_starts : (tiles + 1,) int64
        Where each tile's entries start.
    entry_rows : (R,) int32
        The entries' rows, ascending within a tile.
    columns : (R,) int32
        Their observed words.
    """
    n_rows = words.shape[0]
    tiles = (n_words + tile - 1) // tile
    tile_starts = np.zeros(tiles + 1, np.int64)
    for row in range(n_rows):
        tile_starts[words[row] // tile + 1] += 1
    for number in range(tiles):
        tile_starts[number + 1] += tile_starts[number]
    following = tile_starts[:tiles].copy()
    entry_rows = np.empty(n_rows, np.int32)
    columns = np.empty(n_rows, np.int32)
    for row in range(n_rows):
        at = following[words[row] // tile]
        following[words[row] // tile] = at + 1
        entry_rows[at] = row
        columns[at] = words[row]
    return tile_starts, entry_rows, columns
