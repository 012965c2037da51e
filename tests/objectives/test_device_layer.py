"""The output layer by PyTorch against the float64 twin and against the compiled kernels.

Tolerances: in float32 as the kernels' own, 2e-5 of the largest gradient; in bf16, whose numbers
have 8 bits, 1e-2 of it.
"""

import shutil

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd.bfloat16 import HAS_BFLOAT16
from fastw2v.objectives.softmax.batches import prefetched
from fastw2v.objectives.softmax.device import layer as layer_module
from fastw2v.objectives.softmax.device import tiles
from fastw2v.objectives.softmax.device.library import device_precision, open_device, tile_of
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.objectives.softmax.text_fit import fit_to_text
from fastw2v.system.threads import WorkerPool
from tests.support.dense_softmax import Dense, exact, pair_counts
from tests.support.device_problems import Problem, on_torch, parameters_of, torch_or_skip

torch = torch_or_skip()

FULL_STEP = Hyperparameters(optimizer="sgd", learning_rate=1.0, bias="learned")
TOLERANCES = {"float32": 2e-5, "bf16": 1e-2}
SIZES = [(1, 1), (2, 5), (16, 16), (17, 3), (130, 33)]


def stepped(problem, device, precision="float32", rows=10**6):
    """Loss and gradients of an epoch, each batch from the same parameters, by SGD at rate 1."""
    batches = problem.batches(device, rows)
    rule = Optimizer(FULL_STEP, 1).rules(0)
    sums = [0.0, *(np.zeros(table.shape) for table in problem.tables)]
    with WorkerPool(1) as pool:
        for batch in batches.one_epoch(0):
            made = ExactSoftmax(
                *problem.tables,
                optimizer="sgd",
                max_rows=batches.max_rows,
                precision=precision,
                pool=pool,
                device=device,
            )
            sums[0] += made.step(batch, rule)
            for i, (table, after) in enumerate(
                zip(problem.tables, parameters_of(made), strict=True)
            ):
                sums[i + 1] += table.astype(np.float64) - after
    return Dense(*sums), batches.scale


def agrees(came, wanted, tolerance):
    return all(
        np.allclose(one, other, rtol=0, atol=tolerance * max(np.abs(other).max(), 1.0))
        for one, other in zip(came, wanted, strict=True)
    )


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize(("n_words", "dimensions"), SIZES)
def test_a_step_is_that_of_the_twin(n_words, dimensions, precision):
    problem = Problem(n_words + dimensions, n_words, dimensions)
    came, scale = stepped(problem, on_torch(), precision)
    wanted = exact(problem.weighted(scale), *problem.tables)
    assert agrees(came, wanted, TOLERANCES[precision])


@pytest.mark.parametrize("rows", [1, 7, 33])
def test_batches_add_up_to_the_whole(rows):
    problem = Problem(8, 60, 20)
    came, scale = stepped(problem, on_torch(), rows=rows)
    assert agrees(came, exact(problem.weighted(scale), *problem.tables), 2e-5)


@pytest.mark.parametrize("sabotage", ["sign", "half of what was observed", "scale", "no bias"])
@pytest.mark.parametrize("precision", TOLERANCES)
def test_comparison_catches_a_wrong_step(sabotage, precision, monkeypatch):
    problem, device = Problem(5, 40, 10), on_torch()
    tables = problem.tables
    if sabotage == "sign":
        monkeypatch.setattr(layer_module, "errors", lambda e, p, s: tiles.errors(e, p, -s))
    elif sabotage == "half of what was observed":
        monkeypatch.setattr(layer_module, "errors", lambda e, p, s: tiles.errors(e, p, s / 2))
    elif sabotage == "scale":
        monkeypatch.setattr(layer_module, "row_scales", lambda p, *_: torch.full_like(p, 0.01))
    else:
        tables = (*tables[:2], np.zeros(40))
    came, scale = stepped(problem, device, precision)
    wanted = exact(problem.weighted(scale), *tables)
    assert not agrees(came, wanted, TOLERANCES[precision])


def trained(problem, device, precision="float32", optimizer="adam", rows=40, announced=False):
    batches = problem.batches(device, rows)
    rules = Optimizer(Hyperparameters(optimizer=optimizer, bias="learned"), 20)
    with WorkerPool(1) as pool:
        made = ExactSoftmax(
            *problem.tables,
            optimizer=optimizer,
            max_rows=batches.max_rows,
            precision=precision,
            pool=pool,
            device=device,
        )
        losses, steps = [], [batch for number in (0, 1) for batch in batches.one_epoch(number)]
        for batch in steps if announced else ():
            made.announce(batch)
        for step, batch in enumerate(steps):
            losses.append(made.step(batch, rules.rules(step)))
    return losses, made


def bits(result):
    losses, made = result
    return losses, {name: array.tobytes() for name, array in made.arrays().items()}


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_steps_are_those_of_the_kernels(optimizer):
    problem = Problem(4, 130, 33)
    found = [trained(problem, device, optimizer=optimizer) for device in (None, on_torch())]
    assert len(found[0][0]) == 8
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    for came, wanted in zip(*(parameters_of(made) for _, made in found), strict=True):
        assert np.abs(came - wanted).max() < 1e-5


@pytest.mark.skipif(not HAS_BFLOAT16, reason="the CPU has no bfloat16")
def test_steps_in_bf16_are_those_of_the_kernels():
    """They round the same numbers; what differs is the reference of a tile's exponentials."""
    problem = Problem(4, 130, 33)
    found = [trained(problem, device, "bf16") for device in (None, on_torch())]
    assert found[0][0] == pytest.approx(found[1][0], rel=2e-3)
    moved = np.abs(found[0][1].out_vectors - problem.tables[1]).mean()
    assert np.abs(found[0][1].out_vectors - found[1][1].out_vectors).mean() < 0.1 * moved


@pytest.mark.parametrize("precision", TOLERANCES)
def test_the_same_bits_from_run_to_run(precision):
    problem = Problem(6, 90, 12)
    first = bits(trained(problem, on_torch(), precision))
    torch.use_deterministic_algorithms(True)  # raises where an operation has no order of sums
    try:
        assert bits(trained(problem, on_torch(), precision)) == first
    finally:
        torch.use_deterministic_algorithms(False)
    assert bits(trained(Problem(7, 90, 12), on_torch(), precision)) != first


@pytest.mark.parametrize("precision", TOLERANCES)
def test_memory_changes_no_bit(precision):
    """Exponentials that there is no room for are computed a second time."""
    problem = Problem(6, 90, 12)
    found, kept = [], []
    whole = trained(problem, on_torch(), precision)[1].layer._size
    for more in (None, 0, 2 * whole.tile_bytes):
        budget = None if more is None else whole.needed_bytes + more
        result = trained(problem, on_torch(memory_bytes=budget), precision)
        kept.append(result[1].layer.kept_tiles)
        found.append(bits(result))
    assert kept == [6, 0, 2]
    assert found[0] == found[1] == found[2]


def test_batches_that_were_announced_are_the_same():
    problem, device = Problem(6, 90, 12), on_torch()
    assert bits(trained(problem, device, announced=True)) == bits(trained(problem, device))
    made = trained(problem, device)[1]
    ahead = list(prefetched(problem.batches(device, 40).one_epoch(0)))
    for batch in ahead:
        made.announce(batch)
    made.layer.end_training()
    assert not made.layer._copies._under_way


@pytest.mark.parametrize("size", [1e4, 1e5])
def test_huge_scores_stay_exact(size):
    problem = Problem(1, 50, 4)
    vectors = (problem.tables[1] * size).astype(np.float32)
    problem.tables = (problem.tables[0], vectors, problem.tables[2])
    came, scale = stepped(problem, on_torch())
    wanted = exact(problem.weighted(scale), *problem.tables)
    assert came.loss == pytest.approx(wanted.loss, rel=1e-5)
    assert np.allclose(came.bias_gradient, wanted.bias_gradient, atol=0.02 * size / 1e4)


def test_a_loss_of_what_is_no_number_is_none():
    problem = Problem(2, 40, 5)
    for side in (0, 1):
        tables = [table.copy() for table in problem.tables]
        tables[side][3] = np.inf
        device = on_torch()
        batches = problem.batches(device)
        with WorkerPool(1) as pool:
            made = ExactSoftmax(*tables, max_rows=40, pool=pool, device=device)
            assert not np.isfinite(made.loss(next(iter(batches.one_epoch(0)))))
            assert not made.is_finite


def test_held_words_stay_and_others_move():
    problem, device = Problem(3, 60, 7), on_torch()
    batches = problem.batches(device, 20)
    inputs, outputs = np.arange(60) % 3 == 0, np.arange(60) % 4 == 0
    with WorkerPool(1) as pool:
        made = ExactSoftmax(
            *problem.tables, max_rows=20, precision="bf16", pool=pool, device=device
        )
        made.hold(inputs, outputs)
        for step, batch in enumerate(batches.one_epoch(0)):
            made.step(batch, Optimizer(Hyperparameters(), 9).rules(step))
        tables = made.layer.tables
        assert torch.equal(tables.rounded, tables.vectors.to(torch.bfloat16))
    for held, before, after in zip(
        (inputs, outputs), problem.tables, parameters_of(made)[:2], strict=False
    ):
        assert after[held].tobytes() == before[held].tobytes()
        assert (after[~held] != before[~held]).any(axis=1).mean() > 0.8


def test_arrays_bring_an_objective_back_to_the_bit():
    problem, device = Problem(6, 90, 12), on_torch()
    _, made = trained(problem, device)
    stored = {name: array.copy() for name, array in made.arrays().items()}
    batch = next(iter(problem.batches(device, 40).one_epoch(0)))
    rules = Optimizer(Hyperparameters(), 20).rules(9)
    found = []
    with WorkerPool(1) as made.pool:
        for _ in range(2):
            made.restore(stored)
            loss = made.step(batch, rules)
            found.append((loss, {name: one.tobytes() for name, one in made.arrays().items()}))
    assert found[0] == found[1]
    assert found[0][1]["out_vectors"] != stored["out_vectors"].tobytes()


def test_the_fit_to_the_text_is_that_of_the_kernels():
    problem = Problem(13, 90, 6)
    counts, ones = pair_counts(problem.dense), np.ones(90)
    problem.keep = ones
    fits = []
    with WorkerPool(1) as pool:
        for device in (None, on_torch()):
            batches = problem.batches(device, 64)
            made = ExactSoftmax(*problem.tables, max_rows=64, pool=pool, device=device)
            fits.append(fit_to_text(made, batches, counts, problem.tables[2], 5, None, None))
    assert np.allclose(fits[0].self_rates, fits[1].self_rates, rtol=1e-4)
    assert np.allclose(fits[0].bias_step, fits[1].bias_step, atol=1e-4)


def test_words_above_a_share_are_those_of_the_kernels():
    problem, found = Problem(13, 90, 6), []
    bias = problem.tables[2]
    with WorkerPool(1) as pool:
        for device in (None, on_torch()):
            batch = next(iter(problem.batches(device, 64).one_epoch(0)))
            made = ExactSoftmax(*problem.tables, max_rows=64, pool=pool, device=device)
            made.load(batch)
            scores = made.layer.scores_of(64)
            made.layer.log_sum_exps(bias, scores)
            least = np.linspace(0.013, 0.05, len(batch.centres))
            least[3] = np.inf
            found.append(made.layer.words_above(least, scores))
            own_loss = made.layer.predicted_loss(bias, scores)
            assert own_loss == pytest.approx(made.loss(batch), rel=1e-6)
    for one, other in zip(*found, strict=True):
        assert len(one) > 20
        assert np.allclose(one, other, rtol=1e-5)
    assert 3 not in found[0][0]


def test_what_does_not_fit_the_layer_is_refused():
    problem, device = Problem(1, 40, 4), on_torch()
    with WorkerPool(1) as pool:
        made = ExactSoftmax(*problem.tables, max_rows=20, pool=pool, device=device)
        with pytest.raises(ValueError, match="at most 20 rows, got 40"):
            made.loss(next(iter(problem.batches(device).one_epoch(0))))
        with pytest.raises(ValueError, match="cut into 3 tiles, got 1"):
            made.loss(next(iter(problem.batches(None, 20).one_epoch(0))))


@pytest.mark.parametrize("where", ["tables", "step"])
def test_memory_that_ends_is_told_with_what_fits(where, monkeypatch):
    problem, device = Problem(1, 40, 4), on_torch()
    batch = next(iter(problem.batches(device).one_epoch(0)))

    def ended(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    def made(pool):
        return ExactSoftmax(*problem.tables, max_rows=40, pool=pool, device=device)

    with WorkerPool(1) as pool:
        if where == "tables":
            monkeypatch.setattr(layer_module, "DeviceTables", ended)
            call = made
        else:
            objective = made(pool)
            monkeypatch.setattr(layer_module, "product", ended)
            rules = Optimizer(Hyperparameters(), 9).rules(0)
            call = lambda _: objective.step(batch, rules)  # noqa: E731
        with pytest.raises(ConfigurationError, match="ran out of memory") as told:
            call(pool)
    assert "--memory 1" in str(told.value)
    assert "--max-final-vocab 20" in str(told.value)
    assert "--device cpu" in str(told.value)


def test_another_error_of_pytorch_is_left_as_it_is(monkeypatch):
    problem, device = Problem(1, 40, 4), on_torch()

    def broken(*_, **__):
        raise RuntimeError("something else")

    monkeypatch.setattr(layer_module, "product", broken)
    with WorkerPool(1) as pool:
        objective = ExactSoftmax(*problem.tables, max_rows=40, pool=pool, device=device)
        with pytest.raises(RuntimeError, match="something else"):
            objective.loss(next(iter(problem.batches(device).one_epoch(0))))


def test_tiles_and_precisions_of_a_device():
    assert tile_of("cuda", 256) == 2**17
    assert tile_of("torch-cpu", 10**9) == 16
    assert device_precision("auto", "torch-cpu") == "float32"
    with pytest.raises(ConfigurationError, match=r"precision: .* 'torch-cpu', got 'bf16x2'"):
        device_precision("bf16x2", "torch-cpu")
    assert open_device("torch-cpu", 256, 3).memory_bytes == 3 * 2**20


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="PyTorch compiles by g++")
@pytest.mark.parametrize("precision", TOLERANCES)
def test_compiled_functions_are_the_plain_ones_but_for_rounding(precision):
    problem = Problem(4, 130, 33)
    plain, fused = (trained(problem, on_torch(fuses=fuses), precision) for fuses in (False, True))
    assert fused[1].layer._exponentials._compiled is not None
    assert fused[1].layer._mover._adam._compiled is not None
    assert fused[0] == pytest.approx(plain[0], rel=1e-5 if precision == "float32" else 1e-3)
    least = fused[1].layer._size.needed_bytes
    for memory_bytes in (None, least):
        device = on_torch(fuses=True, memory_bytes=memory_bytes)
        assert bits(trained(problem, device, precision)) == bits(fused)
