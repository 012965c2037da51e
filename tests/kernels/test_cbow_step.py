"""The exact step of CBOW against a plain float64 softmax, in every precision, and its bits."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.kernels.counts.context_windows import ContextRows
from fastw2v.kernels.simd import bfloat16
from fastw2v.kernels.softmax.layout import LARGEST_TILE as TILE
from fastw2v.objectives.softmax.cbow import CbowSoftmax
from fastw2v.objectives.softmax.cbow_batches import CbowBatches, cbow_batch
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.tile_layer import tile_for
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from tests.support.cbow_twins import DenseCbow, exact_cbow, rows_of

# Largest error of a gradient relative to what its rounded terms can be.
TOLERANCES = {"float32": 2e-5, "bf16x2": 1e-4, "bf16": 2e-2}
PRECISIONS = list(TOLERANCES) if bfloat16.HAS_BFLOAT16 else ["float32"]
SIZES = [(1, 1), (2, 5), (5, 12), (40, 3), (130, 100), (30, 64), (TILE + 1, 17)]
FULL_STEP = Hyperparameters(optimizer="sgd", learning_rate=1.0, bias="learned")


def parameters(generator, n_words, dimensions, size=0.5):
    vectors = generator.normal(0, size, (2, n_words, dimensions)).astype(np.float32)
    return vectors[0], vectors[1], generator.normal(0, 1, n_words).astype(np.float32)


def some_windows(generator, n_words, n_rows=70, window=4):
    """Rows with 1 to 2 * window contexts, among them the same word twice."""
    sizes = generator.integers(1, 2 * window + 1, n_rows)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    contexts = generator.integers(0, n_words, starts[-1]).astype(np.int32)
    return ContextRows(generator.integers(0, n_words, n_rows).astype(np.int32), starts, contexts)


def fused(windows, tables, mean, precision="float32"):
    """Loss and gradients of one batch, recovered from SGD at rate 1."""
    n_rows = len(windows.words)
    with WorkerPool(2) as pool:
        step = CbowSoftmax(
            *tables, mean=mean, optimizer="sgd", max_rows=n_rows, precision=precision, pool=pool
        )
        batch = cbow_batch(windows, len(tables[0]), tile_for(n_rows, tables[0].shape[1]))
        before = step.loss(batch)
        loss = step.step(batch, Optimizer(FULL_STEP, 1).rules(0))
        tolerance = TOLERANCES[precision]
        assert before == pytest.approx(loss, rel=tolerance, abs=tolerance * n_rows)
        after = (step.in_vectors, step.out_vectors, step.out_bias)
    gradients = (x.astype(np.float64) - y for x, y in zip(tables, after, strict=True))
    return DenseCbow(loss, *gradients)


def agrees(came, wanted, tolerance, windows):
    """Whether loss and gradients agree, relative to the largest entry or to the rounded terms.

    A gradient is a sum of terms, one for each row in which a word was observed; it may well be
    smaller than their rounding.
    """
    most = np.bincount(windows.words).max()
    if came.loss != pytest.approx(wanted.loss, rel=tolerance, abs=tolerance * most):
        return False
    return all(
        np.abs(x - y).max() <= tolerance * max(np.abs(y).max(), most)
        for x, y in zip(came[1:], wanted[1:], strict=True)
    )


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("mean", [True, False], ids=["mean", "sum"])
@pytest.mark.parametrize(("n_words", "dimensions"), SIZES)
def test_step_equals_plain_softmax(n_words, dimensions, mean, precision):
    generator = np.random.default_rng(n_words * 1000 + dimensions)
    tables = parameters(generator, n_words, dimensions)
    windows = some_windows(generator, n_words)
    expected = exact_cbow(rows_of(windows), *tables, mean)
    came = fused(windows, tables, mean, precision)
    assert agrees(came, expected, TOLERANCES[precision], windows)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_comparison_catches_a_wrong_gradient(precision):
    generator = np.random.default_rng(5)
    tables = parameters(generator, 60, 20)
    windows = some_windows(generator, 60)
    rows = rows_of(windows)
    came = fused(windows, tables, True, precision)
    expected = exact_cbow(rows, *tables, True)
    tolerance = TOLERANCES[precision]
    assert agrees(came, expected, tolerance, windows)
    undivided = exact_cbow(rows, *tables, True)._replace(
        in_gradient=expected.in_gradient * np.diff(windows.starts).mean()
    )
    once = exact_cbow([(word, list(dict.fromkeys(c))) for word, c in rows], *tables, True)
    for wrong in (
        undivided,
        once,
        expected._replace(in_gradient=-expected.in_gradient),
        expected._replace(out_gradient=np.roll(expected.out_gradient, 1, axis=0)),
        expected._replace(bias_gradient=np.roll(expected.bias_gradient, 1)),
        exact_cbow(rows, *tables, False),
        exact_cbow(rows[:-1], *tables, True),
    ):
        assert not agrees(came, wrong, tolerance, windows)


def test_huge_scores_stay_exact():
    generator = np.random.default_rng(1)
    tables = parameters(generator, 50, 4)
    tables = (tables[0], tables[1] * np.float32(1e4), tables[2])
    windows = some_windows(generator, 50)
    came, expected = fused(windows, tables, True), exact_cbow(rows_of(windows), *tables, True)
    assert np.isfinite(came.in_gradient).all()
    assert came.loss == pytest.approx(expected.loss, rel=1e-5)


def running_text(generator, n_words, n_tokens=3000):
    ids = generator.integers(0, n_words, n_tokens).astype(np.int32)
    starts = np.arange(0, n_tokens + 1, 20)
    return EncodedTokens(ids, starts.astype(np.int64), n_tokens, 0)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_any_number_of_workers_gives_the_same_bits(optimizer, precision):
    generator = np.random.default_rng(4)
    n_words = 3 * TILE
    tables = parameters(generator, n_words, 30)
    tokens = running_text(generator, n_words, 1000)
    settings = Hyperparameters(optimizer=optimizer, bias="learned")

    def run(workers):
        batches = CbowBatches(
            tokens, np.ones(n_words), dimensions=30, window=5, rows=300, epochs=1, seed=7
        )
        with WorkerPool(workers) as pool:
            step = CbowSoftmax(
                *tables,
                optimizer=optimizer,
                max_rows=batches.max_rows,
                precision=precision,
                pool=pool,
            )
            rules = Optimizer(settings, 100)
            losses = [step.step(b, rules.rules(i)) for i, b in enumerate(batches.one_epoch(0))]
            return losses, step.in_vectors, step.out_vectors, step.out_bias

    reference = run(1)
    assert len(reference[0]) == 4
    for workers in (2, 3):
        result = run(workers)
        assert result[0] == reference[0]
        for came, wanted in zip(result[1:], reference[1:], strict=True):
            assert np.array_equal(came, wanted)


def test_words_that_are_no_context_stay_and_moments_count_their_own_updates():
    tables = parameters(np.random.default_rng(2), 6, 5)
    windows = ContextRows(
        np.array([5, 5], np.int32), np.array([0, 2, 3]), np.array([0, 1, 0], np.int32)
    )
    with WorkerPool(1) as pool:
        step = CbowSoftmax(*tables, max_rows=2, pool=pool)
        batch = cbow_batch(windows, 6, tile_for(2, 5))
        for number in range(3):
            step.step(batch, Optimizer(Hyperparameters(), 10).rules(number))
        moved = np.any(step.in_vectors != tables[0], axis=1)
        assert moved.tolist() == [True, True, False, False, False, False]
        assert step.inputs.visits.tolist() == [3, 3, 0, 0, 0, 0]  # once a batch, not once a row


def test_what_is_not_finite_is_seen_and_too_large_batches_are_refused():
    tables = parameters(np.random.default_rng(0), 80, 4)
    windows = some_windows(np.random.default_rng(0), 80, n_rows=40)
    with WorkerPool(1) as pool:
        step = CbowSoftmax(*tables, max_rows=32, pool=pool)
        with pytest.raises(ValueError, match="at most 32 rows"):
            step.loss(cbow_batch(windows, 80, step.layer.tile))
        step = CbowSoftmax(*tables, max_rows=40, pool=pool)
        assert step.is_finite
        step.inputs.vectors[windows.contexts[0] * step.layer.stride] = np.inf
        assert not step.is_finite
        assert not np.isfinite(step.loss(cbow_batch(windows, 80, step.layer.tile)))
        assert step.nbytes > sum(table.nbytes for table in tables)
