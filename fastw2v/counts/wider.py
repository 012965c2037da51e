"""Counts over a vocabulary that has further words: rows for these, and nothing in them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import CountArrays, CountPart, CountParts, SparseCounts
from fastw2v.text.vocabulary import Vocabulary

__all__ = ["WithEmptyRows", "order_within"]


class WithEmptyRows(SparseCounts):
    """Counts with further words behind the last one, which have none.

    Parameters
    ----------
    counts : SparseCounts
    n_words : int
        With the further ones.
    """

    def __init__(self, counts: SparseCounts, n_words: int) -> None:
        self._counts, self._n_words = counts, n_words

    @property
    def n_words(self) -> int:
        """V, with the further words."""
        return self._n_words

    @property
    def n_entries(self) -> int:
        """Pairs that are there."""
        return self._counts.n_entries

    @property
    def parts(self) -> Sequence[CountPart]:
        """Those of the counts, and one of empty rows."""
        n_more = self._n_words - self._counts.n_words
        return _Parts(self._counts, n_more) if n_more else self._counts.parts

    @property
    def firsts(self) -> list[int]:
        """The first centre word of each part."""
        n_words = self._counts.n_words
        return self._counts.firsts + [n_words] * (self._n_words > n_words)

    def copied(self, rows: NDArray[np.int64]) -> CountArrays:
        """Return rows, in the order that is asked for, in arrays of their own."""
        is_known = rows < self._counts.n_words
        starts, indices, values = self._counts.copied(rows[is_known])
        indptr = np.zeros(len(rows) + 1, np.int64)
        indptr[1:][is_known] = np.diff(starts)
        return np.cumsum(indptr), indices, values


class _Parts(CountParts):
    """The parts of counts, and one of empty rows."""

    def __init__(self, counts: SparseCounts, n_more: int) -> None:
        self._counts, self._n_more = counts, n_more
        self._parts = counts.parts

    def __len__(self) -> int:
        return len(self._parts) + 1

    def part(self, number: int) -> CountPart:
        """Return the part of this number."""
        if number < len(self._parts):
            return self._parts[number]
        nothing = np.zeros(self._n_more + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32)
        return CountPart(self._counts.n_words, *nothing)


def order_within(vocabulary: Vocabulary, part: Vocabulary) -> NDArray[np.int64] | None:
    """Return where each word stands among those of a part of them; None if in its own place.

    Parameters
    ----------
    vocabulary : Vocabulary
        Of V words.
    part : Vocabulary
        Of N of these.

    Returns
    -------
    (V,) int64 or None
        Words that the part has not stand behind its own, from N on, as in `WithEmptyRows`.
    """
    if vocabulary.words == part.words:
        return None
    order = np.full(len(vocabulary), -1)
    places = np.fromiter(map(vocabulary.index, part.words), np.int64, len(part))
    order[places] = np.arange(len(part))
    is_new = order < 0
    order[is_new] = len(part) + np.arange(int(is_new.sum()))
    return order
