"""Statistics of counts against numpy and known distributions; arrays that are no counts."""

import math

import numpy as np
import pytest

from fastw2v.counts.matrix import PairCounts
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import CorpusError
from tests.support.naive_counts import dense, small_corpus, tokens_of


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
