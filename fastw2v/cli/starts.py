"""Options of `train` that say what it goes on from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fastw2v.training.start_from import StartFrom

__all__ = ["describe_start", "start_of", "start_options"]

_start_from = click.option(
    "--start-from",
    type=click.Path(path_type=Path),
    metavar="MODEL|VECTORS",
    help="Go on from the vectors of a model folder, or of a file in any format, by matching words. "
    "Settings that are not given are those of the model.",
)
_start_vocabulary = click.option(
    "--start-vocabulary",
    type=click.Choice(["grow", "keep"]),
    default="grow",
    show_default=True,
    help="With --start-from: 'grow': words of CORPUS join those of the model; 'keep': they are "
    "left out, and of a file only words that CORPUS has are taken.",
)
_start_counts = click.option(
    "--start-counts",
    type=click.Path(path_type=Path),
    metavar="COUNTS",
    help="With --start-from: add the counts that 'fastw2v count' wrote of the earlier text. "
    "Default: those that the model was trained on, if they are still there.",
)
_lock_known = click.option(
    "--lock-known",
    is_flag=True,
    help="With --start-from: known words keep their vectors, and only new ones learn.",
)


def start_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what training goes on from, for `start_of`."""
    return _start_from(_start_vocabulary(_start_counts(_lock_known(command))))


def start_of(given: Mapping[str, Any]) -> "StartFrom | None":
    """Return what the command line says to go on from.

    Raises
    ------
    click.UsageError
        If an option is given that needs a start, without one.
    """
    from fastw2v.training.start_from import StartFrom

    if given["start_from"] is None:
        typed = click.core.ParameterSource.COMMANDLINE
        for name in ("start_vocabulary", "start_counts", "lock_known"):
            if click.get_current_context().get_parameter_source(name) == typed:
                raise click.UsageError(
                    f"--{name.replace('_', '-')}: expected --start-from beside it, got none"
                )
        return None
    return StartFrom(
        given["start_from"], given["start_vocabulary"], given["lock_known"], given["start_counts"]
    )


def describe_start(start: Mapping[str, Any]) -> str:
    """Return the line that says what a model went on from."""
    n_known, n_words = start["n_known"], start["n_words"]
    name = start["path"] or "vectors that were given"
    return f"start        {n_known:,} known words, {n_words - n_known:,} new ones, from {name}"
