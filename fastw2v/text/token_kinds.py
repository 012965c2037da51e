"""Kinds of tokens: what may stand for a word, and how it is written down and read back.

A token is a str, a whole number of any width, bytes, or a tuple of these: what compares by value
and can be written without pickle. Numbers of numpy count as the whole numbers that they equal, as
they do in a dict, and come back from a file as Python's. Nothing else is settled: None and NaN are
mostly missing values, floats mostly whole numbers of a column with missing values.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from fastw2v.errors import TokenKindError

__all__ = [
    "advice_on",
    "check_kinds",
    "described_kind",
    "is_settled",
    "tokens_from_json",
    "tokens_to_json",
]

_FITS_JSON = range(-(2**63), 2**64)  # whole numbers that readers of other languages hold
_DEEPEST = 16  # tuples within tuples


def is_settled(token: object, depth: int = 0) -> bool:
    """Return whether a value may stand for a word."""
    if isinstance(token, tuple):
        return depth < _DEEPEST and all(is_settled(part, depth + 1) for part in token)
    return isinstance(token, str | int | bytes | np.integer | np.bool_)


def _unsettled(tokens: Iterable[object]) -> Iterator[tuple[int, object]]:
    for place, token in enumerate(tokens):
        if type(token) is not str and not is_settled(token):
            yield place, token


def check_kinds(tokens: Iterable[Hashable], where: str, counts: Sequence[int] = ()) -> None:
    """Raise for the first value that cannot be a token.

    Parameters
    ----------
    tokens : iterable
        Different words, so that a text is looked at once for each of its words.
    where : str
        What messages call the place that they come from.
    counts : sequence of int
        How often each occurs, if that is known.

    Raises
    ------
    TokenKindError
        A CorpusError and TypeError: it names the value, its count, and what to do.
    """
    for place, token in _unsettled(tokens):
        times = f", {counts[place]:,} times" if len(counts) else ""
        raise TokenKindError(
            f"{where}: expected words that are str, whole numbers, bytes or tuples of these, "
            f"got {described_kind(token)}{times}; {advice_on(token)}"
        )


def described_kind(token: object) -> str:
    """Return "a float (0.5)" for messages, cut short where it is long."""
    if token is None:
        return "None"
    kind = type(token).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} ({token!r:.60})"


def advice_on(token: object) -> str:
    """Return what to do with a value that cannot be a token."""
    is_float = isinstance(token, float | np.floating)
    if token is None or (is_float and token != token):  # noqa: PLR0124 - NaN
        return "leave missing values out of the sentences"
    if is_float and float(token).is_integer():  # type: ignore[arg-type]
        return f"pass int(token), here {int(token)}"  # type: ignore[call-overload]
    return "pass str(token)"


def tokens_to_json(tokens: Iterable[Hashable]) -> list[Any]:
    """Return tokens as what JSON can hold, and `tokens_from_json` takes.

    A str stays as it is, and so does a whole number of 64 bits; others are objects of one entry:
    ``{"bytes": hex}``, ``{"tuple": [...]}``, ``{"int": hex}``.

    Raises
    ------
    TokenKindError
        If one cannot be a token.
    """
    return [token if type(token) is str else _to_json(token) for token in tokens]


def _to_json(token: Any) -> Any:
    if not is_settled(token):
        check_kinds([token], "words")
    if isinstance(token, tuple):
        return {"tuple": [_to_json(part) for part in token]}
    if isinstance(token, bytes):
        return {"bytes": token.hex()}
    if isinstance(token, str):
        return str.__str__(token)
    if isinstance(token, bool | np.bool_):
        return bool(token)
    number = int(token)
    return number if number in _FITS_JSON else {"int": hex(number)}


def tokens_from_json(values: Iterable[Any]) -> list[Any]:
    """Return the tokens that `tokens_to_json` wrote.

    Raises
    ------
    ValueError
        If it did not write them.
    """
    return [value if type(value) is str else _from_json(value) for value in values]


def _from_json(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    match value:
        case {"bytes": str(text), **rest} if not rest:
            return bytes.fromhex(text)
        case {"int": str(text), **rest} if not rest:
            return int(text, 16)
        case {"tuple": list(parts), **rest} if not rest:
            return tuple(_from_json(part) for part in parts)
    raise ValueError(f"expected a token, got {value!r:.60}")
