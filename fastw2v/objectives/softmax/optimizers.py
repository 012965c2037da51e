"""Optimisers and their schedule: the scalars of every step.

What an optimiser does with a gradient is in `fastw2v.kernels.softmax.updates`; here is what it is
told. The output vectors see a gradient at every step. A centre vector sees one only when its word
is in the batch, so its rule must not depend on how rare the word is: under ``adam`` centre rows
use RMSprop with corrections counted by each row's own visits.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.kernels.softmax.updates import ADAGRAD, ADAM, RMSPROP, SGD, Rule

__all__ = [
    "CBOW_CENTRE_RATE_FACTORS",
    "CBOW_MEAN_CENTRE_RATE_FACTORS",
    "CENTRE_DECAY_SECOND",
    "DECAY_FIRST",
    "DECAY_SECOND",
    "EPSILON",
    "UPDATE_RULES",
    "Optimizer",
    "StepRules",
    "UpdateRules",
    "decays_of_steps",
    "update_rules",
]


class UpdateRules(NamedTuple):
    """Which rule each table is updated by, and what an optimiser keeps of it.

    Attributes
    ----------
    output_kind, centre_kind : int
        As kernels number them.
    centre_rate_factor : float
        Centre vectors move so many times as fast as the learning rate says.
    output_moments, centre_moments : int
        Arrays of a table's size that are kept.
    """

    output_kind: int
    centre_kind: int
    centre_rate_factor: float
    output_moments: int
    centre_moments: int


UPDATE_RULES = {
    "adam": UpdateRules(ADAM, RMSPROP, 5.0, 2, 1),
    "adagrad": UpdateRules(ADAGRAD, ADAGRAD, 1.0, 1, 1),
    "sgd": UpdateRules(SGD, SGD, 1.0, 0, 0),
}
CBOW_CENTRE_RATE_FACTORS = {"adam": 1.0, "adagrad": 1.0, "sgd": 1.0}
# With the mean a context word sees 1/C of its rows' gradients, and may move faster.
CBOW_MEAN_CENTRE_RATE_FACTORS = {"adam": 3.0, "adagrad": 1.0, "sgd": 5.0}


def update_rules(settings: Hyperparameters) -> UpdateRules:
    """Return the rules of the settings' optimiser, for the settings' model."""
    rules = UPDATE_RULES[settings.optimizer]
    if settings.model == "skipgram":
        return rules
    by_mean = settings.cbow_mean
    factors = CBOW_MEAN_CENTRE_RATE_FACTORS if by_mean else CBOW_CENTRE_RATE_FACTORS
    return rules._replace(centre_rate_factor=factors[settings.optimizer])


DECAY_FIRST = 0.9
DECAY_SECOND = 0.99
CENTRE_DECAY_SECOND = 0.9
EPSILON = 1e-12
_MOST_STEPS = 4096  # after that many all decays are 0 in single precision


@dataclass(frozen=True)
class StepRules:
    """The three rules of one step and the rate that they share."""

    output: Rule
    bias: Rule
    centre: Rule
    rate: float


class Optimizer:
    """Rules for every step of a run whose rate falls linearly from first to last step.

    Parameters
    ----------
    settings : Hyperparameters
    total_steps : int
        Number of steps of the whole run, at least 1.
    """

    def __init__(self, settings: Hyperparameters, total_steps: int) -> None:
        self.update_rules = update_rules(settings)
        self.first_rate = settings.learning_rate
        self.final_fraction = settings.final_rate
        self.total_steps = max(total_steps, 1)
        self.bias_learns = settings.bias == "learned"

    def rate(self, step: int) -> float:
        """Return the learning rate of `step`, counted from 0."""
        progress = min(step / max(self.total_steps - 1, 1), 1.0)
        return self.first_rate * (1.0 - progress * (1.0 - self.final_fraction))

    def rules(self, step: int) -> StepRules:
        """Return the rules of `step`, counted from 0."""
        rate = self.rate(step)
        unbias_first = 1.0 / (1.0 - DECAY_FIRST ** (step + 1))
        unbias_second = 1.0 / (1.0 - DECAY_SECOND ** (step + 1))
        kinds = self.update_rules
        output = _rule(kinds.output_kind, rate, DECAY_SECOND, unbias_first, unbias_second)
        bias = output if self.bias_learns else output._replace(rate=np.float32(0))
        centre_rate = rate * kinds.centre_rate_factor
        centre = _rule(kinds.centre_kind, centre_rate, CENTRE_DECAY_SECOND, 1.0, 1.0)
        return StepRules(output, bias, centre, rate)


def _rule(
    kind: int, rate: float, decay_second: float, unbias_first: float, unbias_second: float
) -> Rule:
    return Rule(
        kind,
        np.float32(rate),
        np.float32(DECAY_FIRST),
        np.float32(decay_second),
        np.float32(unbias_first),
        np.float32(unbias_second),
        np.float32(EPSILON),
    )


def decays_of_steps() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return beta^t of Adam's moments (2, T), and how many first steps t steps add up to (T,).

    In the latter each step after a gradient is by beta1 / sqrt(beta2) smaller than the one before.
    """
    steps = np.arange(_MOST_STEPS)
    decays = np.array([DECAY_FIRST**steps, DECAY_SECOND**steps], np.float32)
    shrinking = DECAY_FIRST / np.sqrt(DECAY_SECOND)
    limits = (1.0 - shrinking**steps) / (1.0 - shrinking)
    limits[1] = 1.0
    return decays, limits.astype(np.float32)
