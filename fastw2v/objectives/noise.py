"""The noise of negative sampling: how often each word is drawn as a negative."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastw2v.errors import ConfigurationError, VocabularyError
from fastw2v.kernels.stream.noise import AliasTable, build_alias

__all__ = ["noise_distribution", "noise_table"]


def noise_distribution(counts: ArrayLike, ns_exponent: float) -> NDArray[np.float64]:
    """Return P_noise(w), in proportion to ``counts[w] ** ns_exponent``.

    Parameters
    ----------
    counts : array of numbers, shape (V,)
        How often each word occurs, more than 0.
    ns_exponent : float
        0.75 in word2vec; 1 is the frequency itself, 0 makes all words equal, below 0 the rare
        ones are drawn more often.

    Returns
    -------
    probabilities : float64 array (V,)
        They sum to one.

    Raises
    ------
    VocabularyError
        If there are no counts, or one is not above 0.
    ConfigurationError
        If `ns_exponent` is not a finite number.

    References
    ----------
    Mikolov et al. (2013), arXiv:1310.4546, section 2.2.
    """
    if not math.isfinite(ns_exponent):
        raise ConfigurationError(f"ns_exponent: expected a finite number, got {ns_exponent!r}")
    logs = np.log(_checked(counts)) * ns_exponent
    weights = np.exp(logs - logs.max())  # relative to the largest: no exponent is too large
    return np.asarray(weights / weights.sum())


def noise_table(counts: ArrayLike, ns_exponent: float) -> AliasTable:
    """Return the table by which kernels draw from `noise_distribution`, in constant time.

    Parameters, and what is raised, as for `noise_distribution`.
    """
    return build_alias(noise_distribution(counts, ns_exponent))


def _checked(counts: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(counts, np.float64)
    if array.ndim != 1 or not array.size:
        raise VocabularyError(
            f"counts: expected one for each of at least one word, got an array of shape "
            f"{array.shape}"
        )
    bad = np.flatnonzero(~((array > 0) & (array < np.inf)))
    if bad.size:
        raise VocabularyError(
            f"counts: expected numbers above 0, got {array[bad[0]]:g} for word {bad[0]}; "
            "leave out words that do not occur"
        )
    return array
