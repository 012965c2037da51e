"""What to say of a command or an option that there is not: which was meant, if one is near."""

from collections.abc import Collection

import click

from fastw2v.config.foreign_names import native_name, spelt_alike

__all__ = ["about_command", "about_option"]

_OTHER_COMMANDS = {
    "train": ("fit", "skipgram", "cbow", "learn"),
    "neighbors": ("neighbours", "nn", "nearest", "similar", "most-similar", "distance", "analogy"),
    "vectors": ("print-word-vectors", "vector", "embed"),
    "eval": ("evaluate", "test", "accuracy", "similarity", "analogies"),
    "info": ("show", "describe", "inspect", "stat", "dump"),
    "docs": ("doc", "guide", "guides", "man", "manual"),
}


def about_command(name: str, known: Collection[str]) -> str:
    """Return the message about a command that there is not."""
    meant = [command for command, others in _OTHER_COMMANDS.items() if name in others]
    close = [command for command in meant if command in known] or spelt_alike(name, known)
    return f"No such command {name!r:.100}{_meant(close)}"


def about_option(error: click.NoSuchOption) -> str:
    """Return the message about an option that a command does not have."""
    name, command = error.option_name, error.ctx.command if error.ctx else None
    known = [
        option
        for parameter in (command.params if command else [])
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    ]
    said = f"No such option: {name:.100}"
    native = native_name(name)
    option = "--" + native.setting.replace("_", "-") if native is not None else ""
    if native is not None and option in known:
        note = f" ({native.note})" if native.note else ""
        return f"{said}; here it is {option}{note}"
    return said + _meant(spelt_alike(name, known))


def _meant(close: Collection[str]) -> str:
    return f"; did you mean {' or '.join(close)}?" if close else ""
