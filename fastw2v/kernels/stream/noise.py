"""Words drawn from any distribution in constant time: Walker's alias table.

The table has one column for each word. A draw picks a column evenly and then takes either the
column's own word or the one other word that shares it, by one comparison. All probabilities are
whole numbers of 2^-32 of a column, so building the table rounds once and then is exact.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.random_numbers import scale_bits

__all__ = ["AliasTable", "build_alias", "draw"]

_COLUMN = 2**32  # what a column holds, in the units of the table
_LOW_HALF = np.uint64(0xFFFFFFFF)


class AliasTable(NamedTuple):
    """A distribution over V words, ready for drawing.

    Attributes
    ----------
    thresholds : ndarray of uint32, shape (V,)
        How much of column w is word w itself, in units of 2^-32.
    aliases : ndarray of int32, shape (V,)
        The word that has the rest of column w; w where there is no rest.
    """

    thresholds: NDArray[np.uint32]
    aliases: NDArray[np.int32]


@kernel
def _shares(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return whole numbers in proportion to the weights, with the sum V * 2^32."""
    n_words = weights.shape[0]
    total = 0.0
    largest = 0
    for word in range(n_words):
        if not (weights[word] >= 0.0 and weights[word] < np.inf):
            raise ValueError("weights: expected finite numbers of at least 0, got another")
        total += weights[word]
        if weights[word] > weights[largest]:
            largest = word
    if not 0.0 < total < np.inf:
        raise ValueError("weights: expected a sum above 0 that float64 can hold, got another")
    shares = np.empty(n_words, np.int64)
    left = n_words * _COLUMN
    for word in range(n_words):
        # Dividing by the total first keeps weights of any size within range.
        shares[word] = np.int64(np.rint(weights[word] / total * n_words * 4294967296.0))
        left -= shares[word]
    shares[largest] += left
    return shares


@kernel
def build_alias(weights: NDArray[np.float64]) -> AliasTable:
    """Return the alias table of a distribution.

    Parameters
    ----------
    weights : ndarray of float64, shape (V,)
        In proportion to the probabilities; finite, at least 0, not all 0. V below 2^31.

    Returns
    -------
    AliasTable
        It draws word w with probability ``weights[w] / sum(weights)`` to within 2^-33 / V, the
        most probable word to within 2^-33. A weight of 0 is never drawn.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or their sum is 0 or not finite.

    References
    ----------
    Walker (1977), An efficient method for generating discrete random variables with general
    distributions; Vose (1991), A linear algorithm for generating random numbers with a given
    distribution.
    """
    n_words = weights.shape[0]
    shares = _shares(weights)
    thresholds = np.empty(n_words, np.uint32)
    aliases = np.empty(n_words, np.int32)
    waiting = np.empty(n_words, np.int32)  # words below a column from the left, others from behind
    n_small, n_large = 0, 0
    for word in range(n_words):
        if shares[word] < _COLUMN:
            waiting[n_small] = word
            n_small += 1
        else:
            n_large += 1
            waiting[n_words - n_large] = word
    while n_small > 0:  # the shares left fill whole columns, so there is a large one
        n_small -= 1
        small = waiting[n_small]
        large = waiting[n_words - n_large]
        thresholds[small] = np.uint32(shares[small])
        aliases[small] = large
        shares[large] -= _COLUMN - shares[small]
        if shares[large] < _COLUMN:
            n_large -= 1
            waiting[n_small] = large
            n_small += 1
    for place in range(n_words - n_large, n_words):
        word = waiting[place]
        thresholds[word] = np.uint32(_LOW_HALF)
        aliases[word] = word
    return AliasTable(thresholds, aliases)


@kernel
def draw(thresholds: NDArray[np.uint32], aliases: NDArray[np.int32], bits: np.uint64) -> np.int32:
    """Return a word of the table for 64 random bits, without a branch.

    Parameters
    ----------
    thresholds, aliases
        The two arrays of an `AliasTable`.
    bits : uint64
        From `fastw2v.kernels.formulas.random_numbers.scramble`.
    """
    place = scale_bits(bits, np.uint64(thresholds.shape[0]))
    column = np.uint32(place >> np.uint64(32))  # unsigned: no look whether it counts from behind
    alias = aliases[column]
    own = np.int32(np.uint32(place & _LOW_HALF) < thresholds[column])
    return np.int32(alias ^ ((alias ^ np.int32(column)) & -own))
