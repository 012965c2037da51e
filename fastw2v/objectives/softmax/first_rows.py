"""First parameters of an exact softmax that goes on from vectors that are there.

Known words keep their vectors. New ones get theirs by what they stand beside: a word's
associations, times the other side's vectors, become a vector by the linear map that does so best
for the known words (Khodak et al. 2018, arXiv:1805.05388, for means of contexts). Where only one
side is known, the other is fitted to the associations by least squares, and both are brought to one
size (docs/math.md, section 22).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fastw2v.config import Hyperparameters
from fastw2v.counts.matrix import SparseCounts
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.earlier import KnownRows
from fastw2v.objectives.softmax.associations import associations_of
from fastw2v.objectives.softmax.initialization import STRETCH, random_vectors
from fastw2v.system.threads import WorkerPool

__all__ = ["FirstRows", "carried_bias", "first_rows", "needs_counts", "taken_up"]

RIDGE = 1e-3  # of the mean eigenvalue of what is solved for
_Doubles = NDArray[np.float64]


class FirstRows(NamedTuple):
    """Input and output vectors (V, D) of all words."""

    in_vectors: VectorArray
    out_vectors: VectorArray


def needs_counts(known: KnownRows, frequencies: _Doubles) -> bool:
    """Return whether counts are needed: a side is unknown, or a word of the text is."""
    return known.out_vectors is None or not bool(known.is_known[frequencies > 0].all())


def first_rows(
    known: KnownRows,
    counts: SparseCounts | None,
    keep: _Doubles,
    settings: Hyperparameters,
    pool: WorkerPool,
    *,
    scale: float = 1.0,
    keeps_inputs: bool = False,
) -> FirstRows:
    """Return vectors of all words.

    New words that stand beside no known one are as in `random_vectors`.

    Parameters
    ----------
    known : KnownRows
    counts : SparseCounts, optional
        Of the text; not looked at if `needs_counts` says so.
    keep : (V,) float64
        Subsampling weights.
    settings : Hyperparameters
    pool : WorkerPool
        The result does not depend on how many workers it has.
    scale : float
        How large vectors should be whose other side is fitted, by those of skip-gram.
    keeps_inputs : bool
        Whether known vectors stay as they are where only one side is known.
    """
    in_vectors, out_vectors = random_vectors(len(keep), settings)
    is_known = known.is_known
    in_vectors[is_known] = known.in_vectors[is_known]
    if known.out_vectors is not None:
        out_vectors[is_known] = known.out_vectors[is_known]
    if counts is None:
        return FirstRows(in_vectors, out_vectors)
    with threadpool_limits(1, "blas"):  # with more threads LAPACK's last bits differ
        context = _Contexts(counts, keep, pool)
        if known.out_vectors is None:
            fitted, size = context.other_side(known, keeps_inputs=keeps_inputs, scale=scale)
            out_vectors[context.has_pairs] = fitted[context.has_pairs]
            if not keeps_inputs:
                # A factor of vectors near the smallest numbers has no place in single precision.
                in_vectors[is_known] = in_vectors[is_known] * np.float64(size)
        new = context.reached(is_known) & ~is_known
        if new.any():
            both = in_vectors.copy(), out_vectors.copy()
            of_known = is_known[:, None]
            sources = is_known if known.out_vectors is not None else context.has_pairs
            in_vectors[new] = context.mapped(both[1] * sources[:, None], both[0], is_known, new)
            if known.out_vectors is not None:
                out_vectors[new] = context.mapped(both[0] * of_known, both[1], is_known, new)
    return FirstRows(in_vectors, out_vectors)


class _Contexts:
    """What words stand beside, as sums over the vectors of the other side."""

    def __init__(self, counts: SparseCounts, keep: _Doubles, pool: WorkerPool) -> None:
        masses, self._scale, self._matrix = associations_of(counts, keep, pool)
        self.has_pairs = masses > 0

    def reached(self, is_known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which words have an association with a known one (V,)."""
        ones = np.where(is_known, self._scale, 0.0).astype(np.float32)[:, None]
        return np.asarray(self._matrix.times(ones)[:, 0] > 0)

    def sums(self, vectors: VectorArray) -> _Doubles:
        """Return sum_o w_o X_co vector_o of every word c, (V, D) float64.

        X are the positive associations, w the weights of the spectral start.
        """
        weighed = (vectors * self._scale[:, None]).astype(np.float32)
        return np.asarray(self._matrix.times(weighed) / self._scale[:, None])

    def mapped(
        self,
        others: VectorArray,
        target: VectorArray,
        is_known: NDArray[np.bool_],
        rows: NDArray[np.bool_],
    ) -> VectorArray:
        """Return vectors of new rows, by the map from sums that serves the known rows best."""
        sums = self.sums(others)
        sums = np.concatenate([sums, np.ones((len(sums), 1))], axis=1)
        fitting = is_known & self.has_pairs
        given, weights = sums[fitting], self._scale[fitting, None] ** 2
        moment = _with_ridge(given.T @ (weights * given))
        by = np.linalg.solve(moment, given.T @ (weights * target[fitting]))
        return (sums[rows] @ by).astype(np.float32)

    def other_side(
        self, known: KnownRows, *, keeps_inputs: bool, scale: float
    ) -> tuple[VectorArray, float]:
        """Return output vectors (V, D) for known input vectors, and by what these are multiplied.

        They are those whose products with the known ones are nearest to the stretched
        associations, as those of the spectral start are; then both sides have the same size.
        """
        fitting = known.is_known & self.has_pairs
        mean_square = np.square(known.in_vectors[fitting].astype(np.float64)).mean()
        if not mean_square > 0:
            return np.zeros_like(known.in_vectors), 1.0
        unit = 1.0 / np.sqrt(mean_square)  # products of numbers of any size would leave float32
        table = (known.in_vectors * unit).astype(np.float32)
        vectors = table[fitting].astype(np.float64)
        weights = self._scale[fitting, None] ** 2
        moment = _with_ridge(vectors.T @ (weights * vectors))
        fitted = STRETCH * np.linalg.solve(moment, self.sums(table).T).T
        if keeps_inputs:
            return (scale**2 * unit * fitted).astype(np.float32), 1.0
        others = np.square(fitted[fitting]).mean()
        size = others**0.25 if others > 0 else 1.0
        return (scale * fitted / size).astype(np.float32), float(scale * size * unit)


def _with_ridge(moment: _Doubles) -> _Doubles:
    return np.asarray(moment + RIDGE * np.trace(moment) / len(moment) * np.eye(len(moment)))


def carried_bias(
    known: KnownRows, base: VectorArray, keep: _Doubles, frequencies: _Doubles
) -> VectorArray:
    """Return the first output bias (V,): that of known words goes on, as their frequency changes.

    Parameters
    ----------
    known : KnownRows
    base : (V,) float32
        That of a run that starts from nothing, which new words get.
    keep : (V,) float64
        Subsampling weights, which training's bias has in it and a model's has not.
    frequencies : (V,) float64
        How often each word is in the text that is trained on.
    """
    if known.out_bias is None or known.counts is None:
        return base
    both = known.is_known & (frequencies > 0) & (known.counts > 0)
    if not both.any():
        return base
    thinned = np.log(keep)
    bias = base - thinned
    moved = known.out_bias[both] + np.log(frequencies[both] / known.counts[both])
    # A softmax does not see a constant; with this one both kinds of words are on one level.
    level = np.average(moved - bias[both], weights=frequencies[both])
    bias[both] = moved - level
    return (bias + thinned).astype(np.float32)


def taken_up(bias: VectorArray, out_vectors: VectorArray, weights: _Doubles) -> VectorArray:
    """Return what added to every input vector (D,) comes nearest to an output bias (V,).

    For a run without one. A constant, which a softmax does not see, is left out.
    """
    outputs = out_vectors.astype(np.float64)
    shares = weights / weights.sum()
    with threadpool_limits(1, "blas"):
        outputs -= shares @ outputs
        if not outputs.any():
            return np.zeros(outputs.shape[1], np.float32)
        aim = bias - shares @ bias
        moment = _with_ridge(outputs.T @ (shares[:, None] * outputs))
        return np.linalg.solve(moment, outputs.T @ (shares * aim)).astype(np.float32)
