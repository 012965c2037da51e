"""Parquet and Arrow files: columns of text, or of lists of tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastw2v.counts.sharded.sources import open_bytes, reading
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.system.dependencies import optional_module

__all__ = ["SUFFIXES", "contents", "cut_groups", "look"]

SUFFIXES = (".parquet", ".arrow", ".feather")
_ROWS = 10_000  # that are Python objects at a time


def look(name: str, column: str | None) -> tuple[str, list[int]]:
    """Return the column to read and the sizes of the file's row groups, in bytes.

    Parameters
    ----------
    name : str
        Path or URL.
    column : str or None
        Default: the only one of text or of lists of text.

    Raises
    ------
    ConfigurationError
        If there is no such column, or several where none was named.
    CorpusError
        If the file cannot be read.
    """
    with _opened(name) as table:
        usable = [field.name for field in table.schema if _is_usable(field.type)]
        if column is None and len(usable) == 1:
            column = usable[0]
        if column is None or column not in usable:
            asked = "none was named" if column is None else f"got {column!r}"
            raise ConfigurationError(
                f"{name}: expected the name of a column of text or of lists of text, one of "
                f"{', '.join(map(repr, usable)) or 'none'}, {asked}; name it with --column"
            )
        sizes: list[int] = table.sizes()
        return column, sizes


def cut_groups(sizes: list[int], block_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut row groups into ranges of about so many bytes."""
    start, n_bytes = 0, 0
    for number, size in enumerate(sizes):
        if number > start and n_bytes + size > block_bytes:
            yield start, number
            start, n_bytes = number, 0
        n_bytes += size
    if sizes:
        yield start, len(sizes)


def contents(
    name: str, column: str | None, start: int | None, stop: int | None
) -> Iterator[bytes | list[list[str]]]:
    """Yield the contents of a range of row groups: text of whole lines, or lists of tokens.

    A cell of text is a document; lines within it are sentences. An empty (null) cell is a sentence
    without tokens.
    """
    with _opened(name) as table:
        for number in range(start or 0, stop or 0):
            cells = table.group(number, column)
            for first in range(0, len(cells), _ROWS):
                rows: list[Any] = cells.slice(first, _ROWS).to_pylist()
                if _is_list(cells.type):
                    yield [row or [] for row in rows]
                else:
                    yield "".join(f"{row or ''}\n" for row in rows).encode()


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind)) and _is_text(kind.value_type)


def _is_usable(kind: Any) -> bool:
    return _is_text(kind) or _is_list(kind)


class _Parquet:
    def __init__(self, stream: Any) -> None:
        from pyarrow.parquet import ParquetFile

        self._file = ParquetFile(stream)
        self.schema = self._file.schema_arrow

    def sizes(self) -> list[int]:
        metadata = self._file.metadata
        return [metadata.row_group(k).total_byte_size for k in range(metadata.num_row_groups)]

    def group(self, number: int, column: str | None) -> Any:
        return self._file.read_row_group(number, columns=[column]).column(column)


class _Arrow:
    def __init__(self, stream: Any) -> None:
        from pyarrow import ipc

        self._file = ipc.open_file(stream)
        self.schema = self._file.schema

    def sizes(self) -> list[int]:
        batches = range(self._file.num_record_batches)
        return [self._file.get_batch(k).nbytes for k in batches]

    def group(self, number: int, column: str | None) -> Any:
        return self._file.get_batch(number).column(column)


@contextmanager
def _opened(name: str) -> Iterator[Any]:
    arrow = optional_module("pyarrow", name, "arrow")
    kind = _Parquet if Path(name).suffix.lower() == ".parquet" else _Arrow
    with reading(name), open_bytes(name) as stream:
        try:
            table = kind(stream)
        except arrow.ArrowException as error:
            raise CorpusError(
                f"{name}: expected a whole {Path(name).suffix} file, got another ({error})"
            ) from error
        yield table
