"""Input rows with the words observed with them: what losses are measured on.

A row is an input vector h and the words that came with it, weighed. For skip-gram h is the vector
of a centre word and its row of the pair counts; for CBOW it is made of the contexts of one token,
which is the one word observed. Rows come in batches of bounded size, and can be gone over again.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.counts.matrix import PairCounts
from fastw2v.counts.pairs import count_pairs
from fastw2v.counts.windows import require_window
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.kernels.formulas.skipgram import SparseRows
from fastw2v.kernels.softmax.observed_scores import cbow_rows, longest_sentence
from fastw2v.objectives.arrays import VectorArray
from fastw2v.text.encoded import EncodedTokens

__all__ = [
    "BATCH_ENTRIES",
    "BATCH_ROWS",
    "CALIBRATION_ROWS",
    "CbowRows",
    "CentreRows",
    "InputRows",
    "RowBatch",
    "calibration_rows",
    "sampled_text",
    "training_rows",
]

CALIBRATION_ROWS = 2048  # enough for both numbers; more change them by less than they matter
_FEWEST_ROWS = 64
_MOST_PRODUCTS = 2**34  # of one round of calibrating; a few rounds take two cores about 2 s

_STRETCHES = 64
_STRETCH_TOKENS = 4096

BATCH_ROWS = 4096
BATCH_ENTRIES = 2**20  # a single row may exceed it
_DRAWS_PER_ROUND = 4  # draws for each token that is asked for
_MOST_ROUNDS = 32
_SAMPLE_STREAM = 31  # keeps samples apart from other uses of the seed


class RowBatch(NamedTuple):
    """R rows.

    Attributes
    ----------
    inputs : float32 array (R, D)
    contexts : SparseRows
        R rows of observed words with weights in float64.
    left_out : int32 array (R,), optional
        A word of each row that its softmax is not over: the centre word, where words have rates of
        their own beside themselves. It is not among the row's contexts.
    """

    inputs: VectorArray
    contexts: SparseRows
    left_out: NDArray[np.int32] | None = None

    @property
    def row_weights(self) -> NDArray[np.float64]:
        """Sum of each row's weights, float64 (R,); no row is empty."""
        return np.add.reduceat(self.contexts.weights, self.contexts.indptr[:-1])

    def taken(self, rows: NDArray[np.int64]) -> "RowBatch":
        """Return some of the rows."""
        starts = self.contexts.indptr
        lengths = np.diff(starts)[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        entries = np.repeat(starts[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        kept = SparseRows(indptr, self.contexts.indices[entries], self.contexts.weights[entries])
        left_out = None if self.left_out is None else self.left_out[rows]
        return RowBatch(self.inputs[rows], kept, left_out)


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
        _require_sample(sample)
        sums = counts.row_sums()
        self.in_vectors = in_vectors
        self.counts = counts
        self.others = others
        self.centres = np.flatnonzero(sums)
        self.scales = np.ones(len(self.centres))
        if sample is not None and sample < len(self.centres):
            shares = sums[self.centres] / sums.sum()
            drawn = _generator(seed).multinomial(sample, shares)
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
    found = RowBatch(batch.inputs, kept, centres.astype(np.int32))
    return found.taken(np.flatnonzero(np.diff(kept.indptr)))


class CbowRows:
    """Rows of CBOW: the mean or sum of the contexts of each token, and the token.

    Each token has a row for every reach of the window from 1 to `window`, so that the mean over
    the rows is the expectation over word2vec's random reach. Tokens that stand alone in their
    sentence have none.

    Parameters
    ----------
    in_vectors : float32 array (V, D)
    tokens : EncodedTokens
        Of a vocabulary of V words.
    window : int
    mean : bool
        The mean of the contexts' vectors; else their sum.
    sample : int, optional
        Take the rows of so many tokens drawn evenly, without drawing one twice; of fewer if
        nearly all tokens stand alone. Default: all.
    seed : int
        What is drawn follows from it.

    Raises
    ------
    VocabularyError
        If an id is not below V.
    CorpusError
        If no token has a context.
    ConfigurationError
        If `window` or `sample` is out of range.
    """

    def __init__(
        self,
        in_vectors: VectorArray,
        tokens: EncodedTokens,
        *,
        window: int,
        mean: bool,
        sample: int | None = None,
        seed: int = 1,
    ) -> None:
        require_window(window)
        _require_sample(sample)
        highest = int(tokens.ids.max(initial=-1))
        if highest >= len(in_vectors) or tokens.ids.min(initial=0) < 0:
            raise VocabularyError(
                f"tokens: expected ids from 0 to {len(in_vectors) - 1}, one for each vector, got "
                f"{int(tokens.ids.min(initial=0))} to {highest}"
            )
        if longest_sentence(tokens.sentence_starts) < 2:
            raise CorpusError("tokens: expected a sentence of at least two tokens, got none")
        self.in_vectors = in_vectors
        self.tokens = tokens
        self.window = window
        self.mean = mean
        self.positions: NDArray[np.int64] | None = None
        if sample is not None and sample < tokens.n_tokens:
            self.positions = self._drawn(sample, _generator(seed))

    def _drawn(self, sample: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Draw positions with contexts; memory is bounded by the sample, not by the text."""
        n_tokens = self.tokens.n_tokens
        if n_tokens <= _DRAWS_PER_ROUND * sample:
            drawn = self._with_contexts(generator.permutation(n_tokens))
            return np.sort(drawn[:sample])
        drawn = np.empty(0, np.int64)
        for _ in range(_MOST_ROUNDS):
            more = generator.integers(0, n_tokens, _DRAWS_PER_ROUND * sample)
            drawn = np.union1d(drawn, self._with_contexts(more))
            if len(drawn) >= sample:
                break
        if not len(drawn):
            raise CorpusError(
                f"tokens: expected tokens with contexts, drew {_MOST_ROUNDS} times and found none; "
                "use a text of longer lines"
            )
        return np.sort(generator.permutation(drawn)[:sample])

    def _sentences(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self.tokens.sentence_starts, positions, "right") - 1

    def _with_contexts(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        sentences = self._sentences(positions)
        starts = self.tokens.sentence_starts
        return positions[starts[sentences + 1] - starts[sentences] > 1]

    def __iter__(self) -> Iterator[RowBatch]:
        """Yield the rows, in the order of the text."""
        at_once = max(1, BATCH_ROWS // self.window)
        n_positions = self.tokens.n_tokens if self.positions is None else len(self.positions)
        for first in range(0, n_positions, at_once):
            last = min(first + at_once, n_positions)
            if self.positions is None:
                positions = np.arange(first, last)
            else:
                positions = self.positions[first:last]
            batch = self._batch(positions)
            if len(batch.inputs):
                yield batch

    def _batch(self, positions: NDArray[np.int64]) -> RowBatch:
        starts, sentences = self.tokens.sentence_starts, self._sentences(positions)
        inputs = np.empty((len(positions) * self.window, self.in_vectors.shape[1]), np.float32)
        words = np.empty(len(inputs), np.int32)
        text = (self.tokens.ids, starts, positions, sentences)
        n_rows = cbow_rows(*text, self.in_vectors, self.window, self.mean, inputs, words)
        contexts = SparseRows(np.arange(n_rows + 1), words[:n_rows], np.ones(n_rows))
        return RowBatch(inputs[:n_rows], contexts)


InputRows = Iterable[RowBatch]
"""Batches of rows, which can be gone over several times: the same every time."""


def _require_sample(sample: int | None) -> None:
    if sample is not None and sample < 1:
        raise ConfigurationError(f"sample: expected at least 1 row, got {sample}")


def _generator(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, _SAMPLE_STREAM])


def training_rows(
    in_vectors: NDArray[np.float32],
    tokens: EncodedTokens,
    settings: Hyperparameters,
    workers: int,
    *,
    others: bool = False,
) -> "CentreRows | CbowRows":
    """Return a sample of the training text's rows, of a size that does not grow with it.

    With a large vocabulary it is a smaller one, see `calibration_rows`. `others` as in
    `CentreRows`.
    """
    text = sampled_text(tokens)
    sample = calibration_rows(*in_vectors.shape)
    if settings.model == "cbow":
        return CbowRows(
            in_vectors,
            text,
            window=settings.window,
            mean=settings.cbow_mean,
            sample=sample,
            seed=settings.seed,
        )
    counts = count_pairs(text, len(in_vectors), settings.window, workers=workers)
    return CentreRows(in_vectors, counts, sample=sample, seed=settings.seed, others=others)


def calibration_rows(n_words: int, dimensions: int) -> int:
    """Return how many rows calibrate scores of so many words: fewer where each takes long.

    So that calibrating takes about two seconds at most, whatever the vocabulary; by a bound on the
    work and not by a clock, or the result would depend on the machine.
    """
    fitting = _MOST_PRODUCTS // (n_words * dimensions)
    return min(max(fitting, _FEWEST_ROWS), CALIBRATION_ROWS)


def sampled_text(tokens: EncodedTokens) -> EncodedTokens:
    """Return stretches evenly spread over a text, or all of a short one."""
    n_tokens = len(tokens.ids)
    if n_tokens <= _STRETCHES * _STRETCH_TOKENS:
        return tokens
    begins = np.linspace(0, n_tokens - _STRETCH_TOKENS, _STRETCHES).astype(np.int64)
    ids = np.concatenate([tokens.ids[at : at + _STRETCH_TOKENS] for at in begins])
    starts = [_starts_within(tokens.sentence_starts, int(at)) for at in begins]
    places = [place + number * _STRETCH_TOKENS for number, place in enumerate(starts)]
    ends = np.array([len(ids)], np.int64)
    return EncodedTokens(ids, np.concatenate([*places, ends]), len(ids), 0)


def _starts_within(sentence_starts: NDArray[np.int64], at: int) -> NDArray[np.int64]:
    first = np.searchsorted(sentence_starts, at, "right")
    last = np.searchsorted(sentence_starts, at + _STRETCH_TOKENS, "left")
    return np.concatenate([[0], np.asarray(sentence_starts[first:last], np.int64) - at])
