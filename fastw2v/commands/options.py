"""Options and arguments that several commands share."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click

from fastw2v.config import Hyperparameters
from fastw2v.formats import FORMATS
from fastw2v.terminal import LOG_JSON


def hyperparameter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one option for each field of `Hyperparameters`."""
    for item in reversed(fields(Hyperparameters)):
        kinds = [kind for kind in get_args(item.type) if kind is not type(None)]
        kind: Any = item.type
        if get_origin(item.type) is Literal:
            kind = click.Choice(kinds)
        elif kinds:
            kind = kinds[0]
        name = item.name.replace("_", "-")
        option = click.option(
            f"--{name}/--no-{name}" if kind is bool else f"--{name}",
            item.name,
            type=kind,
            default=item.default,
            show_default=item.default is not None,
            help=item.metadata["help"],
        )
        command = option(command)
    return command


format_option = click.option(
    "--format",
    "form",
    type=click.Choice([form.name for form in FORMATS]),
    help="Default: by the suffix of OUT ("
    + ", ".join(f"{suffix} {form.name}" for form in FORMATS for suffix in form.suffixes)
    + "); word2vec for others. model2vec and projector write folders.",
)
workers_option = click.option(
    "--workers", type=int, help="Threads; the result does not depend on them. Default: all cores."
)
_quiet = click.option("--quiet", is_flag=True, help="No progress.")
_log_json = click.option(
    "--log-json",
    is_flag=True,
    expose_value=False,  # the display finds it, so that no command need pass it on
    callback=lambda context, _, value: context.meta.update({LOG_JSON: value}),
    help="Progress as one JSON object a line on standard error; docs/command_line.md has the "
    "fields.",
)


def quiet_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that `Display` looks at: ``--quiet`` and ``--log-json``."""
    return _quiet(_log_json(command))


def sources_of(corpus: tuple[str, ...]) -> Any:
    """Return the sources that were named on the command line, as `Word2Vec.fit` takes them."""
    # A Path is a path for certain, so that messages about it need not wonder; "-" is none.
    sources = [name if name == "-" else Path(name) for name in corpus]
    return sources[0] if len(sources) == 1 else sources
