"""Functions that cut text, found by the name that a person has typed.

Only what is typed is looked up. A name that is read from a model, from counts or from a checkpoint
is never imported: a file that somebody sends could name anything.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from fastw2v.config import NamedTokenizer, is_function_name
from fastw2v.errors import ConfigurationError, TokenizerError

__all__ = ["imported_tokenizer"]


def imported_tokenizer(name: str) -> NamedTokenizer:
    """Import the function of that name, and return it with the name.

    Parameters
    ----------
    name : str
        "package.module:function"; behind the colon there may be dots, too. Modules are looked for
        where Python does, and at last in the current folder.

    Raises
    ------
    ConfigurationError
        If it is no such name.
    TokenizerError
        If there is no such module or function, or it cannot be called.
    """
    if not is_function_name(name):
        raise ConfigurationError(f"tokenizer: expected 'module:function', got {name!r}")
    module_name, _, place = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found: Any = import_module(module_name)
    except Exception as error:  # whatever a module of the user's raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise TokenizerError(
            f"{name}: expected a module that can be imported, got {reason}; install it, or go to "
            "the folder that it is in"
        ) from error
    for part in place.split("."):
        if not hasattr(found, part):
            raise TokenizerError(f"{name}: expected a function of {module_name}, it has no {part}")
        found = getattr(found, part)
    if not callable(found):
        raise TokenizerError(
            f"{name}: expected a function that gets a line and returns its tokens, got "
            f"{type(found).__name__}"
        )
    return NamedTokenizer(name, found)
