"""One run: everything that was asked for, and what becomes known of it on the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import stage_of
from fastw2v.config import DeviceName, Hyperparameters
from fastw2v.counts.build import checked_rules
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.compile_clock import compiling_s
from fastw2v.kernels.simd.amx import HAS_AMX
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.earlier import KnownRows
from fastw2v.objectives.softmax.device.library import (
    device_precision,
    open_device,
    sees_card,
)
from fastw2v.objectives.softmax.precision import resolved_precision
from fastw2v.system.signals import TrainingInterrupted
from fastw2v.text.corpus import Corpus
from fastw2v.text.word_rules import NO_RULES, WordRules
from fastw2v.training.checkpoints import (
    Checkpoint,
    RunDescription,
    TrainingState,
    require_unused,
    write_checkpoint,
)
from fastw2v.training.options import NO_REPORTS, Reports, RunOptions
from fastw2v.training.start_from import Earlier, begins_by_counts
from fastw2v.training.validation import (
    ValidationText,
    named_sources,
    options_of_source,
)

__all__ = [
    "CountsFolder",
    "GivenFeatures",
    "Run",
    "VectorPair",
    "first_device",
    "settled_device",
    "used_precision",
    "used_products",
]

GivenFeatures = Mapping[str, Sequence[str]] | tuple[Any, Sequence[str]] | Path
"""Names of features for each word, a sparse matrix (V, F) of scipy's with F names, or a file."""

VectorPair = tuple[VectorArray, VectorArray]
"""In and out vectors."""


@dataclass(frozen=True)
class CountsFolder:
    """Counts that a run trains on, in place of a text."""

    path: Path


@dataclass(kw_only=True, eq=False)
class Run:
    """All that a run is made of.

    Attributes
    ----------
    settings : Hyperparameters
    workers : int
        Threads.
    workers_named : bool
        Whether somebody chose them, so that the run keeps them on any machine.
    source : Corpus or CountsFolder, optional
        What is trained on; None where the caller has read it.
    options : RunOptions
        Validation, patience, checkpoints and memory.
    reports : Reports
        Whom it tells of itself.
    features : mapping, (matrix, names) or Path, optional
        Features of the words, for inputs of that kind.
    words : WordRules
        Phrases that are joined and words that are left out; once a text has been read, with those
        that were found in it.
    start : (in_vectors, out_vectors) or KnownRows, optional
        Where training begins, in place of the settings' start; with `KnownRows`, which the exact
        softmax takes, words that are not known begin by what they stand beside.
    locked : bool array (V,), optional
        Words whose input vectors an exact softmax leaves as they are.
    earlier : Earlier, optional
        What the run starts from, by the words that both have.
    after_epoch : callable, optional
        Gets the vectors of each epoch, before the callbacks.
    keeps_good_epochs : bool
        Whether a run that diverges ends in its last good epoch, whose parameters wait in a
        temporary file, instead of an error at once.
    resumed : Checkpoint, optional
        From which the run goes on.
    description : RunDescription
        What checkpoints say of the run.
    device : {"cpu", "cuda", "torch-cpu", "auto"}
        What computes the output vectors; "auto" until the number of words is known.
    validation_text : ValidationText, optional
        Measures an epoch; there once it has been read.
    n_tokens : int, optional
        Of the training text, once it has been read.
    has_saved : bool
        Whether training has written a checkpoint.
    compiled_before_s : float
        What compiling had taken in this process before the run.
    await_kernels : callable, optional
        Where another process compiles the run's kernels: waits for it.
    announced : bool
        Whether the run has said how long it will take.
    save_trained : callable, optional
        Once all epochs are done: writes a checkpoint of that, and returns how many they were.

    Raises
    ------
    ConfigurationError
        If the CPU lacks the precision, there is no such device, phrases are given beside passes
        that find some, or replicas beside patience or a start.
    MissingDependencyError
        If the device needs PyTorch, which is not installed.
    """

    settings: Hyperparameters
    workers: int
    workers_named: bool = False
    source: Corpus | CountsFolder | None = None
    options: RunOptions = field(default_factory=RunOptions)
    reports: Reports = NO_REPORTS
    features: GivenFeatures | None = None
    words: WordRules = NO_RULES
    start: VectorPair | KnownRows | None = None
    locked: NDArray[np.bool_] | None = None
    earlier: Earlier | None = None
    after_epoch: Callable[[VectorPair], None] | None = None
    keeps_good_epochs: bool = False
    resumed: Checkpoint | None = None
    description: RunDescription = field(init=False)
    device: DeviceName = field(init=False, default="cpu")
    validation_text: ValidationText | None = field(init=False, default=None)
    n_tokens: int | None = field(init=False, default=None)
    has_saved: bool = field(init=False, default=False)
    compiled_before_s: float = field(init=False, default_factory=compiling_s)
    await_kernels: Callable[[], None] | None = field(init=False, default=None)
    announced: bool = field(init=False, default=False)
    save_trained: Callable[[], int] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.settings.replicas > 1:
            self._require_replicas()
        checked_rules(self.words, self.settings, None)
        self.device = first_device(self.settings, self.resumed.run if self.resumed else None)
        self.description = self.resumed.run if self.resumed else self._described()

    def _require_replicas(self) -> None:
        """Raise `ConfigurationError` if something asked for is not to be had of a mean of runs."""
        number = self.settings.replicas
        if self.options.patience is not None:
            raise ConfigurationError(
                f"replicas: expected 1 with patience, which ends one run, got {number}; leave one "
                "of both out"
            )
        anew = self.earlier is None or begins_by_counts(self.earlier, self.settings)
        if self.start is not None or not anew:
            raise ConfigurationError(
                "replicas: expected 1 in a run that goes on from vectors, as all would begin with "
                f"the same, got {number}"
            )

    def _described(self) -> RunDescription:
        options = self.options
        counts = self.source.path if isinstance(self.source, CountsFolder) else None
        return RunDescription(
            hyperparameters=self.settings.as_dict(),
            precision=used_products(self.settings, self.device),
            sources=None if counts else named_sources(self.source),
            reads=options_of_source(self.source) or None,
            counts=str(counts.absolute()) if counts else None,
            memory_mib=options.memory_mib,
            workers=self.workers if self.workers_named or not self.is_exact else None,
            validation=options.validation.as_dict() if options.validation else None,
            patience=options.patience,
            every=options.checkpoints.every if options.checkpoints else None,
            features=str(self.features.absolute()) if isinstance(self.features, Path) else None,
            words=self.words.as_dict() if self.words else None,
            start=self.earlier.as_dict() if self.earlier is not None else None,
            device=settled_device(self.settings, self.device),
        )

    @property
    def state(self) -> TrainingState | None:
        """Where the run goes on; None if it begins."""
        return self.resumed.state if self.resumed else None

    @property
    def is_exact(self) -> bool:
        """Whether the bits that the run ends in are those of any number of workers."""
        return self.settings.objective == "softmax"

    @property
    def device_told(self) -> str | None:
        """What computes by PyTorch, for a person; None for compiled kernels on the CPU."""
        about = self.description.device
        if about is None or about["kind"] == "cpu":
            return None
        return f"{about['kind']} ({about['name']}, PyTorch {about['torch']})"

    @property
    def begins(self) -> bool:
        """Whether the run begins, so that first vectors are needed."""
        return self.state is None

    @property
    def held_out_bytes(self) -> int:
        """What the validation text takes of memory."""
        return self.validation_text.nbytes if self.validation_text else 0

    def stage(self, name: str) -> Callable[[int, int | None], None] | None:
        """Return what reports (done, total) of one stage, or None."""
        return stage_of(self.reports.stage, name)

    def wait_for_kernels(self) -> None:
        """Wait for kernels that another process compiles, before the first one is needed."""
        if self.await_kernels is not None:
            self.await_kernels()

    def announce(self) -> None:
        """Write down what run this is before anything is read, so that it can be begun again.

        Raises
        ------
        CheckpointError
            If an earlier run that has begun to train is saved there.
        OutputError
            If nothing can be written there.
        """
        checkpoints = self.options.checkpoints
        if checkpoints is None or not self.begins:
            return
        if self.resumed is None:
            require_unused(checkpoints)
            checkpoints.path.unlink(missing_ok=True)  # of a run that was only begun
        if checkpoints.every:
            write_checkpoint(checkpoints.path, Checkpoint(self.description, None, {}))

    def interrupted(self) -> TrainingInterrupted:
        """Return the error for an interruption outside the loop; save what can be saved."""
        checkpoints = self.options.checkpoints
        if checkpoints is None:
            return TrainingInterrupted(None)
        if self.save_trained is not None:
            return TrainingInterrupted(checkpoints.path, (self.save_trained(), 0))
        return TrainingInterrupted(checkpoints.path if checkpoints.path.exists() else None)

    def failed(self) -> None:
        """Remove what `announce` wrote, after an error before there was anything to save.

        A run that was resumed leaves the file that it was begun from.
        """
        checkpoints = self.options.checkpoints
        is_new = self.resumed is None and not self.has_saved
        if checkpoints and checkpoints.every and is_new:
            checkpoints.path.unlink(missing_ok=True)


def first_device(settings: Hyperparameters, begun: RunDescription | None = None) -> DeviceName:
    """Return the device of a run before its words are known, which may leave "auto" open.

    Parameters
    ----------
    settings : Hyperparameters
    begun : RunDescription, optional
        What a checkpoint says of the run.

    Raises
    ------
    MissingDependencyError, ConfigurationError
        If a device that was asked for is not there.
    """
    name = settings.device
    if settings.objective != "softmax":
        return "cpu"
    if begun is not None and begun.device is not None:
        name = begun.device["kind"]  # type: ignore[assignment]
    elif name == "auto":
        is_known = settings.precision != "bf16x2"  # which a card has not
        name = "auto" if is_known and sees_card() else "cpu"
    if name in ("cuda", "torch-cpu"):
        open_device(name, 1)
    return name


def settled_device(settings: Hyperparameters, device: DeviceName) -> dict[str, str] | None:
    """Return what a checkpoint says of the CPU: that it was chosen, where there was a choice."""
    return {"kind": "cpu"} if device == "cpu" and settings.device == "auto" else None


def used_precision(settings: Hyperparameters, device: DeviceName = "cpu") -> str:
    """Return in which numbers a run multiplies on this machine."""
    if settings.objective != "softmax":
        return "float32"
    if device in ("cuda", "torch-cpu"):
        return device_precision(settings.precision, device)
    return resolved_precision(settings.precision)


def used_products(settings: Hyperparameters, device: DeviceName = "cpu") -> str:
    """Return what tells how a run multiplies from others whose sums have another order."""
    if device == "auto":
        return f"{settings.precision} on a device to be chosen"
    precision = used_precision(settings, device)
    if device != "cpu":
        return f"{precision} by PyTorch on {device}"
    return f"{precision} on matrix tiles" if HAS_AMX and precision != "float32" else precision
