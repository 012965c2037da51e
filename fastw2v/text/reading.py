"""Reading a corpus: once, counted, and encoded as ids of words, in memory or on disk."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import TokenizeFunction
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
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_choice import VocabularyLimits, build_vocabulary
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = [
    "PhraseSearch",
    "ReadingOptions",
    "TextRead",
    "encode_corpus",
    "number_corpus",
    "read_corpus",
    "read_sentences",
    "read_text",
    "without_tokens",
]


DEFAULT_LIMITS = VocabularyLimits()


@dataclass(frozen=True)
class ReadingOptions:
    """How a corpus is read; none of it changes what is read.

    Attributes
    ----------
    progress, block_bytes, encoded_folder
        As in `read_corpus`.
    """

    progress: Progress | None = None
    block_bytes: int = BLOCK_BYTES
    encoded_folder: str | Path | None = None


IN_MEMORY = ReadingOptions()


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
    tokenizer: str | TokenizeFunction | TextRules = "words",
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
    tokenizer : str, callable or TextRules
        How lines of text become tokens, see `fastw2v.text.tokenizers`; a name or function has the
        defaults of `Hyperparameters`. Lists of tokens stay as they are.
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
    read = read_text(
        corpus,
        tokenizer,
        limits=VocabularyLimits(min_count, max_final_vocab),
        earlier=earlier,
        options=ReadingOptions(progress, block_bytes, encoded_folder),
    )
    return read.vocabulary, read.tokens


def read_text(
    corpus: Corpus,
    rules: str | TokenizeFunction | TextRules,
    *,
    limits: VocabularyLimits = DEFAULT_LIMITS,
    search: PhraseSearch | None = None,
    held_out: HeldOutChoice | None = None,
    earlier: EarlierWords | None = None,
    options: ReadingOptions = IN_MEMORY,
) -> TextRead:
    """Read a corpus once, as `read_corpus` does, and more of what training may ask for.

    Parameters
    ----------
    corpus, earlier
        As in `read_corpus`.
    rules : {"words", "whitespace"} or TextRules
        How text becomes tokens, and what then becomes of them.
    limits : VocabularyLimits
    search : PhraseSearch, optional
        Find phrases in what is not held out, and join them; `rules` have none then. Stop words are
        left out afterwards. Not beside `earlier`.
    held_out : HeldOutChoice, optional
        Which documents are held out, before anything is counted.
    options : ReadingOptions

    Raises
    ------
    CorpusError
        As in `read_corpus`; if one of the parts has no token; if candidates are too many.
    TokenKindError
        If tokens are no text, and phrases are to be joined of them.
    ConfigurationError
        If candidates for phrases take more than they may.
    """
    folder = None if options.encoded_folder is None else Path(options.encoded_folder)
    rules = rules_of(rules)
    # Stop words stay until phrases are found.
    first = rules if search is None else replace(rules, words=NO_RULES)
    others = None if held_out is None else NumberedCorpus.of_all_words(first)
    with number_store(folder) as store:
        grows = earlier is None or earlier.grows
        table = new_word_table() if earlier is None else table_of_words(earlier.words)[0]
        reader = NumberedCorpus(table, store, add=grows, tokenizer=first)
        unread = reader.counts()  # what words were given to the table counts one each
        split = None if held_out is None or others is None else (held_out, others)
        name = reader.read(corpus, options.progress, options.block_bytes, split)
        words = rules.words
        if search is not None:
            words = reader.join(search, words.stop_words, folder, name)
            if others is not None:
                others.apply(words)
        counts = reader.counts()
        if earlier is None:
            vocabulary, ranks = build_vocabulary(reader.words_of, counts, limits, name)
        else:
            counts[: len(unread)] -= unread
            seen = (counts, reader.n_tokens)
            vocabulary, ranks = grown_vocabulary(reader.words_of, seen, earlier, limits, name)
        tokens = reader.encoded(vocabulary, ranks, folder)
    kept = None if others is None else others.encoded_by_words(vocabulary)
    return TextRead(vocabulary, tokens, kept, words)


def read_sentences(
    corpus: Corpus,
    *,
    tokenizer: str | TokenizeFunction | TextRules = "words",
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
    tokenizer: str | TokenizeFunction | TextRules = "words",
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
    corpus: Corpus, store: NumberStore, *, tokenizer: str | TokenizeFunction | TextRules = "words"
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
