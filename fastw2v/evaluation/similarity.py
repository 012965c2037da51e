"""Word similarity: Spearman's rank correlation of cosines with what people said.

    rho = Pearson's correlation of the ranks; equal values share the mean of their ranks

over the pairs of which both words are known; and once more over all pairs, where vectors of
unknown words can be made. A pair that has a word without any vector counts as cosine 0 there. How
far chance goes in a few hundred pairs is shown by a bootstrap: pairs are drawn again, with
replacement, and the middle 95 % of the correlations are the interval (Efron 1979).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import LARGEST_SEED
from fastw2v.config.numbers import whole_number
from fastw2v.evaluation.test_sets import PairSet
from fastw2v.evaluation.word_table import WordTable

__all__ = [
    "CONFIDENCE",
    "FEWEST_PAIRS",
    "RESAMPLES",
    "AllPairs",
    "SimilarityResult",
    "evaluate_similarity",
    "rank_correlations",
]

RESAMPLES = 2000
_MOST_RESAMPLES = 1_000_000
_BLOCK_PAIRS = 2**20  # of resamples that are ranked at a time
CONFIDENCE = 0.95
FEWEST_PAIRS = 3  # two pairs correlate perfectly, whatever they are


@dataclass(frozen=True)
class AllPairs:
    """The correlation over all pairs of a set, unknown words among them.

    Attributes
    ----------
    spearman, low, high : float
        As in `SimilarityResult`.
    made : int
        Pairs with an unknown word, both of whose words have vectors, one of them made at least.
    lacking : int
        Pairs with a word that has no vector; their cosine is taken to be 0.
    """

    spearman: float
    low: float
    high: float
    made: int
    lacking: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None for NaN."""
        return {key: _plain(value) for key, value in vars(self).items()}


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
    with_unknown : AllPairs, optional
        Over all pairs; None where the table makes no vectors of unknown words.
    """

    name: str
    spearman: float
    low: float
    high: float
    covered: int
    total: int
    with_unknown: AllPairs | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None for NaN. `with_unknown` is there if it is not None."""
        values = {key: _plain(value) for key, value in vars(self).items()}
        values["coverage"] = self.covered / self.total
        every = values.pop("with_unknown")
        return values | ({"with_unknown": every.as_dict()} if every is not None else {})


def evaluate_similarity(
    table: WordTable, pairs: PairSet, *, seed: int = 1, resamples: int = RESAMPLES
) -> SimilarityResult:
    """Return the correlation of cosines with the judgements of `pairs`.

    Parameters
    ----------
    table : WordTable
    pairs : PairSet
        Words are found in any case, the most frequent one if several differ in case alone.
        Vectors of unknown words are made of them in lower case if all words of the table are.
    seed : int
        Of the bootstrap.
    resamples : int
        Of the bootstrap; 0 for no interval, at most a million.

    Raises
    ------
    ConfigurationError
        If `seed` or `resamples` is out of range.
    """
    seed = whole_number("seed", seed, low=0, high=LARGEST_SEED)
    resamples = whole_number("resamples", resamples, low=0, high=_MOST_RESAMPLES)
    total = len(pairs.pairs)
    judgements = np.array([judged for *_, judged in pairs.pairs])
    known, cosines = _cosines(table, pairs)
    found = _correlation(cosines[known], judgements[known], seed, resamples)
    n_known = int(known.sum())
    with_unknown = None
    if table.make_unknown is not None:
        words = [word for pair in pairs.pairs for word in pair[:2]]
        covered, cosines = _cosines(table.with_words(words), pairs)
        n_covered = int(covered.sum())
        correlation = _correlation(cosines, judgements, seed, resamples)
        with_unknown = AllPairs(*correlation, n_covered - n_known, total - n_covered)
    return SimilarityResult(pairs.name, *found, n_known, total, with_unknown)


def _cosines(table: WordTable, pairs: PairSet) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which pairs (N,) have both words in the table, and cosines (N,), 0 for the others."""
    rows = [(table.find(first), table.find(second)) for first, second, _ in pairs.pairs]
    covered = np.array([None not in pair for pair in rows])
    firsts, seconds = np.array([pair for pair in rows if None not in pair], int).reshape(-1, 2).T
    cosines = np.zeros(len(rows))
    cosines[covered] = np.einsum("ij,ij->i", table.unit[firsts], table.unit[seconds])
    return covered, cosines


def _correlation(
    cosines: NDArray[np.float64], judgements: NDArray[np.float64], seed: int, resamples: int
) -> tuple[float, float, float]:
    """Return Spearman's rho with its interval."""
    if len(cosines) < FEWEST_PAIRS:
        return math.nan, math.nan, math.nan
    spearman = float(rank_correlations(cosines[None], judgements[None])[0])
    resampled = _resampled(cosines, judgements, seed, resamples)
    resampled = resampled[np.isfinite(resampled)]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(resampled, tails) if len(resampled) else (math.nan, math.nan)
    return spearman, float(low), float(high)


def _resampled(
    cosines: NDArray[np.float64], judgements: NDArray[np.float64], seed: int, resamples: int
) -> NDArray[np.float64]:
    """Return the correlation of each resample, some of which are made at a time."""
    generator = np.random.default_rng(seed)
    found = np.empty(resamples)
    step = max(1, _BLOCK_PAIRS // len(cosines))
    for first in range(0, resamples, step):
        block = found[first : first + step]
        drawn = generator.integers(0, len(cosines), (len(block), len(cosines)))
        block[:] = rank_correlations(cosines[drawn], judgements[drawn])
    return found


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
