"""A model in one file: named arrays with a description in JSON, no pickle.

The file is in the safetensors format, which other programs read. Its metadata hold the settings and
a digest of the file, "words" the vocabulary as JSON. gensim's `save` takes a file name, so this is
a file, not a folder. Files of schema 1, without a digest, are read too.
"""

import hashlib
import json
import logging
import math
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastw2v.config.numbers import shown_value
from fastw2v.errors import ConfigurationError, ModelFormatError, one_line
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
SCHEMA_VERSION = 2
TABLES = ("syn1", "syn1neg", "out_bias")
_DERIVED = ("code", "point")  # of the tree, made again from the counts
_ATTRIBUTE = "wv."  # before the names of what `wv` knows of each word
_READABLE = ("1", "2")
_NO_DIGEST = b"0" * 64  # stands for the digest in what it is made of
_MAPPED = (None, "r", "c", "r+")
# What reading a damaged file may raise; JSON may nest deeper than Python goes.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


class NotSavedHereError(ModelFormatError, AttributeError):
    """A file is not a model that `Word2Vec.save` wrote; gensim raises AttributeError for it."""


def save_model(model: GensimState, target: Any) -> None:
    """Do what `Word2Vec.save` does."""
    from safetensors.numpy import save

    arrays = _arrays(model)
    _require_fitting(arrays, len(model.wv.index_to_key), model.vector_size)
    data = save(arrays, _description(model))
    n_header = 8 + int.from_bytes(data[:8], "little")
    hasher = hashlib.blake2b(data, digest_size=32)
    parts = _with_digest(data[:n_header], hasher.hexdigest()), memoryview(data)[n_header:]
    if hasattr(target, "write"):
        for part in parts:
            target.write(part)
        return
    with whole_file(Path(target)) as temporary, temporary.open("wb") as file:
        file.writelines(parts)
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


def _require_fitting(arrays: dict[str, NDArray[Any]], n_words: int, vector_size: int) -> None:
    """Raise `ConfigurationError` unless arrays are of so many words and of this size.

    They may have fewer rows: a vocabulary can be ahead of its vectors, and `wv` of the outputs.
    """
    for name, array in arrays.items():
        most: tuple[int, ...]
        if name in ("vectors", "syn1", "syn1neg"):
            most = (n_words, vector_size)
        elif name in ("vectors_lockf", "out_bias"):
            most = (max(n_words, 1),)
        elif name.startswith(_ATTRIBUTE):
            most = (n_words,)
        else:
            continue
        if array.ndim != len(most) or len(array) > most[0] or array.shape[1:] != most[1:]:
            raise ConfigurationError(
                f"{name}: expected numbers of shape {most} for {n_words:,} words, got "
                f"{array.shape}; leave arrays and vector_size as training makes them"
            )


def _with_digest(header: bytes, digest: str) -> bytes:
    return header.replace(b'"digest":"%s"' % _NO_DIGEST, b'"digest":"%s"' % digest.encode(), 1)


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
        "digest": _NO_DIGEST.decode(),
        "model": json.dumps(content, default=_plain),
    }


def _plain(value: Any) -> Any:
    """Return numbers of numpy's as Python's; anything else as text."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def load_model(kind: type[AnyModel], fname: Any, mmap: str | None) -> AnyModel:
    """Return `Word2Vec.load`."""
    path = Path(fname)
    if mmap not in _MAPPED:
        raise ConfigurationError(f"mmap: expected one of {_MAPPED}, got {shown_value(mmap)}")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the file of a saved model, found none")
    with _damage_told(path):
        model, hash_name = _read(kind, path, mmap)
    if hash_name != "hash":
        logger.warning(
            "hashfxn: the model had %s, a file holds no functions; it has hash now, set "
            "model.hashfxn if you call seeded_vector()",
            hash_name,
        )
    model.add_lifecycle_event("loaded", fname=str(path))
    return model


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Turn what reading a damaged file may raise into an error that names it."""
    try:
        yield
    except NotSavedHereError:
        raise
    except _DAMAGE as error:
        raise NotSavedHereError(
            f"{path}: the model is damaged ({type(error).__name__}: {one_line(error)}); restore it "
            "from a copy or train again"
        ) from error


def _read(kind: type[AnyModel], path: Path, mmap: str | None) -> tuple[AnyModel, str]:
    """Return the model of a file, and the name of the function that it had for hashes."""
    header, base = _header(path)
    if mmap is None and header.description["schema_version"] != "1":
        _require_digest(path, base, header.description["digest"])
    arrays = {name: _array(path, base, entry, mmap) for name, entry in header.items()}
    content: dict[str, Any] = json.loads(header.description["model"])
    construct: Any = kind
    model: AnyModel = construct(**content["settings"])
    for name, value in content["gathered"].items():
        setattr(model, name, value)
    _fill(model, arrays, content)
    model.lifecycle_events = content["lifecycle_events"]
    return model, content["hashfxn"]


def _fill(
    model: VocabularyMethods, arrays: dict[str, NDArray[Any]], content: dict[str, Any]
) -> None:
    wv = model.wv
    wv.index_to_key = tokens_from_json(json.loads(arrays["words"].tobytes()))
    wv.key_to_index = {word: place for place, word in enumerate(wv.index_to_key)}
    _require_fitting(arrays, len(wv.key_to_index), model.vector_size)
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
    except _DAMAGE:
        is_ours = False
    if not is_ours:
        raise NotSavedHereError(
            f"{path}: expected a model that fastw2v.gensim_api saved, got another file; load "
            "gensim's own with gensim and convert it with Word2Vec.from_gensim(model)"
        )
    if header.description["schema_version"] not in _READABLE:
        raise NotSavedHereError(
            f"{path}: expected schema version {' or '.join(_READABLE)}, got "
            f"{header.description['schema_version']}; load it with fastw2v "
            f"{header.description.get('fastw2v_version')}"
        )
    return header, 8 + size


def _require_digest(path: Path, base: int, digest: str) -> None:
    """Raise ValueError unless a file, whose arrays begin at `base`, is what its digest says."""
    with path.open("rb") as file:
        header = file.read(base).replace(digest.encode(), _NO_DIGEST, 1)
        hasher = hashlib.blake2b(header, digest_size=32)
        came = hashlib.file_digest(file, lambda: hasher).hexdigest()
    if came != digest:
        raise ValueError(f"expected digest {digest}, got {came}")


_DTYPES = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "BOOL": "?"} | {
    f"{kind}{bits}": f"<{kind.lower()}{bits // 8}" for kind in "IU" for bits in (8, 16, 32, 64)
}


def _array(path: Path, base: int, entry: Any, mmap: str | None) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(entry["shape"])
    n_numbers, n_bytes = math.prod(shape), path.stat().st_size
    if not 0 <= begin <= end <= n_bytes - base:
        raise ValueError(f"expected at least {base + end} bytes, got {n_bytes}")
    if end - begin != dtype.itemsize * n_numbers:
        raise ValueError(f"expected {n_numbers} numbers in {end - begin} bytes")
    if mmap is None or begin == end:
        return np.fromfile(path, dtype, n_numbers, offset=base + begin).reshape(shape)
    mapped: NDArray[Any] = np.memmap(path, dtype, mmap, base + begin, shape)  # type: ignore[call-overload]
    return mapped
