"""A trained model and all that is remembered of its run, to and from a model folder."""

from dataclasses import asdict
from pathlib import Path

from fastw2v.callbacks import EpochRecord
from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError, ModelFormatError
from fastw2v.formats.model_folder import (
    StoredModel,
    read_model,
    with_later_settings,
    with_present_names,
    write_model,
)
from fastw2v.training.result import RunRecord, TrainedModel, TrainingSummary
from fastw2v.version import VERSION

__all__ = ["as_trained", "read_saved", "write_saved"]


def write_saved(model: TrainedModel, folder: Path) -> None:
    """Write a model folder, whole or not at all; errors as `Word2Vec.save`."""
    config = {
        "hyperparameters": model.settings.as_dict(),
        "corpus": {"digest": model.corpus_digest},
        "run": model.run_record.as_dict() if model.run_record else None,
        "summary": asdict(model.summary) if model.summary else None,
        "history": [record.as_dict() for record in model.history],
    }
    write_model(StoredModel(config, model.embeddings, model.words), folder)


def read_saved(folder: Path, *, mapped: bool, verify: bool | None) -> TrainedModel:
    """Read a model folder of this version or an earlier one; errors as `Word2Vec.load`."""
    return as_trained(folder, read_model(folder, mapped=mapped, verify=verify))


def as_trained(folder: Path, stored: StoredModel) -> TrainedModel:
    """Return the model that was read of a folder, by the names of today; errors as `read_saved`."""
    config = stored.config
    try:
        hyperparameters = with_later_settings(with_present_names(config["hyperparameters"]))
        saved = TrainedModel(
            Hyperparameters.from_stored(hyperparameters),
            stored.embeddings,
            config["corpus"]["digest"],
            [EpochRecord(**with_present_names(record)) for record in config["history"]],
            TrainingSummary(**config["summary"]) if config["summary"] else None,
            RunRecord(**with_present_names(config["run"])) if config.get("run") else None,
            words=stored.words,
        )
    except (LookupError, TypeError, ConfigurationError) as error:
        raise ModelFormatError(
            f"{folder}: expected a config.json as fastw2v {VERSION} writes it, got another "
            f"({type(error).__name__}: {error}), from fastw2v "
            f"{config.get('fastw2v_version')}; load it with that version, or train again"
        ) from error
    dimensions = stored.embeddings.in_vectors.shape[1]
    if dimensions != saved.settings.vector_size:
        raise ModelFormatError(
            f"{folder}: the model is damaged: expected vectors of vector_size="
            f"{saved.settings.vector_size} dimensions, got {dimensions}; "
            "restore it from a copy or train again"
        )
    return saved
