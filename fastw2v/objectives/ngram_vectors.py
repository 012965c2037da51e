"""A vector for every word, seen or not: the mean of its character n-grams' vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.features import Ngrams

__all__ = ["NgramVectors"]

_WORDS_AT_ONCE = 4096


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
    vectors: NDArray[np.float32]

    @classmethod
    def nothing(cls, dimensions: int) -> "NgramVectors":
        """Return those of no n-grams at all."""
        no_buckets = np.zeros(0, np.int32)
        return cls(Ngrams(1, 0, 0), no_buckets, np.zeros((0, dimensions), np.float32))

    def of(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of words (N, D): the mean over all n-grams of each.

        An n-gram that has no vector counts as zero, as in fastText's files. Words without n-grams
        get zeros.
        """
        found = np.zeros((len(words), self.vectors.shape[1]), np.float32)
        for first in range(0, len(words), _WORDS_AT_ONCE):
            part = slice(first, first + _WORDS_AT_ONCE)
            starts, places = self._places(words[part])
            sizes = np.maximum(np.diff(starts), 1)
            known = places >= 0
            rows = np.repeat(np.arange(len(sizes)), np.diff(starts))[known]
            sums = np.zeros((len(sizes), self.vectors.shape[1]))
            np.add.at(sums, rows, self.vectors[places[known]])
            found[part] = sums / sizes[:, None]
        return found

    def n_known(self, word: str) -> int:
        """Return how many of a word's n-grams have a vector; without any it has none itself."""
        return int((self._places([word])[1] >= 0).sum())

    def _places(self, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where each word's n-grams begin, and their rows, -1 for unknown ones."""
        starts, buckets = self.ngrams.of(words)
        if not len(self.buckets):
            return starts, np.full(len(buckets), -1)
        at = np.minimum(np.searchsorted(self.buckets, buckets), len(self.buckets) - 1)
        return starts, np.where(self.buckets[at] == buckets, at, -1)
