"""The characters of words and where words end, by one version of Unicode on every interpreter.

Python brings Unicode's tables of its own year, and a text may have characters that are younger:
by those of two interpreters it would have two vocabularies. So the package has a table of its own,
`unicode_words.txt`, built by `corpora/unicode_words.py`, and another one of the same version,
of word boundaries and emoji: `unicode_breaks.txt`, built by `corpora/unicode_breaks.py`.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import UNICODE_TOKENIZERS
from fastw2v.kernels.text.tokens import LETTER, SHOWN
from fastw2v.kernels.text.word_breaks import (
    ALETTER,
    CLASS,
    FORMAT,
    KATAKANA,
    OTHER,
    PICTOGRAPH,
    W_SEG_SPACE,
    WORD_BREAKS,
)

__all__ = ["token_classes", "unicode_version", "version_of", "word_breaks", "word_characters"]

_FIRST_LINE = "# Unicode "
_WORDS, _BREAKS = "unicode_words.txt", "unicode_breaks.txt"

# Emoji that are shown as such without being asked to, though Unicode has them as text by default.
_SYMBOLS_FROM = 0x2600
# From here on UAX 29 has one segment for each letter that it has no class for.
_IDEOGRAPHS_FROM = 0x2E80
_NARROW_NO_BREAK_SPACE = 0x202F
_UNDERSCORE = ord("_")


@cache
def _lines(name: str = _WORDS) -> tuple[str, ...]:
    content = files("fastw2v.text").joinpath(name).read_text(encoding="ascii")
    return tuple(content.splitlines())


def unicode_version() -> str:
    """Return the version of Unicode by which texts are cut into words, such as '17.0.0'."""
    return _lines()[0].removeprefix(_FIRST_LINE)


def word_characters() -> NDArray[np.int32]:
    """Return the lower case of each code point that belongs to words, 0 for others.

    Returns
    -------
    ndarray of int32, shape (0x110000,)
        In words are letters, numbers and combining marks: Unicode's categories L, N and M. Those
        without a lower case of one code point stand for themselves.
    """
    lower = np.zeros(0x110000, np.int32)
    for line in _lines():
        if line.startswith("#"):
            continue
        first, last, *case = (int(number, 16) for number in line.split())
        step, offset = case or (1, 0)
        lower[first : last + 1 : step] = np.arange(first + offset, last + offset + 1, step)
    return lower


def version_of(tokenizer: str) -> str | None:
    """Return the same for texts that this tokenizer cuts; None if it does not ask Unicode."""
    return unicode_version() if tokenizer in UNICODE_TOKENIZERS else None


def word_breaks() -> NDArray[np.uint8]:
    """Return the class of each code point in UAX 29, as `segment_end` takes them.

    Returns
    -------
    ndarray of uint8, shape (0x110000,)
        The numbers of `WORD_BREAKS`, and `PICTOGRAPH`.
    """
    classes = np.full(0x110000, OTHER, np.uint8)
    bits = {"Extended_Pictographic": PICTOGRAPH, "Emoji": 0, "Emoji_Presentation": 0}
    for name, span in _break_runs():
        classes[span] |= bits[name] if name in bits else WORD_BREAKS.index(name)
    return classes


def token_classes(*, whole_runs: bool) -> NDArray[np.uint8]:
    """Return the same with what tokens need beyond it, as `write_tokens` takes them.

    Parameters
    ----------
    whole_runs : bool
        Whether ideographs, kana and the like stay together, since another has cut them.

    Returns
    -------
    ndarray of uint8, shape (0x110000,)
        Letters without a class (superscripts, Thai, Khmer) stay together, ideographs and kana only
        with `whole_runs`. U+202F is white space. Entries have `LETTER` and `SHOWN`.
    """
    classes = word_breaks()
    kind = classes & CLASS
    is_mark = (kind > 0) & (kind <= FORMAT)
    is_letter = (word_characters() > 0) & ~is_mark
    is_letter[_UNDERSCORE] = True
    alone = is_letter & (kind == OTHER)
    if whole_runs:
        alone |= kind == KATAKANA
    else:
        alone[_IDEOGRAPHS_FROM:] = False
    classes[alone] = classes[alone] & ~np.uint8(CLASS) | ALETTER
    classes[is_letter] |= LETTER
    classes[_NARROW_NO_BREAK_SPACE] = W_SEG_SPACE
    is_shown, is_emoji = np.zeros((2, 0x110000), np.bool_)
    for name, span in _break_runs():
        if name == "Emoji_Presentation":
            is_shown[span] = True
        elif name == "Emoji":
            is_emoji[span] = True
    is_shown[_SYMBOLS_FROM:] |= is_emoji[_SYMBOLS_FROM:]
    classes[is_shown & (classes & PICTOGRAPH > 0)] |= SHOWN
    return classes


def _break_runs() -> Iterator[tuple[str, slice]]:
    for line in _lines(_BREAKS):
        if not line.startswith("#"):
            first, last, name = line.split()
            yield name, slice(int(first, 16), int(last, 16) + 1)
