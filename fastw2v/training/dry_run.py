"""What training on a text would take, found by reading it and trying each objective on a part."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.counts.build import checked_rules
from fastw2v.counts.grown import places_of_earlier
from fastw2v.errors import FastW2VError
from fastw2v.objectives.losses.training_rows import sampled_text
from fastw2v.text.appearance import notices_about_corpus
from fastw2v.text.corpus import Corpus, open_corpus
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.encoding import READ_WITH_ERRORS
from fastw2v.text.phrase_finding import phrase_settings
from fastw2v.text.reading import PhraseSearch, ReadingOptions, read_text
from fastw2v.text.rules import TextRules
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_choice import VocabularyLimits
from fastw2v.text.word_rules import NO_RULES, WordRules
from fastw2v.training.continued import prepared_start, require_known
from fastw2v.training.start_from import Earlier, StartFrom, begun_start, settings_for_start
from fastw2v.training.trials import Estimate, TriedText, estimated

__all__ = ["MIN_COUNTS", "DryRun", "dry_run"]

MIN_COUNTS = (1, 2, 5, 10, 20, 50, 100)
_OBJECTIVES = ("softmax", "negative", "hierarchical")


@dataclass(frozen=True)
class DryRun:
    """What is known of a text, and what each objective would take.

    Attributes
    ----------
    settings : Hyperparameters
        Of the run that was asked for.
    n_raw_tokens, n_raw_types : int
        Of the text; where new words are left out, its different known words.
    sizes : list of (int, int, int)
        For each of `MIN_COUNTS` and that of the settings: it, how many words the vocabulary has,
        and how many tokens of the text these are.
    n_words, n_tokens : int
        Of the vocabulary that the settings give.
    start : dict, optional
        What training would start from, as models and checkpoints say it.
    n_known : int, optional
        How many of the words have vectors of that.
    estimates : list of Estimate
    """

    settings: Hyperparameters
    n_raw_tokens: int
    n_raw_types: int
    sizes: list[tuple[int, int, int]]
    n_words: int
    n_tokens: int
    start: dict[str, Any] | None
    n_known: int | None
    estimates: list[Estimate]


def dry_run(
    corpus: Corpus,
    given: Mapping[str, Any],
    *,
    words: WordRules = NO_RULES,
    workers: int,
    progress: Callable[[str, int, int | None], None] | None = None,
    notice: Callable[[str], None] | None = None,
    start: StartFrom | None = None,
) -> DryRun:
    """Read a text, and try each objective on a sample of it; nothing is trained that stays.

    Parameters
    ----------
    corpus : path, paths, or lists of tokens
    given : mapping
        The hyper-parameters that were asked for, by name. Of these the objectives take what they
        look at.
    words : WordRules, optional
        Phrases that are joined and words that are left out.
    workers : int
    progress : callable, optional
        Gets the stages "reading" and "estimating".
    notice : callable, optional
        Gets sentences about a text that looks as if it were to be read otherwise.
    start : StartFrom, optional
        What training would go on from.

    Raises
    ------
    CorpusError, TextEncodingError, VocabularyError, ModelFormatError
        As `Word2Vec.fit`.
    ConfigurationError
        The same; if dimensions or settings of text are others than those of the start, say.
    """

    def report(stage: str, done: int, total: int | None) -> None:
        if progress:
            progress(stage, done, total)

    earlier = None
    if start is None:
        settings = Hyperparameters(**given)
    else:
        earlier, settings = begun_start(start, given)
        words = prepared_start(earlier, settings, words)
    opened = open_corpus(corpus, settings.errors, READ_WITH_ERRORS)
    decided_by = "" if earlier is None else earlier.decided_by
    told = notices_about_corpus(opened, TextRules.of(settings), decided_by)
    for sentence in told if notice else ():
        assert notice is not None
        notice(sentence)
    asked = phrase_settings(settings)
    read = read_text(
        opened,
        TextRules.of(settings, words=checked_rules(words, settings, None)),
        search=None if asked is None else PhraseSearch(asked, workers),
        limits=VocabularyLimits(min_count=1),
        earlier=None if earlier is None else earlier.words,
        options=ReadingOptions(lambda done, total: report("reading", done, total)),
    )
    whole = read.vocabulary
    in_text = np.bincount(read.tokens.ids, minlength=len(whole))
    stays = _words_that_stay(whole, earlier)
    sizes = []
    for least in sorted({*MIN_COUNTS, settings.min_count}):
        is_kept = stays | (in_text >= least)
        sizes.append((least, int(is_kept.sum()), int(in_text[is_kept].sum())))
    kept = np.flatnonzero(stays | (in_text >= settings.min_count))[: settings.max_final_vocab]
    text = TriedText(
        Vocabulary(
            [whole.words[place] for place in kept.tolist()],
            whole.counts[kept],
            whole.n_raw_tokens,
            whole.n_raw_types,
        ),
        in_text[kept],
        _within(sampled_text(read.tokens), kept, len(whole)),
        earlier,
    )
    n_known = _n_known(text)
    found: list[Estimate] = []
    if len(kept) > 1 and len(text.sample.ids):
        kinds = list(_kinds(given, earlier))
        for done, kind in enumerate(kinds):
            report("estimating", done, len(kinds))
            found.append(estimated(kind, text, workers))
        report("estimating", len(kinds), len(kinds))
    n_tokens, n_types = read.tokens.n_raw_tokens, int(np.count_nonzero(in_text))
    sums = len(kept), int(text.in_text.sum())
    about = None if earlier is None else earlier.as_dict()
    return DryRun(settings, n_tokens, n_types, sizes, *sums, about, n_known, found)


def _settings_of(given: Mapping[str, Any], earlier: Earlier | None) -> Hyperparameters:
    if earlier is None:
        return Hyperparameters(**given)
    return settings_for_start(given, earlier)


def _words_that_stay(vocabulary: Vocabulary, earlier: Earlier | None) -> NDArray[np.bool_]:
    """Return which words are kept however rare they are in the text (V,)."""
    stays = np.zeros(len(vocabulary), np.bool_)
    words = None if earlier is None else earlier.words
    if words is not None and words.stay:
        places = map(vocabulary.index, words.words)
        stays[np.fromiter(places, np.int64, len(words.words))] = True
    return stays


def _n_known(text: TriedText) -> int | None:
    """Return how many words have vectors, refusing what training would refuse."""
    if text.earlier is None or not len(text.vocabulary):
        return None
    is_known = text.earlier.vectors.places_of(text.vocabulary) >= 0
    adds = text.earlier.counts is not None
    frequencies = text.vocabulary.counts if adds else text.in_text
    require_known(text.earlier, text.vocabulary, is_known, frequencies)
    if text.earlier.counts is not None:
        places_of_earlier(text.earlier.counts, text.vocabulary)
    return int(is_known.sum())


def _within(tokens: EncodedTokens, kept: NDArray[np.int64], n_words: int) -> EncodedTokens:
    """Return a text with some of V words alone, numbered by their places in `kept`."""
    ranks = np.full(n_words, -1, np.int32)
    ranks[kept] = np.arange(len(kept), dtype=np.int32)
    ids = ranks[tokens.ids]
    stays = ids >= 0
    before = np.concatenate([[0], np.cumsum(stays)]).astype(np.int64)
    starts = before[tokens.sentence_starts]
    return EncodedTokens(ids[stays], starts, tokens.n_raw_tokens, 0)


def _kinds(given: Mapping[str, Any], earlier: Earlier | None) -> Iterator[Hyperparameters]:
    """Yield the settings for each model and objective, as far as these look at them."""
    for model in ("skipgram", "cbow"):
        for objective in _OBJECTIVES:
            asked: dict[str, Any] = {**given, "model": model, "objective": objective}
            while True:
                try:
                    yield _settings_of(asked, earlier)
                    break
                except FastW2VError as error:  # a setting that this objective does not look at
                    name = str(error).partition(":")[0]
                    if name not in asked or name in ("model", "objective"):
                        raise
                    del asked[name]
