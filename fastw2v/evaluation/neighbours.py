"""How far two embeddings agree about which words are near each other.

Neighbours do not change when vectors are rotated or stretched, so embeddings of different
trainers, and of different size, can be compared by them:

    precision at k = mean over words of |near_k(word; A) and near_k(word; B)| / k
    Jaccard        = mean over words of |and| / |or|
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import LARGEST_SEED
from fastw2v.config.numbers import whole_number
from fastw2v.errors import EvaluationError
from fastw2v.evaluation.word_table import WordTable
from fastw2v.objectives.exact_search import ExactSearch

__all__ = [
    "COMMON_WORDS",
    "SAMPLED_WORDS",
    "NeighbourOverlap",
    "common_words",
    "comparable",
    "nearest",
    "neighbour_overlap",
]

COMMON_WORDS = 10_000
SAMPLED_WORDS = 1_000


@dataclass(frozen=True)
class NeighbourOverlap:
    """Mean agreement of the `k` nearest neighbours of `sampled` words among `common` words."""

    precision: float
    jaccard: float
    k: int
    sampled: int
    common: int


def common_words(
    first: WordTable, second: WordTable, n_words: int = COMMON_WORDS
) -> tuple[WordTable, WordTable]:
    """Return both tables cut to the first `n_words` of `first` that `second` has too.

    Raises
    ------
    EvaluationError
        If there are none.
    """
    words: Sequence[str] = [word for word in first.words if word in second.rows][:n_words]
    if not words:
        raise EvaluationError(
            "vectors: expected words that both embeddings have, got none; were they trained on "
            "the same text, with the same tokenizer?"
        )
    tables = (
        WordTable(words, table.vectors[[table.rows[word] for word in words]])
        for table in (first, second)
    )
    one, other = tables
    return one, other


def comparable(first: WordTable, second: WordTable) -> tuple[WordTable, WordTable]:
    """Return both tables cut to their common words, of which there are at least two.

    Raises
    ------
    EvaluationError
        If there are fewer.
    """
    first, second = common_words(first, second)
    if len(first) < 2:
        raise EvaluationError("vectors: expected at least two words in common, got one")
    return first, second


def neighbour_overlap(
    first: WordTable, second: WordTable, *, k: int = 10, seed: int = 1
) -> NeighbourOverlap:
    """Compare nearest neighbours by cosine, among the words that both tables have.

    Parameters
    ----------
    first, second : WordTable
        Of any two dimensions. The 10,000 most frequent words of `first` that `second` has are
        compared, and neighbours sought among them.
    k : int
        Neighbours of a word; all others where there are fewer.
    seed : int
        Of the sample of 1,000 words.

    Raises
    ------
    EvaluationError
        If they have fewer than two words in common.
    ConfigurationError
        If `k` or `seed` is out of range.
    """
    first, second = comparable(first, second)
    n_words = len(first)
    k = min(whole_number("k", k, low=1), n_words - 1)
    seed = whole_number("seed", seed, low=0, high=LARGEST_SEED)
    generator = np.random.default_rng(seed)
    sample = generator.choice(n_words, min(SAMPLED_WORDS, n_words), replace=False)
    one, other = (nearest(table, sample, k) for table in (first, second))
    shared = np.array(
        [len(set(a) & set(b)) for a, b in zip(one.tolist(), other.tolist(), strict=True)]
    )
    return NeighbourOverlap(
        float((shared / k).mean()),
        float((shared / (2 * k - shared)).mean()),
        k,
        len(sample),
        n_words,
    )


def nearest(table: WordTable, rows: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return the `k` rows of highest cosine with each of `rows`, itself apart: (n, k), no order."""
    found, _ = ExactSearch(table.vectors).search(table.unit[rows], k + 1)
    is_other = found != rows[:, None]
    is_other[is_other.all(axis=1), -1] = False  # other words with its very vector are before it
    others: NDArray[np.int64] = found[is_other].reshape(len(rows), k)
    return others
