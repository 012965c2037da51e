"""Rows of which only some contexts are looked at: counts and steps are right in expectation."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.kernels.softmax.drawn_contexts import draw_contexts
from fastw2v.objectives.softmax import rare_words
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.rare_words import ColumnBatches, ColumnSizes
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from tests.support.dense_softmax import pair_counts

HEAD, MOST, V = 5, 12, 70
FULL_STEP = Hyperparameters(optimizer="sgd", learning_rate=1.0, bias="learned")
CHANCES = (np.arange(1000) + 0.5) / 1000


def counts_of_rows(seed=1, largest=9):
    """Counts of some words beside all, a few of them much larger."""
    generator = np.random.default_rng(seed)
    dense = generator.integers(0, 2, (3, V)) * generator.integers(1, largest, (3, V))
    dense[:, [2, 30]] = 100 * largest
    dense[2, HEAD + MOST // 2 :] = 0  # so few that all are kept
    return dense


def drawn(dense, centres, chance, most=MOST):
    """Return what is kept, as a dense matrix."""
    indptr = np.concatenate([[0], np.cumsum((dense > 0).sum(axis=1))])
    rows, words = np.nonzero(dense)
    counts = (indptr, words.astype(np.int32), dense[rows, words])
    every = np.arange(len(dense))
    starts, words, values = draw_contexts(
        every, counts, np.array(centres, np.int32), (HEAD, most), chance
    )
    found = np.zeros(dense.shape)
    for row in every:
        own = slice(starts[row], starts[row + 1])
        assert (np.diff(words[own]) > 0).all()
        found[row, words[own]] = values[own]
    return found


@pytest.mark.parametrize("largest", [9, 2**40])
@pytest.mark.parametrize("sabotage", [None, "counts as they are", "alike"])
def test_over_all_draws_every_count_is_its_own(largest, sabotage):
    dense, total = counts_of_rows(largest=largest), 0
    for chance in CHANCES:
        found = drawn(dense, (40, 1, 6), chance)
        if sabotage == "counts as they are":
            found = np.where(found > 0, dense, 0)
        elif sabotage == "alike":
            is_rare = np.arange(V) >= HEAD
            kept, all_of = (found > 0) & is_rare, (dense > 0) & is_rare
            share = all_of.sum(axis=1) / np.maximum(kept.sum(axis=1), 1)
            found = np.where(kept, dense * share[:, None], found)
        total = total + found / len(CHANCES)
    assert np.allclose(total, dense, rtol=0.03, atol=0) == (sabotage is None)


def test_frequent_words_own_words_and_large_counts_are_certain():
    dense = counts_of_rows()
    for chance in (0.0, 0.3, np.nextafter(1.0, 0.0)):
        found = drawn(dense, (40, 1, 6), chance)
        assert (found[:, :HEAD] == dense[:, :HEAD]).all()
        assert found[0, 40] == dense[0, 40]
        assert (found[:2, 30] == dense[:2, 30]).all()
        rare = (found[:2, HEAD:] > 0).sum(axis=1) - (dense[:2, [40, 1]].diagonal() > 0)
        assert (abs(rare - MOST) <= 1).all()
        assert (found[2] == dense[2]).all()


def test_rows_alike_draw_words_of_their_own():
    dense = np.tile(counts_of_rows()[0], (8, 1))
    found = drawn(dense, [0] * 8, 0.5)
    assert len(np.unique(found > 0, axis=0)) > 4


@pytest.mark.parametrize("most", [1, 10**6])
def test_sizes_at_their_bounds(most):
    dense = counts_of_rows()
    found = drawn(dense, (40, 1, 6), 0.25, most)
    if most == 10**6:
        assert (found == dense).all()
    assert ((found[:, HEAD:] > 0).sum(axis=1) <= most + 2).all()


def problem():
    generator = np.random.default_rng(3)
    dense = generator.integers(0, 2, (V, V)) * generator.integers(1, 30, (V, V))
    tables = generator.normal(0, 0.5, (2, V, 6)).astype(np.float32)
    return dense, (*tables, generator.normal(0, 1, V).astype(np.float32))


def moved_by(tables, batch, pool):
    """Return loss and gradients of a batch."""
    objective = ExactSoftmax(*tables, optimizer="sgd", max_rows=64, pool=pool, lists_columns=True)
    loss = objective.step(batch, Optimizer(FULL_STEP, 1).rules(0))
    after = (objective.in_vectors, objective.out_vectors, objective.out_bias)
    return loss, *(a.astype(float) - b for a, b in zip(tables, after, strict=True))


@pytest.mark.parametrize("sabotage", [None, "counts as they are"])
def test_over_all_draws_a_step_is_that_of_all_contexts(monkeypatch, sabotage):
    """With all words as columns, so that nothing but contexts is drawn."""
    dense, tables = problem()
    keep = np.random.default_rng(4).uniform(0.3, 1, V)
    options = {"dimensions": 6, "rows": 64, "seed": 3}

    def batches(contexts):
        sizes = ColumnSizes(HEAD, V, 10**6, contexts)
        return ColumnBatches(pair_counts(dense), keep, sizes=sizes, **options)

    if sabotage:

        def as_they_are(rows, counts, *rest):
            starts, words, values = draw_contexts(rows, counts, *rest)
            return starts, words, np.minimum(values, 3)

        monkeypatch.setattr(rare_words, "draw_contexts", as_they_are)
    centres = np.arange(20, 50)
    with WorkerPool(1) as pool:
        wanted = moved_by(tables, batches(10**6).batch(centres), pool)
        some = batches(MOST)
        found = [moved_by(tables, some.batch(centres, 0.0, chance), pool) for chance in CHANCES]
    assert len(np.unique([each[0] for each in found])) > 100
    agree = all(
        np.allclose(mean, whole, rtol=0.02, atol=0.01 * np.abs(whole).max())
        for mean, whole in zip(
            (np.mean(parts, axis=0) for parts in zip(*found, strict=True)), wanted, strict=True
        )
    )
    assert agree == (sabotage is None)


def test_a_row_weighs_what_it_does_with_all_its_contexts():
    dense, _ = problem()
    options = {"dimensions": 6, "rows": 64, "seed": 3}
    weights = []
    for contexts in (10**6, MOST):
        sizes = ColumnSizes(HEAD, 10, 10**6, contexts)
        batches = ColumnBatches(pair_counts(dense), np.ones(V), sizes=sizes, **options)
        weights.append(batches.batch(np.arange(64), 0.2, 0.7).row_weights)
    assert np.allclose(*weights)
