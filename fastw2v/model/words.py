"""Vectors of words: of known ones, of unknown ones, and as gensim has them."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters, VectorChoice
from fastw2v.config.numbers import whole_number
from fastw2v.errors import ConfigurationError, UnknownWordError
from fastw2v.model.state import ModelState
from fastw2v.objectives.features import Ngrams
from fastw2v.objectives.nearest import NearestWords, direction
from fastw2v.objectives.unknown_words import fitted_unknown_words
from fastw2v.system.threads import WorkerPool
from fastw2v.text.expressions import Term, parsed_expression

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = ["Query", "WordVectors"]


Query = Hashable | NDArray[np.floating[Any]]
"""A word, a sum or difference of words as text, or a vector (D,)."""


class WordVectors(ModelState):
    """Words looked up."""

    def __len__(self) -> int:
        """Return how many words the vocabulary has; raises `FastW2VError` before `fit`."""
        return len(self.vocabulary)

    def __bool__(self) -> bool:
        """Return True: a model is one before it is trained, too."""
        return True

    def __contains__(self, word: object) -> bool:
        """Tell whether a word is in the vocabulary."""
        try:
            return word in self.vocabulary
        except TypeError:  # a list, say, which is no word
            return False

    def __iter__(self) -> Iterator[Any]:
        """Go over the words, the most frequent ones first."""
        return iter(self.vocabulary.words)

    def __getitem__(self, word: Hashable | list[Any]) -> NDArray[np.float32]:
        """Return the vector (D,) of a word, or the vectors (N, D) of a list of words.

        Raises
        ------
        UnknownWordError
            As `vectors`.
        """
        return self.vectors(word) if isinstance(word, list) else self.vector(word)

    def most_similar(
        self,
        positive: Query | Sequence[Query],
        negative: Query | Sequence[Query] = (),
        topn: int | None = 10,
        *,
        table: VectorChoice | None = None,
    ) -> list[tuple[Any, float]]:
        """Return the words nearest to a word, a vector, or a sum of them, each with its cosine.

        Each word and vector counts with length 1. Words that were asked for are left out.

        Parameters
        ----------
        positive : word, vector or list of both
            ``"river"``; ``"king - man + woman"``, with blanks around the signs; ``["king",
            "woman"]``; an array (D,), or several as rows (N, D). A tuple is one word, which
            may be one.
        negative : word, vector or list of both
            What is subtracted.
        topn : int, optional
            None: all words.
        table : {"in", "out", "sum", "both"}, optional
            Default: as `wv`.

        Raises
        ------
        UnknownWordError
            If a word is not in the vocabulary, and no vector can be made for it.
        ConfigurationError
            If a vector has other dimensions or numbers that are not finite, nothing is asked for,
            or `topn` is no whole number from 0 on.
        """
        if topn is not None:
            topn = whole_number("topn", topn, low=0)
        table = table or self.embeddings.default_vectors
        nearest = self._nearest_words(table)
        terms = [
            *((query, 1.0) for query in _as_list(positive)),
            *((query, -1.0) for query in _as_list(negative)),
        ]
        if not terms:
            raise ConfigurationError("positive: expected a word or a vector at least, got none")
        total = np.zeros(nearest.table.shape[1], np.float64)
        asked: set[int] = set()
        for query, sign in terms:
            for vector, weight, row in self._vectors_of_query(query, table):
                total += sign * weight * direction(vector).astype(np.float64)
                asked |= set() if row is None else {row}
        return nearest.near(total.astype(np.float32), topn, asked)

    def _nearest_words(self, table: VectorChoice) -> NearestWords:
        """Return what finds the words near a vector of a table; made once."""
        if table not in self._nearest:
            self._nearest[table] = NearestWords(self.vocabulary, self.embeddings.table(table))
        return self._nearest[table]

    def _vectors_of_query(
        self, query: Any, table: VectorChoice
    ) -> Iterator[tuple[NDArray[np.float32], float, int | None]]:
        """Yield each vector of a query with its weight, and its row if it is a known word's."""
        if isinstance(query, np.ndarray):
            yield _checked_vector(query, self.embeddings.dimensions(table)), 1.0, None
            return
        terms = [Term(query, 1.0)]
        if isinstance(query, str):
            terms = parsed_expression(query, self.__contains__)
        for given, weight in terms:
            word = given if self.phrases is None else self.named(given)
            row = self.vocabulary.index(word) if word in self else None
            yield self.vectors([word], table)[0], weight, row

    @property
    def wv(self) -> "KeyedVectors":
        """The vectors as gensim `KeyedVectors`, with counts.

        The sum of in and out vectors; the in vectors of hierarchical softmax, which has no
        output vectors of words, and of negative sampling with subwords, as fastText has it.
        """
        return self.keyed_vectors()

    def keyed_vectors(self, vectors: VectorChoice | None = None) -> "KeyedVectors":
        """Return gensim `KeyedVectors` of the table "in", "out", "sum" or "both", made once."""
        vectors = vectors or self.embeddings.default_vectors
        if vectors not in self._keyed:
            self._keyed[vectors] = self.embeddings.keyed_vectors(vectors)
        return self._keyed[vectors]

    def vector(self, word: Hashable) -> NDArray[np.float32]:
        """Return the vector (D,) of a word, as `vectors` does."""
        row: NDArray[np.float32] = self.vectors([word])[0]
        return row

    def vectors(
        self, words: Sequence[Hashable], table: VectorChoice | None = None
    ) -> NDArray[np.float32]:
        """Return vectors (N, D) of words, known or not.

        Unknown words get theirs from character n-grams, after training with ``inputs="subwords"``
        or `make_unknown_words`.

        Parameters
        ----------
        words : sequence of str or other tokens
            "new york" is the phrase new_york, if the model joins it.
        table : {"in", "out", "sum", "both"}, optional
            Default: as `wv`. Unknown words have no output vectors.

        Raises
        ------
        UnknownWordError
            If a word is unknown and no vector can be made for it.
        ConfigurationError
            If `words` is one text or bytes, whose letters would be taken for words.
        """
        if isinstance(words, str | bytes):
            raise ConfigurationError(
                f"words: expected a list of words, got {words!r:.60}; use vector, or a list"
            )
        if self.phrases is not None:
            words = [self.named(word) for word in words]
        return self.embeddings.vectors_of(words, table)

    def feature_vector(self, features: Sequence[str]) -> NDArray[np.float32]:
        """Return the vector (D,) of something new with these features.

        Raises
        ------
        UnknownWordError
            If the model was trained without features, or not with these.
        ConfigurationError
            If `features` is one text, whose letters would be taken for features.
        """
        named = self.embeddings.named_features
        if named is None:
            raise UnknownWordError(
                "features: expected a model that was trained with inputs='features', got one with "
                f"inputs={self.settings.inputs!r}"
            )
        return named.of(features)

    def make_unknown_words(
        self, *, min_n: int = 2, max_n: int = 5, bucket: int = 2_000_000
    ) -> Self:
        """Fit vectors of character n-grams to those of words, for vectors of unknown words.

        For a model of words that have a row each; they keep their vectors. It knows how words are
        spelt, and no more: docs/subwords.md has what that is worth.

        Raises
        ------
        ConfigurationError
            If the numbers are out of range, or the model was trained on features or on subwords,
            and makes vectors of unknown words already.
        """
        if self.settings.inputs != "words":
            raise ConfigurationError(
                "make_unknown_words: expected a model with inputs='words', got one with "
                f"inputs={self.settings.inputs!r}, which trained vectors of its features"
            )
        n_grams = Hyperparameters(inputs="subwords", min_n=min_n, max_n=max_n, bucket=bucket)
        chosen = Ngrams(n_grams.min_n, n_grams.max_n, n_grams.bucket)
        with WorkerPool(self.workers) as pool:
            self.vocabulary.require_text("make_unknown_words")
            unknown = fitted_unknown_words(self.embeddings, chosen, pool)
        trained = replace(self._result, embeddings=replace(self.embeddings, unknown=unknown))
        self._become(trained, self._checkpoints)
        return self


def _as_list(queries: Any) -> list[Any]:
    """Return what was asked for as a list of words and vectors."""
    if isinstance(queries, np.ndarray) and queries.ndim == 2:
        return list(queries)
    if isinstance(queries, list):
        return queries
    return [] if isinstance(queries, tuple) and not queries else [queries]


def _checked_vector(vector: NDArray[Any], dimensions: int) -> NDArray[np.float32]:
    """Return a vector as float32; raises `ConfigurationError` if it is none of a table."""
    if vector.shape != (dimensions,) or vector.dtype.kind not in "fiu":
        raise ConfigurationError(
            f"vector: expected {dimensions} numbers, got {vector.dtype} of shape {vector.shape}"
        )
    found = np.asarray(vector, np.float64)
    if not np.isfinite(found).all():
        raise ConfigurationError("vector: expected finite numbers, got others")
    return direction(found)
