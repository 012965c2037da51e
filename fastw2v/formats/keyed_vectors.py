"""gensim's own `KeyedVectors.save`, in one file; its `FastTextKeyedVectors` are read too.

It is a pickle. Reading builds nothing but lists, numbers, texts and the stand-ins of this module
for arrays and for the `KeyedVectors`, so that a file from a stranger cannot run code, and a damaged
one cannot make numpy follow a wrong size.
"""

import math
import pickle
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ModelFormatError, one_line
from fastw2v.formats.vectors import (
    Vectors,
    checked_vectors,
    float32_table,
    int64_counts,
    texts_of,
)
from fastw2v.objectives.embeddings import as_keyed_vectors
from fastw2v.objectives.feature_vectors import NgramVectors
from fastw2v.objectives.features import Ngrams
from fastw2v.system.files import whole_file

__all__ = ["read", "write"]

_NUMBERS_OR_TEXT = re.compile(r"[fiu][1248]|b1|U\d{1,9}")
_ORDERS: dict[str, Literal["<", ">", "|"]] = {"<": "<", "=": "<", ">": ">", "|": "|"}
_LARGEST_BUCKET, _LARGEST_N = 2**31 - 1, 2**20


class _RefusedError(Exception):
    """A pickle asks for something that vectors do not need."""


class _Keyed:
    """Stands for `KeyedVectors`: gets its attributes."""


class _KeyedOfNgrams(_Keyed):
    """Stands for `FastTextKeyedVectors`."""


class _Type:
    """Stands for numpy's `dtype`."""

    def __init__(self, code: str = "", *_: Any) -> None:
        self.code, self.order = code, "<"

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        if not isinstance(self.code, str) or not _NUMBERS_OR_TEXT.fullmatch(self.code):
            raise TypeError(f"array: expected numbers or text, got {self.code!r}")
        if self.order not in _ORDERS:
            raise TypeError(f"array: expected an order of bytes, got {self.order!r}")
        return np.dtype(self.code).newbyteorder(_ORDERS[self.order])


class _Array:
    """Stands for numpy's `ndarray`."""

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.type, self.is_fortran, self.data = state

    def array(self) -> NDArray[Any]:
        """Return the array, if its bytes are as many as its shape says."""
        data = self.data.encode("latin-1") if isinstance(self.data, str) else self.data
        if not isinstance(data, bytes) or not isinstance(self.type, _Type):
            raise TypeError("array: expected numbers, got objects")
        dtype = self.type.dtype()
        if not dtype.itemsize:
            raise TypeError(f"array: expected numbers or text, got {self.type.code!r}")
        flat = np.frombuffer(data, dtype)
        if math.prod(self.shape) != len(flat):
            raise ValueError(f"array: expected shape {self.shape}, got {len(flat):,} numbers")
        return flat.reshape(self.shape, order="F" if self.is_fortran else "C")

    def objects(self) -> list[Any]:
        """Return the elements of one axis: numbers, texts, or objects that the pickle has."""
        if isinstance(self.data, list) and self.shape == (len(self.data),):
            return self.data
        return list(self.array().tolist())


def _empty_array(*_: Any) -> _Array:
    return _Array()


def _array_of(data: Any, kind: _Type, shape: Any, order: str) -> _Array:
    made = _Array()
    made.__setstate__((1, shape, kind, order == "F", bytes(data)))
    return made


def _scalar(kind: _Type, data: Any = b"") -> Any:
    """Return a single number or text of numpy's as Python's."""
    made = _Array()
    made.__setstate__((1, (1,), kind, False, data))
    if isinstance(kind, _Type) and kind.code == "U0":
        return ""
    return made.array().tolist()[0]


def _bytes_of(text: str, _: str) -> bytes:
    return text.encode("latin-1")  # how earlier protocols store bytes


def _no_bytes() -> bytes:
    return b""  # of which earlier protocols make their own kind


_STAND_INS: dict[tuple[str, str], Any] = {
    ("gensim.models.keyedvectors", "KeyedVectors"): _Keyed,
    ("gensim.models.fasttext", "FastTextKeyedVectors"): _KeyedOfNgrams,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _bytes_of,
    # What gensim left out of a file, by earlier protocols of pickle.
    ("__builtin__", "bytes"): _no_bytes,
    ("__builtin__", "frozenset"): frozenset,
    ("builtins", "frozenset"): frozenset,
}
for _core in ("core", "_core"):
    _STAND_INS[f"numpy.{_core}.multiarray", "_reconstruct"] = _empty_array
    _STAND_INS[f"numpy.{_core}.multiarray", "scalar"] = _scalar
    _STAND_INS[f"numpy.{_core}.numeric", "_frombuffer"] = _array_of


class _CarefulUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in _STAND_INS:
            raise _RefusedError(f"{module_name}.{global_name}")
        return _STAND_INS[module_name, global_name]


def read(path: Path) -> Vectors:
    """Read what `KeyedVectors.save` wrote, with the ``.npy`` beside it where gensim made one.

    Counts are read where there is one for each word, and vectors of n-grams where there are some.
    Whole numbers for words become text, numbers of other widths the nearest float32.

    Raises
    ------
    ModelFormatError
        If the file cannot be read, or is anything but `KeyedVectors` or `FastTextKeyedVectors`.
    """
    try:
        with path.open("rb") as file:
            keyed = _CarefulUnpickler(file).load()
        content = vars(keyed)
        words = texts_of(_words(path, content))
        if not isinstance(keyed, _KeyedOfNgrams):
            table, ngrams = float32_table(_array(path, content, "vectors")), None
        else:
            table, ngrams = _of_ngrams(path, content, words)
        counts = content.get("expandos", {}).get("count")
        counted = None if counts is None else int64_counts(counts.array())
        if counted is not None and len(counted) < len(words):
            counted = None  # gensim's add_vectors gives new words none
    except _RefusedError as error:
        raise ModelFormatError(
            f"{path}: expected gensim KeyedVectors, got a pickle that asks for {one_line(error)}, "
            "which vectors do not need; if you trust it, load it with what wrote it, gensim say, "
            "and save its .wv"
        ) from error
    except Exception as error:  # a damaged pickle raises whatever it comes upon
        raise ModelFormatError(
            f"{path}: expected gensim KeyedVectors, got another or a damaged file "
            f"({type(error).__name__}: {one_line(error)}); save it again with KeyedVectors.save"
        ) from error
    found = checked_vectors(path, words, table, counted)
    if ngrams is None:
        return found
    if not np.isfinite(ngrams.vectors).all():
        raise ModelFormatError(f"{path}: expected finite numbers for n-grams, got others")
    return Vectors(found.words, found.vectors, found.counts, ngrams=ngrams)


def _words(path: Path, content: dict[str, Any]) -> list[Any]:
    """Return the words of the pickle, which may be an array or in a file beside it."""
    words = content.get("index_to_key")
    if words is None:
        return list(_array(path, content, "index_to_key").tolist())
    return words.objects() if isinstance(words, _Array) else words


def _array(path: Path, content: dict[str, Any], name: str) -> NDArray[Any]:
    """Return an array of the pickle, or of a file beside it; mapped, and so not yet read."""
    if name in content.get("__numpys", []):
        return np.asarray(np.load(f"{path}.{name}.npy", mmap_mode="r", allow_pickle=False))
    array: NDArray[Any] = content[name].array()
    return array


def _of_ngrams(
    path: Path, content: dict[str, Any], words: list[str]
) -> tuple[NDArray[np.float32], NgramVectors | None]:
    """Return words' vectors as gensim makes them: the mean of their own row and their n-grams'."""
    own = float32_table(_array(path, content, "vectors_vocab"))
    low, high, bucket = (int(content[name]) for name in ("min_n", "max_n", "bucket"))
    if not (0 <= bucket <= _LARGEST_BUCKET and 0 <= high <= _LARGEST_N):
        raise ValueError(f"n-grams: expected sizes, got max_n {high:,}, bucket {bucket:,}")
    if not bucket or high < max(low, 1):
        return own, None
    if not content.get("compatible_hash", False):
        raise ValueError("n-grams: expected fastText's hash, got that of gensim before 3.8")
    rows = _array(path, content, "vectors_ngrams")
    if rows.shape != (bucket, own.shape[1]) or len(own) != len(words):
        raise ValueError(f"n-grams: expected {bucket:,} rows like the words', got {rows.shape}")
    used = np.flatnonzero(rows.any(axis=1)).astype(np.int32)
    ngrams = Ngrams(max(low, 1), high, bucket)
    table = NgramVectors(ngrams, used, float32_table(rows[used]))
    return table.word_vectors(words, own), table


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
