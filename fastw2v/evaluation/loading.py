"""Whatever holds vectors, as a `WordTable`: a model folder, or another program's file."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from fastw2v.config import TokenizeFunction, VectorChoice
from fastw2v.errors import ConfigurationError
from fastw2v.evaluation.word_table import WordTable
from fastw2v.formats import read_vectors
from fastw2v.formats.model_folder import is_model_folder
from fastw2v.model import Word2Vec
from fastw2v.objectives.embeddings import Embeddings

__all__ = ["load_table", "table_of"]


def table_of(embeddings: Embeddings, vectors: VectorChoice | None = None) -> WordTable:
    """Return a model's table "in", "out", "sum" or "both", or its default one, to be evaluated.

    It makes vectors of unknown words where the model does.
    """
    make = partial(embeddings.unknown_vectors, vectors=vectors)
    is_made = embeddings.makes_unknown(vectors)
    return WordTable(
        embeddings.vocabulary.texts, embeddings.table(vectors), make if is_made else None
    )


def load_table(
    path: Path,
    vectors: VectorChoice | None = None,
    *,
    workers: int | None = None,
    tokenizer: str | TokenizeFunction | None = None,
) -> tuple[WordTable, Word2Vec | None]:
    """Return the vectors at `path`, most frequent words first, and the model if it is one.

    Parameters
    ----------
    path : Path
        A model folder, or what `fastw2v.formats.read_vectors` reads. Without counts a file is
        taken to be in the order of frequency. Vectors of unknown words are made where the model or
        the file has those of n-grams.
    vectors : {"in", "out", "sum", "both"}, optional
        Which table of a model. A file of vectors has one only.
    workers, tokenizer : optional
        As in `Word2Vec.load`.

    Raises
    ------
    ConfigurationError
        If a table of a file is asked for.
    ModelFormatError, TextEncodingError
        If nothing can be read there.
    EvaluationError
        If a vector is not finite.
    """
    if is_model_folder(path):
        model = Word2Vec.load(path, workers=workers, tokenizer=tokenizer)
        table = table_of(model.embeddings, vectors)
        return replace(table, named=None if model.phrases is None else model.named), model
    if vectors is not None:
        raise ConfigurationError(
            f"vectors: expected no choice for {path}, which has one table only, got {vectors!r}"
        )
    stored = read_vectors(path).by_frequency()
    make = stored.ngrams.of if stored.ngrams is not None else None
    return WordTable(stored.words, stored.vectors, make), None
