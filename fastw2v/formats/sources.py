"""A binary file, decompressed and read from its first byte to its last."""

from collections.abc import Iterator
from pathlib import Path

from fastw2v.formats.compression import chunks

__all__ = ["CHUNK_BYTES", "ByteSource"]

CHUNK_BYTES = 1 << 24
_LOOK_BYTES = 64


class ByteSource:
    """A file's bytes in order, with the offset of the next one."""

    def __init__(self, path: Path) -> None:
        self._parts: Iterator[bytes] = chunks(path, CHUNK_BYTES)
        self._data, self._at = b"", 0
        self.offset = 0

    def _more(self) -> bool:
        part = next(self._parts, b"")
        self._data, self._at = self._data[self._at :] + part, 0
        return bool(part)

    def until(self, mark: bytes, longest: int) -> bytes | None:
        """Return the bytes before the next `mark` and pass it; None if it is not near."""
        while (end := self._data.find(mark, self._at, self._at + longest + 1)) < 0:
            if len(self._data) - self._at > longest or not self._more():
                return None
        found = self._data[self._at : end]
        self.offset += end + 1 - self._at
        self._at = end + 1
        return found

    def take(self, n_bytes: int) -> bytes | None:
        """Return the next bytes; None if there are not as many."""
        while len(self._data) - self._at < n_bytes:
            if not self._more():
                return None
        self._at += n_bytes
        self.offset += n_bytes
        return self._data[self._at - n_bytes : self._at]

    def peek(self, n_bytes: int) -> bytes | None:
        """Return the next bytes and leave them there; None if there are not as many."""
        data = self.take(n_bytes)
        if data is not None:
            self._at -= n_bytes
            self.offset -= n_bytes
        return data

    def skip(self, byte: bytes) -> None:
        """Pass all of one byte that come next."""
        while self.rest()[:1] == byte:
            self._at += 1
            self.offset += 1

    def rest(self) -> bytes:
        """Return some of the next bytes; none at the end."""
        if self._at == len(self._data):
            self._more()
        return self._data[self._at : self._at + _LOOK_BYTES]

    @property
    def is_at_end(self) -> bool:
        """Whether all bytes have been taken."""
        return not self.rest()
