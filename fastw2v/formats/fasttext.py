"""fastText's .vec: word2vec's text format under another name."""

from pathlib import Path

from fastw2v.formats.text_lines import read_lines, write_lines
from fastw2v.formats.vectors import Vectors


def read(path: Path) -> Vectors:
    """Read a file; see `read_lines`."""
    return read_lines(path, has_header=True)


def write(vectors: Vectors, target: Path) -> None:
    """Write a file; see `write_lines`."""
    write_lines(vectors, target, "fasttext", has_header=True)
