"""Phrases: found in a text, and joined in it; what was found is a `PhraseModel`."""

from collections.abc import Collection
from typing import BinaryIO

import numpy as np

from fastw2v.config import PhraseSettings, TokenizeFunction
from fastw2v.errors import UnwritableWordError
from fastw2v.kernels.text.phrases import write_words_of
from fastw2v.text.collocations import EncodedSentences, connector_mask
from fastw2v.text.corpus import Corpus, Progress
from fastw2v.text.phrase_finding import find_and_join
from fastw2v.text.phrase_model import PhraseModel
from fastw2v.text.reading import read_sentences
from fastw2v.text.rules import TextRules
from fastw2v.text.stored_vocabulary import packed_words
from fastw2v.text.vocabulary import shown_word

__all__ = [
    "PhraseModel",
    "PhraseSettings",
    "encoded_sentences",
    "find_and_join",
    "find_phrases",
    "without_words",
    "write_sentences",
]

_SENTENCES_AT_ONCE = 1 << 14


def find_phrases(
    corpus: Corpus,
    settings: PhraseSettings | None = None,
    *,
    tokenizer: str | TokenizeFunction | TextRules = "words",
    workers: int | None = None,
    progress: Progress | None = None,
) -> PhraseModel:
    """Find the phrases of a corpus.

    With the same settings they are those of gensim's `Phrases`, their scores to the bit, as long as
    that need not forget rare words (beyond its `max_vocab_size`); here none is forgotten.

    Parameters
    ----------
    corpus : path, paths, or lists of tokens
        As `fastw2v.Word2Vec.fit` takes it. It is held in memory, as numbers.
    settings : PhraseSettings, optional
        Default: those of `PhraseSettings`.
    tokenizer : str, callable or TextRules
        How lines of text become tokens; lists of tokens stay as they are.
    workers : int, optional
        Threads; the result does not depend on them. Default: all cores.
    progress : callable, optional
        Called now and then with the bytes read so far, and in all (None if unknown).

    Returns
    -------
    model : PhraseModel

    Raises
    ------
    CorpusError
        If the corpus cannot be read, or has no token at all.
    TextEncodingError
        If a text is not UTF-8.
    TokenKindError
        If a token is not a str.
    """
    text = encoded_sentences(corpus, tokenizer=tokenizer, progress=progress)
    return find_and_join(text, settings or PhraseSettings(), workers=workers)[0]


def encoded_sentences(
    corpus: Corpus,
    *,
    tokenizer: str | TokenizeFunction | TextRules = "words",
    progress: Progress | None = None,
) -> EncodedSentences:
    """Read a corpus with all its words; parameters and errors as in `find_phrases`."""
    return read_sentences(corpus, tokenizer=tokenizer, progress=progress)


def without_words(text: EncodedSentences, words: Collection[str]) -> EncodedSentences:
    """Return a text without tokens of these words; its sentences stay, though they be empty."""
    is_kept = ~connector_mask(text.words, frozenset(words))[text.ids]
    before = np.zeros(len(text.ids) + 1, np.int64)
    np.cumsum(is_kept, out=before[1:])
    return EncodedSentences(text.words, text.ids[is_kept], before[text.sentence_starts])


def write_sentences(text: EncodedSentences, file: BinaryIO) -> None:
    """Write a text to an open file: a sentence a line, its words parted by blanks.

    Raises
    ------
    UnwritableWordError
        If a word holds white space, before anything is written.
    """
    for word in text.words:
        if word.split() != [word]:
            raise UnwritableWordError(
                f"expected words without white space, which parts them in a text, got "
                f"{shown_word(word)}; use another delimiter, or pass the sentences on from Python"
            )
    word_bytes, word_ends = packed_words(text.words)
    n_sentences = len(text.sentence_starts) - 1
    for first in range(0, n_sentences, _SENTENCES_AT_ONCE):
        end = min(first + _SENTENCES_AT_ONCE, n_sentences)
        given = (text.ids, text.sentence_starts, first, end, word_bytes, word_ends)
        data = np.empty(write_words_of(*given, np.empty(0, np.uint8)), np.uint8)
        write_words_of(*given, data)
        file.write(data.data)
