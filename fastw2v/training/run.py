"""What a finished run amounts to, and how a run tells of itself while it lasts."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import Callback, EpochRecord, StageProgress, StepReport, stage_of
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.losses.perplexity import perplexity_of
from fastw2v.training.supervisor import Ended, Supervisor

Vectors = tuple[NDArray[np.float32], NDArray[np.float32]]
"""In and out vectors."""


@dataclass(frozen=True)
class TrainingSummary:
    """What a finished run amounts to.

    Attributes
    ----------
    loss_nats : float
        Skip-gram with the exact softmax: the exact mean of -log p(o|c) over all window pairs of
        the training text as the run weighs them (window distance, subsampling), with the final
        parameters. Otherwise the mean of the last epoch, in nats per pair of the objective's own
        definition.
    unigram_entropy_nats, conditional_entropy_nats : float, optional
        What the best model without centres would reach, and what no model can go below, in nats
        per pair of the same weighting; where window pairs were counted.
    n_entries : int, optional
        Different window pairs, where they were counted.
    read_s, count_s, train_s : float
        Seconds of each stage.
    batch_rows : int, optional
        Rows of a batch, where there are batches.
    precision : str, optional
        The one that was used for products.
    softmax_loss_nats : float, optional
        Negative sampling: the mean of -log p(o|c) by a calibrated softmax over its scores, on a
        sample of the training text (`fastw2v.objectives.losses.calibration`).
    n_invalid : int
        Sequences of bytes that were not UTF-8 and, as `errors` asked for, were replaced or left
        out.
    """

    loss_nats: float
    unigram_entropy_nats: float | None
    conditional_entropy_nats: float | None
    n_entries: int | None
    read_s: float
    count_s: float
    train_s: float
    batch_rows: int | None
    precision: str | None = "float32"
    softmax_loss_nats: float | None = None
    n_invalid: int = 0

    @property
    def perplexity(self) -> float:
        """exp(loss_nats)."""
        return perplexity_of(self.loss_nats)


@dataclass(frozen=True)
class RunRecord:
    """What a model remembers of its run, beside hyper-parameters and history.

    Attributes
    ----------
    sources : list of str, optional
        The files and folders of the training text; None for lists of tokens.
    validation : dict, optional
        What was held out, and how much it is.
    patience : int, optional
    ended : {"finished", "patience", "diverged"}
        Why training ended.
    kept_epoch : int
        The epoch whose parameters the model has.
    """

    sources: list[str] | None
    validation: dict[str, Any] | None
    patience: int | None
    ended: Ended
    kept_epoch: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class Fitted:
    """What fitting hands to the model."""

    embeddings: Embeddings
    summary: TrainingSummary
    history: list[EpochRecord]
    corpus_digest: str


@dataclass(frozen=True)
class RunOptions:
    """What is no hyper-parameter: threads, who is told what, and vectors to begin with.

    `notice` gets sentences that a person should read, before a long run above all; `supervisor`
    has what goes on beside training. `after_epoch` gets the vectors of each epoch. `start`, for the
    exact softmax, is where training begins in place of the settings' start. `memory_mib`
    is a budget: counting spills to disk beyond it, and what cannot be trained within it is refused.
    """

    workers: int
    callbacks: Sequence[Callback] = ()
    progress: StageProgress | None = None
    notice: Callable[[str], None] | None = None
    supervisor: Supervisor = field(default_factory=Supervisor)
    after_epoch: Callable[[Vectors], None] | None = None
    start: Vectors | None = None
    memory_mib: int | None = None

    def callbacks_with(self, vectors: Callable[[], Vectors]) -> Sequence[Callback]:
        """Return the callbacks, before them one that hands out the vectors of each epoch."""
        after_epoch = self.after_epoch
        if after_epoch is None:
            return self.callbacks

        def hand_out(report: StepReport) -> None:
            if report.epoch_ended:
                after_epoch(vectors())

        return [hand_out, *self.callbacks]

    def stage(self, name: str) -> Callable[[int, int | None], None] | None:
        """Return what reports (done, total) of one stage, or None."""
        return stage_of(self.progress, name)
