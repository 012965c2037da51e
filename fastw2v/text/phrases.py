"""Phrases: found in a text, joined in it and in others, kept in a file.

The file is a JSON object: what it is, the settings, and for each pass its phrases as words, count
and score, with a digest of it all. Nothing is pickled.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
import orjson

from fastw2v.config import Tokenizer
from fastw2v.errors import ModelFormatError, TokenKindError, UnwritableWordError, one_line
from fastw2v.kernels.text.phrases import (
    beginnings_of,
    join_phrases,
    new_chains,
    phrase_table,
    write_words_of,
)
from fastw2v.system.files import whole_file
from fastw2v.system.manifests import require_signed, signed
from fastw2v.text.batches import checked_tokens
from fastw2v.text.collocations import (
    EncodedSentences,
    Phrase,
    PhraseSettings,
    collocations,
    connector_mask,
)
from fastw2v.text.corpus import Corpus, Progress
from fastw2v.text.reading import read_corpus
from fastw2v.text.vocabulary import packed_words, shown_word
from fastw2v.version import VERSION

__all__ = [
    "PhraseModel",
    "PhraseSettings",
    "encoded_sentences",
    "find_and_join",
    "find_phrases",
    "without_words",
    "write_sentences",
]

_FORMAT, _SCHEMA_VERSION = "fastw2v-phrases", 1
_SENTENCES_AT_ONCE = 1 << 14


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
        """Return the tokens of a sentence, phrases joined.

        Raises
        ------
        CorpusError
            If it is no list of tokens, or a token is not a str.
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
            text = _joined(text, found, self.settings)
        return text

    def write(self, target: Path | str) -> None:
        """Write the phrases to a file, whole or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        content = {
            "format": _FORMAT,
            "schema_version": _SCHEMA_VERSION,
            "fastw2v_version": VERSION,
            "settings": self.settings.as_dict(),
            "passes": [
                [[list(phrase.parts), phrase.seen, phrase.score] for phrase in found]
                for found in self.passes
            ],
        }
        with whole_file(Path(target)) as temporary:
            temporary.write_bytes(orjson.dumps(signed(content)) + b"\n")

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
            content = orjson.loads(path.read_bytes())
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
            settings = dict(content["settings"])
            settings["connector_words"] = frozenset(settings["connector_words"])
            return PhraseModel(
                PhraseSettings(**settings),
                tuple([_phrase(*item) for item in found] for found in content["passes"]),
            )
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise ModelFormatError(
                f"{path}: the phrases are damaged ({type(error).__name__}: {one_line(error)}); "
                "restore the file from a copy, or find them again"
            ) from error


class _JoinedSentences:
    def __init__(self, model: PhraseModel, sentences: Iterable[Iterable[str]]) -> None:
        self._model, self._sentences = model, sentences

    def __iter__(self) -> Iterator[list[str]]:
        return (self._model[sentence] for sentence in self._sentences)


def _phrase(parts: Sequence[str], count: int, score: float) -> Phrase:
    if len(parts) < 2 or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"expected the words of a phrase, got {str(parts)[:60]}")
    return Phrase(tuple(parts), int(count), float(score))


def find_phrases(
    corpus: Corpus,
    settings: PhraseSettings | None = None,
    *,
    tokenizer: Tokenizer = "words",
    workers: int | None = None,
    progress: Progress | None = None,
) -> PhraseModel:
    """Find the phrases of a corpus.

    With the same settings they are those of gensim's `Phrases`, their scores to the bit, as long as
    that need not forget rare words (beyond its `max_vocab_size`); here none is forgotten.

    Parameters
    ----------
    corpus : path, paths, or lists of tokens
        As `fastw2v.Word2Vec.fit` takes it. It is held in memory, as numbers.
    settings : PhraseSettings, optional
        Default: those of `PhraseSettings`.
    tokenizer : {"words", "whitespace"}
        How lines of text become tokens; lists of tokens stay as they are.
    workers : int, optional
        Threads; the result does not depend on them. Default: all cores.
    progress : callable, optional
        Called now and then with the bytes read so far, and in all (None if unknown).

    Returns
    -------
    model : PhraseModel

    Raises
    ------
    CorpusError
        If the corpus cannot be read, or has no token at all.
    TextEncodingError
        If a text is not UTF-8.
    TokenKindError
        If a token is not a str.
    """
    text = encoded_sentences(corpus, tokenizer=tokenizer, progress=progress)
    return find_and_join(text, settings or PhraseSettings(), workers=workers)[0]


def encoded_sentences(
    corpus: Corpus, *, tokenizer: Tokenizer = "words", progress: Progress | None = None
) -> EncodedSentences:
    """Read a corpus with all its words; parameters and errors as in `find_phrases`."""
    vocabulary, tokens = read_corpus(corpus, tokenizer=tokenizer, min_count=1, progress=progress)
    for word in vocabulary.words:
        if not isinstance(word, str):
            raise TokenKindError(
                f"corpus: expected tokens of text, which phrases are joined of, got {word!r}; "
                "turn the tokens into str first"
            )
    return EncodedSentences(vocabulary.words, tokens.ids, tokens.sentence_starts)


def find_and_join(
    text: EncodedSentences, settings: PhraseSettings, *, workers: int | None = None
) -> tuple[PhraseModel, EncodedSentences]:
    """Find the phrases of an encoded text, and return it with them joined, too.

    Passes end early where one finds nothing. Errors as in `collocations`.
    """
    passes: list[list[Phrase]] = []
    for _ in range(settings.passes):
        found = collocations(text, settings, workers=workers)
        if not found:
            break
        passes.append(found)
        text = _joined(text, found, settings)
    return PhraseModel(settings, tuple(passes)), text


def _joined(
    text: EncodedSentences, phrases: list[Phrase], settings: PhraseSettings
) -> EncodedSentences:
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
    # The phrases as a text of sentences: their last words tell what they begin with.
    parts = np.array(flat, np.int32)
    starts = np.array([0, *ends], np.int64)
    begun = np.empty(len(parts), np.int32)
    chains = beginnings_of(parts, starts, is_connector, new_chains(), True, begun)
    last = starts[1:] - 1
    table = phrase_table(begun[last], parts[last], np.array(replaced_by, np.int32))
    begun = np.empty(len(text.ids), np.int32)
    beginnings_of(text.ids, text.sentence_starts, is_connector, chains, False, begun)
    joined_ids, joined_starts = np.empty_like(text.ids), np.empty_like(text.sentence_starts)
    n_joined = join_phrases(
        text.ids, text.sentence_starts, is_connector, begun, table, joined_ids, joined_starts
    )
    return EncodedSentences(words, joined_ids[:n_joined].copy(), joined_starts)


def without_words(text: EncodedSentences, words: Collection[str]) -> EncodedSentences:
    """Return a text without tokens of these words; its sentences stay, though they be empty."""
    is_kept = ~connector_mask(text.words, frozenset(words))[text.ids]
    before = np.zeros(len(text.ids) + 1, np.int64)
    np.cumsum(is_kept, out=before[1:])
    return EncodedSentences(text.words, text.ids[is_kept], before[text.sentence_starts])


def write_sentences(text: EncodedSentences, file: BinaryIO) -> None:
    """Write a text to an open file: a sentence a line, its words parted by blanks.

    Raises
    ------
    UnwritableWordError
        If a word holds white space, before anything is written.
    """
    for word in text.words:
        if word.split() != [word]:
            raise UnwritableWordError(
                f"expected words without white space, which parts them in a text, got "
                f"{shown_word(word)}; use another delimiter, or pass the sentences on from Python"
            )
    word_bytes, word_ends = packed_words(text.words)
    n_sentences = len(text.sentence_starts) - 1
    for first in range(0, n_sentences, _SENTENCES_AT_ONCE):
        end = min(first + _SENTENCES_AT_ONCE, n_sentences)
        given = (text.ids, text.sentence_starts, first, end, word_bytes, word_ends)
        data = np.empty(write_words_of(*given, np.empty(0, np.uint8)), np.uint8)
        write_words_of(*given, data)
        file.write(data.data)
