"""The tree of hierarchical softmax, from the counts of a vocabulary."""

import numpy as np
from numpy.typing import ArrayLike

from fastw2v.errors import VocabularyError
from fastw2v.kernels.formulas.huffman import HuffmanTree, build_huffman

__all__ = ["huffman_tree"]


def huffman_tree(counts: ArrayLike) -> HuffmanTree:
    """Return the Huffman tree of a vocabulary, the same as gensim's for the same counts.

    Parameters
    ----------
    counts : array of whole numbers, shape (V,)
        How often each word occurs, at least 0, in any order.

    Returns
    -------
    HuffmanTree
        V - 1 inner nodes. The only word of a vocabulary of one has an empty path.

    Raises
    ------
    VocabularyError
        If there are no counts, they are not whole numbers, one is negative, or their sum does
        not fit int64.
    """
    array = np.asarray(counts)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iu":
        raise VocabularyError(
            "counts: expected whole numbers, one for each of at least one word, got "
            f"{array.dtype} {array.shape}"
        )
    lowest = int(np.argmin(array))
    if array[lowest] < 0:
        raise VocabularyError(
            f"counts: expected numbers of at least 0, got {array[lowest]} for word {lowest}"
        )
    total = array.sum(dtype=np.float64)
    if total >= 2.0**63:
        raise VocabularyError(f"counts: expected a sum below 2**63, got {total:.3g}")
    return build_huffman(np.ascontiguousarray(array, np.int64))
