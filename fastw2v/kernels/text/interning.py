"""Tokens into numbers: a hash table of words, held in arrays, that lives from block to block.

A token's number is the number of distinct tokens before its first appearance. Its key is two
integers: the first 8 bytes, and the last 8 bytes (of words of 9 to 16 bytes) or a hash of
all behind the first 8 (of longer ones). With the length that is exact up to 16 bytes; longer
words are also compared byte by byte with the table's own copy.

Both that hash and the one that chooses a row are keyed by secret numbers, other ones in every
process, so that nobody can write a text whose words all want the same row. What a word's number
is does not depend on them. The products of 128 bits are those of wyhash (Wang Yi 2019).

Tokens are found and hashed in batches, whose table rows are prefetched meanwhile, then looked
up. The table grows between batches, never within one.
"""

import os
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.bits import folded_product, lowest_bit
from fastw2v.kernels.simd.vectors import prefetch
from fastw2v.kernels.text.scan import (
    ONE,
    load_8,
    newline_mask,
    space_mask,
)

__all__ = [
    "SENTENCE_END",
    "InternedWords",
    "count_types",
    "hash_key",
    "intern_lines",
    "intern_tokens",
    "new_word_table",
    "renumber",
    "word_key",
]

# Stands in the numbered tokens where a sentence ends.
SENTENCE_END = -1

_BATCH = 1024  # tokens and sentence ends looked up together
_OVERHANG = 64 + 64  # what one step of 64 bytes may add to a batch: tokens and sentence ends
_FIELDS = 5  # integers of a token in a batch: start, length (-1: sentence end), key, key, hash
_ROW = 4  # integers of a table row: two of the key, length and number, count
_ZERO = np.uint64(0)
_LONGEST_LENGTH = 2**32 - 1  # that a row can hold; longer words are told apart by their bytes


class InternedWords(NamedTuple):
    """The distinct words seen so far: their numbers, counts and bytes.

    Kernels return the table to use from then on, because growing replaces arrays.
    """

    rows: NDArray[np.uint64]
    """(4 * capacity,), capacity a power of two: key, key, length << 32 | number + 1, count."""
    offsets: NDArray[np.int64]
    """(capacity / 2 + 1,): where each word begins among the bytes, and where the last ends."""
    word_bytes: NDArray[np.uint8]
    """The words' UTF-8, one behind the other."""
    n_types: NDArray[np.int64]
    """(1,): number of distinct words."""
    secrets: NDArray[np.uint64]
    """(4,): the keys of the hashes."""

    def words(self, numbers: NDArray[np.int64]) -> list[bytes]:
        """Return the UTF-8 of the words with these numbers."""
        data = self.word_bytes[: self.offsets[self.n_types[0]]].tobytes()
        starts, ends = self.offsets[numbers].tolist(), self.offsets[numbers + 1].tolist()
        return [data[start:end] for start, end in zip(starts, ends, strict=True)]


@cache
def _secrets() -> NDArray[np.uint64]:
    return np.frombuffer(os.urandom(32), np.uint64)


def new_word_table(
    capacity: int = 1 << 16, secrets: NDArray[np.uint64] | None = None
) -> InternedWords:
    """Return an empty table of `capacity` rows, a power of two; by default with secret keys."""
    return InternedWords(
        rows=np.zeros(_ROW * capacity, np.uint64),
        offsets=np.zeros(capacity // 2 + 1, np.int64),
        word_bytes=np.empty(8 * capacity, np.uint8),
        n_types=np.zeros(1, np.int64),
        # A copy: what NumPy may not write to would need kernels of its own.
        secrets=(_secrets() if secrets is None else secrets).copy(),
    )


# Inlined by Numba itself: a call for every token, with arrays to pass, would cost as much again.
@kernel(inline="always")
def hash_key(head, tail, length, secrets):  # type: ignore[no-untyped-def]
    """Mix a word's key into 64 bits, whose lowest ones choose its row."""
    mixed = folded_product(head ^ secrets[0], tail ^ secrets[1])
    return folded_product(mixed ^ np.uint64(length), secrets[2])


@kernel(inline="always")
def word_key(text, start, length, secrets):  # type: ignore[no-untyped-def]
    """Return the two integers that stand for ``text[start : start + length]`` in the table."""
    head = load_8(text, start)
    if length < 8:
        head &= (ONE << np.uint64(8 * length)) - ONE
    tail = _ZERO
    if length > 8:
        tail = load_8(text, start + length - 8)
        if length > 16:
            tail = folded_product(tail ^ secrets[0], secrets[3])
            for at in range(start + 8, start + length - 8, 8):
                tail = folded_product(tail ^ load_8(text, at), secrets[3])
    return head, tail


@kernel(inline="always")
def _put(batch, n_batch, text, start, length, table):  # type: ignore[no-untyped-def]
    """Put a token into the batch and have its row of the table brought near."""
    head, tail = word_key(text, start, length, table.secrets)
    hashed = hash_key(head, tail, min(length, _LONGEST_LENGTH), table.secrets)
    at = _FIELDS * n_batch
    batch[at] = start
    batch[at + 1] = length
    batch[at + 2] = head
    batch[at + 3] = tail
    batch[at + 4] = hashed
    prefetch(table.rows, _ROW * (np.int64(hashed) & (table.rows.size // _ROW - 1)))


@kernel
def _with_more_rows(table, n_types):  # type: ignore[no-untyped-def]
    """Return the table with so many rows that `n_types` words fill at most half of them."""
    capacity = table.rows.size // _ROW
    while capacity < 2 * n_types:
        capacity *= 2
    old, rows = table.rows, np.zeros(_ROW * capacity, np.uint64)
    for at in range(0, old.size, _ROW):
        if old[at + 2] == _ZERO:
            continue
        hashed = hash_key(old[at], old[at + 1], old[at + 2] >> np.uint64(32), table.secrets)
        row = np.int64(hashed) & (capacity - 1)
        while rows[_ROW * row + 2] != _ZERO:
            row = (row + 1) & (capacity - 1)
        for field in range(_ROW):
            rows[_ROW * row + field] = old[at + field]
    offsets = np.zeros(capacity // 2 + 1, np.int64)
    for number in range(table.offsets.size):
        offsets[number] = table.offsets[number]
    return InternedWords(rows, offsets, table.word_bytes, table.n_types, table.secrets)


@kernel
def _with_room(table, batch, n_batch):  # type: ignore[no-untyped-def]
    """Return the table with room for every token of the batch, should all of them be new."""
    n_types = table.n_types[0]
    if 2 * (n_types + n_batch) > table.rows.size // _ROW:
        table = _with_more_rows(table, n_types + n_batch)
    used = table.offsets[n_types]
    needed = used
    for i in range(n_batch):
        needed += max(0, batch[_FIELDS * i + 1])
    if needed > table.word_bytes.size:
        word_bytes = np.empty(max(needed, 2 * table.word_bytes.size), np.uint8)
        for at in range(used):
            word_bytes[at] = table.word_bytes[at]
        table = InternedWords(table.rows, table.offsets, word_bytes, table.n_types, table.secrets)
    return table


@kernel
def _is_word(table, number, text, start, length):  # type: ignore[no-untyped-def]
    """Tell whether the bytes are exactly those of the word with this number."""
    offset = table.offsets[number]
    if table.offsets[number + 1] - offset != length:
        return False
    at = 0
    while at < length and table.word_bytes[offset + at] == text[start + at]:
        at += 1
    return at == length


@kernel
def _look_up(table, batch, n_batch, text, numbers, n_numbers, add):  # type: ignore[no-untyped-def]
    """Find the numbers of the batch's tokens; the table must have room for them if `add`."""
    rows = table.rows
    last_row = rows.size // _ROW - 1
    n_types = table.n_types[0]
    for i in range(n_batch):
        field = _FIELDS * i
        length = batch[field + 1]
        if length < 0:
            numbers[n_numbers + i] = SENTENCE_END
            continue
        head, tail = np.uint64(batch[field + 2]), np.uint64(batch[field + 3])
        key_length = np.uint64(min(length, _LONGEST_LENGTH))
        row = batch[field + 4] & last_row
        while True:
            at = _ROW * row
            entry = rows[at + 2]
            if entry == _ZERO:
                number = n_types
                if add:
                    rows[at], rows[at + 1], rows[at + 3] = head, tail, ONE
                    rows[at + 2] = key_length << np.uint64(32) | np.uint64(n_types + 1)
                    start, offset = batch[field], table.offsets[n_types]
                    for byte in range(length):
                        table.word_bytes[offset + byte] = text[start + byte]
                    n_types += 1
                    table.offsets[n_types] = offset + length
                break
            if rows[at] == head and rows[at + 1] == tail and entry >> np.uint64(32) == key_length:
                number = np.int64(entry & np.uint64(_LONGEST_LENGTH)) - 1
                if length <= 16 or _is_word(table, number, text, batch[field], length):
                    rows[at + 3] += ONE
                    break
            row = (row + 1) & last_row
        numbers[n_numbers + i] = number
    table.n_types[0] = n_types


@kernel
def intern_lines(text, n_bytes, table, add, numbers):  # type: ignore[no-untyped-def]
    """Give numbers to the tokens of a text, which ASCII white space separates, line by line.

    Parameters
    ----------
    text : uint8 array (at least n_bytes + PADDING,)
        Whole lines, the last one with its line feed too, and their padding of spaces.
    n_bytes : int
        Length of the text.
    table : InternedWords
        The words so far; changed in place, and replaced where it must grow.
    add : bool
        Whether new words get the next numbers. If not, each is numbered ``n_types``.
    numbers : int32 array (at least n_bytes,)
        Where the numbers go, and `SENTENCE_END` for each line feed.

    Returns
    -------
    table : InternedWords
        The table to use from now on.
    n_numbers : int
        How many entries of `numbers` were written.
    """
    batch = np.empty(_FIELDS * (_BATCH + _OVERHANG), np.int64)
    position, start, carry = 0, 0, _ZERO
    n_numbers = 0
    while position < n_bytes:
        n_batch = 0
        while position < n_bytes and n_batch < _BATCH:
            spaces, newlines = space_mask(text, position), newline_mask(text, position)
            words = ~spaces
            behind_words = words << ONE | carry
            starts = words & ~behind_words
            ends = spaces & behind_words
            if carry == _ZERO:
                start = position + lowest_bit(starts)
                starts &= starts - ONE
            carry = words >> np.uint64(63)
            events = ends | newlines
            while events != _ZERO:
                event = lowest_bit(events)
                bit = ONE << np.uint64(event)
                events ^= bit
                if ends & bit:
                    _put(batch, n_batch, text, start, position + event - start, table)
                    n_batch += 1
                    start = position + lowest_bit(starts)
                    starts &= starts - ONE
                if newlines & bit:
                    batch[_FIELDS * n_batch + 1] = -1
                    n_batch += 1
            position += 64
        if add:
            table = _with_room(table, batch, n_batch)
        _look_up(table, batch, n_batch, text, numbers, n_numbers, add)
        n_numbers += n_batch
    return table, n_numbers


@kernel
def intern_tokens(text, token_ends, sentence_ends, table, add, numbers):  # type: ignore[no-untyped-def]
    """Give numbers to tokens that are given by their ends, whatever bytes they are made of.

    Parameters
    ----------
    text : uint8 array
        The tokens' bytes, one behind the other, and PADDING bytes more.
    token_ends : int64 array (n_tokens,)
        Where each token ends in the text.
    sentence_ends : int64 array (n_sentences,)
        How many tokens there are up to the end of each sentence.
    table : InternedWords
        The words so far; changed in place, and replaced where it must grow.
    add : bool
        Whether new words get the next numbers. If not, each is numbered ``n_types``.
    numbers : int32 array (n_tokens + n_sentences,)
        Where the numbers go, and `SENTENCE_END` behind each sentence.

    Returns
    -------
    table : InternedWords
        The table to use from now on.
    """
    batch = np.empty(_FIELDS * (_BATCH + _OVERHANG), np.int64)
    token, sentence, start = 0, 0, 0
    n_numbers = 0
    while sentence < sentence_ends.size:
        n_batch = 0
        while sentence < sentence_ends.size and n_batch < _BATCH:
            if token < sentence_ends[sentence]:
                _put(batch, n_batch, text, start, token_ends[token] - start, table)
                start = token_ends[token]
                token += 1
            else:
                batch[_FIELDS * n_batch + 1] = -1
                sentence += 1
            n_batch += 1
        if add:
            table = _with_room(table, batch, n_batch)
        _look_up(table, batch, n_batch, text, numbers, n_numbers, add)
        n_numbers += n_batch
    return table


@kernel
def count_types(table):  # type: ignore[no-untyped-def]
    """Return how often each word was seen, int64 (n_types,), in the order of their numbers."""
    counts = np.zeros(table.n_types[0], np.int64)
    for at in range(0, table.rows.size, _ROW):
        entry = table.rows[at + 2]
        if entry != _ZERO:
            counts[np.int64(entry & np.uint64(_LONGEST_LENGTH)) - 1] = table.rows[at + 3]
    return counts


@kernel
def renumber(numbers, ranks, ids, n_ids, starts, n_sentences):  # type: ignore[no-untyped-def]
    """Turn numbered tokens into ids, leaving out those without one, and note sentence starts.

    Parameters
    ----------
    numbers : int32 array
        As `intern_lines` and `intern_tokens` write them.
    ranks : int32 array
        The id of each number, negative where it has none.
    ids : int32 array
        Filled from ``ids[n_ids]`` on.
    n_ids : int
        How many ids there are already.
    starts : int64 array
        Filled from ``starts[n_sentences + 1]`` on: where the next sentence begins.
    n_sentences : int
        How many sentences there are already.

    Returns
    -------
    n_ids, n_sentences : int
        How many there are now.
    """
    for number in numbers:
        if number == SENTENCE_END:
            n_sentences += 1
            starts[n_sentences] = n_ids
        elif ranks[number] >= 0:
            ids[n_ids] = ranks[number]
            n_ids += 1
    return n_ids, n_sentences
