"""What goes on beside a training loop: checkpoints, held-out loss, early end, interruption.

A loop asks its `Watch` where to begin, and tells it of every step and epoch.
"""

import math
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from fastw2v.callbacks import EpochProgress, EpochRecord, StepReport
from fastw2v.errors import CheckpointError, DivergenceError
from fastw2v.kernels.compile_clock import compiling_s, working_s
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.system.array_files import Arrays
from fastw2v.system.signals import StopSignals, TrainingInterrupted, deferred_signals
from fastw2v.training.checkpoints import Checkpoint, TrainingState, write_checkpoint
from fastw2v.training.kept import KeptArrays
from fastw2v.training.result import Ended, RunRecord, TrainedModel, TrainingSummary
from fastw2v.training.run import Run

__all__ = ["PARAMETERS", "Trainable", "Watch"]

PARAMETERS = ("in_vectors", "out_vectors", "out_bias")
_KEPT = "kept/"


class Trainable(Protocol):
    """What a training loop needs to know of an objective with the data that it is trained on."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches, or blocks of text."""
        ...

    @property
    def block_tokens(self) -> int | None:
        """Tokens of a block, where blocks are the unit of work."""
        ...

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        ...

    @property
    def in_vectors(self) -> VectorArray:
        """Input vectors (V, D), a copy."""
        ...

    @property
    def out_vectors(self) -> VectorArray:
        """Output vectors, a copy."""
        ...

    def arrays(self) -> Arrays:
        """Return all that training changes, by name, as views; `PARAMETERS` among them."""
        ...

    def restore(self, arrays: Arrays) -> None:
        """Take over some or all of the arrays, of the same shapes."""
        ...

    def epoch(self, number: int, begun: EpochProgress) -> Generator[EpochProgress]:
        """Train epoch `number`, from 0, where it was left, and yield after each step."""
        ...


class Watch:
    """One training loop, watched.

    Entered, it defers signals and restores a resumed run's arrays; left, it restores the epoch
    that is to be kept. A `DivergenceError` after a good epoch ends in that epoch's parameters.

    Attributes
    ----------
    state : TrainingState
    ended : {"finished", "patience", "diverged"}
    kept_epoch : int
        The epoch whose parameters training has ended with.
    divergence : DivergenceError, optional
        What ended the run, if there was an epoch before it.
    """

    def __init__(self, run: Run, trained: Trainable, embeddings: Callable[[], Embeddings]) -> None:
        self.state = run.state or TrainingState()
        self.ended: Ended = "finished"
        self.kept_epoch = 0
        self.divergence: DivergenceError | None = None
        self._run = run
        self._trained = trained
        self._embeddings = embeddings
        self._kept = KeptArrays()
        self._signals: StopSignals | None = None
        self._deferral: AbstractContextManager[StopSignals | None] = nullcontext()
        self._began = working_s() - self.state.elapsed_s
        self._saved = time.perf_counter()
        self._ended_s = self._compiled_s = 0.0

    def __enter__(self) -> Self:
        if self._run.resumed is not None and not self._run.begins:
            self._restore(self._run.resumed.arrays)
            self._run.resumed.arrays.clear()  # else they would be held beside what is trained
        if self._run.options.checkpoints is not None:
            self._deferral = deferred_signals()
        self._signals = self._deferral.__enter__()
        self._began = working_s() - self.state.elapsed_s
        self._compiled_s = compiling_s()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        try:
            has_good_epoch = self._run.keeps_good_epochs and bool(self._kept)
            if isinstance(error, DivergenceError) and has_good_epoch:
                self.ended = "diverged"
                which = "best" if self._run.options.patience is not None else "last good"
                self.divergence = DivergenceError(
                    f"{error}; the model has epoch {self.state.kept_epoch}, the {which} one"
                )
            elif error is not None:
                return False
            elif self.state.stopped:
                self.ended = "patience"
            self.kept_epoch = self.state.epochs_done
            if self._kept and (self._run.options.patience or self.divergence):
                self.kept_epoch = self.state.kept_epoch
                self._trained.restore(self._kept.arrays())
            if self.divergence is None:
                self._run.save_trained = self._save_trained
            return True
        finally:
            self._ended_s = working_s()
            self._deferral.__exit__(None, None, None)

    @property
    def kept_record(self) -> EpochRecord:
        """The history's record of the epoch that training has ended with."""
        return self.state.history[self.kept_epoch - 1]

    def result(
        self, embeddings: Embeddings, summary: TrainingSummary, corpus_digest: str
    ) -> TrainedModel:
        """Return the model that the run has ended in.

        Of the summary's seconds of training those since the last epoch are taken off: the time
        that calibrating and measuring took is one of its own, and so is that of compiling.
        """
        run, about = self._run, self._run.description
        finish_s = working_s() - self._ended_s
        summary = replace(
            summary,
            train_s=summary.train_s - finish_s,
            finish_s=finish_s,
            compile_s=compiling_s() - run.compiled_before_s,
        )
        self.state.history[-1] = replace(self.state.history[-1], finish_s=finish_s)
        asked, held_out = about.validation, about.held_out
        return TrainedModel(
            run.settings,
            embeddings,
            corpus_digest,
            self.state.history,
            summary,
            RunRecord(
                about.sources,
                asked | held_out if asked and held_out else None,
                run.options.patience,
                self.ended,
                self.kept_epoch,
                about.start,
                about.counts,
            ),
            self.divergence,
            run.words,
        )

    def elapsed_s(self) -> float:
        """Return the seconds of training so far, those before a resumption too."""
        return working_s() - self._began

    def step_done(self, steps_done: int, loss_sum: float, weight_sum: float) -> None:
        """Take note of a batch within an epoch."""
        state = self.state
        state.steps_done, state.loss_sum, state.weight_sum = steps_done, loss_sum, weight_sum
        seconds = self._run.options.checkpoints.seconds if self._run.options.checkpoints else None
        if seconds is not None and time.perf_counter() - self._saved >= seconds:
            self.save()

    def epoch_done(self, report: StepReport) -> StepReport:
        """Take note of an epoch: measure it, keep it, save it; return the report with its loss.

        After it `state.stopped` says whether training should end.
        """
        state = self.state
        record = self._record(report)
        state.history.append(record)
        state.epochs_done += 1
        state.steps_done, state.loss_sum, state.weight_sum = 0, 0.0, 0.0
        self._keep(record, is_last=report.epoch == report.epochs)
        patience = self._run.options.patience
        if patience is not None and report.epoch < report.epochs:
            state.stopped = state.epochs_done - state.kept_epoch >= patience
        state.epoch_began_s = self.elapsed_s()
        checkpoints = self._run.options.checkpoints
        due = checkpoints is not None and (
            (checkpoints.epochs is not None and state.epochs_done % checkpoints.epochs == 0)
            or (
                checkpoints.seconds is not None
                and time.perf_counter() - self._saved >= checkpoints.seconds
            )
        )
        if due:
            self.save()
        return replace(report, held_out_loss_nats=record.held_out_loss_nats)

    def _record(self, report: StepReport) -> EpochRecord:
        elapsed_s, compiled_s = self.elapsed_s(), compiling_s()
        compile_s, self._compiled_s = compiled_s - self._compiled_s, compiled_s
        n_tokens, took_s = self._run.n_tokens, elapsed_s - self.state.epoch_began_s
        record = EpochRecord(
            report.epoch,
            report.loss_nats,
            report.learning_rate,
            elapsed_s,
            n_tokens / took_s if n_tokens and took_s > 0 else None,
            compile_s=compile_s or None,
        )
        if self._run.validation_text is None:
            return record
        found = self._run.validation_text.loss(self._embeddings())
        return replace(
            record, held_out_loss_nats=found.loss_nats, held_out_perplexity=found.perplexity
        )

    def _keep(self, record: EpochRecord, *, is_last: bool) -> None:
        """Keep the epoch's parameters aside if it is the best, or the last good one."""
        state = self.state
        if self._run.options.patience is not None:
            loss_nats = record.held_out_loss_nats
            if loss_nats is None or not math.isfinite(loss_nats):
                return
            if state.kept_epoch:
                best = state.history[state.kept_epoch - 1].held_out_loss_nats
                if best is not None and loss_nats >= best:
                    return
        elif is_last or not self._run.keeps_good_epochs:
            return
        state.kept_epoch = state.epochs_done
        self._copy_parameters(self._trained.arrays())

    def _copy_parameters(self, arrays: Arrays, prefix: str = "") -> None:
        wanted = {name: arrays[prefix + name] for name in PARAMETERS if prefix + name in arrays}
        self._kept.keep(wanted)

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        checkpoints, state = self._run.options.checkpoints, self.state
        if checkpoints is None:
            return
        state.elapsed_s = self.elapsed_s()
        arrays = dict(self._trained.arrays())
        is_current = state.kept_epoch == state.epochs_done and not state.steps_done
        if self._kept and not is_current:
            arrays |= {_KEPT + name: array for name, array in self._kept.arrays().items()}
        write_checkpoint(checkpoints.path, Checkpoint(self._run.description, state, arrays))
        self._saved = time.perf_counter()
        self._run.has_saved = True

    def _save_trained(self) -> int:
        self.save()
        return self.state.epochs_done

    def _restore(self, arrays: Arrays) -> None:
        expected = self._trained.arrays()
        for name, array in expected.items():
            came = arrays.get(name)
            if came is None or came.shape != array.shape or came.dtype != array.dtype:
                got = f"{came.dtype} of shape {came.shape}" if came is not None else "none"
                raise CheckpointError(
                    f"{name}: expected {array.dtype} of shape {array.shape}, got {got} in the "
                    "checkpoint; resume on a machine like the first one, with the same version"
                )
        self._trained.restore({name: arrays[name] for name in expected})
        if self.state.kept_epoch:
            aside = any(name.startswith(_KEPT) for name in arrays)
            self._copy_parameters(arrays, _KEPT if aside else "")

    def end_if_asked(self) -> None:
        """Look for a signal, once everybody has been told of a step.

        Raises
        ------
        TrainingInterrupted
            If one asked for the end; the run has been saved.
        """
        if self._signals is None or not self._signals.requested:
            return
        self.save()
        self._signals.requested = False  # answered
        checkpoints = self._run.options.checkpoints
        raise TrainingInterrupted(
            checkpoints.path if checkpoints else None,
            (self.state.epochs_done, self.state.steps_done),
        )
