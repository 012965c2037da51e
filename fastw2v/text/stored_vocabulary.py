"""A vocabulary as files have it: its words are decoded when all of them are asked for."""

from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import VocabularyError
from fastw2v.text.token_bytes import FIRST_BYTE_OF_OTHERS, bytes_of_tokens, token_bytes, tokens_of
from fastw2v.text.vocabulary import Vocabulary, require_different

__all__ = ["StoredVocabulary", "packed_words", "unpacked_words"]

_MOST_SEARCHED = 64  # words, each about 1/100 of what decoding all takes


class StoredVocabulary(Vocabulary):
    """A vocabulary whose words are decoded when they are first asked for.

    Parameters
    ----------
    word_bytes : uint8 array
        The words' UTF-8, one behind the other.
    word_ends : int64 array (V,)
        Where each word ends in it.
    counts, n_raw_tokens, n_raw_types
        As in `Vocabulary`.

    Raises
    ------
    VocabularyError
        If there is not one count for each word, or the counts are not in order; and, when `words`
        is first looked at, if the bytes are not those of so many different words.
    """

    def __init__(
        self,
        word_bytes: NDArray[np.uint8],
        word_ends: NDArray[np.int64],
        counts: NDArray[np.int64],
        n_raw_tokens: int,
        n_raw_types: int,
    ) -> None:
        values = {
            "_word_bytes": word_bytes,
            "_word_ends": word_ends,
            "counts": np.ascontiguousarray(counts, np.int64),
            "n_raw_tokens": n_raw_tokens,
            "n_raw_types": n_raw_types,
            "_n_searched": 0,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check_counts(len(word_ends))

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, row: int) -> Any:
        """Return the word of a row; of many words that are not decoded it is all that is."""
        stored = vars(self)
        if "words" in stored:
            return self.words[row]
        place = range(len(self))[row]
        start, end = self._starts[place], stored["_word_ends"][place]
        return tokens_of([stored["_word_bytes"][start:end].tobytes()])[0]

    def row(self, word: object) -> int | None:
        """Return the row of a word, None if it has none; raises `TypeError` for a list, say.

        The first words are looked for in the bytes of all, which takes less than to decode them.
        """
        stored = vars(self)
        if type(word) is not str or "_ids" in stored or stored["_n_searched"] >= _MOST_SEARCHED:
            return super().row(word)
        stored["_n_searched"] += 1
        return self._searched(word)

    def _searched(self, word: str) -> int | None:
        stored = vars(self)
        starts, data = self._starts, stored["_word_bytes"]
        try:
            sought = token_bytes(word)
        except UnicodeEncodeError:  # a lone surrogate
            return None
        rows = np.flatnonzero(stored["_word_ends"] - starts == len(sought))
        for place, byte in enumerate(sought):
            rows = rows[data[starts[rows] + place] == byte]
        if len(rows) > 1:
            raise VocabularyError(f"words: expected all different, got {word!r} more than once")
        return int(rows[0]) if len(rows) else None

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Where each word begins (V,)."""
        ends = vars(self)["_word_ends"]
        _require_ends(ends, len(vars(self)["_word_bytes"]))
        return np.concatenate([np.zeros(1, np.int64), ends[:-1]])[: len(ends)]

    @cached_property
    def _are_all_text(self) -> bool:
        # No UTF-8 has that byte.
        return not (vars(self)["_word_bytes"] == FIRST_BYTE_OF_OTHERS).any()

    @cached_property
    def texts(self) -> list[str]:
        """The words for the eye, as `Vocabulary` has them."""
        return self.words if self._are_all_text else self._texts_of_words()

    @cached_property
    def _shown(self) -> dict[str, Any]:
        return {} if self._are_all_text else self._words_by_text()

    @cached_property
    def words(self) -> list[Any]:  # type: ignore[override]
        """The words, most frequent first."""
        return self._unpacked(len(self))

    def _unpacked(self, n_words: int) -> list[Any]:
        """Return the first words, decoded."""
        stored: dict[str, Any] = vars(self)
        ends = stored["_word_ends"][:n_words]
        last = None if n_words == len(self) else int(ends[-1])
        return unpacked_words(stored["_word_bytes"][:last], ends)

    def first(self, n_words: int) -> list[Any]:
        """Return the most frequent words; of a damaged vocabulary what is wrong with them."""
        try:
            return self._unpacked(min(n_words, len(self))) if len(self) else []
        except VocabularyError as error:
            return [str(error)]


def packed_words(words: Sequence[Hashable]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the words' bytes as one array, and where each ends, as `StoredVocabulary` has them."""
    encoded = bytes_of_tokens(words)
    ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), dtype=np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def unpacked_words(word_bytes: NDArray[np.uint8], word_ends: NDArray[np.int64]) -> list[Any]:
    """Return the words that `packed_words` packed.

    Raises
    ------
    VocabularyError
        If they are neither UTF-8 nor other tokens, or not all different.
    """
    _require_ends(word_ends, len(word_bytes))
    ends, data = word_ends.tolist(), word_bytes.tobytes()
    starts = [0, *ends[:-1]]
    try:
        words = tokens_of(data[start:end] for start, end in zip(starts, ends, strict=True))
    except (ValueError, RecursionError) as error:
        raise VocabularyError(f"words: expected UTF-8, got other bytes ({error})") from error
    require_different(words)
    return words


def _require_ends(word_ends: NDArray[np.int64], n_bytes: int) -> None:
    edges = np.concatenate([np.zeros(1, np.int64), word_ends])
    if edges[-1] != n_bytes or (edges[1:] < edges[:-1]).any():
        raise VocabularyError(
            f"words: expected ends that rise to the {n_bytes} bytes of the words, got others"
        )
