"""Neighbouring words counted as candidates for phrases, and phrases joined, on ids.

A candidate is a word, any number of connector words ("of", "the") and a word. The beginning of
one, that is its first word and the connectors behind it, is a number: the word's id where there is
no connector, and `n_words` + k for chain k of `Chains`. So a candidate is two numbers, its
beginning and the word at its end, and one key of 64 bits.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.bits import folded_product
from fastw2v.kernels.simd.vectors import prefetch

__all__ = [
    "NO_BEGINNING",
    "Chains",
    "beginnings_of",
    "chain_hashes",
    "chain_roots",
    "count_candidates",
    "find_chain",
    "find_phrase",
    "join_phrases",
    "new_chains",
    "phrase_table",
    "word_hashes",
    "write_words_of",
]

NO_BEGINNING = -1

_BATCH = 512  # candidates looked up together
_MOST_NUMBERS = 2**31 - 1
_ONE = np.uint64(1)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(0xD6E8FEB86659FD93)  # of the polynomial of `word_hashes`; odd


class Chains(NamedTuple):
    """A tree of words with connectors behind them."""

    keys: NDArray[np.uint64]
    """(capacity,), a power of two: parent << 32 | connector, plus 1; 0 in an empty row."""
    numbers: NDArray[np.int32]
    """(capacity,): the chain of the row."""
    parents: NDArray[np.int32]
    """(capacity / 2,): the beginning that chain k goes on from: a word or an earlier chain."""
    connectors: NDArray[np.int32]
    """(capacity / 2,): its last word."""
    n_chains: NDArray[np.int64]
    """(1,)"""


def new_chains(capacity: int = 1 << 10) -> Chains:
    """Return a tree without chains; `capacity` is a power of two."""
    return Chains(
        np.zeros(capacity, np.uint64),
        np.zeros(capacity, np.int32),
        np.zeros(capacity // 2, np.int32),
        np.zeros(capacity // 2, np.int32),
        np.zeros(1, np.int64),
    )


@kernel(inline="always")
def _key(first, second):
    return (np.uint64(first) << np.uint64(32) | np.uint64(second)) + _ONE


@kernel
def _with_more_rows(chains):
    capacity = 2 * chains.keys.size
    keys, numbers = np.zeros(capacity, np.uint64), np.zeros(capacity, np.int32)
    parents, connectors = np.zeros(capacity // 2, np.int32), np.zeros(capacity // 2, np.int32)
    for at in range(chains.keys.size):
        if chains.keys[at] != 0:
            row = np.int64(folded_product(chains.keys[at], _MIX)) & (capacity - 1)
            while keys[row] != 0:
                row = (row + 1) & (capacity - 1)
            keys[row], numbers[row] = chains.keys[at], chains.numbers[at]
    for k in range(chains.n_chains[0]):
        parents[k], connectors[k] = chains.parents[k], chains.connectors[k]
    return Chains(keys, numbers, parents, connectors, chains.n_chains)


@kernel
def beginnings_of(ids, sentence_starts, is_connector, chains, add, beginnings):
    """Find for every word that is no connector what a candidate that it ends begins with.

    Parameters
    ----------
    ids : int32 array (n_tokens,)
    sentence_starts : int64 array (n_sentences + 1,)
    is_connector : bool array (n_words,)
    chains : Chains
        Changed in place where `add` says so, and replaced where it must grow.
    add : bool
        Whether new chains join the tree. If not, a candidate with one has `NO_BEGINNING`.
    beginnings : int32 array (n_tokens,)
        Receives them; `NO_BEGINNING` for connectors and where no word comes before.

    Returns
    -------
    chains : Chains
        The tree to use from now on.

    Raises
    ------
    OverflowError
        If there are more beginnings than 32 bits can number.
    """
    n_words = is_connector.size
    for sentence in range(sentence_starts.size - 1):
        begun, lost = NO_BEGINNING, False
        for position in range(sentence_starts[sentence], sentence_starts[sentence + 1]):
            word = ids[position]
            if not is_connector[word]:
                beginnings[position] = NO_BEGINNING if lost else begun
                begun, lost = np.int64(word), False
                continue
            beginnings[position] = NO_BEGINNING
            if begun == NO_BEGINNING or lost:
                continue
            key, last = _key(begun, word), chains.keys.size - 1
            row = np.int64(folded_product(key, _MIX)) & last
            while chains.keys[row] != 0 and chains.keys[row] != key:
                row = (row + 1) & last
            if chains.keys[row] == key:
                begun = n_words + np.int64(chains.numbers[row])
            elif not add:
                lost = True
            else:
                number = chains.n_chains[0]
                if n_words + number >= _MOST_NUMBERS:
                    raise OverflowError("too many words with connectors behind them")
                chains.keys[row], chains.numbers[row] = key, number
                chains.parents[number], chains.connectors[number] = begun, word
                chains.n_chains[0] = number + 1
                begun = n_words + number
                if 2 * (number + 1) >= chains.keys.size:
                    chains = _with_more_rows(chains)
    return chains


@kernel(inline="always")
def find_chain(chains, beginning, connector):
    """Return the chain that goes on from a beginning with a connector; -1 if there is none."""
    key, last = _key(beginning, connector), chains.keys.size - 1
    row = np.int64(folded_product(key, _MIX)) & last
    while chains.keys[row] != 0 and chains.keys[row] != key:
        row = (row + 1) & last
    return np.int64(chains.numbers[row]) if chains.keys[row] == key else np.int64(-1)


@kernel(inline="always")
def find_phrase(table, beginning, word):
    """Return what `phrase_table` has for a candidate; -1 if it is no phrase."""
    key, last = _key(beginning, word), table.size // 2 - 1
    row = np.int64(folded_product(key, _MIX)) & last
    while table[2 * row] != 0 and table[2 * row] != key:
        row = (row + 1) & last
    return np.int64(table[2 * row + 1]) if table[2 * row] == key else np.int64(-1)


@kernel
def chain_roots(chains, n_words):
    """Return the word that each beginning begins with, int32 (n_words + n_chains,)."""
    roots = np.empty(n_words + chains.n_chains[0], np.int32)
    for word in range(n_words):
        roots[word] = word
    for k in range(chains.n_chains[0]):
        roots[n_words + k] = roots[chains.parents[k]]
    return roots


@kernel
def _grown(rows, n_more):
    """Return rows of keys and counts with room for so many keys, at most half of them used."""
    capacity = rows.size // 2
    while capacity < 2 * n_more:
        capacity *= 2
    grown = np.zeros(2 * capacity, np.uint64)
    for at in range(0, rows.size, 2):
        if rows[at] != 0:
            row = np.int64(folded_product(rows[at], _MIX)) & (capacity - 1)
            while grown[2 * row] != 0:
                row = (row + 1) & (capacity - 1)
            grown[2 * row], grown[2 * row + 1] = rows[at], rows[at + 1]
    return grown


@kernel
def count_candidates(ids, beginnings, part, n_parts):
    """Count the different candidates of a text, those of one part of them all.

    Parameters
    ----------
    ids, beginnings : int32 arrays (n_tokens,)
        As `beginnings_of` leaves them.
    part, n_parts : int
        Each candidate is in one of the parts, by a hash.

    Returns
    -------
    first, last : int32 arrays (n,)
        Beginnings and end words, in no order that means anything.
    counts : int64 array (n,)
    """
    rows = np.zeros(2 << 14, np.uint64)
    keys, hashes = np.empty(_BATCH, np.uint64), np.empty(_BATCH, np.uint64)
    n_found, position = 0, 0
    while position < ids.size:
        n_batch, last = 0, rows.size // 2 - 1
        while position < ids.size and n_batch < _BATCH:
            if beginnings[position] != NO_BEGINNING:
                key = _key(beginnings[position], ids[position])
                hashed = folded_product(key, _MIX)
                share = (hashed >> np.uint64(40)) * np.uint64(n_parts) >> np.uint64(24)
                if np.int64(share) == part:
                    keys[n_batch], hashes[n_batch] = key, hashed
                    prefetch(rows, 2 * (np.int64(hashed) & last))
                    n_batch += 1
            position += 1
        if 2 * (n_found + n_batch) > last:
            rows = _grown(rows, 2 * (n_found + n_batch))
            last = rows.size // 2 - 1
        for i in range(n_batch):
            row = np.int64(hashes[i]) & last
            while rows[2 * row] != 0 and rows[2 * row] != keys[i]:
                row = (row + 1) & last
            if rows[2 * row] == 0:
                rows[2 * row] = keys[i]
                n_found += 1
            rows[2 * row + 1] += _ONE
    firsts, lasts = np.empty(n_found, np.int32), np.empty(n_found, np.int32)
    counts = np.empty(n_found, np.int64)
    place = 0
    for at in range(0, rows.size, 2):
        if rows[at] != 0:
            key = rows[at] - _ONE
            firsts[place] = np.int64(key >> np.uint64(32))
            lasts[place] = np.int64(key & np.uint64(0xFFFFFFFF))
            counts[place] = rows[at + 1]
            place += 1
    return firsts, lasts, counts


@kernel
def phrase_table(firsts, lasts, phrases):
    """Return rows of keys and ids (uint64), to look up the id that a candidate is replaced by."""
    capacity = 16
    while capacity < 4 * firsts.size:
        capacity *= 2
    rows = np.zeros(2 * capacity, np.uint64)
    for i in range(firsts.size):
        key = _key(firsts[i], lasts[i])
        row = np.int64(folded_product(key, _MIX)) & (capacity - 1)
        while rows[2 * row] != 0:
            row = (row + 1) & (capacity - 1)
        rows[2 * row], rows[2 * row + 1] = key, np.uint64(phrases[i])
    return rows


@kernel
def join_phrases(ids, sentence_starts, is_connector, beginnings, table, joined, joined_starts):
    """Replace phrases by their ids: from left to right, none of two words that overlap.

    Parameters
    ----------
    ids, sentence_starts, is_connector, beginnings
        As in `beginnings_of`.
    table : uint64 array
        Of `phrase_table`.
    joined : int32 array (n_tokens,)
        Receives the tokens.
    joined_starts : int64 array (n_sentences + 1,)
        Receives where sentences begin.

    Returns
    -------
    n_joined : int
        How many tokens there are now.
    """
    n_joined = 0
    for sentence in range(sentence_starts.size - 1):
        joined_starts[sentence] = n_joined
        begun, end = -1, sentence_starts[sentence + 1]
        for position in range(sentence_starts[sentence], end):
            word = ids[position]
            if is_connector[word]:
                if begun < 0:
                    joined[n_joined] = word
                    n_joined += 1
                continue
            if begun >= 0:
                if beginnings[position] != NO_BEGINNING:
                    phrase = find_phrase(table, beginnings[position], word)
                    if phrase >= 0:
                        joined[n_joined] = phrase
                        n_joined += 1
                        begun = -1
                        continue
                for at in range(begun, position):
                    joined[n_joined] = ids[at]
                    n_joined += 1
            begun = position
        if begun >= 0:
            for at in range(begun, end):
                joined[n_joined] = ids[at]
                n_joined += 1
    joined_starts[sentence_starts.size - 1] = n_joined
    return n_joined


@kernel
def word_hashes(word_bytes, word_ends, hashes, powers):
    """Hash words so that the hash of words joined follows from theirs: by polynomials mod 2^64.

    Parameters
    ----------
    word_bytes : uint8 array
        The words' UTF-8, one behind the other.
    word_ends : int64 array (n_words,)
    hashes, powers : uint64 arrays (n_words,)
        Receive h(w) and b^|w|. Then h(vw) is h(v) b^|w| + h(w).
    """
    start = 0
    for word in range(word_ends.size):
        hashed, power = np.uint64(0), _ONE
        for at in range(start, word_ends[word]):
            hashed = hashed * _BASE + np.uint64(word_bytes[at]) + _ONE
            power *= _BASE
        hashes[word], powers[word] = hashed, power
        start = word_ends[word]


@kernel
def chain_hashes(chains, hashes, powers, is_unsure, of_beginnings, unsure_beginnings):
    """Hash all beginnings, and find those with an unsure word among theirs.

    Parameters
    ----------
    chains : Chains
    hashes, powers : uint64 arrays (n_words,)
        Of `word_hashes`, of the words with the delimiter before them.
    is_unsure : bool array (n_words,)
    of_beginnings : uint64 array (n_words + n_chains,)
        The words' own hashes, without the delimiter; those of chains are filled in.
    unsure_beginnings : bool array (n_words + n_chains,)
        Likewise.
    """
    n_words = hashes.size
    for k in range(chains.n_chains[0]):
        parent, word = chains.parents[k], chains.connectors[k]
        of_beginnings[n_words + k] = of_beginnings[parent] * powers[word] + hashes[word]
        unsure_beginnings[n_words + k] = unsure_beginnings[parent] or is_unsure[word]


@kernel
def write_words_of(ids, sentence_starts, first, end, word_bytes, word_ends, text):
    """Write sentences as lines, words parted by blanks.

    Parameters
    ----------
    ids, sentence_starts
        The tokens.
    first, end : int
        Which sentences.
    word_bytes, word_ends
        The words' UTF-8, as in `word_hashes`.
    text : uint8 array
        Receives them; with no room at all (size 0), they are only measured.

    Returns
    -------
    n_bytes : int
    """
    n_bytes, writes = 0, text.size > 0
    for sentence in range(first, end):
        for position in range(sentence_starts[sentence], sentence_starts[sentence + 1]):
            if position > sentence_starts[sentence]:
                if writes:
                    text[n_bytes] = 32
                n_bytes += 1
            word = ids[position]
            start = word_ends[word - 1] if word > 0 else 0
            if writes:
                for at in range(start, word_ends[word]):
                    text[n_bytes + at - start] = word_bytes[at]
            n_bytes += word_ends[word] - start
        if writes:
            text[n_bytes] = 10
        n_bytes += 1
    return n_bytes
