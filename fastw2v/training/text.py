"""The text that a run trains on, and its counts within a budget of memory."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import CountingSettings, Hyperparameters
from fastw2v.counts.build import ShardOptions, count_corpus, count_text
from fastw2v.counts.corpus import (
    CorpusStatistics,
    CountedCorpus,
    CountsDescription,
    window_widths,
)
from fastw2v.counts.folder import read_counts, write_counted_rows
from fastw2v.counts.grown import grown_widths, with_counts_before
from fastw2v.counts.matrix import PairCounts, SparseCounts
from fastw2v.counts.merging import merged_rows
from fastw2v.kernels.compile_clock import working_s
from fastw2v.system.freed_memory import give_back_freed
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.segmenters import tokenizer_version
from fastw2v.text.unicode_table import version_of
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.result import TrainingSummary
from fastw2v.training.run import Run

__all__ = ["TrainingText", "counted"]

_SENTENCES_AT_ONCE = 1 << 14


class TrainingText(NamedTuple):
    """A text that has been read.

    Attributes
    ----------
    vocabulary : Vocabulary
    tokens : EncodedTokens
        In memory, or in files that are mapped.
    read_s : float
        What reading took.
    n_invalid : int
        Sequences of bytes that were not UTF-8 and were replaced or left out.
    n_missing : int
        Values that were missing in the field that was read.
    folder : Path, optional
        Where counts spill to, if the run has a budget of memory.
    """

    vocabulary: Vocabulary
    tokens: EncodedTokens
    read_s: float = 0.0
    n_invalid: int = 0
    n_missing: int = 0
    folder: Path | None = None

    def summary(
        self, settings: Hyperparameters, loss_nats: float, train_s: float
    ) -> TrainingSummary:
        """Return the summary of a run that goes over the text and counts no pairs of it."""
        return TrainingSummary(
            loss_nats,
            unigram_entropy_nats=None,
            conditional_entropy_nats=None,
            n_entries=None,
            read_s=self.read_s,
            count_s=0.0,
            train_s=train_s,
            batch_rows=None,
            n_invalid=self.n_invalid,
            n_missing=self.n_missing,
            unicode_version=version_of(settings.tokenizer),
            tokenizer_version=tokenizer_version(settings.tokenizer),
        )


def counted(run: Run, text: TrainingText) -> tuple[CountedCorpus, float]:
    """Count the windows of a run's settings; return what was counted, and what it took in seconds.

    Within a budget of memory the counts are in files that are mapped.
    """
    started = working_s()
    give_back_freed()  # what reading needed
    vocabulary, tokens = text.vocabulary, text.tokens
    counting = CountingSettings.of(run.settings)
    widths = window_widths(vocabulary, run.settings)
    if widths is None:
        counting = replace(counting, window_sample=0.0)
    before = run.earlier.counts if run.earlier is not None else None
    if before is not None:
        widths = grown_widths(before, vocabulary, widths)
    if run.options.memory_mib is None or text.folder is None:
        corpus = count_text(
            tokens,
            vocabulary,
            counting,
            workers=run.workers,
            widths=widths,
            n_invalid=text.n_invalid,
            n_missing=text.n_missing,
            words=run.words,
            progress=run.reports.stage,
        )
    else:
        statistics = CorpusStatistics.of(
            tokens,
            vocabulary,
            text.n_invalid,
            text.n_missing,
            version_of(counting.tokenizer),
            tokenizer_version(counting.tokenizer),
        )
        counts = _counted_in_folder(run, text, counting, statistics, widths)
        corpus = CountedCorpus(vocabulary, counting, widths, statistics, counts, words=run.words)
    if before is not None:
        folder = (
            None if text.folder is None or run.options.memory_mib is None else text.folder / "sum"
        )
        corpus = with_counts_before(corpus, before, folder)
    return corpus, working_s() - started


def _counted_in_folder(
    run: Run,
    text: TrainingText,
    counting: CountingSettings,
    statistics: CorpusStatistics,
    widths: NDArray[np.int32] | None,
) -> SparseCounts:
    """Return counts in files, within the run's budget of memory."""
    assert text.folder is not None
    # All words that are left are in the vocabulary.
    plain = CountingSettings(
        window=counting.window, window_sample=counting.window_sample, min_count=1
    )
    options: dict[str, Any] = {
        "workers": run.workers,
        "shards": ShardOptions(run.options.memory_mib),
        "progress": run.reports.stage,
    }
    target, vocabulary = text.folder / "counts", text.vocabulary
    if run.earlier is None:
        return count_corpus(_sentences(text), plain, target, **options).counts
    # Words that the text has not are in the vocabulary, too, and counts of both decide its order.
    nothing = PairCounts(
        np.zeros(len(vocabulary) + 1, np.int64),
        np.zeros(0, np.int32),
        np.zeros(0, np.int32),
        counting.window,
    )
    words = CountedCorpus(vocabulary, plain, widths, statistics, nothing)
    found = count_corpus(_sentences(text), plain, target, reference=words, **options)
    places = (found.vocabulary.index(word) for word in vocabulary.words)
    order = np.fromiter(places, np.int64, len(vocabulary))
    ordered = CountsDescription(vocabulary, plain, widths, statistics)
    rows = merged_rows([found.counts], [order])
    write_counted_rows(text.folder / "in order", ordered, rows)
    return read_counts(text.folder / "in order", verify=False).counts


def _sentences(text: TrainingText) -> Iterator[list[str]]:
    words, ids, starts = text.vocabulary.words, text.tokens.ids, text.tokens.sentence_starts
    for first in range(0, len(starts) - 1, _SENTENCES_AT_ONCE):
        bounds = starts[first : first + _SENTENCES_AT_ONCE + 1].tolist()
        for start, end in pairwise(bounds):
            yield [words[number] for number in ids[start:end].tolist()]
