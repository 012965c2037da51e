"""Telling a person before an exact run what it will take, and what would be quicker."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from fastw2v.batches import BatchSource

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
    passes: int,
    notice: Callable[[str], None] | None,
    memory_bytes: int | None = None,
) -> None:
    """Time the loss of one batch, and say what all passes will take; if long, what is quicker.

    Parameters
    ----------
    objective : ExactSoftmax or CbowSoftmax
        Not changed.
    batches : BatchSource
    passes : int
    notice : callable, optional
        Gets the sentences.
    memory_bytes : int, optional
        What the run will take of memory, where it is known.
    """
    if notice is None:
        return
    batch = next(iter(batches.one_pass(0)))
    objective.loss(batch)  # kernels are compiled, memory is there
    started = time.perf_counter()
    objective.loss(batch)
    pass_s = _PRODUCTS * (time.perf_counter() - started) * batches.batches_per_pass
    rows = batches.batches_per_pass * batches.max_rows
    flops = 6.0 * rows * objective.n_words * objective.dimensions
    memory = f", {-(-memory_bytes // 2**20):,} MiB of memory" if memory_bytes else ""
    sentence = (
        f"{passes} pass{'es' * (passes > 1)} of the exact softmax over {objective.n_words:,} words "
        f"will take {_duration(pass_s * passes)}, {_duration(pass_s)} each ({flops:.2g} operations "
        f"at {flops / pass_s / 1e9:,.3g} GFLOP/s){memory}."
    )
    if pass_s * passes >= NOTICE_S:
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
