"""Exact search by cosine for many vectors at once, tile by tile of the words.

The product of queries and all words is not kept: of each tile only its best scores are.
"""

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError
from fastw2v.kernels.formulas.best_scores import keep_best

__all__ = ["ExactSearch", "unit_rows"]

_TILE_NUMBERS = 2**20  # of scores
_LEAST_ROWS = 4096  # of a tile, for products of a good size
_MOST_QUERIES = 256
_SPARE = 8  # found beyond what is asked for: float32 may swap words that are equally near
_SAFE = (1e-12, 1e12)  # lengths whose products and inverses float32 holds


class ExactSearch:
    """V vectors, all compared with every query.

    Parameters
    ----------
    table : (V, D) float32
        It is not copied, unless its numbers are so large or small that products leave float32.

    Raises
    ------
    ConfigurationError
        If it has no rows, or numbers that are not finite.
    """

    def __init__(self, table: NDArray[np.float32]) -> None:
        if table.ndim != 2 or not table.size:
            raise ConfigurationError(f"vectors: expected a table (V, D), got {table.shape}")
        lengths = np.sqrt(np.einsum("ij,ij->i", table, table, dtype=np.float64))
        if not np.isfinite(lengths).all():
            row = int(np.flatnonzero(~np.isfinite(lengths))[0])
            raise ConfigurationError(f"vectors: expected finite numbers, got others in row {row}")
        self.table = table
        self._lengths = np.where(lengths > 0, lengths, 1.0)
        self._scanned = table
        if (self._lengths < _SAFE[0]).any() or (self._lengths > _SAFE[1]).any():
            self._scanned = np.asarray(table / self._lengths[:, None], np.float32)
            self._inverses = np.ones(len(table), np.float32)
        else:
            self._inverses = np.asarray(1 / self._lengths, np.float32)

    def cosines(self, queries: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the cosines (N, K) of queries (N, D) of length 1 to rows (N, K) of the table."""
        found = np.empty(rows.shape, np.float64)
        for place, query in enumerate(queries.astype(np.float64)):
            chosen = rows[place]
            found[place] = (self.table[chosen].astype(np.float64) @ query) / self._lengths[chosen]
        return np.clip(found, -1, 1)

    def search(
        self, queries: NDArray[np.float32], topn: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the nearest rows (N, K) of queries (N, D) of length 1, and their cosines.

        K is `topn`, or V if that is less. The nearest come first, of equal ones the first row.
        """
        topn = min(topn, len(self.table))
        rows = np.empty((len(queries), topn), np.int64)
        cosines = np.empty((len(queries), topn), np.float64)
        for first in range(0, len(queries), _MOST_QUERIES):
            block = slice(first, first + _MOST_QUERIES)
            candidates = self._candidates(queries[block], min(topn + _SPARE, len(self.table)))
            for place, chosen in enumerate(candidates, first):
                near = self.cosines(queries[place : place + 1], chosen[None])[0]
                order = np.lexsort((chosen, -near))[:topn]
                rows[place], cosines[place] = chosen[order], near[order]
        return rows, cosines

    def _candidates(self, queries: NDArray[np.float32], least: int) -> NDArray[np.int64]:
        """Return rows (N, `least`), in no order, which hold the nearest of each query."""
        n_queries, n_rows = len(queries), len(self.table)
        rows = np.empty((n_queries, least), np.int64)
        if least == n_rows:
            rows[:] = np.arange(n_rows)
            return rows
        best = np.full((n_queries, least), -np.inf, np.float32)
        step = min(max(_TILE_NUMBERS // n_queries, _LEAST_ROWS), n_rows)
        space = np.empty(n_queries * step, np.float32)
        for first in range(0, n_rows, step):
            tile = self._scanned[first : first + step]
            scores = space[: n_queries * len(tile)].reshape(n_queries, len(tile))
            if n_queries == 1:
                np.dot(tile, queries[0], out=scores[0])
            else:
                np.dot(queries, tile.T, out=scores)
            keep_best(scores, self._inverses[first : first + step], first, best, rows)
        return rows


def unit_rows(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return vectors (N, D) at length 1; those of zeros as they are."""
    wide = vectors.astype(np.float64)
    largest = np.abs(wide).max(axis=1, initial=0, keepdims=True)
    wide /= np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1), np.float32)
