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
    from fastw2v.objectives.embeddings import Embeddings
    from fastw2v.objectives.nearest import NearestWords

__all__ = ["VectorSource", "loaded_model", "model_or_vectors", "vector_source"]

_LARGE_BYTES = 2**28


@dataclass(frozen=True)
class VectorSource:
    """Vectors of words, of a model or of a file.

    Attributes
    ----------
    held : Embeddings or Vectors
        Of a model or of a file.
    folder : Path, optional
        Of a model that joins phrases, which is opened as a whole where one is asked for.
    """

    held: "Embeddings | Vectors"
    folder: Path | None = None

    @property
    def embeddings(self) -> "Embeddings | None":
        """Those of a model, if it is one."""
        from fastw2v.formats.vectors import Vectors

        return None if isinstance(self.held, Vectors) else self.held

    @property
    def words(self) -> Sequence[str]:
        """The words as text, as they are in the file or the model."""
        return self._stored.words if self.embeddings is None else self.embeddings.vocabulary.texts

    @cached_property
    def _rows(self) -> dict[str, int]:
        """The row of each word of a file."""
        return dict(zip(self._stored.words, range(len(self._stored.words)), strict=True))

    def row(self, word: str) -> int | None:
        """Return the row of a word, as text; None if it has none."""
        if self.embeddings is None:
            return self._rows.get(word)
        vocabulary = self.embeddings.vocabulary
        return vocabulary.row(vocabulary.named(word))

    def __contains__(self, word: str) -> bool:
        return self.row(word) is not None

    @cached_property
    def _folded(self) -> dict[str, str]:
        """The most frequent word of those that are the same in capitals."""
        counts, words = self._counts, self.words
        order: Iterable[int] = range(len(words))
        if self.embeddings is None and counts is not None:  # files may have any order
            order = (-counts).argsort(kind="stable").tolist()
        found: dict[str, str] = {}
        for row in order:
            found.setdefault(words[row].upper(), words[row])
        return found

    @cached_property
    def _is_lower_case(self) -> bool:
        return all(word == word.lower() for word in self.words)

    @property
    def _stored(self) -> "Vectors":
        assert self.embeddings is None
        return cast("Vectors", self.held)

    @property
    def _counts(self) -> "NDArray[np.int64] | None":
        embeddings = self.embeddings
        return self._stored.counts if embeddings is None else embeddings.vocabulary.counts

    @cached_property
    def _whole_model(self) -> "Word2Vec":
        assert self.folder is not None
        return loaded_model(self.folder, mapped=True)

    def phrase(self, word: str) -> str:
        """Return the phrase of a model that text of several words stands for, or what was given."""
        if self.folder is None or word in self:
            return word
        return str(self._whole_model.named(word))

    def named(self, word: str) -> str:
        """Return a known word as it is spelt here, whatever its case; an unknown one in the same.

        The word itself comes first, then the most frequent one that differs in case alone, then
        the phrase that its words are joined to. Other words are unknown, and lower-cased where all
        known ones are, as 'fastw2v eval' does.
        """
        if word in self:
            return word
        found = self._folded.get(word.upper()) or self.phrase(word)
        if found in self:
            return found
        return word.lower() if self._is_lower_case else word

    def nearest(self, table: "VectorChoice | None" = None) -> "NearestWords":
        """Return what finds the nearest words of a table; of a file it has one only."""
        from fastw2v.objectives.nearest import NearestWords

        if self.embeddings is None:
            return NearestWords(self._stored.words, self._stored.vectors)
        return NearestWords(self.embeddings.vocabulary, self.embeddings.rows(table))

    def vectors(
        self, words: Sequence[str], table: "VectorChoice | None" = None
    ) -> "NDArray[np.float32]":
        """Return the vectors (N, D) of words; raises `UnknownWordError` for one without."""
        import numpy as np

        from fastw2v.errors import UnknownWordError
        from fastw2v.text.vocabulary import shown_word

        if self.embeddings is not None:
            named = self.embeddings.vocabulary.named
            return self.embeddings.vectors_of([named(word) for word in words], table)
        stored, ngrams = self._stored, self._stored.ngrams
        found = np.empty((len(words), stored.vectors.shape[1]), np.float32)
        for place, word in enumerate(words):
            row = self.row(word)
            if row is not None:
                found[place] = stored.vectors[row]
            elif ngrams is not None and ngrams.n_known([word]).any():
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
        row, counts = self.row(word), self._counts
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
    from fastw2v.model import Word2Vec

    mapped = mapped and _is_large(path)
    return Word2Vec.load(path, workers=workers, tokenizer=tokenizer_given_again(), mmap=mapped)


def _is_large(folder: Path) -> bool:
    from fastw2v.formats.model_folder import ARRAYS

    arrays = folder / ARRAYS
    return arrays.is_file() and arrays.stat().st_size > _LARGE_BYTES


def model_or_vectors(path: Path, workers: int | None = None) -> "Word2Vec | Vectors":
    """Return the model of a folder, or the vectors of a file or folder in any format.

    Raises
    ------
    ModelFormatError
        If it is neither.
    """
    from fastw2v.formats import read_vectors

    return read_vectors(path) if _are_vectors(path) else loaded_model(path, workers)


def _are_vectors(path: Path) -> bool:
    """Return whether vectors are to be read; what is no file gets the message of no model."""
    from fastw2v.formats.model_folder import is_model_folder

    return path.is_file() or (path.is_dir() and not is_model_folder(path) and any(path.iterdir()))


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
    from fastw2v.formats import read_vectors
    from fastw2v.formats.model_folder import read_model

    if _are_vectors(path):
        if tables:
            raise ConfigurationError(
                f"{path}: expected a model to choose the table {tables[0]!r} of, got a file of "
                "vectors"
            )
        return VectorSource(read_vectors(path))
    # Not `loaded_model`: to train takes half a second to import.
    stored = read_model(path, mapped=_is_large(path))
    return VectorSource(stored.embeddings, path if stored.words.phrases is not None else None)
