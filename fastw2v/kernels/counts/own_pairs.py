"""How often words stand in their own window: one pass over running text, without other pairs."""

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.text.sentences import find_sentence

__all__ = ["add_own_pairs", "add_own_windows"]


@kernel
def add_own_pairs(text, first, end, window, own, sums):
    """Add what the positions from `first` on and before `end` have of pairs.

    Windows are plain: a pair at distance d weighs ``window - d + 1``
    (`fastw2v.kernels.counts.windows`).

    Parameters
    ----------
    text : EncodedText
    first, end : int
    window : int
    own : (V,) int64
        Gets n(c, c): both ways of each pair of equal words, of which the left one is among the
        positions.
    sums : (V,) int64
        Gets the sum of n(c, o) over all o.
    """
    ids, starts = text.ids, text.sentence_starts
    sentence = find_sentence(starts, first)
    for place in range(first, end):
        while starts[sentence + 1] <= place:
            sentence += 1
        word = ids[place]
        left = min(window, place - starts[sentence])
        right = min(window, starts[sentence + 1] - 1 - place)
        for distance in range(1, right + 1):
            if ids[place + distance] == word:
                own[word] += 2 * (window - distance + 1)
        for reach in (left, right):
            sums[word] += reach * window - reach * (reach - 1) // 2


@kernel
def add_own_windows(text, first, end, window, own, sums):
    """Add what windows of CBOW have of words within them, by the positions that they are around.

    A position has a window for each reach from 1 to `window`. A word that stands first at distance
    d is within ``window - d + 1`` of them, once each, however often it comes.

    Parameters
    ----------
    text : EncodedText
    first, end : int
        Positions from `first` on and before `end`.
    window : int
    own : (V,) int64
        Gets how many windows around the word c have c within them.
    sums : (V,) int64
        Gets how many windows, around any word, have c within them.
    """
    ids, starts = text.ids, text.sentence_starts
    last_seen = np.full(own.shape[0], -1, np.int64)
    sentence = find_sentence(starts, first)
    for place in range(first, end):
        while starts[sentence + 1] <= place:
            sentence += 1
        word = ids[place]
        for distance in range(1, window + 1):
            n_windows = window - distance + 1
            for near in (place - distance, place + distance):
                if not starts[sentence] <= near < starts[sentence + 1]:
                    continue
                context = ids[near]
                if last_seen[context] == place:
                    continue
                last_seen[context] = place
                sums[context] += n_windows
                if context == word:
                    own[word] += n_windows
