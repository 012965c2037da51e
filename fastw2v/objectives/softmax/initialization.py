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
from fastw2v.counts.matrix import SparseCounts
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.softmax.associations import associations_of
from fastw2v.objectives.softmax.frequent_associations import FrequentAssociations
from fastw2v.objectives.softmax.range_finder import ROUNDS
from fastw2v.system.threads import WorkerPool

__all__ = [
    "FREQUENT_WORDS",
    "SMALLEST_EIGENVALUE",
    "START_STEPS",
    "STRETCH",
    "WORDS_AT_ONCE",
    "initial_bias",
    "random_vectors",
    "spectral_vectors",
]

_RANDOM_STREAM = 0  # keeps the first vectors apart from other uses of the seed
_SPECTRAL_STREAM = 2
# Whose associations are factorised where rare words are sampled. `bench/bench_rare_words.py starts`
# found losses higher with more of them, and vectors worse with half as many.
FREQUENT_WORDS = 8_000
STRETCH = 2.0  # positive PMI is too timid: zero where it should be negative
# A part of the largest; smaller ones are zeros that products in single precision have blurred.
# Their columns would be zero on both sides, and columns of zeros never learn.
SMALLEST_EIGENVALUE = 1e-6
WORDS_AT_ONCE = 4096  # whose vectors are scaled in float64
START_STEPS = 2 + 2 * ROUNDS + 1  # that are reported: the spectral start's products, and the rest


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
    frequent: int | None = None,
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
        Called after each product of the matrix with how many were made, and `START_STEPS`, one of
        which is left to the caller.
    frequent : int, optional
        How many of the most frequent words the spectrum is of. Rarer words get their vectors from
        their associations with these. Default: all words.

    References
    ----------
    Halko, Martinsson and Tropp 2011, SIAM Review 53, algorithms 4.4 and 5.3; Zhou, Saad, Tiago
    and Chelikowsky 2006, Journal of Computational Physics 219, for the polynomial.
    """
    report = None if progress is None else (lambda done: progress(done, START_STEPS))
    masses, scale, matrix = associations_of(counts, keep, pool, report)
    known = masses > 0
    rank = min(settings.vector_size, int(np.count_nonzero(known[:frequent])))
    generator = np.random.default_rng([settings.seed, _SPECTRAL_STREAM])
    # With more threads LAPACK's results differ in their last bits, and on a busy machine its
    # threads, which wait by spinning, take a hundred times as long for these small matrices.
    with threadpool_limits(1, "blas"):
        if frequent is None or frequent >= len(keep):
            values, basis = matrix.largest_eigenpairs(rank, generator)
        else:
            block = FrequentAssociations(matrix, frequent)
            values, of_block = block.largest_eigenpairs(rank, generator)
            basis = block.extended(values, of_block)
            known = np.asarray(basis.any(axis=1))
            del block
    del matrix  # with its associations
    # They fall, so that those of the counts' own rank come first.
    sizes = np.abs(values)
    found = int(np.count_nonzero(sizes > SMALLEST_EIGENVALUE * sizes.max(initial=0.0)))
    values = values[:found]
    half = np.sqrt(STRETCH * np.abs(values))
    signed = half * np.sign(values)
    in_vectors, out_vectors = random_vectors(len(keep), settings)
    for words in _stretches(np.flatnonzero(known)):
        rows = basis[words, :found].astype(np.float64) / scale[words, None]
        in_vectors[words, :found] = rows * half
        out_vectors[words, :found] = rows * signed
    return in_vectors, out_vectors


def _stretches(words: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for first in range(0, len(words), WORDS_AT_ONCE):
        yield words[first : first + WORDS_AT_ONCE]
