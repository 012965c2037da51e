"""Negative sampling, hierarchical softmax and CBOW's input: twins, differences, sabotage."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastw2v.kernels.formulas.sigmoid_losses import (
    cbow_context_gradient,
    cbow_input,
    hierarchical_loss_and_gradients,
    leaf_log_probabilities,
    logistic_scalar,
    negative_sampling_loss_and_gradients,
)
from fastw2v.objectives.huffman import huffman_tree
from tests.support.gradient_checks import GradientMismatchError, assert_gradient, relative_error

patient = settings(deadline=None)  # the first call may compile
D, K = 6, 5


def vectors(seed, *shape, scale=0.8, dtype=np.float64):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(dtype)


# Naive twins, word by word


def twin_log_sigmoid(x):
    return -math.log1p(math.exp(-x)) if x >= 0 else x - math.log1p(math.exp(x))


def twin_loss(hidden, outputs, answers):
    """-sum log sigma(+-s), and both gradients by the definition of the sigmoid."""
    loss, dh, du = 0.0, np.zeros(len(hidden)), np.zeros((len(outputs), len(hidden)))
    for k, (output, answer) in enumerate(zip(outputs, answers, strict=True)):
        score = math.fsum(float(u) * float(h) for u, h in zip(output, hidden, strict=True))
        loss -= twin_log_sigmoid(score if answer else -score)
        error = math.exp(twin_log_sigmoid(score)) - answer
        dh += error * np.asarray(output, np.float64)
        du[k] = error * np.asarray(hidden, np.float64)
    return loss, dh, du


def seen_first(n_outputs):
    return [1] + [0] * (n_outputs - 1)


# Against the twins


@patient
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(0, 9))
def test_negative_sampling_is_its_twin(seed, dimensions, negatives):
    hidden, outputs = vectors(seed, dimensions), vectors(seed + 1, 1 + negatives, dimensions)
    loss, dh, du = negative_sampling_loss_and_gradients(hidden, outputs)
    expected, expected_dh, expected_du = twin_loss(hidden, outputs, seen_first(1 + negatives))
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(dh, expected_dh, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(du, expected_du, rtol=1e-9, atol=1e-12)


@patient
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 8),
    hnp.arrays(np.uint8, st.integers(0, 12), elements=st.integers(0, 1)),
)
def test_hierarchical_softmax_is_its_twin(seed, dimensions, codes):
    hidden, nodes = vectors(seed, dimensions), vectors(seed + 1, len(codes), dimensions)
    loss, dh, dx = hierarchical_loss_and_gradients(hidden, nodes, codes)
    expected, expected_dh, expected_dx = twin_loss(hidden, nodes, 1 - codes.astype(int))
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(dh, expected_dh, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-9, atol=1e-12)


def test_results_in_float32_are_those_in_float64():
    hidden, outputs = vectors(1, D, dtype=np.float32), vectors(2, 1 + K, D, dtype=np.float32)
    loss, dh, du = negative_sampling_loss_and_gradients(hidden, outputs)
    exact = negative_sampling_loss_and_gradients(hidden.astype(np.float64), outputs.astype(float))
    assert (dh.dtype, du.dtype) == (np.float32, np.float32)
    assert loss == exact.loss  # sums are float64 for either
    assert relative_error(dh, exact.hidden) < 1e-6
    assert relative_error(du, exact.outputs) < 1e-6


# Against central differences, and what a wrong gradient does there


def assert_gradients(function, hidden, outputs, gradients):
    assert_gradient(lambda h: function(h, outputs).loss, hidden, gradients.hidden)
    assert_gradient(lambda u: function(hidden, u).loss, outputs, gradients.outputs)


CODES = np.array([0, 1, 1, 0, 1, 0], np.uint8)


def hierarchical(hidden, nodes):
    return hierarchical_loss_and_gradients(hidden, nodes, CODES)


@pytest.mark.parametrize("function", [negative_sampling_loss_and_gradients, hierarchical])
@pytest.mark.parametrize("scale", [0.1, 1.0, 2.5])
def test_gradients_are_slopes(function, scale):
    hidden, outputs = vectors(3, D, scale=scale), vectors(4, len(CODES), D, scale=scale)
    assert_gradients(function, hidden, outputs, function(hidden, outputs))


SABOTAGES = {
    "flipped sign of dh": lambda g: g._replace(hidden=-g.hidden),
    "flipped sign of du": lambda g: g._replace(outputs=-g.outputs),
    "first output dropped": lambda g: g._replace(outputs=g.outputs * (np.arange(6) > 0)[:, None]),
    "dh a little too long": lambda g: g._replace(hidden=g.hidden * 1.0001),
}


@pytest.mark.parametrize("function", [negative_sampling_loss_and_gradients, hierarchical])
@pytest.mark.parametrize("sabotage", SABOTAGES.values(), ids=SABOTAGES.keys())
def test_wrong_gradients_are_caught(function, sabotage):
    hidden, outputs = vectors(3, D), vectors(4, len(CODES), D)
    gradients = function(hidden, outputs)
    assert_gradients(function, hidden, outputs, gradients)
    with pytest.raises(GradientMismatchError):
        assert_gradients(function, hidden, outputs, sabotage(gradients))


def test_gradients_of_the_other_answers_are_caught():
    hidden, outputs = vectors(3, D), vectors(4, len(CODES), D)
    opposite = hierarchical_loss_and_gradients(hidden, outputs, 1 - CODES)
    with pytest.raises(GradientMismatchError):
        assert_gradients(hierarchical, hidden, outputs, opposite)


# Large scores


@pytest.mark.parametrize("score", [6.0, 40.0, 1e4, 1e15, 1e300])
def test_large_scores_have_their_whole_gradient(score):
    for sign in (1, -1):
        wrong = -sign  # a seen word scored far down, a noise word far up
        loss, slope = logistic_scalar(wrong * score, sign > 0)
        assert loss == pytest.approx(score, rel=3e-3)
        assert slope == pytest.approx(wrong, rel=3e-3)
        loss, slope = logistic_scalar(sign * score, sign > 0)
        assert loss == pytest.approx(math.exp(-score), rel=1e-2)
        assert slope == pytest.approx(wrong * math.exp(-score), rel=1e-2)
    hidden = np.full(2, math.sqrt(score / 2))
    gradients = negative_sampling_loss_and_gradients(hidden, np.array([-hidden, hidden]))
    assert gradients.loss == pytest.approx(2 * score, rel=3e-3)
    np.testing.assert_allclose(gradients.hidden, 2 * hidden, rtol=3e-3)
    np.testing.assert_allclose(gradients.outputs, [-hidden, hidden], rtol=3e-3)


def test_not_a_number_comes_out():
    loss, dh, _ = negative_sampling_loss_and_gradients(np.array([np.nan]), np.ones((2, 1)))
    assert math.isnan(loss)
    assert np.isnan(dh).all()


# The leaves of a tree


@pytest.mark.parametrize("n_words", [1, 2, 3, 50])
@pytest.mark.parametrize("scale", [0.3, 3.0, 100.0])
def test_leaf_probabilities_sum_to_one_for_every_centre(n_words, scale):
    tree = huffman_tree(1000 // np.arange(1, n_words + 1))
    centres, nodes = vectors(5, 20, D, scale=scale), vectors(6, n_words, D)
    for centre in centres:
        logs = leaf_log_probabilities(centre, nodes, tree)
        assert np.exp(logs).sum() == pytest.approx(1, abs=1e-12)
        for word in range(n_words):
            way = slice(tree.starts[word], tree.starts[word + 1])
            loss = hierarchical_loss_and_gradients(
                centre, nodes[tree.points[way]], tree.codes[way]
            ).loss
            assert -logs[word] == pytest.approx(loss, rel=1e-12)


def test_a_way_with_a_wrong_turn_is_caught():
    tree = huffman_tree([9, 5, 3, 2, 2])
    tree.codes[-1] ^= 1
    logs = leaf_log_probabilities(vectors(5, D), vectors(6, 4, D), tree)
    assert abs(np.exp(logs).sum() - 1) > 1e-3


# CBOW


@pytest.mark.parametrize("mean", [True, False])
def test_the_input_is_the_mean_or_the_sum(mean):
    contexts = vectors(7, 4, D)
    expected = contexts.mean(axis=0) if mean else contexts.sum(axis=0)
    np.testing.assert_allclose(cbow_input(contexts, mean), expected, rtol=1e-14)
    assert cbow_input(contexts.astype(np.float32), mean).dtype == np.float32


@pytest.mark.parametrize("mean", [True, False])
def test_the_gradient_goes_back_to_every_context(mean):
    contexts, outputs = vectors(7, 4, D), vectors(8, 1 + K, D)

    def loss(points):
        return negative_sampling_loss_and_gradients(cbow_input(points, mean), outputs).loss

    gradients = negative_sampling_loss_and_gradients(cbow_input(contexts, mean), outputs)
    each = np.tile(cbow_context_gradient(gradients.hidden, 4, mean), (4, 1))
    assert_gradient(loss, contexts, each)
    with pytest.raises(GradientMismatchError):  # what word2vec.c does for a mean
        assert_gradient(loss, contexts, np.tile(gradients.hidden, (4, 1)) / (1 if mean else 4))


# What is refused


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="hidden: dimensions"):
        negative_sampling_loss_and_gradients(np.zeros(3), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="outputs: expected the word that was seen"):
        negative_sampling_loss_and_gradients(np.zeros(3), np.zeros((0, 3)))
    with pytest.raises(ValueError, match="codes"):
        hierarchical_loss_and_gradients(np.zeros(3), np.zeros((2, 3)), np.zeros(1, np.uint8))
    with pytest.raises(ValueError, match="node_vectors: expected one for each inner node"):
        leaf_log_probabilities(np.zeros(3), np.zeros((2, 3)), huffman_tree([1, 1, 1, 1]))
    with pytest.raises(ValueError, match="context_vectors: expected at least one"):
        cbow_input(np.zeros((0, 3)), True)
    with pytest.raises(ValueError, match="n_contexts: expected at least 1"):
        cbow_context_gradient(np.zeros(3), 0, True)


def test_integers_are_refused():
    with pytest.raises(TypeError, match="hidden: expected float32 or float64"):
        negative_sampling_loss_and_gradients(np.zeros(3, np.int64), np.zeros((2, 3)))
    with pytest.raises(TypeError, match="context_vectors: expected float32 or float64"):
        cbow_input(np.zeros((2, 3), np.int64), True)
