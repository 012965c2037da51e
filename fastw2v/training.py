"""The one training loop: passes over batches, schedule, history, divergence."""

import math
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastw2v.array_files import Arrays
from fastw2v.batches import BatchSource, prefetched
from fastw2v.callbacks import Callback, PassRecord, StepReport
from fastw2v.embeddings import Embeddings
from fastw2v.errors import CheckpointError, DivergenceError
from fastw2v.optim import Optimizer, StepRules
from fastw2v.supervision import Supervisor, Watch


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

    def arrays(self) -> Arrays:
        """Return all that training changes, by name."""
        ...

    def restore(self, arrays: Arrays) -> None:
        """Take over arrays of the same names and shapes."""
        ...


def train(
    objective: Objective[AnyBatch],
    batches: BatchSource[AnyBatch],
    optimizer: Optimizer,
    *,
    passes: int,
    callbacks: Sequence[Callback] = (),
    watch: Watch | None = None,
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
    watch : Watch, optional
        Says where to begin and when to end, and is told of every batch and pass.

    Raises
    ------
    DivergenceError
        When a batch's loss is not a finite number, or a pass leaves parameters that are not.
    """
    watch = watch or Supervisor().watch(objective, _no_embeddings)
    state = watch.state
    steps = passes * batches.batches_per_pass
    while state.passes_done < passes and not state.stopped:
        number = state.passes_done
        total_loss, total_weight = state.loss_sum, state.weight_sum
        step = number * batches.batches_per_pass + state.batches_done
        to_come = islice(batches.one_pass(number), state.batches_done, None)
        # Closed here: after an error its thread would live as long as the error's traceback.
        with closing(prefetched(to_come)) as ahead:
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
                    watch.elapsed_s(),
                    pass_ended,
                )
                if pass_ended:
                    report = watch.pass_done(report)
                else:
                    done = step - number * batches.batches_per_pass
                    watch.batch_done(done, total_loss, total_weight)
                for callback in callbacks:
                    callback(report)
        if state.passes_done == number:
            raise CheckpointError(
                f"pass {number + 1}: expected {batches.batches_per_pass} batches, got fewer; the "
                f"run was resumed after batch {state.batches_done}, which this text does not have"
            )
    return state.history


def _no_embeddings() -> Embeddings:
    raise NotImplementedError("only a validation text needs them")


def _diverged(what: str, step: int, steps: int, rate: float) -> DivergenceError:
    return DivergenceError(
        f"training diverged: expected {what} in batch {step} of {steps} at learning rate "
        f"{rate:.3g}; use a smaller --learning-rate"
    )
