"""Files mapped into memory: pages are read when they are touched, and may be dropped again."""

import mmap
import platform
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def _no_reserve() -> int:
    """Return the flag that asks for no memory to be set aside for a mapping."""
    usual = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")
    return getattr(mmap, "MAP_NORESERVE", 0x4000 if usual else 0)


def mapped_bytes(path: Path) -> NDArray[np.uint8]:
    """Return a file's bytes as an array that looks like any other.

    The mapping is private and writeable: a read-only array would have another type for Numba, and
    every kernel would be compiled twice. What is written to it stays in memory and never reaches
    the file. As long as nothing is written no memory is needed for it; the system is told so, or
    it might refuse files larger than memory.
    """
    n_bytes = path.stat().st_size
    if not n_bytes:
        return np.empty(0, np.uint8)
    with path.open("rb") as file:
        if hasattr(mmap, "MAP_PRIVATE"):
            mapping = mmap.mmap(
                file.fileno(),
                n_bytes,
                flags=mmap.MAP_PRIVATE | _no_reserve(),
                prot=mmap.PROT_READ | mmap.PROT_WRITE,
            )
        else:
            mapping = mmap.mmap(file.fileno(), n_bytes, access=mmap.ACCESS_COPY)
    return np.frombuffer(mapping, np.uint8)
