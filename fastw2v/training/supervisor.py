"""What goes on beside the training loop: checkpoints, held-out loss, early end, interruption.

A loop asks a `Watch` where to begin, and tells it of every step and epoch. A `Supervisor` has what
outlives the loop: what was asked for, what the run is, and how it ended.
"""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Literal, NamedTuple, Protocol, Self

import numpy as np

from fastw2v.callbacks import EpochRecord, StepReport
from fastw2v.errors import CheckpointError, ConfigurationError, DivergenceError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.system.array_files import Arrays
from fastw2v.system.signals import StopSignals, TrainingInterrupted, deferred_signals
from fastw2v.training.checkpoints import Checkpoint, Checkpoints, TrainingState, write_checkpoint

PARAMETERS = ("in_vectors", "out_vectors", "out_bias")
_KEPT = "kept/"

Ended = Literal["finished", "patience", "diverged"]


class HeldOutLoss(NamedTuple):
    """Loss on the validation text, and exp of it where it is one of probabilities."""

    loss_nats: float
    perplexity: float | None


class Supervised(Protocol):
    """What a supervisor needs of an objective: its arrays."""

    def arrays(self) -> Arrays:
        """Return all that training changes, by name, as views; `PARAMETERS` among them."""
        ...

    def restore(self, arrays: Arrays) -> None:
        """Take over some or all of the arrays, of the same shapes."""
        ...


@dataclass
class Supervisor:
    """What a run asked for beside its training, what run it is, and how it ended.

    Attributes
    ----------
    checkpoints : Checkpoints, optional
        Where and how often the run is saved.
    patience : int, optional
        End when the held-out loss has not fallen for so many epochs, and keep the best epoch.
    run : dict
        What checkpoints say of the run.
    resumed : Checkpoint, optional
        From which the run goes on.
    held_out_loss : callable, optional
        Measures an epoch; there once the validation text has been read.
    n_tokens : int, optional
        Of the training text, once it has been read.
    survives_divergence : bool
        Whether a run that diverges ends in its last good epoch, at the price of one more copy of
        the parameters, instead of an error at once.
    ended : {"finished", "patience", "diverged"}
    kept_epoch : int
        The epoch whose parameters the model has.
    divergence : DivergenceError, optional
        What ended the run, if there was an epoch before it.
    """

    checkpoints: Checkpoints | None = None
    patience: int | None = None
    run: dict[str, Any] = field(default_factory=dict)
    resumed: Checkpoint | None = None
    held_out_loss: Callable[[Embeddings], HeldOutLoss] | None = None
    n_tokens: int | None = None
    survives_divergence: bool = False
    ended: Ended = "finished"
    kept_epoch: int = 0
    divergence: DivergenceError | None = None
    _watch: "Watch | None" = None

    def __post_init__(self) -> None:
        value = self.patience
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or value < 1
        ):
            raise ConfigurationError(f"patience: expected a whole number from 1 on, got {value!r}")

    @property
    def state(self) -> TrainingState | None:
        """Where the run goes on; None if it begins."""
        return self.resumed.state if self.resumed else None

    @property
    def begins(self) -> bool:
        """Whether first vectors are needed."""
        return self.state is None

    def announce(self) -> None:
        """Write down what run this is before anything is read, so that it can be begun again."""
        if self.checkpoints and self.checkpoints.every and self.begins:
            write_checkpoint(self.checkpoints.path, Checkpoint(self.run, None, {}))

    def watch(self, objective: Supervised, embeddings: Callable[[], Embeddings]) -> "Watch":
        """Return what a training loop reports to.

        Parameters
        ----------
        objective : Supervised
        embeddings : callable
            Makes a model of the objective's parameters, for the validation text.
        """
        self._watch = Watch(self, objective, embeddings)
        return self._watch

    def interrupted(self) -> TrainingInterrupted:
        """Return the error for an interruption outside the loop; save what can be saved."""
        if self._watch is not None and self._watch.is_over and self.checkpoints:
            self._watch.save()
            state = self._watch.state
            return TrainingInterrupted(self.checkpoints.path, (state.epochs_done, 0))
        can_begin_again = self.checkpoints is not None and self.checkpoints.path.exists()
        return TrainingInterrupted(
            self.checkpoints.path if self.checkpoints and can_begin_again else None
        )

    def failed(self) -> None:
        """Remove what `announce` wrote, after an error before there was anything to save."""
        has_saved = self._watch is not None and self._watch.has_saved
        if self.checkpoints and self.checkpoints.every and self.begins and not has_saved:
            self.checkpoints.path.unlink(missing_ok=True)


class Watch:
    """One training loop, watched.

    Entered, it defers signals and restores a resumed run's arrays; left, it restores the epoch
    that is to be kept. A `DivergenceError` after a good epoch ends in that epoch's parameters.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        objective: Supervised,
        embeddings: Callable[[], Embeddings],
    ) -> None:
        self.state = supervisor.state or TrainingState()
        self.is_over = False
        self.has_saved = False
        self._supervisor = supervisor
        self._objective = objective
        self._embeddings = embeddings
        self._kept: Arrays | None = None
        self._signals: StopSignals | None = None
        self._deferral: AbstractContextManager[StopSignals | None] = nullcontext()
        self._began = time.perf_counter() - self.state.elapsed_s
        self._saved = time.perf_counter()

    def __enter__(self) -> Self:
        if self._supervisor.resumed is not None and self._supervisor.state is not None:
            self._restore(self._supervisor.resumed.arrays)
        if self._supervisor.checkpoints is not None:
            self._deferral = deferred_signals()
        self._signals = self._deferral.__enter__()
        self._began = time.perf_counter() - self.state.elapsed_s
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        supervisor = self._supervisor
        try:
            can_survive = supervisor.survives_divergence and self._kept is not None
            if isinstance(error, DivergenceError) and can_survive:
                supervisor.divergence, supervisor.ended = error, "diverged"
            elif error is not None:
                return False
            elif self.state.stopped:
                supervisor.ended = "patience"
            supervisor.kept_epoch = self.state.epochs_done
            if self._kept is not None and (supervisor.patience or supervisor.divergence):
                supervisor.kept_epoch = self.state.kept_epoch
                self._objective.restore(self._kept)
            self.is_over = supervisor.divergence is None
            return True
        finally:
            self._deferral.__exit__(None, None, None)

    def elapsed_s(self) -> float:
        """Return the seconds of training so far, those before a resumption too."""
        return time.perf_counter() - self._began

    def step_done(self, steps_done: int, loss_sum: float, weight_sum: float) -> None:
        """Take note of a batch within an epoch.

        Raises
        ------
        TrainingInterrupted
            If a signal asked for the end; the run has been saved.
        """
        state = self.state
        state.steps_done, state.loss_sum, state.weight_sum = steps_done, loss_sum, weight_sum
        seconds = self._supervisor.checkpoints.seconds if self._supervisor.checkpoints else None
        if seconds is not None and time.perf_counter() - self._saved >= seconds:
            self.save()
        self._end_if_asked()

    def epoch_done(self, report: StepReport) -> StepReport:
        """Take note of an epoch: measure it, keep it, save it; return the report with its loss.

        After it `state.stopped` says whether training should end.

        Raises
        ------
        TrainingInterrupted
            As `step_done`.
        """
        state = self.state
        record = self._record(report)
        state.history.append(record)
        state.epochs_done += 1
        state.steps_done, state.loss_sum, state.weight_sum = 0, 0.0, 0.0
        self._keep(record, is_last=report.epoch == report.epochs)
        patience = self._supervisor.patience
        if patience is not None and report.epoch < report.epochs:
            state.stopped = state.epochs_done - state.kept_epoch >= patience
        state.epoch_began_s = self.elapsed_s()
        checkpoints = self._supervisor.checkpoints
        due = checkpoints is not None and (
            (checkpoints.epochs is not None and state.epochs_done % checkpoints.epochs == 0)
            or (
                checkpoints.seconds is not None
                and time.perf_counter() - self._saved >= checkpoints.seconds
            )
        )
        if due:
            self.save()
        self._end_if_asked()
        return replace(report, held_out_loss_nats=record.held_out_loss_nats)

    def _record(self, report: StepReport) -> EpochRecord:
        elapsed_s = self.elapsed_s()
        n_tokens, took_s = self._supervisor.n_tokens, elapsed_s - self.state.epoch_began_s
        record = EpochRecord(
            report.epoch,
            report.loss_nats,
            report.learning_rate,
            elapsed_s,
            n_tokens / took_s if n_tokens and took_s > 0 else None,
        )
        if self._supervisor.held_out_loss is None:
            return record
        found = self._supervisor.held_out_loss(self._embeddings())
        return replace(
            record, held_out_loss_nats=found.loss_nats, held_out_perplexity=found.perplexity
        )

    def _keep(self, record: EpochRecord, *, is_last: bool) -> None:
        """Keep the epoch's parameters aside if it is the best, or the last good one."""
        state = self.state
        if self._supervisor.patience is not None:
            loss_nats = record.held_out_loss_nats
            if loss_nats is None or not math.isfinite(loss_nats):
                return
            if state.kept_epoch:
                best = state.history[state.kept_epoch - 1].held_out_loss_nats
                if best is not None and loss_nats >= best:
                    return
        elif is_last or not self._supervisor.survives_divergence:
            return
        state.kept_epoch = state.epochs_done
        self._copy_parameters(self._objective.arrays())

    def _copy_parameters(self, arrays: Arrays, prefix: str = "") -> None:
        wanted = {name: arrays[prefix + name] for name in PARAMETERS if prefix + name in arrays}
        if self._kept is None:
            self._kept = {name: array.copy() for name, array in wanted.items()}
        for name, array in wanted.items():
            np.copyto(self._kept[name], array)

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        checkpoints, state = self._supervisor.checkpoints, self.state
        if checkpoints is None:
            return
        state.elapsed_s = self.elapsed_s()
        arrays = dict(self._objective.arrays())
        is_current = state.kept_epoch == state.epochs_done and not state.steps_done
        if self._kept is not None and not is_current:
            arrays |= {_KEPT + name: array for name, array in self._kept.items()}
        write_checkpoint(checkpoints.path, Checkpoint(self._supervisor.run, state, arrays))
        self._saved = time.perf_counter()
        self.has_saved = True

    def _restore(self, arrays: Arrays) -> None:
        expected = self._objective.arrays()
        for name, array in expected.items():
            came = arrays.get(name)
            if came is None or came.shape != array.shape or came.dtype != array.dtype:
                got = f"{came.dtype} of shape {came.shape}" if came is not None else "none"
                raise CheckpointError(
                    f"{name}: expected {array.dtype} of shape {array.shape}, got {got} in the "
                    "checkpoint; resume on a machine like the first one, with the same version"
                )
        self._objective.restore({name: arrays[name] for name in expected})
        if self.state.kept_epoch:
            aside = any(name.startswith(_KEPT) for name in arrays)
            self._copy_parameters(arrays, _KEPT if aside else "")

    def _end_if_asked(self) -> None:
        if self._signals is None or not self._signals.requested:
            return
        self.save()
        self._signals.requested = False  # answered
        checkpoints = self._supervisor.checkpoints
        raise TrainingInterrupted(
            checkpoints.path if checkpoints else None,
            (self.state.epochs_done, self.state.steps_done),
        )
