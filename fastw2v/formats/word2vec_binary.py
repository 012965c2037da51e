"""The binary format of the original word2vec: text words, each before its float32 numbers."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import MOST_DIMENSIONS
from fastw2v.errors import ModelFormatError, TextEncodingError
from fastw2v.formats.compression import opened_to_write
from fastw2v.formats.line_parts import SIZES
from fastw2v.formats.sources import CHUNK_BYTES, ByteSource
from fastw2v.formats.vectors import (
    LONGEST_WORD_BYTES,
    Vectors,
    checked_vectors,
    joined_rows,
    length_refusal,
    require_writable_words,
)
from fastw2v.system.files import whole_file
from fastw2v.text.corpus import Progress
from fastw2v.text.files import plain_size

__all__ = ["read", "refusal", "write"]

_LONGEST_HEADER = 64
_NUMBER = np.dtype("<f4")
_ROWS_A_REPORT = 1000


def read(path: Path, progress: Progress | None = None) -> Vectors:
    """Read a file. Line feeds before a word, which word2vec writes behind each vector, are skipped.

    Memory follows the file, not what its header promises.

    Raises
    ------
    ModelFormatError
        If it cannot be read, is cut, or is not as expected.
    TextEncodingError
        If a word is not UTF-8.
    """
    source = ByteSource(path)
    header = source.until(b"\n", _LONGEST_HEADER)
    found = SIZES.fullmatch(header) if header is not None else None
    if not found or 0 in (counts := [int(number) for number in found.groups()]):
        raise ModelFormatError(
            f"{path}: expected the number of vectors and that of dimensions in a first line, got "
            f"{(header or source.rest())[:60]!r}"
        )
    n_words, dimensions = counts
    if dimensions > MOST_DIMENSIONS:
        raise ModelFormatError(
            f"{path}: expected at most {MOST_DIMENSIONS:,} dimensions, got {dimensions:,} in the "
            "first line; the file is damaged, or of another format"
        )
    total = plain_size(str(path))
    if total is not None:
        _require_size(path, total, n_words, dimensions)
    words: list[str] = []
    offsets: list[int] = []
    tables: list[NDArray[np.float32]] = []
    while len(words) < n_words:
        # A part of the table at a time, of the size that has been read.
        rows: list[bytes] = []
        n_bytes = 0
        while len(words) < n_words and n_bytes < CHUNK_BYTES:
            source.skip(b"\n")
            offsets.append(source.offset)
            words.append(_next_word(path, source, len(words), n_words))
            row = source.take(dimensions * _NUMBER.itemsize)
            if row is None:
                raise _cut(path, source, len(words) - 1, n_words)
            rows.append(row)
            n_bytes += len(row)
        if progress is not None:
            progress(source.offset, total)
        tables.append(np.frombuffer(b"".join(rows), _NUMBER).reshape(len(rows), dimensions))
    source.skip(b"\n")
    if not source.is_at_end:
        raise ModelFormatError(
            f"{path}: expected {n_words:,} vectors, as its first line says, got more bytes behind "
            f"them, from offset {source.offset:,} on; correct the first line"
        )
    table = joined_rows(tables, dimensions)
    return checked_vectors(
        path, words, table, place=lambda row: f"vector {row + 1} (byte offset {offsets[row]:,})"
    )


def _next_word(path: Path, source: ByteSource, row: int, n_words: int) -> str:
    begin = source.offset
    word = source.until(b" ", LONGEST_WORD_BYTES)
    if word is None:
        raise _cut(path, source, row, n_words)
    if not word:
        raise ModelFormatError(
            f"{path}: expected a word at byte offset {begin:,} (vector {row + 1}), got a blank"
        )
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        raise TextEncodingError(
            f"{path}: expected a word in UTF-8 at byte offset {begin:,} (vector {row + 1}), got "
            f"{word[:40]!r} ({error.reason}); the file is damaged, of another format, or written "
            "by a program that cuts words amid a character"
        ) from None


def _cut(path: Path, source: ByteSource, row: int, n_words: int) -> ModelFormatError:
    return ModelFormatError(
        f"{path}: expected {n_words:,} vectors, as its first line says, got {row:,} whole ones up "
        f"to byte offset {source.offset:,}; the file is cut or damaged: fetch or write it again"
    )


def _require_size(path: Path, size: int, n_words: int, dimensions: int) -> None:
    """Refuse a plain file that is too small for what it promises, before it is read."""
    least = n_words * (dimensions * _NUMBER.itemsize + 2)
    if size < least:
        raise ModelFormatError(
            f"{path}: expected {n_words:,} vectors of {dimensions:,} dimensions, as its first line "
            f"says, which take {least:,} bytes at least, got a file of {size:,}; it is "
            "cut or damaged: fetch or write it again"
        )


def write(vectors: Vectors, target: Path, progress: Progress | None = None) -> None:
    """Write a file.

    Raises
    ------
    OutputError
        If it cannot be written, or a word is empty, holds a blank, at which it would end, or a
        line feed, which readers drop.
    """
    require_writable_words(target, "word2vec-bin", vectors.words, refusal)
    table = np.ascontiguousarray(vectors.vectors, _NUMBER)
    with whole_file(target) as temporary, opened_to_write(temporary) as file:
        file.write(b"%d %d\n" % table.shape)
        for place, (word, row) in enumerate(zip(vectors.words, table, strict=True)):
            if progress is not None and place % _ROWS_A_REPORT == 0:
                progress(place, len(table))
            file.write(b"%b %b\n" % (word.encode(), row.tobytes()))


def refusal(word: str, *, is_first: bool = False) -> str | None:
    """Return why a word cannot be written; None if it can."""
    if not word or " " in word or "\n" in word:
        return "is empty or holds a blank or a line feed"
    return length_refusal(word)
