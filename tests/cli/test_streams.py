"""Streams that are closed, gone, full or without letters; and with --log-json nothing but JSON."""

import errno
import io
import json
import logging
import os
import signal
import subprocess
import sys
import warnings

import click
import pytest

from fastw2v.cli.main import COMMANDS, command_line, main
from fastw2v.cli.options import decoded_text
from fastw2v.cli.streams import as_json_text, asks_for_json, log_event, usable_streams
from fastw2v.errors import ConfigurationError
from tests.support.programs import PROGRAM, program, started

NAME = b"caf\xc3\xa9".decode("ascii", "surrogateescape")  # as a locale of C hands "café" on
BROKEN = b"caf\xe9".decode("ascii", "surrogateescape")


@pytest.fixture
def raising(monkeypatch):
    """Let `fastw2v plot model` do what is given."""

    def set_up(action):
        @click.command("plot")
        @click.argument("model")
        @click.option("--log-json", is_flag=True)
        def plot(model, log_json):
            action()

        monkeypatch.setattr(type(command_line), "get_command", lambda self, context, name: plot)

    return set_up


def fails_with(error):
    def action():
        raise error

    return action


ENDINGS = {
    "end of file": (EOFError("no more"), 2, "could not read: what was read ended too early (no"),
    "interruption": (KeyboardInterrupt(), 130, "interrupted"),
    "pipe of another": (BrokenPipeError(errno.EPIPE, "Broken pipe"), 2, "could not read or write"),
    "disk": (OSError(errno.ENOSPC, "No space left"), 2, "could not read or write"),
    "memory": (MemoryError(), 2, "not enough memory"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_what_ends_a_command_is_one_line_or_one_event(run, raising, name):
    error, expected, message = ENDINGS[name]
    raising(fails_with(error))
    status, shown, errors = run("plot", "model")
    assert (status, shown) == (expected, "")
    assert errors.startswith(f"fastw2v: {message}")
    assert errors.count("\n") == 1
    status, _, errors = run("plot", "model", "--log-json")
    assert status == expected
    event = json.loads(errors)
    assert (event["event"], event["exit_status"]) == ("error", expected)
    assert event["message"].startswith(message)


def test_a_fault_is_a_traceback_or_an_event_that_has_it(run, raising):
    raising(fails_with(ZeroDivisionError("of ours")))
    with pytest.raises(ZeroDivisionError):
        main(["plot", "model"])
    status, _, errors = run("plot", "model", "--log-json")
    event = json.loads(errors)
    assert (status, event["exit_status"]) == (1, 1)
    assert event["message"] == "ZeroDivisionError: of ours"
    assert "Traceback" in event["traceback"]


def chatter():
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("a\nwarning", stacklevel=1)
    logging.lastResort.emit(logging.makeLogRecord({"msg": "a log"}))  # pytest has handlers
    print("  half a", end="", file=sys.stderr)
    print(" line\n\n", file=sys.stderr)
    sys.stderr.writelines(["without an end"])


def test_what_others_write_becomes_notices(run, raising):
    raising(chatter)
    status, _, errors = run("plot", "model", "--log-json")
    events = [json.loads(line) for line in errors.splitlines()]
    assert status == 0
    assert {event["event"] for event in events} == {"notice"}
    said = [event["message"] for event in events]
    assert said[:2] == ["warning: a warning", "a log"]
    assert said[-2:] == ["  half a line", "without an end"]
    status, _, errors = run("plot", "model")
    assert errors.startswith("fastw2v: warning: a warning\n")
    assert "half a line" in errors


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to end by")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_training_that_is_ended_says_so_in_json(chain_file, tmp_path, number):
    settings = ["--min-count", 1, "--vector-size", 4, "--batch-rows", 8, "--epochs", 100_000]
    process = started(
        [PROGRAM, "train", chain_file, "-o", tmp_path / "model", *settings, "--log-json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen = []
    for line in process.stderr:
        seen.append(json.loads(line))
        if seen[-1]["event"] == "step":
            break
    process.send_signal(number)
    seen += [json.loads(line) for line in process.stderr]
    assert (process.wait(timeout=60), process.stdout.read()) == (130, "")
    process.stdout.close()
    process.stderr.close()
    last = seen[-1]
    assert (last["event"], last["exit_status"]) == ("error", 130)
    assert last["checkpoint"] == str(tmp_path / "model.checkpoint")
    assert f"fastw2v train --resume {tmp_path / 'model'}" in last["message"]


def test_an_option_behind_two_dashes_is_a_word():
    assert asks_for_json(["eval", "model", "--log-json"])
    assert not asks_for_json(["vectors", "model", "--", "--log-json"])


@pytest.mark.parametrize("names", [("stdout",), ("stderr",), ("stdin", "stdout", "stderr")])
def test_streams_that_are_none(monkeypatch, reference, names):
    for name in names:
        monkeypatch.setattr(sys, name, None)
    with pytest.raises(SystemExit) as caught:
        main(["perplexity", str(reference), str(reference.parent / "text.txt")])
    assert caught.value.code == 0
    assert all(getattr(sys, name) is None for name in names)


def test_words_are_asked_for_where_standard_input_is_closed(run, monkeypatch, reference):
    monkeypatch.setattr(sys, "stdin", None)
    status, _, errors = run("vectors", reference)
    assert status == 2
    assert "standard input has no words either" in errors
    status, _, errors = run("perplexity", reference, "-")
    assert (status, "expected text, got a closed one" in errors) == (2, True)


class Refusing(io.StringIO):
    """A stream behind which there is nothing."""

    def __init__(self, number):
        super().__init__()
        self._error = OSError(number, os.strerror(number))

    def write(self, text=""):
        raise self._error

    flush = write


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("as_json", [False, True])
def test_progress_that_cannot_be_written_ends_nothing(monkeypatch, number, as_json):
    monkeypatch.setattr(sys, "stderr", Refusing(number))
    with usable_streams(as_json=as_json):
        print("lost", file=sys.stderr, flush=True)
        log_event("notice", message="lost too")


def piped(shell, *arguments, **environment):
    """Run the program with something of the shell's behind it; return status, output, errors."""
    line = f'"$0" "$@" {shell}; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", line, str(PROGRAM), *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=120,
        env=os.environ | environment,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_reader_who_has_seen_enough_ends_the_command_quietly(reference):
    words = [f"w{number}" for number in range(40)] * 3000
    listed = reference.parent / "words.txt"
    listed.write_text(" ".join(words[:40]), encoding="utf-8")
    status, shown, errors = piped("| true", "neighbors", reference, *words[:40], "--topn", "5")
    assert (status, shown, errors) == (141, "", "")
    status, shown, errors = piped("2>&- | cat", "neighbors", reference, "w1")
    assert (status, errors) == (0, "")
    assert shown.startswith("w1 ")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_no_file_takes_the_place_of_a_closed_stream(reference, tmp_path, closed):
    """The number of a closed stream would be given to the next file, and be written into."""
    target = tmp_path / "vectors.txt"
    status, _, _ = piped(closed, "export", reference, target)
    assert status == 0
    assert target.read_bytes().startswith(b"40 4\n")
    assert target.read_bytes().count(b"\n") == 41


def test_words_of_a_locale_without_letters():
    assert decoded_text("café") == "café"
    assert decoded_text(NAME) == "café"
    with pytest.raises(ConfigurationError, match=r"expected text in UTF-8, .* got byte 0xe9; set"):
        decoded_text(BROKEN)


def test_events_and_results_are_strict_json_whatever_a_name_is(capsys):
    with usable_streams(as_json=True):
        log_event("notice", message=f"{NAME} {BROKEN} \ud800", numbers=[1.0, float("inf")])
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert event["message"] == "café caf\\udce9 \\ud800"
    assert event["numbers"] == [1.0, None]
    json.loads(as_json_text({NAME: float("nan")}))["café"]


@pytest.mark.skipif(sys.platform == "win32", reason="locales of POSIX")
def test_words_and_paths_under_a_locale_of_c(tmp_path):
    text = tmp_path / "thé.txt"
    text.write_text("café au lait\nthé au lait\n" * 5, encoding="utf-8")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = os.environ | plain
    small = ["--min-count", 1, "--vector-size", 2, "--start", "random", "--epochs", 1]
    done = program("train", text, "-o", tmp_path / "modèle", *small, env=environment)
    assert done.returncode == 0, done.stderr
    done = program("vectors", tmp_path / "modèle", "café", env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("café ".encode())
    done = program("neighbors", tmp_path / "modèle", "absente é", env=environment)
    assert done.returncode == 2
    assert "'absente é' is not among".encode() in done.stderr
    done = program("vectors", tmp_path / "nulle-part-é", "café", env=environment)
    assert f"{tmp_path}/nulle-part-é: expected a model folder".encode() in done.stderr


def test_every_command_leaves_the_streams_as_they_were(run):
    earlier = sys.stdout, sys.stderr, warnings.showwarning
    for name in COMMANDS:
        run(name, "--help")
    assert (sys.stdout, sys.stderr, warnings.showwarning) == earlier
