"""Counts in few bytes: the same counts, whatever the gaps and counts are, in little memory."""

import gc
import weakref
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastw2v.counts.packed
import fastw2v.counts.row_stores
from fastw2v.counts import merging
from fastw2v.counts.matrix import LARGEST_INT32, PairCounts
from fastw2v.counts.packed import PackedCounts
from fastw2v.counts.pairs import count_packed_pairs, count_pairs
from fastw2v.counts.row_stores import PackedStore
from fastw2v.counts.wider import WithEmptyRows
from fastw2v.kernels.counts.packed_rows import MORE, MOST_COUNT, MOST_GAP
from fastw2v.kernels.counts.pair_counting import Rows, Tasks
from fastw2v.system.threads import WorkerPool
from tests.support.naive_counts import VOCABULARY_SIZES, tokens_of

# One below, at and above each size that takes another byte.
GAPS, COUNTS = ([most + MORE**k - (k == 0) for k in range(9)] for most in (MOST_GAP, MOST_COUNT))


def naive_rows(rows):
    """Return codes and bytes of rows of (word, count), by the rule of the module."""
    written = []
    for row in rows:
        following, codes, data = 0, [], []
        for word, count in row:
            gap, rest = word - following, count - 1
            codes.append(min(gap, 1023) * 64 + min(rest, 63))
            for number, most in ((gap, 1023), (rest, 63)):
                if number >= most:
                    beyond = number - most
                    while beyond >= MORE:
                        data.append(beyond % MORE + MORE)
                        beyond //= MORE
                    data.append(beyond)
            following = word + 1
        written.append((codes, bytes(data)))
    return written


def packed(rows, n_words=None, workers=2):
    """Pack rows of (word, count), each as a task of its own."""
    n_words = n_words or len(rows)
    sizes = [len(row) for row in rows] + [0] * (n_words - len(rows))
    indptr = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    entries = [entry for row in rows for entry in row]
    staged = Rows(
        np.array([word for word, _ in entries], np.int32),
        np.array([count for _, count in entries], np.int64),
    )
    tasks = Tasks(np.arange(n_words + 1), indptr[:-1].copy())
    with WorkerPool(workers) as pool:
        store = PackedStore(pool, n_words, 1)
        store.take(tasks, 0, indptr, staged, int(staged.values.max(initial=0)))
        return store.counts(indptr, 5)


def rows_of(counts):
    """Return the rows of (word, count) of counts, part by part."""
    rows = []
    for part in counts.parts:
        assert part.first == len(rows)
        for start, stop in pairwise(part.indptr):
            words, values = part.indices[start:stop].tolist(), part.values[start:stop].tolist()
            rows.append(list(zip(words, values, strict=True)))
    return rows


@pytest.mark.parametrize("edge", COUNTS)
def test_a_count_takes_another_byte_exactly_where_it_must(edge):
    for count in (edge - 1, edge, edge + 1, edge + 2):
        counts = packed([[(0, count)]])
        assert rows_of(counts) == [[(0, count)]]
        assert len(counts.packed.data) == sum(count - 1 >= limit for limit in COUNTS)


@pytest.mark.parametrize("edge", [edge for edge in GAPS if edge < 2**31 - 3])
def test_a_gap_takes_another_byte_exactly_where_it_must(edge):
    for word in (edge - 1, edge, edge + 1):
        counts = packed([[(word, 1), (word + 1, 1)]], 1)
        assert rows_of(counts) == [[(word, 1), (word + 1, 1)]]
        assert len(counts.packed.data) == sum(word >= limit for limit in GAPS)


@pytest.mark.parametrize("largest", [LARGEST_INT32 - 1, LARGEST_INT32, LARGEST_INT32 + 1, 2**62])
def test_unpacked_counts_are_int64_exactly_when_int32_is_too_small(largest):
    counts = packed([[(0, 1), (1, largest)], [(0, largest)]])
    dtype = np.int32 if largest <= LARGEST_INT32 else np.int64
    assert [part.values.dtype for part in counts.parts] == [dtype]
    assert counts.total == 2 * largest + 1
    assert rows_of(counts) == [[(0, 1), (1, largest)], [(0, largest)]]


entries = st.dictionaries(
    st.integers(0, 40_000), st.one_of(st.integers(1, 40), st.integers(1, 2**62)), max_size=30
)


@settings(max_examples=80, deadline=None)
@given(st.lists(entries, min_size=1, max_size=12), st.integers(1, 50), st.integers(1, 3))
def test_bytes_are_those_of_the_rule_and_rows_come_back(given_rows, at_once, workers):
    rows = [sorted(row.items()) for row in given_rows]
    counts = packed(rows, workers=workers)
    found = counts.packed
    codes = [found.codes[a:b].tolist() for a, b in pairwise(found.entry_starts)]
    data = [found.data[a:b].tobytes() for a, b in pairwise(found.byte_starts)]
    assert list(zip(codes, data, strict=True)) == naive_rows(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastw2v.counts.packed, "UNPACKED_ENTRIES", at_once)
        assert rows_of(counts) == rows
        assert counts.firsts == [part.first for part in counts.parts]
        assert all(len(part.indices) <= at_once or part.n_rows == 1 for part in counts.parts)


def zipf_tokens(n_words, n_tokens=60_000, seed=1):
    generator = np.random.default_rng(seed)
    ids = np.minimum(generator.zipf(1.3, n_tokens), n_words) - 1
    return tokens_of([ids[at : at + 25].tolist() for at in range(0, n_tokens, 25)])


@pytest.mark.parametrize("n_words", VOCABULARY_SIZES)
@pytest.mark.parametrize("reserved", [1, 2**20])
def test_packed_counts_are_the_counts(n_words, reserved, monkeypatch):
    monkeypatch.setattr(fastw2v.counts.row_stores, "RESERVED_ENTRIES", reserved)
    tokens = zipf_tokens(n_words)
    plain = count_pairs(tokens, n_words, 4, workers=2)
    monkeypatch.setattr(fastw2v.counts.packed, "UNPACKED_ENTRIES", 5_000)
    counts = count_packed_pairs(tokens, n_words, 4, workers=2)
    assert (counts.n_words, counts.n_entries, counts.total, counts.window) == (
        plain.n_words,
        plain.n_entries,
        plain.total,
        plain.window,
    )
    counts.check()
    weights = np.random.default_rng(2).uniform(0.1, 1, n_words)
    for name in ("row_sums", "context_sums"):
        for given_weights in (None, weights):
            np.testing.assert_array_equal(
                getattr(counts, name)(given_weights), getattr(plain, name)(given_weights)
            )
    for name in ("conditional_entropy_nats", "context_entropy_nats"):
        assert getattr(counts, name)(weights, weights) == getattr(plain, name)(weights, weights)
    centres = np.unique(np.random.default_rng(3).integers(0, n_words, 50))
    for found in (counts, plain):
        places, (indptr, indices, values) = found.rows(centres)
        rows = [
            (
                indices[indptr[k] : indptr[k + 1]].tolist(),
                values[indptr[k] : indptr[k + 1]].tolist(),
            )
            for k in places.tolist()
        ]
        if found is counts:
            expected = rows
    assert rows == expected
    again = [count_packed_pairs(tokens, n_words, 4, workers=workers) for workers in (1, 3)]
    for other in again:
        assert all(
            one.tobytes() == two.tobytes()
            for one, two in zip(other.packed, counts.packed, strict=True)
        )


def test_they_take_less_than_a_third_of_the_memory_of_plain_counts():
    tokens = zipf_tokens(5_000, n_tokens=300_000)
    plain, counts = (
        count(tokens, 5_000, 5, workers=2) for count in (count_pairs, count_packed_pairs)
    )
    assert isinstance(plain, PairCounts)
    assert isinstance(counts, PackedCounts)
    assert sum(array.nbytes for array in counts.packed) < 0.3 * plain.nbytes


def test_a_text_is_given_up_once_its_counts_are_all_that_is_trained_on(monkeypatch):
    from fastw2v import Word2Vec
    from fastw2v.training import skipgram, text

    held, alive = [], []
    count_text, spectral_vectors = text.count_text, skipgram.spectral_vectors

    def noting(tokens, *arguments, **options):
        held.append(weakref.ref(tokens))
        return count_text(tokens, *arguments, **options)

    def starting(*arguments):
        gc.collect()
        alive.append(held[-1]() is not None)
        return spectral_vectors(*arguments)

    monkeypatch.setattr(text, "count_text", noting)
    monkeypatch.setattr(skipgram, "spectral_vectors", starting)
    for batches in ("counts", "tokens"):
        Word2Vec(vector_size=4, min_count=1, epochs=1, batches=batches).fit([["a", "b", "c"]] * 9)
    assert alive == [False, True]


@pytest.mark.parametrize("n_more", [0, 7])
def test_rows_in_another_order_are_unpacked_about_once(monkeypatch, n_more):
    monkeypatch.setattr(fastw2v.counts.packed, "UNPACKED_ENTRIES", 50)
    monkeypatch.setattr(merging, "BLOCK_ENTRIES", 400)
    generator = np.random.default_rng(1)
    counts = packed([[(2 * word, 1 + word) for word in range(k % 20)] for k in range(300)])
    plain = PairCounts(*counts.unpacked(np.arange(300), workers=1), counts.window)
    order = generator.permutation(300 + n_more)
    n_unpacked = 0
    original = PackedCounts.unpacked

    def counting(*arguments, **options):
        nonlocal n_unpacked
        found = original(*arguments, **options)
        n_unpacked += len(found[1])
        return found

    monkeypatch.setattr(PackedCounts, "unpacked", counting)
    found, expected = (
        list(merging.merged_rows([WithEmptyRows(one, 300 + n_more)], [order]))
        for one in (counts, plain)
    )
    for block, same in zip(found, expected, strict=True):
        assert [array.tolist() for array in block.arrays] == [
            array.tolist() for array in same.arrays
        ]
    assert counts.n_entries <= n_unpacked <= 3 * counts.n_entries
