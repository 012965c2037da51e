"""What is asked of a run besides its settings, and whom it tells of itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fastw2v.callbacks import Callback, StageProgress
from fastw2v.config.numbers import MOST_MIB, shown_value, whole_number
from fastw2v.errors import ConfigurationError
from fastw2v.training.checkpoints import Checkpoints
from fastw2v.training.validation import Validation

__all__ = ["NO_REPORTS", "Reports", "RunOptions"]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What is asked of a run besides its settings; valid once constructed.

    Attributes
    ----------
    validation : Validation, optional
        What is measured after each epoch.
    patience : int, optional
        End when the held-out loss has not fallen for so many epochs, and keep the best epoch.
    checkpoints : Checkpoints, optional
        Where and how often the run is saved.
    memory_mib : int, optional
        What cannot be trained within so much memory is refused. It changes no result.

    Raises
    ------
    ConfigurationError
        If `patience` cannot be used, a number is out of its range, or validation or checkpoints
        are of another type.
    """

    validation: Validation | None = None
    patience: int | None = None
    checkpoints: Checkpoints | None = None
    memory_mib: int | None = None

    def __post_init__(self) -> None:
        for name, kind, example in (
            ("validation", Validation, "Validation('held-out.txt') or Validation(fraction=0.1)"),
            ("checkpoints", Checkpoints, "Checkpoints('model')"),
        ):
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise ConfigurationError(
                    f"{name}: expected {example}, got {shown_value(value)} ({type(value).__name__})"
                )
        if self.patience is not None:
            if self.validation is None:
                raise ConfigurationError(
                    "patience: expected a validation text or fraction to look at, got none"
                )
            object.__setattr__(self, "patience", whole_number("patience", self.patience, low=1))
        if self.memory_mib is not None:
            memory_mib = whole_number("memory", self.memory_mib, low=1, high=MOST_MIB)
            object.__setattr__(self, "memory_mib", memory_mib)


class Reports(NamedTuple):
    """Whom a run tells of itself.

    Attributes
    ----------
    stage : callable, optional
        Gets each stage, and how much of it is done.
    callbacks : sequence of callable
        Each gets a `StepReport` after every step.
    notice : callable, optional
        Gets sentences that a person should read, before a long run above all.
    """

    stage: StageProgress | None = None
    callbacks: Sequence[Callback] = ()
    notice: Callable[[str], None] | None = None


NO_REPORTS = Reports()
