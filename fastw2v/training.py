"""The one training loop: passes over batches, schedule, history, divergence."""

import math
import time
from collections.abc import Sequence
from contextlib import closing

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
