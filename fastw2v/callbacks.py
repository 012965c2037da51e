"""What training reports while it runs, and to whom."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

__all__ = ["Callback", "EpochProgress", "EpochRecord", "StageProgress", "StepReport", "stage_of"]


@dataclass(frozen=True)
class StepReport:
    """State of training after one batch.

    Attributes
    ----------
    epoch, epochs : int
        The current epoch, counted from 1, and how many there will be.
    step, steps : int
        Batches done and batches in the whole run.
    loss_nats : float
        Mean loss of the current epoch so far, per weighted pair.
    learning_rate : float
    elapsed_s : float
        Seconds since training began, without those in which kernels were compiled.
    epoch_ended : bool
    held_out_loss_nats : float, optional
        At the end of an epoch, if the run has a validation text.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss_nats: float
    learning_rate: float
    elapsed_s: float
    epoch_ended: bool
    held_out_loss_nats: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, by name."""
        return asdict(self)


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of the history that is stored with the model.

    Attributes
    ----------
    epoch : int
        From 1.
    loss_nats : float
        Mean over the epoch of each batch's loss from before its step, per weighted pair.
    learning_rate : float
        Of the last batch.
    elapsed_s : float
        Seconds from the start of training to the end of the epoch; of a resumed run those of its
        parts together. Without those in which kernels were compiled.
    tokens_per_s : float, optional
        Tokens of the training text by the seconds that the epoch took.
    held_out_loss_nats : float, optional
        Loss on the validation text after the epoch, in nats per pair.
    held_out_perplexity : float, optional
        exp of it, where it is one of probabilities.
    compile_s : float, optional
        Seconds in which kernels were compiled while the epoch was trained.
    finish_s : float, optional
        Of the last epoch: seconds from its end to the model, see `TrainingSummary`.
    """

    epoch: int
    loss_nats: float
    learning_rate: float
    elapsed_s: float
    tokens_per_s: float | None = None
    held_out_loss_nats: float | None = None
    held_out_perplexity: float | None = None
    compile_s: float | None = None
    finish_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain values that JSON can hold."""
        return asdict(self)


class EpochProgress(NamedTuple):
    """How far an epoch is: what an objective tells the training loop after a step.

    Attributes
    ----------
    steps_done : int
        Of the epoch: batches, or blocks of text.
    loss_sum, weight_sum : float
        Of the epoch so far: what its mean loss is made of, in nats.
    learning_rate : float
        Of the last step; 0 before the first.
    """

    steps_done: int
    loss_sum: float
    weight_sum: float
    learning_rate: float = 0.0

    @property
    def loss_nats(self) -> float:
        """The mean loss; 0 where nothing was weighed."""
        return self.loss_sum / self.weight_sum if self.weight_sum else 0.0


Callback = Callable[[StepReport], None]
# Called with the name of a stage, how much of it is done, and how much there is, if known.
StageProgress = Callable[[str, int, int | None], None]


def stage_of(
    progress: StageProgress | None, stage: str
) -> Callable[[int, int | None], None] | None:
    """Return what reports (done, total) of one stage, or None."""
    if progress is None:
        return None
    return lambda done, total: progress(stage, done, total)
