"""Words grouped by a hash, so that each group can be added up by itself."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.hashing import hash_bytes

__all__ = ["gather_words", "groups_of_words"]


@kernel
def groups_of_words(
    word_bytes: NDArray[np.uint8], offsets: NDArray[np.int64], n_words: int, n_groups: int
) -> NDArray[np.int64]:
    """Return the group of each word, from a hash of its bytes (FNV-1a, mixed).

    Parameters
    ----------
    word_bytes : ndarray of uint8
        The words' UTF-8, one behind the other.
    offsets : ndarray of int64, shape (at least n_words + 1,)
        Where each word begins, and where the last ends.
    n_words, n_groups : int
    """
    groups = np.empty(n_words, np.int64)
    for word in range(n_words):
        hashed = hash_bytes(word_bytes, offsets[word], offsets[word + 1])
        hashed ^= hashed >> np.uint64(32)
        groups[word] = np.int64(hashed % np.uint64(n_groups))
    return groups


@kernel
def gather_words(
    word_bytes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    order: NDArray[np.int64],
    padding: int,
) -> tuple[Any, Any]:
    """Return words in another order: their bytes with so many more, and where each ends."""
    ends = np.empty(order.size, np.int64)
    n_bytes = 0
    for k in range(order.size):
        n_bytes += offsets[order[k] + 1] - offsets[order[k]]
        ends[k] = n_bytes
    text = np.zeros(n_bytes + padding, np.uint8)
    place = 0
    for word in order:
        for at in range(offsets[word], offsets[word + 1]):
            text[place] = word_bytes[at]
            place += 1
    return text, ends
