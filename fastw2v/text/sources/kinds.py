"""Of which kind a file is, by its name and its first bytes, and which field of it is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from fastw2v.config import Kind
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.system.file_kinds import LOOK_BYTES as CONTENT_BYTES
from fastw2v.system.file_kinds import kind_of
from fastw2v.text.files import COMPRESSED, shown_name
from fastw2v.text.sources.streams import is_url

__all__ = [
    "LOOK_BYTES",
    "TABLES",
    "Field",
    "MissingValues",
    "checked_kind",
    "compression_of",
    "kind_by_content",
    "kind_by_name",
    "no_such_field",
    "require_field",
    "require_no_field",
    "shown_fields",
]

Field = str | int
"""The name of a field or column, or the number of a column, from 1, of a CSV file."""

LOOK_BYTES = 1 << 20
"""So many first bytes tell the kind of a file and the fields of JSON lines."""
TABLES: tuple[Kind, ...] = ("parquet", "arrow")
_SUFFIXES: dict[str, Kind] = {
    **dict.fromkeys((".jsonl", ".ndjson", ".jsonlines", ".json"), "jsonl"),
    ".csv": "csv",
    **dict.fromkeys((".tsv", ".tab"), "tsv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".arrows", ".feather", ".ipc"), "arrow"),
}
_NAMES: dict[Kind, str] = {
    "text": "plain text",
    "jsonl": "JSON lines",
    "csv": "a CSV file",
    "tsv": "a TSV file",
    "parquet": "a Parquet file",
    "arrow": "an Arrow file",
}
_MOST_SHOWN = 20


@dataclass
class MissingValues:
    """Values that were missing in a field; it grows while a corpus is read.

    Attributes
    ----------
    n_values : int
        Fields without a value (empty sentences), and values missing within lists of tokens.
    n_files : int
        Files, or objects, that lack them.
    first : str
        Where the first is.
    """

    n_values: int = 0
    n_files: int = 0
    first: str = ""
    _last_file: str = ""

    def add(self, n_values: int, source: str, place: str) -> None:
        """Count values of one source, the first of them at a place."""
        if not n_values:
            return
        self.first = self.first or f"{source}, {place}"
        self.n_files += source != self._last_file
        self._last_file = source
        self.n_values += n_values

    def sentence(self, field: Field | None) -> str:
        """Return a sentence about them for a person."""
        plural, files = "s" * (self.n_values != 1), "s" * (self.n_files != 1)
        where = f" of {field!r}" if field is not None else ""
        return (
            f"{self.n_values:,} value{plural}{where} missing in {self.n_files:,} source{files}, "
            f"read as no token; the first: {self.first}"
        )


def _name_of(file: str) -> Path:
    """Return the name of a file, or the path of a URL without its query."""
    return Path(file.partition("?")[0] if is_url(file) else file)


def compression_of(file: str) -> str:
    """Return the suffix that says how a file is compressed; nothing if it is not."""
    suffix = _name_of(file).suffix.lower()
    return suffix if suffix in COMPRESSED else ""


def kind_by_name(file: str) -> Kind | None:
    """Return the kind that a file's name says; None if it says nothing."""
    name = _name_of(file)
    while name.suffix.lower() in COMPRESSED:
        name = name.with_suffix("")
    return _SUFFIXES.get(name.suffix.lower())


def kind_by_content(file: str, first: bytes) -> Kind:
    """Return the kind of a file whose name says nothing, by its first bytes.

    JSON lines are recognised by a first line that is an object; plain text hardly has one.
    """
    kind = kind_of(first[:CONTENT_BYTES])
    if kind is not None and kind.table is not None:
        return kind.table
    line = first.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    if line.startswith(b"{"):
        import orjson

        try:
            if orjson.loads(line):
                return "jsonl"
        except ValueError:
            pass
    return "text"


def checked_kind(read_as: Any) -> None:
    """Raise `ConfigurationError` if there is no such kind."""
    if read_as is not None and read_as not in get_args(Kind):
        allowed = ", ".join(map(repr, get_args(Kind)))
        raise ConfigurationError(f"read_as: expected one of {allowed}, got {read_as!r}")


def shown_fields(names: list[str]) -> str:
    """Return names of fields for a message."""
    shown = ", ".join(map(repr, names[:_MOST_SHOWN])) or "none"
    more = len(names) - _MOST_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def require_field(file: str, kind: Kind, field: Field | None, names: list[str]) -> None:
    """Raise `CorpusError` if no field was named of a file that has fields."""
    if field is None:
        otherwise = ""
        if kind not in TABLES:
            otherwise = ", or read all of it as plain text with --read-as text (read_as='text')"
        raise CorpusError(
            f"{shown_name(file)}: expected the field that holds the text to be named, since it is "
            f"{_NAMES[kind]}; it has {shown_fields(names)}; name one with --field (field=...)"
            f"{otherwise}"
        )


def require_no_field(file: str, field: Field | None) -> None:
    """Raise `CorpusError` if a field was named of plain text."""
    if field is not None:
        raise CorpusError(
            f"{shown_name(file)}: expected a file with the field {field!r}, got plain text; name "
            "only files that have it, or say what this is with --read-as (read_as=...): "
            f"{', '.join(kind for kind in get_args(Kind) if kind != 'text')}"
        )


def no_such_field(source: str, field: Field, names: list[str], kind: str = "") -> CorpusError:
    """Return the error for a field that a source does not have."""
    usable = f" {kind}" if kind else ""
    return CorpusError(
        f"{shown_name(source)}: expected one of its{usable} fields {shown_fields(names)}, got "
        f"{field!r}; name one of them"
    )
