"""How much memory training by the exact softmax takes, said before it is taken."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.objectives.arrays import round_up
from fastw2v.objectives.softmax.batches import (
    BatchSource,
)
from fastw2v.objectives.softmax.initialization import (
    OVERSAMPLING,
)
from fastw2v.objectives.softmax.optimizers import RECIPES
from fastw2v.objectives.softmax.skipgram import scores_bytes
from fastw2v.text.vocabulary import Vocabulary

DEFAULT_BATCH_ROWS = 256
DEFAULT_BATCH_TOKENS = 1024

# Measured (tests/objectives/test_memory.py): Python and compiled kernels.
PROGRAM_BYTES = 250 * 2**20
_TALL_TABLES = 5  # of float32 that the range finder has at a time
_WIDE_TABLES = 3  # of float64, when its vectors are scaled


def training_bytes(
    n_words: int, settings: Hyperparameters, max_rows: int, counts_bytes: int = 0
) -> int:
    """Return about how much memory training takes at its peak, the program included.

    Parameters
    ----------
    n_words : int
        V.
    settings : Hyperparameters
    max_rows : int
        Rows of a batch.
    counts_bytes : int
        Of counts in memory; those that are mapped take none of their own.
    """
    dimensions = settings.vector_size
    table = 4 * n_words * round_up(dimensions, LANES)
    recipe = RECIPES[settings.optimizer]
    parameters = table * (2 + recipe.output_moments + recipe.centre_moments)
    rounded = 0 if settings.precision == "float32" else table
    objective = parameters + rounded + scores_bytes(n_words, max_rows)
    # The first vectors while the objective is made; afterwards copies of both tables.
    training = objective + 2 * table
    width = round_up(dimensions + OVERSAMPLING, PANEL)
    wide = n_words * width * (4 * _TALL_TABLES + 8 * _WIDE_TABLES)
    starting = wide + 2 * table if settings.start == "spectral" else 2 * table
    return PROGRAM_BYTES + counts_bytes + max(training, starting)


def require_memory(
    vocabulary: Vocabulary,
    settings: Hyperparameters,
    max_rows: int,
    memory_mib: int | None,
    counts_bytes: int = 0,
) -> None:
    """Raise `ConfigurationError` if training would not fit a budget; say what would fit.

    Parameters
    ----------
    vocabulary : Vocabulary
    settings : Hyperparameters
    max_rows : int
        Rows of a batch.
    memory_mib : int or None
        The budget; None for no limit.
    counts_bytes : int
        Of counts in memory.
    """
    n_words = len(vocabulary)
    if memory_mib is None:
        return
    needed = training_bytes(n_words, settings, max_rows, counts_bytes)
    budget = memory_mib * 2**20
    if needed <= budget:
        return
    # Counts shrink with the words at least as their number does.
    most = max(
        (
            words
            for words in np.unique(np.linspace(1, max(n_words - 1, 1), 500).astype(int)).tolist()
            if training_bytes(words, settings, max_rows, counts_bytes * words // n_words) <= budget
        ),
        default=0,
    )
    advice = f"raise it to {-(-needed // 2**20)}"
    if most:
        rarest = int(vocabulary.counts[most]) + 1
        advice += f", or keep fewer words: max_final_vocab={most} fits, or min_count={rarest}"
    raise ConfigurationError(
        f"memory: training {n_words:,} words with vector_size={settings.vector_size} needs about "
        f"{-(-needed // 2**20)} MiB, the budget is {memory_mib}; {advice}; or choose "
        "objective='negative', which has no scores of all words, on the text"
    )


NOTICE_S = 60.0  # what would be quicker is not worth a sentence below that
_PRODUCTS = 3  # of a step; a loss has one of them, in float32 whatever the precision

AnyBatch = TypeVar("AnyBatch")
Batch_contra = TypeVar("Batch_contra", contravariant=True)


class Measured(Protocol[Batch_contra]):
    """What an estimate needs to know of an objective."""

    n_words: int
    dimensions: int

    def loss(self, batch: Batch_contra) -> float:
        """Compute a batch's loss; train nothing."""
        ...


def tell_of_the_run(
    objective: Measured[AnyBatch],
    batches: BatchSource[AnyBatch],
    epochs: int,
    notice: Callable[[str], None] | None,
    memory_bytes: int | None = None,
) -> None:
    """Time the loss of one batch, and say what all epochs will take; if long, what is quicker.

    Parameters
    ----------
    objective : ExactSoftmax or CbowSoftmax
        Not changed.
    batches : BatchSource
    epochs : int
    notice : callable, optional
        Gets the sentences.
    memory_bytes : int, optional
        What the run will take of memory, where it is known.
    """
    if notice is None:
        return
    batch = next(iter(batches.one_epoch(0)))
    objective.loss(batch)  # kernels are compiled, memory is there
    started = time.perf_counter()
    objective.loss(batch)
    epoch_s = _PRODUCTS * (time.perf_counter() - started) * batches.batches_per_epoch
    rows = batches.batches_per_epoch * batches.max_rows
    flops = 6.0 * rows * objective.n_words * objective.dimensions
    memory = f", {-(-memory_bytes // 2**20):,} MiB of memory" if memory_bytes else ""
    sentence = (
        f"{epochs} epoch{'s' * (epochs > 1)} of the exact softmax over {objective.n_words:,} words "
        f"will take {_duration(epoch_s * epochs)}, {_duration(epoch_s)} each ({flops:.2g} "
        f"operations at {flops / epoch_s / 1e9:,.3g} GFLOP/s){memory}."
    )
    if epoch_s * epochs >= NOTICE_S:
        sentence += (
            " Fewer words make it shorter (--max-final-vocab, --min-count); --objective negative "
            "or hierarchical take a time that hardly grows with the words (docs/objectives.md)."
        )
    notice(sentence)


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "less than 1 s"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"


def batch_size(settings: Hyperparameters, n_words: int, name: str, default: int) -> int:
    """Return the batch size `name`: as set, or the default as far as memory allows."""
    asked: int | None = getattr(settings, name)
    size = asked or default
    budget = settings.scores_mib * 2**20
    while asked is None and size > 1 and scores_bytes(n_words, min(size, n_words)) > budget:
        size //= 2
    needed = scores_bytes(n_words, min(size, n_words))
    if needed > budget:
        raise ConfigurationError(
            f"scores_mib: a batch of {size} over {n_words:,} words needs {-(-needed // 2**20)} MiB "
            f"for its scores, the budget is {settings.scores_mib}; raise scores_mib, lower {name}, "
            "or keep fewer words with max_final_vocab or min_count"
        )
    return size
