"""The characters that words are made of, by one version of Unicode whatever the interpreter knows.

Python brings Unicode's tables of its own year, and a text may have characters that are younger:
by those of two interpreters it would have two vocabularies. So the package has a table of its own,
`unicode_words.txt`, built by `corpora/unicode_words.py`.
"""

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Tokenizer

__all__ = ["unicode_version", "version_of", "word_characters"]

_FIRST_LINE = "# Unicode "


@cache
def _lines() -> tuple[str, ...]:
    content = files("fastw2v.text").joinpath("unicode_words.txt").read_text(encoding="ascii")
    return tuple(content.splitlines())


def unicode_version() -> str:
    """Return the version of Unicode by which texts are cut into words, such as '17.0.0'."""
    return _lines()[0].removeprefix(_FIRST_LINE)


def version_of(tokenizer: Tokenizer) -> str | None:
    """Return the same for texts that this tokenizer cuts; None if it does not ask Unicode."""
    return unicode_version() if tokenizer == "words" else None


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
