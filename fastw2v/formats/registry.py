"""The one table of file formats; a format's module is imported when it is used.

`export`, `read_vectors` and the command line are built from `FORMATS`. What implements a format
has ``read(path)`` and ``write(vectors, target)``, and ``write_model(embeddings, target)`` if the
format holds a whole model.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from fastw2v.errors import ConfigurationError
from fastw2v.text.files import COMPRESSED

__all__ = [
    "FORMATS",
    "Format",
    "FormatName",
    "format_named",
    "format_of_suffix",
    "format_to_write",
]

FormatName = Literal[
    "word2vec",
    "word2vec-bin",
    "glove",
    "fasttext",
    "fasttext-bin",
    "npz",
    "kv",
    "model2vec",
    "projector",
    "parquet",
    "arrow",
]
"""The names of `FORMATS`, for type checkers."""


@dataclass(frozen=True)
class Format:
    """A format, as far as it is known before its module is imported.

    Attributes
    ----------
    name : str
        What `export` and `read_vectors` call it.
    suffixes : tuple of str
        How names of such files end; the first format with a suffix is taken for it.
    home : str
        What reads and writes it: a module of `fastw2v.formats`, or "module:object".
    holds_model : bool
        Whether it holds both tables and the bias of a model, or one table.
    holds_ngrams : bool
        Whether it holds vectors of n-grams, which unknown words' vectors are made of.
    is_stream : bool
        Whether it is read and written piece by piece: a further .gz, .bz2, .xz or .zst is
        understood then, and progress is reported.
    """

    name: FormatName
    suffixes: tuple[str, ...]
    home: str
    holds_model: bool = False
    holds_ngrams: bool = False
    is_stream: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it has a line of text for each word."""
        return self.home.startswith("text:")

    def implementation(self) -> Any:
        """Return what reads and writes it."""
        module, _, part = self.home.partition(":")
        found = import_module(f"fastw2v.formats.{module}")
        return getattr(found, part) if part else found


FORMATS = (
    Format("word2vec", (".txt",), "text:WORD2VEC", is_stream=True),
    Format("word2vec-bin", (".bin",), "word2vec_binary", is_stream=True),
    Format("glove", (".glove",), "text:GLOVE", is_stream=True),
    Format("fasttext", (".vec",), "text:FASTTEXT", is_stream=True),
    Format("fasttext-bin", (".fasttext",), "fasttext_binary", holds_ngrams=True, is_stream=True),
    Format("npz", (".npz",), "npz", holds_model=True),
    Format("kv", (".kv",), "keyed_vectors"),
    Format("model2vec", (), "model2vec"),
    Format("projector", (), "projector"),
    Format("parquet", (".parquet",), "arrow:PARQUET"),
    Format("arrow", (".arrow", ".feather"), "arrow:IPC"),
)
_BY_NAME = {form.name: form for form in FORMATS}
_DEFAULT = "word2vec"


def format_named(name: str) -> Format:
    """Return a format, or raise `ConfigurationError` that lists them all."""
    if name not in _BY_NAME:
        known = ", ".join(repr(form) for form in _BY_NAME)
        raise ConfigurationError(f"format: expected one of {known}, got {name!r}")
    return _BY_NAME[name]


def format_of_suffix(path: Path) -> Format | None:
    """Return the format that a name's suffix stands for; None if there is none."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    for form in FORMATS:
        if suffixes[-1:] and suffixes[-1] in form.suffixes:
            return form
        is_compressed = len(suffixes) == 2 and suffixes[1] in COMPRESSED
        if form.is_stream and is_compressed and suffixes[0] in form.suffixes:
            return form
    return None


def format_to_write(target: Path, name: FormatName | None) -> Format:
    """Return the format called `name`; without one, that of the target's suffix, or word2vec's."""
    if name is not None:
        return format_named(name)
    return format_of_suffix(target) or format_named(_DEFAULT)
