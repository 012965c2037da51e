"""Words with their vectors, as evaluation looks at them: unit length, found in any case."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import EvaluationError

__all__ = ["WordTable"]


@dataclass(frozen=True, eq=False)
class WordTable:
    """V words and their vectors.

    Parameters
    ----------
    words : sequence of str
        All different, most frequent first where that is known.
    vectors : (V, D) float32

    Raises
    ------
    EvaluationError
        If words and vectors are not as many, or a vector is not finite.
    """

    words: Sequence[str]
    vectors: NDArray[np.float32]

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

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def unit(self) -> NDArray[np.float32]:
        """Vectors of length one (V, D); a vector of zeros stays one."""
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return np.asarray(self.vectors / np.where(lengths > 0, lengths, 1), np.float32)

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
        return self.folded_rows.get(word.upper())

    def head(self, n_words: int) -> Self:
        """Return the first `n_words` words."""
        return (
            self
            if n_words >= len(self)
            else type(self)(self.words[:n_words], self.vectors[:n_words])
        )
