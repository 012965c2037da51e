"""File formats, one module each, and the one table of them.

`export`, `read_vectors` and the command line are built from `FORMATS`. A format's module has
``read(path)`` and ``write(vectors, target)``, and ``write_model(embeddings, target)`` if the format
holds a whole model; it is imported when it is used.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastw2v.errors import ConfigurationError, OutputError

if TYPE_CHECKING:
    from fastw2v.config import Tokenizer
    from fastw2v.embeddings import Embeddings, VectorChoice
    from fastw2v.formats.vectors import Vectors


@dataclass(frozen=True)
class Format:
    """What is known of a format before its module is imported.

    Attributes
    ----------
    name : str
        What `export` and `read_vectors` call it.
    suffixes : tuple of str
        How names of such files end; the first format with a suffix is taken for it.
    what : str
        For people: which program's it is.
    module : str
        Its module in `fastw2v.formats`.
    holds_model : bool
        Whether it holds both tables and the bias of a model, or one table.
    compresses : bool
        Whether a further .gz, .bz2, .xz or .zst is understood.
    """

    name: str
    suffixes: tuple[str, ...]
    what: str
    module: str
    holds_model: bool = False
    compresses: bool = False

    def implementation(self) -> Any:
        """Return the module that reads and writes it."""
        return import_module(f"fastw2v.formats.{self.module}")


FORMATS = (
    Format("word2vec", (".txt",), "word2vec's text", "word2vec", compresses=True),
    Format("word2vec-bin", (".bin",), "word2vec's binary", "word2vec_binary", compresses=True),
    Format("glove", (".glove",), "GloVe's text, without a first line", "glove", compresses=True),
    Format("fasttext", (".vec",), "fastText's text", "fasttext", compresses=True),
    Format("npz", (".npz",), "numpy's arrays", "npz", holds_model=True),
    Format("kv", (".kv",), "gensim's KeyedVectors", "gensim_keyed"),
    Format("model2vec", (), "folder of model2vec and sentence-transformers", "model2vec"),
    Format("projector", (), "folder of TensorBoard's projector", "projector"),
    Format("parquet", (".parquet",), "Parquet", "parquet"),
    Format("arrow", (".arrow", ".feather"), "Arrow's IPC file", "arrow"),
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
    """Return the format that a name speaks of; None if it speaks of none."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    for form in FORMATS:
        if suffixes[-1:] and suffixes[-1] in form.suffixes:
            return form
        is_compressed = len(suffixes) == 2 and suffixes[1] in (".gz", ".bz2", ".xz", ".zst")
        if form.compresses and is_compressed and suffixes[0] in form.suffixes:
            return form
    return None


def format_to_write(target: Path, name: str | None) -> Format:
    """Return the format called `name`; without one, that of the target's suffix, or word2vec's."""
    if name is not None:
        return format_named(name)
    return format_of_suffix(target) or format_named(_DEFAULT)


def export(
    embeddings: "Embeddings",
    target: Path,
    form: str | None = None,
    vectors: "VectorChoice | None" = None,
    tokenizer: "Tokenizer | None" = None,
) -> None:
    """Write a model to `target`, whole or not at all.

    Parameters
    ----------
    embeddings : Embeddings
    target : Path
        A file; a folder for "model2vec" and "projector".
    form : str, optional
        Name of one of `FORMATS`; default: by the target's suffix, "word2vec" for others.
    vectors : {"in", "out", "sum"}, optional
        Which table; default: that of the model's objective. npz holds both tables and the bias
        whatever is chosen.
    tokenizer : {"words", "whitespace"}, optional
        How text becomes words, for formats that cut text themselves.

    Raises
    ------
    ConfigurationError
        For an unknown format or table.
    OutputError
        If the target cannot be written, or the format cannot hold one of the words.
    MissingDependencyError
        If the format needs a package that is not installed.
    """
    from fastw2v.formats.vectors import vectors_of

    chosen = format_to_write(target, form)
    if chosen.holds_model:
        chosen.implementation().write_model(embeddings, target)
    else:
        write_vectors(vectors_of(embeddings, vectors, tokenizer), target, chosen.name)


def write_vectors(vectors: "Vectors", target: Path, form: str | None = None) -> None:
    """Write one table to `target`, whole or not at all; parameters and errors as in `export`."""
    import numpy as np

    if not np.isfinite(vectors.vectors).all():
        raise OutputError(f"{target}: expected finite vectors to write, got NaN or infinite ones")
    format_to_write(target, form).implementation().write(vectors, target)


def read_vectors(path: Path, form: str | None = None) -> "Vectors":
    """Read words and vectors from another program's file or folder.

    Nothing is skipped or repaired: what is not as the format has it is an error that says where.

    Parameters
    ----------
    path : Path
        Text and word2vec's binary may be compressed (.gz, .bz2, .xz, .zst).
    form : str, optional
        Name of one of `FORMATS`; default: by the content, and by the suffix where that leaves
        it open.

    Returns
    -------
    vectors : Vectors
        ``words`` (list of str), ``vectors`` (V, D) float32, ``counts`` (V,) int64 or None.

    Raises
    ------
    ModelFormatError
        If the file is missing, damaged, or not in the format.
    TextEncodingError
        If its text is not UTF-8.
    ConfigurationError
        For an unknown format.
    MissingDependencyError
        If the format needs a package that is not installed.
    """
    from fastw2v.formats.sniffing import recognised

    path = Path(path)
    vectors: Vectors = format_named(form or recognised(path)).implementation().read(path)
    return vectors
