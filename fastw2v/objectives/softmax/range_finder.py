"""The largest eigenpairs of a symmetric matrix of words, of which only products are known."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.simd.blocks import PANEL, ROWS
from fastw2v.kernels.softmax.factorisation import RUN, gram_parts, tall_product
from fastw2v.objectives.arrays import VectorArray
from fastw2v.system.threads import WorkerPool

__all__ = ["OVERSAMPLING", "ROUNDS", "RUNS_AT_ONCE", "WIDEST_SPREAD", "SymmetricMatrix", "width_of"]

OVERSAMPLING = 10  # columns beyond D that the range finder carries along
ROUNDS = 4  # of two products each, after a first one: nearer than ten plain products come
# A round makes columns differ in size by up to twice the square of this; Gram matrices of single
# precision tell 3,000 apart.
WIDEST_SPREAD = 32.0
RUNS_AT_ONCE = 32  # of rows, whose Gram matrices are added up


def width_of(rank: int) -> int:
    """Return how many columns the range finder has for so many eigenpairs."""
    return -(-(rank + OVERSAMPLING) // PANEL) * PANEL


class SymmetricMatrix(ABC):
    """A symmetric matrix with a row and a column for each of some words.

    Parameters
    ----------
    n_words : int
    pool : WorkerPool
        Results do not depend on how many workers it has.
    progress : callable, optional
        Called after each product with how many were made.
    """

    def __init__(
        self, n_words: int, pool: WorkerPool, progress: Callable[[int], None] | None = None
    ) -> None:
        self.n_words = n_words
        self.pool = pool
        self.progress = progress
        self._products = 0

    @abstractmethod
    def _product(self, tall: VectorArray) -> VectorArray:
        """Return the matrix times a tall one, whose rows beyond the words are zero."""

    def _times(self, tall: VectorArray) -> VectorArray:
        out = self._product(tall)
        self._products += 1
        if self.progress is not None:
            self.progress(self._products)
        return out

    def largest_eigenpairs(
        self, rank: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.float64], VectorArray]:
        """Return the eigenvalues (rank,) largest in size, and their vectors (V, at least rank)."""
        width = width_of(rank)
        used = min(width, self.n_words)
        tall = np.zeros((-(-self.n_words // ROWS) * ROWS, width), np.float32)
        tall[: self.n_words, :used] = generator.standard_normal(
            (self.n_words, used), dtype=np.float32
        )
        tall = self._orthonormal(self._times(tall))
        for _ in range(ROUNDS):
            tall = self._orthonormal(self._amplified(tall))
        small = self._gram(tall, self._times(tall))
        values, vectors = np.linalg.eigh((small + small.T) / 2)
        best = np.argsort(-np.abs(values), kind="stable")[:rank]
        rotation = np.zeros((width, width), np.float32)
        rotation[:, :rank] = vectors[:, best]
        chosen: NDArray[np.float64] = values[best]
        return chosen, self._rotated(tall, rotation)

    def _amplified(self, tall: VectorArray) -> VectorArray:
        """Return two products' worth of orthonormal columns, the largest eigenpairs brought out.

        That is 2 (X/c)^2 - 1 times `tall`, Chebyshev's second polynomial: it keeps within 1 what
        belongs to eigenvalues within c, and lets the others grow faster than X^2 would. As c
        serves the smallest singular value of X times `tall`, which by interlacing is no larger
        than any eigenvalue that is wanted. Where the singular values lie too far apart for it,
        it is X^2 times `tall`, made orthonormal in between.
        """
        once = self._times(tall)
        squares = np.linalg.eigvalsh(self._gram(once, once))
        if squares[0] * WIDEST_SPREAD**2 <= squares[-1]:
            return self._times(self._orthonormal(once))
        once *= np.float32(2.0 / squares[0])
        twice = self._times(once)
        twice -= tall
        return twice

    def _gram(self, left: VectorArray, right: VectorArray) -> NDArray[np.float64]:
        rows, width = left.shape
        total = np.zeros(width * width)
        for first in range(0, rows, RUNS_AT_ONCE * RUN):
            last = min(first + RUNS_AT_ONCE * RUN, rows)
            parts = np.empty((-(-(last - first) // RUN), width * width), np.float32)
            flat = (left[first:last].reshape(-1), right[first:last].reshape(-1))
            self.pool.run_kernel(gram_parts, *flat, parts, (last - first, width))
            for part in parts:
                total += part
        return total.reshape(width, width)

    def _rotated(self, tall: VectorArray, square: VectorArray) -> VectorArray:
        out = np.empty_like(tall)
        flat = (tall.reshape(-1), square.reshape(-1), out.reshape(-1))
        self.pool.run_kernel(tall_product, *flat, tall.shape)
        return out

    def _orthonormal(self, tall: VectorArray) -> VectorArray:
        """Return an orthonormal basis of the columns; columns that depend on others are zero.

        Twice, because the first Gram matrix is of single precision and far from the identity.
        """
        for _ in range(2):
            values, vectors = np.linalg.eigh(self._gram(tall, tall))
            sound = values > values[-1] * 1e-7
            inverse_roots = np.where(sound, 1.0 / np.sqrt(np.where(sound, values, 1.0)), 0.0)
            tall = self._rotated(tall, (vectors * inverse_roots).astype(np.float32))
        return tall
