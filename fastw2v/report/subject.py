"""What a page or a picture is of: a model, or vectors of any file without one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import VectorChoice
from fastw2v.errors import ConfigurationError
from fastw2v.formats.vectors import Vectors
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import NgramVectors

if TYPE_CHECKING:
    from fastw2v.evaluation.word_table import WordTable
    from fastw2v.model import Word2Vec

__all__ = ["Subject", "page_ngrams", "subject_of"]

_SEED = 1  # of maps, where no model has one


@dataclass(frozen=True, eq=False)
class Subject:
    """Words with vectors, most frequent first, and the model that they are of.

    Attributes
    ----------
    words : list of str
    vectors : (V, D) float32
        Those that are handed out.
    counts : (V,) int64, optional
        None where a file does not say how often its words were seen.
    ngrams : NgramVectors, optional
        What unknown words' vectors are made of in a page.
    model : Word2Vec, optional
    """

    words: list[str]
    vectors: NDArray[np.float32]
    counts: NDArray[np.int64] | None = None
    ngrams: NgramVectors | None = None
    model: "Word2Vec | None" = None

    @property
    def seed(self) -> int:
        """What the random choices of a map follow from."""
        return _SEED if self.model is None else self.model.settings.seed

    @property
    def workers(self) -> int | None:
        """Threads; None for as many as there are cores."""
        return None if self.model is None else self.model.workers

    def table(self, vectors: VectorChoice | None) -> NDArray[np.float32]:
        """Return the table "in", "out" or "sum" of a model, or the default one.

        Raises
        ------
        ConfigurationError
            If a table of a file is asked for, which has one.
        """
        if vectors is None:
            return self.vectors
        if self.model is None:
            raise ConfigurationError(
                f"vectors: expected no choice for a file of vectors, which has one table, got "
                f"{vectors!r}"
            )
        return self.model.embeddings.table(vectors)

    def word_table(self) -> "WordTable":
        """Return the vectors as tests look at them."""
        from fastw2v.evaluation.loading import table_of
        from fastw2v.evaluation.word_table import WordTable

        if self.model is not None:
            return table_of(self.model.embeddings)
        return WordTable(self.words, self.vectors, self.ngrams.of if self.ngrams else None)


def subject_of(source: "Word2Vec | Vectors") -> Subject:
    """Return what is shown of a trained model, or of a file's vectors."""
    if isinstance(source, Vectors):
        ordered = source.by_frequency()
        return Subject(ordered.words, ordered.vectors, ordered.counts, ordered.ngrams)
    embeddings = source.embeddings
    vocabulary = embeddings.vocabulary
    ngrams = page_ngrams(embeddings)
    return Subject(vocabulary.texts, embeddings.table(), vocabulary.counts, ngrams, source)


def page_ngrams(embeddings: Embeddings) -> NgramVectors | None:
    """Return what a page makes unknown words' vectors of.

    None if the model has no n-grams, or is one of hierarchical softmax that got some later, whose
    page has no table that they go with.
    """
    unknown = embeddings.unknown
    if unknown is None or (embeddings.default_vectors != "sum" and not unknown.are_trained_means):
        return None
    return unknown.table
