"""Vectors that training starts from, and their rows by the words of another vocabulary."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import NgramVectors
from fastw2v.text.stored_vocabulary import packed_words
from fastw2v.text.vocabulary import Vocabulary

__all__ = ["EarlierVectors", "KnownRows"]


@dataclass(frozen=True, eq=False)
class EarlierVectors:
    """Words with vectors, of whichever program.

    Attributes
    ----------
    words : list
        All different: text, or with a model of this package tokens of any kind.
    in_vectors : (N, D) float32
        Of the words as input; of a file with one table, that.
    embeddings : Embeddings, optional
        The whole model, where that is known.
    ngrams : NgramVectors, optional
        What unknown words' vectors are means of, in a file that has them.
    """

    words: list[Any]
    in_vectors: VectorArray
    embeddings: Embeddings | None = None
    ngrams: NgramVectors | None = None

    @classmethod
    def of_model(cls, embeddings: Embeddings) -> "EarlierVectors":
        """Return those of a model."""
        return cls(embeddings.vocabulary.words, embeddings.in_vectors, embeddings)

    @property
    def dimensions(self) -> int:
        """D."""
        return int(self.in_vectors.shape[1])

    @cached_property
    def digest(self) -> str:
        """32 digits that tell these words and vectors from others."""
        digest = hashlib.blake2b(digest_size=16)
        arrays: list[NDArray[Any]] = [*packed_words(self.words), self.in_vectors]
        model = self.embeddings
        if model is not None:
            arrays += [model.vocabulary.counts, model.out_vectors, model.out_bias]
        for array in arrays:
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def places_of(self, vocabulary: Vocabulary) -> NDArray[np.int64]:
        """Return where each word of a vocabulary stands among these (V,), -1 for new ones.

        A file has text alone, and whole numbers in digits.
        """
        words: Sequence[Any] = vocabulary.words if self.embeddings is not None else vocabulary.texts
        numbers = {word: place for place, word in enumerate(self.words)}
        return np.fromiter((numbers.get(word, -1) for word in words), np.int64, len(words))

    def rows_of(self, vocabulary: Vocabulary, *, calibrated: bool) -> "KnownRows":
        """Return what is known of the words of a vocabulary.

        Parameters
        ----------
        vocabulary : Vocabulary
        calibrated : bool
            Whether products should be the scores of a softmax. Those of negative sampling are by
            its temperature, which both sides then share.
        """
        places = self.places_of(vocabulary)
        is_known = places >= 0
        model = self.embeddings
        if model is None or model.objective == "hierarchical":
            return KnownRows(is_known, _taken(self.in_vectors, places))
        is_scaled = calibrated and model.temperature > 0
        root = np.float32(np.sqrt(model.temperature) if is_scaled else 1)
        counts = np.zeros(len(places))
        counts[is_known] = model.vocabulary.counts[places[is_known]]
        return KnownRows(
            is_known,
            root * _taken(self.in_vectors, places),
            root * _taken(model.out_vectors, places),
            _taken(model.out_bias[:, None], places)[:, 0].astype(np.float64),
            counts,
        )


@dataclass(frozen=True, eq=False)
class KnownRows:
    """Vectors of those words of a vocabulary that are known; zeros for the others.

    Attributes
    ----------
    is_known : (V,) bool
    in_vectors : (V, D) float32
    out_vectors : (V, D) float32, optional
        None where only one side is known.
    out_bias : (V,) float64, optional
        With which both sides give probabilities of the earlier text.
    counts : (V,) float64, optional
        How often each word was seen in it.
    """

    is_known: NDArray[np.bool_]
    in_vectors: VectorArray
    out_vectors: VectorArray | None = None
    out_bias: NDArray[np.float64] | None = None
    counts: NDArray[np.float64] | None = None

    @property
    def one_side(self) -> "KnownRows":
        """The input vectors alone."""
        return KnownRows(self.is_known, self.in_vectors)


def _taken(table: VectorArray, places: NDArray[np.int64]) -> VectorArray:
    found = np.zeros((len(places), table.shape[1]), np.float32)
    is_known = places >= 0
    found[is_known] = table[places[is_known]]
    return found
