"""Parquet, with the columns word, count and vector."""

from pathlib import Path

from fastw2v.errors import ModelFormatError
from fastw2v.files import whole_file
from fastw2v.formats.arrow_tables import as_table, from_table, require_pyarrow
from fastw2v.formats.vectors import Vectors


def read(path: Path) -> Vectors:
    """Read a file.

    Raises
    ------
    ModelFormatError
        If it cannot be read or has other columns.
    MissingDependencyError
        Without pyarrow.
    """
    require_pyarrow()
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(path).read()
    except Exception as error:  # a damaged file raises whatever it comes upon
        raise ModelFormatError(f"{path}: expected a Parquet file ({error})") from error
    return from_table(path, table)


def write(vectors: Vectors, target: Path) -> None:
    """Write a file; any word fits.

    Raises
    ------
    OutputError
        If it cannot be written.
    MissingDependencyError
        Without pyarrow.
    """
    require_pyarrow()
    from pyarrow import parquet

    table = as_table(vectors)
    with whole_file(target) as temporary:
        # Numbers of vectors hardly repeat: dictionaries of them would only take time and room.
        parquet.write_table(table, temporary, use_dictionary=False, compression="zstd")
