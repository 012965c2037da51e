"""The command as a whole: skipped when started again, stopped, refused; and once for real."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import bench_quality
import pytest
from commands import exit_status
from quality.results import Results

from fastw2v.cli.manual import EXIT_INTERRUPTED
from tests.bench.quality_made import instant, words_of_the_sets

ROOT = Path(__file__).parents[2]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "made.txt"
    words = words_of_the_sets()
    path.write_text("".join(" ".join(words[k : k + 9]) + "\n" for k in range(0, 390, 3)))
    return path


@pytest.fixture
def command(corpus, tmp_path, monkeypatch, capsys):
    """Run `train` with trainings that take no time; what was trained is in `asked`."""
    target = tmp_path / "q.json"

    def run(*options, asked=None, failing=()):
        trained = [] if asked is None else asked
        monkeypatch.setattr(bench_quality, "train_once", instant(trained, failing))
        monkeypatch.setattr(bench_quality, "warm_up", lambda *given: None)
        monkeypatch.setattr(bench_quality, "unpin_blas", lambda: None)  # would start pytest again
        words = ["train", str(corpus), "--json", str(target), "--min-count", "1", *options]
        monkeypatch.setattr(sys, "argv", ["bench_quality.py", *words])
        numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        handlers = {number: signal.getsignal(number) for number in numbers}
        try:
            status = exit_status(bench_quality.main)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return status, *capsys.readouterr()

    run.target = target
    return run


def test_what_is_there_is_not_trained_again(command):
    first, second, third = [], [], []
    options = ("--only", "exact 3", "gensim", "--seeds", "1")
    status, out, errors = command(*options, asked=first)
    assert status == 0, errors
    assert len(first) == 5
    assert "5 of 5 runs to do" in errors
    status, again, errors = command(*options, asked=second)
    assert second == []
    assert again == out
    assert "0 of 5 runs to do" in errors
    command("--only", "exact", "--seeds", "1", "2", asked=third)
    assert len(third) == 2 * 6 - 1
    assert [seed for *_, seed in third] == [1] * 5 + [2] * 6
    assert "Not measured" in out
    assert out.startswith("made: min_count 1, 100 dimensions, window 5. ")


def test_a_note_is_kept_with_the_runs_that_are_made(command):
    command("--only", "exact 3", "--seeds", "1")
    _, out, _ = command("--only", "exact 3", "--seeds", "2", "--note", "a busy machine")
    first, second = Results.read(command.target).content["results"]
    assert ("note" in first, second["note"]) == (False, "a busy machine")
    assert "exact 3: a busy machine.\n" in out


def test_what_is_measured_counts_for_the_vectors_that_are_used(command):
    _, out, errors = command("--only", "exact 3", "--seeds", "1", "--forms")
    (record,) = Results.read(command.target).content["results"]
    assert set(record["quality"]) == {"in", "in, centred", "in+out", "in+out, centred", "both"}
    scores = record["quality"]["in+out"]["known"]
    assert set(scores) == {"WordSim-353", "SimLex-999", "Google analogies", "mean"}
    assert scores["mean"] == pytest.approx(sum(list(scores.values())[:3]) / 3, abs=1e-5)
    known, total = record["covered"]["WordSim-353"]
    assert 0 < known < total == 353
    assert record["made"]["WordSim-353"] == 0
    rhos = record["quality"]["in"]
    assert rhos["all pairs"]["WordSim-353"] != rhos["known"]["WordSim-353"]
    assert f"{total - known} of 353 pairs of WordSim-353 have an unknown word." in out
    assert "| in+out, centred |" in out
    assert f"best mean {max(s['known']['mean'] for s in record['quality'].values()):.3f}" in errors


def test_a_run_can_be_done_again(command):
    asked = []
    command("--only", "exact 3", "exact 5", "--seeds", "1", "2")
    options = ("--seeds", "1", "--again", "exact 5", "gensim")
    command("--only", "exact", *options, "--epochs", "5", "--dry-run")
    command("--only", "exact 3", "exact 5", *options, asked=asked)
    assert asked == [("fastw2v 5", None, 1)]  # gensim is not asked for
    results = Results.read(command.target)
    assert {"exact 3", "exact 5"}.isdisjoint(results.missing())
    assert len(results.content["results"]) == 4


def test_a_run_that_is_added_is_done_whatever_else_is_chosen(command):
    asked = []
    more = ("--add", 'gensim={"epochs": 7, "sample": 0.01}', "--add", 'exact={"epochs": 3}')
    command("--only", "exact 3", "exact 5", "--seeds", "1", *more, asked=asked)
    assert sorted(asked) == [("fastw2v 3", None, 1), ("fastw2v 5", None, 1), ("gensim 7", 0.01, 1)]
    _, out, _ = command("--only", "exact 3", "--seeds", "1")
    assert "| gensim 7 x sample 0.01 | 1 |" in out


def test_runs_of_other_sources_are_done_again_if_asked(command, monkeypatch):
    asked = []
    command("--only", "exact 3", "gensim", "--seeds", "1")
    monkeypatch.setattr(bench_quality, "state_of_sources", lambda: "another")
    command("--only", "exact 3", "gensim", "--seeds", "1", asked=asked)
    assert asked == []
    command("--only", "exact 3", "gensim", "--seeds", "1", "--renew", asked=asked)
    assert asked == [("fastw2v 3", None, 1)]
    command("--only", "exact 3", "gensim", "--seeds", "1", "--renew", asked=asked)
    assert len(asked) == 1


def test_a_dry_run_does_nothing(command):
    asked = []
    status, out, _ = command("--only", "exact 3", "--seeds", "1", "--dry-run", asked=asked)
    assert (status, asked) == (0, [])
    assert not command.target.exists()
    assert "exact 3, seed 1\nin all 0 s of training, and 1 run(s) of unknown length" in out
    command("--only", "exact 3", "--seeds", "1")
    _, out, _ = command("--only", "exact 3", "--seeds", "1", "2", "--dry-run")
    assert "exact 3, seed 2: 3 s\nin all 3 s of training, and 0 run(s)" in out


def test_a_trainer_that_fails_is_told_and_tried_when_started_again(command):
    asked, again = [], []
    options = ("--only", "exact 3", "gensim", "--seeds", "1", "2")
    status, _, errors = command(*options, asked=asked, failing=("gensim 5",))
    assert status == 1
    assert errors.count(" failed: no such luck\n") == 2
    assert "tried once more when started again: gensim 5 x sample 0.001, gensim 5 x" in errors
    assert len(asked) == 2 * 5 - 2  # not a second time
    status, _, _ = command(*options, asked=again)
    assert status == 0
    assert sorted(again) == sorted(
        ("gensim 5", sample, seed) for sample in (1e-3, 1e-4) for seed in (1, 2)
    )


def test_an_interrupted_command_keeps_what_has_finished(command, monkeypatch):
    trained = []

    class Interrupted(list):
        def append(self, run):
            if len(trained) == 2:
                raise KeyboardInterrupt
            trained.append(run)

    status, out, errors = command("--only", "exact", "--seeds", "1", asked=Interrupted())
    assert status == EXIT_INTERRUPTED
    assert "the same command goes on" in errors
    assert len(Results.read(command.target).content["results"]) == 2
    assert "| exact 1 |" in out
    asked = []
    command("--only", "exact", "--seeds", "1", asked=asked)
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--only", "glove"), "got glove"),
        (("--again", "glove"), "got glove"),
        (("--add", "exact={"), "expected exact=JSON"),
        (("--add", 'exact={"ns_exponent": 1}'), "ns_exponent"),
        (("--pairs", "rw.txt"), "expected NAME=FILE"),
        (("--pairs", "WordSim-353=rw.txt"), "there is a 'WordSim-353'"),
        (("--pairs", "RW=no-such-file"), "no-such-file"),
        (("--json", "no-such-folder/q.json"), "no-such-folder"),
        (("--plot", "no-such-folder/q.svg"), "no-such-folder"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_trained(command, options, message):
    asked = []
    status, out, errors = command(*options, asked=asked)
    assert (status, asked, out) == (2, [], "")
    assert errors.startswith("error: ")
    assert message in errors
    assert not command.target.exists()


def test_a_corpus_that_is_not_there_is_refused(command, corpus):
    corpus.unlink()
    status, _, errors = command()
    assert status == 2
    assert "made.txt: cannot be read" in errors


def program(*words, **more):
    return subprocess.Popen(
        [sys.executable, ROOT / "bench" / "bench_quality.py", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


@pytest.mark.slow
def test_a_killed_command_goes_on_where_it_was(corpus, tmp_path):
    target, plot = tmp_path / "q.json", tmp_path / "q.svg"
    words = ["train", corpus, "--json", target, "--min-count", "1", "--seeds", "1", "--plot", plot]
    words += ["--epochs", "2", "--samples", "0.1", "--only", "exact 1", "gensim", "exact 20"]
    process = program(*words)
    try:
        while not (target.exists() and json.loads(target.read_text())["results"]):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
    finally:
        process.kill()
        process.communicate()
    done = len(json.loads(target.read_text())["results"])
    process = program(*words)
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    assert f"{3 - done} of 3 runs to do" in errors
    assert "| gensim 2 x sample 0.1 | 1 |" in out
    assert "prefers-color-scheme" in plot.read_text()
    shown, _ = program("show", target).communicate()
    assert shown == out
