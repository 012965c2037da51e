"""Callbacks for trackers: the numbers arrive, in the real programs where they are installed."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from fastw2v import Word2Vec
from fastw2v.callbacks import StepReport
from fastw2v.errors import ConfigurationError, MissingDependencyError
from fastw2v.integrations.metrics import metrics_callback, metrics_of
from fastw2v.integrations.mlflow import mlflow_callback
from fastw2v.integrations.tensorboard import TensorBoardCallback
from fastw2v.integrations.wandb import wandb_callback
from tests.support.corpora_made import chain_sentences

REPORT = StepReport(2, 3, 7, 12, 1.5, 0.01, 4.0, False)
METRICS = {"loss_nats": 1.5, "learning_rate": 0.01, "elapsed_s": 4.0, "epoch": 2.0}


def trained_with(callback):
    model = Word2Vec(vector_size=4, min_count=1, epochs=3, batch_rows=8)
    return model.fit(chain_sentences(1, 20, 60), callbacks=[callback])


def reports(*times_s, ends=()):
    return [
        StepReport(1, 1, k, len(times_s), 1.0, 0.1, elapsed_s, k in ends)
        for k, elapsed_s in enumerate(times_s)
    ]


def test_metrics_are_numbers_by_name():
    assert metrics_of(REPORT) == METRICS
    bad = StepReport(2, 3, 7, 12, float("nan"), 0.01, 4.0, False)
    assert "loss_nats" not in metrics_of(bad)


def test_a_plain_function_gets_metrics_now_and_then():
    seen = []
    callback = metrics_callback(lambda metrics, step: seen.append(step), every_s=1.0)
    for report in reports(0.0, 0.5, 0.9, 1.1, 1.2, 1.3, ends=(4,)):
        callback(report)
    assert seen == [0, 3, 4]
    every = []
    callback = metrics_callback(lambda metrics, step: every.append(metrics), every_s=0)
    model = trained_with(callback)
    assert every[-1]["loss_nats"] == model.history[-1].loss_nats
    assert len(every) == 9


@pytest.mark.parametrize(
    ("make", "package"),
    [
        (lambda: TensorBoardCallback("unused"), "tensorboard"),
        (mlflow_callback, "mlflow"),
        (wandb_callback, "wandb"),
    ],
)
def test_a_missing_tracker_is_named(monkeypatch, make, package):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"{package}, .*'fastw2v\[trackers\]'"):
        make()


def test_mlflow_and_wandb_get_what_their_functions_take(monkeypatch):
    calls = []
    mlflow = ModuleType("mlflow")
    mlflow.log_metrics = lambda metrics, step: calls.append((metrics, step))
    wandb = ModuleType("wandb")
    wandb.run = SimpleNamespace(log=mlflow.log_metrics)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    for callback in (mlflow_callback(), wandb_callback(), wandb_callback(wandb.run)):
        callback(REPORT)
    assert calls == [(METRICS, 7)] * 3
    wandb.run = None
    with pytest.raises(ConfigurationError, match=r"begin one with wandb\.init"):
        wandb_callback()


@pytest.mark.slow
def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard", reason="pip install 'fastw2v[trackers]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoardCallback(tmp_path, every_s=0) as callback:
        model = trained_with(callback)
    found = EventAccumulator(str(tmp_path)).Reload()
    losses = found.Scalars("loss_nats")
    assert [event.step for event in losses] == list(range(1, 10))
    ends = [event.value for event in losses if event.step % 3 == 0]
    assert ends == pytest.approx([record.loss_nats for record in model.history], rel=1e-6)


@pytest.mark.slow
def test_mlflow_keeps_what_was_logged(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow", reason="pip install 'fastw2v[trackers]'")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    with mlflow.start_run() as run:
        model = trained_with(mlflow_callback(every_s=0))
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss_nats")
    ends = [metric.value for metric in history if metric.step % 3 == 0]
    assert ends == [record.loss_nats for record in model.history]


@pytest.mark.slow
def test_weights_and_biases_keeps_what_was_logged(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="pip install 'fastw2v[trackers]'")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with wandb.init(mode="offline", dir=tmp_path, project="fastw2v-test"):
        model = trained_with(wandb_callback(every_s=0))
    (log,) = tmp_path.rglob("*.wandb")
    kept = log.read_bytes()
    for record in model.history:
        assert repr(record.loss_nats).encode() in kept
    assert kept.count(b"loss_nats") >= 9
