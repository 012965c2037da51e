"""What files of vectors say of themselves before their vectors: sizes, without reading the rest."""

import codecs
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastw2v.config import MOST_DIMENSIONS
from fastw2v.errors import ModelFormatError, one_line
from fastw2v.formats import model2vec
from fastw2v.formats.arrow import VECTOR, require_pyarrow
from fastw2v.formats.compression import is_compressed
from fastw2v.formats.detection import first_bytes, recognised
from fastw2v.formats.fasttext_binary import MAGIC
from fastw2v.formats.npz import array_header, require_sizes
from fastw2v.formats.registry import FormatName, format_named
from fastw2v.system.file_kinds import LOOK_BYTES, require_text

__all__ = ["VectorsHeader", "read_header"]

_FASTTEXT = struct.Struct("<ii12idiiiqq")  # mark, version, settings, dictionary
# A number and a word with its end, at least.
_LEAST_BYTES = {
    "word2vec": (2, 2),
    "fasttext": (2, 2),
    "word2vec-bin": (4, 2),
    "fasttext-bin": (4, 2),
}


@dataclass(frozen=True)
class VectorsHeader:
    """What is known of a file of vectors by its beginning, which may promise what does not come.

    Attributes
    ----------
    format : str
        Of `FORMATS`.
    n_words, dimensions : int, optional
        None where the beginning does not say.
    is_read : bool
        Whether all of the file had to be read, so that it is known to be sound.
    """

    format: FormatName
    n_words: int | None
    dimensions: int | None
    is_read: bool = False


def read_header(path: Path) -> VectorsHeader:
    """Return what a file or folder of vectors says of itself.

    gensim's KeyedVectors and folders for the projector do not say it at their beginning, and are
    read whole.

    Raises
    ------
    ModelFormatError
        If it is in no known format, or its beginning is not as the format has it.
    TextEncodingError
        If it is text in another encoding.
    MissingDependencyError
        If the format needs a package that is not installed.
    """
    name = recognised(path)
    form = format_named(name).name
    if form not in _SIZES:
        from fastw2v.formats import read_vectors

        vectors = read_vectors(path, form)
        n_words, dimensions = vectors.vectors.shape
        return VectorsHeader(form, n_words, dimensions, is_read=True)
    if format_named(form).is_text:
        require_text(first_bytes(path)[:LOOK_BYTES], str(path))
    try:
        n_words, dimensions = _SIZES[form](path)
        if n_words is not None and n_words < 1:
            raise ValueError(f"{n_words:,} words")
        if dimensions is not None and not 1 <= dimensions <= MOST_DIMENSIONS:
            raise ValueError(f"{dimensions:,} dimensions")
        _require_room(path, form, n_words, dimensions)
    except (ModelFormatError, ImportError):
        raise
    except Exception as error:  # a damaged file raises whatever it comes upon
        raise ModelFormatError(
            f"{path}: expected a beginning as the format {form!r} has it, got another "
            f"({type(error).__name__}: {one_line(error)}); the file is damaged"
        ) from error
    return VectorsHeader(form, n_words, dimensions)


def _require_room(path: Path, form: str, n_words: int | None, dimensions: int | None) -> None:
    """Raise `ValueError` if a plain file is too small for what its beginning promises."""
    if form not in _LEAST_BYTES or is_compressed(path) or n_words is None or dimensions is None:
        return
    number, word = _LEAST_BYTES[form]
    least, size = n_words * (dimensions * number + word), path.stat().st_size
    if size < least:
        raise ValueError(
            f"{n_words:,} vectors of {dimensions:,} dimensions take {least:,} bytes at least, got "
            f"a file of {size:,}"
        )


def _first_line(path: Path) -> bytes:
    return first_bytes(path).removeprefix(codecs.BOM_UTF8).partition(b"\n")[0]


def _stated(path: Path) -> tuple[int, int]:
    """Return the two numbers of a first line."""
    n_words, dimensions = map(int, _first_line(path).split())
    return n_words, dimensions


def _of_rows(path: Path) -> tuple[None, int]:
    """Return how many numbers the first row of a text without a first line of sizes has."""
    line = _first_line(path).rstrip(b" \t\r")
    return None, len(line.partition(b"\t" if b"\t" in line else b" ")[2].split())


def _of_fasttext(path: Path) -> tuple[int, int]:
    content = first_bytes(path)
    fields = _FASTTEXT.unpack(content[: _FASTTEXT.size])
    if content[:4] != MAGIC:
        raise ValueError("no model of fastText")
    return fields[16], fields[2]


def _of_npz(path: Path) -> tuple[int, int]:
    require_sizes(path)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        member = next(name for name in ("vectors.npy", "in_vectors.npy") if name in names)
        with archive.open(member) as file:
            n_words, dimensions = array_header(file)[0]
    return n_words, dimensions


def _of_model2vec(path: Path) -> tuple[int, int]:
    from safetensors import safe_open

    parts = path / model2vec.NESTED if (path / model2vec.NESTED).is_dir() else path
    with safe_open(str(parts / model2vec.ARRAYS), framework="numpy") as file:
        names = set(file.keys())
        name = next(name for name in model2vec.TABLES if name in names)
        n_rows, dimensions = file.get_slice(name).get_shape()
    return n_rows - (model2vec.added_word(path) is not None), dimensions


def _list_size(schema: Any) -> int | None:
    kind = schema.field(VECTOR).type
    return kind.list_size if require_pyarrow().types.is_fixed_size_list(kind) else None


def _of_parquet(path: Path) -> tuple[int, int | None]:
    require_pyarrow()
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        return file.metadata.num_rows, _list_size(file.schema_arrow)


def _of_arrow(path: Path) -> tuple[int, int | None]:
    arrow = require_pyarrow()
    with arrow.memory_map(str(path)) as file, arrow.ipc.open_file(file) as reader:
        batches = map(reader.get_batch, range(reader.num_record_batches))  # mapped, not read
        return sum(batch.num_rows for batch in batches), _list_size(reader.schema)


_SIZES: dict[FormatName, Callable[[Path], tuple[int | None, int | None]]] = {
    "word2vec": _stated,
    "fasttext": _stated,
    "word2vec-bin": _stated,
    "glove": _of_rows,
    "fasttext-bin": _of_fasttext,
    "npz": _of_npz,
    "model2vec": _of_model2vec,
    "parquet": _of_parquet,
    "arrow": _of_arrow,
}
