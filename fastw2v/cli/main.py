"""The command line: finds the commands, turns errors into one line and an exit status.

Training options are the fields of `Hyperparameters`. Results go to standard output, progress to
standard error. An error is one line and exit status 2, without a traceback.
"""

import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from fastw2v.cli.manual import EXIT_ERROR, EXIT_INTERRUPTED, manual_text
from fastw2v.errors import FastW2VError
from fastw2v.version import VERSION

__all__ = ["COMMANDS", "command_line", "main"]

# Its message is the whole help. Until click 8.2 there was none: help was printed, status 0.
_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())

# In the order of the help. Each is `fastw2v.cli.commands.NAME.NAME_command`.
COMMANDS = (
    "train",
    "count",
    "counts",
    "export",
    "convert",
    "neighbors",
    "vectors",
    "perplexity",
    "calibration",
    "eval",
    "compare",
    "report",
    "plot",
    "completion",
)


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


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="fastw2v")
def command_line() -> None:
    """Train word2vec with its own loss, the exact full softmax, from windows counted once.

    'fastw2v COMMAND --help' has options, examples, exit status, files and environment.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 2 an error of use or input, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # file names and words that a terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        status = command_line.main(arguments, prog_name="fastw2v", standalone_mode=False)
    except _NO_ARGUMENTS as error:
        click.echo(error.format_message(), err=True)
        sys.exit(EXIT_ERROR)
    except click.ClickException as error:
        message = " ".join(error.format_message().split()).rstrip(".")
        _end(given, f"{message}; see 'fastw2v --help'", EXIT_ERROR)
    except FastW2VError as error:
        notes = getattr(error, "__notes__", [])
        _end(given, "; ".join([str(error), *notes]), EXIT_ERROR)
    except (click.Abort, KeyboardInterrupt):
        _end(given, "interrupted", EXIT_INTERRUPTED)
    except OSError as error:  # such as a full disk behind standard output
        _end(given, f"could not read or write: {error}", EXIT_ERROR)
    except MemoryError as error:
        _end(given, _too_little_memory(error), EXIT_ERROR)
    sys.exit(status if isinstance(status, int) else 0)


def _end(arguments: list[str], message: str, status: int) -> NoReturn:
    """Say why the command ends, as a line or, with ``--log-json``, as an event."""
    if "--log-json" in arguments:
        from fastw2v.cli.display import log_event

        log_event("error", message=message, exit_status=status)
    else:
        click.echo(f"fastw2v: {message}", err=True)
    sys.exit(status)


def _too_little_memory(error: MemoryError) -> str:
    details = f" ({' '.join(str(error).split())})" if str(error) else ""
    return (
        f"not enough memory{details}; use a smaller vector_size, or keep fewer words with "
        "max_final_vocab or min_count"
    )
