"""The one training loop: passes over batches, schedule, history, divergence."""

import math
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastw2v.batches import BatchSource, prefetched
from fastw2v.callbacks import Callback, PassRecord, StepReport
from fastw2v.errors import DivergenceError
from fastw2v.optim import Optimizer, StepRules


class WeightedRows(Protocol):
    """What training needs to know of a batch."""

    @property
    def row_weights(self) -> NDArray[np.float64]:
        """Weight of each row (B,); the batch's loss is divided by their sum."""
        ...


AnyBatch = TypeVar("AnyBatch", bound=WeightedRows)
Batch_contra = TypeVar("Batch_contra", bound=WeightedRows, contravariant=True)


class Objective(Protocol[Batch_contra]):
    """What training needs to know of an objective."""

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        ...

    def step(self, batch: Batch_contra, rules: StepRules) -> float:
        """Train on one batch and return its loss from before, in nats, summed over the rows."""
        ...


def train(
    objective: Objective[AnyBatch],
    batches: BatchSource[AnyBatch],
    optimizer: Optimizer,
    *,
    passes: int,
    callbacks: Sequence[Callback] = (),
) -> list[PassRecord]:
    """Train `objective` for a number of passes and return the history.

    Parameters
    ----------
    objective : ExactSoftmax or CbowSoftmax
        Trained in place.
    batches : BatchSource
        Gives the objective's batches of each pass.
    optimizer : Optimizer
        Gives the rules of each step; its ``total_steps`` should be those of all passes.
    passes : int
    callbacks : sequence of callable
        Each is called with a `StepReport` after every batch.

    Raises
    ------
    DivergenceError
        When a batch's loss is not a finite number, or a pass leaves parameters that are not.
    """
    history: list[PassRecord] = []
    started = time.perf_counter()
    steps = passes * batches.batches_per_pass
    step = 0
    for number in range(passes):
        total_loss, total_weight = 0.0, 0.0
        # Closed here: after an error its thread would live as long as the error's traceback.
        with closing(prefetched(batches.one_pass(number))) as ahead:
            for batch in ahead:
                rate = optimizer.rate(step)
                loss = objective.step(batch, optimizer.rules(step))
                step += 1
                pass_ended = step % batches.batches_per_pass == 0
                if not math.isfinite(loss):
                    raise _diverged(f"a finite loss, got {loss}", step, steps, rate)
                if pass_ended and not objective.is_finite:
                    raise _diverged("finite vectors, got others", step, steps, rate)
                total_loss += loss
                total_weight += float(batch.row_weights.sum())
                report = StepReport(
                    number + 1,
                    passes,
                    step,
                    steps,
                    total_loss / total_weight if total_weight else 0.0,
                    rate,
                    time.perf_counter() - started,
                    pass_ended,
                )
                for callback in callbacks:
                    callback(report)
        history.append(
            PassRecord(
                number + 1, report.loss_nats, report.learning_rate, time.perf_counter() - started
            )
        )
    return history


def _diverged(what: str, step: int, steps: int, rate: float) -> DivergenceError:
    return DivergenceError(
        f"training diverged: expected {what} in batch {step} of {steps} at learning rate "
        f"{rate:.3g}; use a smaller --learning-rate"
    )
