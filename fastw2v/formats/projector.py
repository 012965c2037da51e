"""A folder for TensorBoard's projector: vectors.tsv and metadata.tsv, a line of each for a word.

``tensorboard --logdir FOLDER`` shows it, by projector_config.pbtxt, and so does
projector.tensorflow.org, which takes the two files.
"""

from pathlib import Path

import numpy as np

from fastw2v.errors import ModelFormatError
from fastw2v.formats.text import LineReader, whole_lines
from fastw2v.formats.vectors import Vectors, checked_vectors, require_writable_words
from fastw2v.system.files import FolderLayout, whole_folder

__all__ = ["CONFIG", "LAYOUT", "VECTORS", "read", "refusal", "write"]

VECTORS, METADATA, CONFIG = "vectors.tsv", "metadata.tsv", "projector_config.pbtxt"
_CONFIG_TEXT = f"""embeddings {{
  tensor_name: "fastw2v"
  tensor_path: "{VECTORS}"
  metadata_path: "{METADATA}"
}}
"""
_ROWS_AT_ONCE = 1024


def read(path: Path) -> Vectors:
    """Read a folder that `write` made.

    Raises
    ------
    ModelFormatError
        If a file is missing, or they do not fit together.
    TextEncodingError
        If they are not UTF-8.
    """
    words = b"".join(whole_lines(path / METADATA)).decode().split("\n")[:-1]
    reader = LineReader(path / VECTORS, has_header=False)
    for data in whole_lines(path / VECTORS):
        # Lines of text vectors, once each begins with a word.
        named = data[:-1].replace(b"\t", b" ").replace(b"\n", b"\n- ")
        reader.add(b"- " + named + b"\n")
    table = reader.table()
    if len(words) != len(table):
        raise ModelFormatError(
            f"{path}: expected as many lines in {METADATA} as in {VECTORS} ({len(table):,}), got "
            f"{len(words):,}; a header line in {METADATA} has to go"
        )
    return checked_vectors(path, words, table, place=reader.place)


def write(vectors: Vectors, target: Path) -> None:
    """Write a folder, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written, or a word is empty, begins or ends in white space, which the
        projector strips, or holds a tab or line end.
    """
    import orjson

    require_writable_words(target, "projector", vectors.words, refusal)
    table = np.ascontiguousarray(vectors.vectors, np.float32)
    with whole_folder(target, LAYOUT) as folder:
        with (folder / VECTORS).open("wb") as file:
            for first in range(0, len(table), _ROWS_AT_ONCE):
                block = table[first : first + _ROWS_AT_ONCE]
                numbers = orjson.dumps(block, option=orjson.OPT_SERIALIZE_NUMPY)
                file.write(numbers[2:-2].replace(b"],[", b"\n").replace(b",", b"\t") + b"\n")
        (folder / METADATA).write_bytes("".join(f"{word}\n" for word in vectors.words).encode())
        (folder / CONFIG).write_bytes(_CONFIG_TEXT.encode())


def _is_ours(folder: Path) -> bool:
    """Tell whether `write` made a folder, sound or not."""
    path = folder / CONFIG
    return path.is_file() and path.read_bytes() == _CONFIG_TEXT.encode()


LAYOUT = FolderLayout(_is_ours, (VECTORS, METADATA, CONFIG))


def refusal(word: str, *, is_first: bool = False) -> str | None:
    """Return why a word cannot be written; None if it can."""
    if not word or word.strip() != word or word.strip("\ufeff") != word:
        return "is empty, or begins or ends in white space"
    return "holds a tab or a line end" if any(mark in word for mark in "\t\r\n") else None
