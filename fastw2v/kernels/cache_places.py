"""Where compiled kernels may lie: places that are shared, and one that is a user's own.

Kernels are code that is run. Among the temporary files, where anybody may have made a folder, only
one that nobody else can write to is taken. The other places are trusted as the package, the user's
home, and whoever names a folder in ``NUMBA_CACHE_DIR`` are.
"""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from numba.core import config
from numba.misc.appdirs import AppDirs

__all__ = ["is_private", "private_place", "shared_places"]

_DIGEST_LETTERS = 24
_TEMPORARY_FOLDERS = ("/tmp", "/var/tmp", "/usr/tmp")


def _part() -> str:
    """Return what tells this copy of the package from others that share a folder."""
    package = Path(__file__).resolve().parent
    return f"fastw2v-{hashlib.sha256(os.fsencode(package)).hexdigest()[:_DIGEST_LETTERS]}"


def shared_places() -> list[Path]:
    """Return the folders that may hold kernels, the preferred one first."""
    chosen: str = getattr(config, "CACHE_DIR")  # noqa: B009
    if chosen:
        return [Path(chosen) / _part()]
    user = Path(AppDirs("fastw2v", appauthor=False).user_cache_dir)
    own = _part().replace("fastw2v", "kernels")
    places = [Path(__file__).resolve().parent / "__pycache__", user / own]
    # A user without a home has "~/.cache", which would be made in the current folder.
    return [place for place in places if place.is_absolute()]


def private_place() -> Path | None:
    """Return where this user's kernels may lie among the temporary files; None for nowhere."""
    try:
        temporary = Path(tempfile.gettempdir()).absolute()
        is_current = temporary == Path.cwd()
    except OSError:  # there is none, or the current folder is gone
        return None
    named = [os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")]
    if is_current and str(temporary) not in (*_TEMPORARY_FOLDERS, *named):
        return None  # what Python takes for want of one, and no place to leave things
    user = os.geteuid() if hasattr(os, "geteuid") else "own"
    return temporary / f"fastw2v-{user}" / _part()


def is_private(folder: Path) -> bool:
    """Whether nobody but this user can put files into a folder, or put another in its place."""
    if not hasattr(os, "geteuid"):  # Windows has temporary files in each user's own folder
        return folder.is_dir()
    try:
        about, above = folder.lstat(), folder.parent.stat()
    except OSError:
        return False
    is_own = about.st_uid == os.geteuid() and not about.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    # Where others may write, only a sticky folder keeps them from renaming what is not theirs.
    is_open = bool(above.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    stays = above.st_uid in (0, os.geteuid()) and (not is_open or above.st_mode & stat.S_ISVTX)
    return stat.S_ISDIR(about.st_mode) and is_own and bool(stays)
