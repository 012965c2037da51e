"""The steps of a count: functions of a job and a shard, or of a job and what earlier steps made.

Any process that sees the work folder can do any of them.
"""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import CountPart
from fastw2v.counts.merging import merged_rows
from fastw2v.counts.pairs import count_pairs
from fastw2v.counts.parts import CountsInFiles, PartFile, PartsWriter, write_parts
from fastw2v.counts.sharded.shards import Shard
from fastw2v.counts.sharded.words import (
    CandidateWords,
    WordCounts,
    added,
    candidate_words,
    is_full,
)
from fastw2v.counts.sharded.work_folder import (
    Job,
    KnownWords,
    known_rules,
    known_words,
    read_step,
    step_once,
)
from fastw2v.kernels.text.interning import new_word_table, renumber
from fastw2v.text.encoded import EncodedTokens, TextDigest
from fastw2v.text.encoding import READ_WITH_ERRORS, Repairs
from fastw2v.text.numbering import TokenReader
from fastw2v.text.rules import TextRules
from fastw2v.text.sources.kinds import MissingValues

__all__ = [
    "add_counts",
    "add_words",
    "choose_words",
    "count_windows",
    "count_words",
    "counts_name",
    "counts_of",
    "rows_of_sum",
    "words_name",
]

_OPEN_PARTS = 2  # of each summand; rows come in order

# Bytes that counting needs a token (id, its copy, its place among those of its word), and for an
# entry while it is counted, moved and written.
_TOKEN_BYTES = 24
_ENTRY_BYTES = 24
_MARGIN = 1.25
_FEWEST_TOKENS = 1 << 16
_MOST_FALL = 4  # of the entries that are expected of a stretch


def words_name(shard: Shard) -> str:
    """Return the name of the step that counts a shard's words."""
    return f"words-{shard.number:06}"


def counts_name(shard: Shard) -> str:
    """Return the name of the step that counts a shard's windows."""
    return f"counts-{shard.number:06}"


def count_words(job: Job, shard: Shard, given: Any = None) -> dict[str, Any]:
    """Count the words of a shard."""

    def make(folder: Path) -> dict[str, Any]:
        n_runs = 0

        def keep(numbers: NDArray[np.int32]) -> None:
            nonlocal n_runs
            if is_full(reader.table, job.memory_bytes):
                reader.require_text_for_phrases()
                WordCounts.of(reader.table, reader.counts()).write(folder / _run_name(n_runs))
                n_runs += 1
                reader.begin(new_word_table())

        reader = TokenReader(new_word_table(), keep, add=True, tokenizer=_rules_of(job))
        shard.read(reader, given, job.counting.errors)
        reader.require_text_for_phrases()
        WordCounts.of(reader.table, reader.counts()).write(folder / _run_name(n_runs))
        return {
            "runs": n_runs + 1,
            "n_tokens": reader.n_tokens,
            "n_sentences": reader.n_sentences,
        }

    return step_once(job.folder / words_name(shard), make)


def _rules_of(job: Job) -> TextRules:
    return TextRules.of(job.counting, job.workers, words=known_rules(job.folder))


def _run_name(number: int) -> str:
    return f"run-{number:05}.safetensors"


def _runs_of(job: Job, names: Sequence[str]) -> list[WordCounts]:
    folders = [job.folder / name for name in names]
    return [
        WordCounts.open(folder / _run_name(number))
        for folder in folders
        for number in range(read_step(folder)["runs"])
    ]


def add_words(job: Job, name: str, names: Sequence[str]) -> dict[str, Any]:
    """Add up the words that other steps have counted."""

    def make(folder: Path) -> dict[str, Any]:
        runs = added(_runs_of(job, names), job.memory_bytes)
        n_runs = 0
        for number, run in enumerate(runs):
            run.write(folder / _run_name(number))
            n_runs = number + 1
        return {"runs": n_runs}

    return step_once(job.folder / name, make)


def choose_words(job: Job, group: int, names: Sequence[str]) -> CandidateWords:
    """Return the words of a group that may be in the vocabulary."""
    counting = job.counting
    return candidate_words(
        _runs_of(job, names), group, counting.min_count, counting.max_final_vocab
    )


def count_windows(job: Job, shard: Shard, given: Any = None) -> dict[str, Any]:
    """Count the windows of a shard, in stretches that fit the budget."""

    def make(folder: Path) -> dict[str, Any]:
        counting = _ShardCounting(job, folder)
        reader = TokenReader(
            counting.words.table, counting.keep, add=False, tokenizer=_rules_of(job)
        )
        repairs, missing = Repairs(remedy=READ_WITH_ERRORS), MissingValues()
        shard.read(reader, given, job.counting.errors, repairs, missing)
        parts = counting.finished()
        frequencies = counting.frequencies
        return {
            "parts": [part.as_dict() for part in parts],
            "digest": counting.digest.as_numbers(),
            "n_tokens": reader.n_tokens,
            "n_sentences": reader.n_sentences,
            "n_invalid": repairs.n_sequences,
            "n_missing": missing.n_values,
            "frequencies": None if frequencies is None else frequencies.tolist(),
        }

    return step_once(job.folder / counts_name(shard), make)


class _ShardCounting:
    """Gathers a shard's tokens and counts them, a stretch at a time; each stretch is a run."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.words: KnownWords = known_words(job.folder)
        self.digest = TextDigest()
        self.frequencies = np.zeros(self.words.n_words, np.int64) if job.vocabulary_given else None
        self._job = job
        self._folder = folder
        self._runs: list[CountsInFiles] = []
        self._ids: list[NDArray[np.int32]] = []
        self._ends: list[NDArray[np.int64]] = []
        self._n_tokens = 0
        self._n_contexts = 0
        self._reach = job.counting.window * (1 if self.words.widths is None else 2)
        # Before anything has been counted: as if every context were another entry.
        self._entries_a_context = 1.0

    def keep(self, numbers: NDArray[np.int32]) -> None:
        """Take the next numbers, whole sentences."""
        ids = np.empty(len(numbers), np.int32)
        starts = np.zeros(len(numbers) + 1, np.int64)
        n_ids, n_sentences = renumber(numbers, self.words.ranks, ids, 0, starts, 0)
        self._ids.append(ids[:n_ids].copy())
        self._ends.append(starts[1 : n_sentences + 1].copy())
        self.digest.add(self._ids[-1], self._ends[-1])
        self._n_tokens += n_ids
        lengths = np.diff(starts[: n_sentences + 1])
        self._n_contexts += int(np.sum(lengths * np.minimum(lengths - 1, 2 * self._reach)))
        if self._n_tokens >= _FEWEST_TOKENS and self._needed_bytes() >= self._job.memory_bytes:
            self._count()

    def _needed_bytes(self) -> float:
        n_entries = _MARGIN * self._entries_a_context * self._n_contexts
        return _TOKEN_BYTES * self._n_tokens + _ENTRY_BYTES * n_entries

    def _count(self) -> None:
        ids = np.concatenate([*self._ids, np.empty(0, np.int32)])
        offsets = np.cumsum([0] + [len(block) for block in self._ids])
        ends = [block + offset for block, offset in zip(self._ends, offsets, strict=False)]
        starts = np.concatenate([np.zeros(1, np.int64), *ends])
        n_contexts = self._n_contexts
        self._ids, self._ends, self._n_tokens, self._n_contexts = [], [], 0, 0
        n_words = self.words.n_words
        if self.frequencies is not None:
            self.frequencies += np.bincount(ids, minlength=n_words)
        counts = count_pairs(
            EncodedTokens(ids, starts, len(ids), 0),
            n_words,
            self._job.counting.window,
            workers=self._job.workers,
            widths=self.words.widths,
        )
        # Longer stretches have fewer entries a context, so that this is more than will come; but
        # what follows a text that says little anew may say more.
        if n_contexts:
            least = self._entries_a_context / _MOST_FALL
            self._entries_a_context = max(counts.n_entries / n_contexts, least)
        folder = self._folder / f"stretch-{len(self._runs):05}"
        folder.mkdir()
        self._runs.append(CountsInFiles(folder, write_parts(folder, counts.parts), _OPEN_PARTS))

    def finished(self) -> list[PartFile]:
        """Count what is left, and return the files of the sum of all stretches."""
        if self._n_tokens or self._ends or not self._runs:
            self._count()
        if len(self._runs) == 1:
            (run,) = self._runs
            for part in run.files:
                (run.folder / part.file).rename(self._folder / part.file)
            files = run.files
        else:
            files = write_parts(self._folder, merged_rows(self._runs))
        for run in self._runs:
            shutil.rmtree(run.folder)
        return files


def counts_of(job: Job, name: str) -> CountsInFiles:
    """Return the counts that a step made."""
    folder = job.folder / name
    files = [PartFile(**part) for part in read_step(folder)["parts"]]
    return CountsInFiles(folder, files, _OPEN_PARTS)


def add_counts(
    job: Job, name: str, names: Sequence[str], rows: tuple[int, int] | None = None
) -> dict[str, Any]:
    """Add up counts that other steps made: all their rows, or a range of them."""

    def make(folder: Path) -> dict[str, Any]:
        writer = PartsWriter(folder)
        for block in rows_of_sum(job, names, rows):
            writer.add(block)
        return {"parts": [part.as_dict() for part in writer.close()]}

    return step_once(job.folder / name, make)


def rows_of_sum(
    job: Job, names: Sequence[str], rows: tuple[int, int] | None = None
) -> Iterable[CountPart]:
    """Return the rows of the sum of counts that other steps made."""
    summands = [counts_of(job, name) for name in names]
    return merged_rows(summands, rows=rows, n_columns=known_words(job.folder).n_words)
