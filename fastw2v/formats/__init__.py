"""File formats, one module each, and their names for `export`."""

from pathlib import Path
from typing import Literal

from fastw2v.embeddings import Embeddings, VectorChoice
from fastw2v.errors import ConfigurationError
from fastw2v.formats.npz import write_npz
from fastw2v.formats.word2vec import write_word2vec

ExportFormat = Literal["word2vec", "word2vec-bin", "npz"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = ("word2vec", "word2vec-bin", "npz")


def export(
    embeddings: Embeddings,
    target: Path,
    form: ExportFormat,
    vectors: VectorChoice | None = None,
) -> None:
    """Write `embeddings` to the file `target`, whole or not at all.

    Parameters
    ----------
    embeddings : Embeddings
    target : Path
    form : {"word2vec", "word2vec-bin", "npz"}
    vectors : {"in", "out", "sum"}, optional
        Which table; default: that of the model's objective. npz holds both tables and the bias
        whatever is chosen.

    Raises
    ------
    ConfigurationError
        For an unknown format or table.
    OutputError
        If the target cannot be written, or the format cannot hold one of the words.
    """
    if form == "npz":
        write_npz(embeddings, target)
    elif form in ("word2vec", "word2vec-bin"):
        write_word2vec(embeddings, target, vectors, binary=form == "word2vec-bin")
    else:
        names = ", ".join(repr(name) for name in EXPORT_FORMATS)
        raise ConfigurationError(f"format: expected one of {names}, got {form!r}")
