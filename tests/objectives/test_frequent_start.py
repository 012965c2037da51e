"""The spectral start from frequent words: its products against numpy, and what it promises."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.counts.parts import CountsInFiles, write_parts
from fastw2v.objectives.softmax.associations import associations_of
from fastw2v.objectives.softmax.frequent_associations import FrequentAssociations
from fastw2v.objectives.softmax.initialization import random_vectors, spectral_vectors
from fastw2v.system.threads import WorkerPool
from tests.support.associations import associations, counts_of_rank, symmetric_counts
from tests.support.dense_softmax import pair_counts

WORDS, FREQUENT, WIDTH = 90, 37, 16


def start(counts, keep, workers=1, frequent=None, **settings):
    with WorkerPool(workers) as pool:
        return spectral_vectors(counts, keep, Hyperparameters(**settings), pool, frequent=frequent)


def in_files(counts, folder, monkeypatch, entries):
    monkeypatch.setattr("fastw2v.counts.parts.PART_ENTRIES", entries)
    folder.mkdir()
    return CountsInFiles(folder, write_parts(folder, counts.parts))


@pytest.mark.parametrize("entries", [10**6, 60])
def test_products_are_those_of_numpy(entries, tmp_path, monkeypatch):
    dense = symmetric_counts(5, WORDS)
    dense[4] = dense[:, 4] = 0
    generator = np.random.default_rng(1)
    keep = generator.uniform(0.3, 1, WORDS)
    wanted, _ = associations(dense, keep)
    tall = generator.standard_normal((48, WIDTH)).astype(np.float32)
    tall[FREQUENT:] = 0
    values = np.array([3.0, -2.0, 0.0, 0.5])
    counts = in_files(pair_counts(dense), tmp_path / "counts", monkeypatch, entries)
    with WorkerPool(2) as pool:
        block = FrequentAssociations(associations_of(counts, keep, pool)[2], FREQUENT)
        product, extended = block._product(tall), block.extended(values, tall)

    def is_right(matrix, inverse):
        both = (
            matrix[:FREQUENT, :FREQUENT] @ tall[:FREQUENT],
            matrix[:, :FREQUENT] @ (tall[:FREQUENT, :4] * inverse),
        )
        came = product[:FREQUENT], extended[:, :4]
        return all(np.allclose(*pair, atol=1e-5) for pair in zip(came, both, strict=True))

    inverse = np.array([1 / 3, -1 / 2, 0, 2])
    assert is_right(wanted, inverse)
    assert not extended[:, 4:].any()
    assert not product[FREQUENT:].any()
    fewer = wanted.copy()
    fewer[:, FREQUENT - 1] = 0
    strong = np.where(wanted > np.median(wanted[wanted > 0]), wanted, 0)
    for wrong in ((fewer, inverse), (wanted, np.abs(inverse)), (strong, inverse)):
        assert not is_right(*wrong)


@pytest.mark.parametrize("rank", [2, 5])
def test_frequent_words_are_enough_where_they_span_the_counts(rank):
    dense, ones = counts_of_rank(rank, 60), np.ones(60)
    whole = start(pair_counts(dense), ones, vector_size=rank)
    some = start(pair_counts(dense), ones, frequent=3 * rank, vector_size=rank)
    too_few = start(pair_counts(dense), ones, frequent=rank - 1, vector_size=rank)
    products = [in_vectors @ out_vectors.T for in_vectors, out_vectors in (whole, some, too_few)]
    assert np.allclose(products[0], products[1], atol=1e-4)
    assert not np.allclose(products[0], products[2], atol=0.1)


def test_bits_do_not_depend_on_workers_or_on_how_counts_are_cut(tmp_path, monkeypatch):
    dense, keep = symmetric_counts(3, 700, 0.05), np.ones(700)
    counts = pair_counts(dense)
    wanted = start(counts, keep, frequent=200, vector_size=30)
    cut = in_files(counts, tmp_path / "counts", monkeypatch, 1000)
    assert len(cut.parts) > 10
    for came in (
        start(counts, keep, 2, frequent=200, vector_size=30),
        start(counts, keep, 3, frequent=200, vector_size=30),
        start(cut, keep, 2, frequent=200, vector_size=30),
    ):
        assert all(map(np.array_equal, came, wanted))
    all_words = start(counts, keep, vector_size=30)
    assert not np.array_equal(all_words[0], wanted[0])
    for more in (700, 900):
        came = start(counts, keep, frequent=more, vector_size=30)
        assert all(map(np.array_equal, came, all_words))


def test_words_that_stand_beside_no_frequent_one_start_at_random():
    dense = symmetric_counts(2, 50)
    dense[40] = dense[:, 40] = 0
    dense[40, 41] = dense[41, 40] = 9
    in_vectors, out_vectors = start(pair_counts(dense), np.ones(50), frequent=20, vector_size=8)
    expected = random_vectors(50, Hyperparameters(vector_size=8))[0]
    assert np.array_equal(in_vectors[40], expected[40])
    assert not out_vectors[40].any()
    assert not np.array_equal(in_vectors[41], expected[41])
    assert out_vectors[41].any()


def test_frequent_words_without_pairs_leave_all_at_random():
    dense = symmetric_counts(2, 30)
    dense[:10] = dense[:, :10] = 0
    in_vectors, out_vectors = start(pair_counts(dense), np.ones(30), frequent=10, vector_size=8)
    assert np.array_equal(in_vectors, random_vectors(30, Hyperparameters(vector_size=8))[0])
    assert not out_vectors.any()
