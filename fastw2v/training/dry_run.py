"""What training on a text would take, found by reading it and trying each objective on a part."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastw2v.config import Hyperparameters
from fastw2v.counts.build import checked_rules
from fastw2v.counts.corpus import window_widths
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import FastW2VError
from fastw2v.kernels.compile_clock import working_s
from fastw2v.objectives.losses.rows import sampled_text
from fastw2v.objectives.softmax.durations import step_seconds
from fastw2v.objectives.softmax.estimates import batch_size, training_bytes
from fastw2v.objectives.stream.estimates import stream_bytes
from fastw2v.objectives.stream.settings import StreamSettings
from fastw2v.system.threads import WorkerPool
from fastw2v.text.corpus import Corpus, open_corpus
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.phrase_finding import phrase_settings
from fastw2v.text.reading import PhraseSearch, ReadingOptions, read_text
from fastw2v.text.rules import TextRules
from fastw2v.text.vocabulary import Vocabulary, keep_probability
from fastw2v.text.word_choice import VocabularyLimits
from fastw2v.text.word_rules import NO_RULES, WordRules
from fastw2v.training.run import Run
from fastw2v.training.stream import train_stream

__all__ = ["MIN_COUNTS", "DryRun", "Estimate", "dry_run"]

MIN_COUNTS = (1, 2, 5, 10, 20, 50, 100)
_ENTRY_BYTES = 8  # of a pair that is counted: context and number
_OBJECTIVES = ("softmax", "negative", "hierarchical")


@dataclass(frozen=True)
class Estimate:
    """What a run of one model and objective would take.

    Attributes
    ----------
    model, objective : str
    epochs : int
    seconds : float
        Of counting, where windows are counted, and of all epochs.
    memory_bytes : int
        At its peak, the program included.
    """

    model: str
    objective: str
    epochs: int
    seconds: float
    memory_bytes: int


@dataclass(frozen=True)
class DryRun:
    """What is known of a text, and what each objective would take.

    Attributes
    ----------
    n_raw_tokens, n_raw_types : int
    sizes : list of (int, int, int)
        For each of `MIN_COUNTS` and that of the settings: it, how many words it keeps, and how
        many tokens these are.
    n_words, n_tokens : int
        Of the vocabulary that the settings give.
    estimates : list of Estimate
    """

    n_raw_tokens: int
    n_raw_types: int
    sizes: list[tuple[int, int, int]]
    n_words: int
    n_tokens: int
    estimates: list[Estimate]


def dry_run(
    corpus: Corpus,
    settings: Hyperparameters,
    *,
    words: WordRules = NO_RULES,
    workers: int,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> DryRun:
    """Read a text, and try each objective on a sample of it; nothing is trained that stays.

    Parameters
    ----------
    corpus : path, paths, or lists of tokens
    settings : Hyperparameters
        Of these the objectives take what they look at.
    words : WordRules, optional
        Phrases that are joined and words that are left out.
    workers : int
    progress : callable, optional
        Gets the stages "reading" and "estimating".

    Raises
    ------
    CorpusError, TextEncodingError, VocabularyError
        As `Word2Vec.fit`.
    """

    def report(stage: str, done: int, total: int | None) -> None:
        if progress:
            progress(stage, done, total)

    asked = phrase_settings(settings)
    read = read_text(
        open_corpus(corpus, settings.errors),
        TextRules.of(settings, words=checked_rules(words, settings, None)),
        search=None if asked is None else PhraseSearch(asked, workers),
        limits=VocabularyLimits(min_count=1),
        options=ReadingOptions(lambda done, total: report("reading", done, total)),
    )
    whole, tokens = read.vocabulary, read.tokens
    sizes = [
        (least, _n_words(whole, least), int(whole.counts[: _n_words(whole, least)].sum()))
        for least in sorted({*MIN_COUNTS, settings.min_count})
    ]
    n_words = min(_n_words(whole, settings.min_count), settings.max_final_vocab or len(whole))
    found: list[Estimate] = []
    kept = int(whole.counts[:n_words].sum())
    if n_words > 1:
        vocabulary = Vocabulary(
            whole.words[:n_words], whole.counts[:n_words], whole.n_raw_tokens, whole.n_raw_types
        )
        sample = _within(sampled_text(tokens), n_words)
        kinds = list(_kinds(settings))
        for done, kind in enumerate(kinds):
            report("estimating", done, len(kinds))
            found += _estimated(kind, vocabulary, sample, kept, workers)
        report("estimating", len(kinds), len(kinds))
    return DryRun(whole.n_raw_tokens, whole.n_raw_types, sizes, n_words, kept, found)


def _n_words(vocabulary: Vocabulary, least: int) -> int:
    return int(np.searchsorted(-vocabulary.counts, -least, "right"))


def _within(tokens: EncodedTokens, n_words: int) -> EncodedTokens:
    """Return a text without the words beyond the first `n_words`."""
    stays = tokens.ids < n_words
    before = np.concatenate([[0], np.cumsum(stays)]).astype(np.int64)
    starts = before[tokens.sentence_starts]
    return EncodedTokens(tokens.ids[stays], starts, tokens.n_raw_tokens, 0)


def _kinds(settings: Hyperparameters) -> Iterator[Hyperparameters]:
    """Yield the settings for each model and objective, as far as these look at them."""
    for model in ("skipgram", "cbow"):
        for objective in _OBJECTIVES:
            given: dict[str, Any] = {**settings.given, "model": model, "objective": objective}
            while True:
                try:
                    yield Hyperparameters(**given)
                    break
                except FastW2VError as error:  # a setting that this objective does not look at
                    name = str(error).partition(":")[0]
                    if name not in given or name in ("model", "objective"):
                        raise
                    del given[name]


def _estimated(
    settings: Hyperparameters,
    vocabulary: Vocabulary,
    sample: EncodedTokens,
    n_tokens: int,
    workers: int,
) -> Iterator[Estimate]:
    if not len(sample.ids):
        return
    share = n_tokens / len(sample.ids)
    with WorkerPool(workers) as pool:
        if settings.objective == "softmax":
            found = _exact(settings, vocabulary, sample, share, pool)
        else:
            found = _stream(settings, vocabulary, sample, share, pool)
    yield Estimate(settings.model, settings.objective, settings.epochs, *found)


def _exact(
    settings: Hyperparameters,
    vocabulary: Vocabulary,
    sample: EncodedTokens,
    share: float,
    pool: WorkerPool,
) -> tuple[float, int]:
    n_words = len(vocabulary)
    max_rows = batch_size(settings, n_words)
    keep = keep_probability(vocabulary.counts, settings.sample)
    began_s = working_s()
    widths = window_widths(vocabulary, settings)
    counts = count_pairs(sample, n_words, settings.window, workers=pool.workers, widths=widths)
    count_s = (working_s() - began_s) * share
    if settings.model == "skipgram":
        n_rows = n_words
        max_rows = min(max_rows, n_words)
    else:
        n_rows = int(keep @ vocabulary.counts)
    step_s = step_seconds(settings, n_words, max_rows, pool)
    seconds = count_s + settings.epochs * step_s * max(1.0, n_rows / max_rows)
    # Pairs that are new grow more slowly than the text: about with its square root.
    other_bytes = int(counts.n_entries * share**0.6 * _ENTRY_BYTES + 4 * share * len(sample.ids))
    return seconds, training_bytes(n_words, settings, max_rows, other_bytes)


def _stream(
    settings: Hyperparameters,
    vocabulary: Vocabulary,
    sample: EncodedTokens,
    share: float,
    pool: WorkerPool,
) -> tuple[float, int]:
    present = np.maximum(np.bincount(sample.ids, minlength=len(vocabulary)), 1)
    once = StreamSettings(
        hyperparameters=Hyperparameters(**{**settings.given, "epochs": 1}),
    )
    run = Run(settings=once.hyperparameters, workers=pool.workers)
    took_s = []
    for _ in range(2):  # kernels are read in the first
        began_s = time.perf_counter()
        result = train_stream(sample, present, once, pool, run=replace(run))
        took_s.append(time.perf_counter() - began_s)
    epoch_s = min(took_s[-1], result.history[-1].elapsed_s) * share
    return settings.epochs * epoch_s, stream_bytes(len(vocabulary), settings, pool.workers)
