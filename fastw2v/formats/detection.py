"""Which format a file is in, by its first bytes, and by its name where these leave it open.

Nothing is vectors by default: what no format begins like is refused by the name of its kind, or
with its first line.
"""

import codecs
import re
from pathlib import Path

from fastw2v.errors import ModelFormatError
from fastw2v.formats import model2vec, projector
from fastw2v.formats.compression import chunks, is_compressed
from fastw2v.formats.line_parts import NUMBER, SIZES
from fastw2v.formats.model_folder import is_model_folder
from fastw2v.formats.registry import FORMATS, format_named, format_of_suffix
from fastw2v.system.file_kinds import LOOK_BYTES, FileKind, binary_kind_of, kind_of

__all__ = ["first_bytes", "recognised", "require_kind"]

_LOOK_BYTES = 1 << 16
# What some write for a number, which the reader then refuses at its place.
_NEARLY = re.compile(rb"[+-]?(?:\d+(?:,\d+)?|nan|inf(?:inity)?)(?:[eE][+-]?\d+)?", re.IGNORECASE)
# Characters of control that no line of text has.
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x7f]")
_SURE_NUMBERS = 4  # so many numbers in binary are hardly ever all bytes of written ones
_MOST_OTHERS = 4  # fields of a first row that are no numbers, where its word has blanks
_ROWS = 3


def recognised(path: Path) -> str:
    """Return the name of the format of a file or folder.

    Raises
    ------
    ModelFormatError
        If it is missing, empty or in no known format.
    """
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise ModelFormatError(f"{path}: no such file or folder")
    if not path.is_file():
        raise ModelFormatError(
            f"{path}: expected a file, whose beginning tells its format, got a pipe or device; "
            "name the format ('convert --from')"
        )
    content = first_bytes(path)
    if not content:
        raise ModelFormatError(f"{path}: expected vectors, the file is empty")
    kind = kind_of(content)
    if kind is not None and kind.vectors is not None:
        if is_compressed(path) and not format_named(kind.vectors).is_stream:
            raise ModelFormatError(
                f"{path}: expected vectors, got {kind.name} within compressed data; decompress it "
                "first"
            )
        return kind.vectors
    if kind is not None and not kind.is_encoding:
        raise _foreign(path, kind)
    by_name = format_of_suffix(path)
    suggested = by_name.name if by_name is not None else ""
    text = content.removeprefix(codecs.BOM_UTF8)
    first, line_feed, rest = text.partition(b"\n")
    sizes = SIZES.fullmatch(first)
    if kind is not None:  # which the reader refuses, and says how it is re-encoded
        return suggested if suggested in ("glove", "fasttext") else "word2vec"
    if sizes is not None and line_feed and suggested != "glove":
        n_words, dimensions = int(sizes[1]), int(sizes[2])
        form = _behind_sizes(rest, n_words, dimensions, is_whole=len(content) < _LOOK_BYTES)
        if form is not None:
            return "fasttext" if (form, suggested) == ("word2vec", "fasttext") else form
    if suggested == "glove" or _is_table(text):
        return "glove"
    other = binary_kind_of(content)
    if other is not None:
        raise _foreign(path, other)
    whole = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    line = whole.decode(first[:60], final=len(first) <= 60)  # a letter that is cut is left out
    raise ModelFormatError(
        f"{path}: expected vectors in one of the formats {_known()}, got a file that begins as "
        f"none of them: {line!r}; name its format, if it is one ('convert --from')"
    )


def require_kind(path: Path, form: str) -> None:
    """Raise `ModelFormatError` if a file that is to be in a format is of another known kind."""
    if not path.is_file():
        return
    if format_named(form).is_stream:
        kind = kind_of(first_bytes(path))
    else:
        with path.open("rb") as file:
            kind = kind_of(file.read(LOOK_BYTES))
    if kind is None or kind.vectors == form or kind.is_encoding:
        return
    if kind.vectors is None:
        raise _foreign(path, kind)
    raise ModelFormatError(
        f"{path}: expected vectors in the format {form!r}, got {kind.name}, which is the format "
        f"{kind.vectors!r}; name that one, or none"
    )


def first_bytes(path: Path) -> bytes:
    """Return the first bytes of a file, decompressed as its name says."""
    content = b""
    for chunk in chunks(path, _LOOK_BYTES):
        content += chunk
        if len(content) >= _LOOK_BYTES:
            break
    return content[:_LOOK_BYTES]


def _foreign(path: Path, kind: FileKind) -> ModelFormatError:
    return ModelFormatError(f"{path}: expected vectors, got {kind.name}; {kind.remedy}")


def _known() -> str:
    return ", ".join(form.name for form in FORMATS)


def _behind_sizes(rest: bytes, n_words: int, dimensions: int, *, is_whole: bool) -> str | None:
    """Tell text from binary by what comes behind a first line of two whole numbers.

    None for a table of two numbers a line.
    """
    row = rest.lstrip(b"\n").partition(b"\n")[0]
    numbers = _numbers_of(row)
    are_numbers = bool(numbers) and all(map(NUMBER.fullmatch, numbers))
    if are_numbers and _is_text(rest):
        if len(numbers) == dimensions or len(numbers) >= _SURE_NUMBERS:
            return "word2vec"
        if len(numbers) == 1:
            return None
    if _CONTROL.search(rest) or (is_whole and _ends_as_binary(rest, n_words, dimensions)):
        return "word2vec-bin"
    # Text, whose reader says which line is not as it should be. Without rows it is a cut file.
    return "word2vec" if _is_text(rest) or b"\n" in rest else "word2vec-bin"


def _is_text(content: bytes) -> bool:
    """Tell whether bytes are UTF-8, but for a character that may be cut off at the end."""
    try:
        content[: max(content.rfind(b"\n"), 0)].decode()
    except UnicodeDecodeError:
        return False
    return True


def _ends_as_binary(rest: bytes, n_words: int, dimensions: int) -> bool:
    """Tell whether so many words with so many float32 fill the file to its end."""
    at = 0
    for _ in range(n_words):
        while rest[at : at + 1] == b"\n":
            at += 1
        blank = rest.find(b" ", at)
        if blank <= at:
            return False
        at = blank + 1 + 4 * dimensions
        if at > len(rest):
            return False
    return not rest[at:].strip(b"\n")


def _numbers_of(row: bytes) -> list[bytes]:
    """Return the fields behind the word of a row, which ends at a tab if there is one."""
    row = row.rstrip(b" \t\r")
    return row.partition(b"\t" if b"\t" in row else b" ")[2].split()


def _is_table(text: bytes) -> bool:
    """Tell whether first lines are words with numbers, but for some that the reader will refuse.

    One number a word, or up to three that are all whole, may be counts or prices as well.
    """
    lines = text.split(b"\n")
    rows = [_numbers_of(line) for line in (lines[:-1] or lines)[:_ROWS]]  # the last may be cut
    numbers = [field for field in rows[0] if _is_nearly_number(field)]
    n_others = len(rows[0]) - len(numbers)
    if len(numbers) < 2 or n_others > min(_MOST_OTHERS, len(numbers)):
        return False
    are_whole = all(
        field.lstrip(b"+-").isdigit() for row in rows for field in row if _is_nearly_number(field)
    )
    return len(numbers) >= _SURE_NUMBERS or not are_whole


def _is_nearly_number(field: bytes) -> bool:
    return bool(NUMBER.fullmatch(field) or _NEARLY.fullmatch(field))


def _folder(path: Path) -> str:
    if (path / projector.VECTORS).is_file():
        return "projector"
    if any((path / part / model2vec.WORDS).is_file() for part in ("", model2vec.NESTED)):
        return "model2vec"
    if is_model_folder(path):
        raise ModelFormatError(
            f"{path}: expected vectors, this is a model of fastw2v; export it, or load it with "
            "Word2Vec.load"
        )
    raise ModelFormatError(
        f"{path}: expected a folder in one of the formats {_known()}, got another; 'fastw2v info "
        "PATH' says what it is"
    )
