"""What docs/math.md says of the best possible model, at optima that are known in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.kernels.formulas.functions import softmax
from fastw2v.kernels.formulas.skipgram import SparseRows, batch_loss_and_gradients
from tests.support.gradient_checks import relative_error

compiled = settings(deadline=None)  # the first call may compile


def sparse(dense):
    indptr = np.concatenate(([0], np.count_nonzero(dense, axis=1).cumsum()))
    rows, columns = np.nonzero(dense)
    return SparseRows(indptr.astype(np.int64), columns.astype(np.int64), dense[rows, columns])


def entropy_floor(counts):
    """Return sum_c a_c H(p(.|c)) in nats."""
    floor = 0.0
    for row in counts:
        seen = row[row > 0]
        floor -= (seen * np.log(seen / seen.sum())).sum()
    return floor


def positive_counts(seed, n_types):
    return np.random.default_rng(seed).integers(1, 20, (n_types, n_types)).astype(np.float64)


@compiled
@given(st.integers(1, 5), st.integers(1, 6), st.floats(0, 30), st.integers(0, 2**32 - 1))
def test_no_model_is_below_the_floor(rows, n_types, scale, seed):
    rng = np.random.default_rng(seed)
    V, U = rng.standard_normal((rows, 3)) * scale, rng.standard_normal((n_types, 3))
    b = rng.standard_normal(n_types)
    counts = rng.integers(0, 5, (rows, n_types)).astype(np.float64)
    loss = batch_loss_and_gradients(V, U, b, sparse(counts)).loss
    assert loss >= entropy_floor(counts) * (1 - 1e-12)


def test_the_floor_is_reached_with_as_many_dimensions_as_words():
    counts = positive_counts(0, 5)
    V, U, b = np.log(counts), np.eye(5), np.zeros(5)
    loss, *gradients = batch_loss_and_gradients(V, U, b, sparse(counts))
    assert loss == pytest.approx(entropy_floor(counts), rel=1e-13)
    for gradient in gradients:
        assert np.abs(gradient).max() < 1e-12 * counts.sum()


def test_under_a_unigram_bias_the_optimum_is_pointwise_mutual_information():
    counts = positive_counts(1, 4)
    unigram = counts.sum(axis=0) / counts.sum()
    mutual_information = np.log(counts / counts.sum(axis=1, keepdims=True) / unigram)
    result = batch_loss_and_gradients(
        mutual_information, np.eye(4), np.log(unigram), sparse(counts)
    )
    assert result.loss == pytest.approx(entropy_floor(counts), rel=1e-13)
    assert np.abs(result.centre_vectors).max() < 1e-12 * counts.sum()
    wrong = batch_loss_and_gradients(mutual_information, np.eye(4), np.zeros(4), sparse(counts))
    assert wrong.loss > result.loss * 1.01


def test_the_bias_corrected_for_subsampling_speaks_of_the_text():
    counts = positive_counts(2, 4)
    keep = np.array([0.1, 0.4, 0.9, 1.0])
    trained_on = keep[:, None] * counts * keep
    V = np.log(counts * keep)  # an optimum: softmax(V) is the weighted distribution of each row
    result = batch_loss_and_gradients(V, np.eye(4), np.zeros(4), sparse(trained_on))
    assert result.loss == pytest.approx(entropy_floor(trained_on), rel=1e-13)
    of_the_text = counts / counts.sum(axis=1, keepdims=True)
    for row in range(4):
        np.testing.assert_allclose(softmax(V[row] - np.log(keep)), of_the_text[row], rtol=1e-12)
        assert relative_error(softmax(V[row]), of_the_text[row]) > 0.1


def test_training_starts_at_the_unigram_entropy():
    counts = positive_counts(3, 6)
    unigram = counts.sum(axis=0) / counts.sum()
    V = np.random.default_rng(3).standard_normal((6, 2))
    result = batch_loss_and_gradients(V, np.zeros((6, 2)), np.log(unigram), sparse(counts))
    entropy = -(unigram * np.log(unigram)).sum()
    assert result.loss / counts.sum() == pytest.approx(entropy, rel=1e-13)
    assert entropy > entropy_floor(counts) / counts.sum()
    assert np.abs(result.out_bias).max() < 1e-11  # the fixed bias is already the best one
