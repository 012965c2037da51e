"""A model in one file: named arrays with a description in JSON, no pickle.

The file is in the safetensors format, which other programs read. Its metadata hold the settings,
"words" the vocabulary as JSON. gensim's `save` takes a file name, so this is a file, not a folder.
"""

import json
import logging
import os
from collections import defaultdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError, ModelFormatError
from fastw2v.gensim_api.conversion import CONSTRUCTED, GATHERED
from fastw2v.gensim_api.state import GensimState
from fastw2v.gensim_api.vocabulary import VocabularyMethods
from fastw2v.system.files import whole_file
from fastw2v.text.token_kinds import tokens_from_json, tokens_to_json
from fastw2v.version import VERSION

__all__ = [
    "FORMAT",
    "SCHEMA_VERSION",
    "TABLES",
    "AnyModel",
    "NotSavedHereError",
    "load_model",
    "logger",
    "save_model",
]

logger = logging.getLogger(__name__)

AnyModel = TypeVar("AnyModel", bound=VocabularyMethods)

FORMAT = "fastw2v-gensim-api-model"
SCHEMA_VERSION = 1
TABLES = ("syn1", "syn1neg", "out_bias")
_DERIVED = ("code", "point")  # of the tree, made again from the counts
_ATTRIBUTE = "wv."  # before the names of what `wv` knows of each word


class NotSavedHereError(ModelFormatError, AttributeError):
    """A file is not a model that `Word2Vec.save` wrote; gensim raises AttributeError for it."""


def save_model(model: GensimState, target: Any) -> None:
    """Do what `Word2Vec.save` does."""
    from safetensors.numpy import save

    data = save(_arrays(model), _description(model))
    if hasattr(target, "write"):
        target.write(data)
        return
    with whole_file(Path(target)) as temporary:
        temporary.write_bytes(data)
    model.add_lifecycle_event("saved", fname=os.fspath(target))


def _arrays(model: GensimState) -> dict[str, NDArray[Any]]:
    wv = model.wv
    state: Any = model.random.get_state()
    words = json.dumps(tokens_to_json(wv.index_to_key))
    arrays = {
        "words": np.frombuffer(words.encode(), np.uint8),
        "vectors": wv.vectors,
        "vectors_lockf": wv.vectors_lockf,
        "random_state": state[1],
    }
    for name in TABLES:
        if hasattr(model, name):
            arrays[name] = getattr(model, name)
    for name, values in wv.expandos.items():
        if name in _DERIVED:
            continue
        if values.dtype.kind not in "biuf":
            raise ConfigurationError(
                f"wv: expected numbers as {name!r} of each word, got {values.dtype}; a file "
                "without pickle holds numbers only: delete it from wv.expandos"
            )
        arrays[_ATTRIBUTE + name] = values
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _description(model: GensimState) -> dict[str, str]:
    kind, _, position, has_gauss, gauss = model.random.get_state()
    settings = {name: getattr(model, name) for name in CONSTRUCTED if name != "hashfxn"}
    gathered = {name: getattr(model, name) for name in GATHERED if hasattr(model, name)}
    raw = model.raw_vocab
    content = {
        "settings": settings | {"objective": model.objective},
        "hashfxn": getattr(model.hashfxn, "__qualname__", repr(model.hashfxn)),
        "gathered": gathered,
        "random": [kind, position, has_gauss, gauss],
        "raw_vocab": list(zip(tokens_to_json(raw), raw.values(), strict=True))
        if raw is not None
        else None,
        "lifecycle_events": getattr(model, "lifecycle_events", None),
    }
    return {
        "format": FORMAT,
        "schema_version": str(SCHEMA_VERSION),
        "fastw2v_version": VERSION,
        "model": json.dumps(content, default=_plain),
    }


def _plain(value: Any) -> Any:
    """Return numbers of numpy's as Python's; anything else as text."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def load_model(kind: type[AnyModel], fname: Any, mmap: str | None) -> AnyModel:
    """Return `Word2Vec.load`."""
    path = Path(fname)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the file of a saved model, found none")
    header, base = _header(path)
    arrays = {name: _array(path, base, entry, mmap) for name, entry in header.items()}
    content = json.loads(header.description["model"])
    construct: Any = kind
    model: AnyModel = construct(**content["settings"])
    for name, value in content["gathered"].items():
        setattr(model, name, value)
    if content["hashfxn"] != "hash":
        logger.warning(
            "hashfxn: the model had %s, a file holds no functions; it has hash now, set "
            "model.hashfxn if you call seeded_vector()",
            content["hashfxn"],
        )
    _fill(model, arrays, content)
    model.lifecycle_events = content["lifecycle_events"]
    model.add_lifecycle_event("loaded", fname=str(path))
    return model


def _fill(
    model: VocabularyMethods, arrays: dict[str, NDArray[Any]], content: dict[str, Any]
) -> None:
    wv = model.wv
    wv.index_to_key = tokens_from_json(json.loads(arrays["words"].tobytes()))
    wv.key_to_index = {word: place for place, word in enumerate(wv.index_to_key)}
    wv.vectors, wv.vectors_lockf = arrays["vectors"], arrays["vectors_lockf"]
    for name, values in arrays.items():
        if name.startswith(_ATTRIBUTE):
            wv.expandos[name.removeprefix(_ATTRIBUTE)] = np.array(values)
    for name in TABLES:
        if name in arrays:
            setattr(model, name, arrays[name])
    name, position, has_gauss, gauss = content["random"]
    model.random.set_state((name, arrays["random_state"], position, has_gauss, gauss))
    if content["raw_vocab"] is not None:
        words, numbers = (
            zip(*content["raw_vocab"], strict=True) if content["raw_vocab"] else ((), ())
        )
        model.raw_vocab = defaultdict(int, zip(tokens_from_json(words), numbers, strict=True))
    if model.hs and len(wv):
        model.create_binary_tree()
    if model.negative:
        model.make_cum_table()


class _Header(dict[str, Any]):
    """The entries of a safetensors file by name, and its description."""

    description: dict[str, str]


def _header(path: Path) -> tuple[_Header, int]:
    """Return what a file says of its arrays, and where these begin."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        text = file.read(size) if size < path.stat().st_size else b""
    try:
        header = _Header(json.loads(text))
        header.description = header.pop("__metadata__")
        is_ours = header.description["format"] == FORMAT
    except (ValueError, LookupError, TypeError):
        is_ours = False
    if not is_ours:
        raise NotSavedHereError(
            f"{path}: expected a model that fastw2v.gensim_api saved, got another file; load "
            "gensim's own with gensim and convert it with Word2Vec.from_gensim(model)"
        )
    if header.description["schema_version"] != str(SCHEMA_VERSION):
        raise NotSavedHereError(
            f"{path}: expected schema version {SCHEMA_VERSION}, got "
            f"{header.description['schema_version']}; load it with fastw2v "
            f"{header.description.get('fastw2v_version')}"
        )
    return header, 8 + size


_DTYPES = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "BOOL": "?"} | {
    f"{kind}{bits}": f"<{kind.lower()}{bits // 8}" for kind in "IU" for bits in (8, 16, 32, 64)
}


def _array(path: Path, base: int, entry: Any, mmap: str | None) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(entry["shape"])
    if base + end > path.stat().st_size or end - begin != dtype.itemsize * int(np.prod(shape)):
        raise NotSavedHereError(
            f"{path}: the model is damaged: expected {base + end} bytes, got "
            f"{path.stat().st_size}; restore it from a copy or train again"
        )
    if mmap is None or begin == end:
        array = np.fromfile(path, dtype, int(np.prod(shape)), offset=base + begin)
        return array.reshape(shape)
    mapped: NDArray[Any] = np.memmap(path, dtype, mmap, base + begin, shape)  # type: ignore[call-overload]
    return mapped
