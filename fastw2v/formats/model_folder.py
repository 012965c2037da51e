"""A model on disk: a folder of config.json, vocabulary.json and arrays.safetensors.

No file is executable or pickled. The schema version says which layout it is.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastw2v.embeddings import Embeddings
from fastw2v.errors import ModelFormatError
from fastw2v.files import whole_folder
from fastw2v.version import VERSION
from fastw2v.vocab import Vocabulary

FORMAT = "fastw2v-model"
SCHEMA_VERSION = 1
CONFIG = "config.json"
VOCABULARY = "vocabulary.json"
ARRAYS = "arrays.safetensors"


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
        save_file(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()},
            str(temporary / ARRAYS),
        )
        _write_json(temporary / VOCABULARY, words)
        _write_json(temporary / CONFIG, header | model.config)


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
        embeddings = Embeddings(
            vocabulary, arrays["in_vectors"], arrays["out_vectors"], arrays["out_bias"]
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelFormatError(
            f"{folder}: the model is damaged ({type(error).__name__}: {error}); "
            "restore it from a copy or train again"
        ) from error
    _require_consistent(folder, embeddings)
    return StoredModel(config, embeddings)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise ModelFormatError(
            f"{folder}: expected a model folder written by 'fastw2v train', found no {CONFIG} in it"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFormatError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ModelFormatError(f'{path}: expected "format": "{FORMAT}"; this is another program\'s')
    version = config.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise ModelFormatError(
            f"{path}: expected schema version {SCHEMA_VERSION} or lower, got {version}; "
            "install a newer fastw2v"
        )
    return config


def _require_consistent(folder: Path, embeddings: Embeddings) -> None:
    n_words, dimensions = len(embeddings.vocabulary), embeddings.in_vectors.shape[-1]
    expected = {
        "counts": (embeddings.vocabulary.counts.shape, (n_words,)),
        "in_vectors": (embeddings.in_vectors.shape, (n_words, dimensions)),
        "out_vectors": (embeddings.out_vectors.shape, (n_words, dimensions)),
        "out_bias": (embeddings.out_bias.shape, (n_words,)),
    }
    for name, (came, wanted) in expected.items():
        if came != wanted:
            raise ModelFormatError(
                f"{folder}: the model is damaged: expected {name} of shape {wanted}, got {came}; "
                "restore it from a copy or train again"
            )
