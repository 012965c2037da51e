"""How far one embedding is a rotation of another: orthogonal Procrustes.

A and B hold vectors of the words that both have, a row each: of length one, less their mean, and of
length one again. Without that, embeddings that share nothing but a direction which all of their
vectors have in common, as those of a short training do, would seem to agree. The rotation is

    R = argmin |A R - B|  over R^T R = I,   R = U V^T  with  A^T B = U S V^T     Schönemann 1966

It is fitted on one half of the words and judged on the other: on the words that it was fitted on,
even noise would seem to agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import LARGEST_SEED
from fastw2v.config.numbers import whole_number
from fastw2v.evaluation.neighbours import comparable
from fastw2v.evaluation.word_table import WordTable

__all__ = ["Alignment", "align"]


@dataclass(frozen=True)
class Alignment:
    """What is left after the best rotation, on words that it was not fitted on.

    Attributes
    ----------
    residual : float
        ``|A R - B| / |B|``, Frobenius: 0 for a rotated copy, about sqrt(2) for what has nothing in
        common.
    mean_cosine : float
        Mean of cos(a R, b): 1 for a rotated copy, about 0 for what has nothing in common.
    fitted, judged : int
        Words of each half.
    """

    residual: float
    mean_cosine: float
    fitted: int
    judged: int


def align(first: WordTable, second: WordTable, *, seed: int = 1) -> Alignment:
    """Rotate `first` onto `second` and say how well it fits.

    Parameters
    ----------
    first, second : WordTable
        The 10,000 most frequent words of `first` that `second` has are taken. Of different
        dimensions, the smaller is given zeros.
    seed : int
        Which half is fitted.

    Raises
    ------
    EvaluationError
        If they have fewer than two words in common.
    ConfigurationError
        If `seed` is out of range.
    """
    from scipy.linalg import orthogonal_procrustes

    seed = whole_number("seed", seed, low=0, high=LARGEST_SEED)
    first, second = comparable(first, second)
    n_words = len(first)
    dimensions = max(first.vectors.shape[1], second.vectors.shape[1])
    one, other = (_padded(_centred(table), dimensions) for table in (first, second))
    order = np.random.default_rng(seed).permutation(n_words)
    fitted, judged = order[: n_words // 2], order[n_words // 2 :]
    rotation, _ = orthogonal_procrustes(one[fitted], other[fitted])
    rotated = one[judged] @ rotation
    residual = np.linalg.norm(rotated - other[judged]) / np.linalg.norm(other[judged])
    cosines = (rotated * other[judged]).sum(axis=1)  # rows have length one, or are zeros
    return Alignment(float(residual), float(cosines.mean()), len(fitted), len(judged))


def _centred(table: WordTable) -> NDArray[np.float64]:
    vectors = table.unit - table.unit.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1))


def _padded(vectors: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    return np.pad(vectors, ((0, 0), (0, dimensions - vectors.shape[1])))
