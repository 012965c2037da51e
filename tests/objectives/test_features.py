"""Features of words: which there are, how rows are scaled, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from fastw2v.errors import ConfigurationError
from fastw2v.objectives.features import (
    FeatureMatrix,
    Ngrams,
    given_features,
    matrix_features,
    ngram_features,
    rows_of_features,
)
from tests.support.feature_twins import dense

WORDS = ["rivers", "river", "lake", "aaaa"]
NGRAMS = Ngrams(3, 4, 5000)


def test_a_word_is_itself_and_its_ngrams():
    matrix, buckets = ngram_features(WORDS, NGRAMS)
    table = dense(matrix)
    assert np.array_equal(table[:, :4], np.eye(4))
    starts, found = NGRAMS.of(WORDS)
    assert np.array_equal(buckets, np.unique(found))
    for word in range(4):
        expected = np.zeros(len(buckets))
        np.add.at(expected, np.searchsorted(buckets, found[starts[word] : starts[word + 1]]), 1)
        assert np.array_equal(table[word, 4:], expected)
    assert table[3].max() == 2  # "aaa" stands twice in "<aaaa>"


def test_scales_make_rows_as_large_as_single_features():
    matrix = FeatureMatrix(
        np.array([0, 2, 3]), np.array([0, 1, 1], np.int32), np.array([3, 4, -2], np.float32), 2
    )
    assert np.allclose(matrix.scales, [1 / 5, 1 / 2])
    assert np.allclose(replace(matrix, power=1.0).scales, [1 / 7, 1 / 2])
    assert matrix.typical_size == pytest.approx((49 / 25 + 1) / 2)
    assert matrix.is_shared.tolist() == [False, True]
    assert not matrix.is_plain


def test_a_feature_twice_in_one_word_is_not_shared():
    matrix = FeatureMatrix(
        np.array([0, 2, 3]), np.array([0, 0, 1], np.int32), np.ones(3, np.float32), 2
    )
    assert not matrix.is_shared.any()
    assert not matrix.is_plain


def test_words_by_another_name_are_plain():
    matrix, names = given_features(["b", "a"], {"a": ["x"], "b": ["y"]})
    assert names == ["x", "y"]
    assert dense(matrix).tolist() == [[0, 1], [1, 0]]
    assert matrix.is_plain


def test_rows_and_their_transpose_have_the_same_entries():
    matrix, _ = ngram_features(WORDS, NGRAMS)
    chosen = np.array([0, 3])
    rows = matrix.rows(chosen)
    by_feature = rows_of_features(rows)
    table = np.zeros((2, matrix.n_features))
    for k, feature in enumerate(by_feature.features):
        entries = slice(by_feature.starts[k], by_feature.starts[k + 1])
        assert (np.diff(by_feature.rows[entries]) >= 0).all()
        np.add.at(table[:, feature], by_feature.rows[entries], by_feature.values[entries])
    assert np.array_equal(table, dense(matrix)[chosen])
    assert np.array_equal(rows.scales, matrix.scales[chosen])
    assert (np.diff(by_feature.features) > 0).all()


def test_the_end_of_a_sentence_has_no_ngrams():
    starts, _ = NGRAMS.of(["</s>", "river", "</s>"])
    sizes = np.diff(starts)
    assert sizes[0] == sizes[2] == 0
    assert np.array_equal(NGRAMS.of(["river"])[1], NGRAMS.of(["</s>", "river"])[1])


def test_a_matrix_of_scipy():
    given = sparse.csr_matrix(np.array([[1.0, 0, 0.5], [0, 2, 0]]))
    matrix = matrix_features(given, ["noun", "verb", "plural"], 2)
    assert np.array_equal(dense(matrix), given.toarray())


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"a": ["x"]}, r"at least one for each of 2 words, got none for 'b'"),
        ({"a": ["x"], "b": []}, r"got none for 'b'"),
        ({"a": ["x"], "b": ["x"], "c": ["x"]}, r"the 2 words of the vocabulary, got some for 'c'"),
        ({"a": ["x"], "b": "xy"}, r"a list of names for 'b', got 'xy'"),
        ({"a": ["x"], "b": [3]}, r"a list of names for 'b'"),
        ({"a": ["x"], "b": [""]}, r"a list of names for 'b'"),
        ({"a": ["x"], "b": 7}, r"a list of names for 'b', got '7'"),
        ({"a": ["x"], "b": b"xy"}, r"a list of names for 'b'"),
        ({"a": ["x"], "b": ["\ud800"]}, r"a list of names for 'b'"),
        ({"a": ["x"], "b": None}, r"a list of names for 'b', got 'None'"),
        ([["x"], ["y"]], r"a mapping from each word .* got list"),
        ("a\tx", r"a mapping from each word .* got str"),
    ],
)
def test_what_is_no_feature_is_refused(features, message):
    with pytest.raises(ConfigurationError, match=message):
        given_features(["a", "b"], features)


@pytest.mark.parametrize(
    ("table", "names", "message"),
    [
        ([[1.0, 0], [0, 0]], ["x", "y"], r"at least one for each of 2 words, got none in row 1"),
        ([[1.0, 0], [0, np.nan]], ["x", "y"], r"finite numbers .* got nan"),
        ([[1.0, 0], [0, -np.inf]], ["x", "y"], r"finite numbers .* got -inf"),
        ([[1.0, 0], [0, 1e-40]], ["x", "y"], r"finite numbers from 1e-15"),
        ([[1.0, 0], [0, 1e300]], ["x", "y"], r"finite numbers .* to 1e\+15"),
        ([[1.0, 0], [0, 1j]], ["x", "y"], r"real numbers, got complex"),
        ([[1.0, 0], [0, 1]], ["x", 5], r"names that are texts, got \[5\]"),
        ([[1.0, 0], [0, 1]], ["x", ""], r"names that are texts, got \[''\]"),
        ([[1.0, 0], [0, 1]], ["x", "x"], r"names all different"),
        ([[1.0, 0]], ["x", "y"], r"a matrix of 2 words and 2 names, got \(1, 2\)"),
    ],
)
def test_what_is_no_matrix_of_features_is_refused(table, names, message):
    with pytest.raises(ConfigurationError, match=message):
        matrix_features(sparse.csr_matrix(np.array(table)), names, 2)


def test_what_is_no_sparse_matrix_is_refused():
    with pytest.raises(ConfigurationError, match=r"a sparse matrix of scipy's, got ndarray"):
        matrix_features(np.eye(2), ["x", "y"], 2)


def test_any_collection_of_names_will_do():
    """The order of a list, and what has none, a set say, make no difference."""
    expected = given_features(["a", "b"], {"a": ["x", "y", "z"], "b": ["x"]})
    for names in (["z", "x", "y"], {"x", "y", "z"}, (n for n in "zyx"), np.array(["y", "x", "z"])):
        matrix, found = given_features(["a", "b"], {"b": ("x",), "a": names})
        assert found == expected[1]
        assert np.array_equal(matrix.indices, expected[0].indices)
    twice, _ = given_features(["a"], {"a": ["x", "x"]})
    assert dense(twice).tolist() == [[2]]


def test_places_of_a_matrix_that_are_given_twice_or_are_zero():
    given = sparse.csr_matrix(
        (np.array([1.0, 0.0, 2.0, 5.0]), np.array([2, 1, 2, 0]), np.array([0, 3, 4])), (2, 3)
    )
    matrix = matrix_features(given, ["x", "y", "z"], 2)
    assert dense(matrix).tolist() == [[0, 0, 3], [5, 0, 0]]
    assert matrix.is_plain
    assert given.nnz == 4  # what the caller has stays
    of_numbers = matrix_features(sparse.csr_matrix(np.eye(2, dtype=bool)), ["x", "y"], 2)
    assert of_numbers.values.dtype == np.float32


def test_more_ngrams_than_memory_are_refused_before_they_are_made():
    word = "x" * 1_000_000
    with pytest.raises(
        ConfigurationError, match=r"max_n: .* got 999,\d+,\d+, those of 'x+'\.\.\. "
    ):
        Ngrams(1, 1000, 1000).of(["river", word])
    starts, _ = Ngrams(3, 6, 1000).of(["river", word])
    assert starts[-1] == 14 + 4 * 1_000_002 - (2 + 3 + 4 + 5)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 4), (3, 6), (6, 6), (9, 12)])
def test_as_many_ngrams_are_foreseen_as_there_are(sizes):
    """But for the single "<" and ">", which are none."""
    words = ["", "a", "straße", "日本語", "x" * 20]
    for word in words:
        frames = 2 if sizes[0] == 1 else 0
        foreseen = Ngrams(*sizes, 100)._most([word])
        assert foreseen - frames == len(Ngrams(*sizes, 100).of([word])[1])
