"""Write the constructor of `Word2Vec` with every setting spelled out, from `Hyperparameters`.

    python tools/spell_out_settings.py

Run it when a setting is added or changed; `tests/model/test_constructor.py` fails until then.
"""

import re
from dataclasses import Field, fields
from pathlib import Path
from textwrap import wrap
from typing import Any, get_args, get_origin

import fastw2v
from fastw2v import config
from fastw2v.config import Hyperparameters

TARGET = Path(fastw2v.__file__).parent / "model" / "spelled_out.py"
WIDTH = 99
FAR = 2**31 - 1  # nobody needs to be told of a bound beyond it
# What help says of the command line's options, as Python has them.
OPTIONS = {"--features": "`features` of `fit`", "--memory": "`memory_mib` of `fit`"}
# Settings keep the name of a function; whoever makes them hands over the function.
FUNCTION = (
    "TokenizeFunction",
    "'module:function': by a function",
    "a function: by it, which is one",
)

HEAD = '''"""`Word2Vec`'s constructor, every setting spelled out for editors and type checkers.

Written by tools/spell_out_settings.py from `Hyperparameters`; not edited by hand. It may have more
than 400 lines, since each setting brings its help.
"""

from fastw2v.config import (
{imports}
)
from fastw2v.model.construction import taking_settings
from fastw2v.model.state import ModelState

__all__ = ["SpelledOut"]


class SpelledOut(ModelState):
    """What a model is made from."""

    @taking_settings
    def __init__(
        self,
        settings: Hyperparameters | None = None,
        *,
        workers: int | None = None,
{parameters}
    ) -> None:
        """Begin a model that is not trained yet.

        Settings that are not given have their defaults. What was given is remembered, at its
        default too, and may not contradict counts that the model is trained on.

        Parameters
        ----------
        settings : Hyperparameters, optional
            All settings at once, instead of by name.
        workers : int, optional
            Threads; default: the cores at hand. With the exact softmax the result is the same for
            any number; the other objectives repeat their bits with one worker only (Hogwild).
{documentation}

        Raises
        ------
        ConfigurationError
            For an unknown name or an impossible value.
        """
'''


def alias_of(kind: Any) -> str | None:
    """Return the name that `fastw2v.config` has for a type, if it has one."""
    names = [name for name in config.__all__ if getattr(config, name) is kind]
    return names[0] if names else None


def annotation(item: "Field[Any]") -> str:
    """Return the type of a setting as code; None is allowed where it is the default."""
    kinds = [item.type]
    if get_origin(item.type) is not None and alias_of(item.type) is None:
        kinds = [kind for kind in get_args(item.type) if kind is not type(None)]
    if item.name == "tokenizer":
        return f"str | {FUNCTION[0]}"
    names = [alias_of(kind) or getattr(kind, "__name__", str(kind)) for kind in kinds]
    return " | ".join([*names, "None"] if item.default is None else names)


def described_type(item: "Field[Any]") -> str:
    """Return the type of a setting as numpydoc has it."""
    if alias_of(item.type) is not None:
        kind = (
            "{" + ", ".join(repr(choice).replace("'", '"') for choice in get_args(item.type)) + "}"
        )
    else:
        kind = annotation(item).removesuffix(" | None").replace(f"| {FUNCTION[0]}", "or callable")
    return f"{kind}, optional" if item.default is None else kind


def described(item: "Field[Any]") -> str:
    """Return the help of a setting, with its default and its bounds."""
    text = re.sub(r"--[a-z-]+", lambda found: OPTIONS[found[0]], item.metadata["help"])
    text = text.replace(*FUNCTION[1:])
    if "Default" not in text:
        text += f" Default: {item.default!r}."
    low, high = item.metadata["low"], item.metadata["high"]
    if low is not None:
        above = "Above" if item.metadata["low_is_open"] else "At least"
        text += f" {above} {low:,}." if high >= FAR else f" From {low:,} to {high:,}."
    return text


def spelled_out() -> str:
    """Return the whole module."""
    settings = fields(Hyperparameters)
    aliases = {alias for item in settings if (alias := alias_of(item.type)) is not None}
    imports = "\n".join(
        f"    {name}," for name in sorted({*aliases, "Hyperparameters", FUNCTION[0]})
    )
    parameters = "\n".join(
        f"        {item.name}: {annotation(item)} = {literal(item.default)}," for item in settings
    )
    documentation = "\n".join(
        line
        for item in settings
        for line in [
            *wrap(f"{item.name} : {described_type(item)}", WIDTH, initial_indent=" " * 8,
                  subsequent_indent=" " * 12),
            *wrap(described(item), WIDTH, initial_indent=" " * 12, subsequent_indent=" " * 12),
        ]
    )  # fmt: skip
    return HEAD.format(imports=imports, parameters=parameters, documentation=documentation)


def literal(value: Any) -> str:
    """Return a default as code, as ruff formats it."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return f"{value:_}"
    return repr(value)


if __name__ == "__main__":
    TARGET.write_text(spelled_out(), encoding="utf-8")
