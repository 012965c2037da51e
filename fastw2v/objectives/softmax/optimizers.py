"""Optimisers and their schedule: the scalars of every step.

What an optimiser does with a gradient is in `fastw2v.kernels.softmax.updates`; here is what it is
told. The output vectors see a gradient at every step. A centre vector sees one only when its word
is in the batch, so its rule must not depend on how rare the word is: under ``adam`` centre rows
use RMSprop with corrections counted by each row's own visits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastw2v.config import Hyperparameters
from fastw2v.kernels.softmax.updates import ADAGRAD, ADAM, RMSPROP, SGD, Rule


class Recipe(NamedTuple):
    """An optimiser's kinds of rule and default rate.

    Centre vectors move `centre_rate_factor` times as fast; the default rate for batches of
    tokens is `tokens_rate_factor` times that for batches of counts.
    """

    output_kind: int
    centre_kind: int
    rate: float
    centre_rate_factor: float
    tokens_rate_factor: float
    output_moments: int
    centre_moments: int


# Adam and AdaGrad divide by the size of gradients. Plain SGD does not: a batch of tokens holds
# the frequent words over and over, so that it diverges at rates that suit batches of counts.
RECIPES = {
    "adam": Recipe(ADAM, RMSPROP, 0.02, 5.0, 1.0, 2, 1),
    "adagrad": Recipe(ADAGRAD, ADAGRAD, 0.2, 1.0, 1.0, 1, 1),
    "sgd": Recipe(SGD, SGD, 0.2, 1.0, 0.15, 0, 0),
}

# CBOW's batches are of positions whatever `batches` says. Plain SGD sums over the rows of a batch,
# so that the share of the most frequent word decides how large its rate may be; with the mean a
# context word sees 1/C of its rows' gradients and may move faster.
CBOW_MEAN_RECIPES = {
    "adam": Recipe(ADAM, RMSPROP, 0.01, 3.0, 1.0, 2, 1),
    "adagrad": Recipe(ADAGRAD, ADAGRAD, 0.1, 1.0, 1.0, 1, 1),
    "sgd": Recipe(SGD, SGD, 0.03, 5.0, 1.0, 0, 0),
}
CBOW_SUM_RECIPES = {
    "adam": Recipe(ADAM, RMSPROP, 0.01, 1.0, 1.0, 2, 1),
    "adagrad": Recipe(ADAGRAD, ADAGRAD, 0.1, 1.0, 1.0, 1, 1),
    "sgd": Recipe(SGD, SGD, 0.02, 1.0, 1.0, 0, 0),
}

DECAY_FIRST = 0.9
DECAY_SECOND = 0.99
CENTRE_DECAY_SECOND = 0.9
EPSILON = 1e-12


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
    recipes : mapping of str to Recipe
        What each optimiser does, and its default rate.
    """

    def __init__(
        self,
        settings: Hyperparameters,
        total_steps: int,
        recipes: Mapping[str, Recipe] = RECIPES,
    ) -> None:
        self.recipe = recipes[settings.optimizer]
        self.first_rate = settings.learning_rate or default_rate(settings, recipes)
        self.final_fraction = settings.final_rate or 0.0
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
        output = _rule(self.recipe.output_kind, rate, DECAY_SECOND, unbias_first, unbias_second)
        bias = output if self.bias_learns else output._replace(rate=np.float32(0))
        centre_rate = rate * self.recipe.centre_rate_factor
        centre = _rule(self.recipe.centre_kind, centre_rate, CENTRE_DECAY_SECOND, 1.0, 1.0)
        return StepRules(output, bias, centre, rate)


def default_rate(settings: Hyperparameters, recipes: Mapping[str, Recipe] = RECIPES) -> float:
    """Return the first rate of a run that asks for none."""
    recipe = recipes[settings.optimizer]
    return recipe.rate * (recipe.tokens_rate_factor if settings.batches == "tokens" else 1.0)


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
