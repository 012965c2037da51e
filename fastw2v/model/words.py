"""Vectors of words: of known ones, of unknown ones, and as gensim has them."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters, VectorChoice
from fastw2v.errors import ConfigurationError, UnknownWordError
from fastw2v.model.state import ModelState
from fastw2v.objectives.features import Ngrams
from fastw2v.objectives.unknown_words import fitted_unknown_words
from fastw2v.system.threads import WorkerPool

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = ["WordVectors"]


class WordVectors(ModelState):
    """Words looked up."""

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
        table : {"in", "out", "sum", "both"}, optional
            Default: as `wv`. Unknown words have no output vectors.

        Raises
        ------
        UnknownWordError
            If a word is unknown and no vector can be made for it.
        """
        return self.embeddings.vectors_of(words, table)

    def feature_vector(self, features: Sequence[str]) -> NDArray[np.float32]:
        """Return the vector (D,) of something new that has these features.

        Raises
        ------
        UnknownWordError
            If the model was trained without features, or not with these.
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
        """Fit vectors of character n-grams to those of words, so that unknown words get some.

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
