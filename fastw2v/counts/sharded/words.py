"""How often each word comes: of a shard, and of many; exactly, in bounded memory.

Words are grouped by a hash. A table that outgrows its budget is written to disk as a run; a group
of words is added up by itself, from the runs of all shards, so no rare word is ever dropped before
all of its occurrences have been added.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.text.interning import InternedWords, intern_tokens, new_word_table
from fastw2v.kernels.text.scan import PADDING
from fastw2v.kernels.text.word_runs import gather_words, groups_of_words
from fastw2v.system.array_files import read_arrays, write_arrays
from fastw2v.text.word_choice import vocabulary_order

__all__ = ["GROUPS", "CandidateWords", "WordCounts", "added", "candidate_words", "is_full"]

GROUPS = 32
_WORD_BYTES = 400  # of memory for a word of a table that grows, at the most


@dataclass(frozen=True, eq=False)
class WordCounts:
    """Words, grouped by their hash, and how often each came.

    Attributes
    ----------
    text : ndarray of uint8
        Their UTF-8, one behind the other, and `PADDING` more.
    ends : ndarray of int64, shape (n_words,)
        Where each ends.
    counts : ndarray of int64, shape (n_words,)
    groups : ndarray of int64, shape (GROUPS + 1,)
        Words of group g are those from ``groups[g]`` to ``groups[g + 1]``.
    """

    text: NDArray[np.uint8]
    ends: NDArray[np.int64]
    counts: NDArray[np.int64]
    groups: NDArray[np.int64]

    @classmethod
    def of(cls, table: InternedWords, counts: NDArray[np.int64]) -> "WordCounts":
        """Return the words of a table that were seen, and how often each was."""
        n_words = int(table.n_types[0])
        seen = np.flatnonzero(counts)
        found = groups_of_words(table.word_bytes, table.offsets, n_words, GROUPS)[seen]
        by_group = np.argsort(found, kind="stable")
        order, found = seen[by_group], found[by_group]
        text, ends = gather_words(table.word_bytes, table.offsets, order, PADDING)
        groups = np.searchsorted(found, np.arange(GROUPS + 1)).astype(np.int64)
        return cls(text, ends, counts[order], groups)

    @classmethod
    def open(cls, path: Path) -> "WordCounts":
        """Map words that `write` wrote."""
        return cls(**read_arrays(path, mapped=True))

    def write(self, path: Path) -> None:
        """Write the words to a file."""
        names = ("text", "ends", "counts", "groups")
        write_arrays(path, {name: getattr(self, name) for name in names})

    def group(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], Any]:
        """Return text with padding, ends and counts of one group of words."""
        first, last = int(self.groups[number]), int(self.groups[number + 1])
        start = int(self.ends[first - 1]) if first else 0
        stop = int(self.ends[last - 1]) if last else 0
        text = np.zeros(max(stop - start, 0) + PADDING, np.uint8)
        text[: max(stop - start, 0)] = self.text[start:stop]
        return text, self.ends[first:last] - start, self.counts[first:last]


def is_full(table: InternedWords, memory_bytes: int) -> bool:
    """Tell whether a table of words should go to a run, for a budget of so many bytes."""
    return int(table.n_types[0]) >= max(memory_bytes // _WORD_BYTES, 1)


def added_group(runs: Iterable[WordCounts], number: int) -> tuple[InternedWords, NDArray[np.int64]]:
    """Return the words of one group in all runs, and how often each came in all of them."""
    table = new_word_table(1 << 12)
    counts = np.zeros(0, np.int64)
    for run in runs:
        text, ends, more = run.group(number)
        if not len(ends):
            continue
        numbers = np.empty(len(ends) + 1, np.int32)
        table = intern_tokens(text, ends, np.array([len(ends)], np.int64), table, True, numbers)
        n_words = int(table.n_types[0])
        if n_words > len(counts):
            grown = np.zeros(max(n_words, 2 * len(counts)), np.int64)
            grown[: len(counts)] = counts
            counts = grown
        counts[numbers[:-1]] += more  # each word comes once in a run
    return table, counts[: int(table.n_types[0])]


def added(runs: Sequence[WordCounts], memory_bytes: int) -> Iterator[WordCounts]:
    """Yield the words of all runs with the sums of their counts, some groups at a time."""
    parts: list[WordCounts] = []
    n_bytes = 0
    for number in range(GROUPS):
        part = _of_group(*added_group(runs, number), number)
        parts.append(part)
        n_bytes += part.text.nbytes + part.ends.nbytes + part.counts.nbytes
        if n_bytes > memory_bytes // 4 or number == GROUPS - 1:
            yield _joined(parts)
            parts, n_bytes = [], 0


def _of_group(table: InternedWords, counts: NDArray[np.int64], number: int) -> WordCounts:
    order = np.arange(len(counts))
    text, ends = gather_words(table.word_bytes, table.offsets, order, 0)
    groups = np.where(np.arange(GROUPS + 1) > number, len(counts), 0)
    return WordCounts(text, ends, counts, groups)


def _joined(parts: list[WordCounts]) -> WordCounts:
    """Return the words of groups that follow one another; their texts have no padding."""
    starts = np.cumsum([0] + [len(part.text) for part in parts])
    ends = [part.ends + start for part, start in zip(parts, starts, strict=False)]
    text = np.concatenate([*(part.text for part in parts), np.zeros(PADDING, np.uint8)])
    groups = np.sum([part.groups for part in parts], axis=0).astype(np.int64)
    counts = np.concatenate([part.counts for part in parts])
    return WordCounts(text, np.concatenate(ends), counts, groups)


@dataclass(frozen=True)
class CandidateWords:
    """The words of one group that may be in the vocabulary.

    Attributes
    ----------
    words : list of bytes
    counts : list of int
    n_types : int
        All words of the group.
    most : int
        How often the most frequent one came.
    """

    words: list[bytes]
    counts: list[int]
    n_types: int
    most: int


def candidate_words(
    runs: Sequence[WordCounts], number: int, min_count: int, most_words: int | None
) -> CandidateWords:
    """Return the words of a group that came at least `min_count` times in all runs.

    Of these, those that are not among the `most_words` of the group cannot be among as many of all.
    """
    table, counts = added_group(runs, number)
    kept = np.flatnonzero(counts >= min_count)
    words = table.words(kept)
    order = vocabulary_order(words, counts[kept])[:most_words].tolist() if words else []
    return CandidateWords(
        [words[place] for place in order],
        [int(counts[kept[place]]) for place in order],
        len(counts),
        int(counts.max(initial=0)),
    )
