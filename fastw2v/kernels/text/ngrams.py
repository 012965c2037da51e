"""Character n-grams of words, hashed as fastText hashes them.

A word stands between "<" and ">", and its n-grams are of characters, that is of UTF-8 sequences.
One that occurs twice is listed twice. The single "<" and ">" are none.

References
----------
Bojanowski, Grave, Joulin and Mikolov 2017, TACL 5, section 3.2; fastText's `Dictionary` for the
hash, which is 32-bit FNV-1a over bytes that are extended with their sign.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel

__all__ = ["hash_ngrams"]

_BEGIN, _END = 60, 62  # "<" and ">"
_OFFSET_BASIS, _PRIME = 2166136261, 16777619
_CONTINUES = 0x80  # the two highest bits of a byte that begins no character


@njit(nogil=True, inline="always")
def _hash_byte(value, byte):
    extended = np.uint32(byte) | (np.uint32(0xFFFFFF00) if byte >= 0x80 else np.uint32(0))
    return np.uint32((value ^ extended) * np.uint32(_PRIME))


@kernel
def hash_ngrams(word_bytes, word_ends, min_n, max_n, bucket):
    """Return the buckets of all n-grams of some words.

    Parameters
    ----------
    word_bytes : (N,) uint8
        The words' UTF-8, one behind the other.
    word_ends : (V,) int64
        Where each word ends in it.
    min_n, max_n : int
        Characters of the shortest and of the longest n-gram, 1 <= min_n <= max_n.
    bucket : int
        Number of buckets, 1 to 2^31 - 1.

    Returns
    -------
    starts : (V + 1,) int64
        The n-grams of word w are those from ``starts[w]`` to ``starts[w + 1]``.
    buckets : (E,) int32
        In the order of their first character, shorter ones first.
    """
    n_words = word_ends.shape[0]
    longest = 0
    begin = 0
    for word in range(n_words):
        longest = max(longest, word_ends[word] - begin)
        begin = word_ends[word]
    framed = np.empty(longest + 2, np.uint8)
    characters = np.empty(longest + 3, np.int64)
    starts = np.zeros(n_words + 1, np.int64)
    begin = 0
    for word in range(n_words):
        n_characters = _frame(word_bytes, begin, word_ends[word], framed, characters)
        starts[word + 1] = starts[word] + _n_ngrams(n_characters, min_n, max_n)
        begin = word_ends[word]
    buckets = np.empty(starts[n_words], np.int32)
    begin, at = 0, 0
    for word in range(n_words):
        n_characters = _frame(word_bytes, begin, word_ends[word], framed, characters)
        begin = word_ends[word]
        for first in range(n_characters):
            value = np.uint32(_OFFSET_BASIS)
            for last in range(first, min(first + max_n, n_characters)):
                for byte in range(characters[last], characters[last + 1]):
                    value = _hash_byte(value, framed[byte])
                size = last - first + 1
                is_frame = size == 1 and (first == 0 or last == n_characters - 1)
                if size >= min_n and not is_frame:
                    buckets[at] = value % np.uint32(bucket)
                    at += 1
    return starts, buckets


@njit(nogil=True, inline="always")
def _frame(word_bytes, begin, end, framed, characters):
    """Write "<", the word and ">", and where each character begins; return how many there are."""
    size = end - begin + 2
    framed[0] = _BEGIN
    for at in range(begin, end):
        framed[at - begin + 1] = word_bytes[at]
    framed[size - 1] = _END
    n_characters = 0
    for at in range(size):
        if framed[at] & 0xC0 != _CONTINUES or at == 0:
            characters[n_characters] = at
            n_characters += 1
    characters[n_characters] = size
    return n_characters


@njit(nogil=True, inline="always")
def _n_ngrams(n_characters, min_n, max_n):
    """Return how many n-grams so many characters have, both frames among the characters."""
    total = 0
    for size in range(min_n, min(max_n, n_characters) + 1):
        total += n_characters - size + 1
    if min_n == 1 and max_n >= 1:
        total -= 2
    return total
