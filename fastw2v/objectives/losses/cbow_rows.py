"""Rows of CBOW: what is made of the contexts of each token of a text, and the token."""

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.windows import require_window
from fastw2v.errors import CorpusError, VocabularyError
from fastw2v.kernels.formulas.skipgram import SparseRows, WordRows
from fastw2v.kernels.softmax.observed_scores import cbow_rows, longest_sentence, window_words
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.losses.rows import BATCH_ROWS, RowBatch, require_sample, sample_generator
from fastw2v.objectives.own_rates import within_windows
from fastw2v.text.encoded import EncodedTokens

__all__ = ["CbowRows"]

_DRAWS_PER_ROUND = 4  # draws for each token that is asked for
_MOST_ROUNDS = 32
_REACH_STREAM = 37  # keeps reaches apart from other uses of the seed


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
    positions : int64 array, optional
        Take the rows of these tokens, ascending, and not of a `sample`.
    seed : int
        What is drawn follows from it.
    others : bool
        Leave out the words of each window from its row's softmax, and rows of tokens that are among
        them.
    one_reach : bool
        Take one reach for each token, drawn evenly: less that is alike for as many rows.

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
        positions: NDArray[np.int64] | None = None,
        seed: int = 1,
        others: bool = False,
        one_reach: bool = False,
    ) -> None:
        require_window(window)
        require_sample(sample)
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
        self.others = others
        self.positions = positions
        self._seed = seed if one_reach else None
        if positions is None and sample is not None and sample < tokens.n_tokens:
            self.positions = self._drawn(sample, sample_generator(seed))

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
        if not self.others:
            yield from (self._batch(*run) for run in self._runs())
            return
        for batch, windows in self.with_windows():
            is_other = windows.places_of(batch.contexts.indices) < 0
            if is_other.any():
                yield batch._replace(left_out=windows).taken(np.flatnonzero(is_other))

    def with_windows(self) -> Iterable[tuple[RowBatch, WordRows]]:
        """Return all rows, and the different words within the windows that they are made of."""
        return self._made() if self._seed is None else self._kept

    def _made(self) -> Iterator[tuple[RowBatch, WordRows]]:
        for run in self._runs():
            yield self._batch(*run), self._windows(*run)

    @cached_property
    def _kept(self) -> list[tuple[RowBatch, WordRows]]:
        """What is made for one reach of each token: little, which is gone over many times."""
        return list(self._made())

    @property
    def weight(self) -> float:
        """How many rows there are."""
        return float(self._n_rows[1])

    @property
    def others_weight(self) -> float:
        """How many rows there are of tokens that are not within their windows."""
        return float(self._n_rows[0])

    @cached_property
    def _n_rows(self) -> tuple[int, int]:
        others, every = 0, 0
        for batch, windows in self.with_windows():
            is_other = windows.places_of(batch.contexts.indices) < 0
            others, every = others + int(is_other.sum()), every + len(is_other)
        return others, every

    def rates_loss(self, rates: NDArray[np.float32]) -> float:
        """Return the part of the loss that rates (V,) of words of windows have, summed."""
        loss = 0.0
        for batch, windows in self.with_windows():
            shares, rest = within_windows(rates, windows)
            places = windows.places_of(batch.contexts.indices)
            loss -= float(np.log(np.where(places < 0, rest, shares[places])).sum())
        return loss

    def _runs(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield positions with contexts, as many as a batch has, and their reaches (P, 2)."""
        drawn = None if self._seed is None else np.random.default_rng([self._seed, _REACH_STREAM])
        at_once = max(1, BATCH_ROWS // self.window)
        n_positions = self.tokens.n_tokens if self.positions is None else len(self.positions)
        for first in range(0, n_positions, at_once):
            last = min(first + at_once, n_positions)
            run = np.arange(first, last) if self.positions is None else self.positions[first:last]
            run = self._with_contexts(run)
            reaches = np.tile([1, self.window], (len(run), 1))
            if drawn is not None:
                reaches[:] = 1 + drawn.integers(0, self.window, (len(run), 1))
            if len(run):
                yield run, reaches

    def _batch(self, positions: NDArray[np.int64], reaches: NDArray[np.int64]) -> RowBatch:
        n_rows = _n_rows_of(reaches)
        inputs = np.empty((n_rows, self.in_vectors.shape[1]), np.float32)
        words = np.empty(n_rows, np.int32)
        text = self._text_of(positions)
        cbow_rows(*text, self.in_vectors, reaches, self.mean, inputs, words)
        return RowBatch(inputs, SparseRows(np.arange(n_rows + 1), words, np.ones(n_rows)))

    def _windows(self, positions: NDArray[np.int64], reaches: NDArray[np.int64]) -> WordRows:
        starts = np.empty(_n_rows_of(reaches) + 1, np.int64)
        least, largest = reaches.T
        most = (largest * (largest + 1) - least * (least - 1)).sum()
        words = np.empty(most, np.int32)
        window_words(*self._text_of(positions), reaches, starts, words)
        return WordRows(starts, words[: starts[-1]].copy())

    def _text_of(
        self, positions: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        sentences = self._sentences(positions)
        return self.tokens.ids, self.tokens.sentence_starts, positions, sentences


def _n_rows_of(reaches: NDArray[np.int64]) -> int:
    return int((reaches[:, 1] - reaches[:, 0] + 1).sum())
