"""Unicode's normal forms, the same under every Python.

A letter with an accent is one character in some texts and two in others. Python's `unicodedata`
has the forms, of a Unicode that is as old as the Python. What a version of Unicode makes of the
characters that it knows no later one changes (the stability policy of UAX 15), so characters that
the oldest supported Python does not know are left as they are, and stay apart from their
neighbours: then the result does not depend on the Python.
"""

import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Normalization
from fastw2v.kernels.text.scan import PADDING
from fastw2v.kernels.text.unicode_words import first_of

__all__ = ["NORMALIZED_VERSION", "normalized"]

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
    for first, last in _newer():
        changing[first : last + 1] = False
    return changing


def normalized(data: bytes, form: Normalization) -> bytes:
    """Return text in a normal form of Unicode.

    Parameters
    ----------
    data : bytes
        UTF-8.
    form : {"none", "nfc", "nfkc"}

    Returns
    -------
    bytes
        UTF-8; the same object where nothing changes, which a look at each character beyond ASCII
        tells of most texts.
    """
    if form == "none" or data.isascii():
        return data
    text = np.empty(len(data) + PADDING, np.uint8)
    text[: len(data)] = np.frombuffer(data, np.uint8)
    text[len(data) :] = ord(" ")
    first = first_of(text, len(data), _changing(form))
    if first == len(data):
        return data
    # From the line on that has the first such character.
    begin = data.rfind(b"\n", 0, first) + 1
    name = _FORMS[form]
    pieces = _newer_pattern().split(data[begin:].decode())
    pieces[::2] = (unicodedata.normalize(name, piece) for piece in pieces[::2])
    return data[:begin] + "".join(pieces).encode()
