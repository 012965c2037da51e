"""Inner nodes of one Huffman tree found again in another."""

import numpy as np
import pytest

from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.tree_nodes import same_nodes


def sides(tree, names):
    """Return the two sets of names below each inner node, by plain loops."""
    found = [(set(), set()) for _ in range(len(tree.starts) - 2)]
    for word, name in enumerate(names):
        for step in range(tree.starts[word], tree.starts[word + 1]):
            if name is not None:
                found[tree.points[step]][tree.codes[step]].add(name)
    return found


def naive(tree, before, places):
    mine = sides(tree, [place if place >= 0 else None for place in places])
    known = set(places.tolist())
    names = range(len(before.starts) - 1)
    theirs = sides(before, [name if name in known else None for name in names])
    nodes, signs = [], []
    for left, right in mine:
        same = [k for k, pair in enumerate(theirs) if pair == (left, right)]
        other = [k for k, pair in enumerate(theirs) if pair == (right, left)]
        matched = (same or other or [-1]) if left and right else [-1]
        nodes.append(matched[0])
        signs.append(-1 if left and right and not same and other else 1)
    return nodes, signs


@pytest.mark.parametrize("seed", range(8))
def test_nodes_are_those_of_plain_sets(seed):
    generator = np.random.default_rng(seed)
    n_before, n_new = 12, int(generator.integers(0, 5))
    counts = np.sort(generator.integers(1, 40, n_before))[::-1]
    grown = np.concatenate([counts + generator.integers(0, 4, n_before), np.full(n_new, 3)])
    places = np.concatenate([np.arange(n_before), np.full(n_new, -1)])
    order = np.argsort(-grown, kind="stable")
    tree, before = huffman_tree(grown[order]), huffman_tree(counts)
    nodes, signs = same_nodes(tree, before, places[order])
    expected = naive(tree, before, places[order])
    assert nodes.tolist() == expected[0]
    assert signs.tolist() == expected[1]


def test_the_tree_of_the_same_counts_is_found_whole():
    counts = np.array([40, 22, 13, 8, 5, 3, 2, 1])
    for times in (1, 2, 7):
        nodes, signs = same_nodes(huffman_tree(times * counts), huffman_tree(counts), np.arange(8))
        assert nodes.tolist() == list(range(7))
        assert (signs == 1).all()


def test_a_word_alone_has_no_nodes():
    tree = huffman_tree(np.array([3]))
    nodes, signs = same_nodes(tree, tree, np.zeros(1, np.int64))
    assert len(nodes) == len(signs) == 0
