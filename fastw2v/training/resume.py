"""What a checkpoint says of its run, and how the run is begun again from that."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from fastw2v.config import Hyperparameters
from fastw2v.errors import CheckpointError, ConfigurationError
from fastw2v.objectives.softmax.precision import resolved_precision
from fastw2v.text.corpus import Corpus
from fastw2v.training.checkpoints import Checkpoints, checkpoint_path, read_checkpoint
from fastw2v.training.run import RunRecord
from fastw2v.training.supervisor import Supervisor
from fastw2v.training.validation import Validation, named_sources, opened_sources


def begun_run(
    settings: Hyperparameters,
    corpus: Corpus | None,
    validation: Validation | None,
    patience: int | None,
    checkpoints: Checkpoints | None,
    *,
    memory_mib: int | None = None,
    counts: Path | None = None,
) -> Supervisor:
    """Return the supervisor of a new run, which knows what the run is: a text, or counts of one."""
    if patience is not None and validation is None:
        raise ConfigurationError(
            "patience: expected a validation text or fraction to look at, got none"
        )
    about = {
        "hyperparameters": settings.as_dict(),
        "precision": _numbers_of(settings),
        "sources": None if corpus is None else named_sources(corpus),
        "counts": None if counts is None else str(counts.absolute()),
        "memory_mib": memory_mib,
        "validation": validation.as_dict() if validation else None,
        "patience": patience,
        "every": checkpoints.every if checkpoints else None,
    }
    return Supervisor(checkpoints, patience, about, survives_divergence=True)


@dataclass(frozen=True)
class CountsFolder:
    """Counts that a run trains on, in place of a text."""

    path: Path


class ResumedRun(NamedTuple):
    """What a run goes on with."""

    settings: Hyperparameters
    source: Corpus | CountsFolder
    validation: Validation | None
    supervisor: Supervisor
    memory_mib: int | None


def resumed_run(model: Path, corpus: Corpus | None, validation: Validation | None) -> ResumedRun:
    """Read the checkpoint of a model folder to be; parameters and errors as `Word2Vec.resume`."""
    path = checkpoint_path(model)
    checkpoint = read_checkpoint(path)
    about = checkpoint.run
    settings = Hyperparameters(**about["hyperparameters"])
    numbers = _numbers_of(settings)
    if numbers != about["precision"]:
        raise CheckpointError(
            f"{path}: the run multiplies in {about['precision']}, precision="
            f"{settings.precision!r} is {numbers} on this machine; resume it on one like the first"
        )
    source = _source_of(path, about, corpus)
    asked = about["validation"]
    if validation is None and asked is not None:
        if "fraction" in asked:
            validation = Validation(fraction=asked["fraction"])
        else:
            validation = Validation(_stored_text(path, "validation text", asked["sources"]))
    supervisor = Supervisor(
        Checkpoints(model, about["every"]),
        about["patience"],
        about,
        checkpoint,
        survives_divergence=True,
    )
    return ResumedRun(settings, source, validation, supervisor, about["memory_mib"])


def _source_of(path: Path, about: dict[str, Any], corpus: Corpus | None) -> Corpus | CountsFolder:
    """Return what the run trains on; `corpus` is what was given for it now."""
    if about["counts"]:
        if corpus is not None:
            raise ConfigurationError(
                f"corpus: expected none, since the run trains on the counts {about['counts']}, "
                "got one"
            )
        return CountsFolder(Path(about["counts"]))
    if corpus is None:
        stored: Corpus = _stored_text(path, "corpus", about["sources"])
        return stored
    return corpus


def record_of(supervisor: Supervisor) -> RunRecord:
    """Return what a model remembers of a run that has ended."""
    about = supervisor.run
    asked, held_out = about["validation"], about.get("held_out")
    return RunRecord(
        about["sources"],
        asked | held_out if asked and held_out else None,
        supervisor.patience,
        supervisor.ended,
        supervisor.kept_epoch,
    )


def _stored_text(path: Path, name: str, sources: list[str] | None) -> Any:
    if sources is None:
        raise CheckpointError(
            f"{path}: the {name} of this run were lists of tokens, not files; pass the same lists "
            "to Word2Vec.resume"
        )
    return opened_sources(sources)


def _numbers_of(settings: Hyperparameters) -> str:
    return resolved_precision(settings.precision) if settings.objective == "softmax" else "float32"
