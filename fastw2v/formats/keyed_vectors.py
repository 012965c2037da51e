"""gensim's own `KeyedVectors.save`, in one file.

It is a pickle. Reading builds nothing but lists, numbers, texts and the stand-ins of this module
for arrays and for the `KeyedVectors`, so that a file from a stranger cannot run code, and a damaged
one cannot make numpy follow a wrong size.
"""

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ModelFormatError, one_line
from fastw2v.formats.vectors import Vectors, checked_vectors
from fastw2v.objectives.embeddings import as_keyed_vectors
from fastw2v.system.files import whole_file

__all__ = ["read", "write"]

_TYPES: dict[str, np.dtype[Any]] = {"f4": np.dtype("<f4"), "i8": np.dtype("<i8")}


class _RefusedError(Exception):
    """A pickle asks for something that vectors do not need."""


class _Keyed:
    """Stands for `KeyedVectors`: gets its attributes."""


class _Type:
    """Stands for numpy's `dtype`."""

    def __init__(self, code: str = "", *_: Any) -> None:
        self.code, self.order = code, "<"

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        if self.code not in _TYPES or self.order not in ("<", "="):
            raise TypeError(f"numbers: expected float32 and int64, got {self.code!r}")
        return _TYPES[self.code]


class _Array:
    """Stands for numpy's `ndarray`."""

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.type, self.is_fortran, self.data = state

    def array(self) -> NDArray[Any]:
        """Return the array, if its bytes are as many as its shape says."""
        if not isinstance(self.data, bytes) or not isinstance(self.type, _Type):
            raise TypeError("array: expected numbers, got objects")
        flat = np.frombuffer(self.data, self.type.dtype())
        if math.prod(self.shape) != len(flat):
            raise ValueError(f"array: expected shape {self.shape}, got {len(flat):,} numbers")
        return flat.reshape(self.shape, order="F" if self.is_fortran else "C")


def _empty_array(*_: Any) -> _Array:
    return _Array()


def _array_of(data: Any, kind: _Type, shape: Any, order: str) -> _Array:
    made = _Array()
    made.__setstate__((1, shape, kind, order == "F", bytes(data)))
    return made


def _number(*_: Any) -> float:
    return math.nan  # none that reading looks at


def _bytes_of(text: str, _: str) -> bytes:
    return text.encode("latin-1")  # how earlier protocols store bytes


_STAND_INS: dict[tuple[str, str], Any] = {
    ("gensim.models.keyedvectors", "KeyedVectors"): _Keyed,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _bytes_of,
}
for _core in ("core", "_core"):
    _STAND_INS[f"numpy.{_core}.multiarray", "_reconstruct"] = _empty_array
    _STAND_INS[f"numpy.{_core}.multiarray", "scalar"] = _number
    _STAND_INS[f"numpy.{_core}.numeric", "_frombuffer"] = _array_of


class _CarefulUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in _STAND_INS:
            raise _RefusedError(f"{module_name}.{global_name}")
        return _STAND_INS[module_name, global_name]


def read(path: Path) -> Vectors:
    """Read what `KeyedVectors.save` wrote, with the ``.npy`` beside it where gensim made one.

    Counts are read where there is one for each word.

    Raises
    ------
    ModelFormatError
        If the file cannot be read, or is anything but plain `KeyedVectors`.
    """
    try:
        with path.open("rb") as file:
            content = vars(_CarefulUnpickler(file).load())
        words, counts = content["index_to_key"], content.get("expandos", {}).get("count")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise TypeError("words: expected a list of texts")
        if "vectors" in content.get("__numpys", []):
            table = np.load(f"{path}.vectors.npy", mmap_mode="r", allow_pickle=False)
        else:
            table = content["vectors"].array()
        if table.dtype != np.float32:
            raise TypeError(f"vectors: expected float32, got {table.dtype}")
        counted = None if counts is None else counts.array()
        if counted is not None and counted.dtype != np.int64:
            raise TypeError(f"counts: expected int64, got {counted.dtype}")
        if counted is not None and len(counted) < len(words):
            counted = None  # gensim's add_vectors gives new words none
    except _RefusedError as error:
        raise ModelFormatError(
            f"{path}: expected gensim KeyedVectors, got a pickle that asks for {one_line(error)}, "
            "which vectors do not need; if you trust it, load it with gensim and save its .wv"
        ) from error
    except Exception as error:  # a damaged pickle raises whatever it comes upon
        raise ModelFormatError(
            f"{path}: expected gensim KeyedVectors, got another or a damaged file "
            f"({type(error).__name__}: {one_line(error)}); save it again with KeyedVectors.save"
        ) from error
    return checked_vectors(path, words, np.array(table), counted)


def write(vectors: Vectors, target: Path) -> None:
    """Write one file that `KeyedVectors.load` reads; any word fits, vectors of n-grams do not.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    # Without n-grams: gensim's class that has them is read by fastText's .bin, not by this format.
    keyed = as_keyed_vectors(vectors.words, vectors.vectors.copy(), vectors.counts)
    keyed.lifecycle_events = None  # would hold the time and the machine
    with whole_file(target) as temporary, temporary.open("wb") as file:
        keyed.save(file, pickle_protocol=4)
