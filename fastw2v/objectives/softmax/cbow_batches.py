"""Batches of CBOW: positions of running text, each with the words around it.

An epoch takes every position that subsampling keeps and that has contexts, once, in an order that
follows from the seed and the number of the epoch. Runs of consecutive positions stay together; with
`RUN` positions they are short enough that a batch is a sample of the whole text, and the order of
the runs takes little memory.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.checked_text import check_sentences, id_outside, text_of
from fastw2v.counts.windows import require_window
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.kernels.counts.batch_counting import find_unknown_word
from fastw2v.kernels.counts.context_windows import (
    ContextRows,
    EpochText,
    WordRows,
    count_windows,
    epoch_keys,
    group_by_word,
    one_entry_a_row,
    take_windows,
)
from fastw2v.kernels.formulas.random_numbers import subsample_thresholds
from fastw2v.objectives.softmax.batches import order_generator
from fastw2v.objectives.softmax.tile_layer import tile_for
from fastw2v.text.encoded import EncodedTokens

__all__ = ["RUN", "CbowBatch", "CbowBatches", "cbow_batch"]

RUN = 16


class CbowBatch(NamedTuple):
    """B rows of CBOW, each with one observed word of weight 1.

    `windows` are the rows' contexts, `word_rows` the same word by word; the rest as in
    `fastw2v.kernels.softmax.layout.BatchArrays`.
    """

    windows: ContextRows
    word_rows: WordRows
    tile_starts: NDArray[np.int64]
    entry_rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    row_weights: NDArray[np.float64]


def cbow_batch(windows: ContextRows, n_words: int, tile: int) -> CbowBatch:
    """Return windows as a batch, with all that a step needs.

    Parameters
    ----------
    windows : ContextRows
    n_words : int
        V.
    tile : int
        `tile_for` the largest batch.
    """
    n_rows = len(windows.words)
    tile_starts, entry_rows, columns = one_entry_a_row(windows.words, n_words, tile)
    return CbowBatch(
        windows,
        group_by_word(windows, np.zeros(n_words, np.int64)),
        tile_starts,
        entry_rows,
        columns,
        np.ones(n_rows, np.float32),
        np.ones(n_rows),
    )


class CbowBatches:
    """Rows of CBOW from running text, in batches of nearly equal size.

    A position is kept with the probability of its word, and its window reaches to 1 to `window`
    kept words on either side, each as likely; both are drawn anew in every epoch. What is drawn
    for a position does not depend on batches or their size.

    Parameters
    ----------
    tokens : EncodedTokens
    keep : (V,) float64
        The probability with which a token of each word is kept.
    dimensions : int
        D of the vectors, which decides the tiles that entries are cut by.
    window : int
        The largest reach.
    rows : int
        The most rows of a batch.
    epochs : int
        How many epochs there will be. All have the same number of batches.
    seed : int
    run : int
        How many consecutive positions stay together.
    held_out : int64 array, optional
        Positions that make no row, ascending. Default: none.

    Raises
    ------
    ConfigurationError
        If `window`, `rows`, `epochs` or `run` is out of range.
    VocabularyError
        If an id is not below V.
    CorpusError
        If sentences are inconsistent, or an epoch would have no row.
    """

    def __init__(
        self,
        tokens: EncodedTokens,
        keep: NDArray[np.float64],
        *,
        dimensions: int,
        window: int,
        rows: int,
        epochs: int,
        seed: int,
        run: int = RUN,
        held_out: NDArray[np.int64] | None = None,
    ) -> None:
        require_window(window)
        for name, value in (("rows", rows), ("epochs", epochs), ("run", run)):
            if value < 1:
                raise ConfigurationError(f"{name}: expected at least 1, got {value}")
        text = text_of(tokens)
        check_sentences(text, np.diff(text.sentence_starts))
        unknown = find_unknown_word(text.ids, 0, text.ids.size, len(keep))
        if unknown >= 0:
            raise id_outside(text, unknown, len(keep))
        self.window, self.seed, self.epochs, self.run = window, seed, epochs, run
        self.n_words = len(keep)
        self._text = text
        self._held_out = np.empty(0, np.int64) if held_out is None else held_out
        self._thresholds = subsample_thresholds(keep)
        self.rows_of_epoch = [count_windows(self._thinned(number)) for number in range(epochs)]
        if not all(self.rows_of_epoch):
            raise CorpusError(
                f"tokens: expected words with contexts in every epoch, got an epoch in which none "
                f"of {text.ids.size} tokens has a kept neighbour in its sentence; use longer "
                "sentences, or a larger sample"
            )
        self.batches_per_epoch = -(-max(self.rows_of_epoch) // rows)
        self.max_rows = -(-max(self.rows_of_epoch) // self.batches_per_epoch)
        self.tile = tile_for(self.max_rows, dimensions)

    def _thinned(self, number: int) -> EpochText:
        keep_key, reach_key = (np.uint64(key) for key in epoch_keys(self.seed, number))
        return EpochText(*self._text, self._thresholds, keep_key, reach_key, self._held_out)

    def one_epoch(self, number: int) -> Iterator[CbowBatch]:
        """Yield the batches of epoch `number`, counted from 0 and below `epochs`.

        Raises
        ------
        CorpusError
            If the text has changed since it was counted.
        """
        text = self._thinned(number)
        n_rows, n_batches = self.rows_of_epoch[number], self.batches_per_epoch
        order = order_generator(self.seed, number).permutation(-(-text.ids.size // self.run))
        cursor = np.zeros(2, np.int64)
        for k in range(n_batches):
            room = (k + 1) * n_rows // n_batches - k * n_rows // n_batches
            yield cbow_batch(self._taken(text, order, cursor, room), self.n_words, self.tile)

    def _taken(
        self, text: EpochText, order: NDArray[np.int64], cursor: NDArray[np.int64], room: int
    ) -> ContextRows:
        """Return the next `room` rows of an epoch; raise CorpusError if it has no more so many."""
        windows = ContextRows(
            np.empty(room, np.int32),
            np.empty(room + 1, np.int64),
            np.empty(2 * self.window * room, np.int32),
        )
        n_rows, n_contexts = take_windows(text, self.window, (order, self.run), cursor, windows)
        if n_rows != room:
            raise CorpusError(
                f"tokens: expected {room} more words with contexts in the epoch, as were counted "
                f"when training began, got {n_rows}; leave the encoded text as it is until the end"
            )
        return windows._replace(contexts=windows.contexts[:n_contexts].copy())
