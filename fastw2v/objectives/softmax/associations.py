"""The matrix that the spectral start factorises: weighed positive associations of words."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import CountPart, SparseCounts
from fastw2v.kernels.simd.blocks import PANEL, ROWS
from fastw2v.kernels.softmax.factorisation import association_product, associations
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.softmax.range_finder import SymmetricMatrix
from fastw2v.system.threads import WorkerPool

__all__ = ["MASS_EXPONENT", "Associations", "associations_of"]

MASS_EXPONENT = 0.25  # rows and columns weigh mass^0.25: frequent words more, but not by much


def associations_of(
    counts: SparseCounts,
    keep: NDArray[np.float64],
    pool: WorkerPool,
    progress: Callable[[int], None] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], "Associations"]:
    """Return the words' masses (V,), by what rows and columns are weighed (V,), and the matrix."""
    masses = counts.row_sums(keep) * keep
    scale = np.where(masses > 0, (masses / masses.sum()) ** MASS_EXPONENT, 1.0)
    return masses, scale, Associations(counts, keep, masses, scale, pool, progress)


# Of a part: where the associations above 0 of each row begin, they, and which entries have one.
_Positive = tuple[NDArray[np.int64], VectorArray, NDArray[np.uint8]]


class Associations(SymmetricMatrix):
    """The symmetric sparse matrix that is factorised."""

    def __init__(
        self,
        counts: SparseCounts,
        keep: NDArray[np.float64],
        masses: NDArray[np.float64],
        scale: NDArray[np.float64],
        pool: WorkerPool,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(len(keep), pool, progress)
        self.counts = counts
        # Added up one after the other.
        self.weights = (float(np.cumsum(masses)[-1]), masses, keep, scale)
        # Of counts in memory they are kept, of those in files made again for each product.
        self._keeps = counts.nbytes > 0
        self._made: dict[int, _Positive] = {}

    def times(self, table: VectorArray) -> VectorArray:
        """Return the matrix times a table (V, D)."""
        n_words, dimensions = table.shape
        tall = np.zeros((-(-n_words // ROWS) * ROWS, -(-dimensions // PANEL) * PANEL), np.float32)
        tall[:n_words, :dimensions] = table
        return self._times(tall)[:n_words, :dimensions]

    def _product(self, tall: VectorArray) -> VectorArray:
        out = np.zeros_like(tall)
        width = tall.shape[1]
        flat = out.reshape(-1)
        for part in self.counts.parts:
            rows = flat[part.first * width : (part.first + part.n_rows) * width]
            arguments = (part.arrays[:2], self._positive(part), tall.reshape(-1), rows, width)
            self.pool.run_kernel(association_product, *arguments)
        return out

    def _positive(self, part: CountPart) -> _Positive:
        made = self._made.get(part.first)
        if made is None:
            every = np.empty(len(part.indices), np.float32)
            self.pool.run_kernel(associations, tuple(part), self.weights, every)
            is_positive = every != 0
            before = np.concatenate(([0], np.cumsum(is_positive)))
            bits = np.packbits(is_positive, bitorder="little")
            made = (before[part.indptr], every[is_positive], bits)
            if self._keeps:
                self._made[part.first] = made
        return made
