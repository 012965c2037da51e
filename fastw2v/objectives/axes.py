"""Vectors of a run that goes on, turned to where the earlier ones point.

A rotation of both tables changes no score and no cosine within a model, but which way each
dimension points is left to chance, and to the canonical form of the text at hand. So vectors of
yesterday and today would not compare. Of all rotations the one is taken that brings words nearest
to where they were (docs/math.md, section 22).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.earlier import KnownRows

__all__ = ["EarlierAxes", "earlier_axes", "nearest_rotation", "rotation_of_moment"]

# The most frequent known ones; a rotation of 300 dimensions has 45,000 numbers, and these say
# 1.2 million.
MOST_WORDS = 4096

_Doubles = NDArray[np.float64]


class EarlierAxes(NamedTuple):
    """Where some words were.

    Attributes
    ----------
    rows : (n,) int64
        Their places in the vocabulary.
    vectors : (n, D) float32
        As they were handed out: the sum of both sides, or the one that there is.
    """

    rows: NDArray[np.int64]
    vectors: VectorArray


def earlier_axes(known: KnownRows) -> EarlierAxes:
    """Return where the most frequent known words are, as a copy."""
    rows = np.flatnonzero(known.is_known)[:MOST_WORDS]
    vectors = known.in_vectors[rows]
    if known.out_vectors is not None:
        vectors += known.out_vectors[rows]
    return EarlierAxes(rows, vectors)


def nearest_rotation(ours: _Doubles, theirs: VectorArray) -> _Doubles | None:
    """Return the rotation (D, D) that brings vectors (n, D) nearest to earlier ones (n, D).

    None where one of them is all zero, or numbers are too large. Reflections count as rotations.

    References
    ----------
    Schoenemann 1966, Psychometrika 31.
    """
    with threadpool_limits(1, "blas"):  # with more threads LAPACK's last bits differ
        return rotation_of_moment(ours.T @ theirs.astype(np.float64))


def rotation_of_moment(moment: _Doubles) -> _Doubles | None:
    """Return what `nearest_rotation` does, of ``ours.T @ theirs`` (D, D)."""
    if not moment.any() or not np.isfinite(moment).all():
        return None
    with threadpool_limits(1, "blas"):
        left, _, right = np.linalg.svd(moment)
    return np.asarray(left @ right)
