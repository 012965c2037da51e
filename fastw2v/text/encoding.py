"""Text that is not UTF-8: refused, or repaired and counted, as the setting `errors` says."""

from dataclasses import dataclass

from fastw2v.config import Errors
from fastw2v.errors import TextEncodingError

__all__ = ["Repairs", "valid_utf8"]

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
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
    """

    n_sequences: int = 0
    n_files: int = 0
    first: str = ""
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


def valid_utf8(text: bytes, source: str, offset: int, errors: Errors, repairs: Repairs) -> bytes:
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

    Raises
    ------
    TextEncodingError
        If the text is not UTF-8 and `errors` is "strict"; if it is UTF-16, whatever `errors` is,
        for nothing of it would be left as it was.
    """
    if text.isascii():
        return text
    try:
        text.decode()
    except UnicodeDecodeError as error:
        is_utf_16 = offset == 0 and text.startswith(_UTF_16_MARKS)
        if errors == "strict" or is_utf_16:
            raise _encoding_error(error, text, source, offset, is_utf_16) from None
        replaced = text.decode(errors="replace")
        found = replaced.count(_REPLACEMENT) - text.count(_REPLACEMENT.encode())
        repairs.add(found, source, offset + error.start)
        return (replaced if errors == "replace" else text.decode(errors="ignore")).encode()
    return text


def _encoding_error(
    error: UnicodeDecodeError, text: bytes, source: str, offset: int, is_utf_16: bool
) -> TextEncodingError:
    otherwise = "" if is_utf_16 else "; or read it with errors='replace' or 'ignore' (--errors)"
    return TextEncodingError(
        f"{source}: expected UTF-8 text, got byte 0x{text[error.start]:02x} at byte offset "
        f"{offset + error.start} ({error.reason}); re-encode the text, for example with: "
        f"iconv -f {'UTF-16' if is_utf_16 else 'ISO-8859-1'} -t UTF-8 OLD > NEW{otherwise}"
    )
