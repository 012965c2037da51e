"""Hashes of 64 bits: a mixing function, and a hash of bytes."""

import numpy as np
from numba import njit

__all__ = ["GOLDEN", "hash_bytes", "mix"]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio
_MIX_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_MIX_SECOND = np.uint64(0x94D049BB133111EB)
_FNV_BASIS = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)


@njit(nogil=True, inline="always")
def mix(number):
    """Return 64 bits that each depend on all bits of `number`; a bijection.

    References
    ----------
    Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators: what splitmix64
    does to its state.
    """
    number = (number ^ (number >> np.uint64(30))) * _MIX_FIRST
    number = (number ^ (number >> np.uint64(27))) * _MIX_SECOND
    return number ^ (number >> np.uint64(31))


@njit(nogil=True, inline="always")
def hash_bytes(text, start, end):
    """Return the hash FNV-1a (Fowler, Noll and Vo) of ``text[start:end]``, uint8.

    Its bits are not evenly spread: mix them.
    """
    value = _FNV_BASIS
    for at in range(start, end):
        value = (value ^ np.uint64(text[at])) * _FNV_PRIME
    return value
