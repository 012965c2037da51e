"""How a gradient becomes a step: SGD, Adagrad, Adam, RMSprop, on float32 arrays in place.

The fused step calls `update_block` for a block of output vectors while their gradient is in
cache, and afterwards for each centre row of the batch. `Rule` carries the scalars, computed in
float64 by `fastw2v.objectives.softmax.optimizers` for every step.

References
----------
Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; Duchi, Hazan and Singer 2011, JMLR 12.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, square_root, store

__all__ = ["ADAGRAD", "ADAM", "RMSPROP", "SGD", "Rule", "adam", "update_block"]

SGD, ADAGRAD, ADAM, RMSPROP = 0, 1, 2, 3


class Rule(NamedTuple):
    """The scalars of one step.

    `kind` is SGD, ADAGRAD, ADAM or RMSPROP; `rate` the learning rate; `decay_first` and
    `decay_second` Adam's beta1 and beta2; `unbias_first` and `unbias_second` its corrections
    1/(1-beta^t); `epsilon` keeps the division finite. RMSprop is Adam without a first moment.
    """

    kind: int
    rate: np.float32
    decay_first: np.float32
    decay_second: np.float32
    unbias_first: np.float32
    unbias_second: np.float32
    epsilon: np.float32


@njit(nogil=True, inline="always")
def adam(values, means, squares, at, gradient, gradient_at, size, rule, keeps):
    """Do as `update_block` by Adam; `keeps` is what the moments (N,) are multiplied by before."""
    keep1, keep2 = broadcast(keeps[0]), broadcast(keeps[1])
    take1 = broadcast(np.float32(1) - rule.decay_first)
    take2 = broadcast(np.float32(1) - rule.decay_second)
    rate = broadcast(rule.rate * rule.unbias_first)
    unbias = broadcast(rule.unbias_second)
    epsilon = broadcast(rule.epsilon)
    for i in range(0, size, LANES):
        g = load(gradient, gradient_at + i)
        m = keep1 * load(means, at + i) + take1 * g
        v = keep2 * load(squares, at + i) + take2 * g * g
        store(means, at + i, m)
        store(squares, at + i, v)
        step = rate * m / (square_root(v * unbias) + epsilon)
        store(values, at + i, load(values, at + i) - step)


@njit(nogil=True, inline="always")
def _rmsprop(values, second, at, gradient, gradient_at, size, rule):
    keep = broadcast(rule.decay_second)
    take = broadcast(np.float32(1) - rule.decay_second)
    rate, epsilon = broadcast(rule.rate), broadcast(rule.epsilon)
    unbias = broadcast(rule.unbias_second)
    for i in range(0, size, LANES):
        g = load(gradient, gradient_at + i)
        v = keep * load(second, at + i) + take * g * g
        store(second, at + i, v)
        step = rate * g / (square_root(v * unbias) + epsilon)
        store(values, at + i, load(values, at + i) - step)


@njit(nogil=True, inline="always")
def _adagrad(values, second, at, gradient, gradient_at, size, rule):
    rate, epsilon = broadcast(rule.rate), broadcast(rule.epsilon)
    for i in range(0, size, LANES):
        g = load(gradient, gradient_at + i)
        v = load(second, at + i) + g * g
        store(second, at + i, v)
        store(values, at + i, load(values, at + i) - rate * g / (square_root(v) + epsilon))


@njit(nogil=True, inline="always")
def _sgd(values, at, gradient, gradient_at, size, rule):
    rate = broadcast(rule.rate)
    for i in range(0, size, LANES):
        g = load(gradient, gradient_at + i)
        store(values, at + i, load(values, at + i) - rate * g)


@kernel
def update_block(values, moments, at, gradient, gradient_at, size, rule):
    """Step ``values[at : at + size]`` against ``gradient[gradient_at : gradient_at + size]``.

    Parameters
    ----------
    values : (N,) float32
    moments : (2, N) float32 for Adam, (1, N) for Adagrad and RMSprop, (0, N) for SGD
        Running moments, first before second; Adagrad's sum of squares.
    at, gradient_at : int
        Offsets of the first element.
    gradient : (M,) float32
    size : int
        Number of elements, a multiple of `LANES`.
    rule : Rule
    """
    if rule.kind == ADAM:
        keeps = rule.decay_first, rule.decay_second
        adam(values, moments[0], moments[1], at, gradient, gradient_at, size, rule, keeps)
    elif rule.kind == RMSPROP:
        _rmsprop(values, moments[0], at, gradient, gradient_at, size, rule)
    elif rule.kind == ADAGRAD:
        _adagrad(values, moments[0], at, gradient, gradient_at, size, rule)
    else:
        _sgd(values, at, gradient, gradient_at, size, rule)
