"""Clusters: groups that are there are found, named by what tells of them, and coloured apart."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fastw2v.objectives.exact_search import unit_rows
from fastw2v.report import clusters
from fastw2v.report.clusters import (
    N_COLOURS,
    cluster_colours,
    default_clusters,
    find_clusters,
    name_places,
)


def groups(seed, n_groups=5, each=60, dimensions=16, noise=0.35):
    """Return words, unit rows and counts; word g2w7 is of group 2, and a low number is frequent."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(n_groups, dimensions))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    group = np.tile(np.arange(n_groups), each)
    number = np.repeat(np.arange(each), n_groups)
    rows = centres[group] + noise * generator.normal(size=(len(group), dimensions)) / 4
    words = [f"g{g}w{k}" for g, k in zip(group, number, strict=True)]
    counts = (10_000 / (1 + number)).astype(np.int64)
    return words, unit_rows(rows.astype(np.float32)), counts, group


def purity(of_word, group):
    """Return the share of words whose cluster's most common group is theirs."""
    own = [np.bincount(group[of_word == k]).max() for k in np.unique(of_word)]
    return sum(own) / len(group)


def test_groups_are_found_and_named_by_their_own_frequent_words():
    words, rows, counts, group = groups(1)
    found = find_clusters(words, rows, counts, 5, seed=3)
    assert purity(found.of_word, group) > 0.99
    assert purity(np.random.default_rng(0).permutation(found.of_word), group) < 0.5  # can fail
    assert found.sizes == sorted(found.sizes, reverse=True)
    assert sum(found.sizes) == len(words)
    for cluster, names in enumerate(found.names):
        mine = group[np.flatnonzero(found.of_word == cluster)[0]]
        assert len(names) == 3
        for name in names:
            assert name.startswith(f"g{mine}w")
            assert int(name.split("w")[1]) < 20  # a frequent one
    without = find_clusters(words, rows, None, 5, seed=3)
    assert np.array_equal(without.of_word, found.of_word)
    rare = [int(name.split("w")[1]) for names in without.names for name in names]
    assert max(rare) >= 20  # by places alone, others are named


def test_the_centres_of_a_sample_are_close_to_those_of_all(monkeypatch):
    words, rows, counts, group = groups(2)
    monkeypatch.setattr(clusters, "_SAMPLE", 60)
    monkeypatch.setattr(clusters, "_BLOCK_ROWS", 37)
    assert purity(find_clusters(words, rows, counts, 5, seed=1).of_word, group) > 0.99


def test_each_row_is_with_the_nearest_mean():
    """Lloyd's iterations have ended: no row would be better off elsewhere."""
    words, rows, counts, _ = groups(3, noise=3)
    of_word = find_clusters(words, rows, counts, 7, seed=2).of_word
    means = np.stack([rows[of_word == k].astype(float).mean(axis=0) for k in range(7)])
    distances = np.square(rows[:, None].astype(float) - means[None]).sum(axis=2)
    assert np.array_equal(np.argmin(distances, axis=1), of_word)


def test_the_seed_decides_and_threads_do_not():
    words, rows, counts, _ = groups(4, noise=3)
    one = find_clusters(words, rows, counts, 6, seed=1)
    with threadpool_limits(3, "blas"):
        again = find_clusters(words, rows, counts, 6, seed=1)
    assert np.array_equal(one.of_word, again.of_word)
    assert one.names == again.names
    other = find_clusters(words, rows, counts, 6, seed=2)
    assert not np.array_equal(one.of_word, other.of_word)


@pytest.mark.parametrize("n_clusters", [1, 4, 500])
def test_there_are_no_more_clusters_than_different_rows(n_clusters):
    rows = unit_rows(np.eye(4, 3, dtype=np.float32)[[0, 0, 1, 2, 3, 3]])  # one row of zeros
    found = find_clusters(list("abcdef"), rows, None, n_clusters, seed=1)
    assert len(found.names) == min(n_clusters, 4)
    assert found.of_word.min() == 0
    assert sorted(name for names in found.names for name in names)[0] == "a"
    if n_clusters > 1:
        assert found.of_word[0] == found.of_word[1] != found.of_word[2]


def test_one_word_is_a_cluster():
    found = find_clusters(["a"], np.ones((1, 2), np.float32), np.array([3]), 1, seed=1)
    assert found.names == [("a",)]
    assert found.of_word.tolist() == [0]


def test_how_many_clusters_there_are_by_default():
    sizes = [1, 14, 40, 1000, 8000, 70_000, 3_000_000]
    assert [default_clusters(n) for n in sizes] == [1, 1, 2, 8, 22, 48, 48]


def test_names_stand_at_a_word_in_the_middle():
    places = np.array([[0, 0], [1, 0], [9, 9], [0.4, 0.1], [8, 9]], np.float32)
    found = clusters.Clusters(np.array([0, 0, 1, 0, 1], np.int32), [("a",), ("b",)])
    stand = name_places(found, places)
    assert stand[0].tolist() == places[3].tolist()
    assert stand[1].tolist() in (places[2].tolist(), places[4].tolist())


def test_neighbours_on_the_map_have_different_colours():
    places = np.random.default_rng(1).normal(size=(48, 2)).astype(np.float32)
    colours = cluster_colours(places)
    assert set(colours) == set(range(N_COLOURS))
    away = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(48) * 99
    nearest = np.argmin(away, axis=1)
    same = sum(colours[k] == colours[other] for k, other in enumerate(nearest))
    by_size = [k % N_COLOURS for k in range(48)]
    assert same == 0
    assert sum(by_size[k] == by_size[other] for k, other in enumerate(nearest)) > 0  # can fail
