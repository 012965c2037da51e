"""Huffman trees: against heapq, against gensim, and by what every such tree satisfies."""

import heapq
from fractions import Fraction

import numpy as np
import pytest
from gensim.models import KeyedVectors, word2vec
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import VocabularyError
from fastw2v.kernels.formulas.huffman import build_huffman
from fastw2v.objectives.huffman import huffman_tree

patient = settings(deadline=None)  # the first call may compile
count_lists = st.lists(st.integers(0, 50), min_size=1, max_size=80)


def paths_of(tree):
    """Return (points, codes) of every word."""
    edges = list(zip(tree.starts[:-1].tolist(), tree.starts[1:].tolist(), strict=True))
    return [(tree.points[a:b].tolist(), tree.codes[a:b].tolist()) for a, b in edges]


def heapq_cost(counts):
    """Naive twin: the least sum of count times length is the sum of all joined counts."""
    heap = list(counts)
    heapq.heapify(heap)
    cost = 0
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        cost += joined
        heapq.heappush(heap, joined)
    return cost


def gensim_paths(counts):
    keyed = KeyedVectors(1)
    keyed.index_to_key = list(range(len(counts)))
    keyed.key_to_index = {word: word for word in keyed.index_to_key}
    keyed.expandos = {"count": np.array(counts)}
    word2vec._assign_binary_codes(keyed)
    return [
        (list(map(int, keyed.get_vecattr(word, "point"))), keyed.get_vecattr(word, "code").tolist())
        for word in range(len(counts))
    ]


def assert_huffman(tree, counts):
    """Raise unless `tree` is a best tree over words with these counts."""
    lengths = np.diff(tree.starts)
    assert tree.starts[0] == 0
    assert tree.starts[-1] == tree.points.size == tree.codes.size
    assert sum(Fraction(1, 2 ** int(length)) for length in lengths) == 1  # Kraft
    assert (lengths * np.asarray(counts)).sum() == heapq_cost(counts)
    # Words share a way as far as their codes agree, and part only at one node.
    nodes = {}
    for points, codes in paths_of(tree):
        for depth, point in enumerate(points):
            assert 0 <= point <= len(counts) - 2
            assert nodes.setdefault(tuple(codes[:depth]), point) == point
    assert len(set(nodes.values())) == len(nodes) == len(counts) - 1


@patient
@given(count_lists)
def test_the_tree_is_a_best_one(counts):
    assert_huffman(huffman_tree(counts), counts)


@patient
@given(count_lists)
def test_ways_and_codes_are_those_of_gensim(counts):
    if len(counts) == 1:
        return  # gensim assigns nothing
    assert paths_of(huffman_tree(counts)) == gensim_paths(counts)


@pytest.mark.parametrize("n_words", [2501, 6000])
def test_ways_are_those_of_gensim_with_many_ties(n_words):
    generator = np.random.default_rng(n_words)
    counts = np.sort(generator.zipf(1.6, n_words).clip(1, 10**6))[::-1]
    assert len(np.unique(counts)) < n_words // 10
    tree = huffman_tree(counts)
    assert paths_of(tree) == gensim_paths(counts.tolist())


def test_distinct_counts_leave_no_choice():
    counts = [50, 21, 13, 8, 5, 3, 1]
    assert np.diff(huffman_tree(counts).starts).tolist() == [1, 2, 3, 4, 5, 6, 6]


def test_a_wrong_tree_is_caught():
    counts = [50, 21, 13, 8, 5, 3, 1]
    tree = huffman_tree(counts)
    assert_huffman(tree, counts)
    with pytest.raises(AssertionError):
        assert_huffman(tree, counts[::-1])  # short paths for the rare words
    tree.points[-1] = 0 if tree.points[-1] else 1
    with pytest.raises(AssertionError):
        assert_huffman(tree, counts)


def test_one_and_two_words():
    assert paths_of(huffman_tree([7])) == [([], [])]
    assert paths_of(huffman_tree([7, 3])) == [([0], [1]), ([0], [0])]


def test_arrays_have_the_types_that_kernels_take():
    tree = huffman_tree(np.array([4, 2, 1], np.uint16))
    assert (tree.starts.dtype, tree.points.dtype, tree.codes.dtype) == (
        np.int64,
        np.int32,
        np.uint8,
    )


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([], "whole numbers, one for each of at least one word"),
        ([1.5, 2.0], "whole numbers, one for each of at least one word, got float64"),
        ([3, -1], "at least 0, got -1 for word 1"),
        ([2**62, 2**62], r"a sum below 2\*\*63"),
    ],
)
def test_counts_that_cannot_be_used_are_refused(counts, message):
    with pytest.raises(VocabularyError, match=message):
        huffman_tree(counts)


def test_the_kernel_refuses_what_would_break_it():
    for counts in ([], [2, -2]):
        with pytest.raises(ValueError, match="counts: expected"):
            build_huffman(np.array(counts, np.int64))
