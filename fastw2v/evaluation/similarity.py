"""Word similarity: Spearman's rank correlation of cosines with what people said.

    rho = Pearson's correlation of the ranks; equal values share the mean of their ranks

over the pairs of which both words are known. How far chance goes in a few hundred pairs is shown
by a bootstrap: pairs are drawn again, with replacement, and the middle 95 % of the correlations
are the interval (Efron 1979).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.evaluation.test_sets import PairSet
from fastw2v.evaluation.word_table import WordTable

__all__ = [
    "CONFIDENCE",
    "FEWEST_PAIRS",
    "RESAMPLES",
    "SimilarityResult",
    "evaluate_similarity",
    "rank_correlations",
]

RESAMPLES = 2000
CONFIDENCE = 0.95
FEWEST_PAIRS = 3  # two pairs correlate perfectly, whatever they are


@dataclass(frozen=True)
class SimilarityResult:
    """Correlation with human judgement.

    Attributes
    ----------
    name : str
    spearman : float
        NaN where it has no meaning: fewer than three pairs, or all cosines or judgements equal.
    low, high : float
        The bootstrap interval of 95 %; NaN without a bootstrap.
    covered, total : int
        Pairs of which both words are known, and all pairs of the set.
    """

    name: str
    spearman: float
    low: float
    high: float
    covered: int
    total: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None for NaN."""
        values = {key: _plain(value) for key, value in vars(self).items()}
        return {**values, "coverage": self.covered / self.total}


def evaluate_similarity(
    table: WordTable, pairs: PairSet, *, seed: int = 1, resamples: int = RESAMPLES
) -> SimilarityResult:
    """Return the correlation of cosines with the judgements of `pairs`.

    Parameters
    ----------
    table : WordTable
    pairs : PairSet
        Words are found in any case, the most frequent one if several differ in case alone.
    seed : int
        Of the bootstrap.
    resamples : int
        Of the bootstrap; 0 for no interval.
    """
    known = [
        (first, second, judged)
        for a, b, judged in pairs.pairs
        if (first := table.find(a)) is not None and (second := table.find(b)) is not None
    ]
    total = len(pairs.pairs)
    if len(known) < FEWEST_PAIRS:
        return SimilarityResult(pairs.name, math.nan, math.nan, math.nan, len(known), total)
    firsts, seconds, judgements = (np.array(column) for column in zip(*known, strict=True))
    cosines = np.einsum("ij,ij->i", table.unit[firsts], table.unit[seconds]).astype(np.float64)
    spearman = float(rank_correlations(cosines[None], judgements[None])[0])
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, len(known), (resamples, len(known)))
    resampled = rank_correlations(cosines[drawn], judgements[drawn])
    resampled = resampled[np.isfinite(resampled)]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(resampled, tails) if len(resampled) else (math.nan, math.nan)
    return SimilarityResult(pairs.name, spearman, float(low), float(high), len(known), total)


def rank_correlations(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return Spearman's rho of each row of `first` with that of `second`, both (n, m).

    NaN where a row has one value only.
    """
    from scipy.stats import rankdata

    one = rankdata(first, axis=1)
    other = rankdata(second, axis=1)
    one -= one.mean(axis=1, keepdims=True)
    other -= other.mean(axis=1, keepdims=True)
    spread = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    products = (one * other).sum(axis=1)
    return np.asarray(np.divide(products, spread, out=np.full(len(one), np.nan), where=spread > 0))


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
