"""Reading and writing files that are compressed if their name ends so."""

import bz2
import gzip
import lzma
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from fastw2v.errors import CorpusError, ModelFormatError
from fastw2v.text.files import BZIP2, COMPRESSED, GZIP, XZ, ZSTANDARD, file_chunks

__all__ = ["chunks", "is_compressed", "opened_to_write"]


def is_compressed(path: Path) -> bool:
    """Tell whether a file is compressed, by its name."""
    return path.suffix.lower() in COMPRESSED


@contextmanager
def opened_to_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write; the same bytes whenever they are written, under whatever name."""
    suffix = path.suffix.lower()
    with ExitStack() as stack:
        file: Any = stack.enter_context(path.open("wb"))
        if suffix == GZIP:
            zipped = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0)
            file = stack.enter_context(zipped)
        elif suffix == BZIP2:
            file = stack.enter_context(bz2.BZ2File(file, "wb"))
        elif suffix == XZ:
            file = stack.enter_context(lzma.LZMAFile(file, "wb"))
        elif suffix == ZSTANDARD:
            import zstandard

            file = stack.enter_context(zstandard.ZstdCompressor().stream_writer(file))
        yield file


def chunks(path: Path, chunk_bytes: int) -> Iterator[bytes]:
    """Yield a file's decompressed bytes, some at a time.

    Raises
    ------
    ModelFormatError
        If it cannot be read, or its compressed data are damaged or cut.
    """
    try:
        yield from file_chunks(str(path.absolute()), chunk_bytes)
    except CorpusError as error:
        raise ModelFormatError(str(error)) from error
