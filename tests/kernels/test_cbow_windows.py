"""Windows of CBOW's epochs: against plain Python, and by the frequencies of what is drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.kernels.counts.context_windows import (
    ContextRows,
    epoch_keys,
    group_by_word,
    one_entry_a_row,
)
from fastw2v.kernels.formulas.random_numbers import below, is_kept, seed_state, subsample_thresholds
from fastw2v.objectives.softmax.cbow_batches import CbowBatches, cbow_batch
from fastw2v.text.encoded import EncodedTokens
from tests.support.cbow_twins import rows_of, windows_of
from tests.support.statistical_checks import FrequencyMismatchError, assert_frequencies

N_WORDS = 9


def encoded(sentences):
    ids = np.array([word for sentence in sentences for word in sentence], np.int32)
    starts = np.cumsum([0, *(len(sentence) for sentence in sentences)]).astype(np.int64)
    return EncodedTokens(ids, starts, len(ids), 0)


def batches_of(sentences, keep=None, n_words=N_WORDS, **settings):
    keep = np.ones(n_words) if keep is None else keep
    sizes = {"dimensions": 4, "window": 3, "rows": 7, "epochs": 2, "seed": 5}
    return CbowBatches(encoded(sentences), keep, **{**sizes, **settings})


def rows_of_epoch(batches, number=0):
    return [row for batch in batches.one_epoch(number) for row in rows_of(batch.windows)]


def bits_of(key, position):
    return np.uint64(seed_state(np.uint64(int(key) ^ position)))


def expected_rows(sentences, keep, window, seed, number, held_out=()):
    keep_key, reach_key = epoch_keys(seed, number)
    thresholds = subsample_thresholds(keep)
    places = iter(range(10**6))
    return windows_of(
        [[(next(places), word) for word in sentence] for sentence in sentences],
        window,
        lambda position, word: is_kept(thresholds[word], bits_of(keep_key, position)),
        lambda position: 1 + below(bits_of(reach_key, position), window),
        held_out,
    )


texts = st.lists(st.lists(st.integers(0, N_WORDS - 1), max_size=8), min_size=1, max_size=12)


@settings(deadline=None, max_examples=60)
@given(
    texts,
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(1, 20),
    st.floats(0.2, 1),
    st.integers(0, 3),
    st.sets(st.integers(0, 97)),
)
def test_an_epoch_has_the_windows_of_the_plain_twin(
    sentences, window, rows, run, least, number, held_out
):
    held_out = [place for place in sorted(held_out) if place < sum(map(len, sentences))]
    sentences = [*sentences, [0, 1]]  # at least two tokens that are always kept
    keep = np.linspace(1, least, N_WORDS)
    keep[:2] = 1
    sizes = {"window": window, "rows": rows, "run": run, "epochs": 4, "seed": 3}
    batches = batches_of(sentences, keep, **sizes, held_out=np.array(held_out, np.int64))
    came = rows_of_epoch(batches, number)
    expected = expected_rows(sentences, keep, window, 3, number, held_out)
    assert sorted(came) == sorted(expected)
    assert batches.rows_of_epoch[number] == len(expected)


def test_one_run_keeps_the_order_of_the_text_and_runs_are_shuffled():
    sentences = np.random.default_rng(1).integers(0, N_WORDS, (30, 10)).tolist()
    expected = expected_rows(sentences, np.ones(N_WORDS), 3, 5, 0)
    assert rows_of_epoch(batches_of(sentences, run=10**6)) == expected
    shuffled = rows_of_epoch(batches_of(sentences, run=4))
    assert sorted(shuffled) == sorted(expected)
    assert shuffled != expected


def test_what_is_drawn_does_not_depend_on_batches_and_differs_between_epochs():
    sentences = np.random.default_rng(1).integers(0, N_WORDS, (30, 10)).tolist()
    keep = np.full(N_WORDS, 0.7)
    epochs = [
        rows_of_epoch(batches_of(sentences, keep, rows=rows), number)
        for rows in (1, 7, 1000)
        for number in (0, 1)
    ]
    assert epochs[0] == epochs[2] == epochs[4]
    assert epochs[1] == epochs[3] == epochs[5]
    assert sorted(epochs[0]) != sorted(epochs[1])
    assert epochs[0] != rows_of_epoch(batches_of(sentences, keep, seed=6))


def test_windows_end_at_the_border_of_a_sentence():
    sentences = [[0, 1, 0], [2], [3, 4, 3, 4], [], [5, 6]] * 20
    neighbours = {0: {0, 1}, 1: {0}, 3: {3, 4}, 4: {3, 4}, 5: {6}, 6: {5}}
    found = {}
    for word, contexts in rows_of_epoch(batches_of(sentences, window=5)):
        found.setdefault(word, set()).update(contexts)
    assert found == neighbours  # and word 2, alone in its sentence, is not there


def test_windows_reach_over_tokens_that_are_not_kept():
    sentences = [[0, 2, 2, 2, 2, 2, 2, 1]] * 50
    keep = np.ones(N_WORDS)
    keep[2] = 0.01
    rows = rows_of_epoch(batches_of(sentences, keep, window=1))
    assert (0, [1]) in rows
    assert (1, [0]) in rows


def test_batches_are_of_nearly_equal_size_and_as_large_as_they_said():
    sentences = np.random.default_rng(2).integers(0, N_WORDS, (50, 9)).tolist()
    batches = batches_of(sentences, np.full(N_WORDS, 0.5), rows=32, epochs=5)
    for number in range(5):
        sizes = [len(batch.row_weights) for batch in batches.one_epoch(number)]
        assert len(sizes) == batches.batches_per_epoch
        assert sum(sizes) == batches.rows_of_epoch[number]
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= batches.max_rows <= 32


def reaches(window, spread=0):
    """How often each reach came, of long sentences without subsampling; `spread` spoils it."""
    sentences = [list(range(N_WORDS)) * 50] * 20
    batches = batches_of(sentences, window=window + spread, rows=10**6)
    counts = np.zeros(window, np.int64)
    for batch in batches.one_epoch(0):
        sizes = np.diff(batch.windows.starts)
        counts += np.bincount(np.minimum(sizes[sizes % 2 == 0] // 2, window) - 1, minlength=window)
    return counts


@pytest.mark.parametrize("window", [2, 3, 5, 8])
def test_every_reach_is_as_likely(window):
    assert_frequencies(reaches(window), np.full(window, 1 / window))
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies(reaches(window, spread=1), np.full(window, 1 / window))


def test_tokens_are_kept_with_the_probability_of_their_word():
    keep = np.linspace(0.1, 1, N_WORDS)
    n_each = 5000
    text = np.random.default_rng(3).permutation(np.repeat(np.arange(N_WORDS), n_each))
    words = [word for word, _ in rows_of_epoch(batches_of([text.tolist()], keep, rows=10**6))]
    kept = np.bincount(words, minlength=N_WORDS)
    assert kept[-1] == n_each
    for word in range(N_WORDS - 1):
        observed = [kept[word], n_each - kept[word]]
        assert_frequencies(observed, [keep[word], 1 - keep[word]])
        with pytest.raises(FrequencyMismatchError):
            assert_frequencies(observed, [keep[word] + 0.05, 0.95 - keep[word]])


def test_keeping_and_reaching_are_independent():
    sentences = [np.random.default_rng(4).integers(0, N_WORDS, 20_000).tolist()]
    window, keep = 4, np.full(N_WORDS, 0.5)
    keep_key, reach_key = epoch_keys(5, 0)
    threshold = subsample_thresholds(keep)[0]

    def table(key):
        counts = np.zeros((2, window), np.int64)
        for position in range(len(sentences[0])):
            kept = is_kept(threshold, bits_of(keep_key, position))
            counts[int(kept), below(bits_of(key, position), window)] += 1
        return counts.ravel()

    assert_frequencies(table(reach_key), np.full(2 * window, 0.5 / window))
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies(table(keep_key), np.full(2 * window, 0.5 / window))


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, N_WORDS - 1), min_size=1, max_size=5), max_size=10))
def test_contexts_are_grouped_by_word(contexts):
    flat = np.array([word for row in contexts for word in row], np.int32)
    starts = np.cumsum([0, *(len(row) for row in contexts)]).astype(np.int64)
    places = np.zeros(N_WORDS, np.int64)
    grouped = group_by_word(ContextRows(np.zeros(len(contexts), np.int32), starts, flat), places)
    assert grouped.words.tolist() == sorted(set(flat.tolist()))
    for m, word in enumerate(grouped.words):
        rows = grouped.rows[grouped.starts[m] : grouped.starts[m + 1]].tolist()
        assert rows == [r for r, row in enumerate(contexts) for other in row if other == word]
    assert not places.any()


@settings(deadline=None)
@given(st.lists(st.integers(0, 49), max_size=30), st.integers(1, 60))
def test_observed_words_are_cut_by_tiles(words, tile):
    tile_starts, rows, columns = one_entry_a_row(np.array(words, np.int32), 50, tile)
    assert len(tile_starts) == -(-50 // tile) + 1
    for number in range(len(tile_starts) - 1):
        part = slice(tile_starts[number], tile_starts[number + 1])
        expected = [(r, word) for r, word in enumerate(words) if word // tile == number]
        assert list(zip(rows[part].tolist(), columns[part].tolist(), strict=True)) == expected


def test_every_row_weighs_one():
    batch = next(batches_of([[0, 1, 2, 3]]).one_epoch(0))
    assert np.array_equal(batch.weights, np.ones(4))
    assert np.array_equal(batch.row_weights, np.ones(4))
    assert cbow_batch(batch.windows, N_WORDS, 504).tile_starts.tolist() == [0, 4]


def test_wrong_texts_and_settings_are_told():
    with pytest.raises(CorpusError, match="expected words with contexts in every epoch"):
        batches_of([[0], [1], []])
    with pytest.raises(VocabularyError, match="expected words from 0 to 8, got 9 at position 1"):
        batches_of([[0, 9]])
    with pytest.raises(VocabularyError, match="got -1 at position 0"):
        batches_of([[-1, 0]])
    broken = EncodedTokens(np.zeros(4, np.int32), np.array([0, 3, 2, 4]), 4, 0)
    with pytest.raises(CorpusError, match="sentence_starts: expected numbers that never fall"):
        CbowBatches(broken, np.ones(1), dimensions=2, window=1, rows=1, epochs=1, seed=1)
    for name in ("rows", "epochs", "run"):
        with pytest.raises(ConfigurationError, match=f"{name}: expected at least 1, got 0"):
            batches_of([[0, 1]], **{name: 0})
    with pytest.raises(ConfigurationError, match="window"):
        batches_of([[0, 1]], window=0)


def test_a_text_that_changes_under_an_epoch_is_told():
    """As one may that is mapped from a file; rows that were not filled are never trained on."""
    batches = batches_of([[0, 1, 2], [3, 4]], rows=2)
    batches._text.ids[:] = 0
    assert len(list(batches.one_epoch(0))) == 3  # other words, but as many
    batches._text.sentence_starts[:] = [0, 1, 5]
    with pytest.raises(CorpusError, match=r"expected 2 more words with contexts .*, got 1"):
        list(batches.one_epoch(0))
