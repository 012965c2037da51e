"""How kernels are compiled and kept: the decorator `kernel`, and its cache on disk.

Numba's own cache renews a kernel only when the kernel's own file changes. A kernel is made of more:
of functions and constants that it imports, of the versions of the compiler, of the CPU's features.
Here all of that is in one digest, which names the folder that compiled kernels are kept in, so that
what was made of anything else is never found. A file holds one kernel for one signature, behind a
checksum: a damaged or cut one is compiled anew. One that Python and other kernels call has two: its
own code, and what is linked into theirs (`lean_compiling`).

Kernels are kept in ``NUMBA_CACHE_DIR`` if that is set, else beside the sources, else in the user's
folder for caches: in the first of these that can be written. They are looked for in all of them, so
that kernels which were compiled when the package was installed serve users who may only read it.
Where none can be written, a folder among the temporary files that this user alone may enter takes
their place, and one warning says so. Kernels are code that is run: among the temporary files what
others may write is neither read nor written, nor is what somebody else has made under that name.

Of other digests the folders used last are left, for other interpreters and CPUs that share the
place; older ones are removed.
"""

import contextlib
import functools
import hashlib
import importlib.resources
import os
import pickle
import platform
import shutil
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, overload

import llvmlite
import numba
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps

from fastw2v.kernels.cache_places import is_private, private_place, shared_places
from fastw2v.kernels.lean_compiling import compiles_part, new_dispatcher
from fastw2v.kernels.stored_code import (
    Reading,
    StoredLibrary,
    initialize_runtime,
    stored_library,
)
from fastw2v.kernels.target import target_cpu

__all__ = ["folder_of_kernels", "is_marked", "kernel", "leave_mark", "source_digest"]

_FOLDER = "fastw2v-kernels-"
_DIGEST_LETTERS = 24
_FOLDERS_KEPT = 8
_UNUSED_S = 24 * 3600.0  # a folder used more lately than this may be in use
_CHECKSUM_BYTES = hashlib.sha256().digest_size
# Besides the CPU, what changes the code that Numba makes of a kernel.
_NUMBA_SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT")
_OWN_SETTINGS = ("FASTW2V_AMX",)
_NOT_KEPT = "compiled kernels are not kept, so that every process compiles them anew"


P = ParamSpec("P")
R = TypeVar("R")


def _sources(folder: Traversable, path: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield path and text of every module below a folder."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _sources(entry, f"{path}{entry.name}/")
        elif entry.name.endswith((".py", ".pyc")):
            yield path + entry.name, entry.read_bytes()


def source_digest() -> str:
    """Return a digest of all that a compiled kernel is made of."""
    digest = hashlib.sha256()

    def add(*parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode()
            digest.update(len(data).to_bytes(8, "little") + data)

    for path, text in _sources(importlib.resources.files("fastw2v.kernels")):
        add(path, text)
    add(sys.implementation.cache_tag, platform.machine(), *target_cpu())
    add(numba.__version__, llvmlite.__version__)
    add(*(getattr(config, name, None) for name in _NUMBA_SETTINGS))
    add(*(os.environ.get(name) for name in _OWN_SETTINGS))
    return digest.hexdigest()[:_DIGEST_LETTERS]


# Made when the first kernel is imported: later the files may be those of another version.
_DIGEST = source_digest()


def _is_writable(folder: Path) -> bool:
    """Whether a file can be made in a folder, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _remove_unused(place: Path) -> None:
    """Remove the folders of other digests, but for those that were used last."""
    used = []
    for folder in place.glob(f"{_FOLDER}*"):
        with contextlib.suppress(OSError):  # another process may have removed it
            used.append((folder.stat().st_mtime, folder))
    for last_used_s, folder in sorted(used, reverse=True)[_FOLDERS_KEPT:]:
        if time.time() - last_used_s > _UNUSED_S:
            shutil.rmtree(folder, ignore_errors=True)


class _Store:
    """The folders of this process's digest: all to read from, one to write to."""

    def __init__(self) -> None:
        name = _FOLDER + _DIGEST
        self.folders = [place / name for place in shared_places()]
        private = private_place()
        self._private = private / name if private is not None else None
        if private is not None and is_private(private.parent):
            self.folders.append(private / name)  # of an earlier process
        self._searched = False
        self._written: Path | None = None
        for folder in self.folders:
            with contextlib.suppress(OSError):  # it need not exist, nor be ours
                os.utime(folder)  # in use, see `_remove_unused`

    def _folder_to_write(self) -> Path | None:
        """Return the first folder that can be written; None if none can. A warning says so."""
        if not self._searched:
            self._searched = True
            private = self._private
            shared = [folder for folder in self.folders if folder != private]
            if any(self._take(folder) for folder in shared):
                return self._written
            tried = ", ".join(str(folder.parent) for folder in shared)
            if private is None or not self._take_private(private):
                tried += f", {private.parent}" if private is not None else ""
                _warn(_NOT_KEPT, f"none of these can be written: {tried}")
            else:
                _warn(f"compiled kernels are kept in {private.parent}", f"not written: {tried}")
        return self._written

    def _take_private(self, folder: Path) -> bool:
        """Write to the folder among the temporary files, if nobody else may."""
        own = folder.parent.parent
        with contextlib.suppress(OSError):
            own.mkdir(mode=0o700, exist_ok=True)
        if not is_private(own) or not self._take(folder):
            return False
        if folder not in self.folders:
            self.folders.append(folder)
        return True

    def _take(self, folder: Path) -> bool:
        """Write to a folder from now on, if that can be done."""
        is_new = not folder.exists()
        if not _is_writable(folder):
            return False
        self._written = folder
        if is_new:
            _remove_unused(folder.parent)
        return True

    def read(self, name: str) -> Iterator[bytes]:
        """Yield what sound files of this name hold."""
        for folder in self.folders:
            try:
                content = (folder / name).read_bytes()
            except OSError:
                continue
            checksum, data = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
            if checksum == hashlib.sha256(data).digest():
                yield data

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all; nothing after a warning that nothing can be."""
        folder = self._folder_to_write()
        # Whoever changes the sources under a running process gets no kernels of the old ones.
        if folder is None or source_digest() != _DIGEST:
            return
        unfinished = folder / f"{name}.{uuid.uuid4().hex[:16]}.tmp"
        try:
            folder.mkdir(exist_ok=True)  # another process may have removed it
            unfinished.write_bytes(hashlib.sha256(data).digest() + data)
            unfinished.replace(folder / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            self._written = None
            _warn(_NOT_KEPT, f"{folder}: could not be written ({error.strerror or error})")

    def remove(self, pattern: str) -> None:
        """Remove files from the folder that is written to."""
        folder = self._folder_to_write()
        for path in folder.glob(pattern) if folder else ():
            with contextlib.suppress(OSError):  # another process may have removed it
                path.unlink()


def _warn(what: str, why: str) -> None:
    warnings.warn(
        f"{what}: {why}; set NUMBA_CACHE_DIR to a folder that can be written", stacklevel=2
    )


@functools.cache
def _store() -> _Store:
    return _Store()


def folder_of_kernels() -> Path | None:
    """Return the folder that kernels are kept in; None if none can be written."""
    return _store()._folder_to_write()


def leave_mark(name: str) -> None:
    """Leave a mark beside the kernels, which is as old and as valid as they are."""
    _store().write(name, b"")


def is_marked(name: str) -> bool:
    """Return whether a mark of this name was left beside the kernels of this digest."""
    return any(True for _ in _store().read(name))


class _KernelLocator:
    """What Numba's implementation of a cache asks for; the files are those of `_KernelFiles`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._py_file = function.__code__.co_filename

    def get_cache_path(self) -> str:
        return str(_store().folders[0])

    def ensure_cache_path(self) -> None:
        """Leave that to `_Store`."""


_RUNTIME = "numba.runtime.nbc"


def _initialize_runtime(target_context: Any) -> None:
    """Have Numba's runtime in place, from its file if there is one."""

    def keep(library: StoredLibrary) -> None:
        _store().write(_RUNTIME, pickle.dumps(library))

    def stored() -> StoredLibrary | None:
        return next(map(pickle.loads, _store().read(_RUNTIME)), None)

    initialize_runtime(target_context, stored, keep)


class _KernelResults(CompileResultCacheImpl):  # type: ignore[misc]
    """Numba's way of writing a compiled function down, without its own search for a folder."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _KernelLocator(function)
        module = function.__module__.removeprefix("fastw2v.kernels.")
        self._filename_base = f"{module}.{function.__qualname__}"

    def reduce(self, result: Any) -> Any:
        return (stored_library(result.library), *super().reduce(result)[1:])

    def rebuild(self, target_context: Any, stored: Any) -> Any:
        rebuilt = super().rebuild(Reading(target_context), stored)
        return rebuilt._replace(target_context=target_context)


class _KernelFiles:
    """The files of one kernel, one for each signature."""

    def __init__(self, base: str) -> None:
        self._base = base.replace("<", "").replace(">", "")

    def _name(self, key: Any) -> str:
        return f"{self._base}-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.nbc"

    def load(self, key: Any) -> Any:
        """Return what was saved for a key, or None."""
        for data in _store().read(self._name(key)):
            saved_key, result = pickle.loads(data)
            if saved_key == key:
                return result
        return None

    def save(self, key: Any, result: Any) -> None:
        """Save what was compiled for a key."""
        _store().write(self._name(key), dumps((key, result)))

    def flush(self) -> None:
        """Forget all signatures."""
        _store().remove(f"{self._base}-*")


class _KernelCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of a function, with the files and the digest of this module.

    A kernel that is there is run without the memory and the time that Numba takes to be ready to
    compile: its implementations of Python and numpy are imported when the first one is missing.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = repr(function)
        self._py_func = function
        self._impl = _KernelResults(function)
        self._cache_file: Any = _KernelFiles(self._impl.filename_base)
        self.enable()

    @property
    def cache_path(self) -> str:
        """The folder that is asked first."""
        return str(self._impl.locator.get_cache_path())

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), compiles_part())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was compiled for a signature, or None."""
        _initialize_runtime(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


@overload
def kernel(function: Callable[P, R]) -> Callable[P, R]: ...


@overload
def kernel(*, inline: str) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def kernel(function: Any = None, **options: Any) -> Any:
    """Compile a function with Numba, without the interpreter's lock, and keep it on disk.

    What another kernel calls is compiled and kept as a part of that, what Python calls for itself.

    Parameters
    ----------
    function : callable
    **options
        As for `numba.njit`.

    Returns
    -------
    Numba's dispatcher; with ``NUMBA_DISABLE_JIT=1`` the function itself.
    """
    if function is None:
        return functools.partial(kernel, **options)
    if getattr(config, "DISABLE_JIT"):  # noqa: B009 - set at run time
        return function
    settings = {"nopython": True, "nogil": True, "boundscheck": None, **options}
    compiled: Any = new_dispatcher(function, settings)
    compiled._cache = _KernelCache(function)
    return compiled
