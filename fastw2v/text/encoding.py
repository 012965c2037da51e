"""Text that is not UTF-8: refused, or repaired and counted, as the setting `errors` says."""

from dataclasses import dataclass

from fastw2v.config import Errors
from fastw2v.errors import TextEncodingError
from fastw2v.system.file_kinds import looks_binary

__all__ = ["READ_WITH_ERRORS", "TRAIN_WITH_ERRORS", "Repairs", "valid_utf8"]

READ_WITH_ERRORS = "read it with errors='replace' or 'ignore' (--errors)"
# Where the settings of a model decide.
TRAIN_WITH_ERRORS = (
    "train with errors='replace' or 'ignore' (--errors), by which this text is then read too"
)
"""What may be done where that setting is at hand."""

_LONGEST_WORD_SHOWN = 40
_MOST_CONTROL = 0.02  # of the bytes of a line; more are hardly those of a text
_CHECKED_BYTES = 1 << 16  # at once
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_DONE_WITH_THEM = {"replace": "replaced by U+FFFD", "ignore": "left out"}


@dataclass
class Repairs:
    """What was replaced or left out of a corpus; it grows while the corpus is read.

    Attributes
    ----------
    n_sequences : int
        Invalid sequences of bytes: each is what one U+FFFD stands for (Unicode's "maximal
        subpart", as in Python's own decoder).
    n_files : int
        Files that hold them.
    first : str
        The file and the byte offset of the first.
    remedy : str
        What a message about text that is refused says of reading it all the same; nothing where
        that cannot be chosen.
    """

    n_sequences: int = 0
    n_files: int = 0
    first: str = ""
    remedy: str = ""
    _last_file: str = ""

    def add(self, n_sequences: int, source: str, offset: int) -> None:
        """Count sequences of one file, the first of them at a byte offset."""
        self.first = self.first or f"{source} at byte offset {offset}"
        self.n_files += source != self._last_file
        self._last_file = source
        self.n_sequences += n_sequences

    def sentence(self, errors: Errors) -> str:
        """Return a sentence about them for a person."""
        plural, files = "s" * (self.n_sequences != 1), "s" * (self.n_files != 1)
        return (
            f"{self.n_sequences:,} invalid UTF-8 sequence{plural} in {self.n_files:,} file{files} "
            f"{_DONE_WITH_THEM[errors]}, the first in {self.first}"
        )


def valid_utf8(
    text: bytes,
    source: str,
    offset: int,
    errors: Errors,
    repairs: Repairs,
    line: int | None = None,
) -> bytes:
    """Return valid UTF-8.

    Parameters
    ----------
    text : bytes
        Whole lines, so that no character goes on behind their end.
    source : str
        The file's name, for messages.
    offset : int
        Where the text begins in the file, in bytes.
    errors : {"strict", "replace", "ignore"}
        What to do with what is not UTF-8.
    repairs : Repairs
        Counts what was replaced or left out.
    line : int, optional
        The number of the first line, from 1, where it is known.

    Raises
    ------
    TextEncodingError
        If the text is not UTF-8 and `errors` is "strict".
    """
    if text.isascii() or _is_utf8_in_parts(text):
        return text
    try:
        text.decode()
    except UnicodeDecodeError as error:
        if errors == "strict":
            remedy = f"; or {repairs.remedy}" if repairs.remedy else ""
            raise _encoding_error(error, text, source, offset, line, remedy) from None
        replaced = text.decode(errors="replace")
        found = replaced.count(_REPLACEMENT) - text.count(_REPLACEMENT.encode())
        repairs.add(found, source, offset + error.start)
        return (replaced if errors == "replace" else text.decode(errors="ignore")).encode()
    return text


def _is_utf8_in_parts(text: bytes) -> bool:
    """Tell whether a text is UTF-8, some lines at a time.

    Most of them are ASCII, and no string of the whole has to be made.
    """
    begin = 0
    while begin < len(text):
        end = text.find(b"\n", min(begin + _CHECKED_BYTES, len(text)) - 1) + 1 or len(text)
        part = text[begin:end]
        if not part.isascii():
            try:
                part.decode()
            except UnicodeDecodeError:
                return False
        begin = end
    return True


def _encoding_error(
    error: UnicodeDecodeError, text: bytes, source: str, offset: int, line: int | None, remedy: str
) -> TextEncodingError:
    start = text.rfind(b"\n", 0, error.start) + 1
    whole = text[start : text.find(b"\n", error.start)]
    place = f"byte offset {offset + error.start} ({error.reason})"
    if looks_binary(whole, _MOST_CONTROL):
        return TextEncodingError(
            f"{source}: expected UTF-8 text, got binary data: byte 0x{text[error.start]:02x} at "
            f"{place}; name a file of text"
        )
    if line is not None:
        number = line + text.count(b"\n", 0, start)
        place += f", in {_word_at(whole, error.start - start)!r} at line {number:,}"
    return TextEncodingError(
        f"{source}: expected UTF-8 text, got byte 0x{text[error.start]:02x} at {place}; re-encode "
        f"the text, for example with: iconv -f ISO-8859-1 -t UTF-8 OLD > NEW{remedy}"
    )


def _word_at(line: bytes, place: int) -> str:
    """Return the word of a line around a byte, as ISO-8859-1 would have it, cut if it is long."""
    before, behind = line[:place].split(b" ")[-1], line[place:].split(b" ", 1)[0]
    word = before[-_LONGEST_WORD_SHOWN:] + behind[:_LONGEST_WORD_SHOWN]
    return "".join(word.decode("latin-1").split())
