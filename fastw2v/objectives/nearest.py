"""The words whose vectors are nearest in cosine to a vector."""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NearestWords", "direction"]


class NearestWords:
    """V words and their vectors, to be searched.

    Parameters
    ----------
    words : sequence
        All different.
    table : (V, D) float32
        A row for each word. It is not copied.
    """

    def __init__(self, words: Sequence[Any], table: NDArray[np.float32]) -> None:
        self.words = words
        self.table = table

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """Of the vectors (V,); 1 for those of zeros, which are near nothing."""
        # In double precision: squares of large numbers leave float32.
        squares = np.einsum("ij,ij->i", self.table, self.table, dtype=np.float64)
        lengths = np.sqrt(squares)
        return np.asarray(np.where(lengths > 0, lengths, 1))

    def cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosine (V,) of each word to a vector (D,); zeros for a vector of zeros."""
        unit = direction(vector)
        with np.errstate(over="ignore", invalid="ignore"):
            products: NDArray[Any] = self.table @ unit
        if not np.isfinite(products).all():
            products = np.einsum("ij,j->i", self.table, unit, dtype=np.float64)
        return np.asarray(np.clip(products / self.lengths, -1, 1), np.float32)

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


def direction(vector: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return a vector (D,) at length 1; one of zeros as it is."""
    largest = float(np.abs(vector).max(initial=0))
    scaled = vector.astype(np.float64) / largest if largest > 0 else vector
    length = float(np.linalg.norm(scaled))
    return np.asarray(scaled / length if length > 0 else scaled, np.float32)
