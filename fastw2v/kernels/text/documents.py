"""Hashes of documents, by which some are held out."""

import numpy as np
from numba import njit

from fastw2v.kernels.stream.random_numbers import seed_state

_FNV_BASIS = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)


@njit(cache=True, nogil=True)
def hash_documents(text, ends, seed, stream, hashes):
    """Write a hash of each document, made of its bytes, a seed, and what it is for.

    Parameters
    ----------
    text : uint8 array
        The documents one behind the other.
    ends : int64 array (n,)
        Where each ends.
    seed, stream : uint64
    hashes : uint64 array (n,)
        Written. Evenly spread whatever the documents are.

    References
    ----------
    Fowler, Noll and Vo's hash FNV-1a, made even as seeds are.
    """
    start = 0
    for document in range(ends.shape[0]):
        value = _FNV_BASIS
        for place in range(start, ends[document]):
            value = (value ^ np.uint64(text[place])) * _FNV_PRIME
        hashes[document] = seed_state(seed, stream, value)
        start = ends[document]
