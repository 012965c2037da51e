"""A model on disk: a folder of config.json and arrays.safetensors, and phrases.json if it has any.

No file is executable or pickled. config.json has the schema version, which says what the layout
is, and the size and SHA-256 of the other files; docs/long_runs.md has every key. Folders of schema
3, which had no rates of words beside themselves, of schema 2, which had no vectors of features,
and of schema 1, which had the words in a file of their own and no digests, are read too.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np

from fastw2v.config import ObjectiveName, with_text_settings
from fastw2v.errors import ModelFormatError
from fastw2v.formats.model_features import (
    described_features,
    feature_arrays,
    read_feature_vectors,
)
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.peaks import Peaks
from fastw2v.system.array_files import Arrays, read_arrays, write_arrays
from fastw2v.system.files import whole_folder
from fastw2v.system.manifests import (
    FolderKind,
    file_description,
    read_json,
    require_described,
    require_signed,
    signed,
    write_json,
)
from fastw2v.system.replaced import read_as_one
from fastw2v.text.phrase_model import PHRASES, PhraseModel
from fastw2v.text.stored_vocabulary import StoredVocabulary, packed_words
from fastw2v.text.token_kinds import tokens_from_json, tokens_to_json
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = [
    "LAYOUT",
    "StoredModel",
    "is_model_folder",
    "read_model",
    "with_later_settings",
    "with_present_names",
    "write_model",
]

CONFIG = "config.json"
ARRAYS = "arrays.safetensors"
VOCABULARY_OF_SCHEMA_1 = "vocabulary.json"
_KIND = FolderKind(
    manifest=CONFIG,
    format="fastw2v-model",
    schema_version=4,
    oldest_version=1,
    expected="a model folder written by 'fastw2v train'",
    what="the model is",
    remedy="restore it from a copy or train again",
    error=ModelFormatError,
    files=(ARRAYS, PHRASES, VOCABULARY_OF_SCHEMA_1),
)
LAYOUT = _KIND.layout
_MOST_KNOTS = 1000
# Names that stored settings, histories and runs had, and those that they have now.
_RENAMED = {"memory_mib": "scores_mib", "pass_number": "epoch", "kept_pass": "kept_epoch"}


@dataclass(frozen=True)
class StoredModel:
    """What a model folder holds, apart from its format and version.

    `config` has the keys "hyperparameters", "corpus", "run", "summary" and "history". `words` is
    what becomes of the tokens of a text.
    """

    config: dict[str, Any]
    embeddings: Embeddings
    words: WordRules = NO_RULES


def is_model_folder(path: Path) -> bool:
    """Tell whether a folder is a model of this package, sound or not."""
    return _KIND.is_one(path)


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
    if embeddings.self_rates is not None:
        arrays["self_rates"] = embeddings.self_rates
    arrays |= feature_arrays(embeddings)
    with whole_folder(folder, LAYOUT) as temporary:
        write_arrays(temporary / ARRAYS, arrays)
        files = {ARRAYS: file_description(temporary / ARRAYS)}
        if model.words.phrases is not None:
            model.words.phrases.write(temporary / PHRASES)
            files[PHRASES] = file_description(temporary / PHRASES)
        content = {
            "files": files,
            "stop_words": tokens_to_json(model.words.stop_words),
            "vocabulary": {
                "n_words": len(vocabulary),
                "n_raw_tokens": vocabulary.n_raw_tokens,
                "n_raw_types": vocabulary.n_raw_types,
            },
            "probabilities": {
                "objective": embeddings.objective,
                "temperature": embeddings.temperature,
                "peaks": embeddings.peaks.as_dict() if embeddings.peaks else None,
            },
            "is_canonical": embeddings.is_canonical,
            "features": described_features(embeddings),
        }
        config = signed(_KIND.header() | model.config | content)
        write_json(temporary / CONFIG, config, only_ascii=True)  # a path may be no UTF-8


@read_as_one
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
    config = _KIND.read(folder)
    with _KIND.damage(folder):
        if config["schema_version"] == 1:
            vocabulary, arrays = _read_schema_1(folder, mapped=mapped)
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
            self_rates=arrays.get("self_rates"),
            peaks=_checked_peaks(probabilities.get("peaks"), has_rates="self_rates" in arrays),
            is_canonical=_checked_canonical(config.get("is_canonical", False)),
            **read_feature_vectors(arrays, config.get("features")),
        )
        _require_arrays(arrays, len(vocabulary), embeddings.objective)
        _require_temperature(embeddings.temperature)
        if not mapped:
            _require_finite(arrays)
            _require_rates(embeddings.self_rates)
        words = _read_rules(folder, config)
    return StoredModel(config, embeddings, words)


def _read_rules(folder: Path, config: dict[str, Any]) -> WordRules:
    """Return phrases and stop words, which models of earlier versions lack."""
    phrases = None
    if PHRASES in config.get("files", {}):
        require_described(folder / PHRASES, config["files"][PHRASES], verify=True)
        phrases = PhraseModel.read(folder / PHRASES)
    return WordRules(phrases, tuple(tokens_from_json(config.get("stop_words", []))))


def _read_current(
    folder: Path, config: dict[str, Any], *, mapped: bool, verify: bool
) -> tuple[Vocabulary, Arrays]:
    require_signed(CONFIG, config)
    require_described(folder / ARRAYS, config["files"][ARRAYS], verify=verify)
    arrays = read_arrays(folder / ARRAYS, mapped=mapped)
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


def _read_schema_1(folder: Path, *, mapped: bool) -> tuple[Vocabulary, Arrays]:
    """Return the vocabulary, which is in a file of its own, and the arrays; no digests."""
    arrays = read_arrays(folder / ARRAYS, mapped=mapped)
    words = read_json(folder / VOCABULARY_OF_SCHEMA_1)
    return Vocabulary.from_dict(words | {"counts": arrays["counts"]}), arrays


def with_present_names(stored: dict[str, Any]) -> dict[str, Any]:
    """Return stored hyper-parameters, an epoch's record or a run by the names of today."""
    return {_RENAMED.get(name, name): value for name, value in stored.items()}


def with_later_settings(hyperparameters: dict[str, Any]) -> dict[str, Any]:
    """Return stored hyper-parameters with those that did not exist when they were stored.

    A later setting's default need not be what models did before it.
    """
    hyperparameters = {"canonical": False, **with_text_settings(hyperparameters)}
    kind = (hyperparameters.get("objective", "softmax"), hyperparameters.get("model", "skipgram"))
    if kind != ("softmax", "skipgram"):  # the others refuse the setting, and have plain windows
        return hyperparameters
    return {"window_sample": 0.0, **hyperparameters}  # windows were plain


def _checked_canonical(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"is_canonical: expected true or false, got {str(value)[:60]}")
    return value


def _checked_peaks(value: Any, *, has_rates: bool) -> Peaks | None:
    """Return knots and powers; None in older folders, and where there are none."""
    if value is None:
        return None
    if not has_rates:
        raise ValueError("peaks: expected self_rates beside them, found none")
    if isinstance(value, dict) and set(value) == {"knot", "power"}:  # as folders had it
        value = {"knots": [value["knot"]], "powers": [value["power"]]}
    if isinstance(value, dict) and set(value) == set(Peaks._fields):
        knots, powers = value["knots"], value["powers"]
        if _are_numbers(knots) and _are_numbers(powers) and 0 < len(knots) == len(powers):
            rise = all(low < high for low, high in pairwise([0.0, *knots, 1.0]))
            if rise and min(powers) > 0:
                return Peaks(tuple(map(float, knots)), tuple(map(float, powers)))
    raise ValueError(
        "peaks: expected knots that rise between 0 and 1 and as many powers above 0, or null, "
        f"got {str(value)[:60]}"
    )


def _are_numbers(values: Any) -> bool:
    is_list = isinstance(values, list) and len(values) <= _MOST_KNOTS
    return is_list and all(type(one) in (int, float) and math.isfinite(one) for one in values)


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
    if "self_rates" in arrays:
        expected["self_rates"] = (np.float32, (n_words,))
    for name, (dtype, shape) in expected.items():
        came = arrays[name]
        if came.dtype != dtype or came.shape != shape:
            raise ValueError(
                f"{name}: expected {np.dtype(dtype).name} of shape {shape}, "
                f"got {came.dtype.name} of shape {came.shape}"
            )


def _require_rates(rates: Any) -> None:
    if rates is not None and not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError("self_rates: expected numbers from 0 to 1, got others")


def _require_finite(arrays: Arrays) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite numbers, got others")
