"""How a benchmark ends: an error is one line and an exit status, as of `fastw2v` itself."""

import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable

from fastw2v.cli.manual import EXIT_DONE, EXIT_ERROR, EXIT_INTERRUPTED, EXIT_READER_GONE
from fastw2v.cli.streams import ReaderGoneError, usable_streams
from fastw2v.errors import FastW2VError

__all__ = ["exit_status", "run_command"]

_LONGEST_SHOWN = 200  # of a command, which may hold a whole script


def run_command(main: Callable[[], int | None]) -> None:
    """Call a benchmark's `main` and exit with the status that it returns, 0 for None.

    A fault of the benchmark itself keeps its traceback.
    """
    with usable_streams(as_json=False, until_exit=True):
        sys.exit(exit_status(main))


def exit_status(main: Callable[[], int | None]) -> int:
    """Call a benchmark's `main`, say what went wrong, and return the exit status."""
    try:
        status = main() or EXIT_DONE
        sys.stdout.flush()
        return status
    except ReaderGoneError:
        return EXIT_READER_GONE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except subprocess.CalledProcessError as error:  # the process has said why
        command = shlex.join(map(str, error.cmd))
        shown = textwrap.shorten(command, _LONGEST_SHOWN, placeholder=" ...")
        message = f"a process ended with status {error.returncode}: {shown}"
    except (FastW2VError, OSError) as error:
        message = "; ".join([str(error), *getattr(error, "__notes__", [])])
    print(f"error: {message}", file=sys.stderr)
    return EXIT_ERROR
