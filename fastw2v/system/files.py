"""Writing files and folders so that they appear whole or not at all."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from fastw2v.errors import OutputError
from fastw2v.system.renames import (
    TEMPORARY_PREFIX,
    claimed,
    clear_abandoned,
    recover,
    remove,
    take_place,
    temporary_prefix,
)

__all__ = [
    "FolderLayout",
    "require_file_target",
    "require_replaceable",
    "require_writable",
    "whole_file",
    "whole_folder",
]

# What killed processes leave in a folder, and programs that show or share it.
_OF_NOBODY = (f"{TEMPORARY_PREFIX}*", ".nfs*", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class FolderLayout:
    """How folders of one kind are told from all others, which are never replaced.

    Attributes
    ----------
    is_one : callable
        Tells by what is in a folder whether it is one, sound or not.
    names : tuple of str
        Of all that such folders hold; ``*`` stands for anything.
    """

    is_one: Callable[[Path], bool]
    names: tuple[str, ...]

    def foreign_name(self, folder: Path) -> str | None:
        """Return the name of something that no such folder holds; None if there is nothing."""
        own = (*self.names, *_OF_NOBODY) if self.is_one(folder) else _OF_NOBODY
        others = (path.name for path in folder.iterdir())
        return min((n for n in others if not any(fnmatchcase(n, o) for o in own)), default=None)


def require_writable(target: Path) -> None:
    """Raise `OutputError` unless `target` can be created or replaced, before hours of work.

    Parameters
    ----------
    target : Path
        A file or folder to be written later. Its parent folder must exist.
    """
    parent = target.absolute().parent
    if not parent.is_dir():
        raise OutputError(
            f"{target}: expected an existing folder to write to, {parent} is none; create it first"
        )
    try:
        target.exists()  # fails if the name is too long
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise OutputError(
            f"{target}: cannot write in {parent} ({error.strerror}); choose another output"
        ) from error


def require_file_target(target: Path) -> None:
    """Raise `OutputError` unless `whole_file` may write to `target`, before hours of work."""
    require_writable(target)
    if target.is_dir():
        raise OutputError(f"{target}: expected a file name, this is a folder")


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file(path: Path) -> None:
    with path.open("r+b") as file:  # Windows flushes only what may be written
        os.fsync(file.fileno())


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on success it takes the target's place.

    The path ends as the target does, for writers that compress by the name. Nothing is left
    behind, and an earlier file stays untouched, when the body raises. A body's `OSError` becomes
    an `OutputError` that names the target.
    """
    require_file_target(target)
    parent = target.absolute().parent
    clear_abandoned(target)
    handle, name = tempfile.mkstemp(target.suffix, temporary_prefix(target), parent)
    os.close(handle)
    temporary = Path(name)
    try:
        with claimed(temporary):
            yield temporary
            _sync_file(temporary)
            temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
        _sync_folder(parent)
    except OSError as error:
        raise OutputError(f"{target}: could not be written ({error})") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path, layout: FolderLayout) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; on success it takes the target's place.

    Parameters
    ----------
    target : Path
        If it exists, it must be empty or a folder of this layout that holds nothing else, so that
        nothing but an earlier result of the same kind is ever replaced.
    layout : FolderLayout
    """
    require_replaceable(target, layout)
    parent = target.absolute().parent
    clear_abandoned(target)
    temporary = Path(tempfile.mkdtemp(prefix=temporary_prefix(target), dir=parent))
    try:
        with claimed(temporary):
            yield temporary
            for path in temporary.iterdir():
                path.chmod(0o666 & ~_umask())  # some libraries write for the owner alone
                _sync_file(path)
            _sync_folder(temporary)
            temporary.chmod(0o777 & ~_umask())
        take_place(temporary, target)
        _sync_folder(parent)
    except OSError as error:
        raise OutputError(f"{target}: could not be written ({error})") from error
    finally:
        remove(temporary)  # or the earlier folder, which has this name now


def require_replaceable(target: Path, layout: FolderLayout) -> None:
    """Raise `OutputError` unless `whole_folder` may write to `target`."""
    require_writable(target)
    recover(target)
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"{target}: expected a folder or a new name, this is a file")
    foreign = layout.foreign_name(target)
    if foreign is not None:
        raise OutputError(
            f"{target}: expected a new name or an earlier result to replace, this folder holds "
            f"other things ({foreign}); choose another output, or move them away"
        )


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
