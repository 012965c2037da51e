"""Rows that are sums over features, and whole steps on them, against plain numpy in float64."""

from itertools import pairwise

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.objectives.arrays import padded_rows, round_up
from fastw2v.objectives.features import (
    FeatureMatrix,
    Ngrams,
    ngram_features,
    rows_of_features,
    words_from_features,
)
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.feature_skipgram import FeatureBatches, FeatureSoftmax
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.system.threads import WorkerPool
from tests.kernels.test_optimizer_rules import FACTOR as RATE_FACTOR
from tests.kernels.test_optimizer_rules import (
    FINAL_RATE,
    OPTIMIZERS,
    RATE,
    STEPS,
    NaiveTable,
    agree,
    schedule_of,
)
from tests.support.dense_softmax import pair_counts, random_counts
from tests.support.feature_twins import Step, dense, directions, gradients, random_features, scaled
from tests.support.gradient_checks import central_differences, relative_error

DIMENSIONS = [1, 3, 17, 100]
FULL_STEP = Hyperparameters(inputs="features", optimizer="sgd", learning_rate=1.0, bias="learned")
TOLERANCE = 2e-5  # of float32, relative to the largest number


class Example:
    """A small text's counts, words with features, and first parameters."""

    def __init__(self, seed, n_words, dimensions, matrix=None, n_features=None):
        generator = np.random.default_rng(seed)
        self.dense = random_counts(generator, n_words)
        self.dense[0, 0] = 3
        self.matrix = matrix or random_features(generator, n_words, n_features or 2 * n_words)
        rows = (self.matrix.n_features, n_words)
        vectors = [generator.normal(0, 0.5, (n, dimensions)).astype(np.float32) for n in rows]
        self.tables = (*vectors, generator.normal(0, 1, n_words).astype(np.float32))
        self.of_words = generator.uniform(0.3, 3, n_words)

    def stepped(self, rows=10**6, workers=2):
        """Loss and directions of one epoch, recovered from steps of SGD at rate 1."""
        batches = CountBatches(
            pair_counts(self.dense),
            np.ones(len(self.dense)),
            dimensions=self.tables[1].shape[1],
            rows=rows,
            seed=3,
        )
        self.weights = self.dense * batches.scale
        rule = Optimizer(FULL_STEP, 1).rules(0)
        sums = [0.0, *(np.zeros_like(table, dtype=np.float64) for table in self.tables)]
        with WorkerPool(workers) as pool:
            for batch in FeatureBatches(batches, self.matrix).one_epoch(0):
                made = FeatureSoftmax(
                    self.matrix,
                    self.of_words,
                    *self.tables,
                    optimizer="sgd",
                    max_rows=batches.max_rows,
                    pool=pool,
                )
                sums[0] += made.step(batch, rule)
                after = (made.feature_vectors, made.out_vectors, made.out_bias)
                for i, (table, moved) in enumerate(zip(self.tables, after, strict=True)):
                    sums[i + 1] += table.astype(np.float64) - moved
        return Step(*sums)


def agrees(came, wanted):
    for x, y in zip(came, wanted, strict=True):
        if not np.allclose(x, y, rtol=0, atol=TOLERANCE * max(np.abs(y).max(initial=0), 1.0)):
            return False
    return True


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("dimensions", DIMENSIONS)
@pytest.mark.parametrize("n_words", [1, 5, 130])
def test_sums_are_those_of_the_twin(n_words, dimensions, workers):
    example = Example(1, n_words, dimensions)
    padded = padded_rows(example.tables[0], example.matrix.n_features)
    with WorkerPool(workers) as pool:
        found = words_from_features(example.matrix, padded, dimensions, pool)
    expected = scaled(example.matrix) @ example.tables[0].astype(np.float64)
    assert found.shape == (n_words, dimensions)
    assert np.abs(found - expected).max() < 1e-5
    assert np.abs(found - dense(example.matrix) @ example.tables[0]).max() > 1e-2  # no scale


@pytest.mark.parametrize("dimensions", DIMENSIONS)
@pytest.mark.parametrize("n_rows", [1, PANEL - 1, PANEL, PANEL + 1])
def test_a_batch_gets_the_sums_in_both_layouts(n_rows, dimensions):
    example = Example(2, 40, dimensions)
    centres = np.random.default_rng(3).choice(40, n_rows, replace=False)
    batches = CountBatches(
        pair_counts(example.dense + 1), np.ones(40), dimensions=dimensions, rows=40, seed=1
    )
    rows = example.matrix.rows(centres)
    batch = next(FeatureBatches(Once(batches.batch(centres)), example.matrix).one_epoch(0))
    assert np.array_equal(batch.features.features, rows.features)
    with WorkerPool(2) as pool:
        made = FeatureSoftmax(
            example.matrix, example.of_words, *example.tables, max_rows=40, pool=pool
        )
        made.load(batch)
        shape, arrays = made.layer.loaded
    expected = np.zeros((shape.rows, round_up(dimensions, LANES)))
    expected[:n_rows, :dimensions] = (scaled(example.matrix) @ example.tables[0])[centres]
    flat = arrays.vectors[: expected.size].reshape(expected.shape)
    assert np.abs(flat - expected).max() < 1e-5
    packed = arrays.packed[: shape.rows * dimensions].reshape(-1, dimensions, PANEL)
    by_row = packed.transpose(0, 2, 1).reshape(shape.rows, dimensions)
    assert np.array_equal(by_row, flat[:, :dimensions])


class Once:
    """One batch as a source of batches."""

    batches_per_epoch = max_rows = 1

    def __init__(self, batch):
        self.batch = batch

    def one_epoch(self, _):
        yield self.batch


@pytest.mark.parametrize("dimensions", DIMENSIONS)
@pytest.mark.parametrize(("n_words", "n_features"), [(1, 1), (1, 4), (2, 9), (30, 20), (130, 500)])
def test_a_step_moves_features_along_the_twin_s_directions(n_words, n_features, dimensions):
    example = Example(n_words + dimensions, n_words, dimensions, n_features=n_features)
    came = example.stepped()
    assert agrees(
        came, directions(example.matrix, example.weights, example.tables, example.of_words)
    )


@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_features_that_no_two_words_share_get_the_closed_form(dimensions):
    """G^T dh, to float32: several features a word, one of them twice, another scale each."""
    n_words, generator = 30, np.random.default_rng(4)
    starts = np.arange(n_words + 1) * 4
    indices = np.repeat(np.arange(n_words), 4) * 3 + np.tile([0, 1, 2, 0], n_words)
    values = generator.uniform(-2, 2, len(indices)).astype(np.float32)
    matrix = FeatureMatrix(starts, indices.astype(np.int32), values, 3 * n_words)
    assert not matrix.is_shared.any()
    example = Example(5, n_words, dimensions, matrix)
    came = example.stepped()
    assert agrees(came, gradients(matrix, example.weights, example.tables))


def test_the_gradient_is_the_slope_of_the_loss():
    """Central differences of the whole step's loss by every z, in float64."""
    example = Example(6, 7, 3, alone(7, 3))
    came = example.stepped()
    _, out_vectors, bias = example.tables

    def loss(z):
        return gradients(example.matrix, example.weights, (z, out_vectors, bias)).loss

    slopes = central_differences(loss, example.tables[0])
    assert relative_error(came.features, slopes, small=0.05) < 1e-4
    assert came.loss == pytest.approx(loss(example.tables[0]), rel=1e-6)
    for sabotage in SABOTAGE.values():
        wrong = sabotage(example, came.features)
        assert relative_error(wrong, slopes, small=0.05) > 1e-2


def alone(n_words, each):
    """Features that no two words share, the first of each word in it twice."""
    starts = np.arange(n_words + 1) * (each + 1)
    own = np.repeat(np.arange(n_words), each + 1) * each
    indices = own + np.tile([*range(each), 0], n_words)
    return FeatureMatrix(
        starts, indices.astype(np.int32), np.ones(len(indices), np.float32), n_words * each
    )


def without_scale(example, features):
    return features / example.matrix.scales.repeat(3)[:, None]


def counted_once(example, features):
    wrong = features.copy()
    wrong[::3] /= 2
    return wrong


SABOTAGE = {
    "sign": lambda _, features: -features,
    "a dropped scale": without_scale,
    "a repeated feature counted once": counted_once,
}


def test_shared_features_get_normalised_rows_and_not_the_gradient():
    matrix, _ = ngram_features(["river", "rivers", "driver", "lake", "lakes"], Ngrams(3, 5, 1000))
    assert matrix.is_shared.any()
    assert not matrix.is_shared.all()
    example = Example(7, 5, 6, matrix)
    came, slopes = example.stepped(), gradients(matrix, example.weights, example.tables)
    own = ~matrix.is_shared
    assert np.allclose(came.features[own], slopes.features[own], atol=1e-5)
    assert not np.allclose(came.features[~own], slopes.features[~own], atol=1e-2)
    wanted = directions(matrix, example.weights, example.tables, example.of_words)
    assert agrees(came, wanted)
    for wrong in (
        directions(matrix, example.weights, example.tables, example.of_words[::-1]),
        wanted._replace(features=-wanted.features),
        wanted._replace(loss=wanted.loss * 1.001),
    ):
        assert not agrees(came, wrong)


@pytest.mark.parametrize("rows", [1, 7, 33])
def test_batches_add_up_where_nothing_is_normalised(rows):
    example = Example(8, 40, 20, alone(40, 2))
    came = example.stepped(rows=rows)
    assert agrees(came, gradients(example.matrix, example.weights, example.tables))


def test_words_without_ngrams_have_themselves_alone():
    matrix, buckets = ngram_features(["a", "</s>", "b"], Ngrams(5, 6, 1000))
    assert not len(buckets)
    example = Example(9, 3, 5, matrix)
    assert agrees(example.stepped(), gradients(matrix, example.weights, example.tables))


def test_a_row_without_any_feature_is_zero_and_moves_nothing():
    starts, indices = np.array([0, 1, 1]), np.array([0], np.int32)
    matrix = FeatureMatrix(starts, indices, np.ones(1, np.float32), 1)
    example = Example(10, 2, 3, matrix)
    came = example.stepped()
    wanted = directions(matrix, example.weights, example.tables, example.of_words)
    assert agrees(came, wanted)
    assert np.isfinite(came.features).all()


@pytest.mark.parametrize("workers", [2, 3])
def test_the_same_bits_for_any_number_of_workers(workers):
    example = Example(11, 130, 17)
    one, more = example.stepped(rows=50, workers=1), example.stepped(rows=50, workers=workers)
    assert all(np.array_equal(x, y) for x, y in zip(one, more, strict=True))


class FeatureSteps:
    """Batches in which features come a different number of times."""

    centres = ([0, 1, 2], [0, 3], [0, 1, 4, 5], [0, 2, 3], [0, 1], [0, 4, 5])

    def __init__(self):
        self.example = Example(12, 12, 5, n_features=15)
        self.example.dense += 1

    def trained(self, optimizer):
        example = self.example
        batches = CountBatches(
            pair_counts(example.dense), np.ones(12), dimensions=5, rows=4, seed=1
        )
        self.scale = batches.scale
        schedule = schedule_of(optimizer)
        with WorkerPool(2) as pool:
            made = FeatureSoftmax(
                example.matrix,
                example.of_words,
                *example.tables,
                optimizer=optimizer,
                max_rows=4,
                pool=pool,
            )
            for number, centres in enumerate(self.centres):
                rows = batches.batch(np.array(centres))
                batch = next(FeatureBatches(Once(rows), example.matrix).one_epoch(0))
                made.step(batch, schedule.rules(number))
            self.visits = made.inputs.visits
            return made.feature_vectors, made.out_vectors, made.out_bias

    def expected(self, optimizer, early=0, by_word=False):
        example = self.example
        kind = "rmsprop" if optimizer == "adam" else optimizer
        features = NaiveTable(example.tables[0], kind, RATE_FACTOR, early)
        outputs = NaiveTable(example.tables[1], optimizer)
        bias = NaiveTable(example.tables[2][:, None], optimizer)
        for number, centres in enumerate(self.centres):
            rate = RATE * (1 - (1 - FINAL_RATE) * number / (STEPS - 1))
            weights = np.zeros((12, 12))
            weights[centres] = self.scale * example.dense[centres]
            tables = (features.values, outputs.values, bias.values[:, 0])
            along = directions(example.matrix, weights, tables, example.of_words)
            used = np.flatnonzero(dense(example.matrix)[centres].any(axis=0))
            features.update(used, along.features, rate)
            if by_word:  # a feature that two rows have would be updated twice
                features.updates[used] += (dense(example.matrix)[centres] != 0).sum(axis=0)[
                    used
                ] - 1
            outputs.update(range(12), along.outputs, rate)
            bias.update(range(12), along.bias[:, None], rate)
        self.updates = features.updates
        return features.values, outputs.values, bias.values[:, 0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_are_those_of_the_textbook(optimizer):
    steps = FeatureSteps()
    came = steps.trained(optimizer)
    assert agree(came, steps.expected(optimizer))
    assert np.array_equal(steps.visits, steps.updates)
    if optimizer == "adam":  # each of these mistakes is seen
        assert not agree(came, steps.expected(optimizer, early=1))
        assert not agree(came, steps.expected(optimizer, by_word=True))


def test_entries_by_feature_keep_the_order_of_rows():
    matrix = random_features(np.random.default_rng(13), 50, 20)
    by_feature = rows_of_features(matrix.rows(np.array([7, 3, 3, 40])))
    for first, last in pairwise(by_feature.starts):
        assert (np.diff(by_feature.rows[first:last]) >= 0).all()
