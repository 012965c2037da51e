"""A folder for TensorBoard's projector: vectors.tsv and metadata.tsv, a line of each for a word.

``tensorboard --logdir FOLDER`` shows it, by projector_config.pbtxt, and so does
projector.tensorflow.org, which takes the two files.
"""

from pathlib import Path

import numpy as np

from fastw2v.errors import CorpusError, ModelFormatError
from fastw2v.files import whole_folder
from fastw2v.formats.text_lines import nearest_float32
from fastw2v.formats.vectors import Vectors, checked_vectors, require_words
from fastw2v.text_files import BLOCK_BYTES, text_blocks

VECTORS, METADATA, CONFIG = "vectors.tsv", "metadata.tsv", "projector_config.pbtxt"
_CONFIG_TEXT = f"""embeddings {{
  tensor_name: "fastw2v"
  tensor_path: "{VECTORS}"
  metadata_path: "{METADATA}"
}}
"""
_ROWS_AT_ONCE = 1024


def _lines(path: Path) -> list[str]:
    try:
        blocks = [block.data for block, _ in text_blocks(str(path.absolute()), BLOCK_BYTES)]
    except CorpusError as error:
        if type(error) is CorpusError:
            raise ModelFormatError(str(error)) from error
        raise
    return b"".join(blocks).decode().split("\n")[:-1]


def read(path: Path) -> Vectors:
    """Read a folder that `write` made.

    Raises
    ------
    ModelFormatError
        If a file is missing, or they do not fit together.
    TextEncodingError
        If they are not UTF-8.
    """
    words, lines = _lines(path / METADATA), _lines(path / VECTORS)
    if len(words) != len(lines):
        raise ModelFormatError(
            f"{path}: expected as many lines in {METADATA} as in {VECTORS} ({len(lines):,}), got "
            f"{len(words):,}; a header line in {METADATA} has to go"
        )
    table = np.empty((len(lines), lines[0].count("\t") + 1 if lines else 0), np.float32)
    for row, line in enumerate(lines):
        fields = line.split("\t")
        if len(fields) != table.shape[1]:
            raise ModelFormatError(
                f"{path / VECTORS}: expected {table.shape[1]} numbers at line {row + 1}, got "
                f"{len(fields)}"
            )
        try:
            table[row] = [nearest_float32(field) for field in fields]
        except ArithmeticError as error:
            raise ModelFormatError(
                f"{path / VECTORS}: expected numbers at line {row + 1}, got {line[:60]!r}"
            ) from error
    return checked_vectors(path, words, table, place=lambda row: f"line {row + 1}")


def write(vectors: Vectors, target: Path) -> None:
    """Write a folder, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written, or a word is empty, begins or ends in white space, which the
        projector strips, or holds a tab or line end.
    """
    import orjson

    require_words(target, "projector", vectors.words, _trouble)
    table = np.ascontiguousarray(vectors.vectors, np.float32)
    with whole_folder(target, VECTORS) as folder:
        with (folder / VECTORS).open("wb") as file:
            for first in range(0, len(table), _ROWS_AT_ONCE):
                block = table[first : first + _ROWS_AT_ONCE]
                numbers = orjson.dumps(block, option=orjson.OPT_SERIALIZE_NUMPY)
                file.write(numbers[2:-2].replace(b"],[", b"\n").replace(b",", b"\t") + b"\n")
        (folder / METADATA).write_bytes("".join(f"{word}\n" for word in vectors.words).encode())
        (folder / CONFIG).write_text(_CONFIG_TEXT, encoding="utf-8")


def _trouble(word: str) -> str | None:
    if not word or word.strip() != word or word.strip("\ufeff") != word:
        return "is empty, or begins or ends in white space"
    return "holds a tab or a line end" if any(mark in word for mark in "\t\r\n") else None
