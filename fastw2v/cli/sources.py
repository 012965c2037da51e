"""What commands look words up in: a model folder, or a file of vectors in any format."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fastw2v.config import VectorChoice
    from fastw2v.formats.vectors import Vectors
    from fastw2v.model import Word2Vec
    from fastw2v.objectives.nearest import NearestWords

__all__ = ["VectorSource", "loaded_model", "model_or_vectors", "vector_source"]

_LARGE_BYTES = 2**28


@dataclass(frozen=True)
class VectorSource:
    """Vectors of words, of a model or of a file.

    Attributes
    ----------
    held : Word2Vec or Vectors
    """

    held: "Word2Vec | Vectors"

    @property
    def model(self) -> "Word2Vec | None":
        """The model, if it is one."""
        from fastw2v.formats.vectors import Vectors

        return None if isinstance(self.held, Vectors) else self.held

    @cached_property
    def words(self) -> list[str]:
        """The words as text, as they are in the file or the model."""
        return self.model.vocabulary.texts if self.model is not None else self._stored.words

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each word."""
        if self.model is not None:
            return self.model.vocabulary.rows_of_texts
        return dict(zip(self.words, range(len(self.words)), strict=True))

    @cached_property
    def _folded(self) -> dict[str, str]:
        """The most frequent word of those that are the same in capitals."""
        counts = self._counts
        order: Iterable[int] = range(len(self.words))
        if self.model is None and counts is not None:  # files may have any order
            order = (-counts).argsort(kind="stable").tolist()
        found: dict[str, str] = {}
        for row in order:
            found.setdefault(self.words[row].upper(), self.words[row])
        return found

    @cached_property
    def _is_lower_case(self) -> bool:
        return all(word == word.lower() for word in self.words)

    @property
    def _stored(self) -> "Vectors":
        assert self.model is None
        return cast("Vectors", self.held)

    @property
    def _counts(self) -> "NDArray[np.int64] | None":
        return self.model.vocabulary.counts if self.model is not None else self._stored.counts

    def phrase(self, word: str) -> str:
        """Return the phrase of a model that text of several words stands for, or what was given."""
        if self.model is None or self.model.phrases is None or word in self.rows:
            return word
        return str(self.model.named(word))

    def named(self, word: str) -> str:
        """Return a known word as it is spelt here, whatever its case; an unknown one in the same.

        The word itself comes first, then the most frequent one that differs in case alone, then
        the phrase that its words are joined to. Other words are unknown, and lower-cased where all
        known ones are, as 'fastw2v eval' does.
        """
        if word in self.rows:
            return word
        found = self._folded.get(word.upper()) or self.phrase(word)
        if found in self.rows:
            return found
        return word.lower() if self._is_lower_case else word

    def nearest(self, table: "VectorChoice | None" = None) -> "NearestWords":
        """Return what finds the nearest words of a table; of a file it has one only."""
        from fastw2v.objectives.nearest import NearestWords

        if self.model is None:
            return NearestWords(self.words, self._stored.vectors)
        return NearestWords(self.words, self.model.embeddings.table(table))

    def vectors(
        self, words: Sequence[str], table: "VectorChoice | None" = None
    ) -> "NDArray[np.float32]":
        """Return the vectors (N, D) of words; raises `UnknownWordError` for one without."""
        import numpy as np

        from fastw2v.errors import UnknownWordError
        from fastw2v.text.vocabulary import shown_word

        if self.model is not None:
            named = self.model.vocabulary.named
            return self.model.vectors([named(word) for word in words], table)
        stored, ngrams = self._stored, self._stored.ngrams
        found = np.empty((len(words), stored.vectors.shape[1]), np.float32)
        for place, word in enumerate(words):
            row = self.rows.get(word)
            if row is not None:
                found[place] = stored.vectors[row]
            elif ngrams is not None and ngrams.n_known(word):
                found[place] = ngrams.of([word])[0]
            else:
                nor = ", nor are its character n-grams" if ngrams is not None else ""
                raise UnknownWordError(
                    f"{shown_word(word)} is not among the {len(self.words):,} words of the file"
                    f"{nor}"
                )
        return found

    def count(self, word: str) -> int | None:
        """Return how often a word was seen; 0 for unknown ones, None where nothing is known."""
        row, counts = self.rows.get(word), self._counts
        if row is None:
            return 0
        return None if counts is None else int(counts[row])


def loaded_model(path: Path, workers: int | None = None, *, mapped: bool = False) -> "Word2Vec":
    """Return the model of a folder, with the tokenizer that was given again (`--tokenizer`).

    With `mapped` a large model is mapped, and its digest is not looked at: reading all of it would
    take longer than an answer.

    Raises
    ------
    ModelFormatError
        If it is none.
    ConfigurationError
        If the model was trained with another kind of tokenizer.
    """
    from fastw2v.cli.options import tokenizer_given_again
    from fastw2v.formats.model_folder import ARRAYS
    from fastw2v.model import Word2Vec

    arrays = path / ARRAYS
    mapped = mapped and arrays.is_file() and arrays.stat().st_size > _LARGE_BYTES
    return Word2Vec.load(path, workers=workers, tokenizer=tokenizer_given_again(), mmap=mapped)


def model_or_vectors(
    path: Path, workers: int | None = None, *, mapped: bool = False
) -> "Word2Vec | Vectors":
    """Return the model of a folder, or the vectors of a file or folder in any format.

    `mapped` is as in `loaded_model`.

    Raises
    ------
    ModelFormatError
        If it is neither.
    """
    from fastw2v.formats import read_vectors
    from fastw2v.formats.model_folder import is_model_folder

    # What is no file gets the message of a model that is missing.
    if path.is_file() or (path.is_dir() and not is_model_folder(path) and any(path.iterdir())):
        return read_vectors(path)
    return loaded_model(path, workers, mapped=mapped)


def vector_source(path: Path, tables: Sequence["VectorChoice"] = ()) -> VectorSource:
    """Open a model folder or a file of vectors.

    Parameters
    ----------
    path : Path
    tables : sequence of {"in", "out", "sum", "both"}
        Those that will be asked for.

    Raises
    ------
    ModelFormatError
        If it is neither.
    ConfigurationError
        If a table is asked of a file, which has one.
    """
    from fastw2v.errors import ConfigurationError
    from fastw2v.formats.vectors import Vectors

    found = model_or_vectors(path, mapped=True)
    if isinstance(found, Vectors) and tables:
        raise ConfigurationError(
            f"{path}: expected a model to choose the table {tables[0]!r} of, got a file of vectors"
        )
    return VectorSource(found)
