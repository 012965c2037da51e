"""Whatever holds vectors, as a `WordTable`: a model folder, or a file of another program."""

from pathlib import Path

from fastw2v.embeddings import VectorChoice
from fastw2v.evaluation.word_table import WordTable
from fastw2v.model import Word2Vec


def load_table(
    path: Path, vectors: VectorChoice | None = None, *, workers: int | None = None
) -> tuple[WordTable, Word2Vec | None]:
    """Return the vectors at `path`, and the model if it is one.

    Parameters
    ----------
    path : Path
        A model folder.
    vectors : {"in", "out", "sum"}, optional
        Which table of a model. A file of vectors has one only.

    Raises
    ------
    EvaluationError
        If a table of a file is asked for.
    ModelFormatError
        If nothing can be read there.
    """
    model = Word2Vec.load(path, workers=workers)
    return WordTable(model.vocabulary.words, model.embeddings.table(vectors)), model
