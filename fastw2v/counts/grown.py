"""Counts of an earlier text added to those of a new one, whose vocabulary has grown from the first.

Whole numbers are added: where the earlier vocabulary left no word out of its text, and windows are
plain, the sum is what counting both texts at once would give.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import TEXT_NAMES, CountingSettings
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.folder import read_counts, write_counted_rows
from fastw2v.counts.matrix import CountPart, PairCounts
from fastw2v.counts.merging import merged_rows
from fastw2v.counts.wider import WithEmptyRows, order_within
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.text.vocabulary import Vocabulary

__all__ = [
    "grown_widths",
    "places_of_earlier",
    "require_same_counting",
    "with_counts_before",
]


def require_same_counting(before: CountingSettings, now: CountingSettings, name: str) -> None:
    """Raise `ConfigurationError` if a text would be counted otherwise than the earlier one was."""
    for setting in ("window", "window_sample", *TEXT_NAMES):
        theirs, ours = getattr(before, setting), getattr(now, setting)
        if theirs != ours:
            raise ConfigurationError(
                f"{setting}: expected {theirs!r}, with which the counts {name} were made, got "
                f"{ours!r}; train with that, or leave the counts out"
            )


def grown_widths(
    before: CountedCorpus, vocabulary: Vocabulary, own: NDArray[np.int32] | None
) -> NDArray[np.int32] | None:
    """Return what each word takes of a place in windows (V,): earlier words what they took before.

    Parameters
    ----------
    before : CountedCorpus
    vocabulary : Vocabulary
    own : (V,) int32, optional
        What new words take; None for plain windows.
    """
    if own is None or before.widths is None:
        return None
    places = places_of_earlier(before, vocabulary)
    widths = own.copy()
    widths[places] = before.widths
    return widths


def with_counts_before(
    corpus: CountedCorpus, before: CountedCorpus, folder: Path | None
) -> CountedCorpus:
    """Return a counted corpus with the counts of an earlier text added.

    Parameters
    ----------
    corpus : CountedCorpus
        Of the new text, over a vocabulary that has the earlier words and their counts in it.
    before : CountedCorpus
    folder : Path, optional
        Write the sum there and map it, instead of holding it in memory.

    Raises
    ------
    CorpusError
        If the total does not fit int64, or the texts were cut by different versions of Unicode.
    """
    total = corpus.counts.total + before.counts.total
    if total >= 2**63:
        raise CorpusError(f"counts: expected a total below 2**63, got {total}; train on one text")
    vocabulary = corpus.vocabulary
    places_of_earlier(before, vocabulary)  # all are there, or it is said which is not
    padded = WithEmptyRows(before.counts, len(vocabulary))
    statistics = corpus.statistics.plus(before.statistics)
    found = replace(corpus, statistics=statistics)
    rows = merged_rows([corpus.counts, padded], [None, order_within(vocabulary, before.vocabulary)])
    if folder is not None:
        write_counted_rows(folder, found, rows)
        return read_counts(folder, verify=False)
    return replace(found, counts=_in_memory(rows, corpus.counting.window))


def places_of_earlier(before: CountedCorpus, vocabulary: Vocabulary) -> NDArray[np.int64]:
    """Return where each earlier word stands in the grown vocabulary (N,).

    Raises
    ------
    ConfigurationError
        If one is not there, as `max_final_vocab` may leave it out.
    """
    lacking = next((word for word in before.vocabulary.words if word not in vocabulary), None)
    if lacking is not None:
        raise ConfigurationError(
            f"max_final_vocab: expected all {len(before.vocabulary):,} words of the earlier counts "
            f"in the vocabulary, got {len(vocabulary):,} words without {lacking!r}; raise it, or "
            "leave the counts out"
        )
    found = (vocabulary.index(word) for word in before.vocabulary.words)
    return np.fromiter(found, np.int64, len(before.vocabulary))


def _in_memory(rows: Iterator[CountPart], window: int) -> PairCounts:
    parts = list(rows)
    ends = np.cumsum([0] + [len(part.indices) for part in parts])
    starts = [part.indptr[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
    indptr = np.concatenate([*starts, ends[-1:]]).astype(np.int64)
    # Where a part is wider than another, the wider type holds both.
    values = np.concatenate([part.values for part in parts])
    return PairCounts(indptr, np.concatenate([part.indices for part in parts]), values, window)
