"""Vectors of word2vec's and GloVe's files, as leniently as gensim's users have them.

Text may be in any encoding, words hold blanks, numbers be parted by tabs; of a word that is there
twice the first vector counts, as in gensim.
"""

import codecs
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors
from numpy.typing import NDArray

from fastw2v.errors import FastW2VError, ModelFormatError, TextEncodingError, one_line
from fastw2v.formats.compression import chunks
from fastw2v.formats.text import LineReader
from fastw2v.system.file_kinds import LOOK_BYTES, kind_of
from fastw2v.text.files import BLOCK_BYTES, blocks_of

__all__ = ["read_given"]

_SIZES = re.compile(r"\s*(\d{1,18})\s+(\d{1,18})\s*")
_BYTE_ORDER_MARK = "\ufeff"


def read_given(
    fname: str | os.PathLike[str],
    dimensions: int,
    *,
    binary: bool,
    encoding: str,
    unicode_errors: str,
    no_header: bool | None,
) -> tuple[list[str], NDArray[np.float32]]:
    """Return words, each once, and their vectors; parameters as `intersect_word2vec_format` has.

    Parameters
    ----------
    dimensions : int
        Of the model, which tell a first line of two whole numbers from a row of one number.

    Raises
    ------
    ModelFormatError
        If the file is missing, damaged or another.
    TextEncodingError
        If words are not in the encoding.
    """
    path = Path(fname)
    if not path.exists():
        raise ModelFormatError(f"{path}: no such file or folder")
    first = next(chunks(path, LOOK_BYTES), b"")
    kind = kind_of(first)
    if kind is not None and not kind.is_encoding:
        raise ModelFormatError(f"{path}: expected vectors, got {kind.name}; {kind.remedy}")
    if binary:
        return _read_binary(path, encoding, unicode_errors)
    if no_header is None:
        line = first.decode(encoding, "replace").removeprefix(_BYTE_ORDER_MARK).partition("\n")[0]
        no_header = not _is_header(line, dimensions)
    reader = LineReader(path, has_header=not no_header, split_right=True)
    for block, _ in blocks_of(_utf8(path, encoding, unicode_errors), str(path)):
        reader.add(block.data)
    table = reader.table()
    rows = {word: row for row, word in reversed(list(enumerate(reader.words)))}
    return list(rows), table[list(rows.values())]


def _is_header(line: str, dimensions: int) -> bool:
    sizes = _SIZES.fullmatch(line)
    return sizes is not None and (dimensions > 1 or int(sizes[2]) == dimensions)


def _utf8(path: Path, encoding: str, unicode_errors: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(unicode_errors)
    n_lines = 0
    for chunk in _and_an_end(chunks(path, BLOCK_BYTES)):
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line = n_lines + error.object[: error.start].count(b"\n") + 1
            raise TextEncodingError(
                f"{path}: expected text in {encoding}, got byte 0x{error.object[error.start]:02x} "
                f"({error.reason}) at line {line:,}; give the right encoding, or unicode_errors"
            ) from error
        n_lines += text.count("\n")
        if text:
            yield text.encode("utf-8", "replace")


def _and_an_end(parts: Iterator[bytes]) -> Iterator[bytes]:
    yield from parts
    yield b""


def _read_binary(
    path: Path, encoding: str, unicode_errors: str
) -> tuple[list[str], NDArray[np.float32]]:
    try:
        keyed = KeyedVectors.load_word2vec_format(
            str(path), binary=True, encoding=encoding, unicode_errors=unicode_errors
        )
    except FastW2VError:
        raise
    except Exception as error:  # gensim raises whatever a damaged file leads to
        raise ModelFormatError(
            f"{path}: expected word2vec's binary format, got another or a damaged file "
            f"({type(error).__name__}: {one_line(error)}); text needs binary=False"
        ) from error
    return keyed.index_to_key, keyed.vectors
