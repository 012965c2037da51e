"""The full-softmax skip-gram formulas against loops, differences and known optima."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.kernels.formulas.functions import log_sigmoid_scalar, sigmoid_scalar, softmax
from fastw2v.kernels.formulas.skipgram import (
    SparseRows,
    batch_loss_and_gradients,
    pair_loss_and_gradients,
)
from tests.support.gradient_checks import GradientMismatchError, assert_gradient, relative_error

compiled = settings(deadline=None)  # the first call may compile


def plain_pair(v, U, b, context):
    """Loop over the derivation: dv = -u_o + sum yhat_w u_w, dU_w = (yhat_w - y_w) v."""
    n_types, dimensions = U.shape
    scores = [b[w] + sum(U[w, d] * v[d] for d in range(dimensions)) for w in range(n_types)]
    largest = max(scores)
    total = sum(np.exp(score - largest) for score in scores)
    yhat = [np.exp(score - largest) / total for score in scores]
    loss = np.log(total) - (scores[context] - largest)
    dv = -U[context].copy()
    dU, db = np.empty_like(U), np.empty_like(b)
    for w in range(n_types):
        dv += yhat[w] * U[w]
        error = yhat[w] - (w == context)
        dU[w] = error * v
        db[w] = error
    return loss, dv, dU, db


def plain_batch(V, U, b, contexts):
    """Add up single pairs, each times its weight."""
    loss, dV, dU, db = 0.0, np.zeros_like(V), np.zeros_like(U), np.zeros_like(b)
    for row in range(len(V)):
        for entry in range(contexts.indptr[row], contexts.indptr[row + 1]):
            pair = plain_pair(V[row], U, b, contexts.indices[entry])
            weight = contexts.weights[entry]
            loss += weight * pair[0]
            dV[row] += weight * pair[1]
            dU += weight * pair[2]
            db += weight * pair[3]
    return loss, dV, dU, db


def parameters(rows, n_types, dimensions, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((rows, dimensions)) * scale,
        rng.standard_normal((n_types, dimensions)) * scale,
        rng.standard_normal(n_types) * scale,
    )


def sparse(dense, index_type=np.int64):
    dense = np.asarray(dense)
    indptr = np.concatenate(([0], np.count_nonzero(dense, axis=1).cumsum())).astype(np.int64)
    rows, columns = np.nonzero(dense)
    return SparseRows(indptr, columns.astype(index_type), dense[rows, columns])


def random_contexts(rows, n_types, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 9, (rows, n_types)) * (rng.random((rows, n_types)) < 0.5)
    return sparse(counts.astype(np.float64))


def assert_equal_results(got, expected, tolerance=1e-12):
    for one, other in zip(got, expected, strict=True):
        assert relative_error(one, other) < tolerance


# One pair


@pytest.mark.parametrize("dimensions", [1, 3])
@pytest.mark.parametrize("n_types", [1, 2, 7])
def test_pair_equals_the_loops(n_types, dimensions):
    V, U, b = parameters(1, n_types, dimensions)
    for context in range(n_types):
        got = pair_loss_and_gradients(V[0], U, b, context)
        assert [np.shape(part) for part in got] == [(), V[0].shape, U.shape, b.shape]
        assert_equal_results(got, plain_pair(V[0], U, b, context))


@pytest.mark.parametrize(("n_types", "dimensions"), [(2, 1), (6, 3), (3, 5)])
def test_pair_gradients_are_slopes(n_types, dimensions):
    V, U, b = parameters(1, n_types, dimensions, seed=1)
    v, context = V[0], n_types - 1
    _, dv, dU, db = pair_loss_and_gradients(v, U, b, context)
    one_hot = np.eye(n_types)[context]

    def by_v(x):
        return pair_loss_and_gradients(x, U, b, context).loss

    def by_out(x):
        return pair_loss_and_gradients(v, x, b, context).loss

    def by_bias(x):
        return pair_loss_and_gradients(v, U, x, context).loss

    assert_gradient(by_v, v, dv)
    assert_gradient(by_out, U, dU)
    assert_gradient(by_bias, b, db)

    only_the_context = dU * one_hot[:, None]
    all_but_the_context = dU - only_the_context
    sabotaged = [
        (by_v, v, -dv),
        (by_v, v, -U[context]),  # the sum over the vocabulary dropped
        (by_v, v, dv + U[context]),  # the context's own term dropped
        (by_out, U, -dU),
        (by_out, U, only_the_context),
        (by_out, U, all_but_the_context),
        (by_out, U, np.outer(db + one_hot, v)),  # yhat for yhat - y
        (by_bias, b, -db),
        (by_bias, b, db + one_hot),
        (by_bias, b, -one_hot),
    ]
    for function, point, wrong in sabotaged:
        with pytest.raises(GradientMismatchError):
            assert_gradient(function, point, wrong)


def test_a_word_alone_is_certain():
    V, U, b = parameters(1, 1, 4)
    loss, dv, dU, db = pair_loss_and_gradients(V[0], U, b, 0)
    assert loss == 0
    assert not dv.any()
    assert not dU.any()
    assert not db.any()


def test_two_words_are_a_logistic_regression():
    V, U, b = parameters(1, 2, 3)
    margin = (U[1] - U[0]) @ V[0] + b[1] - b[0]
    loss, dv, _, db = pair_loss_and_gradients(V[0], U, b, 1)
    assert loss == pytest.approx(-log_sigmoid_scalar(margin), rel=1e-13)
    assert relative_error(dv, -sigmoid_scalar(-margin) * (U[1] - U[0])) < 1e-12
    assert db[0] == pytest.approx(sigmoid_scalar(-margin), rel=1e-13)


@pytest.mark.parametrize("huge", [1e4, 1e300])
def test_huge_scores_stay_finite_and_right(huge):
    root = np.sqrt(huge)
    v, U, b = np.array([root]), np.array([[root], [-root], [root]]), np.zeros(3)
    likely = pair_loss_and_gradients(v, U, b, 0)
    assert likely.loss == pytest.approx(np.log(2), rel=1e-12)
    np.testing.assert_allclose(likely.out_bias, [-0.5, 0, 0.5])
    impossible = pair_loss_and_gradients(v, U, b, 1)
    assert impossible.loss == pytest.approx(2 * huge, rel=1e-4)
    np.testing.assert_allclose(impossible.out_bias, [0.5, -1, 0.5])
    np.testing.assert_allclose(impossible.centre_vectors, [2 * root])
    contexts = SparseRows(np.array([0, 2]), np.array([0, 1]), np.array([3.0, 2.0]))
    batch = batch_loss_and_gradients(v[None], U, b, contexts)
    assert batch.loss == pytest.approx(3 * likely.loss + 2 * impossible.loss, rel=1e-12)
    np.testing.assert_allclose(batch.out_bias, 3 * likely.out_bias + 2 * impossible.out_bias)


# A batch of rows


@compiled
@given(
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_batch_is_the_sum_of_its_pairs(rows, n_types, dimensions, seed):
    V, U, b = parameters(rows, n_types, dimensions, seed)
    contexts = random_contexts(rows, n_types, seed)
    got = batch_loss_and_gradients(V, U, b, contexts)
    assert_equal_results(got, plain_batch(V, U, b, contexts), tolerance=1e-10)


def test_counts_are_repeated_pairs_and_rows_may_be_split():
    V, U, b = parameters(3, 5, 4)
    counts = np.array([[3, 0, 1, 0, 2], [0, 0, 0, 0, 4], [1, 1, 1, 1, 1]], np.float64)
    once = batch_loss_and_gradients(V, U, b, sparse(counts))
    pairs = [(c, o) for c in range(3) for o in range(5) for _ in range(int(counts[c, o]))]
    centres = np.array([c for c, _ in pairs])
    repeated = SparseRows(
        np.arange(len(pairs) + 1), np.array([o for _, o in pairs]), np.ones(len(pairs))
    )
    loss, dV, dU, db = batch_loss_and_gradients(V[centres], U, b, repeated)
    folded = np.zeros_like(V)
    np.add.at(folded, centres, dV)
    assert_equal_results(once, (loss, folded, dU, db))
    in_one_row = SparseRows(np.array([0, 3]), np.array([1, 4, 1]), np.array([1.0, 2.0, 3.0]))
    summed = SparseRows(np.array([0, 2]), np.array([1, 4]), np.array([4.0, 2.0]))
    assert_equal_results(
        batch_loss_and_gradients(V[:1], U, b, in_one_row),
        batch_loss_and_gradients(V[:1], U, b, summed),
    )


def test_one_row_for_each_word_has_the_gradient_of_the_running_text():
    rng = np.random.default_rng(5)
    sentences = [rng.integers(0, 6, length) for length in (9, 1, 14, 2)]
    V, U, b = parameters(6, 6, 3)
    window, counts = 3, Counter()
    loss, dV, dU, db = 0.0, np.zeros_like(V), np.zeros_like(U), np.zeros_like(b)
    for sentence in sentences:
        for i, centre in enumerate(sentence):
            for j, context in enumerate(sentence):
                if i != j and abs(i - j) <= window:
                    weight = window - abs(i - j) + 1
                    counts[centre, context] += weight
                    pair = plain_pair(V[centre], U, b, context)
                    loss += weight * pair[0]
                    dV[centre] += weight * pair[1]
                    dU += weight * pair[2]
                    db += weight * pair[3]
    dense = np.zeros((6, 6))
    for (centre, context), weight in counts.items():
        dense[centre, context] = weight
    assert_equal_results(batch_loss_and_gradients(V, U, b, sparse(dense)), (loss, dV, dU, db))


@pytest.mark.parametrize(("rows", "n_types", "dimensions"), [(1, 2, 1), (4, 5, 3), (2, 3, 6)])
def test_batch_gradients_are_slopes(rows, n_types, dimensions):
    V, U, b = parameters(rows, n_types, dimensions, seed=2)
    counts = np.random.default_rng(2).integers(1, 6, (rows, n_types)).astype(np.float64)
    counts[0, 0] = 0
    contexts = sparse(counts)
    _, dV, dU, db = batch_loss_and_gradients(V, U, b, contexts)

    def by_centre(x):
        return batch_loss_and_gradients(x, U, b, contexts).loss

    def by_out(x):
        return batch_loss_and_gradients(V, x, b, contexts).loss

    def by_bias(x):
        return batch_loss_and_gradients(V, U, x, contexts).loss

    assert_gradient(by_centre, V, dV)
    assert_gradient(by_out, U, dU)
    assert_gradient(by_bias, b, db)

    weights = counts.sum(axis=1, keepdims=True)
    yhat = np.array([softmax(row) for row in V @ U.T + b])
    unweighted = yhat - counts / weights
    half_weighted = yhat - counts
    no_target = weights * yhat
    first_row_lost = (weights * yhat - counts) * (np.arange(rows) > 0)[:, None]
    for G in (unweighted, half_weighted, no_target, first_row_lost, counts - no_target):
        for function, point, wrong in [
            (by_centre, V, G @ U),
            (by_out, U, G.T @ V),
            (by_bias, b, G.sum(axis=0)),
        ]:
            with pytest.raises(GradientMismatchError):
                assert_gradient(function, point, wrong)


def test_a_row_without_contexts_contributes_exactly_zero():
    V, U, b = parameters(3, 5, 4)
    V[1] = 1.7e308 * np.sign(U[0])  # scores of +-inf, and still nothing may come of it
    with_empty = SparseRows(np.array([0, 2, 2, 3]), np.array([1, 4, 0]), np.array([2.0, 1.0, 5.0]))
    without = SparseRows(np.array([0, 2, 3]), with_empty.indices, with_empty.weights)
    with np.errstate(over="ignore", invalid="ignore"):
        got = batch_loss_and_gradients(V, U, b, with_empty)
    expected = batch_loss_and_gradients(V[[0, 2]], U, b, without)
    assert got.loss == expected.loss
    np.testing.assert_array_equal(got.centre_vectors[1], 0)
    assert_equal_results(got._replace(centre_vectors=got.centre_vectors[[0, 2]]), expected)

    V, U, b = parameters(3, 5, 4)
    nothing = SparseRows(np.zeros(4, np.int64), np.zeros(0, np.int64), np.zeros(0))
    loss, *gradients = batch_loss_and_gradients(V, U, b, nothing)
    assert loss == 0
    assert all(not gradient.any() for gradient in gradients)
    no_rows = SparseRows(np.zeros(1, np.int64), nothing.indices, nothing.weights)
    loss, *gradients = batch_loss_and_gradients(V[:0], U, b, no_rows)
    assert loss == 0
    assert [gradient.shape for gradient in gradients] == [(0, 4), U.shape, b.shape]
    assert all(not gradient.any() for gradient in gradients)


def test_gradients_by_the_scores_cancel_over_the_vocabulary():
    V, U, b = parameters(6, 9, 3)
    result = batch_loss_and_gradients(V, U, b, random_contexts(6, 9))
    assert abs(result.out_bias.sum()) < 1e-12 * np.abs(result.out_bias).sum()
    assert np.abs(result.out_vectors.sum(axis=0)).max() < 1e-12 * np.abs(result.out_vectors).sum()


def test_shifting_every_bias_changes_nothing():
    V, U, b = parameters(4, 5, 3)
    contexts = random_contexts(4, 5)
    expected = batch_loss_and_gradients(V, U, b, contexts)
    shifted = batch_loss_and_gradients(V, U, b + 1e4, contexts)
    assert_equal_results(shifted, expected, tolerance=1e-9)


def test_single_precision_and_index_types_agree():
    V, U, b = (array.astype(np.float32) for array in parameters(5, 40, 16, scale=0.5))
    counts = random_contexts(5, 40)
    wide = [array.astype(np.float64) for array in (V, U, b)]
    expected = batch_loss_and_gradients(*wide, counts)
    narrow = SparseRows(
        counts.indptr, counts.indices.astype(np.int32), counts.weights.astype(np.float32)
    )
    got = batch_loss_and_gradients(V, U, b, narrow)
    assert [part.dtype for part in got[1:]] == [np.float32] * 3
    assert got.loss == pytest.approx(expected.loss, rel=1e-6)
    assert_equal_results(got, expected, tolerance=1e-4)
    whole = counts._replace(weights=counts.weights.astype(np.int64))
    assert_equal_results(batch_loss_and_gradients(*wide, whole), expected)

    pair = pair_loss_and_gradients(V[0], U, b, 7)
    assert [part.dtype for part in pair[1:]] == [np.float32] * 3
    assert_equal_results(pair, plain_pair(wide[0][0], *wide[1:], 7), tolerance=1e-4)


def test_inputs_are_left_alone():
    V, U, b = parameters(3, 4, 2)
    contexts = random_contexts(3, 4)
    before = [array.copy() for array in (V, U, b, *contexts)]
    batch_loss_and_gradients(V, U, b, contexts)
    pair_loss_and_gradients(V[0], U, b, 2)
    for array, copy in zip((V, U, b, *contexts), before, strict=True):
        np.testing.assert_array_equal(array, copy)


# What does not fit


def test_pairs_that_do_not_fit_are_refused():
    V, U, b = parameters(1, 4, 3)
    for context in (-1, 4):
        with pytest.raises(
            ValueError, match=f"context: expected a word from 0 to 3, got {context}"
        ):
            pair_loss_and_gradients(V[0], U, b, context)
    with pytest.raises(ValueError, match="centre_vector: dimensions: expected 3, got 2"):
        pair_loss_and_gradients(V[0, :2].copy(), U, b, 0)
    with pytest.raises(ValueError, match="out_bias: words: expected 4, got 3"):
        pair_loss_and_gradients(V[0], U, b[:3], 0)


def test_batches_that_do_not_fit_are_refused():
    V, U, b = parameters(2, 4, 3)
    indptr, indices, weights = np.array([0, 1, 3]), np.array([2, 0, 3]), np.ones(3)
    batch_loss_and_gradients(V, U, b, SparseRows(indptr, indices, weights))
    for contexts, message in [
        (SparseRows(indptr[:2], indices, weights), r"indptr entries \(rows \+ 1\): expected 3"),
        (SparseRows(indptr, indices, weights[:2]), "weights .*: expected 3, got 2"),
        (SparseRows(indptr + 1, indices, weights), "first entry of indptr: expected 0, got 1"),
        (SparseRows(np.array([0, 1, 2]), indices, weights), "last entry of indptr: expected 3"),
        (SparseRows(np.array([0, 4, 3]), indices, weights), "indptr that never falls"),
        (SparseRows(indptr, indices + 1, weights), "expected a word from 0 to 3, got 4"),
        (SparseRows(indptr, indices - 1, weights), "expected a word from 0 to 3, got -1"),
    ]:
        with pytest.raises(ValueError, match=message):
            batch_loss_and_gradients(V, U, b, contexts)
    contexts = SparseRows(indptr, indices, weights)
    with pytest.raises(ValueError, match="centre_vectors: dimensions: expected 3, got 2"):
        batch_loss_and_gradients(V[:, :2].copy(), U, b, contexts)
    with pytest.raises(ValueError, match="out_bias: words: expected 4, got 5"):
        batch_loss_and_gradients(V, U, np.zeros(5), contexts)
