"""Text into tokens: the two tokenizers, on blocks of UTF-8 and on plain strings.

Both keep lines apart, because a line is a sentence:

- ``whitespace`` cuts each line exactly as `str.split` does, and changes nothing else.
- ``words`` keeps lower-cased words. A word is a longest run of letters, numbers, combining
  marks (categories L, N and M of one version of Unicode, `fastw2v.text.unicode_table`) and
  underscores. An apostrophe (``'`` or U+2019, written
  as ``'``), a zero-width joiner or a zero-width non-joiner stays if it stands directly between
  two such characters. Soft hyphens (U+00AD) vanish. Everything else separates. Each code point
  is lower-cased by itself, by Unicode's simple mapping, whatever stands around it; only U+0130
  becomes two code points, as in ``str.lower``.

What comes before and beside that is in `fastw2v.text.rules.TextRules`: a normal form of Unicode
(`fastw2v.text.normalization`); the final sigma, which a capital sigma becomes at the end of a word
of several characters; the dotless i of Turkish and Azerbaijani; and capitals that are kept.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import NamedTokenizer, TokenizeFunction
from fastw2v.errors import TextEncodingError, TokenizerError
from fastw2v.kernels.text.interning import SENTENCE_END, intern_lines, new_word_table
from fastw2v.kernels.text.scan import PADDING, blank_wide_spaces
from fastw2v.kernels.text.tokens import write_tokens
from fastw2v.kernels.text.unicode_words import (
    APOSTROPHE,
    CAPITAL_SIGMA,
    DOTTED_CAPITAL_I,
    JOINER,
    SOFT_HYPHEN,
    write_words,
)
from fastw2v.text.batches import TokenBatch, lines_of_batch
from fastw2v.text.cutting import Cutter
from fastw2v.text.files import TextBlock
from fastw2v.text.normalization import changed_lines, normalized
from fastw2v.text.paragraphs import joined_lines
from fastw2v.text.rules import TextRules, rules_of
from fastw2v.text.unicode_table import token_classes, word_characters

__all__ = ["TextNormalizer", "tokenize_text"]

_SPECIAL_KINDS = {
    0x27: APOSTROPHE,
    0x2019: APOSTROPHE,
    0x200C: JOINER,
    0x200D: JOINER,
    0xAD: SOFT_HYPHEN,
}
_FULL_CASES = {0x130: DOTTED_CAPITAL_I, 0x3A3: CAPITAL_SIGMA}
_SIMPLE_CASES = {0x130: DOTTED_CAPITAL_I}
_LOWER_CASE_BIT = 0x20


@cache
def _all_kinds(full_case: bool, keep_case: bool) -> NDArray[np.int32]:
    """Return what each code point is, as `fastw2v.kernels.text.unicode_words` has it.

    It is made at the first text that needs it, in some milliseconds.
    """
    kinds = word_characters()
    if keep_case:
        kinds = np.where(kinds > 0, np.arange(len(kinds), dtype=np.int32), np.int32(0))
    cases = {} if keep_case else _FULL_CASES if full_case else _SIMPLE_CASES
    for code, kind in {**_SPECIAL_KINDS, **cases, ord("_"): ord("_")}.items():
        kinds[code] = kind
    return kinds


@cache
def _classes(whole_runs: bool) -> NDArray[np.uint8]:
    """Return the classes of code points in UAX 29; made once, in some tenths of a second."""
    return token_classes(whole_runs=whole_runs)


@cache
def _ascii_kinds() -> NDArray[np.int32]:
    """Return the same for ASCII, where apostrophes alone are looked up."""
    kinds = np.zeros(128, np.int32)
    kinds[ord("'")] = APOSTROPHE
    for code in b"0123456789_abcdefghijklmnopqrstuvwxyz":
        kinds[code] = code
    for code in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        kinds[code] = code + 32
    return kinds


class TextNormalizer:
    """Turns blocks of text into what `fastw2v.kernels.text.interning.intern_lines` reads.

    Parameters
    ----------
    tokenizer : str, callable or TextRules
        See the module; a name or function has the defaults of `Hyperparameters`.

    Raises
    ------
    ConfigurationError
        If there is no such tokenizer.
    """

    def __init__(self, tokenizer: str | TokenizeFunction | TextRules) -> None:
        self._rules = rules_of(tokenizer)
        self._text = np.empty(0, np.uint8)
        self._words = np.empty(0, np.uint8)

    def normalize(self, data: bytes) -> tuple[NDArray[np.uint8], int]:
        """Return the text with its tokens apart by ASCII white space, and its length in bytes.

        Parameters
        ----------
        data : bytes
            Valid UTF-8, whole lines with their line feeds.

        Returns
        -------
        text : uint8 array (at least n_bytes + PADDING,)
            The object's own memory: the next call overwrites it.
        n_bytes : int
            Length of the text without its padding.
        """
        rules = self._rules
        if isinstance(rules.tokenizer, NamedTokenizer):
            raise TokenizerError(
                f"tokenizer: expected one of this package's, got the function {rules.tokenizer}"
            )
        if rules.language in ("tr", "az") and not rules.keep_case:
            data = _with_dotless_i(normalized(data, rules.normalize))
        n_bytes = len(data)
        if self._text.size < n_bytes + PADDING:
            self._text = np.empty(n_bytes + PADDING, np.uint8)
        text = self._text
        text[:n_bytes] = np.frombuffer(data, np.uint8)
        text[n_bytes : n_bytes + PADDING] = ord(" ")
        is_ascii = data.isascii()
        if rules.normalize != "none" and not is_ascii:
            changes = list(changed_lines(text, data, rules.normalize))
            if changes:
                text, n_bytes = self._changed(data, changes)
        if rules.tokenizer == "whitespace":
            if not is_ascii:
                blank_wide_spaces(text, n_bytes)
            return text, n_bytes
        room = 2 * (n_bytes + PADDING)
        if self._words.size < room:
            self._words = np.empty(room, np.uint8)
        case_bit = 0 if rules.keep_case else _LOWER_CASE_BIT
        if is_ascii and rules.tokenizer == "words":
            kinds = _ascii_kinds()
        else:
            kinds = _all_kinds(rules.language != "none", rules.keep_case)
        if rules.tokenizer == "words":
            return self._words, write_words(text, n_bytes, kinds, self._words, case_bit)
        classes = _classes(rules.tokenizer != "unicode")
        return self._words, write_tokens(text, n_bytes, kinds, classes, self._words, case_bit)

    def _changed(
        self, data: bytes, changes: list[tuple[int, int, bytes]]
    ) -> tuple[NDArray[np.uint8], int]:
        """Write a text with some of its lines changed; return it and its length."""
        if all(len(line) <= end - begin for begin, end, line in changes):
            # Composed text is shorter: blanks before the line feed make up for it.
            for begin, end, line in changes:
                padded = line.removesuffix(b"\n").ljust(end - begin - 1) + b"\n"
                self._text[begin:end] = np.frombuffer(padded, np.uint8)
            return self._text, len(data)
        n_bytes = len(data) + sum(len(line) - (end - begin) for begin, end, line in changes)
        if self._text.size < n_bytes + PADDING:
            self._text = np.empty(n_bytes + PADDING, np.uint8)
            changes = [(0, 0, b""), *changes]  # nothing stands there yet
        text = self._text
        at = done = changes[0][0]
        for begin, end, line in [*changes, (len(data), len(data), b"")]:
            kept = np.frombuffer(data, np.uint8, begin - done, done)
            text[at : at + len(kept)] = kept
            at += len(kept)
            text[at : at + len(line)] = np.frombuffer(line, np.uint8)
            at += len(line)
            done = end
        text[n_bytes : n_bytes + PADDING] = ord(" ")
        return text, n_bytes


def _with_dotless_i(data: bytes) -> bytes:
    """Return text with the capitals of i and dotless i in lower case, as Turkish has them."""
    for capital, small in (("I\u0307", "i"), ("I", "\u0131"), ("\u0130", "i")):
        data = data.replace(capital.encode(), small.encode())
    return data


def tokenize_text(
    text: str, tokenizer: str | TokenizeFunction | TextRules = "words"
) -> list[list[str]]:
    r"""Cut a string into the tokens of its lines, just as training on a file would.

    Parameters
    ----------
    text : str
        Any text; "\n" ends a line, and at the end of the text it begins no further one.
    tokenizer : str, callable or TextRules
        See the module; a name or function has the defaults of `Hyperparameters`.

    Returns
    -------
    sentences : list of list of str
        One list for each line, or paragraph; empty where a line has no token.

    Raises
    ------
    TextEncodingError
        If the text holds a lone surrogate, which no file in UTF-8 can hold.
    ConfigurationError
        If there is no such tokenizer.

    Examples
    --------
    >>> tokenize_text("The cat's hat.\nIt sat!")
    [['the', "cat's", 'hat'], ['it', 'sat']]
    """
    rules = rules_of(tokenizer)
    if text and not text.endswith("\n"):
        text += "\n"
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise TextEncodingError(
            f"expected text that UTF-8 can hold, got the lone surrogate U+{code:04X} at character "
            f"{error.start}; decode the bytes it came from with the right encoding"
        ) from None
    if rules.paragraphs:
        data = joined_lines(data)
    pieces = list(Cutter(rules).cut([TextBlock(data, "the text", 0)]))
    batches = [piece for piece in pieces if isinstance(piece, TokenBatch)]
    if batches:
        return [line for batch in batches for line in lines_of_batch(batch)]
    data = b"".join(piece.data for piece in pieces if isinstance(piece, TextBlock))
    cut, n_bytes = TextNormalizer(rules).normalize(data)
    numbers = np.empty(n_bytes, np.int32)
    table, n_numbers = intern_lines(cut, n_bytes, new_word_table(1024), True, numbers)
    words = [word.decode() for word in table.words(np.arange(table.n_types[0]))]
    sentences: list[list[str]] = [[]]
    for number in numbers[:n_numbers].tolist():
        if number == SENTENCE_END:
            sentences.append([])
        else:
            sentences[-1].append(words[number])
    return sentences[:-1]
