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


def test_nohup_is_heeded(tmp_path):
    process = started(tmp_path / "target", "python", ignored=[signal.SIGHUP])
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode != 0
