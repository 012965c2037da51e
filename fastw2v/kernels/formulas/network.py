"""A network with one hidden layer of sigmoids and a softmax on top.

    h    = sigmoid(x W1 + b1)
    yhat = softmax(h W2 + b2)
    J    = - sum over the rows of sum(y * log yhat)

The loss is the *sum* over the rows, so that the error at the top is plainly yhat - y; divide by
the number of rows for a mean. Derivation: ``docs/math.md``.
"""

from typing import NamedTuple

import numpy as np

from fastw2v.errors import ConfigurationError
from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.functions import (
    FloatArray,
    require_floats,
    require_length,
    sigmoid,
    sigmoid_derivative,
    softmax_cross_entropy_rows,
    softmax_rows,
)

__all__ = [
    "NetworkGradients",
    "NetworkOutputs",
    "NetworkParameters",
    "forward",
    "loss_and_gradients",
    "parameter_count",
]


class NetworkParameters(NamedTuple):
    """The parameters of the network, or the gradients by them; all of one dtype.

    Attributes
    ----------
    hidden_weights : ndarray, shape (Dx, H)
        W1.
    hidden_bias : ndarray, shape (H,)
        b1.
    output_weights : ndarray, shape (H, Dy)
        W2.
    output_bias : ndarray, shape (Dy,)
        b2.
    """

    hidden_weights: FloatArray
    hidden_bias: FloatArray
    output_weights: FloatArray
    output_bias: FloatArray


class NetworkOutputs(NamedTuple):
    """What a forward pass computes.

    Attributes
    ----------
    hidden : ndarray, shape (N, H)
        h.
    probabilities : ndarray, shape (N, Dy)
        yhat; every row sums to one.
    """

    hidden: FloatArray
    probabilities: FloatArray


class NetworkGradients(NamedTuple):
    """The loss and its gradients.

    Attributes
    ----------
    loss : float
        Nats, summed over the rows (float64).
    inputs : ndarray, shape (N, Dx)
        dJ/dx.
    parameters : NetworkParameters
        dJ/dW1, dJ/db1, dJ/dW2, dJ/db2.
    """

    loss: float
    inputs: FloatArray
    parameters: NetworkParameters


def parameter_count(input_size: int, hidden_size: int, output_size: int) -> int:
    """Return the number of parameters, (Dx + 1) H + (H + 1) Dy.

    Raises
    ------
    ConfigurationError
        If a size is below 1.
    """
    sizes = {"input_size": input_size, "hidden_size": hidden_size, "output_size": output_size}
    for name, size in sizes.items():
        if size < 1:
            raise ConfigurationError(f"{name}: expected at least 1, got {size}")
    return (input_size + 1) * hidden_size + (hidden_size + 1) * output_size


@kernel
def _check_shapes(inputs: FloatArray, parameters: NetworkParameters) -> None:
    hidden_size, output_size = parameters.output_weights.shape
    require_floats("network inputs", inputs)
    require_length("hidden_weights: rows", inputs.shape[1], parameters.hidden_weights.shape[0])
    require_length("hidden_weights: columns", hidden_size, parameters.hidden_weights.shape[1])
    require_length("hidden_bias: entries", hidden_size, parameters.hidden_bias.shape[0])
    require_length("output_bias: entries", output_size, parameters.output_bias.shape[0])


@kernel
def _hidden_and_scores(
    inputs: FloatArray, parameters: NetworkParameters
) -> tuple[FloatArray, FloatArray]:
    hidden = sigmoid(inputs @ parameters.hidden_weights + parameters.hidden_bias)
    return hidden, hidden @ parameters.output_weights + parameters.output_bias


@kernel
def _column_sums(matrix: FloatArray) -> FloatArray:
    """Return the sums over the rows, added up in float64, in the dtype of `matrix`."""
    totals = np.zeros(matrix.shape[1], np.float64)
    for row in range(matrix.shape[0]):
        for column in range(matrix.shape[1]):
            totals[column] += matrix[row, column]
    return totals.astype(matrix.dtype)


@kernel
def forward(inputs: FloatArray, parameters: NetworkParameters) -> NetworkOutputs:
    """Return the hidden layer and the probabilities of every row.

    Parameters
    ----------
    inputs : ndarray of float32 or float64, shape (N, Dx)
        x.
    parameters : NetworkParameters
        Same dtype.

    Returns
    -------
    NetworkOutputs

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    _check_shapes(inputs, parameters)
    hidden, scores = _hidden_and_scores(inputs, parameters)
    return NetworkOutputs(hidden, softmax_rows(scores))


@kernel
def loss_and_gradients(
    inputs: FloatArray, targets: FloatArray, parameters: NetworkParameters
) -> NetworkGradients:
    """Return the summed cross entropy and its gradients by the inputs and every parameter.

        d1 = yhat - y,   d2 = d1 W2^T,   d3 = d2 * h (1 - h)
        dJ/dx = d3 W1^T,   dW2 = h^T d1,   dW1 = x^T d3,   db2, db1 = column sums of d1, d3

    Parameters
    ----------
    inputs : ndarray of float32 or float64, shape (N, Dx)
        x.
    targets : ndarray, shape (N, Dy)
        y: every row one-hot, a distribution, or weights (then d1 = a yhat - y, with a their
        sum).
    parameters : NetworkParameters
        Same dtype as `inputs`.

    Returns
    -------
    NetworkGradients

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    _check_shapes(inputs, parameters)
    hidden, scores = _hidden_and_scores(inputs, parameters)
    losses, d1 = softmax_cross_entropy_rows(scores, targets)
    d2 = d1 @ parameters.output_weights.T
    d3 = d2 * sigmoid_derivative(hidden)
    gradients = NetworkParameters(inputs.T @ d3, _column_sums(d3), hidden.T @ d1, _column_sums(d1))
    return NetworkGradients(losses.sum(), d3 @ parameters.hidden_weights.T, gradients)
