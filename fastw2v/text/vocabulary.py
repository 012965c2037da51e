"""The vocabulary: which words are kept, in which order, and how often they were seen."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError, UnknownWordError, VocabularyError
from fastw2v.text.shown import shown_vocabulary, shown_vocabulary_html, shown_word, unknown_word
from fastw2v.text.token_kinds import described_kind, tokens_from_json, tokens_to_json

__all__ = [
    "Vocabulary",
    "keep_probability",
    "require_different",
    "shown_word",
]

_FIRST_WORDS = 10  # that are shown


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words and their counts, the most frequent first; equal counts by the words' UTF-8.

    The order depends on the words and counts alone, never on the order of reading.

    Parameters
    ----------
    words : list
        All different; a word's place is its id. Each is a str, or another token
        (`fastw2v.text.token_kinds`).
    counts : int64 array (V,)
        How often each word was seen, never rising.
    n_raw_tokens : int
        Tokens of the corpus, those of words left out too.
    n_raw_types : int
        Different words of the corpus, those left out too.

    Raises
    ------
    VocabularyError
        If there is not one count for each word, or the counts are not in order.
    """

    words: list[Any]
    counts: NDArray[np.int64]
    n_raw_tokens: int
    n_raw_types: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", np.ascontiguousarray(self.counts, np.int64))
        self._check_counts(len(self.words))

    def _check_counts(self, n_words: int) -> None:
        counts = self.counts
        if counts.shape != (n_words,):
            raise VocabularyError(
                f"counts: expected one for each of {n_words} words, got an array of shape "
                f"{counts.shape}"
            )
        rises = np.flatnonzero(counts[1:] > counts[:-1])
        if rises.size:
            place = int(rises[0]) + 1
            raise VocabularyError(
                f"counts: expected the most frequent word first, got {counts[place]} for word "
                f"{place} behind {counts[place - 1]}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the vocabulary as plain values that JSON can hold."""
        return {
            "words": tokens_to_json(self.words),
            "counts": self.counts.tolist(),
            "n_raw_tokens": self.n_raw_tokens,
            "n_raw_types": self.n_raw_types,
        }

    @staticmethod
    def from_dict(content: dict[str, Any]) -> "Vocabulary":
        """Return what `as_dict` gave.

        Raises
        ------
        LookupError, TypeError, ValueError, OverflowError, VocabularyError
            If something is missing, or not as `as_dict` gives it.
        """
        stored = content["words"]
        if not isinstance(stored, list):
            raise ValueError(f"words: expected a list of words, got {str(stored)[:60]}")
        words = tokens_from_json(stored)
        require_different(words)
        return Vocabulary(
            words,
            np.array(content["counts"], np.int64),
            int(content["n_raw_tokens"]),
            int(content["n_raw_types"]),
        )

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return self.row(word) is not None

    def __getitem__(self, row: int) -> Any:
        """Return the word of a row."""
        return self.words[row]

    def row(self, word: object) -> int | None:
        """Return the row of a word, None if it has none; raises `TypeError` for a list, say."""
        return self._ids.get(word)

    def __repr__(self) -> str:
        """Return sizes and the first words, on one line."""
        tokens = (self.n_tokens, self.n_raw_tokens)
        return shown_vocabulary(self.first(_FIRST_WORDS), len(self), tokens)

    def _repr_html_(self) -> str:
        first, tokens = self.first(_FIRST_WORDS), (self.n_tokens, self.n_raw_tokens)
        sizes = {"words": (len(self), self.n_raw_types), "tokens": tokens}
        return shown_vocabulary_html(first, self.counts[: len(first)].tolist(), sizes)

    def first(self, n_words: int) -> list[Any]:
        """Return the most frequent words."""
        return self.words[:n_words]

    @property
    def n_tokens(self) -> int:
        """Running tokens of the kept words: the sum of the counts."""
        return int(self.counts.sum())

    @cached_property
    def _ids(self) -> dict[Any, int]:
        ids = dict(zip(self.words, range(len(self.words)), strict=True))
        if len(ids) != len(self.words):
            twice = next(word for place, word in enumerate(self.words) if ids[word] != place)
            raise VocabularyError(f"words: expected all different, got {twice!r} more than once")
        return ids

    @cached_property
    def texts(self) -> list[str]:
        """The words for the eye: text as it is, numbers in digits, others as Python's code."""
        return self._texts_of_words()

    def _texts_of_words(self) -> list[str]:
        if all(type(word) is str for word in self.words):
            return self.words
        return [word if isinstance(word, str) else repr(word) for word in self.words]

    def named(self, text: str) -> Any:
        """Return the word that a text stands for: the text itself, or one that is shown so."""
        return text if text in self else self._shown.get(text, text)

    @cached_property
    def _shown(self) -> dict[str, Any]:
        return self._words_by_text()

    def _words_by_text(self) -> dict[str, Any]:
        others = zip(self.texts, self.words, strict=True)
        return {text: word for text, word in others if not isinstance(word, str)}

    def require_text(self, what: str) -> None:
        """Raise `ConfigurationError` if a word is no str, which something needs."""
        other = next((word for word in self.words if not isinstance(word, str)), None)
        if other is not None:
            raise ConfigurationError(
                f"{what}: expected words that are text, which characters are taken of, got "
                f"{described_kind(other)}; leave it out, or pass str(token)"
            )

    def index(self, word: Hashable) -> int:
        """Return the id of a word.

        Raises
        ------
        UnknownWordError
            If the vocabulary does not hold it; the message names words that are close to it.
        """
        try:
            place = self.row(word)
        except TypeError:  # a list, say, which no dict holds
            place = None
        if place is None:
            raise UnknownWordError(unknown_word(word, self.words, self._ids))
        return place


def require_different(words: list[Any]) -> None:
    """Raise `VocabularyError` if a word comes twice."""
    if len(set(words)) != len(words):
        raise VocabularyError("words: expected all different, got some of them more than once")


def keep_probability(counts: NDArray[np.int64], sample: float) -> NDArray[np.float64]:
    r"""Return the probability with which subsampling keeps a token of each word.

    That is :math:`\sqrt{t/f} + t/f`, at most 1, where f is a word's frequency and t is `sample`.

    Parameters
    ----------
    counts : int64 array (V,)
        How often each word occurs.
    sample : float
        The frequency above which words are thinned out, 0 to 1; 0 keeps every token.

    Returns
    -------
    probabilities : float64 array (V,)

    Raises
    ------
    ConfigurationError
        If `sample` is not in 0 to 1.

    References
    ----------
    Mikolov's word2vec.c and gensim. (The paper "Distributed Representations of Words and
    Phrases", 2013, has the square root alone.)
    """
    if not 0 <= sample <= 1:
        raise ConfigurationError(f"sample: expected 0 to 1, got {sample!r}")
    if sample == 0:
        return np.ones(len(counts))
    threshold = sample * counts.sum()
    with np.errstate(divide="ignore"):
        kept: NDArray[np.float64] = (np.sqrt(counts / threshold) + 1) * (threshold / counts)
    return np.minimum(kept, 1.0)
