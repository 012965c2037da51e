"""Reading a corpus: once, counted, and encoded as ids of words, in memory or on disk."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Tokenizer
from fastw2v.errors import CorpusError
from fastw2v.kernels.text.interning import InternedWords, count_types, new_word_table, renumber
from fastw2v.text.corpus import Corpus, Progress, open_corpus
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.encoded_folder import NumbersOnDisk, NumberStore, open_encoded, write_encoded
from fastw2v.text.files import BLOCK_BYTES
from fastw2v.text.holdout import HeldOutChoice
from fastw2v.text.numbering import TokenReader, table_of_words
from fastw2v.text.rules import TextRules, rules_of
from fastw2v.text.sources.cells import Piece
from fastw2v.text.token_bytes import token_bytes, tokens_of
from fastw2v.text.vocabulary import Vocabulary, build_vocabulary

__all__ = [
    "encode_corpus",
    "number_corpus",
    "read_corpus",
    "read_split_corpus",
]


def read_corpus(
    corpus: Corpus,
    *,
    tokenizer: Tokenizer | TextRules = "words",
    min_count: int = 5,
    max_final_vocab: int | None = None,
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
    encoded_folder: str | Path | None = None,
) -> tuple[Vocabulary, EncodedTokens]:
    """Read a corpus once; build its vocabulary and encode it.

    In memory this takes 4 to 8 bytes a token and 8 a sentence. With `encoded_folder` it takes
    what the vocabulary and a block of text take, however long the text is.

    Parameters
    ----------
    corpus : path, paths, or lists of tokens
        See `fastw2v.text.corpus.open_corpus`.
    tokenizer : {"words", "whitespace"} or TextRules
        How lines of text become tokens, see `fastw2v.text.tokenizers`; a name has the defaults of
        `Hyperparameters`. Lists of tokens stay as they are.
    min_count : int
        Words that occur less often are left out.
    max_final_vocab : int, optional
        Keep at most so many words: exactly the most frequent ones.
    progress : callable, optional
        Called now and then with the bytes read so far, and in all (None if unknown).
    block_bytes : int
        About how much text is read at a time. The result does not depend on it.
    encoded_folder : path, optional
        Keep the encoded corpus there, in files, instead of in memory; written whole or not at
        all, an earlier one is replaced. `fastw2v.text.encoded_folder.open_encoded` opens it again.

    Returns
    -------
    vocabulary : Vocabulary
    tokens : EncodedTokens
        The same numbers in memory and mapped from files.

    Raises
    ------
    CorpusError
        If the corpus cannot be read, or has no token at all.
    TextEncodingError
        If a text is not UTF-8.
    VocabularyError
        If no word is frequent enough.
    ConfigurationError
        If an option has a value that cannot be used.
    OutputError
        If `encoded_folder` cannot be written, or something else is in the way.
    """
    folder = None if encoded_folder is None else Path(encoded_folder)
    with _number_store(folder) as store:
        reader = _Reader(new_word_table(), store, add=True, tokenizer=tokenizer)
        name = reader.read(corpus, progress, block_bytes)
        vocabulary, ranks = build_vocabulary(
            reader.table, min_count=min_count, max_final_vocab=max_final_vocab, source=name
        )
        return vocabulary, reader.encoded(vocabulary, ranks, folder)


def read_split_corpus(
    corpus: Corpus,
    choice: HeldOutChoice,
    *,
    tokenizer: Tokenizer | TextRules = "words",
    min_count: int = 5,
    max_final_vocab: int | None = None,
    progress: Progress | None = None,
    encoded_folder: str | Path | None = None,
) -> tuple[Vocabulary, EncodedTokens, EncodedTokens]:
    """Read a corpus once, some documents held out before its vocabulary is counted.

    Parameters
    ----------
    corpus, tokenizer, min_count, max_final_vocab, progress, encoded_folder
        As in `read_corpus`.
    choice : HeldOutChoice
        Which documents are held out.

    Returns
    -------
    vocabulary : Vocabulary
        Of the documents that stay.
    tokens, held_out : EncodedTokens
        In this vocabulary; `held_out` is in memory.

    Raises
    ------
    CorpusError
        As in `read_corpus`; and if one of the parts has no token.
    """
    folder = None if encoded_folder is None else Path(encoded_folder)
    held_out = _Reader(new_word_table(), _NumbersInMemory(), add=True, tokenizer=tokenizer)
    with _number_store(folder) as store:
        reader = _Reader(new_word_table(), store, add=True, tokenizer=tokenizer)
        name = reader.read(corpus, progress, BLOCK_BYTES, (choice, held_out))
        vocabulary, ranks = build_vocabulary(
            reader.table, min_count=min_count, max_final_vocab=max_final_vocab, source=name
        )
        tokens = reader.encoded(vocabulary, ranks, folder)
    places = {token_bytes(word): place for place, word in enumerate(vocabulary.words)}
    types = held_out.table.words(np.arange(held_out.table.n_types[0]))
    known = np.array([places.get(word, -1) for word in types], np.int32)
    return vocabulary, tokens, held_out.encoded(vocabulary, known, None)


def encode_corpus(
    corpus: Corpus,
    vocabulary: Vocabulary,
    *,
    tokenizer: Tokenizer | TextRules = "words",
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
    encoded_folder: str | Path | None = None,
) -> EncodedTokens:
    """Read a corpus once and encode it in a given vocabulary.

    Parameters
    ----------
    corpus, tokenizer, progress, block_bytes, encoded_folder
        As in `read_corpus`.
    vocabulary : Vocabulary
        The words to keep. Others count as out of vocabulary.

    Returns
    -------
    tokens : EncodedTokens
        Without any token (but with sentences) if the vocabulary has none of the words.

    Raises
    ------
    CorpusError
        If the corpus cannot be read, or has no token at all.
    TextEncodingError
        If a text is not UTF-8.
    ConfigurationError
        If there is no such tokenizer.
    OutputError
        As in `read_corpus`.
    """
    table, ranks = table_of_words(vocabulary.words)
    folder = None if encoded_folder is None else Path(encoded_folder)
    with _number_store(folder) as store:
        reader = _Reader(table, store, add=False, tokenizer=tokenizer)
        reader.read(corpus, progress, block_bytes)
        return reader.encoded(vocabulary, ranks, folder)


def number_corpus(
    corpus: Corpus, store: NumberStore, *, tokenizer: Tokenizer | TextRules = "words"
) -> tuple[list[Any], NDArray[np.int64]]:
    """Read a corpus once and number its words by their first appearance.

    For whoever chooses a vocabulary otherwise than `read_corpus` does.

    Parameters
    ----------
    corpus, tokenizer
        As in `read_corpus`.
    store : NumberStore
        Gets the numbers, whole sentences at a time, each sentence followed by `SENTENCE_END`.

    Returns
    -------
    words : list
        Word k has the number k.
    counts : int64 array
        How often each occurs.

    Raises
    ------
    CorpusError, TextEncodingError, ConfigurationError
        As in `read_corpus`.
    """
    reader = _Reader(new_word_table(), store, add=True, tokenizer=tokenizer)
    reader.read(corpus, None, BLOCK_BYTES)
    counts = count_types(reader.table)
    words = tokens_of(reader.table.words(np.arange(len(counts))))
    return words, counts


class _NumbersInMemory:
    """Numbers in arrays, whose memory is given back as they are used."""

    def __init__(self) -> None:
        self._chunks: deque[NDArray[np.int32]] = deque()

    def keep(self, numbers: NDArray[np.int32]) -> None:
        self._chunks.append(numbers.copy())

    def blocks(self) -> Iterator[NDArray[np.int32]]:
        while self._chunks:
            yield self._chunks.popleft()


def _number_store(folder: Path | None) -> NumbersOnDisk | nullcontext[_NumbersInMemory]:
    return nullcontext(_NumbersInMemory()) if folder is None else NumbersOnDisk(folder)


class _Reader:
    """Numbers the tokens of a corpus by a table of words, in one pass; see `TokenReader`."""

    def __init__(
        self,
        table: InternedWords,
        store: NumberStore,
        *,
        add: bool,
        tokenizer: Tokenizer | TextRules,
    ) -> None:
        self._store = store
        self._paragraphs = rules_of(tokenizer).paragraphs
        self._reader = TokenReader(table, store.keep, add=add, tokenizer=tokenizer)

    @property
    def table(self) -> InternedWords:
        return self._reader.table

    def read(
        self,
        corpus: Corpus,
        progress: Progress | None,
        block_bytes: int,
        split: "tuple[HeldOutChoice, _Reader] | None" = None,
    ) -> str:
        """Give every token its number, and return what messages call the corpus.

        With `split`, the documents of a choice go to another reader.
        """
        opened = open_corpus(corpus)
        pieces = opened.pieces(block_bytes, progress, paragraphs=self._paragraphs)
        self._reader.read(_split_pieces(pieces, *split) if split else pieces)
        n_tokens, n_held_out = self._reader.n_tokens, split[1]._reader.n_tokens if split else 1
        if split and not (n_tokens and n_held_out):
            raise CorpusError(
                f"{opened.name}: expected documents (lines) on both sides of validation_fraction="
                f"{split[0].fraction:g}, got {n_tokens} tokens to train on and "
                f"{n_held_out} held out; use another fraction, or give a validation text"
            )
        if not n_tokens:
            raise without_tokens(opened.name, self._reader.n_sentences)
        return opened.name

    def encoded(
        self, vocabulary: Vocabulary, ranks: NDArray[np.int32], folder: Path | None
    ) -> EncodedTokens:
        """Turn the numbers into ids, in memory or in a folder; once only."""
        if folder is not None:
            write_encoded(folder, vocabulary, ranks, self._store.blocks())
            return open_encoded(folder, verify=False)[1]
        ids = np.empty(self._reader.n_tokens, np.int32)
        starts = np.zeros(self._reader.n_sentences + 1, np.int64)
        n_ids, n_sentences = 0, 0
        for numbers in self._store.blocks():
            n_ids, n_sentences = renumber(numbers, ranks, ids, n_ids, starts, n_sentences)
        ids.resize(n_ids, refcheck=False)
        n_tokens = self._reader.n_tokens
        return EncodedTokens(ids, starts, n_tokens, n_tokens - n_ids)


def _split_pieces(
    pieces: Iterable[Piece], choice: HeldOutChoice, other: _Reader
) -> Iterator[Piece]:
    """Yield what is not held out; the other reader gets the rest."""
    for piece in pieces:
        kept, held_out = choice.split(piece)
        if held_out is not None:
            other._reader.read([held_out])
        if kept is not None:
            yield kept


def without_tokens(name: str, n_sentences: int) -> CorpusError:
    """Return the error for a corpus that has lines but no tokens."""
    return CorpusError(
        f"{name}: expected text, got {n_sentences} lines or sentences without a single token"
    )
