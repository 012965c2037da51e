"""GloVe's text format: a line for each word, and no other."""

from pathlib import Path

from fastw2v.formats.text_lines import read_lines, write_lines
from fastw2v.formats.vectors import Vectors


def read(path: Path) -> Vectors:
    """Read a file; see `read_lines`."""
    return read_lines(path, has_header=False)


def write(vectors: Vectors, target: Path) -> None:
    """Write a file; see `write_lines`."""
    write_lines(vectors, target, "glove", has_header=False)
