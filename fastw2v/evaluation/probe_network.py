"""Training the probe's network: one hidden layer of sigmoids, a softmax on top, Adam.

    h = sigmoid(x W1 + b1),  yhat = softmax(h W2 + b2),  J = mean cross entropy + l2/(2B) |W|^2

over batches of B words. Forward and backward are `fastw2v.kernels.formulas.network`, the steps
those of `fastw2v.kernels.softmax.updates`. With `tune` the gradient goes on into the inputs: dJ/dx
moves the vectors of the words in the batch. Batches, rates and penalty are scikit-learn's
(`sklearn.neural_network.MLPClassifier`), so that both train the same thing.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import LARGEST_SEED
from fastw2v.config.numbers import real_number, whole_number
from fastw2v.kernels.formulas.network import NetworkParameters, forward, loss_and_gradients
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.softmax.updates import ADAM, Rule, update_block

__all__ = [
    "DECAY_FIRST",
    "DECAY_SECOND",
    "EPSILON",
    "Floats",
    "Labels",
    "ProbeSettings",
    "TrainedNetwork",
    "predicted",
    "train_network",
]

DECAY_FIRST, DECAY_SECOND, EPSILON = 0.9, 0.999, 1e-8
_MOST_SIGMOIDS, _MOST = 2**16, 2**31 - 1
_LARGEST = 1e30  # still a float32 times what a step multiplies it by

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ProbeSettings:
    """The network's shape and how it is trained and tested.

    Attributes
    ----------
    hidden_size : int
        Sigmoids of the hidden layer.
    folds : int
        Of the cross validation.
    epochs, batch_rows : int
    learning_rate : float
        Adam's.
    l2 : float
        Penalty on the weights, not on biases or inputs.
    seed : int
        Of folds, first weights, and order.
    """

    hidden_size: int = 50
    folds: int = 5
    epochs: int = 100
    batch_rows: int = 64
    learning_rate: float = 0.01
    l2: float = 1e-4
    seed: int = 1

    def __post_init__(self) -> None:
        most = {"hidden_size": _MOST_SIGMOIDS, "seed": LARGEST_SEED}
        least = {"hidden_size": 1, "folds": 2, "epochs": 1, "batch_rows": 1, "seed": 0}
        for name, low in least.items():
            value = whole_number(name, getattr(self, name), low=low, high=most.get(name, _MOST))
            object.__setattr__(self, name, value)
        for name in ("learning_rate", "l2"):
            rate = real_number(
                name, getattr(self, name), low=0, high=_LARGEST, low_is_open=name != "l2"
            )
            object.__setattr__(self, name, rate)


class TrainedNetwork(NamedTuple):
    """Parameters after training, and the inputs (N, D), which moved if they were tuned."""

    parameters: NetworkParameters
    inputs: Floats


def train_network(
    inputs: Floats, labels: Labels, n_labels: int, settings: ProbeSettings, *, tune: bool = False
) -> TrainedNetwork:
    """Train on N words; the same bits for the same seed.

    Parameters
    ----------
    inputs : (N, D) float32
        Left as they are; with `tune` a copy moves.
    labels : (N,) int64
        From 0 to `n_labels` - 1.
    n_labels : int
    settings : ProbeSettings
    tune : bool
        Whether the gradient goes on into the inputs.
    """
    generator = np.random.default_rng(settings.seed)
    n_rows, dimensions = inputs.shape
    inputs = np.array(inputs, np.float32, order="C")
    targets = np.eye(n_labels, dtype=np.float32)[labels]
    shapes = _shapes(dimensions, settings.hidden_size, n_labels)
    steppers = [_Stepper(_first_values(shape, generator)) for shape in shapes]
    moments = np.zeros((2, n_rows, dimensions), np.float32)
    step = 0
    for epoch in range(1, settings.epochs + 1):
        order = generator.permutation(n_rows)
        for first in range(0, n_rows, settings.batch_rows):
            batch = order[first : first + settings.batch_rows]
            parameters = NetworkParameters(*(stepper.values for stepper in steppers))
            gradients = loss_and_gradients(inputs[batch], targets[batch], parameters)
            step += 1
            rule = _adam(settings.learning_rate, step)
            for stepper, gradient in zip(steppers, gradients.parameters, strict=True):
                l2 = settings.l2 if gradient.ndim == 2 else 0.0  # biases are not penalised
                penalised = gradient + np.float32(l2) * stepper.values
                stepper.step((penalised / len(batch)).astype(np.float32), rule)
            if tune:
                # Each word is met once an epoch, so its moments have seen as many gradients.
                mover = _Stepper(inputs[batch], moments[:, batch])
                rule = _adam(settings.learning_rate, epoch)
                mover.step((gradients.inputs / len(batch)).astype(np.float32), rule)
                inputs[batch], moments[:, batch] = mover.values, mover.moments
    return TrainedNetwork(NetworkParameters(*(stepper.values for stepper in steppers)), inputs)


def predicted(inputs: Floats, parameters: NetworkParameters) -> Labels:
    """Return the likeliest label of each row."""
    probabilities = forward(np.ascontiguousarray(inputs), parameters).probabilities
    return np.asarray(probabilities.argmax(axis=1), np.int64)


def _shapes(inputs: int, hidden: int, outputs: int) -> tuple[tuple[int, ...], ...]:
    return (inputs, hidden), (hidden,), (hidden, outputs), (outputs,)


def _first_values(shape: tuple[int, ...], generator: np.random.Generator) -> Floats:
    """Return Glorot's uniform weights, and biases of zero."""
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    bound = np.sqrt(6 / sum(shape))
    return generator.uniform(-bound, bound, shape).astype(np.float32)


class _Stepper:
    """An array that Adam moves, padded to whole vectors for the kernel."""

    def __init__(self, values: Floats, moments: Floats | None = None) -> None:
        size = values.size
        self._padded = _in_lanes(values)
        self._moments = np.zeros((2, self._padded.size), np.float32)
        self._gradient = np.zeros_like(self._padded)
        self.values = self._padded[:size].reshape(values.shape)
        if moments is not None:
            self._moments[:, :size] = moments.reshape(2, -1)

    @property
    def moments(self) -> Floats:
        """First and second moments (2, *shape)."""
        return self._moments[:, : self.values.size].reshape(2, *self.values.shape)

    def step(self, gradient: Floats, rule: Rule) -> None:
        self._gradient[: gradient.size] = gradient.reshape(-1)
        update_block(self._padded, self._moments, 0, self._gradient, 0, self._padded.size, rule)


def _in_lanes(values: Floats) -> Floats:
    padded = np.zeros(-(-values.size // LANES) * LANES, np.float32)
    padded[: values.size] = values.reshape(-1)
    return padded


def _adam(rate: float, step: int) -> Rule:
    return Rule(
        ADAM,
        np.float32(rate),
        np.float32(DECAY_FIRST),
        np.float32(DECAY_SECOND),
        np.float32(1 / (1 - DECAY_FIRST**step)),
        np.float32(1 / (1 - DECAY_SECOND**step)),
        np.float32(EPSILON),
    )
