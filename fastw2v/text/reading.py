"""Reading a corpus: once, counted, and encoded as ids of words, in memory or on disk."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Tokenizer
from fastw2v.kernels.text.interning import new_word_table
from fastw2v.text.collocations import EncodedSentences
from fastw2v.text.corpus import Corpus, Progress
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.encoded_folder import NumberStore
from fastw2v.text.files import BLOCK_BYTES
from fastw2v.text.growth import EarlierWords, grown_vocabulary
from fastw2v.text.holdout import HeldOutChoice
from fastw2v.text.numbered_corpus import (
    NumberedCorpus,
    PhraseSearch,
    number_store,
    without_tokens,
)
from fastw2v.text.numbering import table_of_words
from fastw2v.text.rules import TextRules, rules_of
from fastw2v.text.token_bytes import tokens_of
from fastw2v.text.vocabulary import Vocabulary, build_vocabulary
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = [
    "PhraseSearch",
    "TextRead",
    "encode_corpus",
    "number_corpus",
    "read_corpus",
    "read_sentences",
    "read_text",
    "without_tokens",
]


@dataclass(frozen=True)
class TextRead:
    """A text that has been read.

    Attributes
    ----------
    vocabulary : Vocabulary
        Of the documents that are not held out.
    tokens : EncodedTokens
    held_out : EncodedTokens, optional
        In the same vocabulary and in memory, if documents were held out.
    words : WordRules
        What became of its tokens; with the phrases that were found.
    """

    vocabulary: Vocabulary
    tokens: EncodedTokens
    held_out: EncodedTokens | None
    words: WordRules


def read_corpus(
    corpus: Corpus,
    *,
    tokenizer: Tokenizer | TextRules = "words",
    min_count: int = 5,
    max_final_vocab: int | None = None,
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
    encoded_folder: str | Path | None = None,
    earlier: EarlierWords | None = None,
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
    earlier : EarlierWords, optional
        Words that the vocabulary goes on from.

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
<<<<<<< HEAD
    read = read_text(
        corpus,
        tokenizer,
        min_count=min_count,
        max_final_vocab=max_final_vocab,
        progress=progress,
        block_bytes=block_bytes,
        encoded_folder=encoded_folder,
    )
    return read.vocabulary, read.tokens
=======
    folder = None if encoded_folder is None else Path(encoded_folder)
    with _number_store(folder) as store:
        reader = _Reader.of_corpus(store, tokenizer, earlier)
        name = reader.read(corpus, progress, block_bytes)
        vocabulary, ranks = reader.vocabulary(earlier, min_count, max_final_vocab, name)
        return vocabulary, reader.encoded(vocabulary, ranks, folder)
>>>>>>> 4bb5db1 (Training goes on from an earlier model or from vectors of any program)


def read_text(
    corpus: Corpus,
    rules: Tokenizer | TextRules,
    *,
    search: PhraseSearch | None = None,
    held_out: HeldOutChoice | None = None,
    min_count: int = 5,
    max_final_vocab: int | None = None,
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
    encoded_folder: str | Path | None = None,
<<<<<<< HEAD
) -> TextRead:
    """Read a corpus once, as `read_corpus` does, and more of what training may ask for.

    Parameters
    ----------
    corpus, min_count, max_final_vocab, progress, block_bytes, encoded_folder
=======
    earlier: EarlierWords | None = None,
) -> tuple[Vocabulary, EncodedTokens, EncodedTokens]:
    """Read a corpus once, some documents held out before its vocabulary is counted.

    Parameters
    ----------
    corpus, tokenizer, min_count, max_final_vocab, progress, encoded_folder, earlier
>>>>>>> 4bb5db1 (Training goes on from an earlier model or from vectors of any program)
        As in `read_corpus`.
    rules : {"words", "whitespace"} or TextRules
        How text becomes tokens, and what then becomes of them.
    search : PhraseSearch, optional
        Find phrases in what is not held out, and join them; `rules` have none then. Stop words are
        left out afterwards.
    held_out : HeldOutChoice, optional
        Which documents are held out, before anything is counted.

    Raises
    ------
    CorpusError
        As in `read_corpus`; if one of the parts has no token; if candidates are too many.
    TokenKindError
        If tokens are no text, and phrases are to be joined of them.
    ConfigurationError
        If candidates for phrases take more than they may.
    """
    folder = None if encoded_folder is None else Path(encoded_folder)
<<<<<<< HEAD
    rules = rules_of(rules)
    # Stop words stay until phrases are found.
    first = rules if search is None else replace(rules, words=NO_RULES)
    others = None if held_out is None else NumberedCorpus.of_all_words(first)
    with number_store(folder) as store:
        reader = NumberedCorpus(new_word_table(), store, add=True, tokenizer=first)
        split = None if held_out is None or others is None else (held_out, others)
        name = reader.read(corpus, progress, block_bytes, split)
        words = rules.words
        if search is not None:
            words = reader.join(search, words.stop_words, folder, name)
            if others is not None:
                others.apply(words)
        vocabulary, ranks = build_vocabulary(
            reader.words_of,
            reader.counts(),
            min_count=min_count,
            max_final_vocab=max_final_vocab,
            source=name,
        )
=======
    held_out = _Reader(new_word_table(), _NumbersInMemory(), add=True, tokenizer=tokenizer)
    with _number_store(folder) as store:
        reader = _Reader.of_corpus(store, tokenizer, earlier)
        name = reader.read(corpus, progress, BLOCK_BYTES, (choice, held_out))
        vocabulary, ranks = reader.vocabulary(earlier, min_count, max_final_vocab, name)
>>>>>>> 4bb5db1 (Training goes on from an earlier model or from vectors of any program)
        tokens = reader.encoded(vocabulary, ranks, folder)
    kept = None if others is None else others.encoded_by_words(vocabulary)
    return TextRead(vocabulary, tokens, kept, words)


def read_sentences(
    corpus: Corpus,
    *,
    tokenizer: Tokenizer | TextRules = "words",
    progress: Progress | None = None,
) -> EncodedSentences:
    """Read a corpus with all its words, to find phrases in; it is held in memory.

    Parameters and errors as in `read_corpus`.

    Raises
    ------
    TokenKindError
        If a token is no str.
    """
    reader = NumberedCorpus.of_all_words(rules_of(tokenizer))
    reader.read(corpus, progress, BLOCK_BYTES)
    return reader.sentences(None)


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
    rules = rules_of(tokenizer)
    table, ranks = table_of_words(vocabulary.words, rules.words)
    folder = None if encoded_folder is None else Path(encoded_folder)
    with number_store(folder) as store:
        reader = NumberedCorpus(table, store, add=False, tokenizer=rules)
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
    reader = NumberedCorpus(new_word_table(), store, add=True, tokenizer=tokenizer)
    reader.read(corpus, None, BLOCK_BYTES)
    counts = reader.counts()
    words = tokens_of(reader.words_of(np.arange(len(counts))))
    return words, counts
<<<<<<< HEAD
=======


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

    @classmethod
    def of_corpus(
        cls, store: NumberStore, tokenizer: Tokenizer | TextRules, earlier: EarlierWords | None
    ) -> "_Reader":
        """Return a reader for a vocabulary that is to be built."""
        if earlier is None:
            return cls(new_word_table(), store, add=True, tokenizer=tokenizer)
        table, _ = table_of_words(earlier.words)
        return cls(table, store, add=earlier.grows, tokenizer=tokenizer)

    @property
    def table(self) -> InternedWords:
        return self._reader.table

    def vocabulary(
        self, earlier: EarlierWords | None, min_count: int, max_final_vocab: int | None, name: str
    ) -> tuple[Vocabulary, NDArray[np.int32]]:
        """Choose the words of what was read; return them, and the id of each number."""
        limits: dict[str, Any] = {
            "min_count": min_count,
            "max_final_vocab": max_final_vocab,
            "source": name,
        }
        if earlier is None:
            return build_vocabulary(self.table, **limits)
        return grown_vocabulary(self.table, earlier, self._reader.n_tokens, **limits)

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
>>>>>>> 4bb5db1 (Training goes on from an earlier model or from vectors of any program)
