"""Lines cut by a function of the user's, or by a library for a language, in this process."""

import reprlib
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from fastw2v.config import SEGMENTED, NamedTokenizer
from fastw2v.errors import CorpusError, FastW2VError, TokenizerError
from fastw2v.text.batches import TokenBatch, described, token_batch
from fastw2v.text.normalization import normalized
from fastw2v.text.rules import TextRules
from fastw2v.text.segmenters import segmented

__all__ = ["LineError", "Place", "cut_lines", "failed_line", "is_cut_by_others"]

_SHOWN_CHARACTERS = 60


class LineError(Exception):
    """A line could not be cut; `args` are its number, from 0, and why."""


class Place(NamedTuple):
    """Where lines are from, for messages."""

    source: str
    offset: int
    """Of the first of the counted lines, in bytes; 0 where the source is counted from its begin."""
    line: int
    """Number of the first line, from 1."""
    place_of: Callable[[int], str] | None = None
    """As in `TextBlock`; `line` then counts those of the block."""

    def of(self, number: int) -> str:
        """Return what messages call one of the lines, whose numbers here begin with 0."""
        if self.place_of is not None:
            return f"{self.source}, {self.place_of(self.line - 1 + number)}"
        behind = f" from byte {self.offset} on" if self.offset else ""
        return f"{self.source}, line {self.line + number}{behind}"


def is_cut_by_others(rules: TextRules) -> bool:
    """Tell whether text is cut by a function or library, and not by this package alone."""
    return isinstance(rules.tokenizer, NamedTokenizer) or rules.tokenizer in SEGMENTED


def failed_line(
    rules: TextRules, data: bytes, place: Place, number: int, reason: str
) -> TokenizerError:
    """Return the error for a line that could not be cut."""
    lines = data.decode().split("\n")
    shown = reprlib.repr(lines[number][:_SHOWN_CHARACTERS]) if number < len(lines) else ""
    return TokenizerError(
        f"{place.of(number)}: the tokenizer {rules.tokenizer} {reason}; the line begins {shown}"
    )


def cut_lines(
    rules: TextRules, data: bytes, tell: Callable[[int], object] | None = None
) -> bytes | TokenBatch:
    """Cut whole lines by a function or a library, in this process.

    Parameters
    ----------
    rules : TextRules
    data : bytes
    tell : callable, optional
        Gets the number of each line, from 0, before it is cut.

    Returns
    -------
    bytes or TokenBatch
        Lines with blanks between words for `fastw2v.text.tokenizers`; of a function its tokens.

    Raises
    ------
    LineError
        If a line cannot be cut.
    TokenizerError, MissingDependencyError
        If there is no function, or no library.
    """
    lines = _lines_of(rules, data)
    if not isinstance(rules.tokenizer, NamedTokenizer):
        cut = _each_line(lines, lambda line: segmented(line, rules.tokenizer), tell)
        return "".join(f"{line}\n" for line in cut).encode()
    sentences = _tokens_of_lines(rules, data, tell)
    try:
        return token_batch(sentences)
    except CorpusError:
        for number, sentence in enumerate(sentences):
            try:
                token_batch([sentence])
            except CorpusError as error:
                reason = str(error).removeprefix("sentence 0, ")
                raise LineError(number, f"has returned no tokens: {reason}") from error
        raise


def _tokens_of_lines(
    rules: TextRules, data: bytes, tell: Callable[[int], object] | None = None
) -> list[list[Hashable]]:
    """Return the tokens that a function makes of whole lines; parameters as of `cut_lines`."""
    function = getattr(rules.tokenizer, "function", None)
    if function is None:
        raise TokenizerError(
            f"tokenizer: expected the function {rules.tokenizer} to cut text by, got only its "
            "name, and names out of files are not imported; give it again by --tokenizer "
            f"{rules.tokenizer}, in Python by tokenizer=FUNCTION, or give lists of tokens"
        )

    def tokens(line: str) -> list[Hashable]:
        found: Any = function(line) if line.strip() else ()
        if isinstance(found, str | bytes) or not isinstance(found, Iterable):
            raise TypeError(f"expected an iterable of tokens, got {described(found)}")
        return list(found)

    return _each_line(_lines_of(rules, data), tokens, tell)


def _lines_of(rules: TextRules, data: bytes) -> list[str]:
    text = normalized(data, rules.normalize).decode()
    return [line.removesuffix("\r") for line in text.split("\n")[:-1]]


def _each_line(
    lines: list[str], cut: Callable[[str], Any], tell: Callable[[int], object] | None
) -> list[Any]:
    found = []
    for number, line in enumerate(lines):
        if tell is not None:
            tell(number)
        try:
            found.append(cut(line))
        except FastW2VError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise LineError(number, f"has failed ({reason})") from error
    return found
