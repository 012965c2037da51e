"""The exact step in bfloat16: rounding, agreement with a plain softmax, invariances."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numba import njit

from fastw2v import Word2Vec
from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd import bfloat16, operands
from fastw2v.kernels.simd.vectors import LANES, load
from fastw2v.kernels.softmax.layout import LARGEST_TILE as TILE
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.precision import resolved_precision
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from tests.support.corpora_made import chain_sentences
from tests.support.dense_softmax import Dense, exact, pair_counts, random_counts

here = pytest.mark.skipif(not bfloat16.HAS_BFLOAT16, reason="this CPU has no AVX512-BF16")

# Largest error of a gradient relative to what its rounded terms can be: 8, 16, 24 bits.
TOLERANCES = {"bf16": 1e-2, "bf16x2": 5e-5, "float32": 2e-5}
SIZES = [(1, 1), (1, 7), (2, 1), (5, 12), (40, 3), (130, 100), (30, 33), (TILE + 1, 17)]
FULL_STEP = Hyperparameters(optimizer="sgd", learning_rate=1.0, bias="learned")


def rounded(values):
    """Return float32 values rounded to bfloat16, ties to even: the plain twin."""
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    upper = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return (upper << 16).astype(np.uint32).view(np.float32)


def halves(planes):
    """Return the numbers that uint32 planes hold, in the order of memory."""
    return sum(
        (plane.view(np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        for plane in planes
    )


@njit
def write_rounded(planes, x):
    operands.store_numbers(planes, 0, load(x, 0), load(x, LANES))


@njit
def write_pairs(planes, x):
    bfloat16.store_pairs(planes, 0, load(x, 0), load(x, LANES))


@njit
def write_paired_rows(target, source):
    bfloat16.pair_rows(target, 0, source, 0, LANES)


@njit
def add_at(planes, index, value):
    operands.set_number(planes, index, operands.number_at(planes, index) + value)


def new(n_planes, size):
    return tuple(np.zeros(size, np.uint32) for _ in range(n_planes))


def some_numbers():
    generator = np.random.default_rng(3)
    x = generator.normal(0, 1, 2 * LANES) * 10.0 ** generator.integers(-20, 20, 2 * LANES)
    x[:4] = 0, 1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-8)  # ties, and zero
    return x.astype(np.float32)


@here
def test_rounding_is_to_nearest_even_and_pairs_are_in_order():
    x = some_numbers()
    planes = new(1, LANES)
    write_rounded(planes, x)
    assert np.array_equal(halves(planes), rounded(x))
    write_pairs(planes, x)
    assert np.array_equal(halves(planes), rounded(x.reshape(2, LANES).T.ravel()))
    rows = new(1, 2 * LANES)
    rows[0].view(np.uint16)[:] = np.arange(4 * LANES)
    both = new(1, 2 * LANES)
    write_paired_rows(both, rows)
    expected = np.arange(4 * LANES).reshape(2, 2 * LANES).T.ravel()
    assert np.array_equal(both[0].view(np.uint16), expected)


@here
def test_two_planes_keep_sixteen_bits():
    x = some_numbers()
    planes = new(2, LANES)
    write_rounded(planes, x)
    assert np.abs(halves(planes) - x).max() > 0
    assert np.all(np.abs(halves(planes) - x) <= 2.0**-16 * np.abs(x))
    assert not np.all(np.abs(halves(planes[:1]) - x) <= 2.0**-16 * np.abs(x))


@here
@pytest.mark.parametrize("n_planes", [1, 2])
def test_single_numbers_are_read_and_written(n_planes):
    planes = new(n_planes, LANES)
    write_rounded(planes, some_numbers())
    before = halves(planes)
    add_at(planes, 5, np.float32(0.3))
    after = halves(planes)
    expected = before[5] + np.float32(0.3)
    assert after[5] == pytest.approx(expected, rel=2.0**-8 if n_planes == 1 else 2.0**-16)
    assert np.array_equal(np.delete(after, 5), np.delete(before, 5))


def parameters(generator, n_words, dimensions, size=0.5):
    vectors = generator.normal(0, size, (2, n_words, dimensions)).astype(np.float32)
    return vectors[0], vectors[1], generator.normal(0, 1, n_words).astype(np.float32)


def fused(dense, tables, precision, rows=10**6):
    """Loss and gradients of one epoch, recovered from SGD at rate 1; and the counts' scale."""
    n_words, dimensions = tables[0].shape
    batches = CountBatches(
        pair_counts(dense), np.ones(n_words), dimensions=dimensions, rows=rows, seed=3
    )
    rule = Optimizer(FULL_STEP, 1).rules(0)
    sums = [0.0, *(np.zeros_like(table, dtype=np.float64) for table in tables)]
    with WorkerPool(2) as pool:
        for batch in batches.one_epoch(0):
            step = ExactSoftmax(
                *tables, optimizer="sgd", max_rows=batches.max_rows, precision=precision, pool=pool
            )
            sums[0] += step.step(batch, rule)
            after = (step.in_vectors, step.out_vectors, step.out_bias)
            for i, (table, stepped) in enumerate(zip(tables, after, strict=True)):
                sums[i + 1] += table.astype(np.float64) - stepped
    return Dense(*sums), batches.scale


def error(came, wanted, weights):
    """Largest error of any gradient relative to its largest entry or its rounded terms.

    A gradient is a difference of terms as large as the weight of a row, so it may well be smaller
    than their rounding.
    """
    largest = weights.sum(axis=1).max()
    return max(
        float(np.abs(x - y).max() / max(np.abs(y).max(), largest))
        for x, y in zip(came[1:], wanted[1:], strict=True)
    )


def case(n_words, dimensions):
    generator = np.random.default_rng(n_words * 1000 + dimensions)
    dense = random_counts(generator, n_words)
    dense[0, 0] = 3
    return dense, parameters(generator, n_words, dimensions)


@here
@pytest.mark.parametrize("precision", ["bf16", "bf16x2"])
@pytest.mark.parametrize(("n_words", "dimensions"), SIZES)
def test_step_equals_plain_softmax(precision, n_words, dimensions):
    dense, tables = case(n_words, dimensions)
    result, scale = fused(dense, tables, precision)
    expected = exact(dense * scale, *tables)
    assert error(result, expected, dense * scale) < TOLERANCES[precision]
    noise = TOLERANCES[precision] * dense.sum() * scale
    assert result.loss == pytest.approx(expected.loss, rel=TOLERANCES[precision], abs=noise)


@here
def test_each_precision_is_what_it_says_and_the_check_catches_a_wrong_gradient():
    dense, tables = case(130, 100)
    errors = {}
    for precision, tolerance in TOLERANCES.items():
        result, scale = fused(dense, tables, precision, rows=50)
        expected = exact(dense * scale, *tables)
        errors[precision] = error(result, expected, dense * scale)
        assert errors[precision] < tolerance
        for wrong in (
            expected._replace(centre_gradient=-expected.centre_gradient),
            expected._replace(output_gradient=np.roll(expected.output_gradient, 1, axis=0)),
            expected._replace(output_gradient=np.roll(expected.output_gradient, 1, axis=1)),
        ):
            assert error(result, wrong, dense * scale) > 10 * tolerance
    assert errors["bf16"] > 30 * errors["bf16x2"]


@here
@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 2e-2), ("bf16x2", 5e-4)])
def test_huge_scores_and_far_tiles_stay_sound(precision, tolerance):
    """Scores of some thousands, whose rounding errors are larger than many a loss."""
    generator = np.random.default_rng(1)
    n_words = 3 * TILE
    dense = random_counts(generator, n_words, density=0.01)
    tables = parameters(generator, n_words, 4)
    tables = (tables[0], (tables[1] * 1e3).astype(np.float32), tables[2])
    result, scale = fused(dense, tables, precision, rows=200)
    expected = exact(dense * scale, *tables)
    assert np.isfinite(result.centre_gradient).all()
    assert np.isfinite(result.output_gradient).all()
    assert result.loss == pytest.approx(expected.loss, rel=tolerance)


@here
@pytest.mark.parametrize("precision", ["bf16", "bf16x2"])
@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_any_number_of_workers_gives_the_same_bits(precision, optimizer):
    generator = np.random.default_rng(4)
    n_words = 3 * TILE
    counts = pair_counts(random_counts(generator, n_words, density=0.01))
    tables = parameters(generator, n_words, 30)
    settings = Hyperparameters(optimizer=optimizer, bias="learned")

    def run(workers):
        with WorkerPool(workers) as pool:
            step = ExactSoftmax(
                *tables, optimizer=optimizer, max_rows=300, precision=precision, pool=pool
            )
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


@here
def test_training_reaches_the_loss_of_float32():
    sentences = chain_sentences(5, 40, sentences=1000)
    losses = {}
    for precision in ("float32", "bf16x2", "bf16"):
        model = Word2Vec(
            vector_size=8, min_count=1, sample=0, epochs=20, precision=precision, workers=2
        ).fit(sentences)
        losses[precision] = model.summary.loss_nats
    assert losses["bf16"] == pytest.approx(losses["float32"], rel=1e-3)
    assert losses["bf16x2"] == pytest.approx(losses["float32"], rel=1e-3)
    assert len(set(losses.values())) == 3


def test_auto_is_what_the_cpu_can():
    assert resolved_precision("float32") == "float32"
    assert resolved_precision("auto") == ("bf16" if bfloat16.HAS_BFLOAT16 else "float32")
    with pytest.raises(ConfigurationError, match=r"precision: expected one of 'auto', 'float32'"):
        Hyperparameters(precision="half")


@pytest.mark.parametrize("precision", ["bf16", "bf16x2"])
def test_a_cpu_without_it_is_told(precision):
    code = (
        "from fastw2v.objectives.softmax.precision import resolved_precision\n"
        "from fastw2v.errors import ConfigurationError\n"
        "assert resolved_precision('auto') == 'float32'\n"
        "try:\n"
        f"    resolved_precision({precision!r})\n"
        "except ConfigurationError as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert f"expected a CPU with AVX512-BF16 for '{precision}'" in done.stdout
    assert "use 'float32' or 'auto'" in done.stdout
