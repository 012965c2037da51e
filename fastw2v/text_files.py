"""Finding text files, and reading them in blocks of whole lines.

Each file is read by itself: the last line of one never runs into the first of the next. What
cannot be read, or is not UTF-8, is an error that names the file and the place.
"""

import lzma
import os
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from fastw2v.errors import CorpusError, TextEncodingError

AnyPath = str | os.PathLike[str]

STANDARD_INPUT = "-"
BLOCK_BYTES = 4 << 20

_COMPRESSED = (".gz", ".bz2", ".xz")
_ZSTANDARD = ".zst"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class TextBlock(NamedTuple):
    """Whole lines of one file: valid UTF-8 that ends in a line feed."""

    data: bytes
    source: str
    """The file's name, for messages."""
    offset: int
    """Where the block begins in the (decompressed) file, in bytes."""


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


def text_blocks(file: str, block_bytes: int) -> Iterator[tuple[TextBlock, int]]:
    """Yield the blocks of one file, each with the number of the file's bytes up to its end.

    Parameters
    ----------
    file : str
        Its name, or `STANDARD_INPUT`.
    block_bytes : int
        About how many bytes a block has; a longer line makes its block longer.

    Raises
    ------
    CorpusError
        If the file cannot be read, or its compressed data are damaged or cut short.
    TextEncodingError
        If the text is not UTF-8.
    """
    yield from blocks_of(_chunks(file, block_bytes), shown_name(file))


def blocks_of(
    chunks: Iterable[bytes], source: str, offset: int = 0
) -> Iterator[tuple[TextBlock, int]]:
    """Yield blocks of whole lines, each with the number of bytes up to its end.

    Parameters
    ----------
    chunks : iterable of bytes
        A text in pieces, none of them empty.
    source : str
        What messages call it.
    offset : int
        Where in the source the first piece begins.

    Raises
    ------
    TextEncodingError
        If the text is not UTF-8.
    """
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
            _check_encoding(text, source, offset)
            yield TextBlock(text, source, offset), end
        offset = end


def _check_encoding(text: bytes, source: str, offset: int) -> None:
    if text.isascii():
        return
    try:
        text.decode()
    except UnicodeDecodeError as error:
        is_utf_16 = offset == 0 and text.startswith(_UTF_16_MARKS)
        encoding = "UTF-16" if is_utf_16 else "ISO-8859-1"
        raise TextEncodingError(
            f"{source}: expected UTF-8 text, got byte 0x{text[error.start]:02x} at byte offset "
            f"{offset + error.start} ({error.reason}); re-encode the text, for example with: "
            f"iconv -f {encoding} -t UTF-8 OLD > NEW"
        ) from None


def _chunks(file: str, chunk_bytes: int) -> Iterator[bytes]:
    """Yield a file's decompressed bytes, some at a time and never none."""
    try:
        if file == STANDARD_INPUT:
            yield from iter(lambda: sys.stdin.buffer.read(chunk_bytes), b"")
        elif _suffix(file) == _ZSTANDARD:
            with Path(file).open("rb") as stream:
                yield from zstandard_chunks(stream)
        else:
            with _opened(file) as stream:
                yield from iter(lambda: stream.read(chunk_bytes), b"")
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


def _opened(file: str) -> BinaryIO:
    if _suffix(file) not in _COMPRESSED:
        return Path(file).open("rb")
    import smart_open

    stream: BinaryIO = smart_open.open(file, "rb", compression=_suffix(file))
    return stream


def zstandard_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Decompress frame after frame; unlike the package's own reader, notice a missing end."""
    import zstandard

    read_bytes = 1 << 17
    data = stream.read(read_bytes)
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
            data = frame.unused_data or stream.read(read_bytes)


def _suffix(file: str) -> str:
    return Path(file).suffix.lower()


def plain_size(file: str) -> int | None:
    """Return the size of a plain file in bytes; None for what is compressed or not a file."""
    path = Path(file)
    is_plain = file != STANDARD_INPUT and _suffix(file) not in (*_COMPRESSED, _ZSTANDARD)
    return path.stat().st_size if is_plain and path.is_file() else None


def shown_name(file: str) -> str:
    """Return what messages call a file."""
    return "standard input" if file == STANDARD_INPUT else file
