"""The exact softmax of skip-gram whose centre vectors are sums over features, n-grams say.

The dense step is that of plain words: rows X = G[r] Z go in, and the gradient of X goes back by
G[r]^T (docs/math.md). A feature that belongs to one word moves as that word's vector would. One
that several words share gets each row's gradient divided by its size and weighed by the root of
the word's mass: gradients of frequent and rare words differ by orders of magnitude, and a sum of
them as they are would be that of the most frequent word alone.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Precision
from fastw2v.kernels.softmax.feature_rows import (
    FeatureRows,
    RowsOfFeatures,
    feature_gradients,
    sum_features,
    update_features,
)
from fastw2v.objectives.arrays import VectorArray, unpadded_rows
from fastw2v.objectives.features import FeatureMatrix, rows_of_features, words_from_features
from fastw2v.objectives.ridge import ridge_features
from fastw2v.objectives.softmax.batches import BatchSource, CountBatches
from fastw2v.objectives.softmax.device.library import Device
from fastw2v.objectives.softmax.objective import SoftmaxObjective
from fastw2v.objectives.softmax.optimizers import StepRules
from fastw2v.objectives.softmax.output_layer import ChosenColumns
from fastw2v.objectives.softmax.skipgram import Batch
from fastw2v.system.threads import WorkerPool

__all__ = [
    "FeatureBatch",
    "FeatureBatches",
    "FeatureSoftmax",
    "first_features",
    "mass_weights",
]

HEAVIEST = 50.0  # times the median: heavier words count no more
MASS_EXPONENT = 0.5
RIDGE = 1.0
RIDGE_STEPS = 10  # of conjugate gradients; 30 give vectors that are no better


class FeatureBatch(NamedTuple):
    """A batch of centre rows with the features that make up their vectors.

    The fields of `Batch`, then the rows' features, row by row and feature by feature.
    """

    centres: NDArray[np.int32]
    tile_starts: NDArray[np.int64]
    entry_rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    row_weights: NDArray[np.float64]
    chosen: ChosenColumns | None
    features: FeatureRows
    by_feature: RowsOfFeatures


class FeatureBatches:
    """Batches of centre rows, and the features of their words."""

    def __init__(self, batches: BatchSource[Batch], features: FeatureMatrix) -> None:
        self._batches, self._features = batches, features

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in one epoch."""
        return self._batches.batches_per_epoch

    @property
    def max_rows(self) -> int:
        """The most rows that a batch has."""
        return self._batches.max_rows

    def only(self, centres: NDArray[np.int64]) -> "FeatureBatches":
        """Return batches of the rows of these words, see `CountBatches.only`."""
        assert isinstance(self._batches, CountBatches)
        return FeatureBatches(self._batches.only(centres), self._features)

    def one_epoch(self, number: int) -> Iterator[FeatureBatch]:
        """Yield the batches of an epoch."""
        for batch in self._batches.one_epoch(number):
            rows = self._features.rows(batch.centres)
            yield FeatureBatch(*batch, rows, rows_of_features(rows))


class FeatureSoftmax(SoftmaxObjective[FeatureBatch]):
    """The exact step on batches of centre rows that are sums over features.

    Parameters
    ----------
    features : FeatureMatrix
        Of V words.
    weights : (V,) float64
        How much the gradient of each word counts for features that it shares.
    feature_vectors : (F, D) float32
    out_vectors : (V, D) float32
    out_bias : (V,) float32
    optimizer, max_rows, precision, pool, lists_columns, device
        As in `SoftmaxObjective`.
    """

    def __init__(
        self,
        features: FeatureMatrix,
        weights: NDArray[np.float64],
        feature_vectors: VectorArray,
        out_vectors: VectorArray,
        out_bias: NDArray[np.float32],
        *,
        optimizer: str = "adam",
        max_rows: int = 256,
        precision: Precision = "float32",
        pool: WorkerPool,
        lists_columns: bool = False,
        device: Device | None = None,
    ) -> None:
        super().__init__(
            feature_vectors,
            out_vectors,
            out_bias,
            optimizer=optimizer,
            max_rows=max_rows,
            precision=precision,
            pool=pool,
            lists_columns=lists_columns,
            device=device,
        )
        self.n_words = features.n_words
        self.features = features
        self._weights = weights.astype(np.float32)
        self._factors = np.zeros(self.layer.max_rows, np.float32)

    @property
    def nbytes(self) -> int:
        """Memory of parameters, optimiser state and workspace, in bytes."""
        return super().nbytes + self._factors.nbytes

    @property
    def in_vectors(self) -> VectorArray:
        """Centre vectors of words (V, D), made of their features."""
        return words_from_features(self.features, self.inputs.vectors, self.dimensions, self.pool)

    @property
    def feature_vectors(self) -> VectorArray:
        """Vectors of features z (F, D), a copy."""
        return unpadded_rows(self.inputs.vectors, self.features.n_features, self.dimensions)

    def _write_rows(self, batch: FeatureBatch, rows: VectorArray) -> None:
        made = (batch.features, self.inputs.vectors, self.layer.stride, rows)
        self.pool.run_kernel(sum_features, *made)

    def _update_inputs(self, batch: FeatureBatch, gradients: VectorArray, rules: StepRules) -> None:
        layer, factors = self.layer, self._factors
        weights = self._weights[batch.centres]
        rows = ((layer.stride, layer.dimensions), batch.features, gradients, factors, weights)
        self.pool.run_kernel(feature_gradients, *rows)
        moved = (layer.stride, batch.by_feature, self.features.is_shared, gradients, factors)
        self.pool.run_kernel(update_features, *moved, self.inputs, rules.centre)


def mass_weights(masses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much each word counts for features that it shares, (V,).

    That is the root of its mass, by that of the median word; the heaviest words, "the" and "of",
    would else drown what all others say of their common n-grams.

    Parameters
    ----------
    masses : (V,) float64
        Weighted pairs of each word as a centre.
    """
    seen = masses > 0
    median = float(np.median(masses[seen])) if seen.any() else 1.0
    return np.asarray(np.minimum(masses / median, HEAVIEST) ** MASS_EXPONENT)


def first_features(
    features: FeatureMatrix,
    in_vectors: VectorArray,
    weights: NDArray[np.float64],
    pool: WorkerPool,
) -> VectorArray:
    """Return feature vectors (F, D) whose sums are near given centre vectors (V, D).

    Where no two words share a feature there is nothing to weigh, and the sums are the vectors.
    """
    if features.is_plain:
        vectors = np.empty((features.n_features, in_vectors.shape[1]), np.float32)
        vectors[features.indices] = in_vectors * np.sign(features.values)[:, None]
        return vectors
    return ridge_features(features, in_vectors, weights, RIDGE, pool, RIDGE_STEPS)
