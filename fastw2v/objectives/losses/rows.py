"""Input rows with the words observed with them: what losses are measured on.

A row is an input vector h and the words that came with it, weighed. For skip-gram h is the vector
of a centre word and its row of the pair counts; for CBOW it is made of the contexts of one token,
which is the one word observed. Rows come in batches of bounded size, and can be gone over again.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import PairCounts
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.kernels.formulas.skipgram import SparseRows, WordRows
from fastw2v.objectives.arrays import VectorArray

__all__ = [
    "BATCH_ENTRIES",
    "BATCH_ROWS",
    "CentreRows",
    "InputRows",
    "RowBatch",
    "require_sample",
    "sample_generator",
    "thinned",
]

BATCH_ROWS = 4096
BATCH_ENTRIES = 2**20  # a single row may exceed it
_SAMPLE_STREAM = 31  # keeps samples apart from other uses of the seed


class RowBatch(NamedTuple):
    """R rows.

    Attributes
    ----------
    inputs : float32 array (R, D)
    contexts : SparseRows
        R rows of observed words with weights in float64.
    left_out : WordRows, optional
        Words of the rows that their softmaxes are not over: the centre word, or with CBOW those of
        the window, where words have rates of their own beside themselves. None of them is among
        the row's contexts.
    """

    inputs: VectorArray
    contexts: SparseRows
    left_out: WordRows | None = None

    @property
    def row_weights(self) -> NDArray[np.float64]:
        """Sum of each row's weights, float64 (R,); no row is empty."""
        return np.add.reduceat(self.contexts.weights, self.contexts.indptr[:-1])

    def taken(self, rows: NDArray[np.int64]) -> "RowBatch":
        """Return some of the rows."""
        left_out = None if self.left_out is None else self.left_out.taken(rows)
        return RowBatch(self.inputs[rows], self.contexts.taken(rows), left_out)


class CentreRows:
    """Rows of skip-gram: the vector of each centre word, and its counts.

    Parameters
    ----------
    in_vectors : float32 array (V, D)
    counts : PairCounts
        Of V words.
    sample : int, optional
        Take so many rows, drawn in proportion to their sums: the mean loss over the drawn rows,
        each weighing 1, then estimates the mean over all pairs. Default: all rows, each with its
        counts. With `sample` at least as large as the number of rows, all are taken.
    seed : int
        What is drawn follows from it.
    others : bool
        Leave out pairs of a word with itself, and the word from its own row's softmax. Rows without
        other pairs are then left out; all are drawn and weighed as they would be with them.

    Raises
    ------
    VocabularyError
        If there is not one vector for each row.
    CorpusError
        If there are no pairs.
    ConfigurationError
        If `sample` is below 1.
    """

    def __init__(
        self,
        in_vectors: VectorArray,
        counts: PairCounts,
        *,
        sample: int | None = None,
        seed: int = 1,
        others: bool = False,
    ) -> None:
        if len(in_vectors) != counts.n_words:
            raise VocabularyError(
                f"in_vectors: expected one for each of {counts.n_words} words that were counted, "
                f"got {len(in_vectors)}"
            )
        if not counts.n_entries:
            raise CorpusError("counts: expected at least one pair of words, got none")
        require_sample(sample)
        sums = counts.row_sums()
        self.in_vectors = in_vectors
        self.counts = counts
        self.others = others
        self.centres = np.flatnonzero(sums)
        self.scales = np.ones(len(self.centres))
        if sample is not None and sample < len(self.centres):
            shares = sums[self.centres] / sums.sum()
            drawn = sample_generator(seed).multinomial(sample, shares)
            self.scales = drawn[drawn > 0] / sums[self.centres[drawn > 0]]
            self.centres = self.centres[drawn > 0]

    @property
    def own_weights(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each row's pairs of the centre with itself weigh, and all of them, float64."""
        own, sums = self.counts.self_counts(), self.counts.row_sums()
        return own[self.centres] * self.scales, sums[self.centres] * self.scales

    @property
    def others_weight(self) -> float:
        """What pairs of different words weigh together."""
        own, sums = self.own_weights
        return float((sums - own).sum())

    @property
    def weight(self) -> float:
        """What all pairs weigh together."""
        return float(self.own_weights[1].sum())

    def rates_loss(self, rates: NDArray[np.float32]) -> float:
        """Return the part of the loss that rates (V,) of words beside themselves have, summed."""
        own, sums = self.own_weights
        others = sums - own
        used = rates[self.centres].astype(np.float64)
        with np.errstate(divide="ignore"):
            apart = -own[own > 0] @ np.log(used[own > 0])
            shared = -others[others > 0] @ np.log1p(-used[others > 0])
        return float(apart + shared)

    def __iter__(self) -> Iterator[RowBatch]:
        """Yield the rows, in the order of the words."""
        starts, ends = self.counts.indptr[self.centres], self.counts.indptr[self.centres + 1]
        total = np.concatenate([[0], np.cumsum(ends - starts)])
        first = 0
        while first < len(self.centres):
            fitting = int(np.searchsorted(total, total[first] + BATCH_ENTRIES, "right")) - 1
            last = max(first + 1, min(fitting, first + BATCH_ROWS))
            rows = slice(first, last)
            indptr = (total[first : last + 1] - total[first]).astype(np.int64)
            lengths = np.diff(indptr)
            entries = np.repeat(starts[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
            weights = self.counts.values[entries] * np.repeat(self.scales[rows], lengths)
            contexts = SparseRows(indptr, self.counts.indices[entries], weights)
            batch = RowBatch(self.in_vectors[self.centres[rows]], contexts)
            if self.others:
                batch = _of_others(batch, self.centres[rows])
            if len(batch.inputs):
                yield batch
            first = last


def _of_others(batch: RowBatch, centres: NDArray[np.int64]) -> RowBatch:
    """Return rows without pairs of the centre with itself, those that have others."""
    starts, contexts = batch.contexts.indptr, batch.contexts
    is_kept = contexts.indices != np.repeat(centres, np.diff(starts))
    before = np.concatenate([[0], np.cumsum(is_kept)]).astype(np.int64)
    kept = SparseRows(before[starts], contexts.indices[is_kept], contexts.weights[is_kept])
    found = RowBatch(batch.inputs, kept, WordRows.single(centres))
    return found.taken(np.flatnonzero(np.diff(kept.indptr)))


InputRows = Iterable[RowBatch]
"""Batches of rows, which can be gone over several times: the same every time."""


def thinned(rows: InputRows, every: int) -> Iterator[RowBatch]:
    """Yield every so manieth row of each batch."""
    for batch in rows:
        yield batch.taken(np.arange(0, len(batch.inputs), every))


def require_sample(sample: int | None) -> None:
    """Raise `ConfigurationError` unless at least one row is asked for."""
    if sample is not None and sample < 1:
        raise ConfigurationError(f"sample: expected at least 1 row, got {sample}")


def sample_generator(seed: int) -> np.random.Generator:
    """Return what rows of a sample are drawn by."""
    return np.random.default_rng([seed, _SAMPLE_STREAM])
