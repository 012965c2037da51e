"""Batches of centre rows, from the counts of a whole corpus or from running text.

Both kinds feed the same kernel. A row's weight is its number of windowed pairs times the
subsampling weights of its centre and of each context; over a whole corpus both add up to the
same gradient. What order the rows come in follows from the seed and the number of the epoch.
"""

import copy
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.batch import BatchWorkspace, count_batch
from fastw2v.counts.matrix import SparseCounts
from fastw2v.kernels.softmax.centre_rows import prepare_rows
from fastw2v.objectives.softmax.objective import AnyBatch, SoftmaxObjective
from fastw2v.objectives.softmax.skipgram import Batch
from fastw2v.objectives.softmax.tile_layer import tile_for
from fastw2v.text.encoded import EncodedTokens

__all__ = [
    "BatchSource",
    "Batch_co",
    "CountBatches",
    "Item",
    "RowBatches",
    "TokenBatches",
    "every_batch",
    "exact_loss",
    "order_generator",
    "prefetched",
]

Item = TypeVar("Item")
Batch_co = TypeVar("Batch_co", covariant=True)

_ORDER_STREAM = 1  # keeps the order of rows apart from other uses of the seed


class BatchSource(Protocol[Batch_co]):
    """What training needs to know of a kind of batches."""

    @property
    def max_rows(self) -> int:
        """The most rows of a batch."""
        ...

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in one epoch."""
        ...

    def one_epoch(self, number: int) -> Iterator[Batch_co]:
        """Yield the batches of epoch `number`, counted from 0."""
        ...


class RowBatches(BatchSource[Batch_co], Protocol[Batch_co]):
    """Batches of centre words that can be had of some words alone."""

    def only(self, centres: NDArray[np.int64]) -> BatchSource[Batch_co]:
        """Return batches of the rows of these words (ascending, each once), weighed as before."""
        ...


def order_generator(seed: int, number: int) -> np.random.Generator:
    """Return the generator that orders the rows of epoch `number`."""
    return np.random.default_rng([seed, _ORDER_STREAM, number])


class CountBatches:
    """Random sets of centre words with their counts in the whole corpus.

    Row weights are scaled to a mean of 1 over the words that have contexts.

    Parameters
    ----------
    counts : SparseCounts
        In memory, or in parts that are mapped: only a batch's rows are read.
    keep : (V,) float64
        Subsampling weight of each word, as centre and as context.
    dimensions : int
        D of the vectors, which decides the tiles that entries are cut by.
    rows : int
        Centre words in a batch.
    seed : int
    tile : int, optional
        Output words of a tile, where the layer has others than the CPU for batches of `rows`.
    """

    def __init__(
        self,
        counts: SparseCounts,
        keep: NDArray[np.float64],
        *,
        dimensions: int,
        rows: int,
        seed: int,
        tile: int | None = None,
    ) -> None:
        self.weights = weights = counts.row_sums(keep) * keep
        self.counts = counts
        self.keep = keep
        self.seed = seed
        self.centres = np.flatnonzero(weights)
        self.max_rows = max(1, min(rows, len(self.centres)))
        self.tile = tile or tile_for(self.max_rows, dimensions)
        self.scale = len(self.centres) / weights.sum() if len(self.centres) else 1.0

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in one epoch."""
        return -(-len(self.centres) // self.max_rows)

    def one_epoch(self, number: int) -> Iterator[Batch]:
        """Yield batches of nearly equal size in which every centre word comes once."""
        order = order_generator(self.seed, number).permutation(self.centres)
        for first in range(self.batches_per_epoch):
            yield self.batch(np.sort(order[first :: self.batches_per_epoch]))

    def only(self, centres: NDArray[np.int64]) -> "CountBatches":
        """Return batches of the rows of these words (ascending, each once), weighed as before."""
        found = copy.copy(self)
        found.centres = centres
        return found

    def batch(self, centres: NDArray[np.int64]) -> Batch:
        """Return the batch of the given centre words (ascending, each once)."""
        rows, counts = self.counts.rows(centres)
        entries = prepare_rows(rows, counts, self.keep, self.keep[centres] * self.scale, self.tile)
        return Batch(centres.astype(np.int32), *entries)


class TokenBatches:
    """The distinct centres of successive stretches of running text, in random order.

    Row weights are scaled so that a token weighs 1 on average.

    Parameters
    ----------
    tokens : EncodedTokens
    keep : (V,) float64
        Subsampling weight of each word, as centre and as context.
    dimensions : int
        D of the vectors, which decides the tiles that entries are cut by.
    window : int
    stretch : int
        Running tokens in a batch.
    total_weight : float
        Sum of all weighted pairs of the corpus: ``(counts.row_sums(keep) * keep).sum()``.
    seed : int
    widths : (V,) int32, optional
        What each word takes of a place in a window: those of the counts.
    """

    def __init__(
        self,
        tokens: EncodedTokens,
        keep: NDArray[np.float64],
        *,
        dimensions: int,
        window: int,
        stretch: int,
        total_weight: float,
        seed: int,
        widths: NDArray[np.int32] | None = None,
    ) -> None:
        self.tokens = tokens
        self.keep = keep
        self.window = window
        self.widths = widths
        self.stretch = stretch
        self.seed = seed
        self.max_rows = max(1, min(stretch, len(keep), len(tokens.ids)))
        self.tile = tile_for(self.max_rows, dimensions)
        self.scale = len(tokens.ids) / total_weight if total_weight else 1.0
        self._workspace = BatchWorkspace(len(keep))

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in one epoch."""
        return -(-len(self.tokens.ids) // self.stretch)

    def one_epoch(self, number: int) -> Iterator[Batch]:
        """Yield a batch for each stretch of the text, each stretch once."""
        order = order_generator(self.seed, number).permutation(self.batches_per_epoch)
        for place in order:
            yield self.batch(int(place) * self.stretch)

    def batch(self, start: int) -> Batch:
        """Return the batch of the stretch that begins at token `start`."""
        stop = min(start + self.stretch, len(self.tokens.ids))
        found = count_batch(
            self.tokens, start, stop, len(self.keep), self.window, self._workspace, self.widths
        )
        rows = np.arange(len(found.rows))
        entries = prepare_rows(
            rows,
            (found.indptr, found.indices, found.values),
            self.keep,
            self.keep[found.rows] * self.scale,
            self.tile,
        )
        return Batch(found.rows, *entries)


_END = object()


def prefetched(batches: Iterator[Item], depth: int = 2) -> Generator[Item, None, None]:
    """Yield the same batches, prepared ahead by a thread while the caller computes."""
    ready: queue.Queue[object] = queue.Queue(depth)
    stop = threading.Event()

    def offer(item: object) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def prepare() -> None:
        try:
            for batch in batches:
                if not offer(batch):
                    return
            offer(_END)
        except BaseException as error:
            offer(error)

    thread = threading.Thread(target=prepare, name="fastw2v-batches", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if item is _END:
                return
            if isinstance(item, BaseException):
                raise item
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


def every_batch(
    batches: BatchSource[AnyBatch], report: Callable[[int, int | None], None] | None = None
) -> Iterator[AnyBatch]:
    """Yield the batches of an epoch, the next ones prepared meanwhile.

    `report` gets batches done, and batches in all.
    """
    with closing(prefetched(batches.one_epoch(0))) as ahead:
        for done, batch in enumerate(ahead, 1):
            yield batch
            if report:
                report(done, batches.batches_per_epoch)


def exact_loss(
    objective: SoftmaxObjective[AnyBatch],
    batches: BatchSource[AnyBatch],
    report: Callable[[int, int | None], None] | None = None,
) -> float:
    """Return the exact mean loss over all rows of the counts, nats per weighted pair.

    `report` gets batches done, and batches in all.
    """
    total_loss, total_weight = 0.0, 0.0
    for batch in every_batch(batches, report):
        total_loss += objective.loss(batch)
        total_weight += float(batch.row_weights.sum())
    return total_loss / total_weight
