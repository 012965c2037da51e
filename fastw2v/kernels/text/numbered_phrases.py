"""Phrases joined and words left out in running numbers, as `interning` gives them.

The rows that phrases are looked up in are those of `fastw2v.kernels.text.phrases`. They know the
first numbers of a table alone: words that came later are in no phrase.
"""

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.text.interning import SENTENCE_END
from fastw2v.kernels.text.phrases import NO_BEGINNING, find_chain, find_phrase

__all__ = ["join_numbers", "keep_numbers"]


@kernel
def join_numbers(numbers, is_connector, chains, table, joined):
    """Replace the phrases of one pass: from left to right, none of two words that overlap.

    Parameters
    ----------
    numbers : int32 array (n,)
        Words, and `SENTENCE_END` behind each sentence; whole sentences.
    is_connector : bool array (n_known,)
        Of the words with the first numbers. Those behind them are no connectors, and in no phrase.
    chains : Chains
    table : uint64 array
        Of `phrase_table`.
    joined : int32 array (n,)
        Receives the numbers.

    Returns
    -------
    n_joined : int
        How many there are now.
    """
    n_known = is_connector.size
    n_joined, begun, beginning = 0, -1, np.int64(NO_BEGINNING)
    for position in range(numbers.size):
        word = np.int64(numbers[position])
        is_known = 0 <= word < n_known
        if is_known and is_connector[word]:
            if begun < 0:
                joined[n_joined] = word
                n_joined += 1
            elif beginning != NO_BEGINNING:
                chain = find_chain(chains, beginning, word)
                beginning = n_known + chain if chain >= 0 else np.int64(NO_BEGINNING)
            continue
        if begun >= 0:
            if is_known and beginning != NO_BEGINNING:
                phrase = find_phrase(table, beginning, word)
                if phrase >= 0:
                    joined[n_joined] = phrase
                    n_joined += 1
                    begun = -1
                    continue
            for at in range(begun, position):
                joined[n_joined] = numbers[at]
                n_joined += 1
            begun = -1
        if word == SENTENCE_END:
            joined[n_joined] = SENTENCE_END
            n_joined += 1
        else:
            begun = position
            beginning = word if is_known else np.int64(NO_BEGINNING)
    if begun >= 0:
        for at in range(begun, numbers.size):
            joined[n_joined] = numbers[at]
            n_joined += 1
    return n_joined


@kernel
def keep_numbers(numbers, is_left_out, counts, kept):
    """Leave out words, and count those that stay.

    Parameters
    ----------
    numbers : int32 array (n,)
        As in `join_numbers`.
    is_left_out : bool array (n_known,)
        Of the words with the first numbers; those behind them stay.
    counts : int64 array (n_types + 1,)
        Added to: how often each number stays.
    kept : int32 array (n,)
        Receives the numbers; it may be `numbers`.

    Returns
    -------
    n_kept : int
        How many there are now.
    """
    n_kept = 0
    for position in range(numbers.size):
        word = numbers[position]
        if word != SENTENCE_END:
            if word < is_left_out.size and is_left_out[word]:
                continue
            counts[word] += 1
        kept[n_kept] = word
        n_kept += 1
    return n_kept
