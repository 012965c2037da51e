"""Running the installed program, and what it leaves behind."""

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "fastw2v"


def program(*arguments, **options):
    """Run the installed program."""
    command = [PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=120, **options)


@contextmanager
def default_signals():
    """Processes that are started meanwhile end at SIGINT, SIGTERM and SIGHUP, as usual.

    What is ignored here, as under ``nohup`` or in the background of a script, a child would ignore
    too; what is caught here is the default there.
    """
    ignored = []
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            ignored.append(number)
            signal.signal(number, lambda number, frame: None)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def started(command, **options):
    """Start a program that answers signals as usual, whatever is ignored here; return its Popen."""
    with default_signals():
        return subprocess.Popen(list(map(str, command)), **options)


def tree(folder):
    """Every path below a folder, with the bytes of files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
