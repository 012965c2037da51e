"""Vectors as lines of text, a word with its numbers: word2vec's, GloVe's and fastText's.

`WORD2VEC`, `GLOVE` and `FASTTEXT` are the three formats, as `fastw2v.formats.registry` lists them.
word2vec and fastText have a first line with the number of words and of dimensions, GloVe has none.
A word ends at the first space; at the first tab where the first row has one, as wikipedia2vec's do.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import CorpusError, ModelFormatError, UnwritableWordError
from fastw2v.formats.compression import opened_to_write
from fastw2v.formats.line_parts import NUMBER, SIZES
from fastw2v.formats.vectors import (
    Vectors,
    checked_vectors,
    joined_rows,
    require_writable_words,
    white_space_refusal,
)
from fastw2v.kernels.text import vector_text
from fastw2v.kernels.text.vector_text import parse_lines
from fastw2v.system.files import whole_file
from fastw2v.text.corpus import Progress
from fastw2v.text.files import BLOCK_BYTES, plain_size, text_blocks

__all__ = ["FASTTEXT", "GLOVE", "WORD2VEC", "LineReader", "nearest_float32", "whole_lines"]

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_SPACE, _TAB = b" ", b"\t"
_SPLIT_RIGHT = (
    "if words hold blanks, read it with split_right=True, or convert it first: fastw2v convert "
    "--split-right"
)
_BYTE_ORDER_MARK = codecs.BOM_UTF8.decode()
_CELLS_AT_ONCE = 1 << 18
_LONGEST_EXPONENT = 17  # digits; beyond them Decimal need not take it
_LARGEST_POWER, _SMALLEST_POWER = 40, -60  # beyond float32, by far


def read_lines(
    path: Path,
    *,
    has_header: bool,
    progress: Progress | None = None,
    split_right: bool = False,
) -> Vectors:
    """Read vectors from text.

    What a header promises is believed when it has come: memory follows the file. With `split_right`
    a word is all that stands before as many numbers as there are dimensions: without a header,
    before the last numbers of the first line.

    Raises
    ------
    ModelFormatError
        If the file cannot be read, or a line, a number, a word or the header is not as expected.
    TextEncodingError
        If it is not UTF-8.
    """
    reader = LineReader(path, has_header, split_right=split_right)
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
    split_right : bool
        Whether words may hold blanks, see `read_lines`.

    Attributes
    ----------
    words : list of str
        Those read so far.
    """

    def __init__(self, path: Path, has_header: bool, *, split_right: bool = False) -> None:
        self._path = path
        self._has_header = has_header
        self._split_right = split_right
        self._word_end = b""  # known from the first row on
        self._is_at_end = False  # a blank line has come
        self._n_promised: int | None = None
        self._dimensions = 0
        self.words: list[str] = []
        self._tables: list[NDArray[np.float32]] = []

    def add(self, data: bytes) -> None:
        """Read some whole lines."""
        if not self._dimensions and self._has_header:
            data = self._behind_header(data)
        data = self._without_blank_end(data)
        if not data:
            return
        if not self._word_end:
            self._begin(data[: data.index(b"\n")])
        dimensions = self._dimensions
        # A line has a word, and for each number a space and a digit, at least.
        room = min(data.count(b"\n"), len(data) // (2 * dimensions + 2))
        table = np.empty((room, dimensions), np.float32)
        starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
        open_cells = np.empty((room * dimensions, 2), np.int64)
        text = np.frombuffer(data, np.uint8)
        n_lines, n_open, problem, at = parse_lines(
            text, len(data), table, ends, starts, open_cells, ord(self._word_end), self._split_right
        )
        if problem != vector_text.FINE:
            raise self._refusal(data, n_lines, problem, at)
        for cell, begin in open_cells[:n_open].tolist():
            number = data[begin : begin + data[begin:].find(b"\n")].split(None, 1)[0].decode()
            table.flat[cell] = nearest_float32(number)
        bounds = zip(starts[:n_lines].tolist(), ends[:n_lines].tolist(), strict=True)
        words = [data[start:end].decode() for start, end in bounds]
        if self._word_end == _SPACE and _TAB in data:
            self._require_no_tabs(words)
        self.words.extend(words)
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
        return joined_rows(self._tables, self._dimensions)

    def _behind_header(self, data: bytes) -> bytes:
        """Take both sizes from the first line, and return the rest."""
        line = data[: data.index(b"\n")]
        found = SIZES.fullmatch(line)
        if not found or 0 in (counts := [int(number) for number in found.groups()]):
            raise ModelFormatError(
                f"{self._path}: expected the number of vectors and that of dimensions at line 1, "
                f"got {_shown(line.decode())}; a file without such a line is in the format 'glove'"
            )
        self._n_promised, self._dimensions = counts
        return data[len(line) + 1 :]

    def _without_blank_end(self, data: bytes) -> bytes:
        """Return lines without blank ones at their end, which only the end of a file may have."""
        end = data.find(b"\n", len(data.rstrip(b" \t\r\n"))) + 1 if data.strip() else 0
        if end and self._is_at_end:
            blank = self.place(len(self.words))
            raise ModelFormatError(
                f"{self._path}: expected a word at the beginning of {blank}, got ''"
            )
        self._is_at_end = self._is_at_end or end < len(data)
        return data[:end]

    def _begin(self, line: bytes) -> None:
        """Find out from the first row how words end, and without a header the dimensions."""
        behind_tab = line.partition(_TAB)[2].split()
        self._word_end = _TAB if behind_tab and _is_almost_number(behind_tab[0]) else _SPACE
        if self._split_right:
            self._word_end = _TAB  # numbers may then be parted by both
        if self._dimensions:
            return
        line = line.rstrip(b" \t\r")
        if self._split_right:
            fields = line.replace(_TAB, _SPACE).split(_SPACE)[:0:-1]
            self._dimensions = sum(1 for _ in takewhile(NUMBER.fullmatch, fields))
        elif self._word_end == _TAB:
            self._dimensions = len(line.partition(_TAB)[2].replace(_TAB, _SPACE).split(_SPACE))
        else:
            self._dimensions = len(line.split(_SPACE)) - 1
        if self._dimensions < 1:
            raise ModelFormatError(
                f"{self._path}: expected a word and its numbers at line 1, got "
                f"{_shown(line.decode())}"
            )

    def _require_no_tabs(self, words: list[str]) -> None:
        """Raise an error for a word that holds a number behind a tab: rows of another kind."""
        for row, word in enumerate(words, len(self.words)):
            tail = word.rpartition("\t")
            if tail[1] and _is_almost_number(tail[2].encode()):
                raise ModelFormatError(
                    f"{self._path}: expected a word that ends at a blank at {self.place(row)}, as "
                    f"those of the first row do, got one that goes on behind a tab: {_shown(word)}"
                )

    def place(self, row: int) -> str:
        """Return where a row stands."""
        return f"line {row + 1 + self._has_header}"

    def _taken_apart(self, line: str) -> tuple[str, int]:
        """Return the word of a line, and how many fields stand behind it, for messages."""
        line = line.rstrip(" \t\r")
        if self._split_right:
            fields = re.split(r"[ \t]", line)
            return " ".join(fields[: -self._dimensions] or fields[:1]), len(fields) - 1
        word, mark, rest = line.partition(self._word_end.decode())
        return word, len(re.split(r"[ \t]" if mark == "\t" else " ", rest)) if mark else 0

    def _refusal(self, data: bytes, row: int, problem: int, at: int) -> ModelFormatError:
        start = data.rfind(b"\n", 0, at) + 1
        line = data[start : data.index(b"\n", at)].decode()
        place = self.place(len(self.words) + row)
        word, n_numbers = self._taken_apart(line)
        hint = "" if self._split_right else f"; {_SPLIT_RIGHT}"
        if problem == vector_text.NO_NUMBER:
            field = re.split(r"[ \t]", data[at : data.index(b"\n", at)].decode(), maxsplit=1)[0]
            if _DECIMAL_COMMA.fullmatch(field):
                hint = "; numbers have a point before their fraction"
            elif not field or _is_almost_number(field.encode()):
                hint = ""
            return ModelFormatError(
                f"{self._path}: expected a finite number at {place}, got {_shown(field)} in the "
                f"row of {_shown(word)}{hint}"
            )
        if problem == vector_text.NO_WORD:
            return ModelFormatError(
                f"{self._path}: expected a word at the beginning of {place}, got {_shown(line)}"
            )
        return ModelFormatError(
            f"{self._path}: expected a word and {self._dimensions:,} numbers, parted by single "
            f"spaces, at {place}, got {n_numbers:,} numbers: {_shown(line)}"
            + (hint if n_numbers > self._dimensions else "")
        )


def _is_almost_number(field: bytes) -> bool:
    """Tell whether a field is a number, or was meant to be one."""
    text = field.decode(errors="replace")
    if NUMBER.fullmatch(field) or _DECIMAL_COMMA.fullmatch(text):
        return True
    return text.lower().lstrip("+-") in ("nan", "inf", "infinity")


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
        If it cannot be written.
    UnwritableWordError
        If a word holds white space, which ends a word.
    """
    import orjson

    words, table = vectors.words, np.ascontiguousarray(vectors.vectors, np.float32)
    require_writable_words(target, form, words, white_space_refusal)
    if not has_header and words[0].startswith(_BYTE_ORDER_MARK):
        raise UnwritableWordError(
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

    def read(
        self, path: Path, progress: Progress | None = None, *, split_right: bool = False
    ) -> Vectors:
        """Read a file; see `read_lines`."""
        return read_lines(
            path, has_header=self.has_header, progress=progress, split_right=split_right
        )

    def refusal(self, word: str, *, is_first: bool = False) -> str | None:
        """Return why a word, the first of a file perhaps, cannot be written; None if it can."""
        if is_first and not self.has_header and word.startswith(_BYTE_ORDER_MARK):
            return "begins with a mark of the encoding"
        return white_space_refusal(word)

    def write(self, vectors: Vectors, target: Path, progress: Progress | None = None) -> None:
        """Write a file; see `write_lines`."""
        write_lines(vectors, target, self.name, has_header=self.has_header, progress=progress)


WORD2VEC = TextFormat("word2vec", has_header=True)
GLOVE = TextFormat("glove", has_header=False)
FASTTEXT = TextFormat("fasttext", has_header=True)
