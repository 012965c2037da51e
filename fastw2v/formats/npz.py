"""numpy's .npz: a whole model, from which p(o | c) can be computed, or one table; no pickle."""

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ModelFormatError, OutputError, UnwritableWordError, one_line
from fastw2v.formats.vectors import (
    Vectors,
    checked_vectors,
    float32_table,
    int64_counts,
    texts_of,
    written_words,
)
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.system.files import whole_file

__all__ = ["array_header", "read", "refusal", "require_sizes", "write", "write_model"]

LARGEST_WORD_TABLE_BYTES = 2**31
_MOST_COMPRESSION = 1100  # deflate makes at most 1032 bytes of one
_TABLES = ("vectors", "in_vectors", "out_vectors")
_DEFAULT_TABLE = "default_table"  # the name of the one that the model hands out


def read(path: Path) -> Vectors:
    """Read one table: ``vectors``, or that which a model hands out.

    In older files, which do not say it, that is the sum of ``in_vectors`` and ``out_vectors``;
    where the two differ in shape, as hierarchical softmax has them, ``in_vectors``. Floating-point
    numbers of other widths become the nearest float32, whole numbers for words text.

    Raises
    ------
    ModelFormatError
        If the file cannot be read, or is not as `write` and `write_model` make it.
    """
    try:
        require_sizes(path)
        with np.load(path, allow_pickle=False) as loaded:
            arrays = {
                name: loaded[name]
                for name in ("words", "counts", _DEFAULT_TABLE, *_TABLES)
                if name in loaded
            }
        words, table = arrays["words"], _table(arrays)
        if words.ndim != 1 or words.dtype.kind not in "Uiu":
            raise ValueError(
                f"words: expected one axis of text or whole numbers, got {words.dtype} "
                f"{words.shape}"
            )
        counts = int64_counts(arrays["counts"]) if "counts" in arrays else None
    except Exception as error:  # a damaged archive raises whatever it comes upon
        raise ModelFormatError(
            f"{path}: expected an .npz with words and vectors, got another or a damaged file "
            f"({type(error).__name__}: {one_line(error)}); export it again"
        ) from error
    return checked_vectors(path, texts_of(words.tolist()), table, counts)


def _table(arrays: dict[str, Any]) -> NDArray[np.float32]:
    given = {name: float32_table(arrays[name]) for name in _TABLES if name in arrays}
    if "vectors" in given:
        return given["vectors"]
    inputs = given["in_vectors"]
    outputs = given.get("out_vectors", np.empty((0, 0), np.float32))
    has_sum = outputs.shape == inputs.shape
    default = str(arrays.get(_DEFAULT_TABLE, "sum" if has_sum else "in"))
    if default not in ("in", "sum") or (default == "sum" and not has_sum):
        raise ValueError(f"{_DEFAULT_TABLE}: expected in or sum, got {default:.60}")
    return inputs if default == "in" else np.asarray(inputs + outputs)


def array_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and kind of the array that a file of numpy's has, and read no further."""
    is_first = np.lib.format.read_magic(file) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def require_sizes(path: Path) -> None:
    """Refuse arrays that the file has no bytes for, before memory is taken for them."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            stored = min(item.compress_size, size)
            room = (
                stored if item.compress_type == zipfile.ZIP_STORED else stored * _MOST_COMPRESSION
            )
            with archive.open(item) as file:
                shape, dtype = array_header(file)
            n_bytes = dtype.itemsize
            for length in shape:
                n_bytes *= length
            if n_bytes > room:
                raise ValueError(f"{item.filename}: promises {n_bytes:,} bytes, {room:,} can come")


def write(vectors: Vectors, target: Path) -> None:
    """Write ``words, vectors``, and ``counts`` where they are known.

    Raises
    ------
    OutputError
        If a word ends in a NUL character or the longest word makes the table of words, whose
        cells are all as wide, larger than 2 GiB.
    """
    arrays: dict[str, Any] = {"vectors": vectors.vectors}
    if vectors.counts is not None:
        arrays["counts"] = vectors.counts
    _write(vectors.words, arrays, target)


def write_model(embeddings: Embeddings, target: Path) -> None:
    """Write ``words``, and all of `Embeddings` that p(o | c) of known words is made of.

    That is ``counts, in_vectors, out_vectors, out_bias, objective, temperature``, ``self_rates`` if
    there are, and of a model with peaks (`fastw2v.objectives.peaks`) ``peaks`` (2, K), knots and
    their powers. ``default_table`` names the vectors that the model hands out.

    Raises as `write`.
    """
    arrays = {
        "counts": embeddings.vocabulary.counts,
        "in_vectors": embeddings.in_vectors,
        "out_vectors": embeddings.out_vectors,
        "out_bias": embeddings.out_bias,
        "objective": np.array(embeddings.objective),
        "temperature": np.array(embeddings.temperature, np.float64),
        _DEFAULT_TABLE: np.array(embeddings.default_vectors),
    }
    if embeddings.self_rates is not None:
        arrays["self_rates"] = embeddings.self_rates
    if embeddings.peaks is not None:
        arrays["peaks"] = np.array(embeddings.peaks, np.float64)
    _write(written_words(embeddings.vocabulary), arrays, target)


def refusal(word: str, *, is_first: bool = False) -> str | None:
    """Return why a word cannot be written; None if it can."""
    return "ends in NUL" if word.endswith("\0") else None


def _write(words: list[str], arrays: dict[str, Any], target: Path) -> None:
    longest = max(words, key=len, default="")
    if 4 * len(longest) * len(words) > LARGEST_WORD_TABLE_BYTES:
        raise OutputError(
            f"{target}: npz stores all words as wide as the longest, which has {len(longest):,} "
            f"characters and begins with {longest[:40]!r}, and {len(words):,} would take more than "
            "2 GiB; write kv or parquet, which hold words of any length"
        )
    for word in words:
        if refusal(word) is not None:
            raise UnwritableWordError(f"{target}: npz cannot hold {word!r}, which ends in NUL")
    with whole_file(target) as temporary, temporary.open("wb") as file:
        np.savez(file, words=np.array(words, dtype=np.str_), **arrays)
