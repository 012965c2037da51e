"""Parquet and Arrow's own format (also called Feather): the columns word, count and vector."""

from pathlib import Path
from typing import Any

import numpy as np

from fastw2v.errors import ModelFormatError, one_line
from fastw2v.formats.vectors import Vectors, checked_vectors, float32_table, texts_of
from fastw2v.system.dependencies import optional_module
from fastw2v.system.files import whole_file

__all__ = ["IPC", "PARQUET", "VECTOR", "WORD", "ParquetFile"]

WORD, COUNT, VECTOR = "word", "count", "vector"


def require_pyarrow() -> Any:
    """Return the module `pyarrow`, or raise `MissingDependencyError`."""
    return optional_module("pyarrow", "Parquet and Arrow files", "arrow")


def as_table(vectors: Vectors) -> Any:
    """Return the columns word (text), count (int64, null where unknown), vector (D float32)."""
    arrow = require_pyarrow()
    n_words, dimensions = vectors.vectors.shape
    cells = arrow.array(np.ascontiguousarray(vectors.vectors, np.float32).reshape(-1))
    counts = vectors.counts
    columns = {
        WORD: arrow.array(vectors.words, arrow.large_string()),
        COUNT: arrow.nulls(n_words, arrow.int64()) if counts is None else arrow.array(counts),
        VECTOR: arrow.FixedSizeListArray.from_arrays(cells, dimensions),
    }
    return arrow.table(columns)


def from_table(path: Path, table: Any) -> Vectors:
    """Return the `Vectors` of a table read from `path`.

    Vectors may be lists of a fixed or of any size, of floating-point numbers, which become the
    nearest float32, or of whole numbers that it holds. Whole numbers for words become text.

    Raises
    ------
    ModelFormatError
        If columns are missing, or not as expected.
    """
    arrow = require_pyarrow()
    try:
        table.validate(full=True)  # a damaged file's offsets would be followed anywhere
        words = texts_of(table[WORD].to_pylist())
        counts = table[COUNT] if COUNT in table.column_names else None
        if counts is not None and counts.null_count == len(words):
            counts = None
        column = table[VECTOR].combine_chunks()
        if isinstance(column, arrow.ChunkedArray):
            column = column.chunk(0) if column.num_chunks else arrow.array([], table[VECTOR].type)
        cells = column.flatten()
        if column.null_count or cells.null_count:
            raise TypeError(f"{VECTOR}: expected no nulls")
        if not arrow.types.is_fixed_size_list(column.type):
            sizes = set(column.value_lengths().to_pylist())
            if len(sizes) > 1:
                raise TypeError(f"{VECTOR}: expected lists of one length, got {sorted(sizes)[:5]}")
        numbers = cells.to_numpy(zero_copy_only=False)
        if numbers.dtype.kind in "iu" and (numbers.astype(np.float32) == numbers).all():
            numbers = numbers.astype(np.float32)
        vectors = float32_table(numbers.reshape(len(words), -1))
        counted = None if counts is None else counts.to_numpy().astype(np.int64, casting="safe")
    except Exception as error:  # a damaged table raises whatever it comes upon
        raise ModelFormatError(
            f"{path}: expected the columns {WORD}, {COUNT} and {VECTOR}, got others "
            f"({type(error).__name__}: {one_line(error)})"
        ) from error
    return checked_vectors(path, words, vectors, counted, place=lambda row: f"row {row}")


class ArrowFile:
    """Arrow's IPC file, uncompressed, so that it can be mapped."""

    def read(self, path: Path) -> Vectors:
        """Read a file.

        Raises
        ------
        ModelFormatError
            If it cannot be read or has other columns.
        MissingDependencyError
            Without pyarrow.
        """
        arrow = require_pyarrow()
        try:
            with arrow.OSFile(str(path)) as file, arrow.ipc.open_file(file) as reader:
                table = reader.read_all()
        except Exception as error:  # a damaged file raises whatever it comes upon
            raise ModelFormatError(f"{path}: expected an Arrow file ({one_line(error)})") from error
        return from_table(path, table)

    def write(self, vectors: Vectors, target: Path) -> None:
        """Write a file; any word fits.

        Raises
        ------
        OutputError
            If it cannot be written.
        MissingDependencyError
            Without pyarrow.
        """
        arrow = require_pyarrow()
        table = as_table(vectors)
        with (
            whole_file(target) as temporary,
            arrow.OSFile(str(temporary), "wb") as file,
            arrow.ipc.new_file(file, table.schema) as writer,
        ):
            writer.write_table(table)


class ParquetFile:
    """Parquet, compressed by Zstandard."""

    def read(self, path: Path) -> Vectors:
        """Read a file; raises as `ArrowFile.read`."""
        require_pyarrow()
        from pyarrow import parquet

        try:
            table = parquet.ParquetFile(path).read()
        except Exception as error:  # a damaged file raises whatever it comes upon
            raise ModelFormatError(
                f"{path}: expected a Parquet file ({one_line(error)})"
            ) from error
        return from_table(path, table)

    def write(self, vectors: Vectors, target: Path) -> None:
        """Write a file; any word fits. Raises as `ArrowFile.write`."""
        require_pyarrow()
        from pyarrow import parquet

        table = as_table(vectors)
        with whole_file(target) as temporary:
            # Numbers of vectors hardly repeat: dictionaries of them would only take time and room.
            parquet.write_table(table, temporary, use_dictionary=False, compression="zstd")


IPC = ArrowFile()
PARQUET = ParquetFile()
