"""Where training begins: vectors from the spectrum of the counts or at random, and the bias.

The spectral start factorises the weighed positive pointwise mutual information of the counts
(`docs/math.md`). Under a unigram bias, scores at the optimum are close to pointwise mutual
information (Levy and Goldberg 2014), so its best low rank is near where training would go; it
costs about as much as one epoch and saves several.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fastw2v.config import Hyperparameters
from fastw2v.counts.matrix import CountPart, SparseCounts
from fastw2v.kernels.simd.blocks import PANEL, ROWS
from fastw2v.kernels.softmax.factorisation import (
    RUN,
    association_product,
    associations,
    gram_parts,
    tall_product,
)
from fastw2v.objectives.arrays import VectorArray
from fastw2v.system.threads import WorkerPool

__all__ = [
    "FEWER_ROUNDS",
    "MASS_EXPONENT",
    "OVERSAMPLING",
    "ROUNDS",
    "RUNS_AT_ONCE",
    "SMALLEST_EIGENVALUE",
    "START_STEPS",
    "STRETCH",
    "WIDEST_SPREAD",
    "WORDS_AT_ONCE",
    "Associations",
    "associations_of",
    "initial_bias",
    "random_vectors",
    "spectral_vectors",
    "start_steps",
]

_RANDOM_STREAM = 0  # keeps the first vectors apart from other uses of the seed
_SPECTRAL_STREAM = 2
OVERSAMPLING = 10  # columns beyond D that the range finder carries along
ROUNDS = 4  # of two products each, after a first one: nearer than ten plain products come
# Where an epoch costs no more than a few products these are enough: `bench/bench_rare_words.py`
# found losses and vectors as good, with one round worse ones.
FEWER_ROUNDS = 2
# A round makes columns differ in size by up to twice the square of this; Gram matrices of single
# precision tell 3,000 apart.
WIDEST_SPREAD = 32.0
STRETCH = 2.0  # positive PMI is too timid: zero where it should be negative
# A part of the largest; smaller ones are zeros that products in single precision have blurred.
# Their columns would be zero on both sides, and columns of zeros never learn.
SMALLEST_EIGENVALUE = 1e-6
RUNS_AT_ONCE = 32  # of rows, whose Gram matrices are added up
WORDS_AT_ONCE = 4096  # whose vectors are scaled in float64
MASS_EXPONENT = 0.25  # rows and columns weigh mass^0.25: frequent words more, but not by much


def start_steps(rounds: int = ROUNDS) -> int:
    """Return in how many steps a start is reported: the spectral one's products, and the rest."""
    return 2 + 2 * rounds + 1


START_STEPS = start_steps()


def random_vectors(n_words: int, settings: Hyperparameters) -> tuple[VectorArray, VectorArray]:
    """Return centre vectors uniform within 0.5/sqrt(D), and output vectors of zero."""
    shape = (n_words, settings.vector_size)
    generator = np.random.default_rng([settings.seed, _RANDOM_STREAM])
    uniform = generator.random(shape, dtype=np.float32) - np.float32(0.5)
    scale = np.float32(1.0 / math.sqrt(settings.vector_size))
    return uniform * scale, np.zeros(shape, np.float32)


def initial_bias(
    counts: SparseCounts, keep: NDArray[np.float64], settings: Hyperparameters
) -> NDArray[np.float32]:
    """Return the log probability of each word as a context, or zeros for ``bias="none"``.

    A word that is nobody's context gets the bias of half a pair at distance `window`.
    """
    if settings.bias == "none":
        return np.zeros(len(keep), np.float32)
    sums = counts.context_sums(keep) * keep
    bias: NDArray[np.float32] = np.log(np.maximum(sums, 0.5 * keep * keep) / sums.sum())
    return bias.astype(np.float32)


def spectral_vectors(
    counts: SparseCounts,
    keep: NDArray[np.float64],
    settings: Hyperparameters,
    pool: WorkerPool,
    progress: Callable[[int, int], None] | None = None,
    rounds: int = ROUNDS,
) -> tuple[VectorArray, VectorArray]:
    """Return centre and output vectors whose products approximate weighed positive PMI.

    Columns beyond the rank that the counts have, and words without contexts, are as in
    `random_vectors`.

    Parameters
    ----------
    counts : SparseCounts
    keep : (V,) float64
        Subsampling weights.
    settings : Hyperparameters
        `vector_size` and `seed`.
    pool : WorkerPool
        The result does not depend on how many workers it has.
    progress : callable, optional
        Called after each product of the matrix with how many were made, and `start_steps`, one of
        which is left to the caller.
    rounds : int
        Of two products each; with more of them the vectors are nearer to the best ones.

    References
    ----------
    Halko, Martinsson and Tropp 2011, SIAM Review 53, algorithms 4.4 and 5.3; Zhou, Saad, Tiago
    and Chelikowsky 2006, Journal of Computational Physics 219, for the polynomial.
    """
    steps = start_steps(rounds)
    report = None if progress is None else (lambda done: progress(done, steps))
    masses, scale, matrix = associations_of(counts, keep, pool, report)
    rank = min(settings.vector_size, int(np.count_nonzero(masses)))
    generator = np.random.default_rng([settings.seed, _SPECTRAL_STREAM])
    # With more threads LAPACK's results differ in their last bits, and on a busy machine its
    # threads, which wait by spinning, take a hundred times as long for these small matrices.
    with threadpool_limits(1, "blas"):
        values, basis = matrix.largest_eigenpairs(rank, generator, rounds)
    del matrix  # with its associations
    # They fall, so that those of the counts' own rank come first.
    sizes = np.abs(values)
    found = int(np.count_nonzero(sizes > SMALLEST_EIGENVALUE * sizes.max(initial=0.0)))
    values = values[:found]
    half = np.sqrt(STRETCH * np.abs(values))
    signed = half * np.sign(values)
    in_vectors, out_vectors = random_vectors(len(keep), settings)
    for known in _stretches(np.flatnonzero(masses)):
        rows = basis[known, :found].astype(np.float64) / scale[known, None]
        in_vectors[known, :found] = rows * half
        out_vectors[known, :found] = rows * signed
    return in_vectors, out_vectors


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


def _stretches(words: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for first in range(0, len(words), WORDS_AT_ONCE):
        yield words[first : first + WORDS_AT_ONCE]


# Of a part: where the associations above 0 of each row begin, they, and which entries have one.
_Positive = tuple[NDArray[np.int64], VectorArray, NDArray[np.uint8]]


class Associations:
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
        self.pool = pool
        self.n_words = len(keep)
        self._progress = progress
        self._products = 0
        self._counts = counts
        # Added up one after the other.
        self._weights = (float(np.cumsum(masses)[-1]), masses, keep, scale)
        # Of counts in memory they are kept, of those in files made again for each product.
        self._keeps = counts.nbytes > 0
        self._made: dict[int, _Positive] = {}

    def times(self, table: VectorArray) -> VectorArray:
        """Return the matrix times a table (V, D)."""
        n_words, dimensions = table.shape
        tall = np.zeros((-(-n_words // ROWS) * ROWS, -(-dimensions // PANEL) * PANEL), np.float32)
        tall[:n_words, :dimensions] = table
        return self._times(tall)[:n_words, :dimensions]

    def largest_eigenpairs(
        self, rank: int, generator: np.random.Generator, rounds: int = ROUNDS
    ) -> tuple[NDArray[np.float64], VectorArray]:
        """Return the eigenvalues (rank,) largest in size, and their vectors (V, at least rank)."""
        width = -(-(rank + OVERSAMPLING) // PANEL) * PANEL
        used = min(width, self.n_words)
        tall = np.zeros((-(-self.n_words // ROWS) * ROWS, width), np.float32)
        tall[: self.n_words, :used] = generator.standard_normal(
            (self.n_words, used), dtype=np.float32
        )
        tall = self._orthonormal(self._times(tall))
        for _ in range(rounds):
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

    def _times(self, tall: VectorArray) -> VectorArray:
        out = np.zeros_like(tall)
        width = tall.shape[1]
        flat = out.reshape(-1)
        for part in self._counts.parts:
            rows = flat[part.first * width : (part.first + part.n_rows) * width]
            arguments = (part.arrays[:2], self._positive(part), tall.reshape(-1), rows, width)
            self.pool.run_kernel(association_product, *arguments)
        self._products += 1
        if self._progress is not None:
            self._progress(self._products)
        return out

    def _positive(self, part: CountPart) -> _Positive:
        made = self._made.get(part.first)
        if made is None:
            every = np.empty(len(part.indices), np.float32)
            self.pool.run_kernel(associations, tuple(part), self._weights, every)
            is_positive = every != 0
            before = np.concatenate(([0], np.cumsum(is_positive)))
            bits = np.packbits(is_positive, bitorder="little")
            made = (before[part.indptr], every[is_positive], bits)
            if self._keeps:
                self._made[part.first] = made
        return made

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
