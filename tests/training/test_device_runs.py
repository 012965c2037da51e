"""Whole runs whose output layer PyTorch computes, beside those of compiled kernels."""

import statistics
from pathlib import Path

import pytest

from fastw2v import Checkpoints, Validation, Word2Vec
from fastw2v.errors import CheckpointError, ConfigurationError
from fastw2v.evaluation.scores import scores
from fastw2v.objectives.softmax.device.library import Device
from fastw2v.objectives.softmax.device.memory import LayerSize
from fastw2v.objectives.softmax.rare_words import ColumnSizes
from fastw2v.training import devices, finish, run, skipgram
from fastw2v.training.checkpoints import (
    Checkpoint,
    checkpoint_path,
    read_checkpoint,
    write_checkpoint,
)
from tests.support.corpora_made import random_sentences, write_text
from tests.support.device_problems import torch_or_skip
from tests.training.test_resume import StoppedHereError, arrays_of, losses_of, stopping_at

torch = torch_or_skip()

COMMON = {"vector_size": 6, "window": 2, "min_count": 1, "epochs": 3, "seed": 3}
ON_TORCH = {"device": "torch-cpu"}
RUNS = {
    "counts": {"batch_rows": 16},
    "bf16": {"batch_rows": 16, "precision": "bf16"},
    "learned bias": {"batch_rows": 16, "bias": "learned", "optimizer": "adagrad"},
    "tokens": {"batches": "tokens", "batch_tokens": 300},
    "subwords": {"inputs": "subwords", "batch_rows": 16},
    "replicas": {"replicas": 3, "epochs": 1, "batch_rows": 16},
    "sampled": {"rare_words": "sampled", "batch_rows": 32},
    "sampled subwords in bf16": {
        "rare_words": "sampled",
        "batch_rows": 32,
        "inputs": "subwords",
        "precision": "bf16",
    },
    "cbow": {"model": "cbow", "batch_tokens": 300, "sample": 0.1},
}
ENGLISH = Path(__file__).parents[2] / "corpora" / "english-small.txt"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    sentences = random_sentences(4, 200, sentences=600, longest=20)
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


@pytest.fixture(autouse=True)
def few_columns_and_small_tiles(monkeypatch):
    for module in (skipgram, finish):
        monkeypatch.setattr(module, "column_sizes", lambda _: ColumnSizes(30, 20, 300, 15))
    sizes = {"cuda": 2**10, "torch-cpu": 2**10}
    monkeypatch.setattr("fastw2v.objectives.softmax.device.library._TILE_SCORES", sizes)


def trained(corpus, notices=None, **settings):
    told = notices if notices is not None else []
    return Word2Vec(workers=1, **COMMON | settings).fit(corpus, notice=told.append)


@pytest.mark.parametrize("settings", RUNS.values(), ids=RUNS)
def test_a_run_is_that_of_the_cpu_but_for_rounding(corpus, settings):
    found = [trained(corpus, **settings, device=device) for device in ("cpu", "torch-cpu")]
    tolerance = 1e-3 if "precision" in settings else 1e-4
    losses = [[loss for _, loss, _ in losses_of(model)] for model in found]
    assert losses[0] == pytest.approx(losses[1], rel=tolerance)
    assert found[0].summary.loss_nats == pytest.approx(found[1].summary.loss_nats, rel=tolerance)
    assert found[1].summary.device == f"torch-cpu (CPU, PyTorch {torch.__version__})"
    assert found[0].summary.device is None
    assert found[1].settings.device == "torch-cpu"
    assert arrays_of(found[0]) != arrays_of(found[1])


@pytest.mark.parametrize("settings", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("step", [3, 9])
def test_a_resumed_run_ends_in_the_bits_of_one_that_was_not_stopped(
    corpus, tmp_path, settings, step
):
    whole = trained(corpus, **settings, **ON_TORCH)
    model = Word2Vec(workers=1, **COMMON | settings | ON_TORCH)
    with pytest.raises(StoppedHereError):
        model.fit(
            corpus,
            callbacks=[stopping_at(step)],
            checkpoints=Checkpoints(tmp_path / "model", every="0.000001s"),
        )
    about = read_checkpoint(checkpoint_path(tmp_path / "model"))
    assert about.state.steps_done or about.state.epochs_done
    described = {"kind": "torch-cpu", "name": "CPU", "torch": str(torch.__version__)}
    assert about.run.device == described
    told = []
    resumed = Word2Vec.resume(tmp_path / "model", notice=told.append)
    assert arrays_of(resumed) == arrays_of(whole)
    assert losses_of(resumed) == losses_of(whole)
    assert not [sentence for sentence in told if "PyTorch" in sentence]


def stopped(corpus, target, **settings):
    model = Word2Vec(workers=1, **COMMON | settings)
    with pytest.raises(StoppedHereError):
        model.fit(
            corpus, callbacks=[stopping_at(9)], checkpoints=Checkpoints(target, every="1epoch")
        )
    return read_checkpoint(checkpoint_path(target))


def test_another_pytorch_is_told_and_another_device_refused(corpus, tmp_path):
    saved = stopped(corpus, tmp_path / "model", batch_rows=32, **ON_TORCH)
    path = checkpoint_path(tmp_path / "model")
    saved.run.device["torch"] = "1.0"
    write_checkpoint(path, Checkpoint(saved.run, saved.state, saved.arrays))
    told = []
    Word2Vec.resume(tmp_path / "model", notice=told.append)
    assert "the run began on CPU with PyTorch 1.0" in " ".join(told)
    saved.run.precision = "bf16 by PyTorch on torch-cpu"
    write_checkpoint(path, Checkpoint(saved.run, saved.state, saved.arrays))
    with pytest.raises(CheckpointError, match="multiplies in bf16 by PyTorch on torch-cpu"):
        Word2Vec.resume(tmp_path / "model")


def test_a_run_is_validated_and_keeps_its_best_epoch(corpus):
    found = [
        Word2Vec(workers=1, **COMMON | {"device": device, "batch_rows": 16}).fit(
            corpus, validation=Validation(fraction=0.2), patience=1
        )
        for device in ("cpu", "torch-cpu")
    ]
    held_out = [[record.held_out_loss_nats for record in model.history] for model in found]
    assert held_out[0] == pytest.approx(held_out[1], rel=1e-4)
    assert found[0].run_record.kept_epoch == found[1].run_record.kept_epoch


@pytest.mark.parametrize("name", ["counts", "sampled", "bf16"])
def test_how_much_memory_there_is_changes_no_bit(corpus, name, monkeypatch):
    settings = RUNS[name] | ON_TORCH
    whole = trained(corpus, **settings)
    kept = []
    monkeypatch.setattr(LayerSize, "kept_tiles", lambda size, budget: kept.append(budget) or 0)
    assert arrays_of(trained(corpus, **settings)) == arrays_of(whole)
    assert kept


def test_what_does_not_fit_a_device_is_refused_with_what_would(run, corpus, tmp_path, monkeypatch):
    asked = ("train", corpus, "-o", tmp_path / "model", "--min-count", 1, "--device", "torch-cpu")
    small = ("--epochs", 1, "--vector-size", 4, "--quiet")
    assert run(*asked, *small, "--memory", 1000)[0] == 0
    monkeypatch.setattr(devices, "open_device", lambda kind, *_: small_device(kind))
    status, shown, errors = run(*asked[:3], tmp_path / "other", *asked[4:], *small)
    assert (status, shown) == (2, "")
    assert "memory of device 'torch-cpu', the budget is 0; raise it to 1, or keep fewer" in errors
    assert "max_final_vocab=" in errors
    assert not (tmp_path / "other").exists()


def small_device(kind):
    return Device(kind, 16, 2**14)


def choosing(monkeypatch, of_card_s, of_cpu_s=1.0):
    """A card is seen, which is PyTorch on the CPU, and steps take so long."""
    opened = devices.open_device
    monkeypatch.setattr(run, "sees_card", lambda: True)
    monkeypatch.setattr(
        devices, "open_device", lambda _, rows, memory: opened("torch-cpu", rows, memory)
    )
    monkeypatch.setattr(
        devices, "step_seconds", lambda *given: of_card_s if len(given) == 5 else of_cpu_s
    )
    monkeypatch.setattr("fastw2v.training.skipgram.announce_duration", lambda *_: None)
    monkeypatch.setattr(run, "device_precision", lambda *_: "float32")


@pytest.mark.parametrize(
    ("of_card_s", "of_cpu_s", "chosen", "why"),
    [
        (0.1, 1.0, "cuda", "a step takes 100 ms on the GPU and 1e+03 on the CPU"),
        (2.0, 1.0, "cpu", "a step takes 2e+03 ms on the GPU and 1e+03 on the CPU"),
        (1e-9, 1e-6, "cpu", "all steps take about 0.0 s"),
    ],
)
def test_auto_takes_what_is_faster(corpus, monkeypatch, of_card_s, of_cpu_s, chosen, why):
    choosing(monkeypatch, of_card_s, of_cpu_s)
    notices = []
    model = trained(corpus, notices, device="auto", batch_rows=16, precision="float32")
    assert f"device: 'auto' is {chosen!r} here: {why}." in notices
    alike = "torch-cpu" if chosen == "cuda" else "cpu"
    monkeypatch.undo()
    sizes = {"cuda": 2**10, "torch-cpu": 2**10}
    monkeypatch.setattr("fastw2v.objectives.softmax.device.library._TILE_SCORES", sizes)
    wanted = trained(corpus, device=alike, batch_rows=16, precision="float32")
    assert arrays_of(model) == arrays_of(wanted)
    assert model.settings.device == "auto"


@pytest.mark.parametrize("sees", [True, False])
def test_what_auto_has_chosen_holds_for_a_resumed_run(corpus, tmp_path, monkeypatch, sees):
    choosing(monkeypatch, 2.0)
    monkeypatch.setattr(run, "sees_card", lambda: sees)
    saved = stopped(corpus, tmp_path / "model", device="auto", batch_rows=32)
    assert saved.run.device == {"kind": "cpu"}
    monkeypatch.setattr(run, "sees_card", lambda: pytest.fail("asked again"))
    resumed = Word2Vec.resume(tmp_path / "model")
    monkeypatch.undo()
    for module in (skipgram, finish):
        monkeypatch.setattr(module, "column_sizes", lambda _: ColumnSizes(30, 20, 300, 15))
    assert arrays_of(resumed) == arrays_of(trained(corpus, batch_rows=32))


def test_a_machine_without_a_card_says_so(corpus):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigurationError, match=r"expected a GPU that PyTorch sees .* got none"):
        trained(corpus, device="cuda")


@pytest.mark.slow
@pytest.mark.skipif(not ENGLISH.exists(), reason="python corpora/english.py small builds the text")
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_english_small_is_as_good_by_pytorch_as_by_the_kernels(precision, monkeypatch):
    """The same loss within 0.1 %, and quality nearer than another seed's."""
    monkeypatch.undo()  # tiles of their usual size
    found = {}
    for device, seeds in (("cpu", (1, 2, 3)), ("torch-cpu", (1,))):
        for seed in seeds:
            model = Word2Vec(
                seed=seed, device=device, precision=precision, tokenizer="whitespace", min_count=10
            ).fit(ENGLISH)
            quality = statistics.mean(one.value for one in scores(model.wv))
            found[device, seed] = (model.summary.loss_nats, quality)
            print(device, precision, seed, *found[device, seed])
    loss, quality = found["torch-cpu", 1]
    assert loss == pytest.approx(found["cpu", 1][0], rel=1e-3)
    of_cpu = [found["cpu", seed][1] for seed in (1, 2, 3)]
    spread = max(of_cpu) - min(of_cpu)
    assert spread > 0
    assert min(of_cpu) - spread <= quality <= max(of_cpu) + spread
