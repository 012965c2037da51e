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
"""

from functools import cache
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Tokenizer
from fastw2v.errors import ConfigurationError, TextEncodingError
from fastw2v.kernels.text.interning import SENTENCE_END, intern_lines, new_word_table
from fastw2v.kernels.text.scan import PADDING, blank_wide_spaces
from fastw2v.kernels.text.unicode_words import (
    APOSTROPHE,
    DOTTED_CAPITAL_I,
    JOINER,
    SOFT_HYPHEN,
    write_words,
)
from fastw2v.text.unicode_table import word_characters

__all__ = ["TextNormalizer", "tokenize_text"]

_SPECIAL_KINDS = {
    0x27: APOSTROPHE,
    0x2019: APOSTROPHE,
    0x200C: JOINER,
    0x200D: JOINER,
    0xAD: SOFT_HYPHEN,
    0x130: DOTTED_CAPITAL_I,
}


@cache
def _all_kinds() -> NDArray[np.int32]:
    """Return what each code point is, as `fastw2v.kernels.text.unicode_words` has it.

    It is made at the first text that needs it, in some milliseconds.
    """
    kinds = word_characters()
    for code, kind in {**_SPECIAL_KINDS, ord("_"): ord("_")}.items():
        kinds[code] = kind
    return kinds


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
    tokenizer : {"words", "whitespace"}
        See the module.

    Raises
    ------
    ConfigurationError
        If there is no such tokenizer.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        if tokenizer not in get_args(Tokenizer):
            allowed = ", ".join(repr(name) for name in get_args(Tokenizer))
            raise ConfigurationError(f"tokenizer: expected one of {allowed}, got {tokenizer!r}")
        self._tokenizer = tokenizer
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
        n_bytes = len(data)
        if self._text.size < n_bytes + PADDING:
            self._text = np.empty(n_bytes + PADDING, np.uint8)
        text = self._text
        text[:n_bytes] = np.frombuffer(data, np.uint8)
        text[n_bytes : n_bytes + PADDING] = ord(" ")
        is_ascii = data.isascii()
        if self._tokenizer == "whitespace":
            if not is_ascii:
                blank_wide_spaces(text, n_bytes)
            return text, n_bytes
        room = n_bytes + n_bytes // 2 + 2 * PADDING
        if self._words.size < room:
            self._words = np.empty(room, np.uint8)
        kinds = _ascii_kinds() if is_ascii else _all_kinds()
        return self._words, write_words(text, n_bytes, kinds, self._words)


def tokenize_text(text: str, tokenizer: Tokenizer = "words") -> list[list[str]]:
    r"""Cut a string into the tokens of its lines, just as training on a file would.

    Parameters
    ----------
    text : str
        Any text; "\n" ends a line, and at the end of the text it begins no further one.
    tokenizer : {"words", "whitespace"}
        See the module.

    Returns
    -------
    sentences : list of list of str
        One list for each line; empty where a line has no token.

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
    normalizer = TextNormalizer(tokenizer)
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
    normalized, n_bytes = normalizer.normalize(data)
    numbers = np.empty(n_bytes, np.int32)
    table, n_numbers = intern_lines(normalized, n_bytes, new_word_table(1024), True, numbers)
    words = [word.decode() for word in table.words(np.arange(table.n_types[0]))]
    sentences: list[list[str]] = [[]]
    for number in numbers[:n_numbers].tolist():
        if number == SENTENCE_END:
            sentences.append([])
        else:
            sentences[-1].append(words[number])
    return sentences[:-1]
