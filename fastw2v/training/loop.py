"""The one training loop, for every objective: epochs, history, divergence."""

import math
from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import Callback, EpochProgress, EpochRecord, StepReport
from fastw2v.errors import CheckpointError, DivergenceError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.softmax.batches import BatchSource, prefetched
from fastw2v.objectives.softmax.optimizers import Optimizer, StepRules
from fastw2v.system.array_files import Arrays
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.run import RunOptions
from fastw2v.training.supervisor import Supervised, Supervisor, Watch


class Trainable(Supervised, Protocol):
    """What the loop needs to know of an objective with the data that it is trained on."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches, or blocks of text."""
        ...

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        ...

    def epoch(self, number: int, begun: EpochProgress) -> Generator[EpochProgress]:
        """Train epoch `number`, from 0, where it was left, and yield after each step."""
        ...


def train(
    trainable: Trainable,
    *,
    epochs: int,
    callbacks: Sequence[Callback] = (),
    watch: Watch | None = None,
) -> list[EpochRecord]:
    """Train for a number of epochs and return the history.

    Parameters
    ----------
    trainable : Trainable
        Trained in place.
    epochs : int
    callbacks : sequence of callable
        Each is called with a `StepReport` after every step.
    watch : Watch, optional
        Says where to begin and when to end, and is told of every step and epoch.

    Raises
    ------
    DivergenceError
        When a loss is not a finite number, or an epoch leaves parameters that are not.
    """
    watch = watch or Supervisor().watch(trainable, _no_embeddings)
    state, steps = watch.state, trainable.steps_per_epoch
    while state.epochs_done < epochs and not state.stopped:
        number = state.epochs_done
        begun = EpochProgress(state.steps_done, state.loss_sum, state.weight_sum)
        # Closed here: after an error its thread would live as long as the error's traceback.
        with closing(trainable.epoch(number, begun)) as epoch:
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
                if ended and not trainable.is_finite:
                    raise _diverged("finite vectors, got others", report)
                if ended:
                    report = watch.epoch_done(report)
                else:
                    watch.step_done(now.steps_done, now.loss_sum, now.weight_sum)
                for callback in callbacks:
                    callback(report)
        if state.epochs_done == number:
            raise CheckpointError(
                f"epoch {number + 1}: expected {steps} batches, got fewer; the run was resumed "
                f"after batch {state.steps_done}, which this text does not have"
            )
    return state.history


def _no_embeddings() -> Embeddings:
    raise NotImplementedError("only a validation text needs them")


def _diverged(what: str, report: StepReport) -> DivergenceError:
    return DivergenceError(
        f"training diverged: expected {what} in step {report.step} of {report.steps} (epoch "
        f"{report.epoch} of {report.epochs}) at learning rate {report.learning_rate:.3g}; use a "
        "smaller --learning-rate"
    )


class WeightedRows(Protocol):
    """What training needs to know of a batch."""

    @property
    def row_weights(self) -> NDArray[np.float64]:
        """Weight of each row (B,); the batch's loss is divided by their sum."""
        ...


AnyBatch = TypeVar("AnyBatch", bound=WeightedRows)
Batch_contra = TypeVar("Batch_contra", bound=WeightedRows, contravariant=True)


class SoftmaxObjective(Supervised, Protocol[Batch_contra]):
    """An objective with the parameters of a softmax, trained batch by batch."""

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        ...

    @property
    def in_vectors(self) -> NDArray[np.float32]:
        """Input vectors (V, D)."""
        ...

    @property
    def out_vectors(self) -> NDArray[np.float32]:
        """Output vectors (V, D)."""
        ...

    @property
    def out_bias(self) -> NDArray[np.float32]:
        """Output bias (V,)."""
        ...

    def step(self, batch: Batch_contra, rules: StepRules) -> float:
        """Train on one batch and return its loss from before, in nats, summed over the rows."""
        ...


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

    def arrays(self) -> Arrays:
        """Return all that training changes, by name."""
        return self.objective.arrays()

    def restore(self, arrays: Arrays) -> None:
        """Take over arrays of the same names and shapes."""
        self.objective.restore(arrays)

    def epoch(self, number: int, begun: EpochProgress) -> Generator[EpochProgress]:
        """Train on the batches that are left of an epoch; a thread prepares the next one."""
        done, loss_sum, weight_sum = begun.steps_done, begun.loss_sum, begun.weight_sum
        step = number * self.steps_per_epoch + done
        to_come = islice(self.batches.one_epoch(number), done, None)
        with closing(prefetched(to_come)) as ahead:
            for batch in ahead:
                rate = self.optimizer.rate(step)
                loss_sum += self.objective.step(batch, self.optimizer.rules(step))
                weight_sum += float(batch.row_weights.sum())
                step, done = step + 1, done + 1
                yield EpochProgress(done, loss_sum, weight_sum, rate)


def train_supervised(
    training: BatchTraining[AnyBatch],
    vocabulary: Vocabulary,
    keep: NDArray[np.float64],
    run: RunOptions,
    epochs: int,
) -> tuple[Embeddings, list[EpochRecord]]:
    """Train an exact softmax, and return what it learned and the history.

    Parameters
    ----------
    training : BatchTraining
    vocabulary : Vocabulary
    keep : (V,) float64
        With which probability subsampling keeps each word.
    run : RunOptions
    epochs : int

    Raises
    ------
    DivergenceError, TrainingInterrupted
        As in `Word2Vec.fit`.
    """
    objective = training.objective

    def embeddings() -> Embeddings:
        # p(o|h) of the text itself is q(o|h) / keep(o), normalised: docs/math.md, section 7.
        bias = (objective.out_bias - np.log(keep)).astype(np.float32)
        return Embeddings(vocabulary, objective.in_vectors, objective.out_vectors, bias)

    callbacks = run.callbacks_with(lambda: (objective.in_vectors, objective.out_vectors))
    with run.supervisor.watch(training, embeddings) as watch:
        train(training, epochs=epochs, callbacks=callbacks, watch=watch)
    return embeddings(), watch.state.history
