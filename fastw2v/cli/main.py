"""The command line: finds the commands, turns errors into one line and an exit status.

Training options are the fields of `Hyperparameters`. Results go to standard output, progress to
standard error. An error is one line and exit status 2, without a traceback.
"""

import sys
import traceback
from importlib import import_module
from typing import Any

import click

from fastw2v.cli.manual import (
    EXIT_DONE,
    EXIT_ERROR,
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    EXIT_READER_GONE,
    manual_text,
)
from fastw2v.cli.streams import (
    ReaderGoneError,
    asks_for_json,
    log_event,
    parting_line,
    usable_streams,
)
from fastw2v.cli.suggestions import about_command, about_option
from fastw2v.errors import FastW2VError, one_line
from fastw2v.system.home import keep_a_home
from fastw2v.system.signals import ANSWERED_WITHIN_S, StopSignals
from fastw2v.version import VERSION

__all__ = ["COMMANDS", "command_line", "main"]

# Its message is the whole help. Until click 8.2 there was none: help was printed, status 0.
_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())

# In the order of the help. Each is `fastw2v.cli.commands.NAME.NAME_command`.
COMMANDS = (
    "train",
    "count",
    "counts",
    "phrases",
    "export",
    "convert",
    "info",
    "neighbors",
    "vectors",
    "perplexity",
    "calibration",
    "eval",
    "compare",
    "report",
    "plot",
    "compile",
    "completion",
    "docs",
)


class _PastClickError(Exception):
    """An error that click would give an answer of its own to: a blank line, "aborted", status 1."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class _Commands(click.Group):
    """Imports a command when it is asked for, so that help and completion are quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"fastw2v.cli.commands.{cmd_name}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        command.epilog = manual_text(cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(about_command(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (EOFError, KeyboardInterrupt, OSError) as error:
            raise _PastClickError(error) from error


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="fastw2v")
def command_line() -> None:
    """Train word2vec with its own loss, the exact full softmax, from windows counted once.

    'fastw2v COMMAND --help' has options, examples, exit status, files and environment;
    'fastw2v docs' has the guides.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit, with a status of `fastw2v.cli.manual.EXIT_STATUSES`."""
    given = sys.argv[1:] if arguments is None else arguments
    as_json = asks_for_json(given)
    keep_a_home()
    is_program = arguments is None
    with usable_streams(as_json=as_json, until_exit=is_program):
        try:
            status = _run(given, as_json=as_json, is_program=is_program)
        except BaseException as caught:
            error = caught.error if isinstance(caught, _PastClickError) else caught
            ending = _ending_of(error)
            if ending is None and (not as_json or isinstance(error, SystemExit)):
                raise
            status = _end(error, ending, as_json=as_json)
    sys.exit(status)


def _run(given: list[str], *, as_json: bool, is_program: bool) -> int:
    """Call the command, where it answers signals; return its exit status."""
    signals = StopSignals(exit_after_s=ANSWERED_WITHIN_S, at_once=True)
    signals.is_last = is_program
    signals.parting = parting_line("interrupted", EXIT_INTERRUPTED, as_json=as_json)
    with signals:
        status = command_line.main(given, prog_name="fastw2v", standalone_mode=False)
        sys.stdout.flush()
    return status if isinstance(status, int) else EXIT_DONE


def _ending_of(error: BaseException) -> tuple[str, int] | None:
    """Return what to say of an error that ends a command, and the status; None for a fault."""
    message, status = None, EXIT_ERROR
    if isinstance(error, ReaderGoneError):
        message, status = "", EXIT_READER_GONE
    elif isinstance(error, click.Abort | KeyboardInterrupt):
        message, status = "interrupted", EXIT_INTERRUPTED
    elif isinstance(error, _NO_ARGUMENTS):
        message = error.format_message()  # the whole help
    elif isinstance(error, click.NoSuchOption):
        message = f"{about_option(error)}; {_see_help(error)}"
    elif isinstance(error, click.ClickException):
        said = " ".join(error.format_message().split()).rstrip(".")
        message = f"{said}; {_see_help(error)}"
    elif isinstance(error, FastW2VError):
        message = "; ".join([str(error), *getattr(error, "__notes__", [])])
    elif isinstance(error, OSError):  # such as a full disk behind standard output
        message = f"could not read or write: {error}"
    elif isinstance(error, EOFError):
        message = f"could not read: what was read ended too early ({one_line(error)})"
    elif isinstance(error, MemoryError):
        message = _too_little_memory(error)
    return None if message is None else (message, status)


def _see_help(error: click.ClickException) -> str:
    """Return where the help of the command is that was used in a wrong way."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see '{context.command_path if context is not None else 'fastw2v'} --help'"


def _end(error: BaseException, ending: tuple[str, int] | None, *, as_json: bool) -> int:
    """Say why the command ends, as a line or, with ``--log-json``, as an event."""
    if ending is None:  # a fault of ours, with --log-json
        details = "".join(traceback.format_exception(error))
        message = f"{type(error).__name__}: {one_line(error)}"
        log_event("error", message=message, exit_status=EXIT_FAULT, traceback=details)
        return EXIT_FAULT
    message, status = ending
    if as_json and message:
        log_event("error", message=message, exit_status=status)
    elif isinstance(error, _NO_ARGUMENTS):
        click.echo(message, err=True)
    elif message:
        click.echo(f"fastw2v: {message}", err=True)
    return status


def _too_little_memory(error: MemoryError) -> str:
    details = f" ({' '.join(str(error).split())})" if str(error) else ""
    return (
        f"not enough memory{details}; use a smaller vector_size, or keep fewer words with "
        "max_final_vocab or min_count"
    )
