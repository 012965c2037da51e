"""How far one embedding is a rotation of another: orthogonal Procrustes.

A and B hold the unit vectors of the words that both have, a row each. The rotation is

    R = argmin |A R - B|  over R^T R = I,   R = U V^T  with  A^T B = U S V^T     Schönemann 1966

It is fitted on one half of the words and judged on the other: on the words that it was fitted on,
even noise would seem to agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import EvaluationError
from fastw2v.evaluation.neighbours import common_words
from fastw2v.evaluation.word_table import WordTable


@dataclass(frozen=True)
class Alignment:
    """What is left after the best rotation, on words that it was not fitted on.

    Attributes
    ----------
    residual : float
        |A R - B| / |B|, Frobenius: 0 for a rotated copy, about sqrt(2) for what has nothing in
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
    """
    from scipy.linalg import orthogonal_procrustes

    first, second = common_words(first, second)
    n_words = len(first)
    if n_words < 2:
        raise EvaluationError("vectors: expected at least two words in common, got one")
    dimensions = max(first.vectors.shape[1], second.vectors.shape[1])
    one, other = (_padded(table.unit, dimensions) for table in (first, second))
    order = np.random.default_rng(seed).permutation(n_words)
    fitted, judged = order[: n_words // 2], order[n_words // 2 :]
    rotation, _ = orthogonal_procrustes(one[fitted], other[fitted])
    rotated = one[judged] @ rotation
    residual = np.linalg.norm(rotated - other[judged]) / np.linalg.norm(other[judged])
    cosines = (rotated * other[judged]).sum(axis=1)  # rows have length one, or are zeros
    return Alignment(float(residual), float(cosines.mean()), len(fitted), len(judged))


def _padded(vectors: NDArray[np.float32], dimensions: int) -> NDArray[np.float64]:
    padding = ((0, 0), (0, dimensions - vectors.shape[1]))
    return np.pad(vectors.astype(np.float64), padding)
