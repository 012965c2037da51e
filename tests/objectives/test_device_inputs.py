"""Every kind of input and of batch on a device: features, CBOW's contexts, and sampled columns."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.kernels.counts.context_windows import ContextRows
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.cbow import CbowSoftmax
from fastw2v.objectives.softmax.cbow_batches import cbow_batch
from fastw2v.objectives.softmax.device import moves
from fastw2v.objectives.softmax.feature_skipgram import FeatureBatches, FeatureSoftmax
from fastw2v.objectives.softmax.optimizers import Optimizer, decays_of_steps
from fastw2v.objectives.softmax.rare_words import ColumnBatches, ColumnSizes
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.objectives.softmax.text_fit import fit_to_text
from fastw2v.objectives.softmax.tile_layer import tile_for
from fastw2v.system.threads import WorkerPool
from tests.support.dense_softmax import exact, pair_counts
from tests.support.device_problems import Problem, on_torch, parameters_of, torch_or_skip
from tests.support.feature_twins import random_features

torch_or_skip()

DEVICES = [None, on_torch()]
FULL_STEP = Hyperparameters(optimizer="sgd", learning_rate=1.0, bias="learned")


def near(found, tolerance=1e-5):
    return all(
        np.abs(one - other).max() < tolerance for one, other in zip(found[0], found[1], strict=True)
    )


def test_features_move_as_by_the_kernels():
    problem, found = Problem(3, 90, 11), []
    matrix = random_features(np.random.default_rng(1), 90, 40)
    start = np.random.default_rng(2).normal(0, 0.4, (40, 11)).astype(np.float32)
    for device in DEVICES:
        batches = FeatureBatches(problem.batches(device, 32), matrix)
        with WorkerPool(2) as pool:
            made = FeatureSoftmax(
                matrix,
                np.linspace(0.5, 2, 90),
                start,
                *problem.tables[1:],
                max_rows=32,
                pool=pool,
                device=device,
            )
            for step, batch in enumerate(batches.one_epoch(0)):
                made.step(batch, Optimizer(Hyperparameters(), 9).rules(step))
            found.append((made.feature_vectors, made.in_vectors, made.out_vectors))
    assert near(found, 2e-5)
    assert not near([found[0], (start, *found[0][1:])])


@pytest.mark.parametrize("mean", [True, False])
def test_contexts_of_cbow_move_as_by_the_kernels(mean):
    problem, found = Problem(4, 60, 9), []
    generator = np.random.default_rng(5)
    sizes = generator.integers(1, 7, 50)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    contexts = generator.integers(0, 60, starts[-1]).astype(np.int32)
    windows = ContextRows(generator.integers(0, 60, 50).astype(np.int32), starts, contexts)
    for device in DEVICES:
        tile = tile_for(50, 9) if device is None else device.tile
        with WorkerPool(2) as pool:
            made = CbowSoftmax(*problem.tables, mean=mean, max_rows=50, pool=pool, device=device)
            losses = [
                made.step(cbow_batch(windows, 60, tile), Optimizer(Hyperparameters(), 9).rules(k))
                for k in range(3)
            ]
        found.append((np.array(losses), *parameters_of(made)))
    assert near(found, 1e-4)


def columns(problem, device, sizes=(12, 15), contexts=5, **options):
    tile = {} if device is None else {"tile": device.tile}
    return ColumnBatches(
        pair_counts(problem.dense),
        problem.keep,
        dimensions=problem.tables[0].shape[1],
        rows=64,
        seed=3,
        sizes=ColumnSizes(*sizes, 10**4, contexts),
        **tile,
        **options,
    )


def of_columns(problem, device, pool, **options):
    return ExactSoftmax(
        *problem.tables, max_rows=64, pool=pool, device=device, lists_columns=True, **options
    )


@pytest.mark.parametrize("sabotage", [None, "a drawn word stands for itself"])
def test_a_step_over_columns_is_that_of_plain_numpy(sabotage):
    problem, device = Problem(7, 60, 9), on_torch()
    problem.dense[:, 30:] = 0
    problem.keep = np.ones(60)
    batches = columns(problem, device)
    centres = batches.centres[:20]
    batch = batches.batch(centres, 0.4)
    words, logs = batch.chosen
    assert 16 < len(words) < 60
    assert len(words) % 16
    with WorkerPool(2) as pool:
        made = of_columns(problem, device, pool, optimizer="sgd")
        told = made.loss(batch)
        loss = made.step(batch, Optimizer(FULL_STEP, 1).rules(0))
    tables = problem.tables
    added = 0 * logs if sabotage else logs
    wanted = exact(
        problem.dense[centres][:, words] * batches.scale,
        tables[0][centres],
        tables[1][words],
        tables[2][words].astype(float) + added,
    )
    moved = [a.astype(float) - b for a, b in zip(tables, parameters_of(made), strict=True)]
    parts = (moved[0][centres], moved[1][words], moved[2][words])
    agree = all(
        np.allclose(came, gradient, rtol=0, atol=2e-5 * max(1.0, np.abs(gradient).max()))
        for came, gradient in zip(parts, wanted[1:], strict=True)
    )
    assert told == loss
    assert (agree and loss == pytest.approx(wanted.loss, rel=1e-5)) == (sabotage is None)
    assert not moved[1][np.setdiff1d(np.arange(60), words)].any()


@pytest.mark.parametrize("sabotage", [None, "every word has seen every step"])
def test_columns_move_as_by_the_kernels_each_by_its_own_updates(sabotage, monkeypatch):
    problem, found = Problem(9, 300, 12, density=0.01), []
    if sabotage:
        monkeypatch.setattr(
            moves, "decays_of_steps", lambda: [np.ones_like(one) for one in decays_of_steps()]
        )
    for device in DEVICES:
        batches = columns(problem, device, (20, 30))
        settings = Hyperparameters(bias="learned")
        with WorkerPool(2) as pool:
            made = of_columns(problem, device, pool)
            losses = [
                made.step(batch, Optimizer(settings, 20).rules(step))
                for step, batch in enumerate(
                    batch for number in (0, 1) for batch in batches.one_epoch(number)
                )
            ]
            arrays = made.arrays()
        counted = [arrays[f"out_{name}"][:300].astype(float) for name in ("visits", "latest")]
        found.append((np.array(losses), *parameters_of(made), *counted))
    assert len(found[0][0]) > 5
    assert near(found, 1e-4) == (sabotage is None)


def test_columns_in_bf16_are_near_those_in_float32():
    problem, device, found = Problem(9, 300, 12, density=0.01), on_torch(), []
    for precision in ("float32", "bf16"):
        batches = columns(problem, device, (20, 30))
        with WorkerPool(1) as pool:
            made = of_columns(problem, device, pool, precision=precision)
            for step, batch in enumerate(batches.one_epoch(0)):
                made.step(batch, Optimizer(Hyperparameters(), 20).rules(step))
            found.append(made.out_vectors)
    moved = np.abs(found[0] - problem.tables[1]).mean()
    assert 0 < np.abs(found[0] - found[1]).mean() < 0.1 * moved


def test_a_batch_without_columns_gives_the_exact_loss_and_trains_nothing():
    problem, device = Problem(9, 90, 8), on_torch()
    batch = next(iter(problem.batches(device, 64).one_epoch(0)))
    with WorkerPool(1) as pool:
        made = of_columns(problem, device, pool)
        wanted = ExactSoftmax(*problem.tables, max_rows=64, pool=pool, device=device).loss(batch)
        assert made.loss(batch) == wanted
        with pytest.raises(ValueError, match="lists its columns"):
            made.step(batch, Optimizer(Hyperparameters(), 1).rules(0))


def test_the_fit_to_the_text_by_columns_is_that_of_the_kernels():
    problem, fits = Problem(14, 200, 6, density=0.05), []
    counts = pair_counts(problem.dense)
    problem.keep = np.ones(200)
    for device in DEVICES:
        with WorkerPool(1) as pool:
            made = of_columns(problem, device, pool)
            batches = columns(problem, device, (50, 40))
            if device is None:
                batches.tile = made.layer.tile
            fits.append(fit_to_text(made, batches, counts, problem.tables[2], 5, None, 50))
    assert np.allclose(fits[0].self_rates, fits[1].self_rates, rtol=1e-4)
    assert np.allclose(fits[0].bias_step, fits[1].bias_step, atol=1e-4)


def test_batches_of_counts_are_cut_by_the_tile_that_they_are_given():
    problem = Problem(1, 90, 5)
    for tile in (16, 32):
        batches = CountBatches(
            pair_counts(problem.dense), problem.keep, dimensions=5, rows=20, seed=1
        )
        batches.tile = tile
        assert len(next(iter(batches.one_epoch(0))).tile_starts) == -(-90 // tile) + 1
