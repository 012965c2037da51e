"""Optimiser updates against float64 twins over several steps, and the schedule."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.softmax.updates import ADAGRAD, ADAM, RMSPROP, SGD, update_block
from fastw2v.objectives.softmax.optimizers import (
    CENTRE_DECAY_SECOND,
    DECAY_FIRST,
    DECAY_SECOND,
    EPSILON,
    Optimizer,
)

SIZE = 5 * LANES
STEPS = 7
RATE = 0.1
MOMENTS = {SGD: 0, ADAGRAD: 1, ADAM: 2, RMSPROP: 1}


def twin(kind, start, gradients, decay_second):
    """Textbook rules in float64."""
    value = start.astype(np.float64)
    first = np.zeros_like(value)
    second = np.zeros_like(value)
    for t, g in enumerate(gradients.astype(np.float64), start=1):
        if kind == SGD:
            value -= RATE * g
        elif kind == ADAGRAD:
            second += g * g
            value -= RATE * g / (np.sqrt(second) + EPSILON)
        else:
            decay_first = DECAY_FIRST if kind == ADAM else 0.0
            first = decay_first * first + (1 - decay_first) * g
            second = decay_second * second + (1 - decay_second) * g * g
            m = first / (1 - decay_first**t)
            v = second / (1 - decay_second**t)
            value -= RATE * m / (np.sqrt(v) + EPSILON)
    return value


def kernel(kind, start, gradients):
    names = {SGD: "sgd", ADAGRAD: "adagrad", ADAM: "adam", RMSPROP: "adam"}
    settings = Hyperparameters(optimizer=names[kind], learning_rate=RATE, final_rate=1.0)
    optimizer = Optimizer(settings, STEPS)
    offset = 2 * LANES
    values = np.zeros(SIZE + offset, np.float32)
    values[offset:] = start
    moments = np.zeros((MOMENTS[kind], SIZE + offset), np.float32)
    for t, gradient in enumerate(gradients):
        rule = optimizer.rules(t).output
        if kind == RMSPROP:
            unbias = 1 / (1 - CENTRE_DECAY_SECOND ** (t + 1))
            rule = optimizer.rules(t).centre._replace(
                rate=np.float32(RATE), unbias_second=np.float32(unbias)
            )
        update_block(values, moments, offset, gradient, 0, SIZE, rule)
    assert not values[:offset].any()
    return values[offset:]


@pytest.mark.parametrize("kind", MOMENTS)
def test_update_equals_its_twin(kind):
    generator = np.random.default_rng(kind)
    start = generator.normal(size=SIZE).astype(np.float32)
    gradients = generator.normal(size=(STEPS, SIZE)).astype(np.float32)
    decay = CENTRE_DECAY_SECOND if kind == RMSPROP else DECAY_SECOND
    expected = twin(kind, start, gradients, decay)
    assert np.allclose(kernel(kind, start, gradients), expected, atol=1e-5)
    assert not np.allclose(kernel(kind, start, -gradients), expected, atol=1e-5)
    assert not np.allclose(kernel(kind, start, gradients[:-1]), expected, atol=1e-5)


@pytest.mark.parametrize("kind", [ADAGRAD, ADAM, RMSPROP])
def test_a_gradient_of_zero_moves_nothing(kind):
    start = np.ones(SIZE, np.float32)
    assert np.array_equal(kernel(kind, start, np.zeros((3, SIZE), np.float32)), start)


def test_rate_falls_linearly_to_its_fraction():
    optimizer = Optimizer(Hyperparameters(learning_rate=0.4, final_rate=0.25), 5)
    assert [optimizer.rate(step) for step in range(5)] == pytest.approx(
        [0.4, 0.325, 0.25, 0.175, 0.1]
    )
    assert optimizer.rate(50) == pytest.approx(0.1)
    assert Optimizer(Hyperparameters(learning_rate=0.4), 1).rate(0) == 0.4
