"""Tests that send signals do so where they are ignored too: under nohup, in a background job."""

import signal
import subprocess
import sys

import pytest

from tests.support.programs import default_signals, started

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

SIGNALLED = "import os, sys; os.kill(os.getpid(), int(sys.argv[1])); print('lived')"


@pytest.fixture(params=["SIGINT", "SIGTERM", "SIGHUP"])
def ignored(request):
    """A signal that this process ignores, as its children then do."""
    number = getattr(signal, request.param)
    earlier = signal.signal(number, signal.SIG_IGN)
    yield number
    signal.signal(number, earlier)


def test_a_child_ends_by_a_signal_that_is_ignored_here(ignored):
    command = [sys.executable, "-c", SIGNALLED, int(ignored)]
    process = started(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.communicate(timeout=60)[0] == b""
    assert process.returncode == -ignored
    assert signal.getsignal(ignored) == signal.SIG_IGN
    # Without the helper it would live on.
    plain = subprocess.run(list(map(str, command)), capture_output=True, check=True, timeout=60)
    assert plain.stdout == b"lived\n"


def test_handlers_that_are_in_place_stay():
    def handler(number, frame):
        raise AssertionError("nothing is sent")

    earlier = signal.signal(signal.SIGTERM, handler)
    try:
        with default_signals():
            assert signal.getsignal(signal.SIGTERM) is handler
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, earlier)
