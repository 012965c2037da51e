"""Vectors of features that go on from a model that had such features."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.arrays import VectorArray, padded_rows
from fastw2v.objectives.earlier import EarlierVectors, KnownRows
from fastw2v.objectives.feature_vectors import NgramVectors
from fastw2v.objectives.features import FeatureMatrix, Ngrams, words_from_features
from fastw2v.system.threads import WorkerPool

__all__ = ["EarlierFeatures", "known_features"]


class EarlierFeatures(NamedTuple):
    """Vectors of features.

    Attributes
    ----------
    vectors : (F, D) float32
        Zeros for new ones.
    is_known : (F,) bool
    offset : (D,) float32
        What the words' vectors have less than the sums over their features.
    """

    vectors: VectorArray
    is_known: NDArray[np.bool_]
    offset: NDArray[np.float32]


def known_features(
    matrix: FeatureMatrix,
    earlier: EarlierVectors,
    known: KnownRows,
    pool: WorkerPool,
    *,
    names: list[str] | None = None,
    ngrams: tuple[Ngrams, NDArray[np.int32]] | None = None,
) -> EarlierFeatures | None:
    """Return vectors of features whose sums are the known words' vectors, as far as they are known.

    Parameters
    ----------
    matrix : FeatureMatrix
        Of V words, whose sums are scaled as those of the run: by `FeatureMatrix.power`.
    earlier : EarlierVectors
    known : KnownRows
        Of the same words.
    pool : WorkerPool
    names : list of str, optional
        Of the F features, where they have names.
    ngrams : (Ngrams, buckets (K,) int32), optional
        Where features are words, and then n-grams.

    Returns
    -------
    EarlierFeatures or None
        None if there were no such features: other n-grams, or scaled otherwise.
    """
    model = earlier.embeddings
    found = np.zeros((matrix.n_features, earlier.dimensions), np.float32)
    is_known = np.zeros(matrix.n_features, np.bool_)
    if names is not None:
        named = model.named_features if model is not None else None
        if named is None:
            return None
        places = {name: place for place, name in enumerate(named.names)}
        for row, name in enumerate(names):
            if name in places:
                found[row], is_known[row] = named.centres[places[name]], True
        return EarlierFeatures(found, is_known, named.offset)
    table = _ngram_table(earlier, matrix.power)
    if ngrams is None or table is None or table[0].ngrams != ngrams[0]:
        return None
    old, offset = table
    n_words = matrix.n_words
    rows = old.rows_of(ngrams[1])
    has = rows >= 0
    found[n_words:][has], is_known[n_words:][has] = old.vectors[rows[has]], True
    # A word's own row is what its vector has beyond its n-grams', as long as the former is zero.
    scales = matrix.scales[:, None]
    padded = padded_rows(found, len(found))
    sums = words_from_features(matrix, padded, found.shape[1], pool)
    rest = known.in_vectors + offset - sums
    own = np.where(scales > 0, rest / np.where(scales > 0, scales, 1), 0)
    found[:n_words][known.is_known] = own[known.is_known]
    is_known[:n_words] = known.is_known
    return EarlierFeatures(found, is_known, offset)


def _ngram_table(
    earlier: EarlierVectors, power: float
) -> tuple[NgramVectors, NDArray[np.float32]] | None:
    """Return n-grams' vectors in the space of centre vectors, and the offset; None if others."""
    if earlier.embeddings is None:
        if earlier.ngrams is None or power != 1.0:
            return None
        return earlier.ngrams, np.zeros(earlier.dimensions, np.float32)
    unknown = earlier.embeddings.unknown
    if unknown is None or unknown.power != power:
        return None
    centres = NgramVectors(unknown.ngrams, unknown.table.buckets, unknown.centres)
    return centres, unknown.offset
