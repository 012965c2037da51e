"""The fused exact-softmax step against a plain numpy softmax, and its invariances."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.kernels.softmax.layout import LARGEST_TILE as TILE
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from tests.support.dense_softmax import Dense, exact, pair_counts, random_counts

SIZES = [(1, 1), (1, 7), (2, 1), (2, 5), (5, 12), (40, 3), (130, 100), (30, 64), (TILE + 1, 17)]
FULL_STEP = Hyperparameters(optimizer="sgd", learning_rate=1.0, bias="learned")


def parameters(generator, n_words, dimensions, size=0.5):
    vectors = generator.normal(0, size, (2, n_words, dimensions)).astype(np.float32)
    return vectors[0], vectors[1], generator.normal(0, 1, n_words).astype(np.float32)


def fused(dense, keep, tables, rows=10**6, workers=2):
    """Loss and gradients of one epoch in batches of `rows`, recovered from SGD at rate 1.

    Each batch starts from the same parameters, so that the sums are those of one big batch.
    """
    batches = CountBatches(
        pair_counts(dense), keep, dimensions=tables[0].shape[1], rows=rows, seed=3
    )
    rule = Optimizer(FULL_STEP, 1).rules(0)
    sums = [0.0, *(np.zeros_like(table, dtype=np.float64) for table in tables)]
    with WorkerPool(workers) as pool:
        for batch in batches.one_epoch(0):
            step = ExactSoftmax(*tables, optimizer="sgd", max_rows=batches.max_rows, pool=pool)
            sums[0] += step.step(batch, rule)
            after = (step.in_vectors, step.out_vectors, step.out_bias)
            for i, (table, stepped) in enumerate(zip(tables, after, strict=True)):
                sums[i + 1] += table.astype(np.float64) - stepped
    return Dense(*sums), batches.scale


def agrees(fused_result, expected):
    """Whether loss and every gradient agree to single precision, relative to the largest."""
    for came, wanted in zip(fused_result, expected, strict=True):
        scale = max(np.abs(wanted).max(), 1.0)
        if not np.allclose(came, wanted, rtol=0, atol=2e-5 * scale):
            return False
    return True


def weighted(dense, keep, scale):
    return dense * keep[:, None] * keep[None, :] * scale


@pytest.mark.parametrize(("n_words", "dimensions"), SIZES)
def test_step_equals_plain_softmax(n_words, dimensions):
    generator = np.random.default_rng(n_words * 1000 + dimensions)
    dense = random_counts(generator, n_words)
    dense[0, 0] = 3  # at least one pair; with V = 1 a word beside itself
    keep = generator.uniform(0.2, 1, n_words)
    tables = parameters(generator, n_words, dimensions)
    result, scale = fused(dense, keep, tables)
    assert agrees(result, exact(weighted(dense, keep, scale), *tables))


@pytest.mark.parametrize("rows", [1, 7, 32, 33])
def test_batches_add_up_to_the_whole(rows):
    generator = np.random.default_rng(8)
    dense = random_counts(generator, 60)
    keep = np.ones(60)
    tables = parameters(generator, 60, 20)
    result, scale = fused(dense, keep, tables, rows=rows)
    assert agrees(result, exact(weighted(dense, keep, scale), *tables))


@pytest.mark.parametrize("sabotage", ["sign", "only the observed words", "no bias", "one row less"])
def test_comparison_catches_a_wrong_gradient(sabotage):
    generator = np.random.default_rng(5)
    dense = random_counts(generator, 40)
    keep = np.ones(40)
    tables = parameters(generator, 40, 10)
    result, scale = fused(dense, keep, tables)
    expected = exact(weighted(dense, keep, scale), *tables)
    assert agrees(result, expected)
    if sabotage == "sign":
        wrong = expected._replace(centre_gradient=-expected.centre_gradient)
    elif sabotage == "only the observed words":
        seen = (dense.sum(axis=0) > dense.sum(axis=0).mean())[:, None]
        wrong = expected._replace(output_gradient=expected.output_gradient * seen)
    elif sabotage == "no bias":
        wrong = exact(weighted(dense, keep, scale), tables[0], tables[1], np.zeros(40))
    else:
        dense[dense.sum(axis=1).argmin() - 1] = 0
        wrong = exact(weighted(dense, keep, scale), *tables)
    assert not agrees(result, wrong)


@pytest.mark.parametrize("size", [1e4, 1e5])
def test_huge_scores_stay_exact(size):
    """Scores of 1e4 and beyond, in both directions: one word takes all the probability."""
    generator = np.random.default_rng(1)
    dense = random_counts(generator, 50)
    tables = parameters(generator, 50, 4)
    tables = (tables[0], (tables[1] * size).astype(np.float32), tables[2])
    result, scale = fused(dense, np.ones(50), tables)
    expected = exact(weighted(dense, np.ones(50), scale), *tables)
    assert np.isfinite(result.loss)
    assert result.loss == pytest.approx(expected.loss, rel=1e-5)
    # The gradient is about probabilities of 0 and 1, whose scores carry float32 rounding errors.
    assert np.allclose(result.bias_gradient, expected.bias_gradient, atol=0.02 * size / 1e4)


@pytest.mark.parametrize("size", [1.0, 1e4])
@pytest.mark.parametrize("workers", [1, 2])
def test_the_loss_alone_is_that_of_a_step_to_the_bit(size, workers):
    """It keeps the scores of observed words only; a step keeps all."""
    generator = np.random.default_rng(1)
    n_words = 2 * TILE + 3
    dense = random_counts(generator, n_words, density=0.02)
    in_vectors, out_vectors, bias = parameters(generator, n_words, 9)
    tables = (in_vectors, (out_vectors * size).astype(np.float32), bias)
    batches = CountBatches(pair_counts(dense), np.ones(n_words), dimensions=9, rows=100, seed=1)
    rules = Optimizer(Hyperparameters(), 10).rules(0)
    with WorkerPool(workers) as pool:
        for batch in batches.one_epoch(0):
            step = ExactSoftmax(*tables, max_rows=100, pool=pool)
            alone = step.loss(batch)
            assert alone == step.loss(batch)
            assert alone == step.step(batch, rules)
            assert alone != step.loss(batch)


def test_a_row_without_contexts_is_left_alone():
    dense = np.zeros((6, 6), dtype=int)
    dense[0, 1] = dense[1, 0] = 4
    batches = CountBatches(pair_counts(dense), np.ones(6), dimensions=5, rows=4, seed=1)
    assert sorted(batches.centres) == [0, 1]
    tables = parameters(np.random.default_rng(2), 6, 5)
    with WorkerPool(1) as pool:
        step = ExactSoftmax(*tables, max_rows=4, pool=pool)
        lonely = batches.batch(np.array([0, 3]))
        assert lonely.row_weights[1] == 0
        step.step(lonely, Optimizer(Hyperparameters(), 10).rules(0))
        assert np.array_equal(step.in_vectors[3], tables[0][3])
        assert not np.array_equal(step.in_vectors[0], tables[0][0])


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_any_number_of_workers_gives_the_same_bits(optimizer):
    generator = np.random.default_rng(4)
    n_words = 3 * TILE
    dense = random_counts(generator, n_words, density=0.01)
    counts = pair_counts(dense)
    tables = parameters(generator, n_words, 30)
    settings = Hyperparameters(optimizer=optimizer, bias="learned")

    def run(workers):
        with WorkerPool(workers) as pool:
            step = ExactSoftmax(*tables, optimizer=optimizer, max_rows=300, pool=pool)
            batches = CountBatches(counts, np.ones(n_words), dimensions=30, rows=300, seed=7)
            rules = Optimizer(settings, 100)
            losses = [step.step(b, rules.rules(i)) for i, b in enumerate(batches.one_epoch(0))]
            return losses, step.in_vectors, step.out_vectors, step.out_bias

    reference = run(1)
    for workers in (2, 3):
        result = run(workers)
        assert result[0] == reference[0]
        for came, wanted in zip(result[1:], reference[1:], strict=True):
            assert np.array_equal(came, wanted)


def test_fixed_bias_stays_and_learned_bias_moves():
    generator = np.random.default_rng(6)
    dense = random_counts(generator, 20)
    tables = parameters(generator, 20, 4)
    for bias, moves in (("unigram", False), ("learned", True)):
        with WorkerPool(1) as pool:
            step = ExactSoftmax(*tables, max_rows=20, pool=pool)
            batches = CountBatches(pair_counts(dense), np.ones(20), dimensions=4, rows=20, seed=1)
            rules = Optimizer(Hyperparameters(bias=bias), 5)
            for i in range(5):
                step.step(next(batches.one_epoch(i)), rules.rules(i))
        assert np.array_equal(step.out_bias, tables[2]) is not moves


def test_too_large_a_batch_is_refused():
    dense = np.ones((80, 80), dtype=int)
    batches = CountBatches(pair_counts(dense), np.ones(80), dimensions=4, rows=80, seed=1)
    with WorkerPool(1) as pool:
        step = ExactSoftmax(*parameters(np.random.default_rng(0), 80, 4), max_rows=32, pool=pool)
        with pytest.raises(ValueError, match="at most 32 rows"):
            step.loss(next(batches.one_epoch(0)))
