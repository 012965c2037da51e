"""Phrases that were found: joined in sentences and in encoded texts, kept in a file.

The file is a JSON object: what it is, the settings, and for each pass its phrases as words, count
and score, with a digest of it all. Nothing is pickled.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from fastw2v.config import PhraseSettings
from fastw2v.errors import ModelFormatError, one_line
from fastw2v.kernels.text.phrases import (
    Chains,
    beginnings_of,
    join_phrases,
    new_chains,
    phrase_table,
)
from fastw2v.system.files import whole_file
from fastw2v.system.manifests import require_signed, signed
from fastw2v.text.batches import checked_tokens
from fastw2v.text.collocations import EncodedSentences, Phrase, connector_mask
from fastw2v.version import VERSION

__all__ = ["PHRASES", "NewArray", "PhraseModel", "is_phrases_file", "joined_text", "phrase_rows"]

PHRASES = "phrases.json"
"""The file of phrases in folders of models and counts."""
_FORMAT, _SCHEMA_VERSION = "fastw2v-phrases", 1

_PICKLE = b"\x80"
_BEGINNING = re.compile(rb'\s*\{\s*"format"\s*:\s*"' + _FORMAT.encode() + rb'"')
_LOOK_BYTES = 256

NewArray = Callable[[int, Any], NDArray[Any]]
"""Makes an array of so many numbers of a type, in memory or in a file that is mapped."""


@dataclass(frozen=True, eq=False)
class PhraseModel:
    """Phrases to join, pass by pass.

    Parameters
    ----------
    settings : PhraseSettings
    passes : tuple of list of Phrase
        What each pass joins; a later one goes on with what those before it made.

    Examples
    --------
    >>> settings = PhraseSettings(min_count=1, threshold=1)
    >>> model = find_phrases([["new", "york"], ["in", "new", "york"]] * 4, settings)
    >>> model[["in", "new", "york"]]
    ['in', 'new_york']
    """

    settings: PhraseSettings
    passes: tuple[list[Phrase], ...]

    def __len__(self) -> int:
        return sum(map(len, self.passes))

    def scores(self) -> dict[str, float]:
        """Return the phrases as they are written, with their scores; the best first, by pass."""
        joined = self.settings.delimiter.join
        return {joined(phrase.parts): phrase.score for found in self.passes for phrase in found}

    def __getitem__(self, sentence: Iterable[str]) -> list[str]:
        """Return the tokens of a sentence, phrases joined; one that is no str is in no phrase.

        Raises
        ------
        CorpusError
            If it is no list of tokens.
        """
        tokens = list(checked_tokens(sentence, 0))
        for phrases in self._joined_by_parts:
            tokens = self._pass_over(tokens, phrases)
        return tokens

    def joined(self, sentences: Iterable[Iterable[str]]) -> "Iterable[list[str]]":
        """Return the sentences with phrases joined, as often as `sentences` can be read."""
        return _JoinedSentences(self, sentences)

    @cached_property
    def _joined_by_parts(self) -> list[dict[tuple[str, ...], str]]:
        joined = self.settings.delimiter.join
        return [{phrase.parts: joined(phrase.parts) for phrase in found} for found in self.passes]

    def _pass_over(self, tokens: list[str], phrases: dict[tuple[str, ...], str]) -> list[str]:
        joined: list[str] = []
        begun: list[str] = []
        for token in tokens:
            if token in self.settings.connector_words:
                (begun if begun else joined).append(token)
                continue
            phrase = phrases.get((*begun, token)) if begun else None
            if phrase is not None:
                joined.append(phrase)
                begun = []
            else:
                joined += begun
                begun = [token]
        return joined + begun

    def join_encoded(self, text: EncodedSentences) -> EncodedSentences:
        """Return an encoded text with phrases joined; new words come behind its own."""
        for found in self.passes:
            text = joined_text(text, found, self.settings)
        return text

    def write(self, target: Path | str) -> None:
        """Write the phrases to a file, whole or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with whole_file(Path(target)) as temporary:
            temporary.write_bytes(self.as_bytes())

    def as_bytes(self) -> bytes:
        """Return the content of the file that `write` writes."""
        content = {
            "format": _FORMAT,
            "schema_version": _SCHEMA_VERSION,
            "fastw2v_version": VERSION,
            **self.as_dict(),
        }
        return orjson.dumps(signed(content)) + b"\n"

    def as_dict(self) -> dict[str, Any]:
        """Return the phrases and their settings as plain values that JSON can hold."""
        return {
            "settings": self.settings.as_dict(),
            "passes": [
                [[list(phrase.parts), phrase.seen, phrase.score] for phrase in found]
                for found in self.passes
            ],
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Return what `as_dict` gave.

        Raises
        ------
        LookupError, TypeError, ValueError
            If something is missing, or not as `as_dict` gives it.
        """
        settings = dict(content["settings"])
        settings["connector_words"] = frozenset(settings["connector_words"])
        return cls(
            PhraseSettings(**settings),
            tuple([_phrase(*item) for item in found] for found in content["passes"]),
        )

    @cached_property
    def digest(self) -> str:
        """32 digits that tell what is joined from anything else: words, delimiter, connectors."""
        joined = [
            self.settings.delimiter,
            sorted(self.settings.connector_words),
            [sorted(list(phrase.parts) for phrase in found) for found in self.passes],
        ]
        return hashlib.blake2b(orjson.dumps(joined), digest_size=16).hexdigest()

    @staticmethod
    def read(path: Path | str) -> "PhraseModel":
        """Read what `write` wrote.

        Raises
        ------
        ModelFormatError
            If there is no such file, or it holds something else.
        """
        path = Path(path)
        expected = f"{path}: expected a file of phrases, as 'fastw2v phrases' writes it, got"
        try:
            data = path.read_bytes()
            if data[:1] == _PICKLE:
                raise ModelFormatError(
                    f"{expected} a pickle, as gensim saves them; load it with gensim, and pass the "
                    "object on from Python (phrases=)"
                )
            content = orjson.loads(data)
        except (OSError, ValueError) as error:
            raise ModelFormatError(f"{expected} none ({one_line(error)})") from error
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise ModelFormatError(f"{expected} other JSON")
        if content.get("schema_version") != _SCHEMA_VERSION:
            raise ModelFormatError(
                f"{path}: expected phrases of schema version {_SCHEMA_VERSION}, got "
                f"{content.get('schema_version')!r}; read it with the version of fastw2v "
                "that wrote it"
            )
        try:
            require_signed(path.name, content)
            return PhraseModel.from_dict(content)
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise ModelFormatError(
                f"{path}: the phrases are damaged ({type(error).__name__}: {one_line(error)}); "
                "restore the file from a copy, or find them again"
            ) from error


def is_phrases_file(path: Path) -> bool:
    """Tell by its beginning whether a file holds phrases, sound or not."""
    try:
        with path.open("rb") as file:
            return _BEGINNING.match(file.read(_LOOK_BYTES)) is not None
    except OSError:
        return False


class _JoinedSentences:
    def __init__(self, model: PhraseModel, sentences: Iterable[Iterable[str]]) -> None:
        self._model, self._sentences = model, sentences

    def __iter__(self) -> Iterator[list[str]]:
        return (self._model[sentence] for sentence in self._sentences)


def _phrase(parts: Sequence[str], count: int, score: float) -> Phrase:
    if len(parts) < 2 or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"expected the words of a phrase, got {str(parts)[:60]}")
    return Phrase(tuple(parts), int(count), float(score))


def joined_text(
    text: EncodedSentences,
    phrases: list[Phrase],
    settings: PhraseSettings,
    new_array: NewArray = np.empty,
) -> EncodedSentences:
    """Return an encoded text with the phrases of one pass joined; new words come behind its own."""
    words = list(text.words)
    ids = {word: place for place, word in enumerate(words)}
    flat: list[int] = []
    ends: list[int] = []
    replaced_by: list[int] = []
    for phrase in phrases:
        places = [ids.get(part) for part in phrase.parts]
        if None in places:
            continue  # a word that this text does not have
        flat += places  # type: ignore[arg-type]
        ends.append(len(flat))
        joined = settings.delimiter.join(phrase.parts)
        if (place := ids.get(joined)) is None:
            place = ids[joined] = len(words)
            words.append(joined)
        replaced_by.append(place)
    is_connector = connector_mask(text.words, settings.connector_words)
    chains, table = phrase_rows(flat, ends, replaced_by, is_connector)
    begun = new_array(len(text.ids), np.int32)
    beginnings_of(text.ids, text.sentence_starts, is_connector, chains, False, begun)
    joined_ids = new_array(len(text.ids), np.int32)
    joined_starts = new_array(len(text.sentence_starts), np.int64)
    n_joined = join_phrases(
        text.ids, text.sentence_starts, is_connector, begun, table, joined_ids, joined_starts
    )
    return EncodedSentences(words, joined_ids[:n_joined], joined_starts)


def phrase_rows(
    parts: Sequence[int],
    ends: Sequence[int],
    replaced_by: Sequence[int],
    is_connector: NDArray[np.bool_],
) -> tuple[Chains, NDArray[np.uint64]]:
    """Return what kernels look phrases up in.

    Parameters
    ----------
    parts : sequence of int
        The ids of the words of all phrases, one phrase behind the other.
    ends : sequence of int
        Where each phrase ends there.
    replaced_by : sequence of int
        What each is replaced by.
    is_connector : bool array (n_words,)

    Returns
    -------
    chains : Chains
    table : uint64 array
    """
    # The phrases as a text of sentences: their last words tell what they begin with.
    ids = np.array(parts, np.int32)
    starts = np.array([0, *ends], np.int64)
    begun = np.empty(len(ids), np.int32)
    chains = beginnings_of(ids, starts, is_connector, new_chains(), True, begun)
    last = starts[1:] - 1
    return chains, phrase_table(begun[last], ids[last], np.array(replaced_by, np.int32))
