"""Phrases and stop words as users have them: files, lists, gensim's objects, names of languages."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastw2v.config import PhraseSettings
from fastw2v.config.numbers import shown_value
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.text.collocations import Phrase
from fastw2v.text.phrase_model import PhraseModel
from fastw2v.text.token_bytes import token_bytes
from fastw2v.text.token_kinds import check_kinds
from fastw2v.text.word_lists import stop_words
from fastw2v.text.word_rules import WordRules

__all__ = ["GivenPhrases", "GivenStopWords", "given_phrases", "given_stop_words", "word_rules"]

GivenPhrases = Any
"""A `PhraseModel`, a file that it wrote, gensim's `Phrases` or `FrozenPhrases`, or a list of these
for several passes."""
GivenStopWords = str | Path | Iterable[Any]
"""A file, the name of a language, or the tokens themselves."""

_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)


def word_rules(
    phrases: GivenPhrases | None = None, stop_words: GivenStopWords | None = None
) -> WordRules:
    """Return what becomes of tokens; parameters and errors as in the functions below."""
    return WordRules(
        None if phrases is None else given_phrases(phrases),
        () if stop_words is None else given_stop_words(stop_words),
    )


def given_stop_words(given: GivenStopWords) -> tuple[Any, ...]:
    """Return stop words, each once, in an order of their own.

    Parameters
    ----------
    given : str, path, or iterable of tokens
        A str is a file or a language, as `fastw2v.text.word_lists.stop_words` takes it; a whole
        number that a file has also stands for the token that is that number. Tokens are left out as
        they are.

    Raises
    ------
    CorpusError, TextEncodingError, ConfigurationError, MissingDependencyError
        As `fastw2v.text.word_lists.stop_words`.
    TokenKindError
        If something cannot be a token.
    """
    if isinstance(given, str | os.PathLike):
        named = stop_words(given if isinstance(given, str) else Path(given))
        numbers = [int(word) for word in named if _WHOLE_NUMBER.fullmatch(word)]
        tokens: list[Any] = [*named, *numbers]
    elif isinstance(given, bytes) or not isinstance(given, Iterable):
        raise ConfigurationError(
            "stop_words: expected a file, the name of a language, or tokens, got "
            f"{shown_value(given)}"
        )
    else:
        tokens = list(given)
        check_kinds(tokens, "stop_words")
    try:
        return tuple(sorted(dict.fromkeys(tokens), key=token_bytes))
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"stop_words: expected text that UTF-8 can hold, got {shown_value(error.object)}"
        ) from None


def given_phrases(given: GivenPhrases) -> PhraseModel:
    """Return phrases as this package joins them.

    Parameters
    ----------
    given : PhraseModel, path, gensim's Phrases or FrozenPhrases, or a list of them
        A list has a pass for each of them, or as many as it has. gensim's join the same words as
        they do there. Their settings are kept where there are such; with a scorer of its own the
        settings are the defaults.

    Raises
    ------
    ModelFormatError
        If a file has no phrases.
    ConfigurationError
        If it is something else, or a list whose members have other delimiters or connector words.
    """
    if isinstance(given, PhraseModel):
        return given
    if isinstance(given, str | os.PathLike):
        return PhraseModel.read(Path(given))
    if isinstance(given, list | tuple) and given:
        return _one_behind_the_other([given_phrases(item) for item in given])
    from gensim.models.phrases import FrozenPhrases, Phrases

    if isinstance(given, Phrases | FrozenPhrases):
        return _of_gensim(given)
    raise ConfigurationError(
        "phrases: expected a PhraseModel, a file of phrases, gensim's Phrases or FrozenPhrases, or "
        f"a list of them, got {shown_value(given)}; passes that find some are a setting, "
        "Word2Vec(phrases=2)"
    )


def _one_behind_the_other(models: list[PhraseModel]) -> PhraseModel:
    first = models[0].settings
    for other in (model.settings for model in models[1:]):
        for name in ("delimiter", "connector_words"):
            mine, theirs = getattr(first, name), getattr(other, name)
            if mine != theirs:
                raise ConfigurationError(
                    f"phrases: expected passes with one {name}, got {shown_value(mine)} and "
                    f"{shown_value(theirs)}; join the first ones before: phrases.joined(sentences)"
                )
    passes = tuple(found for model in models for found in model.passes)
    return PhraseModel(replace(first, passes=max(len(passes), 1)), passes)


def _of_gensim(given: Any) -> PhraseModel:
    from gensim.models.phrases import Phrases

    settings = _settings_of(given)
    found: list[Phrase] = []
    # Words that are text; gensim joins no others.
    for text in given.vocab if isinstance(given, Phrases) else given.phrasegrams:
        for parts in _cuts(text, settings.delimiter, settings.connector_words):
            score = given.score_candidate(parts[0], parts[-1], list(parts[1:-1]))[1]
            if score is not None:
                count = given.vocab[text] if isinstance(given, Phrases) else 0
                found.append(Phrase(parts, int(count), float(score)))
    found.sort(key=lambda phrase: (-phrase.score, phrase.parts))
    return PhraseModel(settings, (found,) if found else ())


def _settings_of(given: Any) -> PhraseSettings:
    from gensim.models.phrases import npmi_scorer, original_scorer

    kept: dict[str, Any] = {
        "delimiter": given.delimiter,
        "connector_words": frozenset(given.connector_words),
    }
    scorings = {original_scorer: "default", npmi_scorer: "npmi"}
    if given.scoring not in scorings:
        return PhraseSettings(**kept)
    min_count = max(1, int(given.min_count))
    return PhraseSettings(
        **kept,
        scoring=scorings[given.scoring],  # type: ignore[arg-type]
        min_count=min_count,
        threshold=given.threshold,
    )


def _cuts(text: str, delimiter: str, connectors: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """Yield all candidates whose words, joined, are a text."""
    at = text.find(delimiter, 1)
    while at > 0:
        first = text[:at]
        if first not in connectors:
            for rest in _rests(text[at + len(delimiter) :], delimiter, connectors):
                yield (first, *rest)
        at = text.find(delimiter, at + 1)


def _rests(text: str, delimiter: str, connectors: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """Yield all ways to cut a text into connectors and a last word that is none."""
    if text and text not in connectors:
        yield (text,)
    for connector in connectors:
        if connector and text.startswith(connector + delimiter):
            for rest in _rests(text[len(connector) + len(delimiter) :], delimiter, connectors):
                yield (connector, *rest)
