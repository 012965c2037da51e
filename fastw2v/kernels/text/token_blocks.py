"""Blocks of a running text: what subsampling leaves of them, and how far windows may reach.

A text is cut into blocks of so many tokens, wherever they fall. A block owns the positions in it:
only its worker trains the windows around them. Windows of the first and last ones reach over the
edge, so a block also looks at the nearest kept neighbours on both sides, within the sentence.
Whether a token is kept is a function of (seed, epoch, position) alone, so that neighbouring blocks
see the same text: no pair is lost at an edge and none comes twice.
"""

from typing import NamedTuple

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.random_numbers import is_kept, seed_state
from fastw2v.kernels.text.held_out import first_held_out, is_held_out
from fastw2v.kernels.text.sentences import find_sentence

__all__ = ["UNKNOWN_ID", "KeptTokens", "SubsampledText", "gather_block"]

UNKNOWN_ID = -1  # what `gather_block` returns for a text with an id that is not a word's


class SubsampledText(NamedTuple):
    """An encoded text; its arrays may be memory maps, only blocks that are asked for are read.

    `ids` (int32) are the tokens, `sentence_starts` (int64, one more than sentences) where sentences
    begin and the last one ends, `keep` (uint32, V) the thresholds of subsampling, `held_out`
    (int64, ascending) positions whose words are not to be predicted.
    """

    ids: object
    sentence_starts: object
    keep: object
    held_out: object


class KeptTokens(NamedTuple):
    """Room for the kept tokens of a block and of its surroundings, all int32.

    `words` are their ids; token i may see the tokens from ``first[i]`` up to, but not including,
    ``end[i]``: those of its sentence. `held_out` says which are not to be predicted (1, others 0).
    There must be room for a block and twice the window.
    """

    words: object
    first: object
    end: object
    held_out: object


@kernel
def _gather(text, key, start, end, kept, n):
    """Append the kept tokens of the positions from `start` to `end`; return how many there are."""
    ids, keep = text.ids, text.keep
    n_words = np.uint32(keep.shape[0])
    place = first_held_out(text.held_out, start)
    for position in range(start, end):
        word = np.uint32(ids[position])  # a negative one becomes larger than any
        if word >= n_words:
            return UNKNOWN_ID
        is_held = np.int64(is_held_out(text.held_out, place, position))
        place += is_held
        kept.words[n] = word
        kept.held_out[n] = is_held
        n += np.int64(is_kept(keep[word], seed_state(key ^ np.uint64(position))))
    return n


@kernel
def _far_neighbours(text, key, edge, step, last, window):
    """Return how many positions from `edge` on hold the next `window` kept tokens.

    `step` is 1 to look ahead and -1 to look back, `last` the number of positions in the sentence.
    """
    n_words = np.uint32(text.keep.shape[0])
    found, n = 0, 0
    while n < last and found < window:
        position = edge + n if step > 0 else edge - 1 - n
        word = np.uint32(text.ids[position])
        if word >= n_words:
            return n + 1  # whoever gathers this position finds it, too
        found += np.int64(is_kept(text.keep[word], seed_state(key ^ np.uint64(position))))
        n += 1
    return n


@kernel
def gather_block(text, key, start, end, window, kept):
    """Fill `kept` with the kept tokens of a block and of its surroundings.

    Parameters
    ----------
    text : SubsampledText
    key : uint64
        Made of the seed and the epoch; decides what is kept.
    start, end : int
        The positions that the block owns, at least one.
    window : int
        How many kept tokens to look beyond either end, in the sentence.
    kept : KeptTokens

    Returns
    -------
    low, high : int
        The owned tokens are those from `low` up to, but not including, `high`; what is outside
        are only neighbours. (UNKNOWN_ID, UNKNOWN_ID) if an id is not that of a word.
    """
    starts = text.sentence_starts
    sentence = find_sentence(starts, start)
    before = _far_neighbours(text, key, start, -1, start - starts[sentence], window)
    n = _gather(text, key, start - before, start, kept, 0)
    if n < 0:
        return UNKNOWN_ID, UNKNOWN_ID
    low, high, first = n, n, 0
    position = start
    while position < end:
        sentence_end = starts[sentence + 1]
        n = _gather(text, key, position, min(sentence_end, end), kept, n)
        high = n
        if n >= 0 and sentence_end > end:
            beyond = _far_neighbours(text, key, end, 1, sentence_end - end, window)
            n = _gather(text, key, end, end + beyond, kept, n)
        if n < 0:
            return UNKNOWN_ID, UNKNOWN_ID
        for i in range(first, n):
            kept.first[i] = first
            kept.end[i] = n
        first = n
        sentence += 1
        position = sentence_end
    return low, high
