"""JSON lines: an object a line, of which one field is read; or a text or list a line."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import accumulate, count
from typing import Any

import orjson

from fastw2v.errors import CorpusError
from fastw2v.text.batches import described
from fastw2v.text.files import TextBlock, shown_name
from fastw2v.text.sources.cells import Piece, pieces_of
from fastw2v.text.sources.kinds import Field, MissingValues, no_such_field, require_field

__all__ = ["check_json_lines", "field_of", "fields_of", "has_field", "read_json_lines"]

_LOOK_LINES = 1000
_ARRAY = "write an array as lines with: jq -c '.[]' OLD > NEW"


def check_json_lines(file: str, first: bytes, field: Field | None) -> None:
    """Refuse a file by its first bytes: no field was named, or none of the first lines has it.

    Raises
    ------
    CorpusError
        With the fields that there are.
    """
    records: list[dict[str, Any]] = []
    for line in first.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:_LOOK_LINES]:
        try:
            record = orjson.loads(line)
        except ValueError:  # a blank or cut line; reading tells of others
            continue
        if isinstance(record, dict):
            records.append(record)
    if not records:
        return
    names = list(dict.fromkeys(name for record in records for name in fields_of(record)))
    require_field(file, "jsonl", field, names)
    if not any(has_field(record, str(field)) for record in records):
        raise no_such_field(file, str(field), names)


def fields_of(record: Mapping[Any, Any], before: str = "") -> list[str]:
    """Return the names of a record's fields, those within fields as "outer.inner"."""
    names = []
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            names += fields_of(value, f"{before}{name}.")
        else:
            names.append(f"{before}{name}")
    return names


def has_field(record: Any, name: str) -> bool:
    """Return whether a record has a field, "outer.inner" too; its value may be null."""
    if not isinstance(record, Mapping):
        return False
    outer, _, inner = name.partition(".")
    return name in record or (bool(inner) and has_field(record.get(outer), inner))


def field_of(record: Any, name: str) -> Any:
    """Return the value of a field, "outer.inner" too; None where it is missing.

    Raises
    ------
    TypeError
        If something else than an object stands where a field of one was asked for.
    """
    if record is None:
        return None
    if not isinstance(record, Mapping):
        raise TypeError(f"expected an object with the field {name!r}, got {described(record)}")
    if name in record or "." not in name:
        return record.get(name)
    outer, _, inner = name.partition(".")
    return field_of(record.get(outer), inner)


def read_json_lines(
    blocks: Iterable[tuple[TextBlock, int]],
    field: Field | None,
    missing: MissingValues,
    first_line: int | None = 1,
    restored: Callable[[Any], Any] | None = None,
) -> Iterator[tuple[Piece, int]]:
    """Yield what a field holds, each piece with the number of bytes up to its end.

    Parameters
    ----------
    blocks : iterable of (TextBlock, int)
        Whole lines, as `fastw2v.text.files.blocks_of` gives them.
    field : str or None
        None: lines are texts or lists of tokens themselves.
    missing : MissingValues
    first_line : int or None
        The number of the first line; None if that is not known.
    restored : callable, optional
        Makes of a line's value what it stands for.

    Raises
    ------
    CorpusError
        If a line is no JSON, or not an object with such a field.
    """
    for block, n_bytes in blocks:
        lines = block.data.split(b"\n")
        if restored is None:
            values = _values(lines, block, field, first_line)
        else:
            values = [restored(orjson.loads(line)) for line in lines if line]
        place = _places(lines, block, first_line)
        for piece in pieces_of(values, shown_name(block.source), place, missing):
            yield piece, n_bytes
        first_line = None if first_line is None else first_line + len(lines) - 1


def _values(
    lines: list[bytes], block: TextBlock, field: Field | None, first_line: int | None
) -> list[Any]:
    loads, name = orjson.loads, str(field)
    try:
        if field is not None and "." not in name:
            return [loads(line).get(name) for line in lines if line]
        if field is not None:
            return [field_of(loads(line), name) for line in lines if line]
    except (ValueError, TypeError, AttributeError):
        pass
    values: list[Any] = []
    place = _places(lines, block, first_line)

    def where() -> str:
        return f"{shown_name(block.source)}, {place(len(values))}"

    for line in lines:
        if not line.strip():
            continue
        try:
            record = loads(line)
            value = record if field is None else field_of(record, name)
        except ValueError as error:
            raise CorpusError(
                f"{where()}: expected a line of JSON, got another ({error}); {_ARRAY}"
            ) from error
        except TypeError as error:
            raise CorpusError(f"{where()}: {error}; {_ARRAY}") from None
        if field is None and isinstance(record, dict):
            require_field(block.source, "jsonl", None, fields_of(record))
        if field is None and isinstance(record, list) and record and isinstance(record[0], dict):
            raise CorpusError(
                f"{where()}: expected a text or a list of tokens, got an array of objects; {_ARRAY}"
            )
        values.append(value)
    return values


def _places(lines: list[bytes], block: TextBlock, first_line: int | None) -> Callable[[int], str]:
    """Return what names the place of a value, blank lines left out."""

    @cache  # of a block whose lines are not as expected, many places may be asked for
    def starts() -> list[int]:
        sizes = (len(line) + 1 for line in lines)
        ways = accumulate(sizes, initial=block.offset) if first_line is None else count(first_line)
        return [start for start, line in zip(ways, lines, strict=False) if line.strip()]

    unit = "the line at byte" if first_line is None else "line"
    return lambda number: f"{unit} {starts()[number]:,}"
