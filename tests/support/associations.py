"""Counts that are alike in both directions, and their associations in plain float64 numpy."""

import numpy as np

from fastw2v.objectives.softmax.associations import MASS_EXPONENT
from tests.support.dense_softmax import random_counts


def symmetric_counts(seed, n_words, density=0.2):
    dense = random_counts(np.random.default_rng(seed), n_words, density)
    return np.triu(dense) + np.triu(dense, 1).T


def associations(dense, keep):
    """Weighed positive PMI in float64, and the weights of the words."""
    weighed = dense * keep[:, None] * keep[None, :]
    masses = weighed.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        pmi = np.log(weighed * masses.sum() / np.outer(masses, masses))
    scale = np.where(masses > 0, (masses / masses.sum()) ** MASS_EXPONENT, 1.0)
    return np.where(dense > 0, np.maximum(pmi, 0), 0) * np.outer(scale, scale), scale


def counts_of_rank(groups, n_words):
    """Words of the same group are alike, and only meet one another: PMI is all of this rank."""
    group = np.arange(n_words) % groups
    return np.where(group[:, None] == group[None, :], 3, 0)
