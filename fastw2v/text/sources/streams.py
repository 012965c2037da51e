"""The bytes of files, of standard input and of URLs: as they are, and decompressed."""

import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

from fastw2v.errors import CorpusError, FastW2VError
from fastw2v.system.dependencies import optional_module
from fastw2v.text.files import decompressed, file_chunks

__all__ = [
    "ChunkStream",
    "byte_chunks",
    "changed_us",
    "fsspec_module",
    "is_url",
    "open_bytes",
    "reading",
    "size_of",
]


def is_url(name: str) -> bool:
    """Return whether a name is a URL, which fsspec opens."""
    return "://" in name


def fsspec_module() -> Any:
    """Return the module `fsspec`, or say how it is installed."""
    return optional_module("fsspec", "URLs", "urls")


def open_bytes(name: str) -> BinaryIO:
    """Open a file or URL as it is, without decompressing it."""
    if not is_url(name):
        return Path(name).open("rb")
    stream: BinaryIO = fsspec_module().open(name, "rb").open()
    # The file system in memory gives all readers one and the same open file.
    whole = getattr(stream, "getvalue", None)
    return stream if whole is None else io.BytesIO(whole())


def size_of(name: str) -> int | None:
    """Return the size of a file or URL in bytes, None where it cannot be known."""
    if not is_url(name):
        return Path(name).stat().st_size if Path(name).is_file() else None
    with reading(name):
        system, path = fsspec_module().core.url_to_fs(name)
        return cast("int | None", system.size(path))


def changed_us(name: str) -> int | None:
    """Return when a file was last written to, in whole microseconds; None of what is no file.

    Finer steps than these are not the same wherever a common disk is seen.
    """
    if is_url(name) or not Path(name).is_file():
        return None
    return Path(name).stat().st_mtime_ns // 1000


def byte_chunks(name: str, chunk_bytes: int) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file, standard input or URL, some at a time, never none.

    Raises
    ------
    CorpusError
        If it cannot be read, changes meanwhile, or is damaged.
    """
    if not is_url(name):
        yield from file_chunks(name, chunk_bytes)
        return
    suffix = Path(name.partition("?")[0]).suffix.lower()  # without the query of the web
    with reading(name), open_bytes(name) as stream:
        try:
            yield from decompressed(stream, suffix, chunk_bytes)
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            raise CorpusError(
                f"{name}: expected whole {suffix} data, got damaged or cut ones ({error})"
            ) from error


class ChunkStream(io.RawIOBase):
    """A stream of chunks of bytes, for libraries that read files.

    Attributes
    ----------
    n_bytes : int
        How many have been read.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")
        self.n_bytes = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the next chunk; 0 at the end."""
        if not self._left:
            self._left = memoryview(next(self._chunks, b""))
        n_bytes = min(len(buffer), len(self._left))
        buffer[:n_bytes] = self._left[:n_bytes]
        self._left = self._left[n_bytes:]
        self.n_bytes += n_bytes
        return n_bytes


class reading:  # noqa: N801 - used like a function, in a with statement
    """Turn whatever a file system raises into a `CorpusError` that names the source."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, FastW2VError):
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            raise CorpusError(
                f"{self._name}: cannot be read: {' '.join(reason.split())}"
            ) from error
