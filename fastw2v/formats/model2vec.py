"""A folder as model2vec has it, which sentence-transformers loads as a StaticEmbedding.

model.safetensors has the vectors, tokenizer.json the words (a word-level tokenizer of the
`tokenizers` library), config.json and modules.json say what it is. One row more than words, of
zeros, stands for unknown words.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ModelFormatError, one_line
from fastw2v.formats.vectors import (
    Vectors,
    checked_vectors,
    float32_table,
    require_writable_words,
    white_space_refusal,
)
from fastw2v.system.array_files import Arrays, read_arrays, stored_kinds, write_arrays
from fastw2v.system.files import FolderLayout, whole_folder
from fastw2v.system.manifests import read_json, write_json
from fastw2v.text.rules import TextRules, rules_of
from fastw2v.version import VERSION

__all__ = [
    "ARRAYS",
    "CONFIG",
    "LAYOUT",
    "MODULES",
    "NESTED",
    "TABLES",
    "WORDS",
    "added_word",
    "read",
    "refusal",
    "write",
]

ARRAYS, WORDS, CONFIG, MODULES = (
    "model.safetensors",
    "tokenizer.json",
    "config.json",
    "modules.json",
)
NESTED = "0_StaticEmbedding"  # where sentence-transformers puts the first two
TABLES = ("embeddings", "embedding.weight")
_KNOWN_KINDS = {"F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "BOOL"}
_UNKNOWN = "[UNK]"
_ADDED = "fastw2v_unknown_word"
_WRITER = "fastw2v_version"

# As `fastw2v.text.tokenizers` cuts text.
_OF_WORDS = r"[\p{L}\p{N}\p{M}_]"
_WORD_PATTERN = rf"{_OF_WORDS}+(?:['\u200c\u200d]{_OF_WORDS}+)*"
# A capital sigma that ends a word of several characters; apostrophes are ' by then.
_LAST_SIGMA = rf"(?<={_OF_WORDS}|{_OF_WORDS}['\u200c\u200d])\u03a3(?!['\u200c\u200d]?{_OF_WORDS})"
_DOTLESS = (("I\u0307", "i"), ("I", "\u0131"), ("\u0130", "i"))
_PATTERNS: dict[str, str] = {
    "words": _WORD_PATTERN,
    "whitespace": r"[^\s\x1c-\x1f\x85]+",
}


def read(path: Path) -> Vectors:
    """Read a folder that `write`, model2vec or sentence-transformers made.

    Raises
    ------
    ModelFormatError
        If a file is missing or damaged, or the folder has no vector for each word.
    """
    parts = path / NESTED if (path / NESTED).is_dir() else path
    try:
        kinds = stored_kinds(parts / ARRAYS)
        if not set(kinds.values()) <= _KNOWN_KINDS:
            raise _unsupported(path, f"numbers of {sorted(set(kinds.values()) - _KNOWN_KINDS)[0]}")
        arrays = read_arrays(parts / ARRAYS)
        tokenizer = read_json(parts / WORDS)
        added = added_word(path)
        vocabulary = tokenizer["model"]["vocab"]
        table = next(arrays[name] for name in TABLES if name in arrays)
        other = _other_than_rows(arrays, table, vocabulary)
        if other is not None:
            raise _unsupported(path, other)
        ids = {**vocabulary, **{item["content"]: item["id"] for item in tokenizer["added_tokens"]}}
        if sorted(ids.values()) != list(range(len(table))):
            raise ValueError(f"expected the words to be numbered up to {len(table)}, one a row")
        as_float32 = float32_table(table)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        StopIteration,
        RecursionError,
    ) as error:
        raise ModelFormatError(
            f"{path}: expected a model2vec folder, got another or a damaged one "
            f"({type(error).__name__}: {one_line(error)})"
        ) from error
    words = sorted(ids, key=ids.__getitem__)
    if added is not None and words and words[-1] == added:
        words, as_float32 = words[:-1], as_float32[:-1]
    return checked_vectors(path, words, as_float32)


def added_word(path: Path) -> str | None:
    """Return what `write` called the last row, that of unknown words; None in others' folders."""
    config = path / CONFIG
    added: str | None = read_json(config).get(_ADDED) if config.is_file() else None
    return added


def _unsupported(path: Path, other: str) -> ModelFormatError:
    return ModelFormatError(
        f"{path}: expected a model2vec folder with a row of floating-point numbers for each word, "
        f"got {other}, which fastw2v does not read; save the model without that, in float32 and "
        "with a tokenizer of words"
    )


def _other_than_rows(arrays: Arrays, table: NDArray[Any], vocabulary: Any) -> str | None:
    """Return what a sound folder has that is no row of numbers for each word."""
    if "mapping" in arrays:
        return "a quantised vocabulary, whose words share rows"
    if "weights" in arrays:
        return "weights of words beside their rows"
    if isinstance(vocabulary, list):
        return "a Unigram tokenizer of pieces of words"
    if table.dtype.kind in "iu":
        return f"quantised vectors of {table.dtype}"
    return None


def write(vectors: Vectors, target: Path) -> None:
    """Write a folder, whole or not at all.

    Text is cut as the model's tokenizer does; at white space if that is not known. Phrases are not
    joined, nor stop words left out, which the folder has no place for.

    Raises
    ------
    OutputError
        If it cannot be written, or a word is empty or holds white space, so that no text could
        ever hold it.
    """
    require_writable_words(target, "model2vec", vectors.words, refusal)
    unknown = _UNKNOWN
    known = set(vectors.words)
    while unknown in known:
        unknown = f"[{unknown}]"
    table = np.zeros((len(vectors.words) + 1, vectors.vectors.shape[1]), np.float32)
    table[:-1] = vectors.vectors
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "tokenizer_name": "fastw2v",
        "normalize": False,
        "max_length": None,
        "embedding_dtype": "float32",
        _WRITER: VERSION,
        _ADDED: unknown,
    }
    modules = [
        {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}
    ]
    rules = rules_of(vectors.tokenizer or "whitespace")
    if rules.tokenizer not in _PATTERNS:  # no expression cuts as the others do
        rules = rules_of("whitespace")
    tokenizer = _tokenizer([*vectors.words, unknown], unknown, rules)
    with whole_folder(target, LAYOUT) as folder:
        write_arrays(folder / ARRAYS, {TABLES[0]: table})
        for name, content in ((WORDS, tokenizer), (CONFIG, config), (MODULES, modules)):
            write_json(folder / name, content)


def _is_ours(folder: Path) -> bool:
    """Tell whether `write` made a folder, sound or not."""
    path = folder / CONFIG
    return path.is_file() and _WRITER.encode() in path.read_bytes() and (folder / ARRAYS).is_file()


LAYOUT = FolderLayout(_is_ours, (ARRAYS, WORDS, CONFIG, MODULES))


def refusal(word: str, *, is_first: bool = False) -> str | None:
    """Return why a word cannot be written; None if it can."""
    return white_space_refusal(word)


def _normalizer(rules: TextRules) -> dict[str, Any] | None:
    """Return what is done with text before it is cut, as `fastw2v.text.tokenizers` does it."""

    def replaced(kind: str, pattern: str, content: str) -> dict[str, Any]:
        return {"type": "Replace", "pattern": {kind: pattern}, "content": content}

    form = [{"type": rules.normalize.upper()}] if rules.normalize != "none" else []
    steps: list[dict[str, Any]] = [*form]
    if rules.tokenizer == "words":
        if rules.language in ("tr", "az") and not rules.keep_case:
            # An i that was a capital with a dot may be one with the accent behind it.
            steps += [replaced("String", *pair) for pair in _DOTLESS] + form
        steps += [replaced("String", "\u00ad", ""), replaced("String", "\u2019", "'")]
        if not rules.keep_case:
            if rules.language != "none":
                steps.append(replaced("Regex", _LAST_SIGMA, "\u03c2"))
            steps.append({"type": "Lowercase"})
    return {"type": "Sequence", "normalizers": steps} if steps else None


def _tokenizer(words: list[str], unknown: str, rules: TextRules) -> dict[str, Any]:
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": _normalizer(rules),
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": _PATTERNS[rules.tokenizer]},
            "behavior": "Removed",
            "invert": True,
        },
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: row for row, word in enumerate(words)},
            "unk_token": unknown,
        },
    }
