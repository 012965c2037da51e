"""A model on disk: a folder of config.json, vocabulary.json and arrays.safetensors.

No file is executable or pickled. The schema version says which layout it is.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from fastw2v.config import Objective
from fastw2v.embeddings import Embeddings
from fastw2v.errors import ModelFormatError, VocabularyError
from fastw2v.files import whole_folder
from fastw2v.version import VERSION
from fastw2v.vocab import Vocabulary

FORMAT = "fastw2v-model"
SCHEMA_VERSION = 1
CONFIG = "config.json"
VOCABULARY = "vocabulary.json"
ARRAYS = "arrays.safetensors"
# JSON may nest deeper than Python goes, and hold numbers that are none of numpy's.
_DAMAGE = (OSError, ValueError, RecursionError, OverflowError)


@dataclass(frozen=True)
class StoredModel:
    """What a model folder holds, apart from its format and version.

    `config` has the keys "hyperparameters", "corpus", "summary" and "history".
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
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    embeddings = model.embeddings
    vocabulary = embeddings.vocabulary
    header = {"format": FORMAT, "schema_version": SCHEMA_VERSION, "fastw2v_version": VERSION}
    words = {
        "words": vocabulary.words,
        "n_raw_tokens": vocabulary.n_raw_tokens,
        "n_raw_types": vocabulary.n_raw_types,
    }
    arrays = {
        "counts": vocabulary.counts,
        "in_vectors": embeddings.in_vectors,
        "out_vectors": embeddings.out_vectors,
        "out_bias": embeddings.out_bias,
    }
    with whole_folder(folder, CONFIG) as temporary:
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        try:
            save_file(whole, str(temporary / ARRAYS))
        except SafetensorError as error:  # a full disk, say, of which it makes no OSError
            raise OSError(str(error)) from error
        _write_json(temporary / VOCABULARY, words)
        probabilities = {
            "objective": embeddings.objective,
            "temperature": embeddings.temperature,
        }
        _write_json(temporary / CONFIG, header | model.config | {"probabilities": probabilities})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_model(folder: Path) -> StoredModel:
    """Read a model folder.

    Raises
    ------
    ModelFormatError
        If it is missing, no model, damaged, or of a newer schema.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    config = _read_config(folder)
    try:
        words = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
        arrays = load_file(str(folder / ARRAYS))
        vocabulary = Vocabulary(
            words["words"], arrays["counts"], words["n_raw_tokens"], words["n_raw_types"]
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
        _require_words(vocabulary.words)
        _require_arrays(arrays, len(vocabulary), embeddings.objective)
        _require_temperature(embeddings.temperature)
    except (*_DAMAGE, LookupError, TypeError, VocabularyError, SafetensorError) as error:
        raise ModelFormatError(
            f"{folder}: the model is damaged ({type(error).__name__}: {error}); "
            "restore it from a copy or train again"
        ) from error
    return StoredModel(config, embeddings)


def with_later_settings(hyperparameters: dict[str, Any]) -> dict[str, Any]:
    """Return stored hyper-parameters with those that did not exist when they were stored.

    A later setting's default need not be what models did before it. One has another name now.
    """
    hyperparameters = {
        {"memory_mib": "scores_mib"}.get(name, name): value
        for name, value in hyperparameters.items()
    }
    kind = (hyperparameters.get("objective", "softmax"), hyperparameters.get("model", "skipgram"))
    if kind != ("softmax", "skipgram"):  # the others refuse the setting, and have plain windows
        return hyperparameters
    return {"window_sample": 0.0, **hyperparameters}  # windows were plain


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise ModelFormatError(
            f"{folder}: expected a model folder written by 'fastw2v train', found no {CONFIG} in it"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except _DAMAGE as error:
        raise ModelFormatError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ModelFormatError(f'{path}: expected "format": "{FORMAT}"; this is another program\'s')
    version = config.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise ModelFormatError(
            f"{path}: expected schema version {SCHEMA_VERSION} or lower, got {version}; "
            "install a newer fastw2v"
        )
    if version != SCHEMA_VERSION:
        raise ModelFormatError(
            f"{path}: expected schema version {SCHEMA_VERSION}, got {version!r}; "
            "restore the model from a copy or train again"
        )
    return config


def _require_words(words: Any) -> None:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"words: expected a list of strings, got {str(words)[:60]}")
    if len(set(words)) != len(words):
        raise ValueError("words: expected all different, got some of them more than once")


def _require_temperature(temperature: Any) -> None:
    is_number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if not is_number or not math.isfinite(temperature):
        raise ValueError(f"temperature: expected a finite number, got {str(temperature)[:60]}")


def _require_arrays(arrays: dict[str, Any], n_words: int, objective: str) -> None:
    if objective not in get_args(Objective):
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
        if not np.isfinite(came).all():
            raise ValueError(f"{name}: expected finite numbers, got others")
