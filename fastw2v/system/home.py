"""A home for libraries that insist on one while they are imported.

A user without a home and without a name, as containers have them, has no ``~``. gensim's way of
opening files (smart_open) looks there for settings of ssh when it is imported, and cannot be
imported then.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["a_home", "keep_a_home"]

_NOWHERE = "/nonexistent"  # what users without a home have in the password file


def keep_a_home() -> None:
    """Give this process, and those that it starts, a home that does not exist if it has none."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = _NOWHERE


@contextmanager
def a_home() -> Iterator[None]:
    """Have a home while this is entered, for an import; the environment is as before after it."""
    earlier = os.environ.get("HOME")
    keep_a_home()
    try:
        yield
    finally:
        if earlier is None:
            os.environ.pop("HOME", None)
        else:
            os.environ["HOME"] = earlier
