"""Runs that go on from an earlier model, killed for real and resumed; and its folder replaced."""

import subprocess
import sys
import time

import numpy as np
import pytest

from fastw2v import StartFrom, Word2Vec
from fastw2v.system.replaced import read_as_one
from fastw2v.training.start_from import read_start
from tests.support import programs
from tests.support.corpora_made import write_text
from tests.system.test_killed import finished, killed_at, started, through_kills, what_counts

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no signals to kill by"),
    pytest.mark.slow,
]

TEXT = ["--min-count", "1"]
EXACT = ["--window-sample", "0", "--batch-rows", "32", "--sample", "0", "--epochs", "2"]
QUICK = ["--vector-size", "48", "--quiet", "--workers", "1"]
# What yesterday's model was trained with; what today's is besides that.
RUNS = {
    "softmax": (EXACT, ["--epochs", "4"]),
    "locked": (
        EXACT,
        ["--epochs", "4", "--lock-known"],
    ),
    "counts": (
        EXACT,
        ["--epochs", "4", "--start-counts", "yesterday.counts"],
    ),
    "negative": (
        ["--objective", "negative", "--epochs", "2"],
        ["--epochs", "6", "--lock-known"],
    ),
    "hierarchical": (["--objective", "hierarchical", "--epochs", "2"], ["--epochs", "6"]),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two texts, counts of the first, and of each kind a model of it."""
    folder = tmp_path_factory.mktemp("days")
    generator = np.random.default_rng(1)
    for name, n_words in (("yesterday", 1500), ("today", 1800)):
        chances = 1 / np.arange(1, n_words + 1)
        ids = generator.choice(n_words, 40_000, p=chances / chances.sum())
        write_text(folder / f"{name}.txt", [[f"w{k}" for k in row] for row in ids.reshape(-1, 20)])
    windows = ["--window-sample", "0", "--quiet"]
    count = ["count", "yesterday.txt", "-o", "yesterday.counts", *TEXT, *windows]
    finished(count, folder)
    return folder


def earlier(place, kind):
    """Return the model that a run goes on from, trained once."""
    settings = RUNS[kind][0]
    target = place / "-".join(["model", *(word.strip("-") for word in settings)])
    if not target.exists():
        arguments = ["train", place / "yesterday.txt", "-o", target, *TEXT, *QUICK, *settings]
        finished(arguments, place)
    return target


def going_on(place, kind):
    counts = str(place / "yesterday.counts")
    more = [counts if word == "yesterday.counts" else word for word in RUNS[kind][1]]
    return [place / "today.txt", "--start-from", earlier(place, kind), "--quiet", *more]


@pytest.mark.parametrize("kind", RUNS)
def test_killed_and_resumed_to_the_same_bits(place, tmp_path, kind):
    arguments = going_on(place, kind)
    finished(["train", *arguments, "-o", tmp_path / "whole", "--workers", "1"], tmp_path)
    before = what_counts(earlier(place, kind))
    (tmp_path / "runs").mkdir()
    moments = ["reading", "training", "checkpoint", "training", "model"] * 2
    workers = ("1",) if kind in ("negative", "hierarchical") else ("1", "2")
    kills = through_kills(arguments, tmp_path / "whole", tmp_path / "runs", moments, workers)
    assert kills >= 5
    assert what_counts(earlier(place, kind)) == before
    start = what_counts(tmp_path / "runs" / "model")[2]["run"]["start"]
    assert start["lock_known"] == ("--lock-known" in arguments)
    assert start["n_known"] < start["n_words"]


def test_what_it_goes_on_from_replaced_between_kill_and_resumption_is_told(place, tmp_path):
    """Sabotage of the above: the bits would be others."""
    model = tmp_path / "earlier"
    Word2Vec.load(earlier(place, "softmax")).save(model)
    arguments = [place / "today.txt", "--start-from", model, *RUNS["softmax"][1], "--epochs", "40"]
    (tmp_path / "runs").mkdir()
    target = tmp_path / "runs" / "model"
    command = ["train", *arguments, "-o", target, "--quiet", "--checkpoint-every", "0.05s"]
    process = started(command, tmp_path / "runs")
    assert killed_at(process, "training", 0.2, tmp_path / "runs", target)
    Word2Vec.load(earlier(place, "hierarchical")).save(model)
    process = started(["train", "--resume", target, "--quiet"], tmp_path)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "expected the vectors that the run started from" in errors
    assert errors.count("\n") == 1


REPLACING = """
import sys
from fastw2v import Word2Vec

models = [Word2Vec.load(name) for name in sys.argv[2:]]
print("loaded", flush=True)
for number in range(100_000):
    models[number % 2].save(sys.argv[1])
"""


def test_a_folder_that_is_replaced_while_it_is_read_is_one_or_the_other(place, tmp_path):
    """Another process saves two models of different sizes under one name, over and over."""
    both = [earlier(place, kind) for kind in ("softmax", "hierarchical")]
    digests = {read_start(StartFrom(path)).vectors.digest for path in both}
    assert len(digests) == 2
    target = tmp_path / "model"
    Word2Vec.load(both[0]).save(target)
    again = []

    @read_as_one
    def noted(folder):
        again.append(folder)
        return read_start(StartFrom(folder))

    command = [sys.executable, "-c", REPLACING, target, *both]
    process = programs.started(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "loaded\n"
        found = set()
        ends = time.monotonic() + 20
        n_read = 0
        while time.monotonic() < ends and (n_read < 100 or found != digests):
            found.add(noted(target).vectors.digest)
            n_read += 1
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert found == digests
    assert len(again) > n_read  # it did happen that one was replaced meanwhile
