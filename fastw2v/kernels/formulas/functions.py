"""Sigmoid, softmax and cross entropy: the scalar mathematics that every objective stands on.

These are the clear formulas of ``docs/math.md``, without fastmath. Arrays keep the dtype that
came in (float32 or float64); exponentials, sums and losses are computed in float64 whatever the
dtype, so that a sum over a large vocabulary loses nothing. Not-a-number goes in, not-a-number
comes out.

It has more than 400 lines because most of them say what a formula is, where it comes from and where
it ends.
"""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel

__all__ = [
    "Float",
    "FloatArray",
    "cross_entropy",
    "log_sigmoid",
    "log_sigmoid_scalar",
    "log_sum_exp",
    "maximum_and_log_total",
    "require_floats",
    "require_length",
    "sigmoid",
    "sigmoid_derivative",
    "sigmoid_scalar",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_into",
    "softmax_cross_entropy_rows",
    "softmax_into",
    "softmax_rows",
]

FloatArray: TypeAlias = NDArray[np.floating[Any]]
Float: TypeAlias = float | np.floating[Any]


@kernel
def require_length(what: str, expected: int, got: int) -> None:
    """Raise ValueError if `got` is not `expected`; `what` names what was counted."""
    if got != expected:
        raise ValueError(f"{what}: expected {expected}, got {got}; check the shapes passed in")


@kernel
def require_floats(what: str, array: FloatArray) -> None:
    """Raise TypeError unless `array` can hold fractions: a result like it would be cut off."""
    probe = np.empty(1, array.dtype)
    probe[0] = 0.5
    if probe[0] != 0.5:
        raise TypeError(f"{what}: expected float32 or float64, got integers; convert them first")


@kernel
def sigmoid_scalar(x: Float) -> float:
    """Return 1 / (1 + exp(-x)) of one number, in float64.

    The exponential is only ever taken of a negative number, so neither side overflows.
    """
    x = np.float64(x)
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    small = math.exp(x)
    return small / (1.0 + small)


@kernel
def sigmoid(x: FloatArray) -> FloatArray:
    """Return the logistic function of every element.

    Parameters
    ----------
    x : ndarray of float32 or float64, any shape

    Returns
    -------
    ndarray, shape and dtype of `x`
        1 / (1 + exp(-x)), in [0, 1].

    Raises
    ------
    TypeError
        If `x` holds integers.

    See Also
    --------
    sigmoid_scalar : The same of one number.
    """
    require_floats("sigmoid of x", x)
    result = np.empty_like(x)
    for i in range(x.size):
        result.flat[i] = sigmoid_scalar(x.flat[i])
    return result


@kernel
def sigmoid_derivative(s: FloatArray) -> FloatArray:
    """Return the derivative of the logistic function, given its *value*: s (1 - s).

    Parameters
    ----------
    s : ndarray of float32 or float64, any shape
        ``sigmoid(x)``, not x. Networks have the value at hand when they need the slope.

    Returns
    -------
    ndarray, shape and dtype of `s`

    Raises
    ------
    TypeError
        If `s` holds integers.

    Notes
    -----
    Where s has rounded to 1 (x above 37 in float64, above 17 in float32) the result is 0.
    """
    require_floats("sigmoid_derivative of s", s)
    result = np.empty_like(s)
    for i in range(s.size):
        value = s.flat[i]
        result.flat[i] = value * (1 - value)
    return result


@kernel
def log_sigmoid_scalar(x: Float) -> float:
    """Return log(1 / (1 + exp(-x))) of one number, in float64; about x far on the left."""
    x = np.float64(x)
    return min(x, 0.0) - math.log1p(math.exp(-abs(x)))


@kernel
def log_sigmoid(x: FloatArray) -> FloatArray:
    """Return the logarithm of the logistic function of every element.

    Parameters
    ----------
    x : ndarray of float32 or float64, any shape

    Returns
    -------
    ndarray, shape and dtype of `x`
        At most 0, and finite for every finite `x`.

    Raises
    ------
    TypeError
        If `x` holds integers.
    """
    require_floats("log_sigmoid of x", x)
    result = np.empty_like(x)
    for i in range(x.size):
        result.flat[i] = log_sigmoid_scalar(x.flat[i])
    return result


@kernel
def _maximum(scores: FloatArray) -> float:
    if scores.shape[0] == 0:
        raise ValueError("scores: expected at least one, got none; a softmax needs a word")
    maximum = np.float64(scores[0])
    for i in range(1, scores.shape[0]):
        if scores[i] > maximum:
            maximum = np.float64(scores[i])
    return maximum


@kernel
def maximum_and_log_total(scores: FloatArray) -> tuple[float, float]:
    """Return the two halves of a log-sum-exp: m = max z and log(sum exp(z - m)).

    Their sum is the log-sum-exp. Kept apart they lose nothing: ``(m - z_i) + log_total`` is
    -log softmax(z)_i to full precision even where the scores are 1e300.

    Parameters
    ----------
    scores : ndarray of float32 or float64, shape (n,)
        z. Finite, or -inf for what is impossible, but not all of them.

    Returns
    -------
    maximum, log_total : float
        float64; ``0 <= log_total <= log n``.

    Raises
    ------
    ValueError
        If there are no scores.
    """
    maximum = _maximum(scores)
    total = 0.0
    for i in range(scores.shape[0]):
        total += math.exp(np.float64(scores[i]) - maximum)
    return maximum, math.log(total)


@kernel
def log_sum_exp(scores: FloatArray) -> float:
    """Return log(sum(exp(z))) of scores of shape (n,) in float64, without overflow.

    The sum of what `maximum_and_log_total` returns, which describes the scores.
    """
    maximum, log_total = maximum_and_log_total(scores)
    return maximum + log_total


@kernel
def softmax_into(scores: FloatArray, probabilities: FloatArray) -> tuple[float, float]:
    """Write softmax(z) into `probabilities` and return what ``maximum_and_log_total`` does.

    One exponential a score. Shapes (n,); both may be the same array.
    """
    require_length("softmax_into: probabilities", scores.shape[0], probabilities.shape[0])
    maximum = _maximum(scores)
    total = 0.0
    for i in range(scores.shape[0]):
        share = math.exp(np.float64(scores[i]) - maximum)
        probabilities[i] = share
        total += share
    for i in range(scores.shape[0]):
        probabilities[i] /= total
    return maximum, math.log(total)


@kernel
def softmax(scores: FloatArray) -> FloatArray:
    """Return exp(z) / sum(exp(z)) of one row of scores, shifted by its maximum first.

    Parameters
    ----------
    scores : ndarray of float32 or float64, shape (n,)
        z. Finite, or -inf for what is impossible, but not all of them.

    Returns
    -------
    ndarray, shape (n,), dtype of `scores`
        Probabilities; they sum to one.

    Raises
    ------
    ValueError
        If there are no scores.
    TypeError
        If `scores` holds integers.

    See Also
    --------
    softmax_rows : The same of every row of a matrix.
    """
    require_floats("softmax of scores", scores)
    probabilities = np.empty_like(scores)
    softmax_into(scores, probabilities)
    return probabilities


@kernel
def softmax_rows(scores: FloatArray) -> FloatArray:
    """Return the softmax of every row.

    Parameters
    ----------
    scores : ndarray of float32 or float64, shape (B, n)

    Returns
    -------
    ndarray, shape (B, n), dtype of `scores`
        Every row sums to one.

    Raises
    ------
    ValueError
        If rows are empty.
    TypeError
        If `scores` holds integers.
    """
    require_floats("softmax_rows of scores", scores)
    probabilities = np.empty_like(scores)
    for row in range(scores.shape[0]):
        softmax_into(scores[row], probabilities[row])
    return probabilities


@kernel
def _cross_entropy(
    scores: FloatArray, target: FloatArray, maximum: float, log_total: float
) -> tuple[float, float]:
    """Return the cross entropy and the sum of `target`, the halves of log-sum-exp given."""
    loss = 0.0
    weight = 0.0
    for i in range(scores.shape[0]):
        share = np.float64(target[i])
        if share != 0.0:  # 0 log 0 is 0, also where the score is -inf
            loss += share * ((maximum - np.float64(scores[i])) + log_total)
            weight += share
    return loss, weight


@kernel
def cross_entropy(scores: FloatArray, target: FloatArray) -> float:
    """Return -sum(y * log(softmax(z))) in nats, computed from the scores.

    Through log-sum-exp no probability is ever formed, so the loss is right where a probability
    would round to 0 and its logarithm to -inf.

    Parameters
    ----------
    scores : ndarray of float32 or float64, shape (n,)
        z.
    target : ndarray, shape (n,)
        y: one-hot, a distribution, or any weights of at least 0.

    Returns
    -------
    float
        float64, at least 0.

    Raises
    ------
    ValueError
        If there are no scores, or not as many targets.
    """
    require_length("cross_entropy: targets", scores.shape[0], target.shape[0])
    maximum, log_total = maximum_and_log_total(scores)
    loss, _ = _cross_entropy(scores, target, maximum, log_total)
    return loss


@kernel
def softmax_cross_entropy_into(
    scores: FloatArray, target: FloatArray, gradient: FloatArray
) -> float:
    """Write the gradient of ``cross_entropy`` by the scores into `gradient`; return the loss.

    Shapes (n,); `gradient` must not be `scores`.
    """
    require_length("softmax_cross_entropy: targets", scores.shape[0], target.shape[0])
    maximum, log_total = softmax_into(scores, gradient)
    loss, weight = _cross_entropy(scores, target, maximum, log_total)
    for i in range(scores.shape[0]):
        gradient[i] = weight * gradient[i] - target[i]
    return loss


@kernel
def softmax_cross_entropy(scores: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    """Return the cross entropy of a softmax and its gradient by the scores, yhat - y.

    Parameters
    ----------
    scores : ndarray of float32 or float64, shape (n,)
        z.
    target : ndarray, shape (n,)
        y: one-hot, a distribution, or any weights of at least 0. Where they sum to a weight
        a other than one, the gradient is a yhat - y.

    Returns
    -------
    loss : float
        float64, in nats.
    gradient : ndarray, shape (n,), dtype of `scores`

    Raises
    ------
    ValueError
        If there are no scores, or not as many targets.
    TypeError
        If `scores` holds integers.
    """
    require_floats("softmax_cross_entropy of scores", scores)
    gradient = np.empty_like(scores)
    loss = softmax_cross_entropy_into(scores, target, gradient)
    return loss, gradient


@kernel
def softmax_cross_entropy_rows(
    scores: FloatArray, targets: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the cross entropy of every row and its gradient by the scores.

    Parameters
    ----------
    scores : ndarray of float32 or float64, shape (B, n)
    targets : ndarray, shape (B, n)
        One row of weights for each row of scores, as in `softmax_cross_entropy`.

    Returns
    -------
    losses : ndarray of float64, shape (B,)
        In nats, one for each row.
    gradients : ndarray, shape (B, n), dtype of `scores`
        Row r is the gradient of ``losses[r]``, so the whole is that of their sum.

    Raises
    ------
    ValueError
        If rows are empty, or the shapes differ.
    TypeError
        If `scores` holds integers.
    """
    require_floats("softmax_cross_entropy_rows of scores", scores)
    require_length("softmax_cross_entropy_rows: target rows", scores.shape[0], targets.shape[0])
    losses = np.empty(scores.shape[0], np.float64)
    gradients = np.empty_like(scores)
    for row in range(scores.shape[0]):
        losses[row] = softmax_cross_entropy_into(scores[row], targets[row], gradients[row])
    return losses, gradients
