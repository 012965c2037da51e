"""Temporary names beside a target, and putting a new folder in the place of an earlier one.

Whatever moment a process is killed at, one whole result is left: the earlier one or the new one.
"""

import ctypes
import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows; what a killed process leaves there has to be removed by hand
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "TEMPORARY_PREFIX",
    "claimed",
    "clear_abandoned",
    "exchange",
    "followed",
    "recover",
    "remove",
    "remove_claimed",
    "set_aside",
    "take_place",
    "temporary_prefix",
]

_CURRENT_FOLDER = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
_MOVED = (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST)  # by another process meanwhile
_ATTEMPTS = 10

TEMPORARY_PREFIX = ".fastw2v-"

_claims: set[Path] = set()
_claiming = threading.Lock()


def followed(target: Path) -> Path:
    """Return the absolute path of a target, or of what it leads to if it is a link."""
    return Path(os.path.realpath(target)) if target.is_symlink() else target.absolute()


def temporary_prefix(target: Path) -> str:
    """Return how names of temporary files and folders for a target, itself no link, begin.

    They tell which target they are for, however long its name is, and which process they are of.
    """
    return f"{_family(target)}{os.getpid()}-"


def _family(target: Path) -> str:
    return (
        f"{TEMPORARY_PREFIX}{hashlib.blake2b(os.fsencode(target.name), digest_size=6).hexdigest()}-"
    )


@contextmanager
def claimed(temporary: Path) -> Iterator[None]:
    """Hold a temporary file or folder, so that no other process takes it for abandoned."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(temporary, os.O_RDONLY)
    _claims.add(temporary)
    try:
        with suppress(OSError):  # a disk without locks; the process's number has to do
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        # Once this process removes what is unfinished, nothing is put in a target's place.
        with _claiming:
            _claims.discard(temporary)
        os.close(descriptor)


def remove_claimed() -> None:
    """Remove what this process is writing, before it is ended from another thread.

    Whoever holds something claimed waits for ever from here on.
    """
    _claiming.acquire()
    for path in tuple(_claims):
        with suppress(OSError):
            remove(path)


def clear_abandoned(target: Path) -> None:
    """Remove what killed processes left when they were about to write this target."""
    if fcntl is None:
        return  # nothing tells there what is abandoned, and asking after a process would end it
    for path in target.absolute().parent.glob(f"{_family(target)}*"):
        process = path.name.removeprefix(_family(target)).split("-")[0]
        if process.isdigit() and not _is_running(int(process)) and _is_free(path):
            with suppress(OSError):  # another person's, in a folder for all
                remove(path)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _is_free(path: Path) -> bool:
    """Return whether no process holds a path; one of another machine may, on a common disk."""
    assert fcntl is not None
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def exchange(one: Path, other: Path) -> bool:
    """Let two paths change their names in one step; return False where that is not to be had.

    Linux has a system call for it, since 3.15 and on most of its file systems.
    """
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    names = (os.fsencode(one), os.fsencode(other))
    if rename(_CURRENT_FOLDER, names[0], _CURRENT_FOLDER, names[1], _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(other))


def take_place(new: Path, target: Path) -> None:
    """Give a folder the target's name; an earlier folder of that name is left at ``new``, or gone.

    Where names cannot be exchanged the earlier folder steps aside first. Killed between, the
    target is missing, and `recover` brings the earlier folder back. It does so, too, if another
    process reads just then: it steps aside again.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            _take_place_once(new, target)
        except OSError as error:
            if error.errno not in _MOVED:
                raise
        else:
            return
    _take_place_once(new, target)


def _take_place_once(new: Path, target: Path) -> None:
    if not os.path.lexists(target):
        new.rename(target)
        return
    if exchange(new, target):
        return
    aside = _aside(target)
    remove(aside)
    target.rename(aside)
    try:
        new.rename(target)
    except BaseException:
        recover(target)
        raise
    remove(aside)


def set_aside(new: Path) -> Path:
    """Give what could not take its place a name that no writer clears, and return its path."""
    with suppress(OSError):
        return new.rename(new.with_name(f"kept-{new.name.removeprefix(TEMPORARY_PREFIX)}"))
    return new


def recover(target: Path) -> None:
    """Bring back the earlier folder if a process was killed while it stood aside."""
    with suppress(OSError):  # without the right to look or to rename, it is as good as missing
        path = followed(target)
        if not os.path.lexists(path) and _aside(path).is_dir():
            _aside(path).rename(path)


def _aside(target: Path) -> Path:
    return target.parent / f"{_family(target)}earlier"
