"""Batches of sentences: lists of tokens as one array of text, as kernels read them."""

import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import CorpusError, TextEncodingError
from fastw2v.kernels.text.scan import PADDING

__all__ = [
    "BATCH_SENTENCES",
    "BATCH_TOKENS",
    "TokenBatch",
    "checked_tokens",
    "described",
    "sentence_batches",
    "token_batch",
]

BATCH_SENTENCES = 4096
BATCH_TOKENS = 1 << 20


class TokenBatch(NamedTuple):
    """Some sentences of tokens, as `fastw2v.kernels.text.interning.intern_tokens` takes them."""

    text: NDArray[np.uint8]
    """The tokens' UTF-8, one behind the other, and padding."""
    token_ends: NDArray[np.int64]
    """(n_tokens,): where each token ends in the text."""
    sentence_ends: NDArray[np.int64]
    """(n_sentences,): the number of tokens up to the end of each sentence."""


def sentence_batches(
    sentences: Iterable[Iterable[str]], batch_tokens: int = BATCH_TOKENS
) -> Iterator[TokenBatch]:
    """Gather sentences into batches of about so many tokens, or `BATCH_SENTENCES` sentences.

    Raises
    ------
    CorpusError
        If a sentence is not a sequence of tokens, or a token is not a str.
    TextEncodingError
        If a token holds a lone surrogate.
    """
    first, n_tokens = 0, 0
    gathered: list[Sequence[str]] = []
    for sentence in sentences:
        tokens = _tokens_of(sentence, first + len(gathered))
        gathered.append(tokens)
        n_tokens += len(tokens)
        if n_tokens >= batch_tokens or len(gathered) >= BATCH_SENTENCES:
            yield token_batch(gathered, first)
            first, n_tokens, gathered = first + len(gathered), 0, []
    if gathered:
        yield token_batch(gathered, first)


def token_batch(sentences: Sequence[Sequence[str]], first: int = 0) -> TokenBatch:
    """Put sentences, whose numbers in messages begin at `first`, into one batch."""
    tokens = list(chain.from_iterable(sentences))
    try:
        data = "".join(tokens).encode()
    except (TypeError, UnicodeEncodeError):
        raise _bad_token(sentences, first) from None
    text = np.frombuffer(data + bytes(PADDING), np.uint8)
    token_ends = np.cumsum(np.fromiter(map(len, tokens), np.int64, len(tokens)))
    if not data.isascii():  # from characters to bytes: the bytes 80 to BF go on with a character
        character_starts = np.flatnonzero((text[: len(data)] & 0xC0) != 0x80)
        token_ends = np.append(character_starts, len(data))[token_ends]
    sentence_ends = np.cumsum(np.fromiter(map(len, sentences), np.int64, len(sentences)))
    return TokenBatch(text, token_ends, sentence_ends)


def checked_tokens(sentence: Any, number: int) -> Sequence[str]:
    """Return the tokens of one sentence, whose number in messages is `number`.

    Raises
    ------
    CorpusError
        If it is not a sequence of tokens, or a token is not a str.
    TextEncodingError
        If a token holds a lone surrogate.
    """
    tokens = _tokens_of(sentence, number)
    try:
        "".join(tokens).encode()
    except (TypeError, UnicodeEncodeError):
        raise _bad_token([tokens], number) from None
    return tokens


def described(value: object) -> str:
    """Return "an int (7)", cut short where it is long."""
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} ({reprlib.repr(value)})"


def _tokens_of(sentence: Any, number: int) -> Sequence[str]:
    if isinstance(sentence, list | tuple):
        return sentence
    if not isinstance(sentence, str | bytes | Set | Mapping):
        try:
            return list(sentence)
        except TypeError:
            pass
    raise CorpusError(
        f"sentence {number} (counted from 0): expected lists of tokens, got {described(sentence)}"
    )


def _bad_token(sentences: Sequence[Sequence[Any]], first: int) -> CorpusError:
    """Return the error for the first token that is not a str, or that UTF-8 cannot hold."""
    for number, sentence in enumerate(sentences, first):
        for place, token in enumerate(sentence):
            where = f"sentence {number}, token {place} (counted from 0)"
            if not isinstance(token, str):
                return CorpusError(f"{where}: expected a str, got {described(token)}")
            try:
                token.encode()
            except UnicodeEncodeError as error:
                return TextEncodingError(
                    f"{where}: expected text that UTF-8 can hold, got the lone surrogate "
                    f"U+{ord(token[error.start]):04X}; decode the bytes it came from with the "
                    "right encoding"
                )
    raise AssertionError("every token is fit to be encoded")
