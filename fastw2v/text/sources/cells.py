"""Values of a field as what is read: a text is a document, a list is a sentence of tokens.

Lines within a text are sentences. A missing value is an empty sentence; it is counted.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from collections.abc import Mapping as MappingABC
from itertools import groupby
from typing import Any

from fastw2v.errors import CorpusError, TextEncodingError, TokenKindError
from fastw2v.text.batches import TokenBatch, described, token_batch
from fastw2v.text.files import TextBlock
from fastw2v.text.sources.kinds import MissingValues
from fastw2v.text.token_kinds import advice_on, is_settled

__all__ = ["Piece", "is_missing", "pieces_of", "places_of_lines"]

Piece = TextBlock | TokenBatch

_NO_VALUES = ("NAType", "NaTType")  # of pandas


def pieces_of(
    values: Sequence[Any],
    source: str,
    place: Callable[[int], str],
    missing: MissingValues,
) -> Iterator[Piece]:
    """Yield blocks of text and batches of tokens for values, in their order.

    Parameters
    ----------
    values : sequence
        Texts (str), lists of tokens, and what is missing (None, NaN).
    source : str
        What messages call where they come from.
    place : callable
        Gets the number of a value here, and returns what messages call its place.
    missing : MissingValues
        Counts what is missing.

    Raises
    ------
    CorpusError
        If a value is something else.
    TextEncodingError
        If a text holds a lone surrogate.
    """
    try:
        data = "\n".join(values).encode()
    except TypeError:
        pass
    except UnicodeEncodeError:
        raise _lone_surrogate(values, source, place) from None
    else:
        if values:
            yield TextBlock(data + b"\n", source, 0, places_of_lines(values, "\n", place))
        return
    absent = [number for number, value in enumerate(values) if is_missing(value)]
    if absent:
        missing.add(len(absent), source, place(absent[0]))
        values = list(values)
        for number in absent:
            values[number] = ""
        if all(isinstance(value, str) for value in values):
            yield from pieces_of(values, source, place, missing)
            return
    first = 0
    for is_text, group in groupby(values, _is_text):
        run = list(group)
        if is_text:
            yield from pieces_of(run, source, _moved(place, first), missing)
        else:
            yield _batch_of(run, source, _moved(place, first), missing)
        first += len(run)


def places_of_lines(
    cells: Sequence[Any], line_feed: str | bytes, place: Callable[[int], str]
) -> Callable[[int], str]:
    """Return what names the place of a line of cells, each of which may hold several."""

    def place_of(line: int) -> str:
        left = line
        for number, cell in enumerate(cells):
            left -= 1 + (cell.count(line_feed) if cell else 0)
            if left < 0:
                return place(number)
        raise IndexError(line)

    return place_of


def _is_text(value: Any) -> bool:
    # An empty one, which may be a missing one, need not stand apart from lists.
    return isinstance(value, str) and bool(value)


def _moved(place: Callable[[int], str], first: int) -> Callable[[int], str]:
    return lambda number: place(first + number)


def _batch_of(
    values: list[Any], source: str, place: Callable[[int], str], missing: MissingValues
) -> TokenBatch:
    """Return lists of tokens, and empty texts as empty ones, as a batch."""
    sentences: list[Sequence[Any]] = []
    for number, value in enumerate(values):
        if isinstance(value, list | tuple):
            sentences.append(value)
        elif isinstance(value, str):  # an empty one, or a missing one
            sentences.append(())
        elif hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1:  # an array of numpy's
            sentences.append(value.tolist())
        else:
            raise _no_cell(value, source, place(number))
    try:
        return token_batch(sentences)
    except CorpusError:
        return token_batch(_present_tokens(sentences, source, place, missing))


def _present_tokens(
    sentences: list[Sequence[Any]],
    source: str,
    place: Callable[[int], str],
    missing: MissingValues,
) -> list[list[Any]]:
    """Leave out missing values within lists; refuse what cannot be a token."""
    kept: list[list[Any]] = []
    for number, sentence in enumerate(sentences):
        present = [token for token in sentence if not is_missing(token)]
        if len(present) < len(sentence):
            missing.add(len(sentence) - len(present), source, place(number))
        try:
            token_batch([present])
        except TokenKindError:
            wrong = next(token for token in present if not is_settled(token))
            raise TokenKindError(
                f"{source}, {place(number)}: expected tokens that are str, whole numbers, bytes or "
                f"tuples of these, got {described(wrong)}; {advice_on(wrong)}"
            ) from None
        except TextEncodingError as error:
            raise TextEncodingError(f"{source}, {place(number)}: {error}") from None
        kept.append(present)
    return kept


def is_missing(value: Any) -> bool:
    """Return whether a value stands for none: None, NaN, or pandas' NA and NaT."""
    if value is None or type(value).__name__ in _NO_VALUES:
        return True
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN alone


def _no_cell(value: Any, source: str, place: str) -> CorpusError:
    what = "a text or a list of tokens"
    if isinstance(value, MappingABC):
        names = ", ".join(repr(name) for name in list(value)[:20])
        hint = f"; it has fields of its own ({names}): name one as 'OUTER.INNER'"
    elif isinstance(value, Set):
        hint = "; a set has no order"
    elif isinstance(value, bytes):
        hint = "; decode it"
    else:
        hint = "; name another field, or write it as text"
    return CorpusError(f"{source}, {place}: expected {what}, got {described(value)}{hint}")


def _lone_surrogate(
    values: Sequence[str], source: str, place: Callable[[int], str]
) -> TextEncodingError:
    for number, value in enumerate(values):
        _require_encodable(value, source, place(number))
    raise AssertionError("every value is fit to be encoded")


def _require_encodable(text: str, source: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextEncodingError(
            f"{source}, {place}: expected text that UTF-8 can hold, got the lone surrogate "
            f"U+{ord(text[error.start]):04X}; decode the bytes it came from with the right encoding"
        ) from None
