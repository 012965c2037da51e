"""The words and vectors that an index is made of: a model's, or those of a file."""

import hashlib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import VectorChoice
from fastw2v.errors import ConfigurationError, ModelFormatError, UnknownWordError
from fastw2v.formats import read_vectors
from fastw2v.formats.model_folder import is_model_folder
from fastw2v.formats.vectors import Vectors
from fastw2v.model import Word2Vec
from fastw2v.text.vocabulary import shown_word

__all__ = ["IndexSource", "Words", "digest_of", "words_of"]

IndexSource = Word2Vec | Vectors | str | Path
"""A model, vectors of a file, or the path of either."""


class Words(Protocol):
    """Words with vectors."""

    words: Sequence[Any]
    table: NDArray[np.float32]

    def row(self, word: Hashable) -> int | None:
        """Return the row of a word; None for an unknown one."""

    def made(self, word: Hashable) -> NDArray[np.float32]:
        """Return the vector (D,) of an unknown word; raises `UnknownWordError` without one."""


class _OfModel:
    def __init__(self, model: Word2Vec, table: VectorChoice | None) -> None:
        self.model = model
        self.choice = table
        self.words: Sequence[Any] = model.vocabulary.words
        self.table = model.embeddings.table(table)

    def row(self, word: Hashable) -> int | None:
        named = self.model.named(word)
        return self.model.vocabulary.index(named) if named in self.model else None

    def made(self, word: Hashable) -> NDArray[np.float32]:
        made: NDArray[np.float32] = self.model.vectors([word], self.choice)[0]
        return made


class _OfFile:
    def __init__(self, vectors: Vectors) -> None:
        self.words: Sequence[Any] = vectors.words
        self.table = vectors.vectors
        self._ngrams = vectors.ngrams
        self._rows: dict[Hashable, int] = {word: row for row, word in enumerate(vectors.words)}

    def row(self, word: Hashable) -> int | None:
        try:
            return self._rows.get(word)
        except TypeError:  # a list, say, which is no word
            return None

    def made(self, word: Hashable) -> NDArray[np.float32]:
        ngrams = self._ngrams
        if isinstance(word, str) and ngrams is not None and ngrams.n_known([word]).any():
            made: NDArray[np.float32] = ngrams.of([word])[0]
            return made
        nor = ", nor are its character n-grams" if ngrams is not None else ""
        raise UnknownWordError(
            f"{shown_word(word)} is not among the {len(self.words):,} words of the file{nor}"
        )


def words_of(source: IndexSource, table: VectorChoice | None = None) -> Words:
    """Return the words and vectors of a model, a file of vectors, or the path of one.

    Raises
    ------
    ModelFormatError
        If a path leads to neither.
    ConfigurationError
        If it is something else, or a table is asked of a file, which has one.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        if not path.exists():
            raise ModelFormatError(
                f"{path}: expected a model folder or a file of vectors, found nothing there"
            )
        source = Word2Vec.load(path) if is_model_folder(path) else read_vectors(path)
    if isinstance(source, Word2Vec):
        return _OfModel(source, table)
    if not isinstance(source, Vectors):
        raise ConfigurationError(
            "source: expected a Word2Vec, a Vectors or the path of a model or a file of vectors, "
            f"got a {type(source).__name__}"
        )
    if table is not None:
        raise ConfigurationError(
            f"table: expected a model to choose {table!r} of, got a file of vectors"
        )
    return _OfFile(source)


def digest_of(words: Words) -> str:
    """Return 64 hexadecimal digits (BLAKE2b) that differ where words, order or vectors do."""
    digest = hashlib.blake2b(digest_size=32)
    digest.update(np.array(words.table.shape, "<i8").tobytes())
    for word in words.words:
        digest.update(repr(word).encode("utf-8", "surrogatepass") + b"\n")
    digest.update(np.ascontiguousarray(words.table, "<f4").data)
    return digest.hexdigest()
