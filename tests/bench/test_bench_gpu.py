"""The benchmark of a GPU, at small sizes without one."""

import json
import sys
from pathlib import Path

import pytest

from tests.support.device_problems import WITHOUT_TORCH

SMALL = ("--device", "torch-cpu", "--words", "100", "300", "--dimensions", "8", "--seconds", "2")


@pytest.fixture
def bench(monkeypatch):
    pytest.importorskip("torch", reason=WITHOUT_TORCH)
    import bench_gpu

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench_gpu.py", *arguments])
        bench_gpu.main()

    return call


def test_it_prints_and_stores_every_case(bench, capsys, tmp_path):
    target = tmp_path / "gpu.json"
    bench(*SMALL[:-1], "600", "--rows", "32", "128", "--peak", "2", "--json", str(target))
    shown = capsys.readouterr().out
    assert "kind torch-cpu" in shown
    assert "data sheet 2, a square product" in shown
    stored = json.loads(target.read_text())["results"]
    for kind in ("torch-cpu", "cpu"):
        sizes = [(one["words"], one["rows"]) for one in stored[kind]]
        assert sizes == [(100, 32), (100, 100), (300, 32), (300, 128)]
        assert all(one["step_ms"] > 0 for one in stored[kind])
    assert all(one["whole"] for one in stored["torch-cpu"])
    assert all(one["flops"] > 0 for one in stored["torch-cpu"])
    last = f"| 300 | 8 | 128 | {stored['cpu'][-1]['step_ms']:.3g} |"
    assert last in shown
    import bench_gpu

    assert last in "\n".join(bench_gpu.section(target))


def test_what_was_not_measured_is_said(tmp_path):
    import bench_gpu

    told = "\n".join(bench_gpu.section(tmp_path / "gpu.json"))
    assert "Not measured on a GPU yet" in told
    document = (Path(__file__).parents[2] / "BENCHMARKS.md").read_text(encoding="utf-8")
    stored = Path(__file__).parents[2] / "bench" / "results" / "gpu.json"
    assert "\n".join(bench_gpu.section(stored)).rstrip() in document


def test_an_epoch_beyond_its_time_is_told_by_its_steps(bench, capsys):
    bench(*SMALL[:-1], "0", "--rows", "8")
    shown = capsys.readouterr().out
    assert shown.split("cpu\n")[1].count("(by its steps)") >= 2


def test_a_machine_without_a_card_is_told(bench):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ValueError, match="expected a GPU that PyTorch sees"):
        bench("--words", "100")
