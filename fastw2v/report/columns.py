"""What a user knows of words beside their vectors: columns of a table, to colour a map by."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastw2v.errors import ConfigurationError
from fastw2v.text.files import BLOCK_BYTES, text_blocks

__all__ = ["Column", "WordColumns", "read_columns"]


@dataclass(frozen=True)
class Column:
    """One column: a value for some of the words.

    Attributes
    ----------
    name : str
    values : dict of str to str or float
        By word. All are numbers if each can be read as a finite one, or else all are text.
    """

    name: str
    values: Mapping[str, str | float]

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers."""
        return all(isinstance(value, float) for value in self.values.values())


@dataclass(frozen=True)
class WordColumns:
    """A table of words.

    Attributes
    ----------
    path : str
        Its file, for messages.
    words : dict of str to int
        Every word of the table with its line.
    columns : tuple of Column
    """

    path: str
    words: Mapping[str, int]
    columns: tuple[Column, ...]


def read_columns(path: str | Path) -> WordColumns:
    """Read a table whose first line names its columns and whose first column has the words.

    Parameters
    ----------
    path : path
        UTF-8 text, parted by tabs, compressed or not. An empty field says nothing of its word.

    Raises
    ------
    ConfigurationError
        If a line has another number of fields than the first, a word comes twice, or a column has
        no name, that of another, or no value at all.
    CorpusError
        If the file cannot be read or is no text.
    """
    lines = _lines(path)
    _, heading = next(lines, (1, [""]))
    names = [name.strip() for name in heading[1:]]
    if not names or not all(names) or len(set(names)) < len(names):
        raise ConfigurationError(
            f"columns: {path}: line 1: expected word<TAB>NAME<TAB>..., a name for each column and "
            f"each once, got {chr(9).join(heading)[:60]!r}"
        )
    words: dict[str, int] = {}
    rows: list[dict[str, str]] = [{} for _ in names]
    for number, (word, *fields) in lines:
        if len(fields) != len(names):
            raise ConfigurationError(
                f"columns: {path}: line {number}: expected {len(names) + 1} fields parted by tabs, "
                f"as line 1 has, got {len(fields) + 1}"
            )
        if word in words:
            raise ConfigurationError(
                f"columns: {path}: line {number}: expected each word once, got {word!r} again, "
                f"which is in line {words[word]}; keep one of them"
            )
        words[word] = number
        for values, field in zip(rows, fields, strict=True):
            if field.strip():
                values[word] = field.strip()
    for name, values in zip(names, rows, strict=True):
        if not values:
            raise ConfigurationError(
                f"columns: {path}: expected values in the column {name!r}, got none"
            )
    columns = (Column(name, _typed(row)) for name, row in zip(names, rows, strict=True))
    return WordColumns(str(path), words, tuple(columns))


def _lines(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and fields of every line that is not empty."""
    number = 0
    for block, _ in text_blocks(str(Path(path).absolute()), BLOCK_BYTES):
        for line in block.data.decode().split("\n")[:-1]:
            number += 1
            if line.strip():
                yield number, line.rstrip("\r").split("\t")


def _typed(row: Mapping[str, str]) -> Mapping[str, str | float]:
    numbers: dict[str, str | float] = {}
    for word, value in row.items():
        try:
            number = float(value)
        except ValueError:
            return dict(row)
        if not math.isfinite(number):
            return dict(row)
        numbers[word] = number
    return numbers
