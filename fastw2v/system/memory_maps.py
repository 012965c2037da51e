"""Files as arrays: mapped into memory, read where they are touched, dropped when memory is short.

A mapping is private and writeable: a read-only array would have another type for Numba, and every
kernel would be compiled twice. As nothing is written, no memory is needed for it; without
a flag that says so the system might refuse files larger than memory.
"""

import mmap
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["forget_pages", "mapped_bytes", "mapped_file", "native"]


def mapped_file(path: Path, size: int, dtype: str) -> NDArray[Any]:
    """Return the numbers of a file as an array that looks like any other.

    Raises
    ------
    ValueError
        If the file does not hold just `size` numbers.
    """
    n_bytes = size * np.dtype(dtype).itemsize
    if path.stat().st_size != n_bytes:
        raise ValueError(f"{path.name}: expected {n_bytes} bytes, got {path.stat().st_size}")
    return native(np.frombuffer(_mapping(path, n_bytes), dtype))


def mapped_bytes(path: Path) -> NDArray[np.uint8]:
    """Return a file's bytes as an array that looks like any other."""
    return np.frombuffer(_mapping(path, path.stat().st_size), np.uint8)


def forget_pages(array: NDArray[Any]) -> None:
    """Give back the memory in which a mapped array was read; it is read again where it is touched.

    The system would do so itself when memory is short, but not when a budget is.
    """
    base: Any = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def native(stored: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in this machine's byte order: a copy where theirs is another."""
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _mapping(path: Path, n_bytes: int) -> mmap.mmap | bytearray:
    if not n_bytes:
        return bytearray()
    with path.open("rb") as file:
        if not hasattr(mmap, "MAP_PRIVATE"):
            return mmap.mmap(file.fileno(), n_bytes, access=mmap.ACCESS_COPY)
        return mmap.mmap(
            file.fileno(),
            n_bytes,
            flags=mmap.MAP_PRIVATE | _no_reserve(),
            prot=mmap.PROT_READ | mmap.PROT_WRITE,
        )


def _no_reserve() -> int:
    """Return the flag that asks for no memory to be set aside for a mapping."""
    usual = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")
    return getattr(mmap, "MAP_NORESERVE", 0x4000 if usual else 0)
