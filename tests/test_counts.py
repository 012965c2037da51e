"""Counting against naive loops; statistics of counts against numpy; what must be refused."""

import itertools
import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastw2v.batch_counts
import fastw2v.counts
from fastw2v.counts import BatchWorkspace, PairCounts, count_batch, count_pairs
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError

# Around the sizes where one word of bits, or one word of words of bits, is full.
VOCABULARY_SIZES = [1, 2, 3, 63, 64, 65, 130, 4096, 4097, 9000]


def tokens_of(sentences):
    starts = np.cumsum([0] + [len(sentence) for sentence in sentences]).astype(np.int64)
    ids = np.array([word for sentence in sentences for word in sentence], np.int32)
    return SimpleNamespace(ids=ids, sentence_starts=starts)


def naive_counts(sentences, window):
    counts = Counter()
    for sentence in sentences:
        for i, centre in enumerate(sentence):
            for j, context in enumerate(sentence):
                if i != j and abs(i - j) <= window:
                    counts[centre, context] += window - abs(i - j) + 1
    return dict(counts)


def as_dict(rows, counts):
    indptr, indices, values = counts.indptr, counts.indices, counts.values
    centres = np.repeat(np.asarray(rows), np.diff(indptr)).tolist()
    return dict(zip(zip(centres, indices.tolist(), strict=True), values.tolist(), strict=True))


def assert_well_formed(counts, n_words):
    assert (counts.indptr.dtype, counts.indices.dtype) == (np.int64, np.int32)
    assert counts.values.dtype in (np.int32, np.int64)
    assert counts.indptr[0] == 0
    assert counts.indptr[-1] == counts.indices.size == counts.values.size
    assert np.all((counts.indices >= 0) & (counts.indices < n_words))
    rises = np.diff(counts.indices) > 0
    first_in_row = counts.indptr[1:-1]
    inside = (first_in_row > 0) & (first_in_row < counts.indices.size)
    rises[first_in_row[inside] - 1] = True
    assert np.all(rises)


def assert_equals_naive(counts, sentences, n_words, window):
    assert_well_formed(counts, n_words)
    assert counts.indptr.size == n_words + 1
    assert as_dict(range(n_words), counts) == naive_counts(sentences, window)


def dense(counts):
    matrix = np.zeros((counts.n_words, counts.n_words), np.int64)
    rows = np.repeat(np.arange(counts.n_words), np.diff(counts.indptr))
    matrix[rows, counts.indices] = counts.values
    return matrix


def dense_counts(tokens, n_words, window):
    """Count by shifting the text against itself: fast enough for long texts, few words."""
    ids = tokens.ids.astype(np.int64)
    sentence = np.repeat(
        np.arange(tokens.sentence_starts.size - 1), np.diff(tokens.sentence_starts)
    )
    matrix = np.zeros(n_words * n_words, np.int64)
    for d in range(1, window + 1):
        same = sentence[d:] == sentence[:-d]
        left, right = ids[:-d][same], ids[d:][same]
        pairs = np.bincount(left * n_words + right, minlength=matrix.size)
        matrix += (window - d + 1) * pairs
    matrix = matrix.reshape(n_words, n_words)
    return matrix + matrix.T


def assert_identical(one, other):
    for name in ("indptr", "indices", "values"):
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


@st.composite
def corpora(draw):
    n_words = draw(st.sampled_from(VOCABULARY_SIZES))
    used = draw(st.lists(st.integers(0, n_words - 1), min_size=1, max_size=12, unique=True))
    sentences = draw(st.lists(st.lists(st.sampled_from(used), max_size=25), max_size=12))
    return n_words, sentences


windows = st.one_of(st.integers(1, 6), st.sampled_from([30, 1000, 16383]))


def small_corpus(seed=1, n_words=40, n_sentences=60):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 12, n_sentences)
    return [list(map(int, rng.integers(0, n_words, length) ** 2 // n_words)) for length in lengths]


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
        patch.setattr(fastw2v.counts, "GROUPED_POSITIONS", budget)
        patch.setattr(fastw2v.counts, "STAGED_ENTRIES", budget)
        patch.setattr(fastw2v.counts, "RESERVED_ENTRIES", budget // 2)
        patch.setattr(fastw2v.counts, "TASK_COST", 3 * budget)
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
        patch.setattr(fastw2v.counts, "GROUPED_POSITIONS", budget)
        patch.setattr(fastw2v.counts, "STAGED_ENTRIES", budget)
        patch.setattr(fastw2v.counts, "TASK_COST", 3 * budget)
        count_pairs(tokens_of(sentences), n_words, 2, workers=workers, progress=progress)
    assert (told[0], told[-1]) == (0, n_tokens)
    assert told == sorted(told)


def test_progress_is_told_between_blocks_of_words(monkeypatch):
    sentences = small_corpus()
    monkeypatch.setattr(fastw2v.counts, "STAGED_ENTRIES", 100)
    monkeypatch.setattr(fastw2v.counts, "TASK_COST", 100)
    told = []
    count_pairs(tokens_of(sentences), 40, 2, workers=1, progress=lambda done, _: told.append(done))
    assert len(set(told)) > 5


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(1, 6), st.integers(0, 20), st.integers(1, 60))
def test_values_are_int64_exactly_when_int32_is_too_small(corpus, window, limit, budget):
    n_words, sentences = corpus
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastw2v.counts, "LARGEST_INT32", limit)
        patch.setattr(fastw2v.counts, "STAGED_ENTRIES", budget)
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
    tokens = SimpleNamespace(ids=ids, sentence_starts=starts.astype(np.int64))
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
        patch.setattr(fastw2v.batch_counts, "LARGEST_INT32", limit)
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


# --- statistics ---------------------------------------------------------------------------


def dense_entropies(matrix, centre_weights, context_weights):
    weights = matrix * centre_weights[:, None] * context_weights[None, :]
    joint = weights / weights.sum()
    rows, columns = joint.sum(axis=1, keepdims=True), joint.sum(axis=0)
    seen = joint > 0
    conditional = -np.sum(joint[seen] * np.log((joint / np.where(rows > 0, rows, 1))[seen]))
    return conditional, -np.sum(columns[columns > 0] * np.log(columns[columns > 0]))


@pytest.fixture(scope="module")
def counts():
    return count_pairs(tokens_of(small_corpus(n_sentences=200)), 42, 4, workers=2)


@pytest.fixture(scope="module")
def weights():
    rng = np.random.default_rng(5)
    centre, context = rng.random(42), rng.random(42)
    centre[3], context[[0, 7]] = 0, 0
    return centre, context


def test_sums_equal_those_of_the_dense_matrix(counts, weights):
    matrix, (centre, context) = dense(counts), weights
    np.testing.assert_array_equal(counts.row_sums(), matrix.sum(axis=1))
    np.testing.assert_array_equal(counts.context_sums(), matrix.sum(axis=0))
    np.testing.assert_allclose(counts.row_sums(context), matrix @ context, rtol=1e-14)
    np.testing.assert_allclose(counts.context_sums(centre), centre @ matrix, rtol=1e-14)
    assert counts.total == matrix.sum()
    assert counts.n_entries == np.count_nonzero(matrix)
    assert counts.nbytes == 43 * 8 + counts.n_entries * 8


def test_entropies_equal_those_of_the_dense_matrix(counts, weights):
    matrix, (centre, context), ones = dense(counts), weights, np.ones(42)
    for given_weights, used in [
        ((None, None), (ones, ones)),
        ((centre, None), (centre, ones)),
        ((None, context), (ones, context)),
        ((centre, context), (centre, context)),
    ]:
        conditional, unigram = dense_entropies(matrix, *used)
        assert counts.conditional_entropy_nats(*given_weights) == pytest.approx(conditional, 1e-12)
        assert counts.context_entropy_nats(*given_weights) == pytest.approx(unigram, 1e-12)
        assert conditional < unigram
    swapped, _ = dense_entropies(matrix, context, centre)
    assert counts.conditional_entropy_nats(centre, context) != pytest.approx(swapped, 1e-6)


def test_entropies_of_known_distributions():
    # Each of four words has the other three beside it equally often.
    counts = count_pairs(
        tokens_of([[a, b] for a in range(4) for b in range(4) if a != b]), 4, 1, workers=1
    )
    assert counts.conditional_entropy_nats() == pytest.approx(math.log(3), 1e-15)
    assert counts.context_entropy_nats() == pytest.approx(math.log(4), 1e-15)
    pair = count_pairs(tokens_of([[0, 1]]), 2, 1, workers=1)
    assert pair.conditional_entropy_nats() == 0
    assert pair.context_entropy_nats() == pytest.approx(math.log(2), 1e-15)


def test_weighted_sums_keep_what_plain_addition_loses():
    n_words = 2000
    indices = np.arange(n_words, dtype=np.int32)
    indptr = np.full(n_words + 1, n_words)
    indptr[0] = 0
    counts = PairCounts(indptr, indices, np.ones(n_words, np.int32), 1)
    weights = np.full(n_words, 0.3)
    weights[0] = 1e16
    exact = math.fsum(weights)
    assert counts.row_sums(weights)[0] == exact
    assert np.add.accumulate(weights)[-1] != exact
    transposed = PairCounts(
        np.arange(n_words + 1), np.zeros(n_words, np.int32), np.ones(n_words, np.int32), 1
    )
    assert transposed.context_sums(weights)[0] == exact


def test_the_total_has_no_limit():
    values = np.full(3, 2**63 - 1)
    counts = PairCounts(np.array([0, 3, 3, 3]), np.arange(3, dtype=np.int32), values, 1)
    assert counts.total == 3 * (2**63 - 1)
    with pytest.raises(ValueError, match="total: expected less than"):
        counts.check()


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
    tokens = tokens_of([[0, 1, 2, 0]])
    tokens.sentence_starts = np.array(starts, np.int64)
    with pytest.raises(CorpusError, match="sentence_starts: expected numbers"):
        count_pairs(tokens, 3, 2, workers=1)


@pytest.mark.parametrize("starts", [[], [0], [1, 4], [0, 3], [0, 5], [0, 9, 4], [-3, 4]])
def test_a_batch_never_reads_outside_the_text(starts):
    tokens = tokens_of([[0, 1, 2, 0]])
    tokens.sentence_starts = np.array(starts, np.int64)
    with pytest.raises(CorpusError, match="sentence_starts: expected numbers"):
        count_batch(tokens, 0, 4, 3, 2, BatchWorkspace(3))


def test_arrays_of_other_types_are_refused():
    tokens = tokens_of([[0, 1]])
    tokens.ids = tokens.ids.astype(np.int64)
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


GOOD = {
    "indptr": np.array([0, 1, 3]),
    "indices": np.array([1, 0, 1], np.int32),
    "values": np.array([2, 2, 4], np.int32),
    "window": 2,
}


@pytest.mark.parametrize(
    "change",
    [
        {"indptr": np.array([0, 1, 3], np.int32)},
        {"indptr": np.array([1, 1, 3])},
        {"indptr": np.array([0, 4, 3])},
        {"indptr": np.array([0, 1, 2])},
        {"indptr": np.array([0])},
        {"indices": np.array([1, 0, 1])},
        {"indices": [1, 0, 1]},
        {"indices": np.array([[1, 0, 1]], np.int32)},
        {"indices": np.arange(6, dtype=np.int32)[::2]},
        {"values": np.array([2.0, 2.0, 4.0])},
        {"values": np.array([2, 2], np.int32)},
        {"window": 0},
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(change):
    PairCounts(**GOOD).check()
    with pytest.raises(ValueError, match="expected"):
        PairCounts(**(GOOD | change))


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"indices": np.array([1, 1, 0], np.int32)}, 1),
        ({"indices": np.array([1, 1, 1], np.int32)}, 1),
        ({"indices": np.array([2, 0, 1], np.int32)}, 0),
        ({"indices": np.array([-1, 0, 1], np.int32)}, 0),
        ({"values": np.array([2, 0, 4], np.int32)}, 1),
        ({"values": np.array([-2, 2, 4], np.int64)}, 0),
    ],
)
def test_entries_that_cannot_be_counts_are_found(change, row):
    with pytest.raises(ValueError, match=f"row {row}: expected"):
        PairCounts(**(GOOD | change)).check()


@pytest.mark.parametrize("bad", [np.ones(3), np.array([1, -1]), np.array([np.nan, 1])])
def test_weights_that_cannot_be_used_are_refused(bad):
    with pytest.raises(ValueError, match="context_weights: expected"):
        PairCounts(**GOOD).row_sums(bad)


def test_no_pairs_have_no_entropy():
    none = count_pairs(tokens_of([[0]]), 2, 1, workers=1)
    for entropy in (none.conditional_entropy_nats, none.context_entropy_nats):
        with pytest.raises(CorpusError, match="expected at least one pair"):
            entropy()
    with pytest.raises(CorpusError, match="expected at least one pair"):
        PairCounts(**GOOD).conditional_entropy_nats(np.zeros(2))
