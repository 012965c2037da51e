"""Feature vectors whose sums are given vectors, as nearly as sharing allows: ridge regression.

Z = argmin sum_c w_c |v_c - (G Z)_c|^2 + ridge |Z|^2, by conjugate gradients on two sparse
products (Hestenes and Stiefel 1952). A strong ridge shares what is known among words with common
features, a weak one keeps what is known of each.
"""

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.softmax.conjugate_gradients import add_ridge, move_along, turn, weigh_rows
from fastw2v.kernels.softmax.factorisation import RUN, sparse_product
from fastw2v.objectives.arrays import VectorArray, padded_rows, round_up, unpadded_rows
from fastw2v.objectives.features import FeatureMatrix
from fastw2v.system.threads import WorkerPool

__all__ = ["ridge_features"]


STEPS = 30


def ridge_features(
    features: FeatureMatrix,
    target: VectorArray,
    weights: NDArray[np.float64],
    ridge: float | NDArray[np.float64],
    pool: WorkerPool,
    steps: int = STEPS,
) -> VectorArray:
    """Return feature vectors Z (F, D) for target vectors (V, D).

    Parameters
    ----------
    features : FeatureMatrix
    target : (V, D) float32
    weights : (V,) float64
        w, at least 0: how much each word's vector is worth.
    ridge : float or (F,) float64
        Above 0.
    pool : WorkerPool
        The result does not depend on how many workers it has.
    steps : int
        Of conjugate gradients; what is left by then belongs to directions that matter little.
    """
    dimensions = target.shape[1]
    width = round_up(dimensions, LANES)
    system = _NormalEquations(features, weights, ridge, width, pool)
    found = system.zeros()
    residual = system.from_words(padded_rows(target, len(target)))
    direction, image = residual.copy(), system.zeros()
    squares = np.square(residual.reshape(-1, width), dtype=np.float64).sum(axis=0)
    for _ in range(steps):
        curvature = system.image_of(direction, image)
        rates = _quotients(squares, curvature)
        pool.run_kernel(move_along, rates, direction, image, found, residual, system.sums)
        now = system.sums.sum(axis=0)
        pool.run_kernel(turn, _quotients(now, squares), residual, direction, len(system.sums))
        squares = now
    return unpadded_rows(found, features.n_features, dimensions)


class _NormalEquations:
    """(G^T W G + ridge) Z, without the matrix being made."""

    def __init__(
        self,
        features: FeatureMatrix,
        weights: NDArray[np.float64],
        ridge: float | NDArray[np.float64],
        width: int,
        pool: WorkerPool,
    ) -> None:
        self._forward, self._backward = _scaled(features), _transposed(features)
        self._weights = weights.astype(np.float32)
        n_features = features.n_features
        self._ridge = np.broadcast_to(np.asarray(ridge, np.float32), n_features).copy()
        self._of_words = np.empty(features.n_words * width, np.float32)
        self._width, self._pool = width, pool
        self.sums = np.empty((-(-n_features // RUN), width), np.float64)

    def zeros(self) -> VectorArray:
        """Return zeros for all features, flat."""
        return np.zeros(len(self._ridge) * self._width, np.float32)

    def from_words(self, words: VectorArray) -> VectorArray:
        """Return G^T W times vectors of words, both flat; the words' are overwritten."""
        out = self.zeros()
        self._pool.run_kernel(weigh_rows, self._weights, words, self._width)
        self._pool.run_kernel(sparse_product, self._backward, words, out, self._width)
        return out

    def image_of(self, direction: VectorArray, image: VectorArray) -> NDArray[np.float64]:
        """Write the system times a direction to `image`; return their products by column."""
        run, width, words = self._pool.run_kernel, self._width, self._of_words
        run(sparse_product, self._forward, direction, words, width)
        run(weigh_rows, self._weights, words, width)
        run(sparse_product, self._backward, words, image, width)
        run(add_ridge, self._ridge, direction, image, self.sums)
        return np.asarray(self.sums.sum(axis=0))


def _quotients(over: NDArray[np.float64], under: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return quotients, 0 for columns that are done."""
    sound = under > 0
    return np.where(sound, over / np.where(sound, under, 1.0), 0.0).astype(np.float32)


def _scaled(features: FeatureMatrix) -> tuple[NDArray[np.generic], ...]:
    """Return G, rows of words: indptr, indices, values."""
    sizes = np.diff(features.starts)
    return features.starts, features.indices, features.values * np.repeat(features.scales, sizes)


def _transposed(features: FeatureMatrix) -> tuple[NDArray[np.generic], ...]:
    """Return the transpose of G, rows of features."""
    values = _scaled(features)[2]
    order = np.argsort(features.indices, kind="stable")
    words = np.repeat(np.arange(features.n_words, dtype=np.int32), np.diff(features.starts))
    sizes = np.bincount(features.indices, minlength=features.n_features)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return starts, words[order], np.ascontiguousarray(np.asarray(values)[order])
