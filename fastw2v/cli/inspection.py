"""What a path holds, as plain values: models, vectors, counts, encoded texts, checkpoints, phrases.

Each reads what it needs to say it, and no vectors, words or counts beyond that.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

__all__ = ["inspected"]

_FIRST_WORDS = 10


def inspected(path: Path) -> dict[str, Any]:
    """Return what there is to say of a file or folder; its "kind" comes first.

    Raises
    ------
    ModelFormatError, CorpusError, CheckpointError
        If it is none of these, or damaged.
    """
    return _look_for(path)(path)


def _look_for(path: Path) -> Callable[[Path], dict[str, Any]]:
    """Return what looks into a path, by the files that a folder has and a file's first bytes."""
    from fastw2v.counts.folder import MANIFEST
    from fastw2v.formats.model_folder import is_model_folder
    from fastw2v.system.renames import recover
    from fastw2v.text.encoded_folder import DESCRIPTION
    from fastw2v.text.phrase_model import is_phrases_file
    from fastw2v.training.checkpoints import is_checkpoint

    if not path.is_file():
        recover(path)  # a folder that a killed process was about to exchange
    if is_model_folder(path):
        return _model
    if (path / MANIFEST).is_file():
        return _counts
    if (path / DESCRIPTION).is_file():
        return _encoded
    if is_checkpoint(path):
        return _checkpoint
    return _phrases if path.is_file() and is_phrases_file(path) else _vectors


def _model(path: Path) -> dict[str, Any]:
    from fastw2v.formats.model_folder import read_model
    from fastw2v.training.saved import as_trained

    stored = read_model(path, mapped=True)
    config, trained = stored.config, as_trained(path, stored)
    embeddings, summary = trained.embeddings, trained.summary
    vocabulary = embeddings.vocabulary
    return {
        "kind": "model",
        "version": config.get("fastw2v_version"),
        "schema_version": config["schema_version"],
        "words": len(vocabulary),
        "raw_words": vocabulary.n_raw_types,
        "tokens": vocabulary.n_tokens,
        "raw_tokens": vocabulary.n_raw_tokens,
        "first_words": [str(word) for word in vocabulary.first(_FIRST_WORDS)],
        "dimensions": embeddings.dimensions(),
        "objective": embeddings.objective,
        "is_canonical": embeddings.is_canonical,
        "makes_unknown_words": embeddings.unknown is not None,
        "settings": trained.settings.as_dict(),
        "epochs_done": len(trained.history),
        "summary": None if summary is None else asdict(summary),
        "run": None if trained.run_record is None else trained.run_record.as_dict(),
        "bytes": sum(file.stat().st_size for file in path.iterdir() if file.is_file()),
    }


def _counts(path: Path) -> dict[str, Any]:
    from fastw2v.counts.folder import described_counts

    found = described_counts(path)
    return {
        "kind": "counts",
        "version": found.version,
        "words": found.n_words,
        "pairs": found.n_entries,
        "tokens": found.statistics.n_tokens,
        "raw_tokens": found.statistics.n_raw_tokens,
        "settings": found.counting.as_dict(),
        "digest": found.statistics.digest,
        "parts": found.n_parts,
        "bytes": found.n_bytes,
    }


def _encoded(path: Path) -> dict[str, Any]:
    from fastw2v.text.encoded_folder import described_encoded

    found = described_encoded(path)
    return {
        "kind": "encoded corpus",
        "version": found.version,
        "tokens": found.n_tokens,
        "raw_tokens": found.n_raw_tokens,
        "sentences": found.n_sentences,
        "digest": found.digest,
        "bytes": found.n_bytes,
    }


def _checkpoint(path: Path) -> dict[str, Any]:
    from fastw2v.training.checkpoints import described_checkpoint

    run, state = described_checkpoint(path)
    history = state.history if state is not None else []
    return {
        "kind": "checkpoint",
        "settings": run.hyperparameters,
        "sources": run.sources,
        "counts": run.counts,
        "epochs": run.hyperparameters.get("epochs"),
        "epochs_done": state.epochs_done if state is not None else 0,
        "steps_done": state.steps_done if state is not None else 0,
        "loss_nats": history[-1].loss_nats if history else None,
        "training_s": state.elapsed_s if state is not None else 0.0,
        "bytes": path.stat().st_size,
    }


def _phrases(path: Path) -> dict[str, Any]:
    from fastw2v.text.phrase_model import PhraseModel

    found = PhraseModel.read(path)  # whole: its digest is within
    scores = found.scores()
    return {
        "kind": "phrases",
        "phrases": len(found),
        "phrases_of_passes": [len(phrases) for phrases in found.passes],
        "first_phrases": sorted(scores, key=lambda phrase: -scores[phrase])[:_FIRST_WORDS],
        "settings": found.settings.as_dict(),
        "digest": found.digest,
        "bytes": path.stat().st_size,
    }


def _vectors(path: Path) -> dict[str, Any]:
    from fastw2v.formats.headers import read_header

    found = read_header(path)
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {
        "kind": "vectors",
        "format": found.format,
        "words": found.n_words,
        "dimensions": found.dimensions,
        "is_read": found.is_read,
        "bytes": sum(file.stat().st_size for file in files),
    }
