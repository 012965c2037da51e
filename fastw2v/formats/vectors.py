"""What the formats hold: words with vectors, and perhaps counts; and which words they refuse."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import VectorChoice
from fastw2v.errors import ModelFormatError, TextEncodingError, UnwritableWordError
from fastw2v.objectives.embeddings import (
    Embeddings,
    as_fasttext_vectors,
    as_keyed_vectors,
)
from fastw2v.objectives.feature_vectors import NgramVectors
from fastw2v.text.rules import TextRules
from fastw2v.text.token_kinds import described_kind
from fastw2v.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = [
    "LONGEST_WORD_BYTES",
    "Vectors",
    "checked_vectors",
    "float32_table",
    "int64_counts",
    "joined_rows",
    "length_refusal",
    "lone_surrogate",
    "require_writable_words",
    "texts_of",
    "vectors_of",
    "white_space_refusal",
    "written_words",
]

LONGEST_WORD_BYTES = 1 << 20  # in binary: a file that is none may have no end of a word for long


@dataclass(frozen=True, eq=False)
class Vectors:
    """One table of vectors with their words, as files hold it.

    Attributes
    ----------
    words : list of str
        All different.
    vectors : (V, D) float32
        A row for each word; finite.
    counts : (V,) int64, optional
        How often each word was seen, where the file says so.
    tokenizer : {"words", "whitespace"} or TextRules, optional
        How text becomes such words, where that is known.
    ngrams : NgramVectors, optional
        Vectors of character n-grams, which give unknown words theirs.
    """

    words: list[str]
    vectors: NDArray[np.float32]
    counts: NDArray[np.int64] | None = None
    tokenizer: str | TextRules | None = None
    ngrams: NgramVectors | None = None

    def __repr__(self) -> str:
        """Return sizes, on one line."""
        more = "".join(
            f", {name}"
            for name, part in (("counts", self.counts), ("n-grams", self.ngrams))
            if part is not None
        )
        return f"Vectors({len(self.words):,} words, {self.vectors.shape[1]} dimensions{more})"

    def by_frequency(self) -> "Vectors":
        """Return the table with the most frequent words first; unchanged without counts.

        Files without counts are taken to be in that order.
        """
        if self.counts is None or not (np.diff(self.counts) > 0).any():
            return self
        order = np.argsort(-self.counts, kind="stable")
        words = [self.words[row] for row in order]
        return replace(self, words=words, vectors=self.vectors[order], counts=self.counts[order])

    def keyed_vectors(self) -> "KeyedVectors":
        """Return a gensim `KeyedVectors` of a copy of the table."""
        if self.ngrams is not None:
            return as_fasttext_vectors(self.words, self.vectors.copy(), self.counts, self.ngrams)
        return as_keyed_vectors(self.words, self.vectors.copy(), self.counts)


def vectors_of(
    embeddings: Embeddings, choice: VectorChoice | None, tokenizer: str | TextRules | None
) -> Vectors:
    """Return one table of a model by its name, or by default the objective's own."""
    vocabulary = embeddings.vocabulary
    # Unknown words have vectors in the space of what is handed out, not of each table.
    handed_out = choice in (None, embeddings.default_vectors)
    ngrams = embeddings.unknown.table if embeddings.unknown is not None and handed_out else None
    words = written_words(vocabulary)
    return Vectors(words, embeddings.table(choice), vocabulary.counts, tokenizer, ngrams)


def written_words(vocabulary: Vocabulary) -> list[str]:
    """Return the words of a model as files hold them: text, and whole numbers in digits.

    Raises
    ------
    UnwritableWordError
        If one is bytes or a tuple, or a number is written as a text that is there too.
    """
    words = vocabulary.texts
    if words is vocabulary.words:
        return words
    for word in vocabulary.words:
        if not isinstance(word, str | int):
            raise UnwritableWordError(
                f"words: expected text or whole numbers, which files of vectors hold, got "
                f"{described_kind(word)}; save the model folder, which holds every kind, or train "
                "on str(token)"
            )
    twice = next((text for text, times in Counter(words).items() if times > 1), None)
    if twice is not None:
        raise UnwritableWordError(
            f"words: expected whole numbers that are no words as text too, got {twice} and "
            f"{twice!r}; save the model folder, which tells them apart"
        )
    return words


def texts_of(words: Iterable[Any]) -> list[str]:
    """Return words as plain text: whole numbers, which items have for names, in digits.

    Raises
    ------
    TypeError
        If one is neither text nor a whole number.
    """
    found = []
    for word in words:
        is_number = isinstance(word, int | np.integer) and not isinstance(word, bool)
        if not (is_number or isinstance(word, str)):
            raise TypeError(f"words: expected text or whole numbers, got a {type(word).__name__}")
        found.append(str(int(word)) if is_number else str(word))
    return found


def float32_table(table: NDArray[Any]) -> NDArray[np.float32]:
    """Return vectors (V, D) of any width and byte order as the nearest float32.

    What float32 cannot hold becomes infinite, which `checked_vectors` refuses at its place.

    Raises
    ------
    TypeError
        If they are not floating-point numbers on two axes.
    """
    if table.dtype.kind != "f" or table.ndim != 2:
        raise TypeError(
            f"vectors: expected floating-point numbers (V, D), got {table.dtype} {table.shape}"
        )
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(table, np.float32)


def joined_rows(parts: list[NDArray[np.float32]], dimensions: int) -> NDArray[np.float32]:
    """Return tables one below the other, in one; each is given back as soon as it is copied."""
    table = np.empty((sum(map(len, parts)), dimensions), np.float32)
    first = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        table[first : first + len(part)] = part
        first += len(part)
    return table


def int64_counts(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return counts (V,) of whole numbers of any kind as int64.

    Raises
    ------
    TypeError
        If they are others, or too large.
    """
    if counts.ndim != 1 or counts.dtype.kind not in "iu":
        raise TypeError(f"counts: expected integers, got {counts.dtype} {counts.shape}")
    if len(counts) and counts.max() > np.iinfo(np.int64).max:
        raise TypeError(f"counts: expected less than 2^63, got {counts.max()}")
    return counts.astype(np.int64)


def checked_vectors(
    source: Path,
    words: list[str],
    vectors: NDArray[np.float32],
    counts: NDArray[np.int64] | None = None,
    place: Callable[[int], str] = "vector {}".format,
) -> Vectors:
    """Return `Vectors` read from a file, or raise `ModelFormatError` saying what is wrong where.

    `place` says where in the file a row is. A word that UTF-8 does not hold is a
    `TextEncodingError`.
    """
    if vectors.ndim != 2 or not vectors.size:
        raise ModelFormatError(
            f"{source}: expected a table of at least one vector of at least one dimension, got "
            f"one of shape {vectors.shape}"
        )
    for name, length in (
        ("words", len(words)),
        ("counts", len(words if counts is None else counts)),
    ):
        if length != len(vectors):
            raise ModelFormatError(
                f"{source}: expected as many {name} as vectors ({len(vectors):,}), got {length:,}"
            )
    require_finite(source, vectors, place)
    lone = lone_surrogate(words)
    if lone is not None:
        raise TextEncodingError(
            f"{source}: expected words that UTF-8 holds, got {words[lone]!r:.60} at {place(lone)}, "
            "which has half a character; correct it where the file was made"
        )
    if len(set(words)) != len(words):
        first: dict[str, int] = {}
        for row, word in enumerate(words):
            if first.setdefault(word, row) != row:
                raise ModelFormatError(
                    f"{source}: expected all words to be different, got {word!r} at "
                    f"{place(first[word])} and {place(row)}; remove one of them"
                )
    return Vectors(words, np.ascontiguousarray(vectors, np.float32), counts)


def lone_surrogate(words: list[str]) -> int | None:
    """Return where the first word is that no encoding holds; None if there is none."""
    try:
        "".join(words).encode()
    except UnicodeEncodeError:
        return next(row for row, word in enumerate(words) if not _is_unicode(word))
    return None


def _is_unicode(word: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in word)


def require_finite(source: Path, vectors: NDArray[np.float32], place: Callable[[int], str]) -> None:
    """Raise `ModelFormatError` if a number is NaN or infinite, saying where the first one is."""
    with np.errstate(invalid="ignore", over="ignore"):
        # Only a sum that is not finite needs a closer look; large numbers can make it so too.
        if np.isfinite(vectors.sum()):
            return
    for row in range(len(vectors)):
        bad = np.flatnonzero(~np.isfinite(vectors[row]))
        if bad.size:
            raise ModelFormatError(
                f"{source}: expected finite numbers, got {vectors[row, bad[0]]} at {place(row)}, "
                f"number {bad[0] + 1}"
            )


def require_writable_words(
    target: Path, form: str, words: list[str], refusal: Callable[[str], str | None]
) -> None:
    """Raise `UnwritableWordError` for the first word that a format refuses, before it is written.

    `refusal` says what in a word the format cannot hold, or None.
    """
    for word in words:
        reason = refusal(word)
        if reason is not None:
            raise UnwritableWordError(
                f"{target}: the {form} format cannot hold the word {word!r}, which {reason}; "
                "export to npz or parquet, or change the word in the corpus"
            )


def length_refusal(word: str) -> str | None:
    """Return why a word is too long for a binary format; None if it is not."""
    is_long = len(word) > LONGEST_WORD_BYTES // 4 and len(word.encode()) > LONGEST_WORD_BYTES
    return f"has more than {LONGEST_WORD_BYTES:,} bytes" if is_long else None


def white_space_refusal(word: str) -> str | None:
    """Return what parts a word where readers cut text at white space of any kind."""
    return None if word.split() == [word] else "is empty or holds white space"
