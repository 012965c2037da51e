"""Writing files and folders so that they appear whole or not at all."""

import os
import stat
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
    followed,
    recover,
    remove,
    set_aside,
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

_SUFFIX_LETTERS = 16  # of a temporary name: more than the suffix of any format has

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
        A file or folder to be written later, or a link to one. Its parent folder must exist.
    """
    parent = target.absolute().parent
    try:
        if (kind := _kind_of_no_file(target)) is not None:
            raise OutputError(
                f"{target}: expected a new name, or a file or folder to replace, this is {kind}; "
                "write to a file, and send that on"
            )
        parent = followed(target).parent
        if not parent.is_dir():
            raise OutputError(
                f"{target}: expected an existing folder to write to, {parent} is none; create it "
                "first"
            )
        with tempfile.TemporaryFile(dir=parent):
            pass
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise OutputError(
            f"{target}: cannot write in {parent} ({getattr(error, 'strerror', error)}); choose "
            "another output"
        ) from error


def _kind_of_no_file(target: Path) -> str | None:
    """Return what a target is that a file would take the place of, and should not."""
    try:
        mode = target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    is_device = stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
    return "a device" if is_device else "a pipe" if stat.S_ISFIFO(mode) else "a socket"


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
    an `OutputError` that names the target. A link stays: what it leads to is replaced.
    """
    require_file_target(target)
    path = followed(target)
    try:
        clear_abandoned(path)
        suffix = target.suffix[:_SUFFIX_LETTERS]
        handle, name = tempfile.mkstemp(suffix, temporary_prefix(path), path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            with claimed(temporary):
                yield temporary
                _sync_file(temporary)
                temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{target}: could not be written ({error})") from error


@contextmanager
def whole_folder(target: Path, layout: FolderLayout) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; on success it takes the target's place.

    What the body has written is kept beside the target, and the error says where, when only that
    last step fails. A link stays: the folder that it leads to is replaced.

    Parameters
    ----------
    target : Path
        If it exists, it must be empty or a folder of this layout that holds nothing else, so that
        nothing but an earlier result of the same kind is ever replaced.
    layout : FolderLayout
    """
    require_replaceable(target, layout)
    path = followed(target)
    kept = None
    try:
        clear_abandoned(path)
        temporary = Path(tempfile.mkdtemp(prefix=temporary_prefix(path), dir=path.parent))
        try:
            with claimed(temporary):
                yield temporary
                for written in temporary.iterdir():
                    written.chmod(0o666 & ~_umask())  # some libraries write for the owner alone
                    _sync_file(written)
                _sync_folder(temporary)
                temporary.chmod(0o777 & ~_umask())
            try:
                take_place(temporary, path)
            except OSError as error:
                kept = set_aside(temporary)
                raise OutputError(
                    f"{target}: could not be replaced ({error}); the new folder is whole, and "
                    f"kept as {kept}: rename it"
                ) from error
            _sync_folder(path.parent)
        finally:
            if kept is None:
                remove(temporary)  # or the earlier folder, which has this name now
    except OSError as error:
        raise OutputError(f"{target}: could not be written ({error})") from error


def require_replaceable(target: Path, layout: FolderLayout) -> None:
    """Raise `OutputError` unless `whole_folder` may write to `target`."""
    require_writable(target)
    recover(target)
    try:
        if not target.exists():
            return
        if not target.is_dir():
            raise OutputError(f"{target}: expected a folder or a new name, this is a file")
        foreign = layout.foreign_name(target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot look at what is there ({error.strerror}); choose another output"
        ) from error
    if foreign is not None:
        raise OutputError(
            f"{target}: expected a new name or an earlier result to replace, this folder holds "
            f"other things ({foreign}); choose another output, or move them away"
        )


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
