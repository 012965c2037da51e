"""The words whose vectors are nearest in cosine to a vector, and the largest of any numbers."""

from collections.abc import Collection
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.exact_search import ExactSearch, unit_rows

__all__ = ["NearestWords", "Rows", "Words", "direction", "largest_places"]

_ROWS_AT_ONCE = 1024  # of a table that is made block by block: they stay in the cache


class Rows(Protocol):
    """A table (V, D) of float32 whose rows are made when they are asked for, or an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """V and D."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]: ...


class Words(Protocol):
    """Words by their rows: a list, or a vocabulary."""

    def __getitem__(self, row: int, /) -> Any: ...


class NearestWords:
    """V words and their vectors, to be searched.

    Parameters
    ----------
    words : Words
        All different.
    table : (V, D) float32
        A row for each word: an array, which is not copied but as `ExactSearch` says, or `Rows`,
        which need no memory and are made anew for each search.
    """

    def __init__(self, words: Words, table: Rows) -> None:
        self.words = words
        self.table = table

    @cached_property
    def _whole(self) -> ExactSearch | None:
        """What searches an array; None for rows that are made."""
        return ExactSearch(self.table) if isinstance(self.table, np.ndarray) else None

    def near(
        self, vector: NDArray[np.float32], topn: int | None, without: Collection[int] = ()
    ) -> list[tuple[Any, float]]:
        """Return the words nearest to a vector (D,), each with its cosine; the nearest first.

        Parameters
        ----------
        vector : (D,) float32
        topn : int or None
            How many; None for all.
        without : collection of int
            Rows of words that are left out.
        """
        if not vector.any():  # which has no direction
            return []
        n_words = self.table.shape[0]
        topn = n_words if topn is None else min(topn, n_words)
        rows, cosines = self._search(unit_rows(vector[None]), topn + len(without))
        pairs = zip(rows.tolist(), cosines.tolist(), strict=True)
        kept = [(row, cosine) for row, cosine in pairs if row not in without]
        return [(self.words[row], cosine) for row, cosine in kept[:topn]]

    def _search(
        self, unit: NDArray[np.float32], topn: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows nearest to a direction (1, D), and their cosines."""
        if self._whole is not None:
            rows, cosines = self._whole.search(unit, topn)
            return rows[0], cosines[0]
        parts = []
        for first in range(0, self.table.shape[0], _ROWS_AT_ONCE):
            block = self.table[first : first + _ROWS_AT_ONCE]
            rows, cosines = ExactSearch(block, workers=1).search(unit, topn)
            parts.append((rows[0] + first, cosines[0]))
        found, near = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.lexsort((found, -near))[:topn]
        return found[order], near[order]


def direction(vector: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return a vector (D,) at length 1; one of zeros as it is."""
    unit: NDArray[np.float32] = unit_rows(vector[None])[0]
    return unit


def largest_places(values: NDArray[Any], topn: int | None) -> NDArray[np.int64]:
    """Return the places of the `topn` largest values, falling; of equal ones the first."""
    if topn is None or topn * 10 >= len(values):
        return np.argsort(-values, kind="stable")[:topn]
    if topn == 0:
        return np.empty(0, np.int64)
    least = np.partition(values, len(values) - topn)[len(values) - topn]
    candidates = np.flatnonzero(values >= least)
    return np.asarray(candidates[np.argsort(-values[candidates], kind="stable")[:topn]])
