"""What becomes of tokens once text is cut: phrases are joined, then stop words are left out.

`WordRules` says it, and is stored with models and counts; `NumberedRules` does it, in the running
numbers of a table of words.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from fastw2v.kernels.text.interning import InternedWords, intern_tokens
from fastw2v.kernels.text.numbered_phrases import join_numbers, keep_numbers
from fastw2v.text.batches import checked_tokens, token_batch
from fastw2v.text.phrase_model import PhraseModel, phrase_rows
from fastw2v.text.token_kinds import tokens_from_json, tokens_to_json

__all__ = ["NO_RULES", "NumberedRules", "WordRules"]


@dataclass(frozen=True, eq=False)
class WordRules:
    """What becomes of tokens; immutable.

    Parameters
    ----------
    phrases : PhraseModel, optional
        They are joined, pass by pass.
    stop_words : tuple
        Tokens that are left out of what is joined. A sentence stays, though it be empty.
    """

    phrases: PhraseModel | None = None
    stop_words: tuple[Any, ...] = field(default=())

    def __bool__(self) -> bool:
        return self.phrases is not None or bool(self.stop_words)

    @cached_property
    def words(self) -> list[Any]:
        """All words that the rules speak of, each once."""
        words: dict[Any, None] = {}
        if self.phrases is not None:
            settings = self.phrases.settings
            for phrase in (phrase for found in self.phrases.passes for phrase in found):
                words.update(dict.fromkeys(phrase.parts))
                words[settings.delimiter.join(phrase.parts)] = None
            words.update(dict.fromkeys(sorted(settings.connector_words)))
        words.update(dict.fromkeys(self.stop_words))
        return list(words)

    @cached_property
    def digest(self) -> str | None:
        """32 digits that tell these rules from others; None without any."""
        if not self:
            return None
        stop_words = sorted(orjson.dumps(word) for word in tokens_to_json(self.stop_words))
        parts = [None if self.phrases is None else self.phrases.digest, *map(bytes.hex, stop_words)]
        return hashlib.blake2b(orjson.dumps(parts), digest_size=16).hexdigest()

    def of(self, sentence: Iterable[Any]) -> list[Any]:
        """Return what is left of the tokens of a sentence.

        Raises
        ------
        CorpusError
            If it is no list of tokens.
        """
        tokens = checked_tokens(sentence, 0) if self.phrases is None else self.phrases[sentence]
        left_out = set(self.stop_words)
        return [token for token in tokens if token not in left_out]

    def described(self) -> str:
        """Return them as messages show them: "1,234 phrases and 174 stop words"."""
        parts = []
        if self.phrases is not None:
            parts.append(f"{len(self.phrases):,} phrases")
        if self.stop_words:
            parts.append(f"{len(self.stop_words):,} stop words")
        return " and ".join(parts) or "neither phrases nor stop words"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "phrases": None if self.phrases is None else self.phrases.as_dict(),
            "stop_words": tokens_to_json(self.stop_words),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Return what `as_dict` gave.

        Raises
        ------
        LookupError, TypeError, ValueError
            If something is missing, or not as `as_dict` gives it.
        """
        phrases = content["phrases"]
        return cls(
            None if phrases is None else PhraseModel.from_dict(phrases),
            tuple(tokens_from_json(content["stop_words"])),
        )


NO_RULES = WordRules()


class NumberedRules:
    """Rules in the numbers of a table of words.

    Parameters
    ----------
    rules : WordRules
    table : InternedWords
        Its words stay, and those of the rules come behind them.

    Attributes
    ----------
    table : InternedWords
        The table to use from now on.
    """

    def __init__(self, rules: WordRules, table: InternedWords) -> None:
        words = rules.words
        batch = token_batch([words])
        numbers = np.empty(len(words) + 1, np.int32)
        self.table = intern_tokens(*batch, table, True, numbers)
        number_of = dict(zip(words, numbers.tolist(), strict=False))
        n_known = int(self.table.n_types[0])
        self._counts = np.zeros(n_known + 1, np.int64)
        self._is_left_out = np.zeros(n_known, np.bool_)
        self._is_left_out[[number_of[word] for word in rules.stop_words]] = True
        self._is_connector = np.zeros(n_known, np.bool_)
        self._passes = []
        if rules.phrases is None:
            return
        settings = rules.phrases.settings
        self._is_connector[[number_of[word] for word in settings.connector_words]] = True
        for found in rules.phrases.passes:
            parts = [number_of[part] for phrase in found for part in phrase.parts]
            ends = np.cumsum([len(phrase.parts) for phrase in found]).tolist()
            joined = [number_of[settings.delimiter.join(phrase.parts)] for phrase in found]
            self._passes.append(phrase_rows(parts, ends, joined, self._is_connector))

    def apply(self, numbers: NDArray[np.int32], n_types: int) -> NDArray[np.int32]:
        """Return what is left of numbers, whole sentences, of a table that has so many types."""
        for chains, table in self._passes:
            joined = np.empty_like(numbers)
            n_joined = join_numbers(numbers, self._is_connector, chains, table, joined)
            numbers = joined[:n_joined]
        if len(self._counts) < n_types + 1:
            self._counts.resize(max(n_types + 1, 2 * len(self._counts)), refcheck=False)
        kept = np.empty_like(numbers)
        return kept[: keep_numbers(numbers, self._is_left_out, self._counts, kept)]

    def counts(self, n_types: int) -> NDArray[np.int64]:
        """Return how often each of so many numbers has been left in, int64 (n_types,)."""
        counts = np.zeros(n_types, np.int64)
        known = self._counts[:n_types]
        counts[: len(known)] = known
        return counts
