"""Arrays in a safetensors file: read, or mapped without reading them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.system.memory_maps import mapped_bytes, native

__all__ = ["Arrays", "read_arrays", "read_metadata", "stored_kinds", "write_arrays"]

Arrays = dict[str, NDArray[Any]]

_DTYPES = {"U8": "u1", "I32": "<i4", "I64": "<i8", "F32": "<f4", "F64": "<f8"}
_NAMES = {kind: name for name, kind in _DTYPES.items()}
_LENGTH_BYTES = 8  # of the header's length, at the start of the file
_ALIGNMENT = 8


def write_arrays(path: Path, arrays: Arrays, metadata: dict[str, str] | None = None) -> None:
    """Write arrays under their names, and texts beside them.

    Not by the library, whose writer goes through a file of its own in the same folder: killed, it
    would stay there for ever. Wide numbers come first, so that all are aligned when mapped.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    names = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    begin = 0
    for name in names:
        end = begin + arrays[name].nbytes
        kind = arrays[name].dtype.newbyteorder("<").str.replace("|", "")
        header[name] = {
            "dtype": _NAMES[kind],
            "shape": list(arrays[name].shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(_LENGTH_BYTES, "little"))
        file.write(text)
        for name in names:
            stored = np.ascontiguousarray(arrays[name], arrays[name].dtype.newbyteorder("<"))
            file.write(stored.reshape(-1).view(np.uint8).data)


def read_arrays(path: Path, *, mapped: bool = False) -> Arrays:
    """Return all arrays of a file by name.

    Parameters
    ----------
    path : Path
    mapped : bool
        Map them instead of reading them: memory is used for the parts that are looked at. The
        file must not be changed in place as long as they are in use; replacing it is fine.

    Raises
    ------
    ValueError
        If it is no sound safetensors file.
    OSError
        If it cannot be read.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import load_file

    try:
        if not mapped:
            return dict(load_file(str(path)))
        with safe_open(str(path), framework="numpy"):
            pass  # the library checks the header: no gaps, no overlaps, no end beyond the file
    except SafetensorError as error:
        raise ValueError(
            f"{path.name}: expected a safetensors file, got none or a part of one "
            f"(SafetensorError: {error})"
        ) from error
    return _mapped_arrays(path)


def _mapped_arrays(path: Path) -> Arrays:
    data = mapped_bytes(path)
    first = _LENGTH_BYTES + int(data[:_LENGTH_BYTES].view("<u8")[0])
    header = json.loads(data[_LENGTH_BYTES:first].tobytes())
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        if entry["dtype"] not in _DTYPES:
            raise ValueError(f"{name}: expected one of {', '.join(_DTYPES)}, got {entry['dtype']}")
        begin, end = (first + offset for offset in entry["data_offsets"])
        stored = data[begin:end].view(_DTYPES[entry["dtype"]])
        arrays[name] = native(stored.reshape(entry["shape"]))
    return arrays


def stored_kinds(path: Path) -> dict[str, str]:
    """Return the kind of number of each array, "F32" or "BF16" say; errors as `read_arrays`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            return {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path.name}: expected a safetensors file ({error})") from error


def read_metadata(path: Path) -> dict[str, str]:
    """Return the texts that `write_arrays` was given beside the arrays; errors as `read_arrays`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            return file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path.name}: expected a safetensors file ({error})") from error
