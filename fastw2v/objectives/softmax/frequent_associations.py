"""The spectral start of large vocabularies: the matrix of frequent words, and what follows for all.

With X_ff Y = Y L for the block of the frequent words, X_af the associations of all words with them
and Y / L as far as eigenvalues are not 0,

    Y_a = X_af Y L^-1

has the rows Y for the frequent words, and Y_a L Y^T is the best of the products Y_a L B^T with X_af
that its columns allow (docs/math.md, section 11).
"""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.softmax.factorisation import sparse_product
from fastw2v.kernels.softmax.frequent_words import (
    count_associations,
    frequent_associations,
    frequent_product,
)
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.softmax.associations import Associations
from fastw2v.objectives.softmax.range_finder import SymmetricMatrix

__all__ = ["FrequentAssociations"]


class FrequentAssociations(SymmetricMatrix):
    """The rows and columns of the most frequent words, in memory.

    Parameters
    ----------
    whole : Associations
    n_words : int
        How many words are frequent, fewer than all.
    """

    def __init__(self, whole: Associations, n_words: int) -> None:
        super().__init__(n_words, whole.pool, whole.progress)
        self._whole = whole
        # Parts are opened anew for each use, so that few are mapped at a time.
        n_parts = int(np.searchsorted(whole.counts.firsts, n_words))
        sizes = np.zeros(n_words + 1, np.int64)
        for part in islice(whole.counts.parts, n_parts):
            rows = sizes[part.first + 1 :][: part.n_rows]
            self.pool.run_kernel(count_associations, tuple(part), whole.weights, n_words, rows)
        starts = np.cumsum(sizes)
        self._matrix = starts, np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
        for part in islice(whole.counts.parts, n_parts):
            arguments = (tuple(part), whole.weights, n_words, self._matrix)
            self.pool.run_kernel(frequent_associations, *arguments)

    def extended(self, values: NDArray[np.float64], basis: VectorArray) -> VectorArray:
        """Return rows of all words (V, width) for eigenvalues and their vectors of the block."""
        inverse = np.zeros(basis.shape[1])
        np.divide(1.0, values, out=inverse[: len(values)], where=values != 0)
        scaled = (basis * inverse).astype(np.float32).reshape(-1)
        width = basis.shape[1]
        out = np.zeros((self._whole.n_words, width), np.float32)
        whole = self._whole
        for part in whole.counts.parts:
            rows = out[part.first : part.first + part.n_rows].reshape(-1)
            arguments = (tuple(part), whole.weights, self.n_words, scaled, rows, width)
            self.pool.run_kernel(frequent_product, *arguments)
        return out

    def _product(self, tall: VectorArray) -> VectorArray:
        out = np.zeros_like(tall)
        flat = (tall.reshape(-1), out.reshape(-1), tall.shape[1])
        self.pool.run_kernel(sparse_product, self._matrix, *flat)
        return out
