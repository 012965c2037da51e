"""Kernels compiled ahead by a second process: waited for, never in the way, of the right run."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fastw2v import Hyperparameters
from fastw2v.kernels.compile_clock import compiling_s
from fastw2v.training import ahead
from fastw2v.training.options import Reports
from fastw2v.training.run import Run

ROOT = Path(__file__).parents[2]


def run_of(workers=2, **settings):
    return Run(settings=Hyperparameters(**settings), workers=workers)


def sleeper(seconds):
    code = f"import time; time.sleep({seconds})"
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)


def test_runs_of_the_same_kernels_have_one_mark():
    def mark(precision="bf16", **settings):
        return ahead.mark_of(Hyperparameters(**settings), precision)

    same = [{}, {"epochs": 9, "seed": 3}, {"window": 2, "min_count": 1}, {"learning_rate": 0.1}]
    assert len({mark(**settings) for settings in same}) == 1
    others = [
        {"vector_size": 50},
        {"optimizer": "sgd"},
        {"objective": "negative"},
        {"objective": "negative", "negative": 7},
        {"model": "cbow"},
        {"inputs": "subwords"},
        {"bias": "none"},
    ]
    marks = {mark(**settings) for settings in [{}, *others]} | {mark("float32")}
    assert len(marks) == len(others) + 2


def test_it_is_waited_for_and_the_time_is_one_of_compiling(monkeypatch):
    monkeypatch.setattr(ahead, "_started", lambda run: sleeper(0.6))
    monkeypatch.setattr(ahead, "is_marked", lambda mark: False)  # as in a checkout that is new
    run, before_s = run_of(), compiling_s()
    told = []
    run.reports = Reports(lambda *stage: told.append(stage))
    with ahead.compiled_ahead(run):
        assert run.await_kernels is not None
        began_s = time.perf_counter()
        run.wait_for_kernels()
        waited_s = time.perf_counter() - began_s
        assert run.await_kernels is None
        run.wait_for_kernels()  # no more
    assert 0 < compiling_s() - before_s <= waited_s + 0.05
    assert set(told) <= {("compiling", 0, None)}
    assert told


def test_steps_begin_once_their_kernels_are_there_and_it_goes_on(monkeypatch):
    process, run, asked = sleeper(60), run_of(), []

    def is_marked(mark):
        asked.append(mark)
        return len(asked) > 3

    monkeypatch.setattr(ahead, "_started", lambda run: process)
    monkeypatch.setattr(ahead, "is_marked", is_marked)
    with ahead.compiled_ahead(run):
        run.wait_for_kernels()
        assert process.poll() is None
    mark = ahead.mark_of(run.settings, run.description.precision)
    assert set(asked) == {ahead._mark_of_epochs(mark)} != {mark}
    assert process.returncode is not None


@pytest.mark.parametrize("waits", [False, True])
def test_an_error_or_an_early_end_takes_it_along(waits, monkeypatch):
    process = sleeper(60)
    monkeypatch.setattr(ahead, "_started", lambda run: process)
    run = run_of()

    def interrupted(*stage):
        raise KeyboardInterrupt

    run.reports = Reports(interrupted)

    def go():
        with ahead.compiled_ahead(run):
            if waits:
                run.wait_for_kernels()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go()
    assert process.returncode is not None
    assert run.await_kernels is None


def test_it_is_started_where_it_helps_alone(monkeypatch):
    started = []
    monkeypatch.setattr(ahead.subprocess, "Popen", lambda command, **_: started.append(command))
    monkeypatch.setattr(ahead, "available_cores", lambda: 2)
    monkeypatch.setattr(ahead, "is_marked", lambda mark: False)
    monkeypatch.delenv(ahead.SWITCH)
    for run in (run_of(workers=1), run_of(inputs="features")):
        ahead._started(run)
    assert not started
    ahead._started(run_of())
    assert len(started) == 1
    monkeypatch.setattr(ahead, "is_marked", lambda mark: True)
    ahead._started(run_of())
    monkeypatch.setattr(ahead, "is_marked", lambda mark: False)
    monkeypatch.setenv(ahead.SWITCH, "0")
    ahead._started(run_of())
    monkeypatch.delenv(ahead.SWITCH)
    monkeypatch.setattr(ahead, "available_cores", lambda: 1)
    ahead._started(run_of())
    assert len(started) == 1


def test_it_ends_with_its_parent():
    code = "import threading, time; from fastw2v.training import ahead\n"
    code += "threading.Thread(target=ahead._end_with_parent, daemon=True).start()\n"
    code += "print('begun', flush=True); time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    with process:
        assert process.stdout.readline() == b"begun\n"
        process.stdin.close()
        assert process.wait(60) == 1


@pytest.mark.parametrize(
    "settings",
    [
        *({}, {"objective": "negative"}, {"objective": "hierarchical"}, {"model": "cbow"}),
        {"inputs": "subwords", "bucket": 1000},
        {"rare_words": "sampled"},
    ],
)
def test_a_few_words_are_trained_on_with_any_settings(settings, monkeypatch):
    marks = []
    monkeypatch.setattr(ahead, "leave_mark", marks.append)
    quick = Hyperparameters(vector_size=8, sample=0, window=2, **settings)
    summaries = []
    for name in ("train_running_text", "train_cbow", "train_counted"):
        train = getattr(ahead, name)
        kept = lambda *given, train=train: summaries.append(train(*given).summary)  # noqa: E731
        monkeypatch.setattr(ahead, name, kept)
    ahead.train_on_few_words(quick, 2)
    assert (summaries[0].loss_rows is not None) == ("rare_words" in settings)
    mark = ahead.mark_of(quick, run_of(**settings).description.precision)
    assert marks == [ahead._mark_of_epochs(mark), mark]


COUNTED = """
import sys
from numba.core import event

class Compilations(event.Listener):
    def on_start(self, event):
        sys.stdout.write("compiled\\n")
    def on_end(self, event):
        pass

event.register("numba:compile", Compilations())
from fastw2v import Word2Vec
text = [["a", "b", "c", "d"] * 9] * 9
Word2Vec(vector_size=8, min_count=1, epochs=1, workers=2).fit(text)
"""


@pytest.mark.slow
def test_what_is_compiled_ahead_is_not_compiled_again(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def compiled(**changes):
        done = subprocess.run(
            [sys.executable, "-c", COUNTED],
            env=environment | changes,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.count("compiled")

    with_another = compiled(**{ahead.SWITCH: "1"})
    assert compiled() == 0
    environment["NUMBA_CACHE_DIR"] = str(tmp_path / "alone")
    alone = compiled()
    assert 0 < with_another < 0.8 * alone
