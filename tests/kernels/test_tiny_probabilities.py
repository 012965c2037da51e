"""The loss of words so improbable that float32 cannot hold their probability."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.kernels.simd import bfloat16
from fastw2v.kernels.softmax.layout import LARGEST_TILE as TILE
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from tests.support.dense_softmax import exact, pair_counts

RULES = Optimizer(Hyperparameters(optimizer="sgd", learning_rate=1e-6, bias="learned"), 1).rules(0)
# The exponential ends at e^-87; below e^-69 the loss is taken from the score itself.
DEPTHS = [60.0, 68.0, 70.0, 80.0, 88.0, 95.0, 300.0, 5000.0]


def improbable(n_words, depth, dimensions=6):
    """Counts and parameters in which only words that lie `depth` nats below others are observed.

    Half of it is the bias, half the product of vectors, which are `depth` times a planted one.
    All other words are about as probable as each other, so that the sum over them matters.
    """
    generator = np.random.default_rng(n_words)
    tables = [generator.normal(0, 0.1, (n_words, dimensions)).astype(np.float32) for _ in range(2)]
    bias = generator.normal(0, 0.1, n_words).astype(np.float32)
    rare = np.array([1, n_words - 1])
    tables[0][:, 0] = 1.0
    tables[1][rare, 0] = -depth / 2
    bias[rare] -= np.float32(depth / 2)
    dense = np.zeros((n_words, n_words), np.int64)
    dense[:20, rare] = generator.integers(1, 9, (20, 2))
    return dense, (*tables, bias)


def losses(dense, tables, precision="float32"):
    """What `loss` and `step` say of all rows in one batch, and the scale of its weights."""
    batches = CountBatches(
        pair_counts(dense), np.ones(len(dense)), dimensions=tables[0].shape[1], rows=64, seed=1
    )
    (batch,) = batches.one_epoch(0)
    with WorkerPool(2) as pool:
        step = ExactSoftmax(
            *tables, optimizer="sgd", max_rows=batches.max_rows, precision=precision, pool=pool
        )
        return step.loss(batch), step.step(batch, RULES), batches.scale


@pytest.mark.parametrize("n_words", [40, 2 * TILE + 3])
@pytest.mark.parametrize("depth", DEPTHS)
def test_the_loss_is_exact_however_small_the_probability(n_words, depth):
    dense, tables = improbable(n_words, depth)
    measured, trained, scale = losses(dense, tables)
    expected = scale * exact(dense, *tables).loss
    assert measured == pytest.approx(expected, rel=2e-6)
    assert trained == pytest.approx(expected, rel=2e-6)
    # The comparison sees a loss that forgets the other words: scores relative to the largest.
    scores = tables[0][:20].astype(np.float64) @ tables[1].T.astype(np.float64) + tables[2]
    log_sums = np.log(np.exp(scores - scores.max(axis=1, keepdims=True)).sum(axis=1))
    forgetful = expected - scale * float(dense[:20].sum(axis=1) @ log_sums)
    assert measured != pytest.approx(forgetful, rel=1e-4)


def far_below_one_word(n_words, depth):
    """As `improbable`, but all other words lie that deep: whole tiles have no share in a row."""
    dense, (in_vectors, out_vectors, bias) = improbable(n_words, 0.0)
    bias[0] += np.float32(depth)
    return dense, (in_vectors, out_vectors, bias)


def far_below_its_reference(n_words, depth):
    """As `improbable`, but all scores lie 30 nats below the biases, which tiles are scaled by."""
    dense, (in_vectors, out_vectors, bias) = improbable(n_words, depth)
    out_vectors[:, 0] -= 30
    return dense, (in_vectors, out_vectors, bias + np.float32(30))


@pytest.mark.parametrize("n_words", [40, 2 * TILE + 92])
@pytest.mark.parametrize("depth", [30.0, 50.0, 65.0, 70.0, 100.0, 1000.0, 5000.0])
@pytest.mark.parametrize("made", [far_below_one_word, far_below_its_reference])
def test_the_loss_is_exact_however_far_below_the_others_a_tile_lies(made, n_words, depth):
    dense, tables = made(n_words, depth)
    measured, trained, scale = losses(dense, tables)
    expected = scale * exact(dense, *tables).loss
    assert measured == pytest.approx(expected, rel=2e-6)
    assert trained == pytest.approx(expected, rel=2e-6)


@pytest.mark.skipif(not bfloat16.HAS_BFLOAT16, reason="the CPU has no bfloat16")
@pytest.mark.parametrize(("precision", "tolerance"), [("bf16x2", 1e-4), ("bf16", 1e-2)])
@pytest.mark.parametrize("made", [far_below_one_word, far_below_its_reference])
def test_rounded_steps_report_that_too(precision, tolerance, made):
    dense, tables = made(2 * TILE + 92, 1000.0)
    _, trained, scale = losses(dense, tables, precision)
    assert trained == pytest.approx(scale * exact(dense, *tables).loss, rel=tolerance)


@pytest.mark.skipif(not bfloat16.HAS_BFLOAT16, reason="the CPU has no bfloat16")
@pytest.mark.parametrize(("precision", "tolerance"), [("bf16x2", 1e-4), ("bf16", 1e-2)])
@pytest.mark.parametrize("depth", [60.0, 80.0, 95.0])
def test_rounded_steps_report_it_too(precision, tolerance, depth):
    dense, tables = improbable(2 * TILE + 3, depth)
    measured, trained, scale = losses(dense, tables, precision)
    expected = scale * exact(dense, *tables).loss
    assert measured == pytest.approx(expected, rel=2e-6)
    assert trained == pytest.approx(expected, rel=tolerance)
