"""A corpus as the numbers of its words, until its vocabulary is known."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import PhraseSettings, TokenizeFunction
from fastw2v.errors import CorpusError
from fastw2v.kernels.text.interning import InternedWords, new_word_table, renumber
from fastw2v.text.collocations import EncodedSentences
from fastw2v.text.corpus import Corpus, Progress, open_corpus
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.encoded_folder import NumbersOnDisk, NumberStore, open_encoded, write_encoded
from fastw2v.text.holdout import HeldOutChoice
from fastw2v.text.numbering import TokenReader
from fastw2v.text.phrase_finding import (
    encoded_numbers,
    find_and_join,
    mapped_arrays,
    numbers_of,
)
from fastw2v.text.rules import TextRules, rules_of
from fastw2v.text.sources.cells import Piece
from fastw2v.text.token_bytes import token_bytes, tokens_of
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_rules import NumberedRules, WordRules

__all__ = ["NumberedCorpus", "NumbersInMemory", "PhraseSearch", "number_store", "without_tokens"]


@dataclass(frozen=True)
class PhraseSearch:
    """That phrases are found in a text while it is read, and joined.

    Attributes
    ----------
    settings : PhraseSettings
    workers : int, optional
        Threads; the result does not depend on them. Default: all cores.
    most_bytes : int, optional
        What candidates may take of memory. Default: no limit.
    progress : callable, optional
        Gets how many passes are done, and how many there will be at the most.
    """

    settings: PhraseSettings
    workers: int | None = None
    most_bytes: int | None = None
    progress: Progress | None = None


class NumbersInMemory:
    """Numbers in arrays, whose memory is given back as they are used."""

    def __init__(self) -> None:
        self._chunks: deque[NDArray[np.int32]] = deque()

    def keep(self, numbers: NDArray[np.int32]) -> None:
        """Take the next numbers."""
        self._chunks.append(numbers.copy())

    def blocks(self) -> Iterator[NDArray[np.int32]]:
        """Yield all numbers in order, once."""
        while self._chunks:
            yield self._chunks.popleft()


def number_store(folder: Path | None) -> NumbersOnDisk | nullcontext[NumbersInMemory]:
    """Return where numbers wait: in a file beside a folder to be, or in memory."""
    return nullcontext(NumbersInMemory()) if folder is None else NumbersOnDisk(folder)


class NumberedCorpus:
    """A corpus whose tokens are numbered by a table of words, in one pass; see `TokenReader`.

    Parameters
    ----------
    table : InternedWords
    store : NumberStore
        Where numbers wait.
    add : bool
        Whether new words join the table.
    tokenizer : str, callable or TextRules
    """

    def __init__(
        self,
        table: InternedWords,
        store: NumberStore,
        *,
        add: bool,
        tokenizer: str | TokenizeFunction | TextRules,
    ) -> None:
        self._store = store
        self._paragraphs = rules_of(tokenizer).paragraphs
        self._reader = TokenReader(table, store.keep, add=add, tokenizer=tokenizer)
        self._joined: EncodedSentences | None = None
        self._counts: NDArray[np.int64] | None = None
        self._n_tokens: int | None = None

    @classmethod
    def of_all_words(cls, rules: TextRules, store: NumberStore | None = None) -> "NumberedCorpus":
        """Return one that keeps all words, and its numbers in a store or in memory."""
        return cls(new_word_table(), store or NumbersInMemory(), add=True, tokenizer=rules)

    @property
    def reader(self) -> TokenReader:
        """What gives tokens their numbers."""
        return self._reader

    @property
    def n_tokens(self) -> int:
        """How many tokens there are, as far as nothing was left out of them."""
        return self._reader.n_tokens if self._n_tokens is None else self._n_tokens

    def counts(self) -> NDArray[np.int64]:
        """Return how often each number occurs."""
        return self._reader.counts() if self._counts is None else self._counts

    def words_of(self, numbers: NDArray[np.int64]) -> list[bytes]:
        """Return the bytes of the words with these numbers."""
        if self._joined is None:
            return self._reader.table.words(numbers)
        return [self._joined.words[number].encode() for number in numbers.tolist()]

    def sentences(self, folder: Path | None) -> EncodedSentences:
        """Return the text with all its words, from whose numbers this takes it; once only."""
        self._reader.require_text()
        words = tokens_of(self.words_of(np.arange(int(self._reader.table.n_types[0]))))
        new_array = np.empty if folder is None else mapped_arrays(folder.absolute().parent)
        sizes = self._reader.n_tokens, self._reader.n_sentences
        return encoded_numbers(self._store.blocks(), words, *sizes, new_array)

    def join(
        self, search: PhraseSearch, stop_words: tuple[Any, ...], folder: Path | None, name: str
    ) -> WordRules:
        """Find phrases, join them, and leave out stop words; return what was done."""
        new_array = np.empty if folder is None else mapped_arrays(folder.absolute().parent)
        phrases, text = find_and_join(
            self.sentences(folder),
            search.settings,
            workers=search.workers,
            most_bytes=search.most_bytes,
            new_array=new_array,
            progress=search.progress,
        )
        counts = text.counts()
        left_out = set(stop_words)
        counts[[word in left_out for word in text.words]] = 0
        self._joined, self._counts, self._n_tokens = text, counts, int(counts.sum())
        if not self._n_tokens:
            raise without_tokens(name, self._reader.n_sentences)
        return WordRules(phrases, stop_words)

    def apply(self, words: WordRules) -> None:
        """Let rules be applied to numbers that have been read; in memory."""
        numbered = NumberedRules(words, self._reader.table)
        n_types = int(numbered.table.n_types[0])
        store = NumbersInMemory()
        for numbers in self._store.blocks():
            store.keep(numbered.apply(numbers, n_types))
        self._store, self._counts = store, numbered.counts(n_types)
        self._reader.table = numbered.table
        self._n_tokens = int(self._counts.sum())

    def encoded_by_words(self, vocabulary: Vocabulary) -> EncodedTokens:
        """Return the text in a vocabulary of other numbers."""
        places = {token_bytes(word): place for place, word in enumerate(vocabulary.words)}
        types = self.words_of(np.arange(int(self._reader.table.n_types[0])))
        known = np.array([places.get(word, -1) for word in types], np.int32)
        return self.encoded(vocabulary, known, None)

    def read(
        self,
        corpus: Corpus,
        progress: Progress | None,
        block_bytes: int,
        split: "tuple[HeldOutChoice, NumberedCorpus] | None" = None,
    ) -> str:
        """Give every token its number, and return what messages call the corpus.

        With `split`, the documents of a choice go to another reader.
        """
        opened = open_corpus(corpus)
        read = opened.pieces(block_bytes, progress, paragraphs=self._paragraphs)
        pieces = self._reader.cut(read)
        self._reader.read_cut(_split_pieces(pieces, *split) if split else pieces)
        n_tokens, n_held_out = self._reader.n_tokens, split[1]._reader.n_tokens if split else 1
        if split and not (n_tokens and n_held_out):
            raise CorpusError(
                f"{opened.name}: expected documents (lines) on both sides of validation_fraction="
                f"{split[0].fraction:g}, got {n_tokens} tokens to train on and "
                f"{n_held_out} held out; use another fraction, or give a validation text"
            )
        self.require_tokens(opened.name)
        self._reader.require_text_for_phrases()
        return opened.name

    def require_tokens(self, name: str) -> None:
        """Raise `CorpusError` if the corpus has none; `name` is what messages call it."""
        if not self._reader.n_tokens:
            raise without_tokens(name, self._reader.n_sentences)

    def encoded(
        self, vocabulary: Vocabulary, ranks: NDArray[np.int32], folder: Path | None
    ) -> EncodedTokens:
        """Turn the numbers into ids, in memory or in a folder; once only."""
        blocks = self._store.blocks() if self._joined is None else numbers_of(self._joined)
        n_tokens = self.n_tokens
        if folder is not None:
            write_encoded(folder, vocabulary, ranks, blocks, n_tokens)
            return open_encoded(folder, verify=False)[1]
        ids = np.empty(n_tokens, np.int32)
        starts = np.zeros(self._reader.n_sentences + 1, np.int64)
        n_ids, n_sentences = 0, 0
        for numbers in blocks:
            n_ids, n_sentences = renumber(numbers, ranks, ids, n_ids, starts, n_sentences)
        ids.resize(n_ids, refcheck=False)
        return EncodedTokens(ids, starts, n_tokens, n_tokens - n_ids)


def _split_pieces(
    pieces: Iterable[Piece], choice: HeldOutChoice, other: NumberedCorpus
) -> Iterator[Piece]:
    """Yield what is not held out; the other reader gets the rest."""
    for piece in pieces:
        kept, held_out = choice.split(piece)
        if held_out is not None:
            other._reader.read_cut([held_out])
        if kept is not None:
            yield kept


def without_tokens(name: str, n_sentences: int) -> CorpusError:
    """Return the error for a corpus that has lines but no tokens."""
    return CorpusError(
        f"{name}: expected text, got {n_sentences} lines or sentences without a single token"
    )
