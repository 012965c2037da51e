"""What a person or a machine sees of a run: bars, plain lines, JSON, nothing; and the log."""

import json
import logging
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest

from fastw2v import Word2Vec
from fastw2v.callbacks import StepReport
from fastw2v.cli.display import Display
from fastw2v.system.progress import Bars
from tests.cli.test_cli import QUICK
from tests.support.corpora_made import chain_sentences, write_text

REPORT = StepReport(1, 2, 5, 20, 3.25, 0.01, 10.0, False)
STAGE_FIELDS = {"event": str, "time": float, "stage": str, "done": int, "total": int | None,
                "unit": str | None, "elapsed_s": float}  # fmt: skip
STEP_FIELDS = {"event": str, "time": float, "epoch": int, "epochs": int, "step": int,
               "steps": int, "loss_nats": float, "learning_rate": float, "elapsed_s": float,
               "epoch_ended": bool}  # fmt: skip
LOUD = QUICK[:-1]


def events_of(errors):
    return [json.loads(line) for line in errors.splitlines()]


def assert_fields(event, fields):
    """Check that a line has these fields; later versions may add some, never take one away."""
    for name, kind in fields.items():
        assert isinstance(event[name], kind), (name, event)


def test_log_json_is_one_object_a_line_with_the_documented_fields(run, tmp_path, chain_file):
    arguments = ["train", chain_file, "-o", tmp_path / "model", "--log-json", *LOUD]
    status, shown, errors = run(*arguments)
    assert status == 0
    assert "vocabulary" in shown  # results stay on standard output
    events = events_of(errors)
    stages = [event for event in events if event["event"] == "stage"]
    steps = [event for event in events if event["event"] == "step"]
    assert {event["stage"] for event in stages} >= {"reading", "counting", "starting"}
    for event in stages:
        assert_fields(event, STAGE_FIELDS)
    for event in steps:
        assert_fields(event, STEP_FIELDS)
    assert [event["epoch"] for event in steps if event["epoch_ended"]] == [1, 2]
    losses = [record.loss_nats for record in Word2Vec.load(tmp_path / "model").history]
    assert [event["loss_nats"] for event in steps if event["epoch_ended"]] == losses
    last = {event["stage"]: event for event in stages}
    assert last["counting"]["done"] == last["counting"]["total"] == 7200
    assert (last["counting"]["unit"], last["reading"]["unit"]) == ("tokens", "bytes")


def test_an_error_is_an_event_too(run, tmp_path):
    status, shown, errors = run("train", tmp_path / "no.txt", "-o", tmp_path / "m", "--log-json")
    assert (status, shown) == (2, "")
    (event,) = events_of(errors)
    assert (event["event"], event["exit_status"]) == ("error", 2)
    assert "no such file" in event["message"]


@pytest.mark.parametrize("command", ["perplexity", "eval", "export", "convert", "report", "plot"])
def test_every_long_command_logs_json(run, reference, chain_file, tmp_path, command):
    run("export", reference, tmp_path / "vectors.txt", "--quiet")
    arguments = {
        "perplexity": [reference, chain_file],
        "eval": [reference],
        "export": [reference, tmp_path / "out.txt"],
        "convert": [tmp_path / "vectors.txt", tmp_path / "out.bin", "--format", "word2vec-bin"],
        "report": [reference, "-o", tmp_path / "out.html", "--no-evaluation"],
        "plot": [reference, "--kind", "loss", "-o", tmp_path / "out.svg"],
    }[command]
    status, _, errors = run(command, *arguments, "--log-json")
    assert status == 0, errors
    events = [event for event in events_of(errors) if event["event"] != "notice"]
    assert events
    for event in events:
        assert_fields(event, STAGE_FIELDS)
    assert events[-1]["done"] == events[-1]["total"]
    assert run(command, *arguments, "--quiet")[2] == ""
    with_both = run(command, *arguments, "--quiet", "--log-json")
    assert with_both[0] == 2
    assert "exclude each other" in with_both[2]


def test_numbers_that_json_lacks_become_null(capsys):
    with Display(log_json=True) as display:
        display.step(StepReport(1, 1, 1, 1, float("nan"), 0.1, 1.0, True))
        display.notice('a "sentence"\nof two lines')
    step, notice = events_of(capsys.readouterr().err)
    assert step["loss_nats"] is None
    assert notice["message"] == 'a "sentence"\nof two lines'


def test_a_flood_of_reports_is_thinned(capsys):
    with Display(log_json=True) as display:
        for done in range(1000):
            display.stage("reading", done, 1000)
        display.stage("reading", 1000, 1000)
    events = events_of(capsys.readouterr().err)
    assert 2 <= len(events) <= 4
    assert events[-1]["done"] == 1000


@pytest.mark.parametrize("reached", [1000, 900])
def test_a_stage_that_comes_again_begins_anew(capsys, monkeypatch, reached):
    """One of another test set, or of another text, whatever the one before reached."""
    now = iter([0.0, 100.0, 500.0, 503.0])
    monkeypatch.setattr("fastw2v.system.progress.time.perf_counter", lambda: next(now))
    with Display(log_json=True) as display:
        for done in (0, reached, 0, 500):
            display.stage("analogies", done, 1000)
    assert [event["elapsed_s"] for event in events_of(capsys.readouterr().err)] == [0, 100, 0, 3]


def test_a_bar_that_comes_again_begins_anew(capsys):
    bars = Bars(sys.stderr)
    for done in (0, 1000, 0, 10):
        bars.stage("analogies", done, 1000)
    (task,) = bars.progress.tasks
    assert (task.finished, task.completed) == (False, 10)


def test_lines_of_a_second_run_come_as_often_as_of_the_first(capsys):
    with Display() as display:
        for elapsed_s in (300.0, 0.0, 10.0):
            display.step(replace(REPORT, elapsed_s=elapsed_s))
    shown = [line.split(", ")[-2] for line in capsys.readouterr().err.splitlines()]
    assert shown == ["300.0 s", "10.0 s"]


def test_plain_lines_have_rate_and_time_left(capsys, monkeypatch):
    now = iter([0.0, 11.0, 22.0])
    monkeypatch.setattr("fastw2v.system.progress.time.perf_counter", lambda: next(now))
    with Display() as display:
        display.stage("reading", 0, 40_000_000)
        display.stage("reading", 11_000_000, 40_000_000)
        display.stage("reading", 40_000_000, 40_000_000)
        display.step(REPORT)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "reading: 11.0 of 40.0 MB, 1.0 MB/s, 29 s left"
    assert lines[1] == "reading: done (40,000,000 bytes)"
    assert lines[2].endswith("rate 0.0100, 10.0 s, 30 s left")


def test_a_quiet_display_says_nothing(capsys):
    with Display(quiet=True) as display:
        display.stage("reading", 1, 1)
        display.step(REPORT)
        display.notice("a long run")
    assert capsys.readouterr() == ("", "")
    with pytest.raises(click.UsageError, match="exclude each other"):
        Display(quiet=True, log_json=True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", ["80", "140"])
def test_on_a_terminal_there_are_bars_with_rate_and_time(tmp_path, columns):
    write_text(tmp_path / "text.txt", chain_sentences(1, 300, sentences=4000))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "fastw2v", "train", "text.txt", "-o", "model",
               "--epochs", "3", "--vector-size", "8", "--batch-rows", "8"]  # fmt: skip
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": columns, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    ) as started:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # Linux says so when the other side is closed
            pass
    os.close(ours)
    assert started.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "\r" in text
    assert re.search(r"reading .*100%.* MB", text)
    assert re.search(r"training .*epoch 3/3, loss .* batches/s +\d:\d\d:\d\d", text)


def test_the_library_logs_and_prints_nothing(caplog, capsys):
    with caplog.at_level(logging.INFO, "fastw2v"):
        Word2Vec(vector_size=2, min_count=1, epochs=2).fit([["a", "b"] * 4])
    assert [record.name.partition(".")[0] for record in caplog.records] == ["fastw2v"] * 3
    assert caplog.messages[0].startswith("read 8 tokens, 2 of 2 words kept")
    assert caplog.messages[2].startswith("epoch 2 of 2: loss ")
    assert capsys.readouterr() == ("", "")


def test_without_a_handler_the_log_is_silent():
    code = (
        "import logging, fastw2v; log = logging.getLogger('fastw2v'); log.error('unheard');"
        "assert [type(h).__name__ for h in log.handlers] == ['NullHandler'];"
        "assert not logging.getLogger().handlers"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
