"""Finding text files, and reading them in blocks of whole lines.

Each file is read by itself: the last line of one never runs into the first of the next. What
cannot be read, or is not UTF-8, is an error that names the file and the place.
"""

import bz2
import gzip
import lzma
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from fastw2v.config import Errors
from fastw2v.errors import CorpusError
from fastw2v.system.file_kinds import text_chunks
from fastw2v.text.encoding import Repairs, valid_utf8

__all__ = [
    "BLOCK_BYTES",
    "BZIP2",
    "COMPRESSED",
    "GZIP",
    "STANDARD_INPUT",
    "XZ",
    "ZSTANDARD",
    "AnyPath",
    "TextBlock",
    "blocks_of",
    "decompressed",
    "file_chunks",
    "files_of",
    "is_read_once",
    "n_line_feeds",
    "plain_size",
    "shown_name",
    "standard_input",
    "text_blocks",
]

AnyPath = str | os.PathLike[str]

STANDARD_INPUT = "-"
BLOCK_BYTES = 4 << 20

GZIP, BZIP2, XZ, ZSTANDARD = ".gz", ".bz2", ".xz", ".zst"
COMPRESSED = (GZIP, BZIP2, XZ, ZSTANDARD)
"""How names of compressed files end."""
_READ_BYTES = 1 << 17
_ZSTANDARD_READ_BYTES = 1 << 14  # it may grow 30,000 times at once
_COUNTED_BYTES = 1 << 18  # at once; they stay near
_LINE_FEED = 10
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class TextBlock(NamedTuple):
    """Whole lines of one file: valid UTF-8 that ends in a line feed."""

    data: bytes
    source: str
    """The file's name, for messages."""
    offset: int
    """Where the block begins in the (decompressed) file, in bytes."""
    place_of: Callable[[int], str] | None = None
    """Returns what messages call the place of a line, by its number here from 0; None where lines
    are those of the file."""


def files_of(path: AnyPath) -> list[str]:
    """Return the file of that name, or the files below the folder of that name.

    Raises
    ------
    CorpusError
        If there is none.
    """
    if isinstance(path, str) and path == STANDARD_INPUT:
        return [STANDARD_INPUT]
    name = os.fspath(path)
    if not isinstance(name, str):
        raise CorpusError(f"corpus: expected a path that is a str, got the bytes {name!r}")
    mode = _mode(name)
    if mode is None:
        hint = (
            ". If this is no path but text: expected lists of tokens, got a str; pass sentences "
            "as [['one', 'sentence'], ...]"
        )
        shown = name if 0 < len(name) <= 200 and name.isprintable() else repr(name[:60])
        raise CorpusError(f"{shown}: no such file or folder{hint if name is path else ''}")
    if not stat.S_ISDIR(mode):
        # A Path("-") is a file of that name, not standard input.
        return [name if name != STANDARD_INPUT else str(Path(name).absolute())]
    files = sorted(_files_below(name))
    if not files:
        raise CorpusError(f"{name}: expected text files, got a folder without any visible file")
    return [str(file) for file in files]


def _mode(name: str) -> int | None:
    """Return what kind of file there is of that name; None if there is none."""
    try:
        return Path(name).stat().st_mode if name else None
    except PermissionError as error:
        raise CorpusError(f"{name}: cannot be read: {error.strerror}") from error
    except (OSError, ValueError):  # ValueError: the name holds a NUL
        return None


def _files_below(folder: str) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise CorpusError(f"{error.filename}: cannot be read: {error.strerror}") from error

    seen = {os.path.realpath(folder)}
    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        for path in (Path(root, name) for name in names if not name.startswith(".")):
            if path.is_file() or not path.exists():  # no pipes; a dead link is an error later
                yield path
        visible = [name for name in sorted(folders) if not name.startswith(".")]
        folders.clear()
        for name in visible:  # a link that leads back up would never end
            real = os.path.realpath(Path(root, name))
            if real not in seen:
                seen.add(real)
                folders.append(name)


def text_blocks(
    file: str,
    block_bytes: int,
    errors: Errors = "strict",
    repairs: Repairs | None = None,
) -> Iterator[tuple[TextBlock, int]]:
    """Yield the blocks of one file, each with the number of the file's bytes up to its end.

    Parameters
    ----------
    file : str
        Its name, or `STANDARD_INPUT`.
    block_bytes : int
        About how many bytes a block has; a longer line makes its block longer.
    errors : {"strict", "replace", "ignore"}
        What to do with what is not UTF-8, see `fastw2v.text.encoding`.
    repairs : Repairs, optional
        Counts what was replaced or left out.

    Raises
    ------
    CorpusError
        If the file cannot be read, changes while it is read, is of a kind that is no text
        (`fastw2v.system.file_kinds`), or its compressed data are damaged or cut short.
    TextEncodingError
        If the text is not UTF-8, and `errors` does not help.
    """
    name = shown_name(file)
    yield from blocks_of(text_chunks(file_chunks(file, block_bytes), name), name, errors, repairs)


def blocks_of(
    chunks: Iterable[bytes],
    source: str,
    errors: Errors = "strict",
    repairs: Repairs | None = None,
    offset: int = 0,
) -> Iterator[tuple[TextBlock, int]]:
    """Yield blocks of whole lines, each with the number of bytes up to its end.

    Parameters
    ----------
    chunks : iterable of bytes
        A text in pieces, none of them empty.
    source : str
        What messages call it.
    errors, repairs
        As in `text_blocks`.
    offset : int
        Where in the source the first piece begins.

    Raises
    ------
    TextEncodingError
        If the text is not UTF-8, and `errors` does not help.
    """
    repairs = Repairs() if repairs is None else repairs
    line = 1 if offset == 0 else None  # unknown amid a file
    pending: list[bytes | memoryview] = []  # the beginning of a line
    for data in chain(chunks, [b""]):
        cut = data.rfind(b"\n") + 1
        at_end = not data
        if not (cut or at_end):
            pending.append(data)
            continue
        text = b"".join((*pending, memoryview(data)[:cut]))
        pending = [data[cut:]]
        end = offset + len(text)
        if offset == 0 and text.startswith(_BYTE_ORDER_MARK):
            text, offset = text[3:], 3
        if text:
            if at_end:
                text += b"\n"
            valid = valid_utf8(text, source, offset, errors, repairs, line)
            yield TextBlock(valid, source, offset), end
            line = None if line is None else line + n_line_feeds(text)
        offset = end


def n_line_feeds(text: bytes) -> int:
    """Return what `bytes.count` does, in a third of its time."""
    import numpy as np  # not for whoever asks for help

    data = np.frombuffer(text, np.uint8)
    parts = (data[start : start + _COUNTED_BYTES] for start in range(0, len(data), _COUNTED_BYTES))
    return sum(int(np.count_nonzero(part == _LINE_FEED)) for part in parts)


def file_chunks(file: str, chunk_bytes: int) -> Iterator[bytes]:
    """Yield a file's decompressed bytes, some at a time and never none."""
    try:
        if file == STANDARD_INPUT:
            yield from _standard_input(chunk_bytes)
            return
        with Path(file).open("rb") as stored:
            at_opening = os.fstat(stored.fileno())
            try:
                for chunk in decompressed(stored, _suffix(file), chunk_bytes):
                    _require_unchanged(file, stored, at_opening)
                    yield chunk
            except Exception:  # the better reason, where a change damaged compressed data
                _require_unchanged(file, stored, at_opening)
                raise
            _require_unchanged(file, stored, at_opening)
    except FileNotFoundError as error:
        raise CorpusError(f"{file}: no such file or folder") from error
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise _damaged(file, error) from error
    except OSError as error:
        if error.strerror is None:  # the decompressors' own complaints
            raise _damaged(file, error) from error
        raise CorpusError(f"{shown_name(file)}: cannot be read: {error.strerror}") from error


def _damaged(file: str, error: Exception) -> CorpusError:
    return CorpusError(
        f"{file}: expected whole {_suffix(file)} data, got damaged or cut ones ({error}); "
        "fetch the file again, or rename it if it is not compressed"
    )


def standard_input() -> BinaryIO:
    """Return standard input as bytes.

    Raises
    ------
    CorpusError
        If it is closed.
    """
    if sys.stdin is None:
        raise CorpusError("standard input: expected text, got a closed one; name a file instead")
    return sys.stdin.buffer


def _standard_input(chunk_bytes: int) -> Iterator[bytes]:
    stream = standard_input()
    yield from iter(lambda: stream.read(chunk_bytes), b"")


def _require_unchanged(file: str, stored: BinaryIO, at_opening: os.stat_result) -> None:
    """Raise `CorpusError` if an open file was written to, or cut, since it was opened.

    One that grows as fast as it is read would never end. One that is removed or replaced by
    another under its name is still whole for whoever has it open.
    """
    now = os.fstat(stored.fileno())
    before = (at_opening.st_size, at_opening.st_mtime_ns)
    if not stat.S_ISREG(now.st_mode) or (now.st_size, now.st_mtime_ns) == before:
        return
    raise CorpusError(
        f"{file}: expected a file that stays as it is, got one that changed while it was read: "
        f"{at_opening.st_size:,} bytes at first, now {now.st_size:,}; wait until it is complete, "
        "or read a copy"
    )


def decompressed(stored: BinaryIO, suffix: str, chunk_bytes: int) -> Iterator[bytes]:
    """Yield the text of a stream that is compressed as the suffix says, or not."""
    if suffix == ZSTANDARD:
        yield from _zstandard_chunks(stored)
    elif suffix == BZIP2:
        yield from _stream_chunks(stored, bz2.BZ2Decompressor, chunk_bytes)
    elif suffix == XZ:
        yield from _stream_chunks(stored, lzma.LZMADecompressor, chunk_bytes, padding=b"\0")
    elif suffix == GZIP:
        with gzip.open(stored) as stream:
            yield from iter(lambda: stream.read(chunk_bytes), b"")
    else:
        yield from iter(lambda: stored.read(chunk_bytes), b"")


def _stream_chunks(
    stored: BinaryIO,
    new_decompressor: Callable[[], Any],
    chunk_bytes: int,
    padding: bytes = b"",
) -> Iterator[bytes]:
    """Decompress stream after stream.

    Python's own readers take a second stream whose first bytes are damaged for the end of the
    file, and pass over all that is left.
    """
    data = stored.read(_READ_BYTES)
    while data:
        stream = new_decompressor()
        while not stream.eof:
            if stream.needs_input and not data:
                data = stored.read(_READ_BYTES)
                if not data:
                    raise EOFError("the last stream has no end")
            text = stream.decompress(data, chunk_bytes)
            data = b""
            if text:
                yield text
        data = (stream.unused_data or stored.read(_READ_BYTES)).lstrip(padding)
        while padding and not data and (more := stored.read(_READ_BYTES)):
            data = more.lstrip(padding)


def _zstandard_chunks(stored: BinaryIO) -> Iterator[bytes]:
    """Decompress frame after frame; unlike the package's own reader, notice a missing end."""
    import zstandard

    data = stored.read(_ZSTANDARD_READ_BYTES)
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        while not frame.eof:
            if not data:
                raise EOFError("the last frame has no end")
            try:
                text = frame.decompress(data)
            except zstandard.ZstdError as error:
                raise EOFError(str(error)) from error
            if text:
                yield text
            data = frame.unused_data or stored.read(_ZSTANDARD_READ_BYTES)


def _suffix(file: str) -> str:
    return Path(file).suffix.lower()


def plain_size(file: str) -> int | None:
    """Return the size of a plain file in bytes; None for what is compressed or not a file."""
    path = Path(file)
    is_plain = file != STANDARD_INPUT and _suffix(file) not in COMPRESSED
    return path.stat().st_size if is_plain and path.is_file() else None


def is_read_once(file: str) -> bool:
    """Return whether what was read is gone: standard input, a pipe, a terminal."""
    mode = None if file == STANDARD_INPUT else _mode(file)
    return file == STANDARD_INPUT or (mode is not None and not stat.S_ISREG(mode))


def shown_name(file: str) -> str:
    """Return what messages call a file."""
    return "standard input" if file == STANDARD_INPUT else file
