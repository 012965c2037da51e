"""Folders that another process may replace while they are read.

A folder is written whole and takes its name in one step, so that its files belong together. Who
opens them one after the other by that name may get some of the earlier folder, and some of the new
one: those are read again.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from fastw2v.errors import FastW2VError

__all__ = ["read_as_one"]

P = ParamSpec("P")
T = TypeVar("T")

_ATTEMPTS = 10  # a folder that is replaced oftener than it can be read is told as it is found


def read_as_one(read: Callable[P, T]) -> Callable[P, T]:
    """Let a function that reads a folder read it again if it was replaced meanwhile.

    Parameters
    ----------
    read : callable
        Takes the folder first. What it has read of two folders is dropped, be it an error or not.
    """

    @functools.wraps(read)
    def reading(*args: P.args, **options: P.kwargs) -> T:
        folder = Path(cast("str | Path", args[0] if args else options["folder"]))
        for _ in range(_ATTEMPTS - 1):
            before = _identity(folder)
            try:
                found = read(*args, **options)
            except FastW2VError:
                if _identity(folder) == before:
                    raise
                continue
            if _identity(folder) == before:
                return found
        return read(*args, **options)

    return reading


def _identity(folder: Path) -> tuple[int, int, int] | None:
    """Return what tells a folder from another of the same name; None while there is none."""
    try:
        found = folder.stat()
    except (OSError, ValueError):  # ValueError: a name with a zero byte
        return None
    return found.st_dev, found.st_ino, found.st_ctime_ns
