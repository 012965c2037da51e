"""Unicode's normal forms, the same under every Python.

A letter with an accent is one character in some texts and two in others. Python's `unicodedata`
has the forms, of a Unicode that is as old as the Python. What a version of Unicode makes of the
characters that it knows no later one changes (the stability policy of UAX 15), so characters that
the oldest supported Python does not know are left as they are, and stay apart from their
neighbours: then the result does not depend on the Python.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Normalization
from fastw2v.kernels.text.scan import PADDING
from fastw2v.kernels.text.unicode_words import first_of

__all__ = ["NORMALIZED_VERSION", "changed_lines", "normalized"]

NORMALIZED_VERSION = "14.0.0"
"""The version of Unicode whose characters have normal forms here."""

# Code points without canonical classes, decompositions and compositions, many at once.
_PLAIN_BLOCKS = ((0x3400, 0x9FFF), (0xD800, 0xF8FF), (0x17000, 0x18CFF), (0x20000, 0x2F7FF))
_PAST_ALL = 0x2FA20
_JAMO = ((0x1161, 0x1175), (0x11A8, 0x11C2))
_FORMS: dict[str, Literal["NFC", "NFKC"]] = {"nfc": "NFC", "nfkc": "NFKC"}


@cache
def _newer() -> tuple[tuple[int, int], ...]:
    """Return the ranges of code points that are newer than `NORMALIZED_VERSION`."""
    lines = files("fastw2v.text").joinpath("unicode_newer.txt").read_text(encoding="ascii")
    ranges = (line.split() for line in lines.splitlines() if not line.startswith("#"))
    return tuple((int(first, 16), int(last, 16)) for first, last in ranges)


@cache
def _is_newer() -> NDArray[np.bool_]:
    """Return the same for each code point."""
    newer = np.zeros(0x110000, np.bool_)
    for first, last in _newer():
        newer[first : last + 1] = True
    return newer


@cache
def _newer_pattern() -> re.Pattern[str]:
    ranges = "".join(f"{chr(first)}-{chr(last)}" for first, last in _newer())
    return re.compile(f"([{ranges}]+)")


@cache
def _changing(form: Normalization) -> NDArray[np.bool_]:
    """Return whether text with a code point may be changed by a form, for each of them.

    It is made in a tenth of a second, at the first text beyond ASCII.
    """
    name = _FORMS[form]
    changing = np.zeros(0x110000, np.bool_)
    code = 0x80
    skips = dict(_PLAIN_BLOCKS)
    while code < _PAST_ALL:
        if code in skips:
            code = skips[code] + 1
            continue
        character = chr(code)
        if unicodedata.combining(character) or unicodedata.normalize(name, character) != character:
            changing[code] = True
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            changing[int(parts[1], 16)] = True  # may be composed with what stands before it
        code += 1
    for first, last in _JAMO:
        changing[first : last + 1] = True
    changing[_is_newer()] = False
    return changing


def changed_lines(
    text: NDArray[np.uint8], data: bytes, form: Normalization
) -> Iterator[tuple[int, int, bytes]]:
    """Yield the lines that a normal form may change, as it has them.

    Parameters
    ----------
    text : uint8 array (at least len(data) + PADDING,)
        The data, and padding of spaces.
    data : bytes
        UTF-8.
    form : {"nfc", "nfkc"}

    Yields
    ------
    begin, end : int
        Where the line stands in the text; a line feed is composed with nothing.
    line : bytes
        What stands there in the normal form.
    """
    changing, name = _changing(form), _FORMS[form]
    end = 0
    while (first := first_of(text, end, len(data), changing)) < len(data):
        begin = max(data.rfind(b"\n", end, first) + 1, end)
        end = data.find(b"\n", first) + 1 or len(data)
        line = data[begin:end].decode()
        if first_of(text, begin, end, _is_newer()) < end:
            parts = _newer_pattern().split(line)
            parts[::2] = (unicodedata.normalize(name, part) for part in parts[::2])
            line = "".join(parts)
        else:
            line = unicodedata.normalize(name, line)
        yield begin, end, line.encode()


def normalized(data: bytes, form: Normalization) -> bytes:
    """Return text in a normal form of Unicode.

    Parameters
    ----------
    data : bytes
        UTF-8.
    form : {"none", "nfc", "nfkc"}
    """
    if form == "none" or data.isascii():
        return data
    text = np.frombuffer(data + b" " * PADDING, np.uint8)
    pieces: list[bytes] = []
    done = 0
    for begin, end, line in changed_lines(text, data, form):
        pieces += (data[done:begin], line)
        done = end
    return b"".join((*pieces, data[done:])) if done else data
