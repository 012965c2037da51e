"""Files of vectors, one format each: `read_vectors`, `write_vectors` and `export`.

`fastw2v.formats.registry` has the table of them. Imports `objectives`, `text`, `kernels` and
`system`; knows nothing of training or of models beyond their `Embeddings`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from fastw2v.errors import OutputError
from fastw2v.formats.registry import (
    FORMATS,
    Format,
    FormatName,
    format_named,
    format_of_suffix,
    format_to_write,
)

if TYPE_CHECKING:
    from fastw2v.config import VectorChoice
    from fastw2v.formats.vectors import Vectors
    from fastw2v.objectives.embeddings import Embeddings
    from fastw2v.text.corpus import Progress
    from fastw2v.text.rules import TextRules

__all__ = [
    "FORMATS",
    "Format",
    "FormatName",
    "export",
    "format_named",
    "format_of_suffix",
    "format_to_write",
    "read_vectors",
    "require_target",
    "without_unwritable",
    "write_vectors",
]


def export(
    embeddings: "Embeddings",
    target: Path,
    form: FormatName | None = None,
    vectors: "VectorChoice | None" = None,
    tokenizer: "str | TextRules | None" = None,
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
    tokenizer : {"words", "whitespace"} or TextRules, optional
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


def require_target(target: Path, form: FormatName | None = None) -> None:
    """Raise what `write_vectors` would for a target that cannot be written, before long work.

    Parameters and errors as in `export`.
    """
    from fastw2v.system.files import require_file_target, require_replaceable

    layout = getattr(format_to_write(target, form).implementation(), "LAYOUT", None)
    if layout is None:
        require_file_target(target)
    else:
        require_replaceable(target, layout)


def write_vectors(
    vectors: "Vectors",
    target: Path,
    form: FormatName | None = None,
    progress: "Progress | None" = None,
) -> None:
    """Write one table to `target`, whole or not at all; parameters and errors as in `export`.

    Vectors of n-grams are left behind unless the format has `Format.holds_ngrams`.
    """
    import numpy as np

    from fastw2v.errors import UnwritableWordError
    from fastw2v.formats.vectors import lone_surrogate

    if not np.isfinite(vectors.vectors).all():
        raise OutputError(f"{target}: expected finite vectors to write, got NaN or infinite ones")
    lone = lone_surrogate(vectors.words)
    if lone is not None:
        raise UnwritableWordError(
            f"{target}: expected words that UTF-8 holds, got {vectors.words[lone]!r:.60}, which "
            "has half a character; correct it where the words come from"
        )
    chosen = format_to_write(target, form)
    if chosen.is_stream:
        chosen.implementation().write(vectors, target, progress)
    else:
        chosen.implementation().write(vectors, target)
    if progress is not None:
        progress(len(vectors.words), len(vectors.words))


def without_unwritable(
    vectors: "Vectors", target: Path, form: FormatName | None = None
) -> tuple["Vectors", list[str]]:
    """Return the vectors of the words that a format can hold, and the words that it cannot.

    Parameters
    ----------
    vectors : Vectors
    target : Path
    form : str, optional
        As in `export`.

    Raises
    ------
    OutputError
        If the format can hold none of the words.
    """
    from dataclasses import replace

    chosen = format_to_write(target, form)
    refusal = getattr(chosen.implementation(), "refusal", None)
    if refusal is None:
        return vectors, []
    rows: list[int] = []
    left_out = []
    for row, word in enumerate(vectors.words):
        if refusal(word, is_first=not rows) is None:
            rows.append(row)
        else:
            left_out.append(word)
    if not left_out:
        return vectors, []
    if not rows:
        raise OutputError(
            f"{target}: expected words that the {chosen.name} format can hold, got none among "
            f"{len(left_out):,}; write them as npz or parquet"
        )
    counts = None if vectors.counts is None else vectors.counts[rows]
    words = [vectors.words[row] for row in rows]
    return replace(vectors, words=words, vectors=vectors.vectors[rows], counts=counts), left_out


def read_vectors(
    path: Path,
    form: FormatName | None = None,
    progress: "Progress | None" = None,
    *,
    split_right: bool = False,
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
    split_right : bool
        Take for a word of a text all that stands before its numbers, blanks too: as many as the
        first line says, or as stand at the end of the first row. GloVe's largest file needs it.

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
        For an unknown format, or one that `split_right` says nothing to.
    MissingDependencyError
        If the format needs a package that is not installed.
    """
    from fastw2v.errors import ConfigurationError
    from fastw2v.formats.detection import recognised, require_kind

    path = Path(path)
    chosen = format_named(form or recognised(path))
    if form is not None:
        require_kind(path, form)
    read = chosen.implementation().read
    if split_right:
        if not chosen.is_text:
            raise ConfigurationError(
                f"split-right: expected a file of text beside it, got {path} in the format "
                f"{chosen.name!r}"
            )
        return cast("Vectors", read(path, progress, split_right=True))
    vectors: Vectors = read(path, progress) if chosen.is_stream else read(path)
    return vectors
