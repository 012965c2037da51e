"""Rows of skip-gram and CBOW against loops over the text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.objectives.losses import rows as input_rows
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.losses.rows import CentreRows
from fastw2v.text.encoded import EncodedTokens
from tests.support.dense_scores import dense_of
from tests.support.dense_softmax import pair_counts, random_counts
from tests.support.statistical_checks import FrequencyMismatchError, assert_frequencies

patient = settings(deadline=None)  # the first call may compile
V, D = 12, 5
VECTORS = np.random.default_rng(1).standard_normal((V, D)).astype(np.float32)


def encoded(sentences):
    ids = np.array([word for sentence in sentences for word in sentence], np.int32)
    starts = np.cumsum([0, *map(len, sentences)]).astype(np.int64)
    return EncodedTokens(ids, starts, len(ids), 0)


def gathered(rows):
    """All rows as (inputs, dense weights)."""
    batches = list(rows)
    inputs = np.concatenate([batch.inputs for batch in batches])
    return inputs, np.concatenate([dense_of(batch, V) for batch in batches])


@pytest.mark.parametrize(("rows_at_once", "entries_at_once"), [(4096, 2**20), (3, 2**20), (99, 7)])
def test_all_centre_rows_are_the_counts(monkeypatch, rows_at_once, entries_at_once):
    monkeypatch.setattr(input_rows, "BATCH_ROWS", rows_at_once)
    monkeypatch.setattr(input_rows, "BATCH_ENTRIES", entries_at_once)
    dense = random_counts(np.random.default_rng(2), V)
    dense[3] = 0
    rows = CentreRows(VECTORS, pair_counts(dense))
    kept = dense.sum(axis=1) > 0
    for _ in range(2):  # they can be gone over again
        inputs, found = gathered(rows)
        np.testing.assert_array_equal(found, dense[kept])
        np.testing.assert_array_equal(inputs, VECTORS[kept])
    for batch in rows:
        np.testing.assert_array_equal(batch.row_weights, dense_of(batch, V).sum(axis=1))


def test_a_sample_draws_centres_by_their_weight():
    dense = random_counts(np.random.default_rng(3), V, density=0.9)
    shares = dense.sum(axis=1) / dense.sum()
    drawn = np.zeros(V)
    for seed in range(400):
        for batch in CentreRows(VECTORS, pair_counts(dense), sample=8, seed=seed):
            distances = np.abs(batch.inputs[:, None] - VECTORS[None]).sum(axis=2)
            centres = distances.argmin(axis=1)
            drawn[centres] += batch.row_weights
            found = dense_of(batch, V)
            expected = dense[centres] / dense[centres].sum(axis=1, keepdims=True)
            np.testing.assert_allclose(found / found.sum(axis=1, keepdims=True), expected)
    assert_frequencies(np.round(drawn), shares)
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies(np.round(drawn), np.full(V, 1 / V))


def test_a_sample_follows_from_its_seed_and_a_large_one_is_everything():
    counts = pair_counts(random_counts(np.random.default_rng(3), V, density=0.9))
    one, again, other = (
        gathered(CentreRows(VECTORS, counts, sample=6, seed=seed))[1].tobytes()
        for seed in (1, 1, 2)
    )
    assert one == again != other
    whole = gathered(CentreRows(VECTORS, counts))[1]
    np.testing.assert_array_equal(gathered(CentreRows(VECTORS, counts, sample=V))[1], whole)


def naive_cbow(sentences, window, mean):
    """Naive twin: an input and a word for each token and reach."""
    inputs, words = [], []
    for sentence in sentences:
        for place, word in enumerate(sentence):
            if len(sentence) < 2:
                continue
            for reach in range(1, window + 1):
                near = (
                    sentence[max(0, place - reach) : place]
                    + sentence[place + 1 : place + reach + 1]
                )
                total = VECTORS[near].astype(np.float64).sum(axis=0)
                inputs.append(total / len(near) if mean else total)
                words.append(word)
    return np.array(inputs), words


sentence_lists = st.lists(st.lists(st.integers(0, V - 1), max_size=9), max_size=8).filter(
    lambda sentences: any(len(sentence) > 1 for sentence in sentences)
)


@patient
@given(sentence_lists, st.integers(1, 4), st.booleans(), st.integers(1, 20))
def test_cbow_rows_are_those_of_the_twin(sentences, window, mean, rows_at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(input_rows, "BATCH_ROWS", rows_at_once)
        inputs, dense = gathered(CbowRows(VECTORS, encoded(sentences), window=window, mean=mean))
    expected, words = naive_cbow(sentences, window, mean)
    np.testing.assert_allclose(inputs, expected, rtol=1e-6, atol=1e-6)
    assert (dense.sum(axis=1) == 1).all()
    assert dense.argmax(axis=1).tolist() == words


def test_a_sample_of_tokens_is_drawn_without_the_lonely_ones():
    sentences = [[0, 1, 2], [3], [], [4], [5, 6]]
    tokens = encoded(sentences)
    seen = set()
    for seed in range(60):
        inputs, dense = gathered(
            CbowRows(VECTORS, tokens, window=1, mean=True, sample=2, seed=seed)
        )
        assert len(inputs) == 2
        seen.update(dense.argmax(axis=1).tolist())
    assert seen == {0, 1, 2, 5, 6}
    whole, _ = gathered(CbowRows(VECTORS, tokens, window=1, mean=True, sample=7))
    assert len(whole) == 5


@pytest.mark.parametrize("sample", [3, 40])
def test_tokens_are_drawn_evenly_whatever_the_size_of_the_sample(sample):
    sentences = [[0, 1, 2], [3], [4, 5]] * 10  # 60 tokens, 50 with contexts
    drawn, n_rows = np.zeros(V), 0
    for seed in range(600):
        rows = CbowRows(VECTORS, encoded(sentences), window=1, mean=True, sample=sample, seed=seed)
        assert len(np.unique(rows.positions)) == len(rows.positions) == sample
        drawn += gathered(rows)[1].sum(axis=0)
        n_rows += sample
    assert drawn.sum() == n_rows
    expected = np.array([1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]) / 5
    assert_frequencies(drawn, expected)
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies(drawn, np.array([1, 1, 1, 0, 2, 2, 0, 0, 0, 0, 0, 0]) / 7)


def test_a_text_of_almost_nothing_but_lonely_tokens():
    lonely = [[1]] * 5000
    options = {"window": 1, "mean": True, "sample": 2}
    with pytest.raises(CorpusError, match="expected tokens with contexts, drew 32 times"):
        CbowRows(VECTORS, encoded([*lonely, [0, 1]]), **options)
    rows = CbowRows(VECTORS, encoded([*lonely, *[[2, 3]] * 400]), **options)
    assert gathered(rows)[1].argmax(axis=1).tolist()[0] in (2, 3)


def test_one_context_of_cbow_is_skip_gram():
    # With windows of one neighbour each token has one input; the pairs are skip-gram's, turned.
    sentences = [[0, 1], [2, 3], [1, 2]]
    inputs, dense = gathered(CbowRows(VECTORS, encoded(sentences), window=1, mean=False))
    counts = count_pairs(encoded(sentences), V, 1, workers=1)
    expected_inputs, expected = gathered(CentreRows(VECTORS, counts))
    summed = np.zeros((V, V))
    for vector, weights in zip(inputs, dense, strict=True):
        summed[np.abs(VECTORS - vector).sum(axis=1).argmin()] += weights
    np.testing.assert_array_equal(summed[:4], expected)
    np.testing.assert_array_equal(expected_inputs, VECTORS[:4])


def test_what_does_not_fit_is_refused():
    counts = pair_counts(random_counts(np.random.default_rng(2), V))
    with pytest.raises(VocabularyError, match="expected one for each of 12 words"):
        CentreRows(VECTORS[:5], counts)
    with pytest.raises(ConfigurationError, match="sample: expected at least 1 row, got 0"):
        CentreRows(VECTORS, counts, sample=0)
    with pytest.raises(CorpusError, match="at least one pair"):
        CentreRows(VECTORS, pair_counts(np.zeros((V, V), int)))
    options = {"window": 2, "mean": True}
    with pytest.raises(VocabularyError, match=r"expected ids from 0 to 11, .* got 0 to 12"):
        CbowRows(VECTORS, encoded([[0, 12]]), **options)
    with pytest.raises(CorpusError, match="a sentence of at least two tokens"):
        CbowRows(VECTORS, encoded([[1], [], [2]]), **options)
    with pytest.raises(ConfigurationError, match="window"):
        CbowRows(VECTORS, encoded([[0, 1]]), window=0, mean=True)
