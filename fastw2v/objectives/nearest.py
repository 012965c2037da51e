"""The words whose vectors are nearest in cosine to a vector."""

from collections.abc import Collection
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["NearestWords", "Rows", "Words", "direction"]

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
        A row for each word: an array, which is not copied, or `Rows`, which need no memory and are
        made anew for each search.
    """

    def __init__(self, words: Words, table: Rows) -> None:
        self.words = words
        self.table = table
        n_words = table.shape[0]
        step = n_words if isinstance(table, np.ndarray) else _ROWS_AT_ONCE
        self._blocks = [slice(first, first + step) for first in range(0, n_words, max(step, 1))]
        self._lengths: NDArray[np.float64] | None = None  # known after the first search

    def cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosine (V,) of each word to a vector (D,); zeros for a vector of zeros."""
        unit = direction(vector)
        found = np.empty(self.table.shape[0], np.float32)
        lengths = np.empty(len(found)) if self._lengths is None else self._lengths
        for block in self._blocks:
            rows = self.table[block]
            if self._lengths is None:
                lengths[block] = _lengths(rows)
            with np.errstate(over="ignore", invalid="ignore"):
                products: NDArray[Any] = rows @ unit
            if not np.isfinite(products).all():
                products = np.einsum("ij,j->i", rows, unit, dtype=np.float64)
            found[block] = np.clip(products / lengths[block], -1, 1)
        self._lengths = lengths
        return found

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
        cosines = self.cosines(vector)
        cosines[list(without)] = -np.inf
        n_found = len(cosines) - len(set(without))
        n_found = n_found if topn is None else min(topn, n_found)
        rows = np.arange(len(cosines))
        if n_found < len(cosines):
            rows = np.argpartition(-cosines, n_found)[:n_found]
        rows = rows[np.lexsort((rows, -cosines[rows]))][:n_found]
        return [(self.words[row], float(cosines[row])) for row in rows.tolist()]


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the lengths of vectors (N, D); 1 for those of zeros, which are near nothing."""
    # In double precision: squares of large numbers leave float32.
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return np.asarray(np.where(lengths > 0, lengths, 1))


def direction(vector: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return a vector (D,) at length 1; one of zeros as it is."""
    largest = float(np.abs(vector).max(initial=0))
    scaled = vector.astype(np.float64) / largest if largest > 0 else vector
    length = float(np.linalg.norm(scaled))
    return np.asarray(scaled / length if length > 0 else scaled, np.float32)
