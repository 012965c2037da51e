"""Batches of a softmax that is exact on frequent words and sampled on rare ones.

The sum over V words that a row's softmax is divided by is, in a batch of these,

    the head        the H most frequent words, each as itself
    seen words      rarer ones that some row of the batch has as a context, each as itself
    own words       those of the rows, likewise: a vector is near to itself, so that a row whose own
                    word is missing has a part of its sum in one word, which few draws would find
    drawn words     S of the others, each as the share of these that it stands for

which is the whole sum in expectation (docs/math.md, section 23). So a row costs about as much as
H + S words and those that were seen, however many words there are. Rows that were seen with many
words come in batches of their own: beside others they would make those pay for the words that they
were seen with. And no row brings more than some hundred rarer words: of more as many are drawn for
each batch, and their counts stand for all.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import SparseCounts
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.softmax.centre_rows import prepare_rows
from fastw2v.kernels.softmax.columns import choose_columns
from fastw2v.kernels.softmax.drawn_contexts import draw_contexts
from fastw2v.objectives.arrays import round_up
from fastw2v.objectives.softmax.batches import CountBatches, order_generator
from fastw2v.objectives.softmax.output_layer import ChosenColumns
from fastw2v.objectives.softmax.skipgram import Batch

__all__ = [
    "Band",
    "ColumnBatches",
    "ColumnCosts",
    "ColumnSizes",
    "bands_of",
    "column_costs",
    "column_sizes",
    "fewest_sampled_words",
]

# The fewest rows of a batch, and how many batches share out rows that were seen with about as many
# words. Measured: `bench/bench_rare_words.py rule`.
FEWEST_ROWS = PANEL
BATCHES_OF_BAND = 16
_DRAW_STREAM = 9  # keeps the draws apart from other uses of the seed


# A head, and as many draws. What a draw leaves uncertain does not grow with the words that it is
# from, since words of about the same frequency are neighbours and a draw takes some of each kind.
SIZE = 4000
SEEN = 64_000  # contexts of the rows of a batch, some of which are frequent or come twice
# Contexts of a row that are not frequent, times words of the vocabulary: the more words there are,
# the fewer rows of a batch were seen with the same ones, and the more each costs.
CONTEXTS_TIMES_WORDS = 2 * 10**8
FEWEST_CONTEXTS = 200
# What a column of a step costs beside its products, as rows: updates and what is read for them.
# Words of a step over all of them, which are side by side, cost less.
COLUMN_ROWS = 150
WORD_ROWS = 100
# What a context costs that is read and weighed, as scores.
CONTEXT_SCORES = 2
LEAST_GAIN = 2.0


class ColumnSizes(NamedTuple):
    """How many columns batches have.

    Attributes
    ----------
    head : int
        H: the most frequent words, columns of every batch.
    draws : int
        S: words drawn for a batch of those that are neither frequent nor seen.
    seen : int
        About so many contexts at most that the rows of a batch have, but for the fewest rows.
    contexts : int
        About so many contexts of a row at most that are not frequent; of more some are drawn.
    """

    head: int
    draws: int
    seen: int
    contexts: int


def fewest_sampled_words() -> int:
    """Return how many words a vocabulary has at least that some of them are drawn of."""
    return 2 * SIZE + 1


def column_sizes(n_words: int) -> ColumnSizes | None:
    """Return how many columns batches over V words have; None where these would be all words."""
    if n_words < fewest_sampled_words():
        return None
    contexts = max(CONTEXTS_TIMES_WORDS // n_words, FEWEST_CONTEXTS)
    return ColumnSizes(SIZE, SIZE, SEEN, contexts)


class Band(NamedTuple):
    """Rows that are shared out anew among its batches in each epoch.

    Attributes
    ----------
    centres : (R,) int64
        Ascending.
    n_batches : int
    n_rows : int
        The most rows of a batch.
    entries : float
        Contexts of a row on average that are looked at.
    """

    centres: NDArray[np.int64]
    n_batches: int
    n_rows: int
    entries: float


def bands_of(
    centres: NDArray[np.int64], entries: NDArray[np.int64], most_rows: int, sizes: ColumnSizes
) -> list[Band]:
    """Return bands of rows that have about as many contexts, those with most first.

    Parameters
    ----------
    centres : (R,) int64
    entries : (R,) int64
        How many contexts each has.
    most_rows : int
        Of a batch.
    sizes : ColumnSizes
    """
    entries = np.minimum(entries, 2 * sizes.contexts)  # about half of all contexts are frequent
    order = np.argsort(-entries, kind="stable")
    bands = []
    first = 0
    while first < len(order):
        typical = entries[order[first : first + FEWEST_ROWS]].mean()
        rows = min(max(int(sizes.seen / typical) // PANEL * PANEL, FEWEST_ROWS), most_rows)
        last = len(order) if rows == most_rows else first + rows * BATCHES_OF_BAND
        chosen = np.sort(order[first:last])
        n_batches = -(-len(chosen) // rows)
        mean = float(entries[chosen].mean())
        bands.append(Band(centres[chosen], n_batches, -(-len(chosen) // n_batches), mean))
        first = last
    return bands


class ColumnCosts(NamedTuple):
    """What softmaxes over some columns cost, known by how many contexts words have.

    Attributes
    ----------
    bands : list of Band
    sizes : ColumnSizes
    n_words : int
        V.
    max_rows : int
        The most rows of a batch.
    n_entries : int
        Contexts of all rows.
    """

    bands: list[Band]
    sizes: ColumnSizes
    n_words: int
    max_rows: int
    n_entries: int

    @property
    def most_columns(self) -> int:
        """About the most columns of a batch."""
        return max(self._most_columns(band.n_rows * band.entries) for band in self.bands)

    @property
    def most_scores(self) -> int:
        """About the most scores of a batch: columns times rows."""
        return max(
            band.n_rows * self._most_columns(band.n_rows * band.entries) for band in self.bands
        )

    @property
    def share(self) -> float:
        """About what an epoch costs beside one over all words."""
        cost = float(CONTEXT_SCORES * self.n_entries)
        for band in self.bands:
            # About half of all contexts are neither frequent nor seen by two rows.
            columns = self._most_columns(band.n_rows * band.entries / 2)
            cost += band.n_batches * columns * (COLUMN_ROWS + round_up(band.n_rows, PANEL))
        of_all = self.n_words * (WORD_ROWS + round_up(self.max_rows, PANEL))
        return cost / (self.n_full_batches * of_all)

    @property
    def n_full_batches(self) -> int:
        """Batches of an epoch over all words."""
        return -(-sum(len(band.centres) for band in self.bands) // self.max_rows)

    def are_taken(self, rare_words: str) -> bool:
        """Return whether a run samples its rare words: "sampled" does, "auto" where it gains."""
        return rare_words == "sampled" or (rare_words == "auto" and self.share * LEAST_GAIN <= 1.0)

    def _most_columns(self, seen: float) -> int:
        return min(self.n_words, self.sizes.head + self.sizes.draws + int(seen))


def column_costs(
    entries: NDArray[np.int64], centres: NDArray[np.int64], rows: int, sizes: ColumnSizes
) -> ColumnCosts:
    """Return what batches of some columns cost.

    Parameters
    ----------
    entries : (V,) int64
        How many contexts each word has.
    centres : (R,) int64
        Words that have rows, ascending.
    rows : int
        The most that a batch may have.
    sizes : ColumnSizes
    """
    n_words = len(entries)
    max_rows = max(1, min(rows, len(centres)))
    of_rows = entries[centres]
    bands = bands_of(centres, of_rows, max_rows, sizes)
    sizes = sizes._replace(head=min(sizes.head, n_words))
    return ColumnCosts(bands, sizes, n_words, max_rows, int(of_rows.sum()))


class ColumnBatches(CountBatches):
    """Random sets of centre words with their counts, and the columns of their softmax.

    Parameters
    ----------
    counts, keep, dimensions, rows, seed, tile
        As in `CountBatches`.
    sizes : ColumnSizes
    """

    def __init__(
        self,
        counts: SparseCounts,
        keep: NDArray[np.float64],
        *,
        dimensions: int,
        rows: int,
        seed: int,
        sizes: ColumnSizes,
        tile: int | None = None,
    ) -> None:
        super().__init__(counts, keep, dimensions=dimensions, rows=rows, seed=seed, tile=tile)
        n_words = len(keep)
        self._cumulative = np.arange(n_words + 1)  # in a draw all are alike
        self._bits = np.zeros(-(-n_words // 64), np.uint64)
        self._places = np.empty(n_words, np.int32)
        self._share_out(sizes)

    def _share_out(self, sizes: ColumnSizes) -> None:
        entries = np.concatenate([np.diff(part.indptr) for part in self.counts.parts])
        self.costs = column_costs(entries, self.centres, self.max_rows, sizes)
        self.sizes, self._bands = self.costs.sizes, self.costs.bands

    def only(self, centres: NDArray[np.int64]) -> "ColumnBatches":
        """Return batches of the rows of these words, see `CountBatches.only`."""
        found = super().only(centres)
        assert isinstance(found, ColumnBatches)
        found._share_out(self.sizes)
        return found

    @property
    def most_columns(self) -> int:
        """About the most columns of a batch."""
        return self.costs.most_columns

    @property
    def most_scores(self) -> int:
        """About the most scores of a batch: columns times rows."""
        return self.costs.most_scores

    @property
    def share(self) -> float:
        """About what an epoch costs beside one over all words."""
        return self.costs.share

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in one epoch."""
        return sum(band.n_batches for band in self._bands)

    def one_epoch(self, number: int) -> Iterator[Batch]:
        """Yield batches in which every centre word comes once, those of all bands mixed."""
        generator = order_generator(self.seed, number)
        orders = [generator.permutation(band.centres) for band in self._bands]
        places = [(k, at) for k, band in enumerate(self._bands) for at in range(band.n_batches)]
        for step, place in enumerate(generator.permutation(len(places))):
            k, at = places[place]
            chances = np.random.default_rng([self.seed, _DRAW_STREAM, number, step]).random(2)
            yield self.batch(np.sort(orders[k][at :: self._bands[k].n_batches]), *chances)

    def batch(
        self, centres: NDArray[np.int64], chance: float = 0.0, of_contexts: float = 0.0
    ) -> Batch:
        """Return the batch of the given centre words (ascending, each once).

        From 0 to below 1 are the chances that decide which words and which contexts are drawn.
        """
        rows, counts = self.counts.rows(centres)
        n_contexts = int((counts[0][rows + 1] - counts[0][rows]).sum())
        own, every = centres.astype(np.int32), np.arange(len(centres))
        rarer = (self.sizes.head, self.sizes.contexts)
        contexts = draw_contexts(rows, counts, own, rarer, of_contexts)
        words, logs, *numbered = choose_columns(
            every,
            contexts,
            own,
            self._cumulative,
            (self.sizes.head, self.sizes.draws),
            chance,
            self._bits,
            self._places,
        )
        scales = self.keep[centres] * self.scale
        entries = prepare_rows(every, tuple(numbered), self.keep[words], scales, self.tile)
        found = Batch(own, *entries)
        if len(contexts[1]) < n_contexts:  # what a row weighs is known, whatever is drawn
            found = found._replace(row_weights=self.weights[centres] * self.scale)
        return found._replace(chosen=ChosenColumns(words, logs))
