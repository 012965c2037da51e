"""Words, counts and vectors as an Arrow table: what the Parquet and Arrow formats share."""

from pathlib import Path
from typing import Any

import numpy as np

from fastw2v.errors import MissingDependencyError, ModelFormatError
from fastw2v.formats.vectors import Vectors, checked_vectors

WORD, COUNT, VECTOR = "word", "count", "vector"


def require_pyarrow() -> Any:
    """Return the module `pyarrow`, or raise `MissingDependencyError`."""
    try:
        import pyarrow
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet and Arrow files: expected pyarrow, which is not installed; "
            "pip install 'fastw2v[arrow]'"
        ) from error
    return pyarrow


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

    Vectors may be lists of a fixed or of any size, of float32 or float64 that float32 holds.

    Raises
    ------
    ModelFormatError
        If columns are missing, or not as expected.
    """
    arrow = require_pyarrow()
    try:
        table.validate(full=True)  # a damaged file's offsets would be followed anywhere
        words = table[WORD].to_pylist()
        if not all(isinstance(word, str) for word in words):
            raise TypeError(f"{WORD}: expected text in each row")
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
        as_float32 = numbers.astype(np.float32)
        if not np.array_equal(as_float32, numbers, equal_nan=True):
            raise TypeError(f"{VECTOR}: expected float32, got {column.type} that it cannot hold")
        vectors = as_float32.reshape(len(words), -1)
        counted = None if counts is None else counts.to_numpy().astype(np.int64, casting="safe")
    except Exception as error:  # a damaged table raises whatever it comes upon
        raise ModelFormatError(
            f"{path}: expected the columns {WORD}, {COUNT} and {VECTOR}, got others "
            f"({type(error).__name__}: {error})"
        ) from error
    return checked_vectors(path, words, vectors, counted, place=lambda row: f"row {row}")
