"""Files as arrays: mapped into memory, read where they are touched, dropped when memory is short.

A mapping is private and writeable: a read-only array would have another type for Numba, and every
kernel would be compiled twice. As nothing is written, no memory is needed for it; the system is
told so, or it might refuse files larger than memory.
"""

import hashlib
import json
import mmap
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The types of safetensors that the project writes to be mapped.
_DTYPES = {"I64": "<i8", "I32": "<i4", "U8": "|u1"}
_LONGEST_HEADER = 100_000_000  # as in safetensors itself


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
    return _native(np.frombuffer(_mapping(path, n_bytes), dtype))


def mapped_bytes(path: Path) -> NDArray[np.uint8]:
    """Return a file's bytes as an array that looks like any other."""
    return np.frombuffer(_mapping(path, path.stat().st_size), np.uint8)


def mapped_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a safetensors file, each of one axis, mapped.

    Raises
    ------
    ValueError
        If it is no such file, or is cut short.
    """
    n_bytes = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_LONGEST_HEADER, n_bytes - 8):
            raise ValueError(f"{path.name}: expected a safetensors file, got something else")
        header = json.loads(file.read(length))
    mapping = _mapping(path, n_bytes)
    arrays = {}
    for name, item in header.items():
        if name == "__metadata__":
            continue
        start, stop = (int(offset) + 8 + length for offset in item["data_offsets"])
        dtype = np.dtype(_DTYPES[item["dtype"]])
        (size,) = item["shape"]
        if not 8 + length <= start <= stop <= n_bytes or stop - start != size * dtype.itemsize:
            raise ValueError(f"{path.name}: expected {size} numbers of {name}, got others")
        arrays[name] = _native(np.frombuffer(mapping, dtype, size, start))
    return arrays


def forget_pages(array: NDArray[Any]) -> None:
    """Give back the memory in which a mapped array was read; it is read again where it is touched.

    The system would do so itself when memory is short, but not when a budget is.
    """
    base: Any = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def save_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write a safetensors file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file(arrays, str(path))
    except SafetensorError as error:  # a full disk, say, of which it makes no OSError
        raise OSError(str(error)) from error


def _native(stored: NDArray[Any]) -> NDArray[Any]:
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


def file_digest(path: Path) -> str:
    """Return 64 hexadecimal digits that tell a file's content from any other."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
