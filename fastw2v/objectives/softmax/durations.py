"""How long training by the exact softmax takes, measured on made-up words before it begins."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.counts.matrix import PairCounts
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.device.library import Device
from fastw2v.objectives.softmax.initialization import random_vectors
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool

__all__ = [
    "CONTEXTS",
    "NOTICE_S",
    "EpochSize",
    "announce_duration",
    "expected_contexts",
    "step_seconds",
    "told_duration",
]

NOTICE_S = 60.0  # what would be quicker is not worth a sentence below that
_MOST_WORDS = 16384  # of the trial; a step takes as long as it has words
_MOST_WORDS_OF_CARD = 2**17  # fewer would not keep it busy
CONTEXTS = 64  # of a made-up centre word, where nothing is known of them
_TRIALS = 3
_TRIED_WORDS = 512  # whose contexts are reckoned
# Words come in company: of the contexts that chance alone would give them, texts have .36 (77,000
# words of 2 M tokens) to .76 (8,400 words of .5 M).
_SEEN_BY_CHANCE = 0.6


class EpochSize(NamedTuple):
    """What an epoch has to do.

    Attributes
    ----------
    n_batches, max_rows : int
        How many batches, and the most rows of one.
    contexts : float
        Different contexts of a centre word, on average.
    """

    n_batches: int
    max_rows: int
    contexts: float = CONTEXTS


def expected_contexts(counts: NDArray[np.int64], window: int) -> float:
    """Return about how many different contexts a word has on average, before they are counted.

    As many as if contexts were drawn by chance, times what texts have of these: words of `counts`
    (V,), most frequent first, with `window` places on each side.
    """
    chances = counts / max(1, counts.sum())
    some = counts[np.linspace(0, len(counts) - 1, min(len(counts), _TRIED_WORDS)).astype(np.int64)]
    means = [float(-np.expm1(-2.0 * window * count * chances).sum()) for count in some]
    return _SEEN_BY_CHANCE * float(np.mean(means))


def step_seconds(
    settings: Hyperparameters,
    n_words: int,
    max_rows: int,
    pool: WorkerPool,
    device: Device | None = None,
    contexts: float = CONTEXTS,
) -> float:
    """Return about how long a step takes: the quickest of a few over made-up words.

    With the time that its batch takes to be made.

    Parameters
    ----------
    settings : Hyperparameters
        Dimensions, optimiser and precision.
    n_words : int
        V.
    max_rows : int
        Rows of a batch.
    pool : WorkerPool
        Those who will train.
    device : Device, optional
        What computes by PyTorch.
    contexts : float
        Different contexts of a centre word, on average.
    """
    most = _MOST_WORDS if device is None or not device.is_card else _MOST_WORDS_OF_CARD
    tried = max(2, min(n_words, max(most, max_rows)))
    generator = np.random.default_rng(1)
    # A part of the words has that part of the contexts.
    n_contexts = min(max(1, round(contexts * tried / n_words)), tried)
    starts = generator.integers(0, tried, (tried, 1))
    # Spread over all words, as contexts are, so that every tile has some.
    indices = np.sort((starts + np.arange(n_contexts) * (tried // n_contexts)) % tried, axis=1)
    counts = PairCounts(
        np.arange(0, tried * n_contexts + 1, n_contexts, dtype=np.int64),
        indices.ravel().astype(np.int32),
        np.ones(tried * n_contexts, np.int32),
        settings.window,
    )
    batches = CountBatches(
        counts,
        np.ones(tried),
        dimensions=settings.vector_size,
        rows=max_rows,
        seed=1,
        tile=None if device is None else device.tile,
    )
    objective = ExactSoftmax(
        *random_vectors(tried, settings),
        np.zeros(tried, np.float32),
        optimizer=settings.optimizer,
        max_rows=batches.max_rows,
        precision=settings.precision,
        pool=pool,
        device=device,
    )
    rules = Optimizer(settings, _TRIALS + 1).rules
    took_s = []
    for trial in range(_TRIALS + 1):
        began_s = time.perf_counter()
        objective.step(next(iter(batches.one_epoch(trial))), rules(trial))
        took_s.append(time.perf_counter() - began_s)
    quickest_s = min(took_s[1:])  # in the first one kernels are read, and memory is new
    return quickest_s * (n_words / tried) * (max_rows / batches.max_rows)


def announce_duration(
    settings: Hyperparameters,
    n_words: int,
    epoch: EpochSize,
    pool: WorkerPool,
    notice: Callable[[str], None] | None,
    memory_bytes: int | None = None,
    share: float | None = None,
    device: Device | None = None,
) -> None:
    """Say what all epochs will take; if that is long, what is quicker.

    Parameters
    ----------
    settings : Hyperparameters
    n_words : int
        V.
    epoch : EpochSize
    pool : WorkerPool
    notice : callable, optional
        Gets the sentences.
    memory_bytes : int, optional
        What the run will take of memory, where it is known.
    share : float, optional
        Where rare words are sampled: what an epoch costs beside one over all words.
    device : Device, optional
        What computes by PyTorch.
    """
    if notice is None:
        return
    n_batches, max_rows, contexts = epoch
    epochs = settings.total_epochs
    part = 1.0 if share is None else share
    epoch_s = n_batches * step_seconds(settings, n_words, max_rows, pool, device, contexts) * part
    flops = 6.0 * n_batches * max_rows * n_words * settings.vector_size * part
    memory = f", {-(-memory_bytes // 2**20):,} MiB of memory" if memory_bytes else ""
    sentence = (
        f"{epochs} epoch{'s' * (epochs > 1)} of the exact softmax over {n_words:,} words "
        f"{'' if share is None else 'with rare ones sampled '}"
        f"will take {told_duration(epoch_s * epochs)}, {told_duration(epoch_s)} each ({flops:.2g} "
        f"operations at {flops / epoch_s / 1e9:,.3g} GFLOP/s){memory}."
    )
    if share is not None:
        sentence += " Losses are estimates until the last, which is measured on drawn rows."
    if epoch_s * epochs >= NOTICE_S:
        sentence += (
            " Fewer words make it shorter (--max-final-vocab, --min-count); --objective negative "
            "or hierarchical take a time that hardly grows with the words (docs/objectives.md)."
        )
    notice(sentence)


def told_duration(seconds: float) -> str:
    """Return "about 12 s" for a duration."""
    if seconds < 1:
        return "less than 1 s"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"
