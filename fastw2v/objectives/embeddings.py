"""Trained vectors with their words: which table to hand out, and as what."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import ObjectiveName
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.formulas.sigmoid_losses import leaf_log_probabilities
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = ["VECTOR_CHOICES", "Embeddings", "VectorChoice", "as_keyed_vectors"]

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
        Of the word as input and as output. With objective "hierarchical" out_vectors is
        (V - 1, D): row k belongs to inner node k of the Huffman tree of the counts.
    out_bias : (V,) float32
        With it, p(o | c) = softmax(temperature * out_vectors @ in_vectors[c] + out_bias)[o]
        speaks of the text itself, subsampling undone (docs/math.md). Zeros for "hierarchical",
        where p(o | c) is that of the leaf o.
    objective : {"softmax", "negative", "hierarchical"}
        What the vectors were trained by.
    temperature : float
        1 for "softmax"; fitted after training for "negative"
        (`fastw2v.objectives.losses.calibration`).
    """

    vocabulary: Vocabulary
    in_vectors: NDArray[np.float32]
    out_vectors: NDArray[np.float32]
    out_bias: NDArray[np.float32]
    objective: ObjectiveName = "softmax"
    temperature: float = 1.0

    @property
    def default_vectors(self) -> VectorChoice:
        """The table to hand out unless another is asked for: "sum" where outputs are words."""
        return "in" if self.objective == "hierarchical" else "sum"

    def table(self, vectors: VectorChoice | None = None) -> NDArray[np.float32]:
        """Return the (V, D) table called "in", "out" or "sum" (in + out), or the default one."""
        vectors = vectors or self.default_vectors
        if self.objective == "hierarchical" and vectors in ("out", "sum"):
            raise ConfigurationError(
                f"vectors: expected 'in', got {vectors!r}: hierarchical softmax has output vectors "
                "for the inner nodes of its tree, not for words"
            )
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
        outputs = self.out_vectors.astype(np.float64)
        if self.objective == "hierarchical":
            tree = huffman_tree(self.vocabulary.counts)
            logs: NDArray[np.float64] = leaf_log_probabilities(centre, outputs, tree)
            return np.exp(logs)
        scores = self.temperature * (outputs @ centre) + self.out_bias
        scores = np.exp(scores - scores.max())
        return np.asarray(scores / scores.sum())

    def keyed_vectors(self, vectors: VectorChoice | None = None) -> "KeyedVectors":
        """Return a gensim `KeyedVectors` of the chosen table, with the counts attached.

        It is a copy: gensim's methods that work in place do not reach into the model.
        """
        vectors = vectors or self.default_vectors
        table = self.table(vectors)
        if vectors != "sum":  # the sum is a new array as it is
            table = table.copy()
        return as_keyed_vectors(self.vocabulary.words, table, self.vocabulary.counts)


def as_keyed_vectors(
    words: list[str], table: NDArray[np.float32], counts: NDArray[np.int64] | None
) -> "KeyedVectors":
    """Return a gensim `KeyedVectors` that owns `table` (V, D), with copies of words and counts."""
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(table.shape[1], count=0, dtype=np.float32)
    keyed.index_to_key = list(words)
    keyed.key_to_index = {word: i for i, word in enumerate(keyed.index_to_key)}
    keyed.vectors = table
    if counts is not None:
        keyed.expandos = {"count": counts.copy()}
    return keyed
