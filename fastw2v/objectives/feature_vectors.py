"""Vectors of features: what gives a word, or a new item, a vector that training never saw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError, UnknownWordError
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.features import Ngrams
from fastw2v.text.vocabulary import shown_word

__all__ = ["NamedFeatures", "NgramVectors", "UnknownWords"]

_WORDS_AT_ONCE = 4096
_ENTRIES_AT_ONCE = 2048  # whose vectors stay in the cache; a word may have millions


def _sums(
    starts: NDArray[np.int64], places: NDArray[np.int64], table: VectorArray
) -> NDArray[np.float64]:
    """Return the sum of each row's vectors (N, D); places below 0 have none."""
    sums = np.zeros((len(starts) - 1, table.shape[1]))
    known = np.flatnonzero(places >= 0)
    rows = np.repeat(np.arange(len(sums)), np.diff(starts))[known]
    for first in range(0, len(known), _ENTRIES_AT_ONCE):
        part = slice(first, first + _ENTRIES_AT_ONCE)
        vectors = table[places[known[part]]].astype(np.float64)
        vectors[0] += sums[rows[first]]  # one that began in the part before goes on
        begins = np.flatnonzero(np.diff(rows[part], prepend=-1))
        sums[rows[part][begins]] = np.add.reduceat(vectors, begins, axis=0)
    return sums


def _numbers_known(starts: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many places of each row are not below 0 (N,)."""
    return np.diff(np.concatenate([[0], np.cumsum(places >= 0)])[starts])


@dataclass(frozen=True, eq=False)
class NgramVectors:
    """Vectors of n-grams, in the space of a table of words.

    Attributes
    ----------
    ngrams : Ngrams
    buckets : (K,) int32
        Those that have a vector, ascending.
    vectors : (K, D) float32
    """

    ngrams: Ngrams
    buckets: NDArray[np.int32]
    vectors: VectorArray

    @classmethod
    def nothing(cls, dimensions: int) -> "NgramVectors":
        """Return those of no n-grams at all."""
        no_buckets = np.zeros(0, np.int32)
        return cls(Ngrams(1, 0, 0), no_buckets, np.zeros((0, dimensions), np.float32))

    def of(self, words: Sequence[str], *, power: float = 1.0) -> VectorArray:
        """Return vectors of words (N, D): each the sum over its n-grams by a power of their number.

        By default that is the mean.
        An n-gram that has no vector counts as zero, as in fastText's files. Words without n-grams
        get zeros.
        """
        return self.of_known(words, power=power)[0]

    def of_known(
        self, words: Sequence[str], *, power: float = 1.0
    ) -> tuple[VectorArray, NDArray[np.int64]]:
        """Return vectors (N, D) as `of`, and how many n-grams of each word have one (N,)."""
        found = np.zeros((len(words), self.vectors.shape[1]), np.float32)
        n_known = np.zeros(len(words), np.int64)
        for part, starts, places in self._parts(words):
            sizes = np.maximum(np.diff(starts), 1).astype(np.float64) ** power
            found[part] = _sums(starts, places, self.vectors) / sizes[:, None]
            n_known[part] = _numbers_known(starts, places)
        return found, n_known

    def word_vectors(self, words: Sequence[str], own: VectorArray) -> VectorArray:
        """Return vectors (N, D) of words with rows of their own: the mean of these and n-grams'."""
        sizes = np.diff(self.ngrams.of(words)[0])[:, None]
        return np.asarray((own + self.of(words) * sizes) / (sizes + 1), np.float32)

    def own_rows(self, words: Sequence[str], table: VectorArray) -> VectorArray:
        """Return the rows (N, D) of words whose means with their n-grams' are given vectors.

        That is how fastText and gensim keep known words.
        """
        sizes = np.diff(self.ngrams.of(words)[0])[:, None]
        own = table.astype(np.float64) * (sizes + 1) - self.of(words).astype(np.float64) * sizes
        return np.asarray(own, np.float32)

    def n_known(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return how many n-grams of each word have a vector (N,); without any it has none."""
        found = np.zeros(len(words), np.int64)
        for part, starts, places in self._parts(words):
            found[part] = _numbers_known(starts, places)
        return found

    def rows_of(self, buckets: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the row of each bucket (E,), -1 where it has none."""
        if not len(self.buckets):
            return np.full(len(buckets), -1)
        at = np.minimum(np.searchsorted(self.buckets, buckets), len(self.buckets) - 1)
        return np.where(self.buckets[at] == buckets, at, -1)

    def _parts(
        self, words: Sequence[str]
    ) -> Iterator[tuple[slice, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield some words after others: where n-grams of each begin, and the n-grams' rows."""
        for first in range(0, len(words), _WORDS_AT_ONCE):
            part = slice(first, first + _WORDS_AT_ONCE)
            starts, buckets = self.ngrams.of(words[part])
            yield part, starts, self.rows_of(buckets)


@dataclass(frozen=True, eq=False)
class UnknownWords:
    """What makes vectors of words outside the vocabulary.

    Attributes
    ----------
    table : NgramVectors
        In the space of the vectors that are handed out.
    centres : (K, D) float32
        Of the same n-grams, in the space of centre vectors: v = sum / number^power - offset.
    offset : (D,) float32
    power : float
        0.5 with the exact softmax, and wherever vectors of n-grams were fitted; 1 where centre
        vectors were trained as means.
    """

    table: NgramVectors
    centres: VectorArray
    offset: NDArray[np.float32]
    power: float = 0.5

    @classmethod
    def of_trained_means(cls, table: NgramVectors) -> "UnknownWords":
        """Return those of centre vectors that were trained as means, which are handed out."""
        no_offset = np.zeros(table.vectors.shape[1], np.float32)
        return cls(table, table.vectors, no_offset, power=1.0)

    @property
    def are_trained_means(self) -> bool:
        """Whether unknown words are given centre vectors: means, as those of known words are."""
        return self.power == 1.0

    @property
    def ngrams(self) -> Ngrams:
        """Which n-grams words have."""
        return self.table.ngrams

    def vectors(self, words: Sequence[str]) -> VectorArray:
        """Return vectors of words (N, D) to hand out.

        Raises
        ------
        UnknownWordError
            If none of a word's n-grams is known.
        """
        return self._made(self.table, words)

    def centre_vectors(self, words: Sequence[str]) -> VectorArray:
        """Return centre vectors (N, D), which predict contexts; raises as `vectors`."""
        centres = NgramVectors(self.ngrams, self.table.buckets, self.centres)
        return np.asarray(self._made(centres, words, self.power) - self.offset)

    def can_make(self, words: Sequence[str]) -> NDArray[np.bool_]:
        """Tell which words have n-grams that are known (N,)."""
        return self.table.n_known(words) > 0

    def _made(self, table: NgramVectors, words: Sequence[str], power: float = 1.0) -> VectorArray:
        found, n_known = table.of_known(words, power=power)
        if not n_known.all():
            low, high = self.ngrams.min_n, self.ngrams.max_n
            raise UnknownWordError(
                f"{shown_word(words[int(n_known.argmin())])} is not in the vocabulary, and none of "
                f"its character n-grams of {low} to {high} characters occurred in a word that is; "
                "it has no vector"
            )
        return found


@dataclass(frozen=True, eq=False)
class NamedFeatures:
    """Vectors of features that the user gave.

    Attributes
    ----------
    names : list of str
    vectors : (F, D) float32
        In the space of the vectors that are handed out.
    centres : (F, D) float32
        In the space of centre vectors: v = sum / sqrt(number) - offset.
    offset : (D,) float32
    """

    names: list[str]
    vectors: VectorArray
    centres: VectorArray
    offset: NDArray[np.float32]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    def of(self, features: Sequence[str]) -> VectorArray:
        """Return the vector (D,) to hand out of something that has these features.

        Raises
        ------
        UnknownWordError
            If there are none, or one that training has not seen.
        """
        return np.asarray(self.vectors[self._places(features)].mean(axis=0))

    def _places(self, features: Sequence[str]) -> list[int]:
        if isinstance(features, str):
            raise ConfigurationError(
                f"features: expected a list of names, got {features!r:.60}; put it in a list"
            )
        if not features:
            raise UnknownWordError("features: expected at least one, got none")
        for name in features:
            if name not in self._numbers:
                raise UnknownWordError(
                    f"{shown_word(name)} is not among the {len(self.names)} features that training "
                    "has seen"
                )
        return [self._numbers[name] for name in features]
