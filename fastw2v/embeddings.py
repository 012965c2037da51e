"""Trained vectors with their words: which table to hand out, and as what."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError
from fastw2v.vocab import Vocabulary

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

VectorChoice = Literal["in", "out", "sum"]
VECTOR_CHOICES: tuple[VectorChoice, ...] = ("in", "out", "sum")


@dataclass(frozen=True)
class Embeddings:
    """Everything that training learned.

    Attributes
    ----------
    vocabulary : Vocabulary
        V words with counts.
    in_vectors, out_vectors : (V, D) float32
        Of the word as centre and as context.
    out_bias : (V,) float32
        With it, p(o | c) = softmax(out_vectors @ in_vectors[c] + out_bias)[o] speaks of the
        text itself, subsampling undone (docs/math.md).
    """

    vocabulary: Vocabulary
    in_vectors: NDArray[np.float32]
    out_vectors: NDArray[np.float32]
    out_bias: NDArray[np.float32]

    def table(self, vectors: VectorChoice) -> NDArray[np.float32]:
        """Return the (V, D) table called "in", "out" or "sum" (in + out)."""
        if vectors == "in":
            return self.in_vectors
        if vectors == "out":
            return self.out_vectors
        if vectors == "sum":
            return self.in_vectors + self.out_vectors
        raise ConfigurationError(f"vectors: expected 'in', 'out' or 'sum', got {vectors!r}")

    def context_probabilities(self, word: str) -> NDArray[np.float64]:
        """Return p(o | word) for all V words o, float64, summing to one."""
        centre = self.in_vectors[self.vocabulary.index(word)].astype(np.float64)
        scores = self.out_vectors.astype(np.float64) @ centre + self.out_bias
        scores = np.exp(scores - scores.max())
        return np.asarray(scores / scores.sum())

    def keyed_vectors(self, vectors: VectorChoice) -> "KeyedVectors":
        """Return a gensim `KeyedVectors` of the chosen table, with the counts attached.

        It is a copy: gensim's methods that work in place do not reach into the model.
        """
        from gensim.models import KeyedVectors

        table = self.table(vectors)
        if vectors != "sum":  # the sum is a new array as it is
            table = table.copy()
        keyed = KeyedVectors(table.shape[1], count=0, dtype=np.float32)
        keyed.index_to_key = list(self.vocabulary.words)
        keyed.key_to_index = {word: i for i, word in enumerate(keyed.index_to_key)}
        keyed.vectors = table
        keyed.expandos = {"count": self.vocabulary.counts.copy()}
        return keyed
