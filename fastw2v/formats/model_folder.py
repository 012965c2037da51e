"""A model on disk: a folder of config.json and arrays.safetensors.

No file is executable or pickled. config.json has the schema version, which says what the layout
is, and the size and SHA-256 of the other file; docs/long_runs.md has every key. Folders of schema
1, which had the words in a file of their own, are read too, and written no more.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from fastw2v.config import ObjectiveName
from fastw2v.errors import ModelFormatError, VocabularyError, one_line
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.system.array_files import Arrays, read_arrays, write_arrays
from fastw2v.system.files import whole_folder
from fastw2v.system.renames import recover
from fastw2v.text.vocabulary import StoredVocabulary, Vocabulary, packed_words
from fastw2v.version import VERSION

__all__ = [
    "StoredModel",
    "read_model",
    "with_later_settings",
    "with_present_names",
    "write_model",
]

FORMAT = "fastw2v-model"
SCHEMA_VERSION = 2
CONFIG = "config.json"
ARRAYS = "arrays.safetensors"
# Names that stored settings, histories and runs had, and those that they have now.
_RENAMED = {"memory_mib": "scores_mib", "pass_number": "epoch", "kept_pass": "kept_epoch"}
# JSON may nest deeper than Python goes, and hold numbers that are none of numpy's.
_DAMAGE = (OSError, ValueError, RecursionError, OverflowError)


@dataclass(frozen=True)
class StoredModel:
    """What a model folder holds, apart from its format and version.

    `config` has the keys "hyperparameters", "corpus", "run", "summary" and "history".
    """

    config: dict[str, Any]
    embeddings: Embeddings


def write_model(model: StoredModel, folder: Path) -> None:
    """Write a model folder, whole or not at all; an earlier model there is replaced.

    Raises
    ------
    OutputError
        If it cannot be written, or something that is no model is in the way.
    """
    embeddings = model.embeddings
    vocabulary = embeddings.vocabulary
    word_bytes, word_ends = packed_words(vocabulary.words)
    arrays: Arrays = {
        "counts": vocabulary.counts,
        "in_vectors": embeddings.in_vectors,
        "out_vectors": embeddings.out_vectors,
        "out_bias": embeddings.out_bias,
        "word_bytes": word_bytes,
        "word_ends": word_ends,
    }
    with whole_folder(folder, CONFIG) as temporary:
        write_arrays(temporary / ARRAYS, arrays)
        header = {"format": FORMAT, "schema_version": SCHEMA_VERSION, "fastw2v_version": VERSION}
        content = {
            "files": {ARRAYS: described(temporary / ARRAYS)},
            "vocabulary": {
                "n_words": len(vocabulary),
                "n_raw_tokens": vocabulary.n_raw_tokens,
                "n_raw_types": vocabulary.n_raw_types,
            },
            "probabilities": {
                "objective": embeddings.objective,
                "temperature": embeddings.temperature,
            },
        }
        config = signed(header | model.config | content)
        text = json.dumps(config, indent=1) + "\n"  # a path may be no UTF-8
        (temporary / CONFIG).write_text(text, encoding="utf-8")


def described(path: Path) -> dict[str, Any]:
    """Return a file's size and SHA-256, as ``sha256sum`` prints it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def signed(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config with the digest of all its other content."""
    content = {key: value for key, value in config.items() if key != "sha256"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return content | {"sha256": hashlib.sha256(text.encode()).hexdigest()}


def read_model(folder: Path, *, mapped: bool = False, verify: bool | None = None) -> StoredModel:
    """Read a model folder.

    Parameters
    ----------
    folder : Path
    mapped : bool
        Map the arrays instead of reading them, and decode words when they are asked for.
    verify : bool, optional
        Whether to compare the arrays with their digest, which reads all of them. Default: unless
        `mapped`. Sizes, shapes and the config's digest are always checked.

    Raises
    ------
    ModelFormatError
        If it is missing, no model, damaged, or of a newer schema.
    """
    recover(folder)
    config = _read_config(folder)
    try:
        if config["schema_version"] == 1:
            vocabulary, arrays = read_schema_1(folder, mapped=mapped)
        else:
            vocabulary, arrays = _read_current(
                folder, config, mapped=mapped, verify=not mapped if verify is None else verify
            )
        probabilities = config.get("probabilities", {})
        embeddings = Embeddings(
            vocabulary,
            arrays["in_vectors"],
            arrays["out_vectors"],
            arrays["out_bias"],
            probabilities.get("objective", "softmax"),
            probabilities.get("temperature", 1.0),
        )
        _require_arrays(arrays, len(vocabulary), embeddings.objective)
        _require_temperature(embeddings.temperature)
        if not mapped:
            _require_finite(arrays)
    except (*_DAMAGE, LookupError, TypeError, VocabularyError) as error:
        raise ModelFormatError(
            f"{folder}: the model is damaged ({type(error).__name__}: {one_line(error)}); "
            "restore it from a copy or train again"
        ) from error
    return StoredModel(config, embeddings)


def _read_current(
    folder: Path, config: dict[str, Any], *, mapped: bool, verify: bool
) -> tuple[Vocabulary, Arrays]:
    if signed(config)["sha256"] != config["sha256"]:
        raise ValueError(
            f"{CONFIG}: expected the content with SHA-256 {config['sha256']}, got "
            f"{signed(config)['sha256']}"
        )
    path, expected = folder / ARRAYS, config["files"][ARRAYS]
    if path.stat().st_size != expected["bytes"]:
        raise ValueError(f"{ARRAYS}: expected {expected['bytes']} bytes, got {path.stat().st_size}")
    if verify and (came := described(path)["sha256"]) != expected["sha256"]:
        raise ValueError(f"{ARRAYS}: expected SHA-256 {expected['sha256']}, got {came}")
    arrays = read_arrays(path, mapped=mapped)
    described_words = config["vocabulary"]
    vocabulary = StoredVocabulary(
        arrays["word_bytes"],
        arrays["word_ends"],
        arrays["counts"],
        described_words["n_raw_tokens"],
        described_words["n_raw_types"],
    )
    if not mapped:
        _ = vocabulary.words
    return vocabulary, arrays


def with_present_names(stored: dict[str, Any]) -> dict[str, Any]:
    """Return stored hyper-parameters, an epoch's record or a run by the names of today."""
    return {_RENAMED.get(name, name): value for name, value in stored.items()}


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise ModelFormatError(
            f"{folder}: expected a model folder written by 'fastw2v train', found no {CONFIG} in it"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except _DAMAGE as error:
        raise ModelFormatError(f"{path}: cannot be read as JSON ({one_line(error)})") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ModelFormatError(f'{path}: expected "format": "{FORMAT}"; this is another program\'s')
    version = config.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise ModelFormatError(
            f"{path}: expected schema version {SCHEMA_VERSION} or lower, got {version}, written by "
            f"fastw2v {config.get('fastw2v_version')}; install a newer fastw2v"
        )
    if version not in (1, SCHEMA_VERSION):
        raise ModelFormatError(
            f"{path}: expected schema version 1 or {SCHEMA_VERSION}, got {version!r}; "
            "restore the model from a copy or train again"
        )
    return config


def _require_temperature(temperature: Any) -> None:
    is_number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if not is_number or not math.isfinite(temperature):
        raise ValueError(f"temperature: expected a finite number, got {str(temperature)[:60]}")


def _require_arrays(arrays: Arrays, n_words: int, objective: str) -> None:
    if objective not in get_args(ObjectiveName):
        raise ValueError(f"objective: expected a known one, got {objective!r}")
    n_outputs = n_words - 1 if objective == "hierarchical" else n_words
    if arrays["in_vectors"].ndim != 2:
        raise ValueError(f"in_vectors: expected two axes, got {arrays['in_vectors'].ndim}")
    dimensions = arrays["in_vectors"].shape[1]
    expected = {
        "counts": (np.int64, (n_words,)),
        "in_vectors": (np.float32, (n_words, dimensions)),
        "out_vectors": (np.float32, (n_outputs, dimensions)),
        "out_bias": (np.float32, (n_words,)),
    }
    for name, (dtype, shape) in expected.items():
        came = arrays[name]
        if came.dtype != dtype or came.shape != shape:
            raise ValueError(
                f"{name}: expected {np.dtype(dtype).name} of shape {shape}, "
                f"got {came.dtype.name} of shape {came.shape}"
            )


def _require_finite(arrays: Arrays) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite numbers, got others")


VOCABULARY = "vocabulary.json"


def read_schema_1(folder: Path, *, mapped: bool) -> tuple[Vocabulary, Arrays]:
    """Return the vocabulary and the arrays.

    Raises
    ------
    OSError, ValueError, LookupError, TypeError, VocabularyError
        If something is missing, or not as it was written.
    """
    content = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
    arrays = read_arrays(folder / ARRAYS, mapped=mapped)
    words = content["words"]
    _require_words(words)
    vocabulary = Vocabulary(
        words, arrays["counts"], content["n_raw_tokens"], content["n_raw_types"]
    )
    return vocabulary, arrays


def with_later_settings(hyperparameters: dict[str, Any]) -> dict[str, Any]:
    """Return stored hyper-parameters with those that did not exist when they were stored.

    A later setting's default need not be what models did before it.
    """
    kind = (hyperparameters.get("objective", "softmax"), hyperparameters.get("model", "skipgram"))
    if kind != ("softmax", "skipgram"):  # the others refuse the setting, and have plain windows
        return hyperparameters
    return {"window_sample": 0.0, **hyperparameters}  # windows were plain


def _require_words(words: Any) -> None:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"words: expected a list of strings, got {str(words)[:60]}")
    if len(set(words)) != len(words):
        raise ValueError("words: expected all different, got some of them more than once")
