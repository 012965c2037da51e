"""Random numbers from generators that are one uint64 each, one for every block of work.

A generator belongs to a block of work, not to a thread, so what is drawn does not depend on how
many threads there are. `seed_state` makes its state from the seed and whatever numbers tell the
block from others; `advance` steps it; `scramble` turns the state into 64 random bits. The state
itself is linear in its bits and its lowest ones are weak: draw from the scrambled bits.

    state = seed_state(seed, purpose, epoch, block)
    state = advance(state)
    word = below(scramble(state), n_words)
"""

from typing import Any

import numpy as np
from numba import literal_unroll
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.hashing import GOLDEN, mix

__all__ = [
    "advance",
    "below",
    "is_kept",
    "scale_bits",
    "scramble",
    "seed_state",
    "subsample_thresholds",
]

_STAR = np.uint64(0x2545F4914F6CDD1D)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_HALF_BITS = np.uint64(32)


@kernel
def seed_state(*numbers: Any) -> np.uint64:
    """Return the first state of the generator that the seed and other `numbers` name.

    Parameters
    ----------
    *numbers : int
        The seed of the run, then what the generator is for: a purpose, an epoch, a block. Their
        order counts, and so does how many there are.

    Returns
    -------
    uint64
        Never zero, where `advance` would stand still.

    References
    ----------
    Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators (splitmix64).
    """
    state = np.uint64(0)
    for number in literal_unroll(numbers):
        state = mix((state ^ np.uint64(number)) + GOLDEN)
    return state if state != np.uint64(0) else GOLDEN


@kernel
def advance(state: np.uint64) -> np.uint64:
    """Return the state that follows, of 2^64 - 1 in one cycle; zero stays zero.

    References
    ----------
    Marsaglia (2003), Xorshift RNGs; the shifts are those of Vigna (2016), arXiv:1402.6246.
    """
    state = np.uint64(state)  # Numba takes Python's integers for int64
    state = state ^ (state >> np.uint64(12))
    state = state ^ (state << np.uint64(25))
    return state ^ (state >> np.uint64(27))


@kernel
def scramble(state: np.uint64) -> np.uint64:
    """Return 64 random bits for a state; the high ones are the best (xorshift64*, Vigna 2016)."""
    return np.uint64(state) * _STAR


@kernel
def scale_bits(bits: np.uint64, n: np.uint64) -> np.uint64:
    """Return ``floor(bits * n / 2^32)`` without losing a bit, for `n` below 2^32.

    As a fixed-point number this is uniform in [0, n): the high half is a whole number below n,
    the low half the fraction that follows it. Every interval of it has its right probability to
    within 2^-64.
    """
    bits = np.uint64(bits)
    high = (bits >> _HALF_BITS) * n
    low = (bits & _LOW_HALF) * n
    return high + (low >> _HALF_BITS)


@kernel
def below(bits: np.uint64, n: Any) -> np.int64:
    """Return a number from 0 to n - 1 made of 64 random bits, without a division.

    Parameters
    ----------
    bits : uint64
        From `scramble`.
    n : int
        1 to 2^32 - 1.

    Returns
    -------
    int64
        Each with a probability that differs from 1/n by less than 2^-64.

    References
    ----------
    Lemire (2019), Fast random integer generation in an interval, arXiv:1805.10941.
    """
    return np.int64(scale_bits(bits, np.uint64(n)) >> _HALF_BITS)


@kernel
def subsample_thresholds(keep: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return what `is_kept` compares with, so that word w is kept with probability ``keep[w]``.

    Parameters
    ----------
    keep : ndarray of float64, shape (V,)
        Probabilities above 0, up to 1.

    Returns
    -------
    ndarray of uint32, shape (V,)
        The probability is met to within 2^-32, and exactly where it is 1.

    Raises
    ------
    ValueError
        If a probability is not above 0 and at most 1.
    """
    thresholds = np.empty(keep.shape[0], np.uint32)
    for word in range(keep.shape[0]):
        if not 0.0 < keep[word] <= 1.0:
            raise ValueError("keep: expected probabilities above 0 and at most 1, got another")
        steps = np.int64(np.rint(keep[word] * 4294967296.0))
        thresholds[word] = np.uint32(steps - 1 if steps > 1 else 0)
    return thresholds


@kernel
def is_kept(threshold: np.uint32, bits: np.uint64) -> np.bool_:
    """Return whether subsampling keeps a token: whether the high half is at most `threshold`."""
    return (np.uint64(bits) >> _HALF_BITS) <= np.uint64(threshold)
