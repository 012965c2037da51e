"""Vectors as lines of text, a word with its numbers: word2vec's, GloVe's and fastText's.

`WORD2VEC`, `GLOVE` and `FASTTEXT` are the three formats, as `fastw2v.formats.registry` lists them.
word2vec and fastText have a first line with the number of words and of dimensions, GloVe has none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import CorpusError, ModelFormatError, OutputError
from fastw2v.formats.compression import opened_to_write
from fastw2v.formats.vectors import Vectors, checked_vectors, require_words, white_space_refusal
from fastw2v.kernels.text import vector_text
from fastw2v.kernels.text.vector_text import parse_lines
from fastw2v.system.files import whole_file
from fastw2v.text.corpus import Progress
from fastw2v.text.files import BLOCK_BYTES, plain_size, text_blocks

__all__ = ["FASTTEXT", "GLOVE", "WORD2VEC", "LineReader", "nearest_float32", "whole_lines"]

_HEADER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18})[ \t\r]*\n")
_BYTE_ORDER_MARK = "\ufeff"
_CELLS_AT_ONCE = 1 << 18
_LONGEST_EXPONENT = 17  # digits; beyond them Decimal need not take it
_LARGEST_POWER, _SMALLEST_POWER = 40, -60  # beyond float32, by far


def read_lines(path: Path, *, has_header: bool, progress: Progress | None = None) -> Vectors:
    """Read vectors from text.

    What a header promises is believed when it has come: memory follows the file.

    Raises
    ------
    ModelFormatError
        If the file cannot be read, or a line, a number, a word or the header is not as expected.
    TextEncodingError
        If it is not UTF-8.
    """
    reader = LineReader(path, has_header)
    for data in whole_lines(path, progress):
        reader.add(data)
    return checked_vectors(path, reader.words, reader.table(), place=reader.place)


def whole_lines(path: Path, progress: Progress | None = None) -> Iterator[bytes]:
    """Yield blocks of whole lines of UTF-8; raises as `read_lines`."""
    name = str(path.absolute())
    total = plain_size(name) if progress is not None else None
    try:
        for block, n_bytes in text_blocks(name, BLOCK_BYTES):
            yield block.data
            if progress is not None:
                progress(n_bytes, total)
    except CorpusError as error:
        if type(error) is CorpusError:  # about a file, not about its encoding
            raise ModelFormatError(str(error)) from error
        raise


class LineReader:
    """Takes blocks of whole lines one after another, in order.

    Parameters
    ----------
    path : Path
        What messages call the file.
    has_header : bool
        Whether the first line has both sizes.

    Attributes
    ----------
    words : list of str
        Those read so far.
    """

    def __init__(self, path: Path, has_header: bool) -> None:
        self._path = path
        self._has_header = has_header
        self._n_promised: int | None = None
        self._dimensions = 0
        self.words: list[str] = []
        self._tables: list[NDArray[np.float32]] = []

    def add(self, data: bytes) -> None:
        """Read some whole lines."""
        if not self._dimensions:
            data = self._begin(data)
        if not data:  # a block of the first line alone, before a very long one
            return
        dimensions = self._dimensions
        # A line has a word, and for each number a space and a digit, at least.
        room = min(data.count(b"\n"), len(data) // (2 * dimensions + 2))
        table = np.empty((room, dimensions), np.float32)
        starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
        open_cells = np.empty((room * dimensions, 2), np.int64)
        text = np.frombuffer(data, np.uint8)
        n_lines, n_open, problem, at = parse_lines(text, len(data), table, ends, starts, open_cells)
        if problem != vector_text.FINE:
            raise self._refusal(data, n_lines, problem, at)
        for cell, begin in open_cells[:n_open].tolist():
            number = data[begin : begin + data[begin:].find(b"\n")].split(None, 1)[0].decode()
            table.flat[cell] = nearest_float32(number)
        bounds = zip(starts[:n_lines].tolist(), ends[:n_lines].tolist(), strict=True)
        self.words.extend([data[start:end].decode() for start, end in bounds])
        self._tables.append(table[:n_lines])
        if self._n_promised is not None and len(self.words) > self._n_promised:
            raise ModelFormatError(
                f"{self._path}: expected {self._n_promised:,} vectors, as its first line says, got "
                f"more at {self.place(self._n_promised)}; correct the first line"
            )

    def table(self) -> NDArray[np.float32]:
        """Return the numbers of all lines, once: what they were kept in is given back."""
        n_words, promised = len(self.words), self._n_promised
        if not self._dimensions:
            raise ModelFormatError(f"{self._path}: expected vectors, the file is empty")
        if promised is not None and n_words < promised:
            raise ModelFormatError(
                f"{self._path}: expected {promised:,} vectors, as its first line says, got "
                f"{n_words:,} before its end; the file is cut: fetch or write it again"
            )
        table = np.empty((n_words, self._dimensions), np.float32)
        first = 0
        self._tables.reverse()
        while self._tables:  # each part is given back as soon as it is copied
            part = self._tables.pop()
            table[first : first + len(part)] = part
            first += len(part)
        return table

    def _begin(self, data: bytes) -> bytes:
        if not self._has_header:
            line = data[: data.index(b"\n")]
            self._dimensions = len(line.rstrip(b" \t\r").split(b" ")) - 1
            if self._dimensions < 1:
                raise ModelFormatError(
                    f"{self._path}: expected a word and its numbers at line 1, got "
                    f"{_shown(line.decode())}"
                )
            return data
        found = _HEADER.match(data)
        if not found or 0 in (counts := [int(number) for number in found.groups()]):
            line = data[: data.index(b"\n")]
            raise ModelFormatError(
                f"{self._path}: expected the number of vectors and that of dimensions at line 1, "
                f"got {_shown(line.decode())}; a file without such a line is in the format 'glove'"
            )
        self._n_promised, self._dimensions = counts
        return data[found.end() :]

    def place(self, row: int) -> str:
        """Return where a row stands."""
        return f"line {row + 1 + self._has_header}"

    def _refusal(self, data: bytes, row: int, problem: int, at: int) -> ModelFormatError:
        line = data[at : data.index(b"\n", at)].decode()
        place = self.place(len(self.words) + row)
        if problem == vector_text.NO_NUMBER:
            field = line.split(" ", 1)[0]
            return ModelFormatError(
                f"{self._path}: expected a finite number at {place}, got {_shown(field)}"
            )
        if problem == vector_text.NO_WORD:
            return ModelFormatError(
                f"{self._path}: expected a word at the beginning of {place}, got {_shown(line)}"
            )
        n_numbers = len(line.rstrip(" \t\r").split(" ")) - 1
        return ModelFormatError(
            f"{self._path}: expected a word and {self._dimensions:,} numbers, parted by single "
            f"spaces, at {place}, got {n_numbers:,} numbers: {_shown(line)}"
        )


def nearest_float32(number: str) -> np.float32:
    """Return the float32 nearest to a decimal number, of two equally near the even one.

    Parsing as float64 and rounding again would not always be that.
    """
    mantissa, _, exponent = number.lower().partition("e")
    if len(exponent.lstrip("+-0")) > _LONGEST_EXPONENT:
        is_zero = exponent.startswith("-") or not mantissa.strip("+-0.")
        return np.float32(("-" if number.startswith("-") else "") + ("0" if is_zero else "inf"))
    exact = Decimal(number)
    if exact.adjusted() > _LARGEST_POWER:
        return np.float32("-inf" if exact < 0 else "inf")
    if exact == 0 or exact.adjusted() < _SMALLEST_POWER:
        return np.float32(-0.0 if exact.is_signed() else 0.0)
    value = Fraction(exact)
    with np.errstate(over="ignore"):
        near = np.float32(float(exact))
    if np.isinf(near):
        # Half a unit above the largest float32 everything becomes infinite.
        largest = np.finfo(np.float32).max
        is_infinite = abs(value) >= Fraction(2) ** 128 - Fraction(2) ** 103
        return near if is_infinite else np.float32(np.copysign(largest, near))
    around = [np.nextafter(near, np.float32("-inf")), near, np.nextafter(near, np.float32("inf"))]
    finite = [other for other in around if np.isfinite(other)]

    def distance(other: np.float32) -> tuple[Fraction, int]:
        return abs(Fraction(float(other)) - value), int(other.view(np.uint32)) & 1

    nearest = min(finite, key=distance)
    return np.float32(np.copysign(nearest, -1.0 if exact < 0 else 1.0))


def write_lines(
    vectors: Vectors,
    target: Path,
    form: str,
    *,
    has_header: bool,
    progress: Progress | None = None,
) -> None:
    """Write vectors as text; reading gives the same bits, by as few digits as do that.

    Raises
    ------
    OutputError
        If it cannot be written, or a word holds white space, which ends a word.
    """
    import orjson

    words, table = vectors.words, np.ascontiguousarray(vectors.vectors, np.float32)
    require_words(target, form, words, white_space_refusal)
    if not has_header and words[0].startswith(_BYTE_ORDER_MARK):
        raise OutputError(
            f"{target}: the {form} format cannot begin with the word {words[0]!r}, whose first "
            "character, U+FEFF, is taken for a mark of the encoding there; export to word2vec"
        )
    at_once = max(1, _CELLS_AT_ONCE // table.shape[1])
    with whole_file(target) as temporary, opened_to_write(temporary) as file:
        if has_header:
            file.write(b"%d %d\n" % table.shape)
        for first in range(0, len(words), at_once):
            block = table[first : first + at_once]
            numbers = orjson.dumps(block, option=orjson.OPT_SERIALIZE_NUMPY)
            lines = numbers[2:-2].replace(b",", b" ").split(b"] [")
            if progress is not None:
                progress(first, len(words))
            named = zip(words[first : first + at_once], lines, strict=True)
            file.write(b"".join([b"%b %b\n" % (word.encode(), line) for word, line in named]))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


@dataclass(frozen=True)
class TextFormat:
    """A text format: its name, and whether a first line has both sizes."""

    name: str
    has_header: bool

    def read(self, path: Path, progress: Progress | None = None) -> Vectors:
        """Read a file; see `read_lines`."""
        return read_lines(path, has_header=self.has_header, progress=progress)

    def write(self, vectors: Vectors, target: Path, progress: Progress | None = None) -> None:
        """Write a file; see `write_lines`."""
        write_lines(vectors, target, self.name, has_header=self.has_header, progress=progress)


WORD2VEC = TextFormat("word2vec", has_header=True)
GLOVE = TextFormat("glove", has_header=False)
FASTTEXT = TextFormat("fasttext", has_header=True)
