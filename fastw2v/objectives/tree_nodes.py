"""Inner nodes of a Huffman tree that another tree has, too."""

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.formulas.huffman import HuffmanTree

__all__ = ["same_nodes"]

_SEED = 0x5EED
_Sums = NDArray[np.uint64]


def same_nodes(
    tree: HuffmanTree, before: HuffmanTree, places: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return which node of an earlier tree decides what each node of a tree does.

    That is the one that parts the words which both trees have into the same two sets. Sets are
    told by sums of 64 random bits a word, so two different ones are hardly ever taken for equal.

    Parameters
    ----------
    tree, before : HuffmanTree
        Of V words, and of the earlier ones.
    places : (V,) int64
        Where each word stands among the earlier ones, -1 for new ones.

    Returns
    -------
    nodes : (V - 1,) int64
        -1 for nodes that have no such one.
    signs : (V - 1,) float32
        -1 where the two sets are on the other sides: its vector is then to be negated.
    """
    is_known = places >= 0
    bits = np.random.default_rng(_SEED).integers(1, 2**64, len(places), np.uint64)
    mine = _sides(tree, np.where(is_known, bits, np.uint64(0)))
    earlier = np.zeros(len(before.starts) - 1, np.uint64)
    earlier[places[is_known]] = bits[is_known]
    theirs = _sides(before, earlier)
    found = {pair: node for node, pair in enumerate(map(tuple, theirs.tolist()))}
    nodes = np.full(len(mine), -1)
    signs = np.ones(len(mine), np.float32)
    for node, (left, right) in enumerate(mine.tolist()):
        if not left or not right:  # it parts new words alone
            continue
        if (left, right) in found:
            nodes[node] = found[left, right]
        elif (right, left) in found:
            nodes[node], signs[node] = found[right, left], -1
    return nodes, signs


def _sides(tree: HuffmanTree, bits: _Sums) -> _Sums:
    """Return for each inner node the sums (V - 1, 2) of what is below it on either side."""
    sums = np.zeros((max(len(tree.starts) - 2, 0), 2), np.uint64)
    of_step = np.repeat(bits, np.diff(tree.starts))
    for side in (0, 1):  # sums beyond 64 bits go round
        chosen = tree.codes == side
        np.add.at(sums[:, side], tree.points[chosen], of_step[chosen])
    return sums
