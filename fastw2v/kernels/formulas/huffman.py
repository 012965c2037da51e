"""Huffman's tree over the vocabulary: frequent words have short paths from the root.

Hierarchical softmax needs, for each word, the inner nodes on its path and which way to turn at
each. Words of equal counts leave several trees that are equally good. This one is made by the
same binary heap, with the same moves, as Python's ``heapq``, which gensim uses: paths and codes
are gensim's, ties included. A heap takes O(V log V) steps where two queues would take O(V); both
are little beside reading the text.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel

__all__ = ["HuffmanTree", "build_huffman"]


class HuffmanTree(NamedTuple):
    """The paths from the root to V words, one behind another.

    Attributes
    ----------
    starts : ndarray of int64, shape (V + 1,)
        The path to word w is at the places from ``starts[w]`` to ``starts[w + 1]``, root first.
    points : ndarray of int32, shape (total length,)
        Inner nodes, 0 to V - 2; V - 2 is the root.
    codes : ndarray of uint8, shape (total length,)
        Which child comes next: 0 or 1.
    """

    starts: NDArray[np.int64]
    points: NDArray[np.int32]
    codes: NDArray[np.uint8]


@kernel
def _towards_root(heap, counts, first, place):
    """Move what stands at `place` up, but not above `first`, while its parent counts more."""
    node = heap[place]
    while place > first:
        parent = (place - 1) >> 1
        if not counts[node] < counts[heap[parent]]:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = node


@kernel
def _towards_leaves(heap, counts, size, first):
    """Let the smaller child of `first` rise, down to a leaf, and put what stood there to order.

    As ``heapq`` does: down to the leaf without comparing, then up again. What is left among equal
    counts depends on it.
    """
    node = heap[first]
    place = first
    child = 2 * place + 1
    while child < size:
        right = child + 1
        if right < size and not counts[heap[child]] < counts[heap[right]]:
            child = right
        heap[place] = heap[child]
        place = child
        child = 2 * place + 1
    heap[place] = node
    _towards_root(heap, counts, first, place)


@kernel
def _join_nodes(word_counts):
    """Join the two least nodes until one is left; return parents and sides of all nodes.

    Nodes 0 to V - 1 are the words, V to 2 V - 2 the joined ones in order of joining.
    """
    n_words = word_counts.shape[0]
    n_nodes = 2 * n_words - 1
    counts = np.empty(n_nodes, np.int64)
    for word in range(n_words):
        counts[word] = word_counts[word]
    parents = np.zeros(n_nodes, np.int32)
    sides = np.zeros(n_nodes, np.uint8)
    heap = np.arange(n_words).astype(np.int32)
    for place in range(n_words // 2 - 1, -1, -1):
        _towards_leaves(heap, counts, n_words, place)
    size = n_words
    for joined in range(n_words, n_nodes):
        for side in range(2):
            node = heap[0]
            parents[node] = joined
            sides[node] = side
            size -= 1
            heap[0] = heap[size]
            if size > 0:
                _towards_leaves(heap, counts, size, 0)
            if side == 0:
                counts[joined] = counts[node]
            else:
                counts[joined] += counts[node]
        heap[size] = joined
        _towards_root(heap, counts, 0, size)
        size += 1
    return parents, sides


@kernel
def build_huffman(counts: NDArray[np.int64]) -> HuffmanTree:
    """Return the Huffman tree of words with these counts.

    Parameters
    ----------
    counts : ndarray of int64, shape (V,)
        At least 0, V at least 1, with a sum below 2^63. A single word has an empty path.

    Returns
    -------
    HuffmanTree
        The sum of count times length is the least of any tree.

    Raises
    ------
    ValueError
        If there is no word, or a count is negative.

    References
    ----------
    Huffman (1952), A method for the construction of minimum-redundancy codes.
    """
    n_words = counts.shape[0]
    if n_words == 0:
        raise ValueError("counts: expected at least one word, got none")
    for word in range(n_words):
        if counts[word] < 0:
            raise ValueError("counts: expected numbers of at least 0, got a negative one")
    parents, sides = _join_nodes(counts)
    depths = np.zeros(2 * n_words - 1, np.int32)
    for node in range(2 * n_words - 3, -1, -1):  # a parent has a higher number than its children
        depths[node] = depths[parents[node]] + 1
    starts = np.zeros(n_words + 1, np.int64)
    for word in range(n_words):
        starts[word + 1] = starts[word] + depths[word]
    points = np.empty(starts[n_words], np.int32)
    codes = np.empty(starts[n_words], np.uint8)
    for word in range(n_words):
        node = word
        for place in range(starts[word + 1] - 1, starts[word] - 1, -1):
            codes[place] = sides[node]
            node = parents[node]
            points[place] = node - n_words
    return HuffmanTree(starts, points, codes)
