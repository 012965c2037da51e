"""Counting against naive loops; what must be refused."""

import itertools
import mmap
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastw2v.counts.batch
import fastw2v.counts.pairs
import fastw2v.counts.row_stores
from fastw2v.counts.batch import BatchWorkspace, count_batch
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.text.encoded import EncodedTokens
from tests.support.naive_counts import (
    as_dict,
    assert_equals_naive,
    assert_identical,
    assert_well_formed,
    corpora,
    dense,
    dense_counts,
    naive_counts,
    small_corpus,
    tokens_of,
    windows,
)


@settings(max_examples=150, deadline=None)
@given(corpora(), windows, st.integers(1, 3))
def test_counts_equal_a_naive_triple_loop(corpus, window, workers):
    n_words, sentences = corpus
    counts = count_pairs(tokens_of(sentences), n_words, window, workers=workers)
    assert_equals_naive(counts, sentences, n_words, window)
    assert counts.values.dtype == np.int32
    counts.check()


def test_the_check_catches_counting_across_sentence_ends():
    sentences = small_corpus()
    joined = [[word for sentence in sentences for word in sentence]]
    across = count_pairs(tokens_of(joined), 40, 3, workers=2)
    with pytest.raises(AssertionError):
        assert_equals_naive(across, sentences, 40, 3)
    other_window = count_pairs(tokens_of(sentences), 40, 4, workers=2)
    with pytest.raises(AssertionError):
        assert_equals_naive(other_window, sentences, 40, 3)


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(1, 6), st.integers(1, 3), st.integers(8, 40))
def test_small_budgets_change_nothing(corpus, window, workers, budget):
    n_words, sentences = corpus
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastw2v.counts.pairs, "GROUPED_POSITIONS", budget)
        patch.setattr(fastw2v.counts.pairs, "TIMES_READ", 10**6)
        patch.setattr(fastw2v.counts.pairs, "STAGED_ENTRIES", budget)
        patch.setattr(fastw2v.counts.row_stores, "RESERVED_ENTRIES", budget // 2)
        patch.setattr(fastw2v.counts.pairs, "TASK_COST", 3 * budget)
        counts = count_pairs(tokens_of(sentences), n_words, window, workers=workers)
    assert_equals_naive(counts, sentences, n_words, window)


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(1, 3), st.integers(8, 40))
def test_progress_goes_from_nothing_to_all_tokens(corpus, workers, budget):
    n_words, sentences = corpus
    n_tokens = sum(map(len, sentences))
    told = []

    def progress(done, total):
        assert total == n_tokens
        told.append(done)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastw2v.counts.pairs, "GROUPED_POSITIONS", budget)
        patch.setattr(fastw2v.counts.pairs, "TIMES_READ", 10**6)
        patch.setattr(fastw2v.counts.pairs, "STAGED_ENTRIES", budget)
        patch.setattr(fastw2v.counts.pairs, "TASK_COST", 3 * budget)
        count_pairs(tokens_of(sentences), n_words, 2, workers=workers, progress=progress)
    assert (told[0], told[-1]) == (0, n_tokens)
    assert told == sorted(told)


def test_progress_is_told_between_blocks_of_words(monkeypatch):
    sentences = small_corpus()
    monkeypatch.setattr(fastw2v.counts.pairs, "STAGED_ENTRIES", 100)
    monkeypatch.setattr(fastw2v.counts.pairs, "TASK_COST", 100)
    told = []
    count_pairs(tokens_of(sentences), 40, 2, workers=1, progress=lambda done, _: told.append(done))
    assert len(set(told)) > 5


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(1, 6), st.integers(0, 20), st.integers(1, 60))
def test_values_are_int64_exactly_when_int32_is_too_small(corpus, window, limit, budget):
    n_words, sentences = corpus
    with pytest.MonkeyPatch.context() as patch:
        for module in (fastw2v.counts.pairs, fastw2v.counts.row_stores):
            patch.setattr(module, "LARGEST_INT32", limit)
        patch.setattr(fastw2v.counts.pairs, "STAGED_ENTRIES", budget)
        counts = count_pairs(tokens_of(sentences), n_words, window, workers=2)
    assert_equals_naive(counts, sentences, n_words, window)
    expected = np.int64 if counts.values.max(initial=0) > limit else np.int32
    assert counts.values.dtype == expected


def test_a_count_beyond_int32_is_exact():
    n, window = 1200, 10_000
    tokens = tokens_of([[0] * n])
    expected = 2 * sum((n - d) * (window - d + 1) for d in range(1, n))
    assert expected > 2**31
    counts = count_pairs(tokens, 1, window, workers=2)
    assert (counts.values.dtype, counts.total) == (np.int64, expected)
    batch = count_batch(tokens, 0, n, 1, window, BatchWorkspace(1))
    assert (batch.values.dtype, batch.values.tolist()) == (np.int64, [expected])


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(1, 6), st.randoms(use_true_random=False))
def test_counts_are_symmetric_and_do_not_depend_on_the_order_of_sentences(corpus, window, random):
    n_words, sentences = corpus
    counts = count_pairs(tokens_of(sentences), n_words, window, workers=1)
    found = as_dict(range(n_words), counts)
    assert found == {(o, c): count for (c, o), count in found.items()}
    shuffled = [sentence[::-1] for sentence in sentences]
    random.shuffle(shuffled)
    assert_identical(counts, count_pairs(tokens_of(shuffled), n_words, window, workers=3))


def test_counts_of_two_texts_add_up():
    one, other = small_corpus(1), small_corpus(2)
    both = [dense(count_pairs(tokens_of(text), 40, 4, workers=1)) for text in (one, other)]
    together = count_pairs(tokens_of(one + other), 40, 4, workers=2)
    np.testing.assert_array_equal(dense(together), both[0] + both[1])


@pytest.mark.parametrize("lengths", ["many", "one sentence"])
def test_a_long_text_is_the_same_for_any_number_of_workers(lengths):
    rng = np.random.default_rng(3)
    n_words, n_tokens, window = 300, 1_000_000, 5
    ids = (n_words * rng.random(n_tokens) ** 3).astype(np.int32)
    if lengths == "many":
        starts = np.unique(np.r_[0, rng.integers(0, n_tokens, n_tokens // 30), n_tokens])
    else:
        starts = np.array([0, n_tokens])
    tokens = EncodedTokens(ids, starts.astype(np.int64), n_tokens, 0)
    counts = [count_pairs(tokens, n_words, window, workers=workers) for workers in (1, 2, 3)]
    np.testing.assert_array_equal(dense(counts[0]), dense_counts(tokens, n_words, window))
    assert_identical(counts[0], counts[1])
    assert_identical(counts[0], counts[2])


@pytest.mark.parametrize("sentences", [[], [[]], [[], [], []], [[0]], [[2], [], [1], [2]]])
def test_words_that_stand_alone_have_empty_rows(sentences):
    counts = count_pairs(tokens_of(sentences), 3, 5, workers=2)
    assert counts.indptr.tolist() == [0, 0, 0, 0]
    assert (counts.n_entries, counts.total) == (0, 0)
    assert counts.row_sums().tolist() == counts.context_sums().tolist() == [0, 0, 0]
    counts.check()


def test_a_word_that_never_has_a_context_among_words_that_have():
    counts = count_pairs(tokens_of([[0, 1], [2], [1, 1]]), 4, 2, workers=1)
    assert as_dict(range(4), counts) == {(0, 1): 2, (1, 0): 2, (1, 1): 4}
    assert np.diff(counts.indptr).tolist() == [1, 2, 0, 0]


def test_arrays_that_cannot_be_written_are_counted_too():
    sentences = small_corpus()
    tokens = tokens_of(sentences)
    tokens.ids.setflags(write=False)
    tokens.sentence_starts.setflags(write=False)
    assert_equals_naive(count_pairs(tokens, 40, 3, workers=2), sentences, 40, 3)
    assert count_batch(tokens, 0, tokens.ids.size, 40, 3, BatchWorkspace(40)).rows.size > 0


# --- batches ------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(corpora(), windows, st.lists(st.integers(0, 300), max_size=6), st.sampled_from([2**31, 9]))
def test_batches_of_any_partition_add_up_to_the_whole(corpus, window, cuts, limit):
    n_words, sentences = corpus
    tokens = tokens_of(sentences)
    n_tokens = tokens.ids.size
    edges = sorted({0, n_tokens, *(cut for cut in cuts if cut < n_tokens)})
    workspace = BatchWorkspace(n_words)
    added = Counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastw2v.counts.batch, "LARGEST_INT32", limit)
        for start, stop in itertools.pairwise(edges):
            batch = count_batch(tokens, start, stop, n_words, window, workspace)
            assert_well_formed(batch, n_words)
            assert batch.rows.dtype == np.int32
            assert batch.rows.tolist() == sorted(set(tokens.ids[start:stop].tolist()))
            wide = batch.values.max(initial=0) > limit
            assert batch.values.dtype == (np.int64 if wide else np.int32)
            added.update(as_dict(batch.rows, batch))
    assert dict(added) == naive_counts(sentences, window)


def test_a_batch_sees_contexts_outside_it_but_not_outside_the_sentence():
    tokens = tokens_of([[0, 1, 2, 3], [4, 5]])
    batch = count_batch(tokens, 2, 4, 6, 2, BatchWorkspace(6))
    assert as_dict(batch.rows, batch) == {(2, 0): 1, (2, 1): 2, (2, 3): 2, (3, 1): 1, (3, 2): 2}
    alone = count_batch(tokens_of([[2, 3]]), 0, 2, 6, 2, BatchWorkspace(6))
    assert as_dict(alone.rows, alone) != as_dict(batch.rows, batch)


def test_a_batch_does_not_change_when_its_workspace_is_used_again():
    tokens = tokens_of(small_corpus())
    workspace = BatchWorkspace(40)
    first = count_batch(tokens, 0, 100, 40, 3, workspace)
    kept = as_dict(first.rows, first)
    count_batch(tokens, 50, tokens.ids.size, 40, 3, workspace)
    assert as_dict(first.rows, first) == kept
    again = count_batch(tokens, 0, 100, 40, 3, workspace)
    assert_identical(first, again)


def test_an_empty_batch_has_no_rows():
    batch = count_batch(tokens_of([[0, 1]]), 1, 1, 2, 5, BatchWorkspace(2))
    assert batch.rows.size == batch.indices.size == 0
    assert batch.indptr.tolist() == [0]
    empty = count_batch(tokens_of([]), 0, 0, 2, 5, BatchWorkspace(2))
    assert empty.indptr.tolist() == [0]


# --- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize("window", [0, -1, 16_384, 2.5])
def test_a_window_out_of_range_is_refused(window):
    with pytest.raises(ConfigurationError, match=r"window: expected a whole number from 1 to"):
        count_pairs(tokens_of([[0, 1]]), 2, window, workers=1)
    with pytest.raises(ConfigurationError, match="window: expected"):
        count_batch(tokens_of([[0, 1]]), 0, 1, 2, window, BatchWorkspace(2))


@pytest.mark.parametrize("word", [-1, 3, 2**31 - 1])
def test_an_id_outside_the_vocabulary_is_refused(word):
    tokens = tokens_of([[0, 1, 2], [2, word, 1]])
    message = f"expected words from 0 to 2, got {word} at position 4"
    with pytest.raises(VocabularyError, match=message):
        count_pairs(tokens, 3, 2, workers=2)
    with pytest.raises(VocabularyError, match=message):
        count_batch(tokens, 0, 3, 3, 2, BatchWorkspace(3))


@pytest.mark.parametrize("starts", [[], [0], [1, 4], [0, 3], [0, 5], [0, 3, 2, 4], [0, 9, 4]])
def test_sentences_that_do_not_cut_up_the_text_are_refused(starts):
    tokens = replace(tokens_of([[0, 1, 2, 0]]), sentence_starts=np.array(starts, np.int64))
    with pytest.raises(CorpusError, match="sentence_starts: expected numbers"):
        count_pairs(tokens, 3, 2, workers=1)


@pytest.mark.parametrize("starts", [[], [0], [1, 4], [0, 3], [0, 5], [0, 9, 4], [-3, 4]])
def test_a_batch_never_reads_outside_the_text(starts):
    tokens = replace(tokens_of([[0, 1, 2, 0]]), sentence_starts=np.array(starts, np.int64))
    with pytest.raises(CorpusError, match="sentence_starts: expected numbers"):
        count_batch(tokens, 0, 4, 3, 2, BatchWorkspace(3))


def test_arrays_of_other_types_are_refused():
    tokens = tokens_of([[0, 1]])
    tokens = replace(tokens, ids=tokens.ids.astype(np.int64))
    with pytest.raises(CorpusError, match="expected ids int32"):
        count_pairs(tokens, 2, 2, workers=1)


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (1, 0), (0, 3)])
def test_a_stretch_outside_the_text_is_refused(start, stop):
    with pytest.raises(IndexError, match="expected positions within 0 to 2"):
        count_batch(tokens_of([[0, 1]]), start, stop, 2, 1, BatchWorkspace(2))


def test_other_settings_out_of_range_are_refused():
    with pytest.raises(ConfigurationError, match="workers: expected at least 1"):
        count_pairs(tokens_of([[0, 1]]), 2, 1, workers=0)
    for make in (lambda: count_pairs(tokens_of([]), 0, 1, workers=1), lambda: BatchWorkspace(0)):
        with pytest.raises(ConfigurationError, match="n_words: expected at least 1"):
            make()
    with pytest.raises(ConfigurationError, match="workspace: expected one for 2 words, got 3"):
        count_batch(tokens_of([[0, 1]]), 0, 1, 2, 1, BatchWorkspace(3))


MAP_NORESERVE = 0x4000  # Linux; no name of Python's before 3.13


def text_at_the_end_of(n_tokens, sentences):
    """A text of so many tokens, which takes memory only where it is looked at: word 0, then these.

    Returns it and the position at which they begin.
    """
    if sys.platform != "linux":
        pytest.skip("asks Linux for memory that is not there")
    try:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        memory = mmap.mmap(-1, 4 * n_tokens, flags=flags)
    except OSError as error:
        pytest.skip(f"no address space of {4 * n_tokens} bytes: {error}")
    ids = np.frombuffer(memory, np.int32)
    lengths = [len(sentence) for sentence in sentences]
    begin = n_tokens - sum(lengths)
    ids[begin:] = np.concatenate(sentences)
    starts = np.cumsum([0, begin - 3, 3, *lengths]).astype(np.int64)
    return EncodedTokens(ids, starts, n_tokens, 0), begin


@pytest.mark.parametrize("measured", [False, True])
def test_batches_of_texts_longer_than_a_span_has_room_for(measured):
    sentences = [[1, 2, 3, 1], [2, 4, 4], [5]]
    tokens, begin = text_at_the_end_of(2**35 + 1000, sentences)
    widths = np.full(6, 2**15, np.int32) if measured else None
    batch = count_batch(tokens, begin, begin + 8, 6, 2, BatchWorkspace(6), widths)
    alone = count_batch(tokens_of(sentences), 0, 8, 6, 2, BatchWorkspace(6), widths)
    assert_identical(batch, alone)
    # Over the boundary itself, where three words 0 stand alone in their sentence.
    batch = count_batch(tokens, begin - 3, begin + 8, 6, 2, BatchWorkspace(6), widths)
    alone = count_batch(tokens_of([[0, 0, 0], *sentences]), 0, 11, 6, 2, BatchWorkspace(6), widths)
    assert_identical(batch, alone)
    with pytest.raises(CorpusError, match=r"a stretch of at most 2147483647 tokens"):
        count_batch(tokens, 0, 2**31, 6, 2, BatchWorkspace(6), widths)
    with pytest.raises(CorpusError, match=r"at most 34359738368, got 34359739368"):
        count_pairs(tokens, 6, 2, workers=1, widths=widths)
