"""Files of vectors, one format each: `read_vectors`, `write_vectors` and `export`.

`fastw2v.formats.registry` has the table of them. Imports `objectives`, `text`, `kernels` and
`system`; knows nothing of training or of models beyond their `Embeddings`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from fastw2v.errors import OutputError
from fastw2v.formats.registry import (
    FORMATS,
    Format,
    format_named,
    format_of_suffix,
    format_to_write,
)

if TYPE_CHECKING:
    from fastw2v.config import Tokenizer, VectorChoice
    from fastw2v.formats.vectors import Vectors
    from fastw2v.objectives.embeddings import Embeddings
    from fastw2v.text.corpus import Progress

__all__ = [
    "FORMATS",
    "Format",
    "export",
    "format_named",
    "format_of_suffix",
    "format_to_write",
    "read_vectors",
    "write_vectors",
]


def export(
    embeddings: "Embeddings",
    target: Path,
    form: str | None = None,
    vectors: "VectorChoice | None" = None,
    tokenizer: "Tokenizer | None" = None,
    progress: "Progress | None" = None,
) -> None:
    """Write a model to `target`, whole or not at all.

    Vectors of n-grams, which unknown words' are made of, are written where the format has
    `Format.holds_ngrams` and the table is that of the sum.

    Parameters
    ----------
    embeddings : Embeddings
    target : Path
        A file; a folder for "model2vec" and "projector".
    form : str, optional
        Name of one of `FORMATS`; default: by the target's suffix, "word2vec" for others.
    vectors : {"in", "out", "sum", "both"}, optional
        Which table; default: that of the model's objective. npz holds both tables and the bias
        whatever is chosen.
    tokenizer : {"words", "whitespace"}, optional
        How text becomes words, for formats that cut text themselves.
    progress : callable, optional
        Called with the vectors written, and with those in all.

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
        if progress is not None:
            progress(len(embeddings.vocabulary), len(embeddings.vocabulary))
    else:
        table = vectors_of(embeddings, vectors, tokenizer)
        write_vectors(table, target, chosen.name, progress)


def write_vectors(
    vectors: "Vectors",
    target: Path,
    form: str | None = None,
    progress: "Progress | None" = None,
) -> None:
    """Write one table to `target`, whole or not at all; parameters and errors as in `export`.

    Vectors of n-grams are left behind unless the format has `Format.holds_ngrams`.
    """
    import numpy as np

    if not np.isfinite(vectors.vectors).all():
        raise OutputError(f"{target}: expected finite vectors to write, got NaN or infinite ones")
    chosen = format_to_write(target, form)
    if chosen.is_stream:
        chosen.implementation().write(vectors, target, progress)
    else:
        chosen.implementation().write(vectors, target)
    if progress is not None:
        progress(len(vectors.words), len(vectors.words))


def read_vectors(
    path: Path, form: str | None = None, progress: "Progress | None" = None
) -> "Vectors":
    """Read words and vectors from another program's file or folder.

    Nothing is skipped or repaired: what is not as the format has it is an error that says where.

    Parameters
    ----------
    path : Path
        Text and word2vec's binary may be compressed (.gz, .bz2, .xz, .zst).
    form : str, optional
        Name of one of `FORMATS`; default: by the content, and by the suffix where that leaves
        it open.
    progress : callable, optional
        Called with the bytes of a text or binary file read so far, and in all (None if unknown).

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
    from fastw2v.formats.detection import recognised

    path = Path(path)
    chosen = format_named(form or recognised(path))
    read = chosen.implementation().read
    vectors: Vectors = read(path, progress) if chosen.is_stream else read(path)
    return vectors
