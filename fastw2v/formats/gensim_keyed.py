"""gensim's own `KeyedVectors.save`, in one file.

It is a pickle. Reading lets it build lists, numbers, arrays and a `KeyedVectors`, and nothing else,
so that a file from a stranger cannot run code.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from fastw2v.errors import ModelFormatError
from fastw2v.files import whole_file
from fastw2v.formats.vectors import Vectors, checked_vectors

_PERMITTED = {
    ("gensim.models.keyedvectors", "KeyedVectors"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy", "float32"),
    ("numpy", "int64"),
    *(
        (f"numpy.{core}.{module}", name)
        for core in ("core", "_core")
        for module, name in (
            ("multiarray", "_reconstruct"),
            ("multiarray", "scalar"),
            ("numeric", "_frombuffer"),
        )
    ),
}


class _RefusedError(Exception):
    """A pickle asks for something that vectors do not need."""


class _CarefulUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in _PERMITTED:
            raise _RefusedError(f"{module_name}.{global_name}")
        return super().find_class(module_name, global_name)


def read(path: Path) -> Vectors:
    """Read what `KeyedVectors.save` wrote, with the ``.npy`` beside it where gensim made one.

    Raises
    ------
    ModelFormatError
        If the file cannot be read, or is anything but plain `KeyedVectors`.
    """
    try:
        with path.open("rb") as file:
            content = _CarefulUnpickler(file).load()
        content = vars(content)
        apart = content.get("__numpys", [])
        if "vectors" in apart:
            content["vectors"] = np.load(f"{path}.vectors.npy", mmap_mode="r", allow_pickle=False)
        words, table = content["index_to_key"], content["vectors"]
        counts = content.get("expandos", {}).get("count")
        if "count" in apart or content.get("__recursive_saveloads"):
            counts = None
        if not all(isinstance(word, str) for word in words) or not isinstance(table, np.ndarray):
            raise TypeError("words are no text, or vectors no array")
        if table.dtype != np.float32:
            raise TypeError(f"vectors are {table.dtype}, not float32")
        if counts is not None:
            counts = np.asarray(counts).astype(np.int64)
    except _RefusedError as error:
        raise ModelFormatError(
            f"{path}: expected gensim KeyedVectors, got a pickle that asks for {error}, which "
            "vectors do not need; if you trust it, load it with gensim and save its .wv"
        ) from error
    except Exception as error:  # a damaged pickle raises whatever it comes upon
        raise ModelFormatError(
            f"{path}: expected gensim KeyedVectors, got another or a damaged file "
            f"({type(error).__name__}: {error}); save it again with KeyedVectors.save"
        ) from error
    return checked_vectors(path, list(words), np.array(table), counts)


def write(vectors: Vectors, target: Path) -> None:
    """Write one file that `KeyedVectors.load` reads; any word fits.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    keyed = vectors.keyed_vectors()
    with whole_file(target) as temporary, temporary.open("wb") as file:
        keyed.save(file, pickle_protocol=4)
