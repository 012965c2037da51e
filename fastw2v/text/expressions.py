"""Sums and differences of words, as people write them: ``king - man + woman``."""

import re
from collections.abc import Callable
from typing import NamedTuple

from fastw2v.errors import ConfigurationError

__all__ = ["Term", "parsed_expression"]

_SIGN = re.compile(r"(?:^|(?<=\s))([+-])(?=\s|$)")


class Term(NamedTuple):
    """A word of an expression, with +1 or -1."""

    word: str
    weight: float


def parsed_expression(text: str, is_word: Callable[[str], bool]) -> list[Term]:
    """Return the words of an expression with their signs.

    A sign stands between blanks: ``well-known`` is one word, and so is ``new york`` between signs.

    Parameters
    ----------
    text : str
        One word, or several parted by + and -.
    is_word : callable
        Tells whether a text is a word as a whole, signs and all.

    Raises
    ------
    ConfigurationError
        If a sign has no word behind it.
    """
    parts = [part.strip() for part in _SIGN.split(text)]
    if len(parts) == 1 or is_word(text):
        return [Term(text, 1.0)]
    if not parts[0]:  # a sign of the first word
        signs, words = parts[1::2], parts[2::2]
    else:
        signs, words = ["+", *parts[1::2]], parts[::2]
    if not all(words):
        raise ConfigurationError(
            f"{text!r:.200}: expected words with + or - between them, as in 'king - man + woman', "
            "got a sign without a word"
        )
    return [
        Term(word, -1.0 if sign == "-" else 1.0) for sign, word in zip(signs, words, strict=True)
    ]
