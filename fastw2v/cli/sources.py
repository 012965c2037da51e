"""What commands look words up in: a model folder, or a file of vectors in any format."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from gensim.models import KeyedVectors
    from numpy.typing import NDArray

    from fastw2v.config import VectorChoice
    from fastw2v.formats.vectors import Vectors
    from fastw2v.model import Word2Vec
    from fastw2v.objectives.feature_vectors import NgramVectors

__all__ = ["VectorSource", "model_or_vectors", "vector_source"]


@dataclass(frozen=True)
class VectorSource:
    """Vectors of words, with the model that they are of, if there is one.

    Attributes
    ----------
    keyed : KeyedVectors
        gensim's, of known words alone: its `FastTextKeyedVectors` has a row for every bucket.
    ngrams : NgramVectors, optional
        What unknown words' vectors are made of.
    model : Word2Vec, optional
    table : {"in", "out", "sum", "both"}, optional
        Of the model; None for the one that it hands out.
    """

    keyed: "KeyedVectors"
    ngrams: "NgramVectors | None" = None
    model: "Word2Vec | None" = None
    table: "VectorChoice | None" = None

    def vectors(self, words: Sequence[str]) -> "NDArray[np.float32]":
        """Return the vectors (N, D) of words; raises `UnknownWordError` for one without."""
        import numpy as np

        from fastw2v.errors import UnknownWordError
        from fastw2v.text.vocabulary import shown_word

        if self.model is not None:
            named = self.model.vocabulary.named
            return self.model.vectors([named(word) for word in words], self.table)
        found = np.empty((len(words), self.keyed.vector_size), np.float32)
        for row, word in enumerate(words):
            place = self.keyed.key_to_index.get(word)
            if place is not None:
                found[row] = self.keyed.vectors[place]
            elif self.ngrams is not None and self.ngrams.n_known(word):
                found[row] = self.ngrams.of([word])[0]
            else:
                nor = ", nor are its character n-grams" if self.ngrams is not None else ""
                raise UnknownWordError(
                    f"{shown_word(word)} is not among the {len(self.keyed.index_to_key):,} words "
                    f"of the file{nor}"
                )
        return found

    def count(self, word: str) -> int | None:
        """Return how often a word was seen; 0 for unknown ones, None where nothing is known."""
        if word not in self.keyed.key_to_index:
            return 0
        if "count" not in self.keyed.expandos:
            return None
        return int(self.keyed.get_vecattr(word, "count"))


def model_or_vectors(path: Path, workers: int | None = None) -> "Word2Vec | Vectors":
    """Return the model of a folder, or the vectors of a file or folder in any format.

    Raises
    ------
    ModelFormatError
        If it is neither.
    """
    from fastw2v.formats import read_vectors
    from fastw2v.formats.model_folder import is_model_folder
    from fastw2v.model import Word2Vec

    # What is no file is told as a model that is missing.
    if path.is_file() or (path.is_dir() and not is_model_folder(path) and any(path.iterdir())):
        return read_vectors(path)
    return Word2Vec.load(path, workers=workers)


def vector_source(path: Path, table: "VectorChoice | None" = None) -> VectorSource:
    """Open a model folder or a file of vectors.

    Raises
    ------
    ModelFormatError
        If it is neither.
    ConfigurationError
        If a table is asked of a file, which has one.
    """
    from fastw2v.errors import ConfigurationError
    from fastw2v.formats.vectors import Vectors
    from fastw2v.objectives.embeddings import as_keyed_vectors

    found = model_or_vectors(path)
    if isinstance(found, Vectors):
        if table is not None:
            raise ConfigurationError(
                f"{path}: expected a model to choose the table {table!r} of, got a file of vectors"
            )
        keyed = as_keyed_vectors(found.words, found.vectors, found.counts)
        return VectorSource(keyed, found.ngrams)
    model = found
    vocabulary, vectors = model.vocabulary, model.embeddings.table(table)
    keyed = as_keyed_vectors(vocabulary.texts, vectors, vocabulary.counts)
    return VectorSource(keyed, model=model, table=table)
