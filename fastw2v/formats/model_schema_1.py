"""Model folders of schema 1, of before version 0.2: read for ever, written no more.

They hold config.json, vocabulary.json and arrays.safetensors, without digests.
"""

import json
from pathlib import Path
from typing import Any

from fastw2v.array_files import Arrays, read_arrays
from fastw2v.vocab import Vocabulary

VOCABULARY = "vocabulary.json"
ARRAYS = "arrays.safetensors"


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
