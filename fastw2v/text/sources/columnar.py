"""Parquet and Arrow files: one column of text, or of lists of tokens, some rows at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastw2v.config import Errors, Kind
from fastw2v.errors import CorpusError, FastW2VError, one_line
from fastw2v.kernels.text.scan import PADDING
from fastw2v.system.dependencies import optional_module
from fastw2v.text.batches import TokenBatch, number_batch
from fastw2v.text.encoding import Repairs
from fastw2v.text.files import STANDARD_INPUT, is_read_once, shown_name
from fastw2v.text.sources.cells import Piece, pieces_of
from fastw2v.text.sources.delimited import text_cells
from fastw2v.text.sources.kinds import (
    Field,
    MissingValues,
    compression_of,
    no_such_field,
    require_field,
)
from fastw2v.text.sources.streams import is_url, open_bytes, reading

__all__ = [
    "column_of",
    "column_pieces",
    "columns_of",
    "cut_groups",
    "group_sizes",
    "inner_column",
    "read_columnar",
]

_BATCH_BYTES = 8 << 20
_MOST_ROWS = 1 << 16


def group_sizes(file: str, kind: Kind, field: Field | None) -> list[int]:
    """Return about how many bytes each part of a file has that can be read by itself.

    Parameters
    ----------
    file : str
        Path or URL.
    kind : {"parquet", "arrow"}
    field : str
        The column; one within others is named "outer.inner".

    Raises
    ------
    CorpusError
        If the file cannot be read, or has no such column of text or of lists of tokens.
    """
    with _opened(file, kind) as table:
        column_of(file, kind, table.schema, field)
        sizes: list[int] = table.sizes()
        return sizes


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


def read_columnar(
    file: str,
    kind: Kind,
    field: Field | None,
    groups: tuple[int, int] | None,
    errors: Errors,
    repairs: Repairs,
    missing: MissingValues,
) -> Iterator[tuple[Piece, int]]:
    """Yield what a column holds, each piece with about how many bytes of it have been read.

    A cell of text is a document; lines within it are sentences.

    Parameters
    ----------
    file, kind, field
        As in `group_sizes`.
    groups : (int, int) or None
        Only these row groups or record batches.
    errors, repairs, missing
        As in `fastw2v.text.sources.parts.Part.read`.
    """
    with _opened(file, kind) as table:
        way = column_of(file, kind, table.schema, field)
        sizes = table.sizes()
        start, stop = groups or (0, len(sizes))
        row, behind = 1, f" from row group {start + 1:,} on" if start else ""
        n_bytes = 0
        for number in range(start, stop):
            for column in table.columns(number, way):
                for first in range(0, len(column), _MOST_ROWS):
                    part = column.slice(first, _MOST_ROWS)
                    place = _row(row + first, behind)
                    for piece in column_pieces(part, file, place, errors, repairs, missing):
                        yield piece, n_bytes
                row += len(column)
            n_bytes += sizes[number]


def _row(first: int, behind: str = "") -> Callable[[int], str]:
    return lambda number: f"row {first + number:,}{behind}"


def column_pieces(
    column: Any,
    source: str,
    place: Callable[[int], str],
    errors: Errors,
    repairs: Repairs,
    missing: MissingValues,
) -> Iterator[Piece]:
    """Yield the cells of an array of pyarrow's as text or batches of tokens."""
    import pyarrow as arrow

    if len(column) == 0:
        return
    types, name = arrow.types, shown_name(source)
    is_text = _is_text(column.type) or types.is_null(column.type)
    if types.is_string(column.type):  # whether it is UTF-8 is for `errors`
        column = column.view(arrow.binary())
    elif types.is_large_string(column.type):
        column = column.view(arrow.large_binary())
    try:
        column.validate(full=True)  # offsets of a damaged file may lead anywhere
    except arrow.ArrowException as error:
        raise CorpusError(
            f"{name}, {place(0)} and after: expected a sound column, got a damaged one "
            f"({one_line(error)}); restore the file, or write it again"
        ) from error
    if is_text:
        yield text_cells(column.to_pylist(), source, place, errors, repairs, missing)
        return
    if types.is_dictionary(column.type):
        decoded = column.dictionary_decode()
        yield from column_pieces(decoded, source, place, errors, repairs, missing)
        return
    batch = None
    if types.is_list(column.type) or types.is_large_list(column.type):
        batch = _token_batch(column, arrow)
    if batch is None:
        yield from pieces_of(column.to_pylist(), name, place, missing)
    else:
        missing.add(column.null_count, name, _first_null(column, place))
        yield batch


def _first_null(column: Any, place: Callable[[int], str]) -> str:
    if not column.null_count:
        return ""
    return place(column.is_null().to_pylist().index(True))


def _token_batch(column: Any, arrow: Any) -> TokenBatch | None:
    """Return lists of text or whole numbers as a batch, from the arrays as they are, or None.

    None where tokens are missing, are something else, or numbers have no sign and 64 bits.
    """
    from pyarrow import compute

    tokens = column.flatten()
    if arrow.types.is_dictionary(tokens.type):
        tokens = tokens.dictionary_decode()
    if tokens.null_count:
        return None
    lengths = compute.fill_null(compute.list_value_length(column), 0).to_numpy()
    sentence_ends = np.cumsum(lengths, dtype=np.int64)
    if arrow.types.is_integer(tokens.type) and tokens.type != arrow.uint64():
        return number_batch(tokens.cast(arrow.int64()).to_numpy(), sentence_ends)
    if not _is_text(tokens.type):
        return None
    tokens = tokens.cast(arrow.large_string())
    offsets = np.frombuffer(tokens.buffers()[1], np.int64) if len(tokens) else np.zeros(1, np.int64)
    offsets = offsets[tokens.offset : tokens.offset + len(tokens) + 1]
    values = tokens.buffers()[2] if len(tokens) else None
    data = b"" if values is None else memoryview(values)[offsets[0] : offsets[-1]].tobytes()
    text = np.frombuffer(data + bytes(PADDING), np.uint8)
    return TokenBatch(text, (offsets[1:] - offsets[0]).astype(np.int64), sentence_ends)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_usable(kind: Any) -> bool:
    """Tell whether a column is text, or lists of tokens; each may be coded by a dictionary."""
    from pyarrow import types

    is_list = types.is_list(kind) or types.is_large_list(kind)
    for unwrapped in (types.is_dictionary, types.is_list, types.is_large_list, types.is_dictionary):
        if unwrapped(kind):
            kind = kind.value_type
    is_number = types.is_integer(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    return _is_text(kind) or bool(types.is_null(kind)) or bool(is_list and is_number)


def columns_of(schema: Any, before: tuple[str, ...] = ()) -> dict[str, tuple[Any, list[str]]]:
    """Return type and way of each column by name; columns of others are named "outer.inner"."""
    from pyarrow import types

    found: dict[str, tuple[Any, list[str]]] = {}
    for field in schema:
        way = (*before, field.name)
        if types.is_struct(field.type):
            found |= columns_of(field.type, way)
        else:
            found[".".join(way)] = (field.type, list(way))
    return found


def column_of(source: str, kind: Kind, schema: Any, field: Field | None) -> list[str]:
    """Return the way to a column of text or of lists of text: its name, behind outer ones.

    Raises
    ------
    CorpusError
        If there is no such column; with those that there are.
    """
    columns = columns_of(schema)
    usable = [name for name, (each, _) in columns.items() if _is_usable(each)]
    require_field(source, kind, field, usable)
    if str(field) not in usable:
        raise no_such_field(source, str(field), usable, "text or list")
    return columns[str(field)][1]


def inner_column(column: Any, way: list[str]) -> Any:
    """Return the column that a way leads to, from the outermost one."""
    from pyarrow import compute

    if len(way) == 1:
        return column
    column.validate()
    return compute.struct_field(column, way[1:])


class _Parquet:
    def __init__(self, stream: Any) -> None:
        from pyarrow.parquet import ParquetFile

        # Without these it holds the whole row group that it reads.
        self._file = ParquetFile(stream, buffer_size=1 << 20, pre_buffer=False)
        self.schema = self._file.schema_arrow
        self._groups = [
            self._file.metadata.row_group(number)
            for number in range(self._file.metadata.num_row_groups)
        ]

    def sizes(self) -> list[int]:
        return [group.total_byte_size for group in self._groups]

    def columns(self, number: int, way: list[str]) -> Iterator[Any]:
        group = self._groups[number]
        rows = group.num_rows * _BATCH_BYTES // max(group.total_byte_size, 1)
        batches = self._file.iter_batches(
            max(1, min(rows, _MOST_ROWS)),
            row_groups=[number],
            columns=[".".join(way)],
            use_threads=False,
        )
        for batch in batches:
            yield inner_column(batch.column(0), way)


class _Arrow:
    def __init__(self, stream: Any) -> None:
        from pyarrow import ipc

        self._file = ipc.open_file(stream)
        self._stream = stream
        self._one_column: Any = None
        self.schema = self._file.schema

    def sizes(self) -> list[int]:
        self._stream.seek(0, 2)
        n_batches = self._file.num_record_batches
        return [self._stream.tell() // max(n_batches, 1)] * n_batches

    def columns(self, number: int, way: list[str]) -> Iterator[Any]:
        if self._one_column is None:
            from pyarrow import ipc

            place = self.schema.names.index(way[0])
            options = ipc.IpcReadOptions(included_fields=[place])
            self._one_column = ipc.open_file(self._stream, options=options)
        yield inner_column(self._one_column.get_batch(number).column(0), way)


class _ArrowStream:
    """Batches behind each other, without an index: one part."""

    def __init__(self, stream: Any) -> None:
        from pyarrow import ipc

        stream.seek(0, 2)
        self._size = stream.tell()
        stream.seek(0)
        self._batches = ipc.open_stream(stream)
        self.schema = self._batches.schema

    def sizes(self) -> list[int]:
        return [self._size]

    def columns(self, number: int, way: list[str]) -> Iterator[Any]:
        for batch in self._batches:
            yield inner_column(batch.column(way[0]), way)


@contextmanager
def _opened(file: str, kind: Kind) -> Iterator[Any]:
    arrow = optional_module("pyarrow", f"{shown_name(file)}, a table", "arrow")
    if file == STANDARD_INPUT or (not is_url(file) and is_read_once(file)):
        raise CorpusError(
            f"{shown_name(file)}: expected a {kind} file on disk, which is read from its end, got "
            "what can only be read through; name the file"
        )
    if compression_of(file):
        raise CorpusError(
            f"{file}: expected a {kind} file, which is compressed within, as it is, got it "
            f"compressed once more ({compression_of(file)}); decompress it"
        )
    with reading(file), open_bytes(file) as stream:
        try:
            yield _table(stream, kind)
        except FastW2VError:
            raise
        except arrow.ArrowException as error:
            raise CorpusError(
                f"{file}: expected a whole {kind} file, got another ({one_line(error)})"
            ) from error


def _table(stream: Any, kind: Kind) -> _Parquet | _Arrow | _ArrowStream:
    if kind == "parquet":
        return _Parquet(stream)
    magic = stream.read(6)
    stream.seek(0)
    return (_Arrow if magic == b"ARROW1" else _ArrowStream)(stream)
