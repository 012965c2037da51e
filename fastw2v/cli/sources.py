"""What commands look words up in: a model folder, or a file of vectors in any format."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from gensim.models import KeyedVectors
    from numpy.typing import NDArray

    from fastw2v.model import Word2Vec
    from fastw2v.objectives.feature_vectors import NgramVectors

__all__ = ["VectorSource", "vector_source"]


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
    """

    keyed: "KeyedVectors"
    ngrams: "NgramVectors | None"
    model: "Word2Vec | None" = None

    def vectors(self, words: Sequence[str]) -> "NDArray[np.float32]":
        """Return the vectors (N, D) of words; raises `UnknownWordError` for one without."""
        import numpy as np

        self.require(words)
        found = np.empty((len(words), self.keyed.vector_size), np.float32)
        lacking = []
        for row, word in enumerate(words):
            place = self.keyed.key_to_index.get(word)
            if place is None:
                lacking.append(row)
            else:
                found[row] = self.keyed.vectors[place]
        if lacking and self.ngrams is not None:
            found[lacking] = self.ngrams.of([words[row] for row in lacking])
        return found

    def require(self, words: Sequence[str]) -> None:
        """Raise `UnknownWordError` for a word that has no vector."""
        from fastw2v.errors import UnknownWordError
        from fastw2v.text.vocabulary import shown_word

        for word in words:
            if self.can_look_up(word):
                continue
            if self.model is not None:
                self.model.vocabulary.index(word)  # says what is near
            raise UnknownWordError(
                f"{shown_word(word)} is not among the {len(self.keyed.index_to_key):,} words of "
                "the file"
            )

    def can_look_up(self, word: str) -> bool:
        """Tell whether a word has a vector."""
        if word in self.keyed.key_to_index:
            return True
        return self.ngrams is not None and self.ngrams.n_known(word) > 0

    def count(self, word: str) -> int | None:
        """Return how often a word was seen; 0 for unknown ones, None where nothing is known."""
        if word not in self.keyed.key_to_index:
            return 0
        if "count" not in self.keyed.expandos:
            return None
        return int(self.keyed.get_vecattr(word, "count"))


def vector_source(path: Path, table: Any = None) -> VectorSource:
    """Open a model folder or a file of vectors.

    Raises
    ------
    ModelFormatError
        If it is neither.
    ConfigurationError
        If a table is asked of a file, which has one.
    """
    from fastw2v.errors import ConfigurationError
    from fastw2v.formats import read_vectors
    from fastw2v.formats.model_folder import is_model_folder
    from fastw2v.formats.vectors import vectors_of
    from fastw2v.model import Word2Vec
    from fastw2v.objectives.embeddings import as_keyed_vectors

    # What is no file is told as a model that is missing.
    if path.is_file() or (path.is_dir() and not is_model_folder(path) and any(path.iterdir())):
        if table is not None:
            raise ConfigurationError(
                f"{path}: expected a model to choose the table {table!r} of, got a file of vectors"
            )
        found = read_vectors(path)
        keyed = as_keyed_vectors(found.words, found.vectors, found.counts)
        return VectorSource(keyed, found.ngrams)
    model = Word2Vec.load(path)
    vocabulary, chosen = model.vocabulary, vectors_of(model.embeddings, table, None)
    keyed = as_keyed_vectors(vocabulary.words, chosen.vectors, vocabulary.counts)
    return VectorSource(keyed, chosen.ngrams, model)
