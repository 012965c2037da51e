"""The one training loop, for every objective: epochs, history, divergence."""

import logging
import math
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import islice
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import EpochProgress, StepReport
from fastw2v.errors import CheckpointError, DivergenceError
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.softmax.batches import BatchSource, prefetched
from fastw2v.objectives.softmax.objective import AnyBatch, SoftmaxObjective
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.system.array_files import Arrays
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.run import Run
from fastw2v.training.watch import Trainable, Watch

__all__ = ["BatchTraining", "text_bias", "train", "train_softmax"]

_LOGGER = logging.getLogger(__name__)


def train(trained: Trainable, run: Run, embeddings: Callable[[], Embeddings]) -> Watch:
    """Train all epochs of a run, or those that are left of it.

    Parameters
    ----------
    trained : Trainable
        Trained in place.
    run : Run
        Says where to begin and when to end, and is told of every step and epoch.
    embeddings : callable
        Makes a model of the parameters as they are; called where there is a validation text.

    Returns
    -------
    Watch
        With the history, and how training ended.

    Raises
    ------
    DivergenceError
        When a loss is not a finite number, or an epoch leaves parameters that are not; unless the
        run keeps a good epoch.
    TrainingInterrupted
        If a signal asked for the end of a run that has checkpoints; it has been saved.
    """
    run.wait_for_kernels()
    with Watch(run, trained, embeddings) as watch:
        watch.state.block_tokens = trained.block_tokens
        _train_epochs(trained, run, watch)
    return watch


def _train_epochs(trained: Trainable, run: Run, watch: Watch) -> None:
    epochs = run.settings.total_epochs
    state, steps = watch.state, trained.steps_per_epoch
    while state.epochs_done < epochs and not state.stopped:
        number = state.epochs_done
        begun = EpochProgress(state.steps_done, state.loss_sum, state.weight_sum)
        # Closed here: after an error its thread would live as long as the error's traceback.
        with closing(trained.epoch(number, begun)) as epoch:
            for now in epoch:
                ended = now.steps_done == steps
                report = StepReport(
                    number + 1,
                    epochs,
                    number * steps + now.steps_done,
                    epochs * steps,
                    now.loss_nats,
                    now.learning_rate,
                    watch.elapsed_s(),
                    ended,
                )
                if not math.isfinite(now.loss_sum):
                    raise _diverged(f"a finite loss, got {now.loss_nats}", report)
                if ended and not trained.is_finite:
                    raise _diverged("finite vectors, got others", report)
                if ended:
                    report = watch.epoch_done(report)
                else:
                    watch.step_done(now.steps_done, now.loss_sum, now.weight_sum)
                if ended and run.after_epoch is not None:
                    run.after_epoch((trained.in_vectors, trained.out_vectors))
                for callback in run.reports.callbacks:
                    callback(report)
                if ended:
                    _LOGGER.info(
                        "epoch %d of %d: loss %.4f nats, %.1f s",
                        report.epoch, report.epochs, report.loss_nats, report.elapsed_s,
                    )  # fmt: skip
                watch.end_if_asked()
        if state.epochs_done == number:
            raise CheckpointError(
                f"epoch {number + 1}: expected {steps} batches, got fewer; the run was resumed "
                f"after batch {state.steps_done}, which this text does not have"
            )


def _diverged(what: str, report: StepReport) -> DivergenceError:
    return DivergenceError(
        f"training diverged: expected {what} in step {report.step} of {report.steps} (epoch "
        f"{report.epoch} of {report.epochs}) at learning rate {report.learning_rate:.3g}; use a "
        "smaller --learning-rate"
    )


class BatchTraining(Generic[AnyBatch]):
    """An exact softmax with its batches and its optimiser, as the loop takes them.

    Parameters
    ----------
    objective : ExactSoftmax or CbowSoftmax
    batches : BatchSource
        Gives the objective's batches of each epoch.
    optimizer : Optimizer
        Gives the rules of each step; its ``total_steps`` should be those of all epochs.
    """

    block_tokens = None  # batches are the unit

    def __init__(
        self,
        objective: SoftmaxObjective[AnyBatch],
        batches: BatchSource[AnyBatch],
        optimizer: Optimizer,
    ) -> None:
        self.objective, self.batches, self.optimizer = objective, batches, optimizer

    @property
    def steps_per_epoch(self) -> int:
        """Batches."""
        return self.batches.batches_per_epoch

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        return self.objective.is_finite

    @property
    def in_vectors(self) -> VectorArray:
        """Input vectors (V, D), a copy."""
        return self.objective.in_vectors

    @property
    def out_vectors(self) -> VectorArray:
        """Output vectors (V, D), a copy."""
        return self.objective.out_vectors

    def arrays(self) -> Arrays:
        """Return all that training changes, by name."""
        return self.objective.arrays()

    def restore(self, arrays: Arrays) -> None:
        """Take over arrays of the same names and shapes."""
        self.objective.restore(arrays)

    def _announced(self, batches: Iterator[AnyBatch]) -> Iterator[AnyBatch]:
        for batch in batches:
            self.objective.announce(batch)
            yield batch

    def first_step(self, number: int) -> int:
        """Return the step that an epoch begins with, as the optimiser counts them."""
        return number * self.steps_per_epoch

    def epoch(self, number: int, begun: EpochProgress) -> Generator[EpochProgress]:
        """Train on the batches that are left of an epoch; a thread prepares the next one."""
        done, loss_sum, weight_sum = begun.steps_done, begun.loss_sum, begun.weight_sum
        step = self.first_step(number) + done
        to_come = islice(self.batches.one_epoch(number), done, None)
        with closing(prefetched(self._announced(to_come))) as ahead:
            for batch in ahead:
                rate = self.optimizer.rate(step)
                loss_sum += self.objective.step(batch, self.optimizer.rules(step))
                weight_sum += float(batch.row_weights.sum())
                step, done = step + 1, done + 1
                yield EpochProgress(done, loss_sum, weight_sum, rate)


def train_softmax(
    training: BatchTraining[AnyBatch], vocabulary: Vocabulary, keep: NDArray[np.float64], run: Run
) -> tuple[Callable[[], Embeddings], Watch]:
    """Train an exact softmax; return what makes a copy of what it has learned, and how it went.

    Parameters
    ----------
    training : BatchTraining
    vocabulary : Vocabulary
    keep : (V,) float64
        With which probability subsampling keeps each word.
    run : Run

    Raises
    ------
    DivergenceError, TrainingInterrupted
        As `train`.
    """
    objective = training.objective

    def embeddings() -> Embeddings:
        bias = text_bias(objective, keep)
        return Embeddings(vocabulary, objective.in_vectors, objective.out_vectors, bias)

    return embeddings, train(training, run, embeddings)


def text_bias(objective: SoftmaxObjective[AnyBatch], keep: NDArray[np.float64]) -> VectorArray:
    """Return the output bias (V,) with which probabilities speak of the text itself.

    p(o|h) of the text is q(o|h) / keep(o), normalised: docs/math.md, section 7.
    """
    return np.asarray(objective.out_bias - np.log(keep), np.float32)
