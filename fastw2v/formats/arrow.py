"""Arrow's file format (also called Feather), with the columns word, count and vector."""

from pathlib import Path

from fastw2v.errors import ModelFormatError
from fastw2v.files import whole_file
from fastw2v.formats.arrow_tables import as_table, from_table, require_pyarrow
from fastw2v.formats.vectors import Vectors


def read(path: Path) -> Vectors:
    """Read a file; errors as those of `fastw2v.formats.parquet.read`."""
    arrow = require_pyarrow()
    try:
        with arrow.OSFile(str(path)) as file, arrow.ipc.open_file(file) as reader:
            table = reader.read_all()
    except Exception as error:  # a damaged file raises whatever it comes upon
        raise ModelFormatError(f"{path}: expected an Arrow file ({error})") from error
    return from_table(path, table)


def write(vectors: Vectors, target: Path) -> None:
    """Write a file, uncompressed, so that it can be mapped; any word fits."""
    arrow = require_pyarrow()
    table = as_table(vectors)
    with (
        whole_file(target) as temporary,
        arrow.OSFile(str(temporary), "wb") as file,
        arrow.ipc.new_file(file, table.schema) as writer,
    ):
        writer.write_table(table)
