"""What may be given as a corpus: text in files, or lists of tokens.

A line is a sentence, and so is a list of tokens. Nothing is skipped or replaced unasked: what is
not as expected is an error that says where.
"""

import os
import reprlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Errors
from fastw2v.errors import CorpusError, TextEncodingError
from fastw2v.kernels.text.scan import PADDING
from fastw2v.text.encoding import Repairs
from fastw2v.text.files import (
    BLOCK_BYTES,
    AnyPath,
    TextBlock,
    files_of,
    is_read_once,
    plain_size,
    shown_name,
    text_blocks,
)

__all__ = [
    "Corpus",
    "OpenedCorpus",
    "Progress",
    "TextCorpus",
    "TokenBatch",
    "TokenCorpus",
    "checked_tokens",
    "open_corpus",
    "token_batch",
]

Progress = Callable[[int, int | None], None]
"""Called with the bytes read so far, and with those in all where that is known."""

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


@dataclass(frozen=True)
class TextCorpus:
    """Text in files.

    Parameters
    ----------
    files : tuple of str
        Their names, `STANDARD_INPUT` among them where that is to be read.
    errors : {"strict", "replace", "ignore"}
        What to do with what is not UTF-8, see `fastw2v.text.encoding`.

    Attributes
    ----------
    repairs : Repairs
        How much that was, as far as the text has been read.
    """

    files: tuple[str, ...]
    errors: Errors = "strict"
    repairs: Repairs = field(default_factory=Repairs, compare=False)

    @property
    def name(self) -> str:
        """What messages call the corpus."""
        first = shown_name(self.files[0])
        return first if len(self.files) == 1 else f"{first} and {len(self.files) - 1} more files"

    @property
    def read_once(self) -> tuple[str, ...]:
        """What messages call those of the files that cannot be read again."""
        return tuple(shown_name(file) for file in self.files if is_read_once(file))

    @property
    def total_bytes(self) -> int | None:
        """The size of the text; None where it cannot be known before reading it."""
        sizes = [plain_size(file) for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def blocks(
        self, block_bytes: int = BLOCK_BYTES, progress: Progress | None = None
    ) -> Iterator[TextBlock]:
        """Read the files, block by block.

        Parameters
        ----------
        block_bytes : int
            About how many bytes a block has. A longer line makes its block longer.
        progress : callable, optional
            Called with bytes read and bytes in all (or None) when a block has been dealt with.

        Raises
        ------
        CorpusError
            If a file cannot be read, changes while it is read, or its compressed data are
            damaged or cut short.
        TextEncodingError
            If a text is not UTF-8, and `errors` does not help.
        """
        total = self.total_bytes if progress else None
        before = 0
        for file in self.files:
            n_bytes = 0
            for block, n_bytes in text_blocks(file, block_bytes, self.errors, self.repairs):
                yield block
                if progress:
                    progress(before + n_bytes, total)
            before += n_bytes


@dataclass(frozen=True)
class TokenCorpus:
    """Sentences that are lists of tokens; read once, as they come.

    Parameters
    ----------
    sentences : iterable of iterable of str
        A token may hold any character, spaces too.
    """

    sentences: Iterable[Iterable[str]]
    name = "the given sentences"

    def batches(
        self, batch_tokens: int = BATCH_TOKENS, progress: Progress | None = None
    ) -> Iterator[TokenBatch]:
        """Gather sentences into batches of about so many tokens, or `BATCH_SENTENCES` sentences.

        Raises
        ------
        CorpusError
            If a sentence is not a sequence of tokens, or a token is not a str.
        TextEncodingError
            If a token holds a lone surrogate.
        """
        n_bytes, first, n_tokens = 0, 0, 0
        gathered: list[Sequence[str]] = []
        for sentence in self.sentences:
            tokens = _tokens_of(sentence, first + len(gathered))
            gathered.append(tokens)
            n_tokens += len(tokens)
            if n_tokens >= batch_tokens or len(gathered) >= BATCH_SENTENCES:
                yield (batch := token_batch(gathered, first))
                n_bytes += batch.text.size - PADDING
                if progress:
                    progress(n_bytes, None)
                first, n_tokens, gathered = first + len(gathered), 0, []
        if gathered:
            yield (batch := token_batch(gathered, first))
            if progress:
                progress(n_bytes + batch.text.size - PADDING, None)


OpenedCorpus = TextCorpus | TokenCorpus
Corpus = AnyPath | Iterable[AnyPath] | Iterable[Iterable[str]] | OpenedCorpus


def open_corpus(corpus: Corpus, errors: Errors = "strict", remedy: str = "") -> OpenedCorpus:
    """Find out what kind of corpus was given, and whether it is there.

    Parameters
    ----------
    corpus : path, iterable of paths, or iterable of lists of str
        A path names a file (plain UTF-8, or compressed: .gz, .bz2, .xz, .zst) or a folder, which
        stands for all files below it, sorted by their path, hidden ones left out. ``"-"`` is
        standard input. Lists of tokens are read once, from first to last, so a generator
        will do. What this function returned comes back as it is.
    errors : {"strict", "replace", "ignore"}
        What to do with what is not UTF-8 in text, see `fastw2v.text.encoding`.
    remedy : str
        What a message about such text offers, where `errors` can be chosen.

    Raises
    ------
    CorpusError
        If there is no such file, a folder without files, or something else than expected.
    """
    if isinstance(corpus, TextCorpus | TokenCorpus):
        return corpus
    if isinstance(corpus, str | os.PathLike):
        return TextCorpus(tuple(files_of(corpus)), errors, Repairs(remedy=remedy))
    if isinstance(corpus, bytes | Mapping) or hasattr(corpus, "read"):
        hint = "pass its path" if hasattr(corpus, "read") else "pass a path or lists of tokens"
        raise CorpusError(f"corpus: expected a path or sentences, got {_described(corpus)}; {hint}")
    try:
        items: Iterator[Any] = iter(corpus)
    except TypeError:
        raise CorpusError(
            f"corpus: expected a path, several paths, or lists of tokens, got {_described(corpus)}"
        ) from None
    for first in items:
        everything = chain([first], items)
        if not isinstance(first, str | os.PathLike):
            return TokenCorpus(everything)
        return TextCorpus(tuple(_files_of_all(everything)), errors, Repairs(remedy=remedy))
    raise CorpusError(
        "corpus: expected a path or sentences, got an empty "
        f"{type(corpus).__name__}; an iterator that was read before stays empty, a list does not"
    )


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


def _tokens_of(sentence: Any, number: int) -> Sequence[str]:
    if isinstance(sentence, list | tuple):
        return sentence
    if not isinstance(sentence, str | bytes | Set | Mapping):
        try:
            return list(sentence)
        except TypeError:
            pass
    raise CorpusError(
        f"sentence {number} (counted from 0): expected lists of tokens, got {_described(sentence)}"
    )


def _bad_token(sentences: Sequence[Sequence[Any]], first: int) -> CorpusError:
    """Return the error for the first token that is not a str, or that UTF-8 cannot hold."""
    for number, sentence in enumerate(sentences, first):
        for place, token in enumerate(sentence):
            where = f"sentence {number}, token {place} (counted from 0)"
            if not isinstance(token, str):
                return CorpusError(f"{where}: expected a str, got {_described(token)}")
            try:
                token.encode()
            except UnicodeEncodeError as error:
                return TextEncodingError(
                    f"{where}: expected text that UTF-8 can hold, got the lone surrogate "
                    f"U+{ord(token[error.start]):04X}; decode the bytes it came from with the "
                    "right encoding"
                )
    raise AssertionError("every token is fit to be encoded")


def _files_of_all(items: Iterable[Any]) -> list[str]:
    files: list[str] = []
    for place, item in enumerate(items):
        if not isinstance(item, str | os.PathLike):
            raise CorpusError(
                f"item {place} of the corpus: expected a path, as the items before are, got "
                f"{_described(item)}; a corpus is either paths or lists of tokens"
            )
        files += files_of(item)
    for file, times in Counter(files).items():
        if times > 1 and is_read_once(file):
            raise CorpusError(
                f"{shown_name(file)} can be read once only, got it {times} times; name it once"
            )
    return files


def _described(value: object) -> str:
    """Return "an int (7)", cut short where it is long."""
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} ({reprlib.repr(value)})"
