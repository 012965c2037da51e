"""Signals where no training loop looks at them: answered at once, or the process is ended."""

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.support import programs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals to end by")

AT_WORK = """
import hashlib, sys, time
from pathlib import Path
from fastw2v.system.files import whole_file
from fastw2v.system.signals import StopSignals

signals = StopSignals(exit_after_s=0.3, at_once=True)
signals.parting = '{"event": "error"}\\n'
with signals, whole_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print("busy", flush=True)
    if sys.argv[2] == "python":
        time.sleep(60)
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 200_000_000)  # returns to nobody for a minute
"""


def answer_of(code):
    """What a process prints that runs some code, with the usual handlers."""
    process = programs.started([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    shown, _ = process.communicate(timeout=60)
    return shown.split()


def started(target, kind, ignored=()):
    code = "".join(f"import signal; signal.signal({n:d}, signal.SIG_IGN)\n" for n in ignored)
    process = programs.started(
        [sys.executable, "-c", code + AT_WORK, target, kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "busy\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_python_is_interrupted_at_once(tmp_path, number):
    process = started(tmp_path / "target", "python")
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert list(tmp_path.iterdir()) == []


def test_compiled_code_is_ended_and_what_was_being_written_is_removed(tmp_path):
    process = started(tmp_path / "target", "compiled")
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(errors) == {"event": "error"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_is_ignored_stays_ignored(tmp_path, number):
    """As ``nohup`` and scripts, for what they start in the background, ask for."""
    process = started(tmp_path / "target", "python", ignored=[number])
    process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode != 0


DEFERRED_TWICE = """
import signal, threading
from fastw2v.system.signals import deferred_signals

def defer():
    with deferred_signals():
        pass

def in_a_thread():
    thread = threading.Thread(target=defer)
    thread.start()
    thread.join()

try:
    with deferred_signals() as outer:
        {inner}()
        signal.raise_signal(signal.SIGINT)
        print("deferred", outer.requested)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("inner", ["defer", "in_a_thread"])
def test_a_deferral_within_does_not_end_the_outer_one(inner):
    assert answer_of(DEFERRED_TWICE.format(inner=inner)) == ["deferred", "True", "interrupted"]


HANDLED_IN_C = """
import signal
getsignal = signal.getsignal
# What Python knows of a handler that was set before it began.
signal.getsignal = lambda number: None if number == signal.SIGTERM else getsignal(number)
set_in_python = []
set_signal = signal.signal
def noted(number, handler):
    set_in_python.append(number)
    return set_signal(number, handler)
signal.signal = noted
from fastw2v.system.signals import StopSignals, deferred_signals
with deferred_signals():
    print("trained")
print(signal.SIGTERM in set_in_python, getsignal(signal.SIGINT) is signal.default_int_handler,
      StopSignals.current)
"""


def test_a_signal_that_a_c_program_handles_stays_with_it():
    assert answer_of(HANDLED_IN_C) == ["trained", "False", "True", "None"]
