"""The kernels that find, number and rewrite words, against Python's own strings and dicts."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from fastw2v.kernels.text.interning import (
    SENTENCE_END,
    count_types,
    intern_lines,
    intern_tokens,
    new_word_table,
    renumber,
)
from fastw2v.kernels.text.scan import (
    PADDING,
    blank_wide_spaces,
    newline_mask,
    space_mask,
    wide_space_mask,
)
from fastw2v.text.batches import token_batch

patient = settings(deadline=None)  # the first call may compile

ASCII_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f "


def padded(data):
    text = np.full(len(data) + PADDING, 32, np.uint8)
    text[: len(data)] = np.frombuffer(data, np.uint8)
    return text


def numbered_by_dict(sentences):
    """Naive twin: numbers in the order of first appearance, and the words' counts."""
    seen, counts, numbers = {}, {}, []
    for sentence in sentences:
        for token in sentence:
            numbers.append(seen.setdefault(token, len(seen)))
            counts[token] = counts.get(token, 0) + 1
        numbers.append(SENTENCE_END)
    return numbers, list(seen), [counts[word] for word in seen]


def interned_lines(data, table, add=True):
    numbers = np.empty(len(data), np.int32)
    table, n_numbers = intern_lines(padded(data), len(data), table, add, numbers)
    return table, numbers[:n_numbers].tolist()


def interned_tokens(sentences, table, add=True):
    """Intern tokens that are bytes of any kind."""
    tokens = [token for sentence in sentences for token in sentence]
    numbers = np.empty(len(tokens) + len(sentences), np.int32)
    text = np.frombuffer(b"".join(tokens) + bytes(PADDING), np.uint8)
    token_ends = np.cumsum(np.array([len(token) for token in tokens], np.int64))
    sentence_ends = np.cumsum(np.array([len(sentence) for sentence in sentences], np.int64))
    table = intern_tokens(text, token_ends, sentence_ends, table, add, numbers)
    return table, numbers.tolist()


def all_words(table):
    return table.words(np.arange(table.n_types[0]))


@njit
def three_masks(text, position):
    return (
        space_mask(text, position),
        newline_mask(text, position),
        wide_space_mask(text, position),
    )


def test_masks_tell_each_byte_by_its_place():
    values = np.random.default_rng(3).permutation(256).astype(np.uint8)
    text = np.concatenate([values, values])
    for position in (0, 1, 63, 130, 255):
        spaces, newlines, wide = three_masks(text, position)
        for bit, value in enumerate(text[position : position + 64].tolist()):
            assert bool(spaces >> bit & 1) == (chr(value) in ASCII_SPACES)
            assert bool(newlines >> bit & 1) == (value == 10)
            assert bool(wide >> bit & 1) == (value in (0xC2, 0xE1, 0xE2, 0xE3))


def test_wide_spaces_are_all_that_python_knows_and_no_others():
    characters = [chr(code) for code in range(0x30000) if not 0xD800 <= code < 0xE000]
    text = "".join(character + "x" for character in characters)
    blanked = "".join(
        (" " * len(c.encode()) if c.isspace() and not c.isascii() else c) + "x" for c in characters
    )
    data = padded(text.encode())
    blank_wide_spaces(data, len(data) - PADDING)
    assert data[:-PADDING].tobytes() == blanked.encode()


words = st.one_of(
    st.binary(min_size=1, max_size=3),
    st.binary(min_size=6, max_size=20),
    st.sampled_from([b"a" * n for n in range(1, 40)]),
).map(lambda word: bytes(byte for byte in word if chr(byte) not in ASCII_SPACES) or b"x")
lines = st.lists(st.lists(words, max_size=30), max_size=20)
separators = st.sampled_from([b" ", b"\t", b"  ", b"\r", b"\x1c\x1f", b" " * 70])


@patient
@given(lines, separators, st.sampled_from([2, 64, 1 << 12]))
def test_lines_are_numbered_as_by_a_dict(sentences, separator, capacity):
    data = b"".join(separator.join(sentence) + separator + b"\n" for sentence in sentences)
    numbers, seen, counts = numbered_by_dict(sentences)
    table, found = interned_lines(data, new_word_table(capacity))
    assert found == numbers
    assert all_words(table) == seen
    assert count_types(table).tolist() == counts


@patient
@given(st.lists(st.lists(st.binary(max_size=20), max_size=30), max_size=20))
def test_tokens_of_any_bytes_are_numbered_as_by_a_dict(sentences):
    numbers, seen, counts = numbered_by_dict(sentences)
    table, found = interned_tokens(sentences, new_word_table(2))
    assert found == numbers
    assert all_words(table) == seen
    assert count_types(table).tolist() == counts


@patient
@given(lines, lines)
def test_words_stay_known_from_block_to_block(first, second):
    numbers, seen, counts = numbered_by_dict(first + second)
    table, found = new_word_table(2), []
    for sentences in (first, second):
        data = b"".join(b" ".join(sentence) + b"\n" for sentence in sentences)
        table, some = interned_lines(data, table)
        found += some
    assert found == numbers
    assert all_words(table) == seen
    assert count_types(table).tolist() == counts


def test_a_table_that_grows_many_times_keeps_every_word():
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 50_000, 300_000)
    tokens = [b"word%d" % i if i % 3 else b"a-word-of-more-than-16-bytes-%d" % i for i in ids]
    sentences = [tokens[start : start + 100] for start in range(0, len(tokens), 100)]
    numbers, seen, counts = numbered_by_dict(sentences)
    table, found = interned_tokens(sentences, new_word_table(2))
    assert found == numbers
    assert all_words(table) == seen
    assert count_types(table).tolist() == counts


def test_unknown_words_share_one_number_when_none_are_added():
    table, _ = interned_lines(b"a b c\n", new_word_table(8))
    table, found = interned_lines(b"c x b\ny aa a\n", table, add=False)
    assert found == [2, 3, 1, SENTENCE_END, 3, 3, 0, SENTENCE_END]
    assert all_words(table) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("length", [8, 9, 15, 16, 17, 24, 63, 64, 65, 300, 70_000])
def test_words_that_differ_in_one_byte_are_different(length):
    places = sorted({0, 1, 7, 8, length // 2, length - 9, length - 8, length - 2, length - 1})
    base = b"m" * length
    variants = [base, base[:-1], base + b"m"]
    variants += [base[:at] + b"n" + base[at + 1 :] for at in places if 0 <= at < length]
    data = b" ".join(variants * 2) + b"\n"
    n_different = len(set(variants))
    table, found = interned_lines(data, new_word_table(2))
    assert table.n_types[0] == n_different
    assert found[: len(variants)] == found[len(variants) : -1]
    assert [all_words(table)[number] for number in found[: len(variants)]] == variants


# With these a long word's key is the exclusive or of its parts, and short words share one row.
WEAK = np.array([0, 0, 0, 1], np.uint64)


def test_equal_keys_do_not_make_equal_words():
    one = b"abcdefghijklmnopqrstuvwx"
    other = one[:8] + one[16:] + one[8:16]
    table, found = interned_tokens([[one, other, other, one]], new_word_table(2, WEAK))
    used = table.rows.reshape(-1, 4)[table.rows[2::4] != 0]
    assert (used[0, :2] == used[1, :2]).all(), "the planted words no longer collide"
    assert found == [0, 1, 1, 0, SENTENCE_END]
    assert all_words(table) == [one, other]
    assert count_types(table).tolist() == [2, 2]


def crafted_words(n_words, n_parts):
    """Words that shared their keys, or the lowest bits of their hash, when the hash had no secret.

    The hash of a word of 8 bytes could be undone; a change of the highest bit went through that
    of a longer word's parts, whatever stood before.
    """
    wrap = 2**64 - 1
    words = []
    for number in range(n_words):
        if n_parts == 1:
            mixed = (number + 1) << 32
            mixed ^= mixed >> 29 ^ mixed >> 58
            mixed = mixed * pow(0xC4CEB9FE1A85EC53, -1, 2**64) & wrap
            mixed ^= mixed >> 32
            mixed = (mixed * pow(0xFF51AFD7ED558CCD, -1, 2**64) & wrap) ^ 8
            words.append(mixed.to_bytes(8, "little"))
            continue
        parts = [0x6162636465666768] * n_parts
        for k in range(n_parts - 2):
            if number >> k & 1:
                parts[1 + k] ^= 1 << 63
                parts[2 + k] ^= 1 << 63 | 1 << 31
        last, *rest = parts
        words.append(b"beginning"[:8] + b"".join(p.to_bytes(8, "little") for p in (*rest, last)))
    assert len(set(words)) == n_words
    return words


def displacements(table):
    """How many rows each word stands behind the one that its hash chooses."""
    secrets = [int(secret) for secret in table.secrets]
    rows = table.rows.reshape(-1, 4)

    def folded(x, y):
        return (x * y >> 64) ^ (x * y & 2**64 - 1)

    found = []
    for place in np.flatnonzero(rows[:, 2]):
        head, tail, length = int(rows[place, 0]), int(rows[place, 1]), int(rows[place, 2]) >> 32
        hashed = folded(folded(head ^ secrets[0], tail ^ secrets[1]) ^ length, secrets[2])
        found.append((int(place) - hashed) % len(rows))
    return np.array(found)


@pytest.mark.parametrize("n_parts", [1, 14])
def test_words_that_were_made_to_collide_do_not(n_parts):
    words = crafted_words(4096, n_parts)
    table, found = interned_tokens([words], new_word_table(2))
    assert found == [*range(4096), SENTENCE_END]
    behind = displacements(table)
    assert behind.mean() < 2
    assert behind.max() < 200
    keys = {tuple(row[:2]) for row in table.rows.reshape(-1, 4).tolist() if row[2]}
    assert len(keys) == 4096
    weak, found = interned_tokens([words], new_word_table(2, WEAK))
    assert found == [*range(4096), SENTENCE_END]
    assert displacements(weak).max() > 1000, "the check sees no collisions"


def test_secrets_are_those_of_the_process_and_change_no_numbers():
    code = (
        "from fastw2v.kernels.text.interning import new_word_table\n"
        "print(*new_word_table(2).secrets)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", code]
    other = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    ours = new_word_table(2).secrets.tolist()
    assert new_word_table(4).secrets.tolist() == ours
    assert len(set(map(int, other.stdout.split())) | set(ours)) == 8


@patient
@given(st.lists(st.integers(-1, 5), max_size=60), st.lists(st.integers(-1, 9), min_size=6))
def test_renumbering_drops_what_has_no_rank(numbers, ranks):
    n_sentences = numbers.count(SENTENCE_END)
    ids = np.empty(len(numbers), np.int32)
    starts = np.zeros(n_sentences + 1, np.int64)
    arrays = np.array(numbers, np.int32), np.array(ranks, np.int32)
    n_ids, n_found = renumber(*arrays, ids, 0, starts, 0)
    expected, expected_starts = [], [0]
    for number in numbers:
        if number == SENTENCE_END:
            expected_starts.append(len(expected))
        elif ranks[number] >= 0:
            expected.append(ranks[number])
    assert n_found == n_sentences
    assert ids[:n_ids].tolist() == expected
    assert starts.tolist() == expected_starts


def test_token_batch_lays_tokens_out_for_the_kernel():
    batch = token_batch([["é", ""], [], ["a b"]])
    assert batch.text[:-PADDING].tobytes() == "éa b".encode()
    assert batch.token_ends.tolist() == [2, 2, 5]
    assert batch.sentence_ends.tolist() == [2, 2, 3]
