"""The one-hidden-layer network against loops, differences, limits and a planted task."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import ConfigurationError
from fastw2v.kernels.formulas.functions import sigmoid
from fastw2v.kernels.formulas.network import (
    NetworkParameters,
    forward,
    loss_and_gradients,
    parameter_count,
)
from tests.support.gradient_checks import GradientMismatchError, assert_gradient, relative_error

compiled = settings(deadline=None)  # the first call may compile

SIZES = [(1, 1, 1, 2), (4, 3, 5, 2), (3, 2, 4, 6)]  # N, Dx, H, Dy


def plain_row(x, y, W1, b1, W2, b2):
    """One row, sum by sum; no matrix product."""
    inputs, hidden_size = W1.shape
    outputs = len(b2)
    h = np.empty(hidden_size)
    for j in range(hidden_size):
        h[j] = 1 / (1 + np.exp(-(b1[j] + sum(x[i] * W1[i, j] for i in range(inputs)))))
    z = [b2[k] + sum(h[j] * W2[j, k] for j in range(hidden_size)) for k in range(outputs)]
    total = sum(np.exp(score - max(z)) for score in z)
    yhat = np.array([np.exp(score - max(z)) / total for score in z])
    loss = -sum(y[k] * np.log(yhat[k]) for k in range(outputs))
    d1 = yhat - y
    d3 = np.empty(hidden_size)
    for j in range(hidden_size):
        d3[j] = sum(d1[k] * W2[j, k] for k in range(outputs)) * h[j] * (1 - h[j])
    dx = np.array([sum(d3[j] * W1[i, j] for j in range(hidden_size)) for i in range(inputs)])
    dW1 = np.array([[x[i] * d3[j] for j in range(hidden_size)] for i in range(inputs)])
    dW2 = np.array([[h[j] * d1[k] for k in range(outputs)] for j in range(hidden_size)])
    return loss, dx, (dW1, d3, dW2, d1), h, yhat


def example(sizes, seed=0, scale=1.0):
    n, inputs, hidden, outputs = sizes
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, inputs)) * scale
    y = rng.dirichlet(np.ones(outputs), n)
    parameters = NetworkParameters(
        rng.standard_normal((inputs, hidden)),
        rng.standard_normal(hidden),
        rng.standard_normal((hidden, outputs)),
        rng.standard_normal(outputs),
    )
    return x, y, parameters


@compiled
@given(st.tuples(*[st.integers(1, 5)] * 4), st.integers(0, 2**32 - 1))
def test_network_equals_the_sum_of_its_rows_in_loops(sizes, seed):
    x, y, parameters = example(sizes, seed)
    loss, dx, gradients = loss_and_gradients(x, y, parameters)
    hidden, probabilities = forward(x, parameters)
    rows = [plain_row(x[r], y[r], *parameters) for r in range(len(x))]
    assert loss == pytest.approx(sum(row[0] for row in rows), rel=1e-12, abs=1e-14)
    assert relative_error(hidden, [row[3] for row in rows]) < 1e-12
    assert relative_error(probabilities, [row[4] for row in rows]) < 1e-12
    np.testing.assert_allclose(dx, [row[1] for row in rows], rtol=1e-10, atol=1e-14)
    for place, gradient in enumerate(gradients):
        expected = sum(row[2][place] for row in rows)
        np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-14)


def loss_by(name, x, y, parameters):
    if name == "inputs":
        return lambda point: loss_and_gradients(point, y, parameters).loss
    return lambda point: loss_and_gradients(x, y, parameters._replace(**{name: point})).loss


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", ["inputs", *NetworkParameters._fields])
def test_every_gradient_is_a_slope(name, sizes):
    x, y, parameters = example(sizes, seed=3)
    result = loss_and_gradients(x, y, parameters)
    gradient = result.inputs if name == "inputs" else getattr(result.parameters, name)
    point = x if name == "inputs" else getattr(parameters, name)
    assert_gradient(loss_by(name, x, y, parameters), point, gradient)


def backward(x, y, parameters, *, sign=1, slope=True, target=True, weights=True):
    """The gradients in numpy, with parts that can be left out."""
    hidden, probabilities = forward(x, parameters)
    d1 = sign * (probabilities - (y if target else 0))
    d2 = d1 @ (parameters.output_weights.T if weights else np.ones((y.shape[1], hidden.shape[1])))
    d3 = d2 * (hidden * (1 - hidden) if slope else 1)
    return {
        "inputs": d3 @ parameters.hidden_weights.T,
        "hidden_weights": x.T @ d3,
        "hidden_bias": d3.sum(axis=0),
        "output_weights": hidden.T @ d1,
        "output_bias": d1.sum(axis=0),
    }


@pytest.mark.parametrize("sizes", SIZES)
def test_sabotaged_gradients_are_caught(sizes):
    x, y, parameters = example(sizes, seed=3)
    below = {"inputs", "hidden_weights", "hidden_bias"}
    everything = below | {"output_weights", "output_bias"}

    def check(name, gradient):
        point = x if name == "inputs" else getattr(parameters, name)
        assert_gradient(loss_by(name, x, y, parameters), point, gradient)

    for name, gradient in backward(x, y, parameters).items():
        check(name, gradient)
    for sabotage, caught in [
        ({"sign": -1}, everything),
        ({"target": False}, everything),
        ({"slope": False}, below),
        ({"weights": False}, below),
    ]:
        wrong = backward(x, y, parameters, **sabotage)
        for name in caught:
            with pytest.raises(GradientMismatchError):
                check(name, wrong[name])
    if len(x) > 1:
        for name, gradient in backward(x, y, parameters).items():
            with pytest.raises(GradientMismatchError):
                check(name, gradient / len(x))  # the mean's gradient is not the sum's


def test_one_output_is_certain():
    x, _, parameters = example((3, 2, 4, 1))
    loss, dx, gradients = loss_and_gradients(x, np.ones((3, 1)), parameters)
    assert loss == 0
    assert not dx.any()
    assert all(not gradient.any() for gradient in gradients)


@pytest.mark.parametrize("huge", [1e4, 1e300])
def test_huge_inputs_and_weights_stay_finite(huge):
    x = np.array([[huge, -huge], [0.0, huge]])
    y = np.eye(2)
    parameters = NetworkParameters(np.eye(2), np.zeros(2), np.eye(2) * 1e4, np.zeros(2))
    loss, dx, gradients = loss_and_gradients(x, y, parameters)
    # Row 0: h = (1, 0), scores (1e4, 0), right. Row 1: h = (.5, 1), scores (5e3, 1e4), right.
    assert loss == 0
    wrong_way, _, wrong_gradients = loss_and_gradients(x, y[::-1].copy(), parameters)
    assert wrong_way == 1e4 + 5e3
    assert np.isfinite(dx).all()
    for gradient in (*gradients, *wrong_gradients):
        assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(wrong_gradients.output_weights, [[0.5, -0.5], [-1, 1]])


def test_single_precision_agrees_with_double():
    x, y, parameters = example((20, 12, 16, 5))
    expected = loss_and_gradients(x, y, parameters)
    narrow = NetworkParameters(*(array.astype(np.float32) for array in parameters))
    got = loss_and_gradients(x.astype(np.float32), y.astype(np.float32), narrow)
    assert got.loss == pytest.approx(expected.loss, rel=1e-5)
    assert got.inputs.dtype == np.float32
    assert relative_error(got.inputs, expected.inputs) < 1e-3
    for one, other in zip(got.parameters, expected.parameters, strict=True):
        assert one.dtype == np.float32
        assert relative_error(one, other) < 1e-3
    assert forward(x.astype(np.float32), narrow).probabilities.dtype == np.float32


def test_targets_may_be_weights():
    x, y, parameters = example((4, 3, 5, 3))
    once = loss_and_gradients(x, y, parameters)
    thrice = loss_and_gradients(x, 3 * y, parameters)
    assert thrice.loss == pytest.approx(3 * once.loss, rel=1e-13)
    for one, three in zip(once.parameters, thrice.parameters, strict=True):
        assert relative_error(three, 3 * one) < 1e-11


def test_no_rows_have_no_loss():
    _, _, parameters = example((1, 3, 4, 2))
    loss, dx, gradients = loss_and_gradients(np.zeros((0, 3)), np.zeros((0, 2)), parameters)
    assert loss == 0
    assert dx.shape == (0, 3)
    assert [g.shape for g in gradients] == [p.shape for p in parameters]
    assert all(not gradient.any() for gradient in gradients)


def test_exclusive_or_is_learned_and_needs_the_hidden_layer():
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.eye(2)[[0, 1, 1, 0]]
    _, _, parameters = example((1, 2, 6, 2), seed=1)
    without = parameters._replace(output_weights=np.zeros((6, 2)), output_bias=np.zeros(2))
    assert loss_and_gradients(x, y, without).loss == pytest.approx(4 * np.log(2))
    for _ in range(800):
        gradients = loss_and_gradients(x, y, parameters).parameters
        parameters = NetworkParameters(
            *(p - 1.0 * g for p, g in zip(parameters, gradients, strict=True))
        )
    assert loss_and_gradients(x, y, parameters).loss < 0.05
    np.testing.assert_array_equal(forward(x, parameters).probabilities.argmax(axis=1), [0, 1, 1, 0])


def test_forward_keeps_its_layers():
    x, _, parameters = example((4, 3, 5, 2))
    hidden, probabilities = forward(x, parameters)
    scores = x @ parameters.hidden_weights + parameters.hidden_bias
    assert relative_error(hidden, sigmoid(scores)) < 1e-13
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-14)


@pytest.mark.parametrize(("inputs", "hidden", "outputs"), [(1, 1, 1), (100, 50, 14), (3, 7, 2)])
def test_parameter_count_is_the_size_of_the_arrays(inputs, hidden, outputs):
    _, _, parameters = example((1, inputs, hidden, outputs))
    assert parameter_count(inputs, hidden, outputs) == sum(array.size for array in parameters)


def test_impossible_sizes_are_refused():
    with pytest.raises(ConfigurationError, match="hidden_size: expected at least 1, got 0"):
        parameter_count(3, 0, 2)


def test_shapes_that_do_not_fit_are_refused():
    x, y, parameters = example((4, 3, 5, 2))
    for wrong, message in [
        ({"hidden_weights": np.zeros((2, 5))}, "hidden_weights: rows: expected 3, got 2"),
        ({"hidden_weights": np.zeros((3, 4))}, "hidden_weights: columns: expected 5, got 4"),
        ({"hidden_bias": np.zeros(4)}, "hidden_bias: entries: expected 5, got 4"),
        ({"output_bias": np.zeros(1)}, "output_bias: entries: expected 2, got 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            loss_and_gradients(x, y, parameters._replace(**wrong))
        with pytest.raises(ValueError, match=message):
            forward(x, parameters._replace(**wrong))
    with pytest.raises(ValueError, match="target rows: expected 4, got 3"):
        loss_and_gradients(x, y[:3], parameters)
    with pytest.raises(ValueError, match="targets: expected 2, got 1"):
        loss_and_gradients(x, y[:, :1].copy(), parameters)
