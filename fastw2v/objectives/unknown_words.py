"""Vectors of features in the space of the vectors that are handed out.

What is handed out is the sum of centre and output vectors. Training leaves vectors of features for
the centre's side; for the other side they are fitted by ridge regression, from the features of the
known words to their output vectors. A model without features gets all of it by such a fit.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import NgramVectors, UnknownWords
from fastw2v.objectives.features import FeatureMatrix, Ngrams, require_ngrams
from fastw2v.objectives.ridge import ridge_features
from fastw2v.system.threads import WorkerPool

__all__ = [
    "BEGINNING",
    "fitted_unknown_words",
    "ngram_matrix",
    "shares_of_beginnings",
    "unknown_words_of",
    "vectors_of_features",
]

RIDGE = 5.0
RIDGE_STEPS = 20
# Of the mean of centre vectors, which known words have lost. It carries how rare words are, and
# unknown words are rare: with all of it, or none, they are compared worse. Measured:
# `bench/bench_subwords.py`.
MEAN_TAKEN = 0.25
# How often an n-gram counts that begins an unknown word: it has part of the stem, where inner ones
# are shared by chance and endings by all words of a form. Measured by the same command.
BEGINNING = 2.0


def vectors_of_features(
    matrix: FeatureMatrix,
    embeddings: Embeddings,
    centres: tuple[VectorArray, NDArray[np.float32]],
    pool: WorkerPool,
) -> VectorArray:
    """Return vectors (F, D) whose mean over features is what is handed out for unknown words.

    Parameters
    ----------
    matrix : FeatureMatrix
        Those of the known words.
    embeddings : Embeddings
        In their final form.
    centres : (vectors (F, D), offset (D,))
        The features' vectors on the centre's side, as training left them, and what was taken off
        the centre vectors since.
    pool : WorkerPool
    """
    vectors, offset = centres
    # The centre's side divides by the root of the number, a mean by the number.
    root = np.float32(np.sqrt(matrix.typical_size))
    outputs = _fitted(replace(matrix, power=1.0), embeddings.out_vectors, pool)
    return np.asarray(root * vectors - np.float32(MEAN_TAKEN) * offset + outputs, np.float32)


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
    embeddings, centres, pool
        As in `vectors_of_features`, of n-grams.
    ngrams : Ngrams
    buckets : (K,) int32
        In use, ascending.
    """
    matrix = ngram_matrix(embeddings.vocabulary.words, ngrams, buckets)
    vectors = vectors_of_features(matrix, embeddings, centres, pool)
    vectors *= shares_of_beginnings(embeddings.vocabulary.words, ngrams, matrix)[:, None]
    return UnknownWords(NgramVectors(ngrams, buckets, vectors), *centres)


def fitted_unknown_words(embeddings: Embeddings, ngrams: Ngrams, pool: WorkerPool) -> UnknownWords:
    """Return what makes vectors of unknown words, for a model that was trained without n-grams.

    Both tables are fitted: that of what is handed out, and that of centre vectors.
    """
    words = embeddings.vocabulary.words
    buckets = np.unique(ngrams.of(words)[1])
    require_ngrams(words, ngrams, buckets)
    matrix = ngram_matrix(words, ngrams, buckets)
    vectors = _fitted(replace(matrix, power=1.0), embeddings.table(), pool)
    vectors *= shares_of_beginnings(words, ngrams, matrix)[:, None]
    mean = embeddings.in_vectors.mean(axis=0)
    centres = _fitted(matrix, embeddings.in_vectors - mean, pool)
    return UnknownWords(NgramVectors(ngrams, buckets, vectors), centres, -mean)


def ngram_matrix(words: list[str], ngrams: Ngrams, buckets: NDArray[np.int32]) -> FeatureMatrix:
    """Return words as their n-grams alone, in these buckets; words without any have no entries."""
    starts, found = ngrams.of(words)
    places = np.searchsorted(buckets, found).astype(np.int32)
    return FeatureMatrix(starts, places, np.ones(len(places), np.float32), len(buckets))


def shares_of_beginnings(
    words: list[str], ngrams: Ngrams, matrix: FeatureMatrix
) -> NDArray[np.float32]:
    """Return what each bucket's vector counts (K,): 1 within words, `BEGINNING` at their front.

    `matrix` is the words' `ngram_matrix`. A bucket of several n-grams counts by how many of its
    places in the known words begin one.
    """
    places, n_buckets = matrix.indices, matrix.n_features
    total = np.bincount(places, minlength=n_buckets)
    begun = np.bincount(places[ngrams.begin_words(words, matrix.starts)], minlength=n_buckets)
    return (1.0 + (BEGINNING - 1.0) * begun / np.maximum(total, 1)).astype(np.float32)


def _fitted(matrix: FeatureMatrix, target: VectorArray, pool: WorkerPool) -> VectorArray:
    if matrix.is_plain:  # nothing is shared, so each feature has its word's vector
        vectors = np.empty((matrix.n_features, target.shape[1]), np.float32)
        vectors[matrix.indices] = target * np.sign(matrix.values)[:, None]
        return vectors
    # A mean's features are as many times larger as a sum's by the root: so is their ridge smaller.
    ridge = RIDGE * matrix.typical_size ** (1.0 - 2.0 * matrix.power)
    return ridge_features(matrix, target, np.ones(matrix.n_words), ridge, pool, RIDGE_STEPS)
