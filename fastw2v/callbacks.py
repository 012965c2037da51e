"""What training reports while it runs, and to whom."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class StepReport:
    """State of training after one batch.

    Attributes
    ----------
    pass_number, passes : int
        The current pass, counted from 1, and how many there will be.
    step, steps : int
        Batches done and batches in the whole run.
    loss_nats : float
        Mean loss of the current pass so far, per weighted pair.
    learning_rate : float
    elapsed_s : float
        Seconds since training began.
    pass_ended : bool
    held_out_loss_nats : float, optional
        At the end of a pass, if the run has a validation text.
    """

    pass_number: int
    passes: int
    step: int
    steps: int
    loss_nats: float
    learning_rate: float
    elapsed_s: float
    pass_ended: bool
    held_out_loss_nats: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, by name."""
        return asdict(self)


@dataclass(frozen=True)
class PassRecord:
    """One pass of the history that is stored with the model.

    Attributes
    ----------
    pass_number : int
        From 1.
    loss_nats : float
        Mean over the pass of each batch's loss from before its step, per weighted pair.
    learning_rate : float
        Of the last batch.
    elapsed_s : float
        Seconds from the begin of training to the end of the pass; of a resumed run those of its
        parts together.
    tokens_per_s : float, optional
        Tokens of the training text by the seconds that the pass took.
    held_out_loss_nats : float, optional
        Loss on the validation text after the pass, in nats per pair.
    held_out_perplexity : float, optional
        exp of it, where it is one of probabilities.
    """

    pass_number: int
    loss_nats: float
    learning_rate: float
    elapsed_s: float
    tokens_per_s: float | None = None
    held_out_loss_nats: float | None = None
    held_out_perplexity: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain values that JSON can hold."""
        return asdict(self)


Callback = Callable[[StepReport], None]
# Called with the name of a stage, how much of it is done, and how much there is, if known.
StageProgress = Callable[[str, int, int | None], None]
