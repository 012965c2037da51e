"""Vectors of features in the space of the vectors that are handed out, fitted after training.

What is handed out is the sum of centre and output vectors, and training has vectors of features
for the centre's side only. So a second table is fitted by ridge regression, from the features of
the known words to their final vectors.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import NgramVectors, UnknownWords
from fastw2v.objectives.features import FeatureMatrix, Ngrams
from fastw2v.objectives.ridge import ridge_features
from fastw2v.system.threads import WorkerPool

__all__ = ["fitted_features", "fitted_unknown_words", "unknown_words_of"]

RIDGE = 2.0
RIDGE_STEPS = 20


def fitted_features(matrix: FeatureMatrix, embeddings: Embeddings, pool: WorkerPool) -> VectorArray:
    """Return vectors (F, D) whose means over the features of a word are near its final vector."""
    if matrix.is_plain:  # nothing is shared, so each feature has its word's vector
        vectors = np.empty((matrix.n_features, embeddings.table().shape[1]), np.float32)
        vectors[matrix.indices] = embeddings.table()
        return vectors
    return _fitted(replace(matrix, power=1.0), embeddings.table(), pool)


def _fitted(matrix: FeatureMatrix, target: VectorArray, pool: WorkerPool) -> VectorArray:
    # A mean's features are as many times larger as a sum's by the root: so is their ridge smaller.
    sizes = np.diff(matrix.starts)
    typical = float(np.median(sizes[sizes > 0])) if sizes.any() else 1.0
    ridge = RIDGE * typical ** (1.0 - 2.0 * matrix.power)
    return ridge_features(matrix, target, np.ones(matrix.n_words), ridge, pool, RIDGE_STEPS)


def unknown_words_of(
    embeddings: Embeddings,
    ngrams: Ngrams,
    buckets: NDArray[np.int32],
    centres: tuple[VectorArray, NDArray[np.float32]],
    pool: WorkerPool,
) -> UnknownWords:
    """Return what makes vectors of unknown words, for a model that was trained with n-grams.

    Parameters
    ----------
    embeddings : Embeddings
        In their final form.
    ngrams : Ngrams
    buckets : (K,) int32
        In use, ascending.
    centres : (vectors (K, D), offset (D,))
        Of the n-grams on the centre's side, as training left them, and what was taken off the
        centre vectors since.
    pool : WorkerPool
    """
    matrix = ngram_matrix(embeddings.vocabulary.words, ngrams, buckets)
    table = NgramVectors(ngrams, buckets, fitted_features(matrix, embeddings, pool))
    return UnknownWords(table, *centres)


def fitted_unknown_words(embeddings: Embeddings, ngrams: Ngrams, pool: WorkerPool) -> UnknownWords:
    """Return what makes vectors of unknown words, for a model that was trained without n-grams.

    Both tables are fitted: that of what is handed out, and that of centre vectors.
    """
    buckets = np.unique(ngrams.of(embeddings.vocabulary.words)[1])
    matrix = ngram_matrix(embeddings.vocabulary.words, ngrams, buckets)
    table = NgramVectors(ngrams, buckets, fitted_features(matrix, embeddings, pool))
    mean = embeddings.in_vectors.mean(axis=0)
    centres = _fitted(matrix, embeddings.in_vectors - mean, pool)
    return UnknownWords(table, centres, -mean)


def ngram_matrix(words: list[str], ngrams: Ngrams, buckets: NDArray[np.int32]) -> FeatureMatrix:
    """Return words as their n-grams alone, in these buckets; words without any have no entries."""
    starts, found = ngrams.of(words)
    places = np.searchsorted(buckets, found).astype(np.int32)
    return FeatureMatrix(starts, places, np.ones(len(places), np.float32), len(buckets))
