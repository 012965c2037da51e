"""Batches of sentences: lists of tokens as one array of text, as kernels read them."""

import reprlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import CorpusError, TextEncodingError, TokenKindError
from fastw2v.kernels.text.scan import PADDING
from fastw2v.text.token_bytes import (
    NUMBER_BYTES,
    bytes_of_tokens,
    number_bytes,
    token_bytes,
    tokens_of,
)
from fastw2v.text.token_kinds import advice_on, is_settled

__all__ = [
    "BATCH_SENTENCES",
    "BATCH_TOKENS",
    "TokenBatch",
    "checked_tokens",
    "described",
    "lines_of_batch",
    "number_batch",
    "sentence_batches",
    "token_batch",
]

BATCH_SENTENCES = 4096
BATCH_TOKENS = 1 << 20


class TokenBatch(NamedTuple):
    """Some sentences of tokens, as `fastw2v.kernels.text.interning.intern_tokens` takes them."""

    text: NDArray[np.uint8]
    """The tokens' bytes (`fastw2v.text.token_bytes`), one behind the other, and padding."""
    token_ends: NDArray[np.int64]
    """(n_tokens,): where each token ends in the text."""
    sentence_ends: NDArray[np.int64]
    """(n_sentences,): the number of tokens up to the end of each sentence."""


def sentence_batches(
    sentences: Iterable[Iterable[Hashable]], batch_tokens: int = BATCH_TOKENS
) -> Iterator[TokenBatch]:
    """Gather sentences into batches of about so many tokens, or `BATCH_SENTENCES` sentences.

    Raises
    ------
    CorpusError
        If a sentence is not a sequence of tokens.
    TokenKindError
        If a token is no str, whole number, bytes, or tuple of these.
    TextEncodingError
        If a token holds a lone surrogate.
    """
    first, n_tokens = 0, 0
    gathered: list[Sequence[Any]] = []
    for sentence in sentences:
        tokens = _tokens_of(sentence, first + len(gathered))
        gathered.append(tokens)
        n_tokens += len(tokens)
        if n_tokens >= batch_tokens or len(gathered) >= BATCH_SENTENCES:
            yield token_batch(gathered, first)
            first, n_tokens, gathered = first + len(gathered), 0, []
    if gathered:
        yield token_batch(gathered, first)


def token_batch(sentences: Sequence[Sequence[Any]], first: int = 0) -> TokenBatch:
    """Put sentences, whose numbers in messages begin at `first`, into one batch."""
    tokens = list(chain.from_iterable(sentences))
    sentence_ends = np.cumsum(np.fromiter(map(len, sentences), np.int64, len(sentences)))
    try:
        data = "".join(tokens).encode()
    except UnicodeEncodeError:
        raise _bad_token(sentences, first) from None
    except TypeError:
        text, token_ends = _of_all_kinds(tokens, sentences, first)
        return TokenBatch(text, token_ends, sentence_ends)
    text = np.frombuffer(data + bytes(PADDING), np.uint8)
    token_ends = np.cumsum(np.fromiter(map(len, tokens), np.int64, len(tokens)))
    if not data.isascii():  # from characters to bytes: the bytes 80 to BF go on with a character
        character_starts = np.flatnonzero((text[: len(data)] & 0xC0) != 0x80)
        token_ends = np.append(character_starts, len(data))[token_ends]
    return TokenBatch(text, token_ends, sentence_ends)


def lines_of_batch(batch: TokenBatch) -> list[list[Any]]:
    """Return the sentences of a batch."""
    data, ends = batch.text.tobytes(), batch.token_ends.tolist()
    tokens = tokens_of(data[start:end] for start, end in zip([0, *ends], ends, strict=False))
    cuts = batch.sentence_ends.tolist()
    return [tokens[start:end] for start, end in zip([0, *cuts], cuts, strict=False)]


def number_batch(numbers: NDArray[np.int64], sentence_ends: NDArray[np.int64]) -> TokenBatch:
    """Return a batch of tokens that are whole numbers."""
    text = np.concatenate([number_bytes(numbers), np.zeros(PADDING, np.uint8)])
    token_ends = np.arange(1, len(numbers) + 1, dtype=np.int64) * NUMBER_BYTES
    return TokenBatch(text, token_ends, sentence_ends)


def _of_all_kinds(
    tokens: list[Any], sentences: Sequence[Sequence[Any]], first: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of tokens of any kind, and where each ends."""
    if all(kind is int or issubclass(kind, np.integer) for kind in set(map(type, tokens))):
        try:
            numbers = np.fromiter(tokens, np.int64, len(tokens))
        except OverflowError:
            pass
        else:
            batch = number_batch(numbers, np.empty(0, np.int64))
            return batch.text, batch.token_ends
    try:
        encoded = bytes_of_tokens(tokens)
    except (CorpusError, UnicodeEncodeError):
        raise _bad_token(sentences, first) from None
    text = np.frombuffer(b"".join(encoded) + bytes(PADDING), np.uint8)
    return text, np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))


def checked_tokens(sentence: Any, number: int) -> Sequence[Any]:
    """Return the tokens of one sentence, whose number in messages is `number`.

    Raises
    ------
    CorpusError, TokenKindError, TextEncodingError
        As `sentence_batches`.
    """
    tokens = _tokens_of(sentence, number)
    token_batch([tokens], number)
    return tokens


def described(value: object) -> str:
    """Return "an int (7)", cut short where it is long."""
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} ({reprlib.repr(value)})"


def _tokens_of(sentence: Any, number: int) -> Sequence[Any]:
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
    """Return the error for the first token that cannot be one, or that UTF-8 cannot hold."""
    for number, sentence in enumerate(sentences, first):
        for place, token in enumerate(sentence):
            where = f"sentence {number}, token {place} (counted from 0)"
            if not is_settled(token):
                return TokenKindError(
                    f"{where}: expected a str, a whole number, bytes, or a tuple of these, got "
                    f"{described(token)}; {advice_on(token)}"
                )
            try:
                token_bytes(token)
            except UnicodeEncodeError as error:
                return TextEncodingError(
                    f"{where}: expected text that UTF-8 can hold, got the lone surrogate "
                    f"U+{ord(error.object[error.start]):04X}; decode the bytes it came from with "
                    "the right encoding"
                )
    raise AssertionError("every token is fit to be encoded")
