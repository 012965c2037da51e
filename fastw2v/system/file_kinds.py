"""What kind of file some first bytes begin: the one table of those that are no text.

Whoever opens a file asks here before reading on, so that an archive, a database or a page of the
web is called by its name, with the way out, wherever it is found.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from fastw2v.errors import CorpusError, TextEncodingError

__all__ = [
    "LOOK_BYTES",
    "FileKind",
    "binary_kind_of",
    "kind_of",
    "looks_binary",
    "require_text",
    "text_chunks",
]

LOOK_BYTES = 1 << 12
"""So many first bytes tell every kind."""

_DECOMPRESS = "decompress it first, or let its name end in {}"
_UNPACK = "unpack it first, and name the file that it holds"
_FETCH = "it is not the file itself: fetch that with {}"
_IN_WORDS = "write the text that it holds into a text file first"
_COLUMN = "name the column that holds the text, where a corpus is read, or write it as text"
_NO_TEXT = "name the file of text instead"
_REENCODE = "re-encode the text, for example with: iconv -f {} -t UTF-8 OLD > NEW"


@dataclass(frozen=True)
class FileKind:
    """A kind of file that is no UTF-8 text.

    Attributes
    ----------
    name : str
        For messages, with its article.
    remedy : str
        What to do where text or vectors were expected.
    vectors : str, optional
        The format of `fastw2v.formats` that may be in it.
    is_encoding : bool
        Whether it is text in another encoding.
    table : {"parquet", "arrow"}, optional
        The kind of table that it is, of which a column may be text.
    """

    name: str
    remedy: str
    vectors: str | None = None
    is_encoding: bool = False
    table: Literal["parquet", "arrow"] | None = None


_TAR = FileKind("a tar archive", _UNPACK)
_ZIP = FileKind("a zip archive", _UNPACK)
_NPZ = FileKind("an archive of numpy's arrays (.npz)", _NO_TEXT, "npz")
_BINARY = FileKind("binary data", _NO_TEXT)
_UTF_16 = {
    mark: FileKind(f"UTF-16 without a mark ({mark})", _REENCODE.format(f"UTF-16{mark}"), None, True)
    for mark in ("LE", "BE")
}
# Each holds a byte that a word of text would hardly have there, or more than a word.
_BEGINNINGS: dict[bytes, FileKind] = {
    rb"\x1f\x8b\x08": FileKind("gzip data", _DECOMPRESS.format(".gz")),
    rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)": FileKind(
        "bzip2 data", _DECOMPRESS.format(".bz2")
    ),
    rb"\xfd7zXZ\0": FileKind("xz data", _DECOMPRESS.format(".xz")),
    rb"\x28\xb5\x2f\xfd": FileKind("Zstandard data", _DECOMPRESS.format(".zst")),
    rb"\x04\x22\x4d\x18": FileKind("lz4 data", "decompress it first"),
    rb"LZIP\x01": FileKind("lzip data", "decompress it first"),
    rb"\x1f[\x9d\xa0]": FileKind("data of Unix's compress (.Z)", "decompress it first"),
    rb"7z\xbc\xaf\x27\x1c": FileKind("a 7z archive", _UNPACK),
    rb"Rar!\x1a\x07": FileKind("a RAR archive", _UNPACK),
    rb"!<arch>\n": FileKind("an ar archive", _UNPACK),
    rb"PK(?:\x05\x06|\x07\x08|\x03\x04.\0)": _ZIP,
    rb"\x89HDF\r\n\x1a\n": FileKind(
        "an HDF5 file (.h5)", "read it with h5py, and write what it holds as text"
    ),
    rb"SQLite format 3\0": FileKind(
        "an SQLite database (.magnitude is one)",
        "take the text or vectors that it was made of, or write them out by the program that made "
        "it",
    ),
    rb"\x80[\x02-\x05]": FileKind("a Python pickle", _NO_TEXT, "kv"),
    rb"\x93NUMPY[\x01-\x03]\0": FileKind(
        "a single array of numpy's (.npy)",
        "it has no words: save them beside it, by numpy.savez('vectors.npz', words=..., "
        "vectors=...)",
    ),
    rb"PAR1\x15": FileKind(
        "a Parquet file",
        _COLUMN,
        "parquet",
        table="parquet",
    ),
    rb"ARROW1\0": FileKind(
        "an Arrow file",
        _COLUMN,
        "arrow",
        table="arrow",
    ),
    rb"\xff\xff\xff\xff..[\0-\x0f]\0\x10\0\0\0": FileKind(
        "a stream of Arrow's", "write it as a file, by pyarrow.ipc.new_file", table="arrow"
    ),
    rb"FEA1\0": FileKind("a Feather file of version 1", "write it again as version 2"),
    rb"FiFu\0\0\0\0": FileKind(
        "embeddings of finalfusion", "convert them first: ffp-convert -f finalfusion -t word2vec"
    ),
    rb"\xba\x16\x4f\x2f": FileKind("a model of fastText", _NO_TEXT, "fasttext-bin"),
    rb"GGUF[\1-\x09]\0\0\0": FileKind("a GGUF model", _NO_TEXT),
    rb".{4}\0\0\0\0\{\"": FileKind(
        "a file of safetensors",
        "name the folder that it belongs to; fastw2v.gensim_api.Word2Vec.load reads one that its "
        "own save wrote",
    ),
    rb"(?i:\s*(?:<!--.*?-->\s*)?(?:<!doctype\s+html[\s>]|<html(?:\s[^>]*)?>\s*<))": FileKind(
        "a page of the web (HTML)",
        "take the text out of it; if a file was to be fetched, its server answered by a page "
        "instead",
    ),
    rb"version https://git-lfs\.github\.com/spec/": FileKind(
        "a pointer of git-lfs", _FETCH.format("git lfs pull")
    ),
    rb"(?:\.\./)*(?:\.git)?/annex/objects/": FileKind(
        "a pointer of git-annex", _FETCH.format("git annex get")
    ),
    rb"%PDF-\d\.": FileKind("a PDF file", _IN_WORDS),
    rb"\{\\rtf1": FileKind("an RTF file", _IN_WORDS),
    rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": FileKind("a file of Microsoft Office", _IN_WORDS),
    rb"\x89PNG\r\n": FileKind("a picture (PNG)", _NO_TEXT),
    rb"\xff\xd8\xff": FileKind("a picture (JPEG)", _NO_TEXT),
    rb"GIF8[79]a.{6}[\0\x21\x2c]": FileKind("a picture (GIF)", _NO_TEXT),
    rb"\x7fELF[\1\2]": FileKind("a program", _NO_TEXT),
    rb"\xff\xfe\0\0|\0\0\xfe\xff": FileKind("UTF-32", _REENCODE.format("UTF-32"), is_encoding=True),
    rb"\xff\xfe|\xfe\xff": FileKind("UTF-16", _REENCODE.format("UTF-16"), is_encoding=True),
}
_PATTERNS = [(re.compile(begin, re.DOTALL), kind) for begin, kind in _BEGINNINGS.items()]
_MEMBER = re.compile(rb"PK\x03\x04.{22}(..)", re.DOTALL)
_TAR_BLOCK, _TAR_SUM = 512, slice(148, 156)
# Of these an ordinary text has hardly any; NUL is one that words may be parted by.
_CONTROL = bytes({*range(9), *range(14, 32), 127})
_FEWEST_BYTES, _MOST_CONTROL, _MOST_IN_OTHERS = 256, 0.3, 0.02


def kind_of(content: bytes) -> FileKind | None:
    """Return what kind of file begins with these bytes; None for what may be text.

    Parameters
    ----------
    content : bytes
        The first `LOOK_BYTES` of a file, decompressed as its name says; fewer if it has no more.
    """
    for beginning, kind in _PATTERNS:
        if beginning.match(content):
            return _NPZ if kind is _ZIP and _first_member(content).endswith(b".npy") else kind
    return _TAR if _is_tar(content) else None


def binary_kind_of(content: bytes) -> FileKind | None:
    """Return what kind a file without a known beginning is of, if its bytes are no text's.

    Text in UTF-16 has a zero in every other byte. Anything else of which more than three in ten
    bytes are control characters is binary data; two in a hundred, where it is not UTF-8 either.
    Parameters as in `kind_of`.
    """
    if len(content) < _FEWEST_BYTES:
        return None
    if not looks_binary(content, _MOST_CONTROL if _is_utf8(content) else _MOST_IN_OTHERS):
        return None
    even, odd = content[::2].count(0), content[1::2].count(0)
    for mark, zeros, others in (("LE", odd, even), ("BE", even, odd)):
        if zeros > _MOST_CONTROL * len(content) and others < zeros / 20:
            return _UTF_16[mark]
    return _BINARY


def _first_member(content: bytes) -> bytes:
    found = _MEMBER.match(content)
    return content[30 : 30 + int.from_bytes(found[1], "little")] if found else b""


def _is_tar(content: bytes) -> bool:
    """Tell whether the first block is a header of tar's, of any age, by its checksum."""
    block = content[:_TAR_BLOCK]
    stated = block[_TAR_SUM].strip(b"\0 ")
    if len(block) < _TAR_BLOCK or not stated or not set(stated) <= set(b"01234567"):
        return False
    return sum(block) - sum(block[_TAR_SUM]) + 8 * ord(" ") == int(stated, 8)


def _is_utf8(content: bytes) -> bool:
    """Tell whether bytes are UTF-8, but for a character that may be cut off at the end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return False
    return True


def looks_binary(content: bytes, most: float) -> bool:
    """Tell whether more than this share of the bytes are control characters."""
    return len(content) - len(content.translate(None, _CONTROL)) > most * len(content)


def require_text(content: bytes, source: str) -> None:
    """Raise an error if a file that begins with these bytes is no text in UTF-8.

    Parameters
    ----------
    content : bytes
        As `kind_of` takes it.
    source : str
        What messages call the file.

    Raises
    ------
    TextEncodingError
        If it is text in another encoding that its first bytes tell.
    CorpusError
        If it is of another known kind.
    """
    kind = kind_of(content) or binary_kind_of(content)
    if kind is None:
        return
    error = TextEncodingError if kind.is_encoding else CorpusError
    raise error(f"{source}: expected UTF-8 text, got {kind.name}; {kind.remedy}")


def text_chunks(chunks: Iterable[bytes], source: str) -> Iterator[bytes]:
    """Yield the pieces of a text as they come, after a look at the first of them.

    Raises
    ------
    TextEncodingError, CorpusError
        As `require_text`.
    """
    held: list[bytes] = []
    n_bytes = 0
    pieces = iter(chunks)
    for piece in pieces:
        held.append(piece)
        n_bytes += len(piece)
        if n_bytes >= LOOK_BYTES:
            break
    require_text(b"".join(held)[:LOOK_BYTES], source)
    yield from held
    yield from pieces
