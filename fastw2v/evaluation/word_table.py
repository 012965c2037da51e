"""Words with their vectors, as evaluation looks at them: unit length, found in any case."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.config.numbers import whole_number
from fastw2v.errors import EvaluationError
from fastw2v.objectives.embeddings import ngram_vectors_of
from fastw2v.objectives.exact_search import unit_rows

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = ["MakeUnknown", "WordTable"]

MakeUnknown = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class WordTable:
    """V words and their vectors.

    Parameters
    ----------
    words : sequence of str
        All different, most frequent first where that is known.
    vectors : (V, D) float32
    make_unknown : callable, optional
        Gets words that are not in the table and returns their vectors (N, D) float32, made of
        n-grams, say; zeros for those that have none.
    named : callable, optional
        Gets text of several words and returns the word of the table that it stands for, if any.

    Raises
    ------
    EvaluationError
        If words and vectors are not as many, or a vector is not finite.
    """

    words: Sequence[str]
    vectors: NDArray[np.float32]
    make_unknown: MakeUnknown | None = None
    named: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.words) != len(self.vectors):
            raise EvaluationError(
                f"vectors: expected one row for each of {len(self.words):,} words, got an array "
                f"of shape {self.vectors.shape}"
            )
        finite = np.isfinite(self.vectors).all(axis=1)
        if not finite.all():
            word = self.words[int(np.argmin(finite))]
            raise EvaluationError(
                f"vectors: expected finite numbers, got others, first for {word!r}; train again "
                "with a smaller learning rate"
            )

    @classmethod
    def of_keyed(cls, keyed: "KeyedVectors") -> Self:
        """Return the table of gensim's vectors; those of its FastText make unknown words too."""
        ngrams = ngram_vectors_of(keyed)
        return cls(keyed.index_to_key, keyed.vectors, ngrams.of if ngrams is not None else None)

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        """Return sizes, on one line."""
        return f"WordTable({len(self.words):,} words, {self.vectors.shape[1]} dimensions)"

    @cached_property
    def unit(self) -> NDArray[np.float32]:
        """Vectors of length one (V, D); a vector of zeros stays one."""
        return unit_rows(self.vectors)

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def folded_rows(self) -> dict[str, int]:
        """The first row, so the most frequent, of each word in capitals."""
        found: dict[str, int] = {}
        for row, word in enumerate(self.words):
            found.setdefault(word.upper(), row)
        return found

    @cached_property
    def first_of_case(self) -> NDArray[np.int64]:
        """The row (V,) of the most frequent word that differs from each word in case at most."""
        folded = self.folded_rows
        return np.array([folded[word.upper()] for word in self.words], np.int64)

    def find(self, word: str) -> int | None:
        """Return the row of `word`, whatever its case, or None."""
        row = self.folded_rows.get(word.upper())
        if row is None and self.named is not None and len(word.split()) > 1:
            row = self.folded_rows.get(self.named(word).upper())
        return row

    @cached_property
    def _is_lower_case(self) -> bool:
        return all(word == word.lower() for word in self.words)

    def spelt(self, word: str) -> str:
        """Return an unknown word in lower case if all words of the table are."""
        return word.lower() if self._is_lower_case else word

    def with_words(self, words: Sequence[str]) -> Self:
        """Return the table with further words after its own: those that get a vector.

        Words that the table finds, in any case, are not added again, nor those for which
        `make_unknown` has zeros.
        """
        further: dict[str, str] = {}
        for word in words:
            if self.find(word) is None:
                further.setdefault(word.upper(), self.spelt(word))
        if self.make_unknown is None or not further:
            return self
        unknown = list(further.values())
        made = self.make_unknown(unknown)
        rows = np.flatnonzero(made.any(axis=1))
        return replace(
            self,
            words=[*self.words, *(unknown[row] for row in rows)],
            vectors=np.concatenate([self.vectors, made[rows]]),
        )

    def centred(self) -> Self:
        """Return the table with the mean subtracted from its vectors, and from made ones."""
        mean = self.vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        make = self.make_unknown

        def make_centred(words: Sequence[str]) -> NDArray[np.float32]:
            assert make is not None
            made = make(words)
            return np.asarray(made - mean * made.any(axis=1, keepdims=True))

        return replace(
            self, vectors=self.vectors - mean, make_unknown=make_centred if make else None
        )

    def head(self, n_words: int) -> Self:
        """Return the first `n_words` words; `ConfigurationError` if that is no whole number."""
        n_words = whole_number("n_words", n_words, low=0)
        if n_words >= len(self):
            return self
        return replace(self, words=self.words[:n_words], vectors=self.vectors[:n_words])
