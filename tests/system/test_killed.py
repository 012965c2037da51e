"""The real program, killed and interrupted for real, and resumed: the same bytes as undisturbed.

Moments are drawn from a seed, and found from outside: by the clock while the text is read and
counted, by the temporary files beside the target while something is written.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.training.checkpoints import checkpoint_path, read_checkpoint
from tests.support import programs
from tests.support.corpora_made import write_text

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals to kill by")

COMMAND = [sys.executable, "-m", "fastw2v"]
SETTINGS = ["--min-count", "1", "--vector-size", "64", "--epochs", "4", "--quiet"]
RUNS = {
    "softmax": ["--batch-rows", "32", "--sample", "0"],
    "subwords": ["--batch-rows", "32", "--sample", "0", "--inputs", "subwords"],
    "cbow": ["--model", "cbow", "--batch-tokens", "256", "--sample", "0.01"],
    "negative": ["--objective", "negative"],
    "hierarchical": ["--objective", "hierarchical"],
}
EXACT = ("softmax", "subwords", "cbow")
ANSWER_S = 4.0  # a second or so on a quiet machine; tests run on busy ones


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    generator = np.random.default_rng(1)
    chances = 1 / np.arange(1, 2001)
    ids = generator.choice(2000, 60_000, p=chances / chances.sum())
    sentences = [[f"w{k}" for k in row] for row in ids.reshape(-1, 20)]
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


def started(arguments, folder, tmp=None):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    if tmp is not None:
        environment["TMPDIR"] = str(tmp)
    return programs.started(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(arguments, folder):
    process = started(arguments, folder)
    shown, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return shown


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """Undisturbed runs by kind, each made once, with an export."""
    folder = tmp_path_factory.mktemp("whole")
    made = {}

    def get(kind):
        if kind not in made:
            target = folder / kind
            arguments = ["train", corpus, "-o", target, *SETTINGS, *RUNS[kind], "--workers", "1"]
            finished(arguments, folder)
            finished(["export", target, folder / f"{kind}.bin", "--format", "word2vec-bin"], folder)
            made[kind] = (target, (folder / f"{kind}.bin").read_bytes())
        return made[kind]

    return get


def what_counts(target):
    """All of a model but the seconds that it took."""
    config = json.loads((target / "config.json").read_text(encoding="utf-8"))
    losses = [(r["epoch"], r["loss_nats"], r["learning_rate"]) for r in config["history"]]
    lasting = ("hyperparameters", "corpus", "run", "probabilities", "features")
    kept = {key: config[key] for key in lasting}
    return (target / "arrays.safetensors").read_bytes(), losses, kept


def temporary(folder, kind):
    """Whether something is being written in a folder: a file, or a folder."""
    for path in folder.glob(".fastw2v-*"):
        try:
            if path.is_dir() == (kind == "folder"):
                return True
        except OSError:
            pass
    return False


def killed_at(process, moment, delay_s, folder, target):
    """Kill a process some seconds after a moment has come; return whether it was still alive."""
    conditions = {
        "reading": lambda: True,
        "training": lambda: checkpoint_path(target).exists(),
        "checkpoint": lambda: temporary(folder, "file"),
        "model": lambda: temporary(folder, "folder"),
    }
    while process.poll() is None and not conditions[moment]():
        time.sleep(0.0005)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode == -signal.SIGKILL


# How long after the moment the signal is sent, at most, in seconds.
DELAYS = {"reading": 1.5, "training": 0.8, "checkpoint": 0.03, "model": 0.02}


def killed_and_resumed(kind, corpus, whole, folder, moments, workers=("1",)):
    """Run to the end through kills; return how many there were, having checked all that is left."""
    arguments = [corpus, *SETTINGS, *RUNS[kind]]
    return through_kills(arguments, whole, folder, moments, workers)


def through_kills(arguments, whole, folder, moments, workers=("1",)):
    """Train with some arguments, as `killed_and_resumed` does; a resumed run is told nothing."""
    generator = np.random.default_rng(len(moments))
    target = folder / "model"
    begin = ["train", *arguments, "-o", target, "--checkpoint-every", "0.05s"]
    kills = 0
    for number in range(len(moments) + 50):
        checkpoint = checkpoint_path(target)
        threads = ["--workers", workers[number % len(workers)]]
        go_on = ["train", "--resume", target, "--quiet"]
        process = started([*(go_on if checkpoint.exists() else begin), *threads], folder)
        if number < len(moments):
            delay_s = float(generator.uniform(0, DELAYS[moments[number]]))
            kills += killed_at(process, moments[number], delay_s, folder, target)
        else:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors
        if checkpoint.exists():
            read_checkpoint(checkpoint)  # sound, digest and all
        if target.exists():  # nothing but the finished model is ever there
            assert what_counts(target) == what_counts(whole)
            Word2Vec.load(target)
        if target.exists() and not checkpoint.exists():
            if number >= len(moments):
                break
            for path in target.iterdir():  # finished before its time: begin another one
                path.unlink()
            target.rmdir()
    assert sorted(path.name for path in folder.iterdir()) == ["model"]
    return kills


def test_killed_at_any_stage_and_resumed(corpus, whole, tmp_path):
    moments = ["reading", "checkpoint", "model"]
    workers = ("1", "2")
    kills = killed_and_resumed("softmax", corpus, whole("softmax")[0], tmp_path, moments, workers)
    assert kills >= 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNS)
def test_killed_twenty_times_and_resumed(corpus, whole, tmp_path, kind):
    moments = ["reading", "checkpoint", "training", "checkpoint", "model"] * 5
    workers = ("1", "2", "3") if kind in EXACT else ("1",)
    kills = killed_and_resumed(kind, corpus, whole(kind)[0], tmp_path, moments, workers)
    assert kills >= 20


def test_killed_with_a_file_of_features_and_resumed(corpus, tmp_path):
    """The file is named in the checkpoint, and its features are those of every attempt."""
    features = tmp_path / "features.tsv"
    lines = (f"w{k}\tw{k} tens{k // 10} ends{k % 10}\n" for k in range(2000))
    known = set(corpus.read_text(encoding="utf-8").split())
    features.write_text("".join(line for line in lines if line.split("\t")[0] in known))
    folder = tmp_path / "runs"
    folder.mkdir()
    options = [*SETTINGS, *RUNS["softmax"], "--features", features]
    finished(["train", corpus, "-o", tmp_path / "whole", *options], tmp_path)
    target = folder / "model"
    process = started(
        ["train", corpus, "-o", target, *options, "--checkpoint-every", "0.05s"], folder
    )
    assert killed_at(process, "training", 0.1, folder, target)
    finished(["train", "--resume", target, "--quiet", "--workers", "3"], folder)
    assert what_counts(target) == what_counts(tmp_path / "whole")
    assert sorted(path.name for path in folder.iterdir()) == ["model"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["softmax", "subwords"])
def test_two_programs_that_write_the_same_model(corpus, whole, tmp_path, kind):
    """Either is refused, or it ends in the model; what is there is always a whole one."""
    target = tmp_path / "model"
    arguments = ["train", corpus, "-o", target, *SETTINGS, *RUNS[kind], "--workers", "1"]
    processes = [started(arguments, tmp_path) for _ in range(3)]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    statuses = [process.returncode for process in processes]
    assert 0 in statuses, errors
    for status, error in zip(statuses, errors, strict=True):
        assert status in (0, 2)
        assert "Traceback" not in error
        assert error.count("\n") == (1 if status else 0)
    assert what_counts(target) == what_counts(whole(kind)[0])
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
def test_an_export_that_is_killed_leaves_the_earlier_file_or_the_new_one(whole, tmp_path):
    model, exported = whole("softmax")
    generator = np.random.default_rng(2)
    target = tmp_path / "vectors.bin"
    target.write_bytes(b"earlier")
    kills = 0
    for _ in range(10):
        process = started(["export", model, target, "--format", "word2vec-bin"], tmp_path)
        delay_s = float(generator.uniform(0, 0.01))
        kills += killed_at(process, "checkpoint", delay_s, tmp_path, target)
        assert target.read_bytes() in (b"earlier", exported)
    assert kills >= 5
    finished(["export", model, target, "--format", "word2vec-bin"], tmp_path)
    assert target.read_bytes() == exported
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.bin"]


LONGER = ["--epochs", "400"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", RUNS)
def test_interrupted_training_is_saved_and_says_how_to_go_on(corpus, tmp_path, kind, number):
    arguments = ["train", corpus, "-o", tmp_path / "my model", *SETTINGS, *RUNS[kind], *LONGER]
    process = started([*arguments, "--checkpoint-every", "0.1s"], tmp_path)
    wait_for_training(process, tmp_path / "my model")
    process.send_signal(number)
    asked = time.perf_counter()
    _, errors = process.communicate(timeout=60)
    assert time.perf_counter() - asked < ANSWER_S
    assert process.returncode == 130, errors
    lines = errors.strip().splitlines()
    assert lines[0].startswith("fastw2v: interrupted; saved my model.checkpoint"), errors
    assert "Traceback" not in errors
    command = shlex.split(lines[-1])
    assert command == ["fastw2v", "train", "--resume", str(tmp_path / "my model")]
    assert read_checkpoint(checkpoint_path(tmp_path / "my model")).state.epochs_done < 400


def wait_for_training(process, target):
    """Wait until a checkpoint with arrays has been written."""
    path = checkpoint_path(target)
    while process.poll() is None:
        if path.exists() and path.stat().st_size > 100_000:
            return
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.8, 1.2, 1.6, 2.0, 2.4])
def test_interrupted_before_training_the_run_can_be_begun_again(corpus, tmp_path, delay_s):
    text = tmp_path / "text.txt"
    text.write_text(corpus.read_text(encoding="utf-8") * 40, encoding="utf-8")
    arguments = ["train", text, "-o", tmp_path / "model", *SETTINGS, *LONGER]
    process = started([*arguments, "--checkpoint-every", "1h"], tmp_path)
    while not checkpoint_path(tmp_path / "model").exists():
        time.sleep(0.01)
    time.sleep(delay_s - 0.8)
    process.send_signal(signal.SIGINT)
    asked = time.perf_counter()
    _, errors = process.communicate(timeout=60)
    assert time.perf_counter() - asked < ANSWER_S
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert errors.startswith("fastw2v: interrupted")
    assert read_checkpoint(checkpoint_path(tmp_path / "model")).run.sources == [str(text)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.checkpoint", "text.txt"]


def test_the_command_that_was_printed_ends_in_the_same_bytes(corpus, whole, tmp_path):
    """Without --checkpoint-every: Ctrl-C is reason enough to save."""
    target = tmp_path / "model"
    arguments = [*SETTINGS, *RUNS["softmax"], "--workers", "1"]
    arguments.remove("--quiet")
    process = started(["train", corpus, "-o", target, *arguments], tmp_path)
    for line in process.stderr:
        if line.startswith("training: epoch 1"):
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    command = shlex.split(re.search(r"^fastw2v (train --resume .*)$", errors, re.M)[1])
    shown = finished(command, tmp_path)
    assert shown.endswith(f"model        {target}\n")
    assert what_counts(target) == what_counts(whole("softmax")[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    again = finished(command, tmp_path)
    assert again == f"{target}: is trained and saved; there is nothing to resume\n"


BUSY = """
import hashlib, sys
from fastw2v.system.signals import StopSignals

signals = StopSignals(exit_after_s=0.5)
with signals:
    print("busy", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 200_000_000)  # returns to nobody for a minute
"""


def test_a_long_call_of_compiled_code_cannot_delay_the_end():
    process = programs.started(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "busy\n"
    time.sleep(0.2)
    asked = time.perf_counter()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert time.perf_counter() - asked < ANSWER_S
    assert (process.returncode, errors) == (130, "fastw2v: interrupted\n")


def test_the_encoded_text_of_a_killed_run_is_removed_by_the_next(corpus, tmp_path):
    """It lies in the system's temporary folder, and may be as large as the corpus."""
    temporary_folder = tmp_path / "tmp"
    temporary_folder.mkdir()
    arguments = ["train", corpus, "-o", tmp_path / "model", *SETTINGS, *RUNS["negative"]]
    process = started([*arguments, *LONGER], tmp_path, tmp=temporary_folder)
    while process.poll() is None and not list(temporary_folder.glob("*/corpus/ids.int32")):
        time.sleep(0.005)
    process.kill()
    process.communicate(timeout=60)
    assert len(list(temporary_folder.iterdir())) == 1
    process = started(arguments, tmp_path, tmp=temporary_folder)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert list(temporary_folder.iterdir()) == []
