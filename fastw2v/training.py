"""The one training loop: passes over batches, schedule, history, divergence."""

import math
import time
from collections.abc import Sequence

from fastw2v.batches import Batches, prefetched
from fastw2v.callbacks import Callback, PassRecord, StepReport
from fastw2v.errors import DivergenceError
from fastw2v.objectives import ExactSoftmax
from fastw2v.optim import Optimizer


def train(
    objective: ExactSoftmax,
    batches: Batches,
    optimizer: Optimizer,
    *,
    passes: int,
    callbacks: Sequence[Callback] = (),
) -> list[PassRecord]:
    """Train `objective` for a number of passes and return the history.

    Parameters
    ----------
    objective : ExactSoftmax
        Trained in place.
    batches : Batches
        Gives the batches of each pass.
    optimizer : Optimizer
        Gives the rules of each step; its ``total_steps`` should be those of all passes.
    passes : int
    callbacks : sequence of callable
        Each is called with a `StepReport` after every batch.

    Raises
    ------
    DivergenceError
        When a batch's loss is not a finite number.
    """
    history: list[PassRecord] = []
    started = time.perf_counter()
    steps = passes * batches.batches_per_pass
    step = 0
    for number in range(passes):
        total_loss, total_weight = 0.0, 0.0
        for batch in prefetched(batches.one_pass(number)):
            loss = objective.step(batch, optimizer.rules(step))
            if not math.isfinite(loss):
                raise DivergenceError(
                    f"training diverged: expected a finite loss, got {loss} in batch {step + 1} "
                    f"of {steps} at learning rate {optimizer.rate(step):.3g}; "
                    "use a smaller --learning-rate"
                )
            total_loss += loss
            total_weight += float(batch.row_weights.sum())
            step += 1
            report = StepReport(
                number + 1,
                passes,
                step,
                steps,
                total_loss / total_weight if total_weight else 0.0,
                optimizer.rate(step - 1),
                time.perf_counter() - started,
                step % batches.batches_per_pass == 0,
            )
            for callback in callbacks:
                callback(report)
        history.append(
            PassRecord(
                number + 1, report.loss_nats, report.learning_rate, time.perf_counter() - started
            )
        )
    return history
