"""A run that is not finished, in one file: what run it is, where it stands, and its arrays.

The file is a safetensors file, `MODEL.checkpoint` beside the model folder to be. Its metadata has
one text, `fastw2v`, a JSON object; docs/long_runs.md has its keys. It is written whole or not at
all, so that a process may be killed at any moment.
"""

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from fastw2v.callbacks import EpochRecord
from fastw2v.config.numbers import shown_value
from fastw2v.errors import CheckpointError, ConfigurationError
from fastw2v.formats.model_folder import with_present_names
from fastw2v.system.array_files import Arrays, read_arrays, read_metadata, write_arrays
from fastw2v.system.files import require_writable, whole_file
from fastw2v.version import VERSION

__all__ = [
    "FORMAT",
    "SCHEMA_VERSION",
    "Checkpoint",
    "Checkpoints",
    "RunDescription",
    "TrainingState",
    "checkpoint_path",
    "described_checkpoint",
    "is_checkpoint",
    "read_checkpoint",
    "require_unused",
    "write_checkpoint",
]

FORMAT = "fastw2v-checkpoint"
SCHEMA_VERSION = 1
_KEY = "fastw2v"
_SUFFIX = ".checkpoint"
# Names that a stored state had, and those that it has now.
_RENAMED = {
    "passes_done": "epochs_done",
    "batches_done": "steps_done",
    "pass_began_s": "epoch_began_s",
    "kept_pass": "kept_epoch",
}
_EVERY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?(s|min|h|epochs?)", re.ASCII)
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often a run is saved while it trains.

    Parameters
    ----------
    model : path
        The model folder that the run will end in; the checkpoint is ``MODEL.checkpoint``.
    every : str, optional
        "10min", "90s", "2h": after the batch at which so much time has gone by; "1epoch",
        "3epochs": after every so many epochs. Default: only when the run is interrupted.

    Raises
    ------
    ConfigurationError
        If `every` reads otherwise, or `model` is no path of a folder.
    """

    model: Path
    every: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, str | os.PathLike) or not Path(self.model).absolute().name:
            raise ConfigurationError(
                "checkpoints: expected the path of the model folder that the run will end in, got "
                f"{shown_value(self.model)}"
            )
        object.__setattr__(self, "model", Path(self.model))
        if self.every is None:
            return
        found = _EVERY.fullmatch(self.every.strip()) if isinstance(self.every, str) else None
        if (
            not found
            or float(found[1]) == 0
            or (found[2] in ("epoch", "epochs") and "." in found[1])
        ):
            raise ConfigurationError(
                "checkpoint_every: expected a time as '10min', '90s' or '2h', or a number of "
                f"epochs as '1epoch', got {shown_value(self.every)}"
            )

    @property
    def path(self) -> Path:
        """The file."""
        return checkpoint_path(self.model)

    @property
    def seconds(self) -> float | None:
        """Seconds between two checkpoints, if the interval is a time."""
        found = _EVERY.fullmatch((self.every or "").strip())
        return float(found[1]) * _SECONDS[found[2]] if found and found[2] in _SECONDS else None

    @property
    def epochs(self) -> int | None:
        """Epochs between two checkpoints, if the interval is given in epochs."""
        found = _EVERY.fullmatch((self.every or "").strip())
        return int(found[1]) if found and found[2] not in _SECONDS else None


def checkpoint_path(model: Path) -> Path:
    """Return the checkpoint's file of a model folder."""
    whole = model.absolute()
    return whole.parent / f"{whole.name}{_SUFFIX}"


@dataclass
class TrainingState:
    """Where a run stands, apart from its arrays.

    Everything random in training follows from the seed and these positions, so there is no
    generator whose state would have to be kept.

    Attributes
    ----------
    epochs_done : int
    steps_done : int
        Of the epoch under way; blocks of text where those are the unit of work.
    loss_sum, weight_sum : float
        Of the epoch under way: what its mean loss is made of.
    history : list of EpochRecord
    elapsed_s : float
        Seconds of training up to here.
    epoch_began_s : float
        `elapsed_s` when the epoch under way began.
    kept_epoch : int
        The epoch whose parameters are kept aside: the best, or the last good one; 0 for none.
    block_tokens : int, optional
        Tokens of a block, where blocks are the unit.
    stopped : bool
        Whether training has ended before its last epoch.
    """

    epochs_done: int = 0
    steps_done: int = 0
    loss_sum: float = 0.0
    weight_sum: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    elapsed_s: float = 0.0
    epoch_began_s: float = 0.0
    kept_epoch: int = 0
    block_tokens: int | None = None
    stopped: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return what `as_dict` gave, that of earlier versions too."""
        history = [EpochRecord(**with_present_names(record)) for record in values["history"]]
        present = {_RENAMED.get(name, name): value for name, value in values.items()}
        return cls(**{**present, "history": history})


@dataclass
class RunDescription:
    """What tells a run from others, and begins it again; plain values that JSON can hold.

    Attributes
    ----------
    hyperparameters : dict
    precision : str
        In which the run multiplies, whatever was asked for.
    sources : list of str, optional
        Files and folders of the text; None for lists of tokens, and for counts.
    counts : str, optional
        The folder of counts that the run trains on instead.
    memory_mib : int, optional
    validation : dict, optional
        The "fraction" that is held out, or the "sources" of the validation text, with its "field"
        and "read_as" where they were said.
    patience : int, optional
    every : str, optional
        How often the run is saved, as `Checkpoints.every`.
    corpus_text, validation_text : dict, optional
        "digest" and "n_tokens" of the texts, once they have been read.
    held_out : dict, optional
        How much validation text there is, once it has been read.
    features : str, optional
        The file of the words' features.
    features_digest : str, optional
        Of the features that were given, once they are known to fit.
    reads : dict, optional
        The "field" of the sources that is read, and as what they are read ("read_as"), if that
        was said.
    words : dict, optional
        Phrases and stop words that were given, as `WordRules.as_dict` has them.
    workers : int, optional
        Threads that the run began with; None where any number ends in the same bits and nobody
        chose one, and for runs of versions that did not store it.
    start : dict, optional
        What the run started from: its "path", None for what came from memory, "digest",
        "vocabulary" and "lock_known" as asked for, "counts" that were added and their
        "counts_digest", "is_counted" as `Earlier` has it; and "n_known" and "n_words", once the
        text has been read.
    device : dict, optional
        The "kind" of the device that computes by PyTorch, its "name" and the version of "torch";
        the kind alone where the CPU was chosen.
    """

    hyperparameters: dict[str, Any]
    precision: str
    sources: list[str] | None
    counts: str | None
    memory_mib: int | None
    validation: dict[str, Any] | None
    patience: int | None
    every: str | None
    corpus_text: dict[str, Any] | None = None
    validation_text: dict[str, Any] | None = None
    held_out: dict[str, Any] | None = None
    features: str | None = None
    features_digest: str | None = None
    reads: dict[str, Any] | None = None
    words: dict[str, Any] | None = None
    workers: int | None = None
    start: dict[str, Any] | None = None
    device: dict[str, str] | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return what `asdict` gave, of earlier versions too, whose epochs were called passes."""
        every = values["every"]
        return cls(**{**values, "every": re.sub(r"pass(?:es)?$", "epochs", every or "") or None})


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What the file holds.

    Attributes
    ----------
    run : RunDescription
    state : TrainingState, optional
        None before training has begun: then the run begins anew.
    arrays : dict of str to array
        Parameters and the optimiser's moments; those kept aside with "kept/" before their names,
        and the mean of replicas with "mean/". They are given up once training has them.
    """

    run: RunDescription
    state: TrainingState | None
    arrays: Arrays


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file, whole or not at all; an earlier one is replaced.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    content = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "fastw2v_version": VERSION,
        "run": asdict(checkpoint.run),
        "state": checkpoint.state.as_dict() if checkpoint.state else None,
    }
    content["sha256"] = _digest(content, checkpoint.arrays)
    with whole_file(path) as temporary:
        write_arrays(temporary, checkpoint.arrays, {_KEY: json.dumps(content)})


def require_unused(checkpoints: Checkpoints) -> None:
    """Raise `CheckpointError` if a new run would overwrite the checkpoint of one that trained.

    A file that only says what run was begun is no loss.
    """
    path = checkpoints.path
    require_writable(path)
    if path.exists() and read_checkpoint(path).state is not None:
        raise CheckpointError(
            f"{path}: an unfinished run is saved there; go on with it by 'fastw2v train --resume "
            f"{checkpoints.model}' or Word2Vec.resume, or remove the file to begin anew"
        )


def _digest(content: dict[str, Any], arrays: Arrays) -> str:
    described = {key: value for key, value in content.items() if key != "sha256"}
    hasher = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name in sorted(arrays):
        hasher.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        hasher.update(arrays[name].reshape(-1).view("u1").data)
    return hasher.hexdigest()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the file.

    Raises
    ------
    CheckpointError
        If it is missing, none, damaged, or of a newer schema.
    """
    content = _content(path)
    try:
        arrays = read_arrays(path, mapped=True)  # they may wait long, and be large
        if (came := _digest(content, arrays)) != content["sha256"]:
            raise ValueError(f"expected SHA-256 {content['sha256']}, got {came}")
        return Checkpoint(*_described(content), arrays)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise _damaged(path, error) from error


def is_checkpoint(path: Path) -> bool:
    """Tell whether a file is a checkpoint, sound or not."""
    if not path.is_file() or path.name.endswith(_SUFFIX):
        return path.is_file()
    try:
        with path.open("rb") as file:
            is_of_arrays = file.read(9)[8:] == b"{"  # else it need not be mapped
        return is_of_arrays and FORMAT in read_metadata(path).get(_KEY, "")
    except (OSError, ValueError):
        return False


def described_checkpoint(path: Path) -> tuple[RunDescription, TrainingState | None]:
    """Return what run a file is of and where it stands; its arrays are not read, nor its digest.

    Raises
    ------
    CheckpointError
        As `read_checkpoint`.
    """
    content = _content(path)
    try:
        return _described(content)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error


def _described(content: dict[str, Any]) -> tuple[RunDescription, TrainingState | None]:
    state = TrainingState.from_dict(content["state"]) if content["state"] else None
    return RunDescription.from_dict(content["run"]), state


def _content(path: Path) -> dict[str, Any]:
    """Return the text of a checkpoint; raises as `read_checkpoint`."""
    if not path.is_file():
        raise CheckpointError(
            f"{path}: no such checkpoint; begin the run with 'fastw2v train', and with "
            "--checkpoint-every for checkpoints on the way"
        )
    try:
        content = json.loads(read_metadata(path).get(_KEY, "null"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected a checkpoint, this is another kind of file")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise CheckpointError(
            f"{path}: expected schema version {SCHEMA_VERSION}, got "
            f"{content.get('schema_version')!r}, written by fastw2v "
            f"{content.get('fastw2v_version')}; resume with that version"
        )
    return content


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path}: the checkpoint is damaged ({type(error).__name__}: {error}); "
        "restore it from a copy, or remove it and train again"
    )
