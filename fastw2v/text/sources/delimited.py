"""CSV and TSV files: one column, by its name in the first row or by its number."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator

from fastw2v.config import Errors, Kind
from fastw2v.errors import CorpusError, FastW2VError, one_line
from fastw2v.system.dependencies import optional_module
from fastw2v.text.encoding import Repairs, valid_utf8
from fastw2v.text.files import TextBlock, shown_name
from fastw2v.text.sources.cells import places_of_lines
from fastw2v.text.sources.kinds import Field, MissingValues, no_such_field, require_field
from fastw2v.text.sources.streams import ChunkStream

__all__ = ["check_delimited", "read_delimited", "text_cells"]

_DELIMITERS = ",;\t|"
_BLOCK_BYTES = 16 << 20  # no row may be longer
_LAST = b"\x1aend of fastw2v's input\x1a"


def read_delimited(
    chunks: Iterator[bytes],
    source: str,
    kind: Kind,
    field: Field | None,
    first: bytes,
    errors: Errors,
    repairs: Repairs,
    missing: MissingValues,
) -> Iterator[tuple[TextBlock, int]]:
    """Yield the text of a column, each block with the number of bytes read by then.

    Cells may be quoted, and hold line ends and delimiters then. An empty cell is a missing value.

    Parameters
    ----------
    chunks : iterator of bytes
        The whole file.
    source : str
    kind : {"csv", "tsv"}
        A CSV file is cut at whichever of ``, ; | TAB`` is most frequent in its first row.
    field : str or int
        A name that stands in the first row, or the number of a column, from 1: then the first row
        is text as well.
    first : bytes
        The beginning of the file.
    errors, repairs, missing
        As in `fastw2v.text.sources.parts.Part.read`.

    Raises
    ------
    CorpusError
        If there is no such column, or a row has too few or too many.
    """
    header, delimiter = _header(first, kind)
    number = _column(source, kind, field, header)
    arrow = optional_module("pyarrow", f"{shown_name(source)}, a table", "arrow")
    from pyarrow import csv as arrow_csv

    # An open quote would take all that follows into one cell: then this row does not come out.
    last_row = delimiter.encode().join([_LAST] * len(header)) + b"\n"
    # pyarrow counts blank lines before the header among the rows.
    blank = len(first) - len(first.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"))
    stream = ChunkStream(_with_last_row(_behind(chunks, blank), last_row))
    has_header = isinstance(field, str)
    name = f"f{number}"
    try:
        batches = arrow_csv.open_csv(
            arrow.PythonFile(io.BufferedReader(stream, 1 << 20), mode="r"),
            read_options=arrow_csv.ReadOptions(
                block_size=_BLOCK_BYTES,
                autogenerate_column_names=True,
                skip_rows_after_names=int(has_header),
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=[name], column_types={name: arrow.binary()}, check_utf8=False
            ),
        )
        row = 1 + has_header
        is_whole = False
        for batch in batches:
            cells = batch.column(0).to_pylist()
            if cells and cells[-1] == _LAST:
                is_whole = True
                cells.pop()
            # How a missing value is written in such a file.
            cells = [cell or None for cell in cells]
            if cells:
                block = text_cells(cells, source, _row(row), errors, repairs, missing)
                yield block, stream.n_bytes
            row += len(cells)
        if not is_whole:
            raise CorpusError(
                f"{shown_name(source)}: expected quotes that are closed, got one that is open to "
                f"the end of the file, in a row before {row:,}; close it"
            )
    except FastW2VError:
        raise
    except arrow.ArrowException as error:
        raise CorpusError(
            f"{shown_name(source)}: expected rows of {len(header)} columns, of at most "
            f"{_BLOCK_BYTES >> 20} MiB each, got others ({one_line(error)}); mend it, quote cells "
            "that hold the delimiter, or read it otherwise with --read-as"
        ) from error


def _behind(chunks: Iterator[bytes], n_bytes: int) -> Iterator[bytes]:
    """Yield what stands behind so many first bytes."""
    for chunk in chunks:
        if rest := chunk[n_bytes:]:
            yield rest
        n_bytes = max(n_bytes - len(chunk), 0)


def _with_last_row(chunks: Iterator[bytes], row: bytes) -> Iterator[bytes]:
    last = b"\n"
    for chunk in chunks:
        yield chunk
        last = chunk[-1:]
    yield row if last == b"\n" else b"\n" + row


def check_delimited(source: str, kind: Kind, field: Field | None, first: bytes) -> None:
    """Refuse a file by its first bytes if it has no such column; errors as `read_delimited`."""
    _column(source, kind, field, _header(first, kind)[0])


def _header(first: bytes, kind: Kind) -> tuple[list[str], str]:
    """Return the cells of the first row, and the delimiter."""
    text = first.decode("utf-8-sig", errors="replace").lstrip("\r\n")
    delimiter = "\t"
    if kind == "csv":
        seen = Counter(_unquoted_line(text))
        delimiter = max(_DELIMITERS, key=lambda mark: seen[mark])
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return next(rows, []), delimiter
    except csv.Error:  # a very long first cell
        return [], delimiter


def _unquoted_line(text: str) -> Iterator[str]:
    """Yield the characters of the first row that are not within quotes."""
    is_quoted = False
    for character in text:
        if character == '"':
            is_quoted = not is_quoted
        elif not is_quoted:
            if character in "\r\n":
                return
            yield character


def _column(source: str, kind: Kind, field: Field | None, header: list[str]) -> int:
    """Return the place, from 0, of the column that was named."""
    require_field(source, kind, field, header)
    if isinstance(field, int):
        if header and not 1 <= field <= len(header):
            raise CorpusError(
                f"{shown_name(source)}: expected the number of a column, 1 to {len(header)}, got "
                f"{field}; its first row is {', '.join(map(repr, header[:20]))}"
            )
        return field - 1
    places = [place for place, name in enumerate(header) if name == field]
    if not places:
        places = [place for place, name in enumerate(header) if name.strip() == field]
    if not places:
        raise no_such_field(source, str(field), header)
    if len(places) > 1:
        raise CorpusError(
            f"{shown_name(source)}: expected one column {field!r}, got {len(places)} of that name; "
            "name it by its number"
        )
    return places[0]


def _row(first: int) -> Callable[[int], str]:
    return lambda number: f"row {first + number:,}"


def text_cells(
    cells: list[bytes | None],
    source: str,
    place: Callable[[int], str],
    errors: Errors,
    repairs: Repairs,
    missing: MissingValues,
) -> TextBlock:
    """Return cells of text, None for missing ones, as a block of lines.

    Raises
    ------
    TextEncodingError
        If a cell is not UTF-8, and `errors` does not help.
    """
    name = shown_name(source)
    lacking = [number for number, cell in enumerate(cells) if cell is None]
    if lacking:
        missing.add(len(lacking), name, place(lacking[0]))
    data = b"\n".join(cell or b"" for cell in cells) + b"\n"
    try:
        if not data.isascii():
            data.decode()
    except UnicodeDecodeError:
        repaired = []
        for number, cell in enumerate(cells):
            found = Repairs()
            where = f"{name}, {place(number)}"
            repaired.append(valid_utf8((cell or b"") + b"\n", where, 0, errors, found))
            if found.n_sequences:
                repairs.first = repairs.first or where
                repairs.add(found.n_sequences, name, 0)
        data = b"".join(repaired)
    return TextBlock(data, name, 0, places_of_lines(cells, b"\n", place))
