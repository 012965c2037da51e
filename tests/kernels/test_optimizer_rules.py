"""What each row of a batch is moved by: rates, corrections and moments over several batches.

`test_updates.py` looks at one block of numbers. Here whole steps are compared with textbook rules
in float64 that know of rows: which were in the batch, how often before, and at what rate.
"""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.kernels.counts.context_windows import ContextRows
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.cbow import CbowSoftmax
from fastw2v.objectives.softmax.cbow_batches import cbow_batch
from fastw2v.objectives.softmax.optimizers import (
    CBOW_CENTRE_RATE_FACTORS,
    CBOW_MEAN_CENTRE_RATE_FACTORS,
    Optimizer,
)
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.objectives.softmax.tile_layer import tile_for
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.cbow import train_cbow
from fastw2v.training.run import Run
from fastw2v.training.text import TrainingText
from tests.support.cbow_twins import exact_cbow, rows_of
from tests.support.dense_softmax import exact, pair_counts, random_counts

WORDS, DIMENSIONS = 12, 5
# How the rate falls: from the first of six steps to a quarter of it at the last.
RATE, FINAL_RATE, STEPS = 0.01, 0.25, 6
# Adam's decay of both moments, and RMSprop's of the rows.
DECAY_FIRST, DECAY_SECOND, DECAY_ROWS = 0.9, 0.99, 0.9
OPTIMIZERS = ["adam", "adagrad", "sgd"]
FACTOR = 3.5  # no optimiser has it


def settings(optimizer):
    return Hyperparameters(
        optimizer=optimizer, learning_rate=RATE, final_rate=FINAL_RATE, bias="learned"
    )


def schedule_of(optimizer):
    """Rules of a run in which input rows move `FACTOR` times as fast."""
    schedule = Optimizer(settings(optimizer), STEPS)
    schedule.update_rules = schedule.update_rules._replace(centre_rate_factor=FACTOR)
    return schedule


class NaiveTable:
    """Rows in float64, each with its own moments and its own number of updates."""

    def __init__(self, values, rule, factor=1.0, early=0):
        self.values = values.astype(np.float64)
        self.rule, self.factor, self.early = rule, factor, early
        self.first, self.second = np.zeros_like(self.values), np.zeros_like(self.values)
        self.updates = np.zeros(len(values), np.int64)

    def update(self, rows, gradient, rate):
        for row in rows:
            g = gradient[row]
            self.updates[row] += 1
            t = self.updates[row] + self.early
            rate_here = rate * self.factor
            if self.rule == "sgd":
                self.values[row] -= rate_here * g
                continue
            if self.rule == "adagrad":
                self.second[row] += g * g
                self.values[row] -= rate_here * g / (np.sqrt(self.second[row]) + 1e-12)
                continue
            keep1, keep2 = (DECAY_FIRST, DECAY_SECOND) if self.rule == "adam" else (0, DECAY_ROWS)
            self.first[row] = keep1 * self.first[row] + (1 - keep1) * g
            self.second[row] = keep2 * self.second[row] + (1 - keep2) * g * g
            mean = self.first[row] / (1 - keep1**t)
            size = np.sqrt(self.second[row] / (1 - keep2**t))
            self.values[row] -= rate_here * mean / (size + 1e-12)


class NaiveTables:
    """Input rows by the row-wise rule, output rows and bias by the plain one."""

    def __init__(self, tables, optimizer, factor=FACTOR, early_rows=0, early_outputs=0):
        rows_rule = "rmsprop" if optimizer == "adam" else optimizer
        self.inputs = NaiveTable(tables[0], rows_rule, factor, early_rows)
        self.outputs = NaiveTable(tables[1], optimizer, early=early_outputs)
        self.bias = NaiveTable(tables[2][:, None], optimizer, early=early_outputs)

    def tables(self):
        return self.inputs.values, self.outputs.values, self.bias.values[:, 0]

    def step(self, number, rows, gradients):
        rate = RATE * (1 - (1 - FINAL_RATE) * number / (STEPS - 1))
        of_inputs, of_outputs, of_bias = gradients
        everything = range(WORDS)
        self.inputs.update(rows, of_inputs, rate)
        self.outputs.update(everything, of_outputs, rate)
        self.bias.update(everything, of_bias[:, None], rate)


class SkipGram:
    """Batches in which words come a different number of times."""

    centres = ([0, 1, 2], [0, 3], [0, 1, 4, 5], [0, 2, 3], [0, 1], [0, 4, 5])

    def __init__(self):
        generator = np.random.default_rng(11)
        self.dense = random_counts(generator, WORDS, density=0.8)
        self.dense[:, 0] += 1
        self.tables = parameters(generator)

    def trained(self, optimizer):
        batches = CountBatches(
            pair_counts(self.dense), np.ones(WORDS), dimensions=DIMENSIONS, rows=4, seed=1
        )
        self.scale = batches.scale
        schedule = schedule_of(optimizer)
        with WorkerPool(1) as pool:
            made = ExactSoftmax(*self.tables, optimizer=optimizer, max_rows=4, pool=pool)
            for number, centres in enumerate(self.centres):
                made.step(batches.batch(np.array(centres)), schedule.rules(number))
            return made.in_vectors, made.out_vectors, made.out_bias

    def expected(self, optimizer, **options):
        twin = NaiveTables(self.tables, optimizer, **options)
        for number, centres in enumerate(self.centres):
            weights = np.zeros((WORDS, WORDS))
            weights[centres] = self.scale * self.dense[centres]
            # In float64, although `exact` is given the twin's own float64 tables.
            twin.step(number, centres, exact(weights, *twin.tables())[1:])
        return twin.tables()


class Cbow:
    """The same for contexts: word 0 is in every batch, others in some, and some twice in one."""

    contexts = (
        [[0, 1], [0, 2, 2]],
        [[0, 3]],
        [[0, 1], [4, 5, 0], [1]],
        [[2, 3, 0]],
        [[0, 1]],
        [[0, 4], [5, 0]],
    )

    def __init__(self, mean):
        self.mean = mean
        self.tables = parameters(np.random.default_rng(12))

    def windows(self, number):
        rows = self.contexts[number]
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
        words = np.array([(7 * number + 3 * r + 6) % WORDS for r in range(len(rows))], np.int32)
        return ContextRows(words, starts, np.concatenate(rows).astype(np.int32))

    def trained(self, optimizer):
        schedule = schedule_of(optimizer)
        with WorkerPool(1) as pool:
            made = CbowSoftmax(
                *self.tables, mean=self.mean, optimizer=optimizer, max_rows=3, pool=pool
            )
            for number in range(STEPS):
                batch = cbow_batch(self.windows(number), WORDS, tile_for(3, DIMENSIONS))
                made.step(batch, schedule.rules(number))
            return made.in_vectors, made.out_vectors, made.out_bias

    def expected(self, optimizer, **options):
        twin = NaiveTables(self.tables, optimizer, **options)
        for number in range(STEPS):
            windows = self.windows(number)
            gradients = exact_cbow(rows_of(windows), *twin.tables(), self.mean)[1:]
            twin.step(number, sorted(set(windows.contexts.tolist())), gradients)
        return twin.tables()


def parameters(generator):
    vectors = generator.normal(0, 0.5, (2, WORDS, DIMENSIONS)).astype(np.float32)
    return vectors[0], vectors[1], generator.normal(0, 1, WORDS).astype(np.float32)


KINDS = {
    "skip-gram": SkipGram,
    "cbow mean": lambda: Cbow(mean=True),
    "cbow sum": lambda: Cbow(mean=False),
}


def agree(came, wanted):
    """Whether no number differs by more than a hundredth of one step's rate."""
    return all(np.abs(x - y).max() < 0.01 * RATE for x, y in zip(came, wanted, strict=True))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_those_of_the_textbook(kind, optimizer):
    example = KINDS[kind]()
    came = example.trained(optimizer)
    assert agree(came, example.expected(optimizer))
    # Each of these mistakes is seen.
    assert not agree(came, example.expected(optimizer, factor=1.0))
    if optimizer == "adam":
        assert not agree(came, example.expected(optimizer, early_rows=1))
        assert not agree(came, example.expected(optimizer, early_outputs=1))


@pytest.mark.parametrize("optimizer", ["adam", "adagrad"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_step_of_a_row_is_its_rate_whatever_the_gradient(kind, optimizer):
    """The correction of the first visit makes the root of the moment the size of the gradient."""
    example = KINDS[kind]()
    if kind == "skip-gram":
        example.centres, first = example.centres[:1], example.centres[0]
    else:
        batch_of_one = example.contexts[:1]
        example.contexts, first = batch_of_one, sorted({w for row in batch_of_one[0] for w in row})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(f"{__name__}.STEPS", 1)
        after, outputs, bias = example.trained(optimizer)
    moved = np.abs(after - example.tables[0])
    assert moved[first] == pytest.approx(np.full_like(moved[first], FACTOR * RATE), rel=1e-3)
    assert not np.delete(moved, first, axis=0).any()
    assert np.abs(outputs - example.tables[1]) == pytest.approx(
        np.full((WORDS, DIMENSIONS), RATE), rel=1e-3
    )
    assert np.abs(bias - example.tables[2]) == pytest.approx(np.full(WORDS, RATE), rel=1e-3)


@pytest.mark.parametrize("mean", [True, False], ids=["mean", "sum"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_of_cbow_moves_its_inputs_by_its_recipe(mean, optimizer):
    """One batch of a whole run, from known vectors: the factor is that of mean or sum."""
    factors = CBOW_MEAN_CENTRE_RATE_FACTORS if mean else CBOW_CENTRE_RATE_FACTORS
    tables = parameters(np.random.default_rng(13))[:2]
    ids = np.array([0, 1], np.int32)  # each is the other's one context
    vocabulary = Vocabulary(["a", "b", *map(str, range(WORDS - 2))], np.ones(WORDS, np.int64), 2, 2)
    asked = Hyperparameters(
        model="cbow", optimizer=optimizer, vector_size=DIMENSIONS, window=1, epochs=1, sample=0,
        bias="none", precision="float32", cbow_mean=mean, canonical=False,
    )  # fmt: skip
    text = TrainingText(vocabulary, EncodedTokens(ids, np.array([0, 2], np.int64), 2, 0))
    found = train_cbow(Run(settings=asked, workers=1, start=tables), text).embeddings
    rows = [(0, [1]), (1, [0])]
    expected = exact_cbow(rows, *tables, np.zeros(WORDS), mean)
    for before, after, gradient, factor in (
        (tables[0], found.in_vectors, expected.in_gradient, factors[optimizer]),
        (tables[1], found.out_vectors, expected.out_gradient, 1.0),
    ):
        step = gradient if optimizer == "sgd" else np.sign(gradient)
        wanted = asked.learning_rate * factor * step
        assert np.abs(before.astype(np.float64) - after - wanted).max() < 1e-3 * asked.learning_rate
