"""A count in shards from beginning to end: words, vocabulary, windows, sum.

Both stages are trees of additions of whole numbers, so that the result is the same to the byte
however the corpus was cut and whoever counted which part.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

import numpy as np

from fastw2v.counts.corpus import (
    CorpusStatistics,
    CountedCorpus,
    CountsDescription,
    counting_widths,
)
from fastw2v.counts.folder import read_counts, write_counted_rows
from fastw2v.counts.matrix import CountPart
from fastw2v.counts.merged_folder import write_in_order
from fastw2v.counts.parts import CountsInFiles, write_parts
from fastw2v.counts.request import CountRequest
from fastw2v.counts.sharded import steps
from fastw2v.counts.sharded.plan import Plan
from fastw2v.counts.sharded.rules import settled_rules
from fastw2v.counts.sharded.words import GROUPS, CandidateWords
from fastw2v.counts.sharded.work_folder import (
    VOCABULARY,
    Job,
    give_up_data,
    remove_work,
    write_json_whole,
)
from fastw2v.errors import CorpusError, FastW2VError, VocabularyError
from fastw2v.text.encoded import TextDigest
from fastw2v.text.reading import without_tokens
from fastw2v.text.segmenters import tokenizer_version
from fastw2v.text.token_bytes import tokens_of
from fastw2v.text.token_kinds import tokens_to_json
from fastw2v.text.unicode_table import version_of
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_choice import none_frequent_enough, vocabulary_order
from fastw2v.text.word_rules import NO_RULES

__all__ = ["FAN_IN", "Engine", "OneProcess", "Task", "count_shards"]

FAN_IN = 16  # steps whose results are added up by one


@dataclass(frozen=True)
class Task:
    """A call that any worker can make.

    Attributes
    ----------
    name : str
        What messages call it.
    function : callable
    arguments : tuple
    given : int or None
        The shard's number, where its sentences are to be handed over as a last argument.
    n_bytes : int
        About how much it reads, for the display.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    given: int | None = None
    n_bytes: int = field(default=0, compare=False)


class Engine(Protocol):
    """Who makes the calls."""

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Any]]:
        """Yield each task's place and its result, as they are done."""
        ...


class OneProcess:
    """Makes all calls itself, one after the other; their kernels use all threads."""

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Any]]:
        """Yield each task's place and its result."""
        for place, task in enumerate(tasks):
            yield place, task.function(*task.arguments)


def count_shards(plan: Plan, request: CountRequest, engine: Engine) -> CountedCorpus:
    """Count the shards of a plan, and write the counts to a folder; then remove the work folder.

    Raises
    ------
    FastW2VError
        Of any kind that reading, counting and writing know. The work folder stays, to go on with.
    CorpusError, VocabularyError
        If there is no token, or no word is frequent enough. Nothing stays.
    """
    run = _Run(plan, request, engine)
    try:
        run.words = settled_rules(plan, request.words, request.progress)
    except FastW2VError:  # nothing is counted yet
        remove_work(plan.folder)
        raise
    try:
        reference = request.reference
        found = run.windows(run.vocabulary() if reference is None else reference.vocabulary)
    except FastW2VError as error:
        if run.is_empty or isinstance(error, VocabularyError):
            remove_work(plan.folder)
        else:
            error.add_note(
                f"what was counted so far is in {plan.folder}; --resume goes on with it as long as "
                "files are as they were"
            )
        raise
    remove_work(plan.folder)
    return found


class _Run:
    def __init__(self, plan: Plan, request: CountRequest, engine: Engine) -> None:
        self.plan = plan
        self.job: Job = plan.job
        self.request = request
        self.engine = engine
        self.words = NO_RULES
        # Results of the first reading of each shard, where there was one.
        self.read: list[dict[str, Any]] = []
        self.is_empty = False

    def vocabulary(self) -> Vocabulary:
        """Count the words of all shards and choose those of the vocabulary."""
        shards = self.plan.shards
        found = self._all(self._shard_tasks(steps.count_words), "reading")
        self.read = found
        n_tokens = self._require_tokens(found)
        names = [steps.words_name(shard) for shard in shards]
        level = 0
        while len(names) > FAN_IN:
            groups = _groups(names)
            level += 1
            names = [f"words-sum-{level}-{number:06}" for number in range(len(groups))]
            self._all(
                [
                    Task(f"adding up words, {name}", steps.add_words, (self.job, name, group))
                    for name, group in zip(names, groups, strict=True)
                ]
            )
            for name in chain.from_iterable(groups):
                give_up_data(self.job.folder / name)
        chosen: list[CandidateWords] = self._all(
            [
                Task(f"choosing words, group {group}", steps.choose_words, (self.job, group, names))
                for group in range(GROUPS)
            ]
        )
        return self._chosen(chosen, n_tokens)

    def _require_tokens(self, found: list[dict[str, Any]]) -> int:
        """Return how many tokens the corpus has; raise `CorpusError` if it has none."""
        n_tokens: int = sum(shard["n_tokens"] for shard in found)
        if not n_tokens:
            self.is_empty = True
            n_sentences = sum(shard["n_sentences"] for shard in found)
            raise without_tokens(self.plan.name, n_sentences)
        return n_tokens

    def _chosen(self, groups: list[CandidateWords], n_tokens: int) -> Vocabulary:
        counting = self.job.counting
        n_types = sum(group.n_types for group in groups)
        words = [word for group in groups for word in group.words]
        counts = np.array([count for group in groups for count in group.counts], np.int64)
        if not words:
            most = max(group.most for group in groups)
            raise none_frequent_enough(
                self.plan.name, counting.min_count, (n_tokens, n_types), most
            )
        order = vocabulary_order(words, counts)[: counting.max_final_vocab]
        chosen = tokens_of(words[place] for place in order.tolist())
        return Vocabulary(chosen, counts[order], n_tokens, n_types)

    def windows(self, vocabulary: Vocabulary) -> CountedCorpus:
        """Count the windows of all shards, and write their sum."""
        job, reference, output = self.job, self.request.reference, self.request.output
        widths = reference.widths if reference else counting_widths(vocabulary, job.counting)
        content = {
            "words": tokens_to_json(vocabulary.words),
            "widths": None if widths is None else widths.tolist(),
        }
        write_json_whole(job.folder / VOCABULARY, content)
        n_tokens = sum(shard["n_tokens"] for shard in self.read) or None
        found = self._all(self._shard_tasks(steps.count_windows), "counting", n_tokens)
        self._require_same_text(found)
        self._require_tokens(found)
        statistics = _statistics_of(found, vocabulary, job.counting.tokenizer)
        if reference is None:
            self._require_same_words(statistics.n_tokens, vocabulary)
        names = [steps.counts_name(shard) for shard in self.plan.shards]
        rows = self._sum(names, vocabulary)
        words = self.words
        described = CountsDescription(vocabulary, job.counting, widths, statistics, words=words)
        if reference is None:
            write_counted_rows(output, described, rows)
        else:
            frequencies = np.sum([shard["frequencies"] for shard in found], axis=0)
            counts = self._whole(rows)
            corpus = CountedCorpus(
                vocabulary, job.counting, widths, statistics, counts, words=words
            )
            write_in_order(output, corpus, frequencies)
        return read_counts(output, verify=False)

    @property
    def _anew(self) -> str:
        return f"remove {self.plan.folder} and count anew when the text no longer changes"

    def _require_same_text(self, found: list[dict[str, Any]]) -> None:
        """Raise `CorpusError` if a shard was not the same when it was read again."""
        names = ("n_tokens", "n_sentences")
        for shard, first, again in zip(self.plan.shards, self.read, found, strict=False):
            before, now = ([result[name] for name in names] for result in (first, again))
            if before != now:
                raise CorpusError(
                    f"{shard.name}: expected the text that was read for the vocabulary, "
                    f"{before[0]:,} tokens in {before[1]:,} sentences, got {now[0]:,} in "
                    f"{now[1]:,}; {self._anew}"
                )

    def _require_same_words(self, n_tokens: int, vocabulary: Vocabulary) -> None:
        """Raise `CorpusError` if the words of the vocabulary did not come as often again."""
        if n_tokens != vocabulary.n_tokens:
            raise CorpusError(
                f"{self.plan.name}: expected the text that was read for the vocabulary, whose "
                f"words came {vocabulary.n_tokens:,} times, got {n_tokens:,}; {self._anew}"
            )

    def _sum(self, names: list[str], vocabulary: Vocabulary) -> Iterator[CountPart]:
        """Add up counts in a tree, by ranges of centre words; return the rows of the whole sum."""
        ranges = _ranges(vocabulary, self.plan.ranges)
        # One sum of each range is left where there is much to add up and many to do it; writing
        # the result is then a copy. A few runs are added up as the result is written.
        most = 1 if len(ranges) > 1 and len(names) > FAN_IN else FAN_IN
        of_range: list[list[str]] = [names] * len(ranges)
        level = 0
        while max(map(len, of_range)) > most:
            level += 1
            tasks, used = [], set()
            following: list[list[str]] = []
            for number, (rows, here) in enumerate(zip(ranges, of_range, strict=True)):
                groups = _groups(here)
                following.append(
                    [f"counts-sum-{level}-{number:03}-{group:06}" for group in range(len(groups))]
                )
                used.update(here)
                # Only those of shards have the rows of all ranges.
                part = rows if level == 1 else None
                tasks += [
                    Task(
                        f"adding up counts, {name}", steps.add_counts, (self.job, name, group, part)
                    )
                    for name, group in zip(following[-1], groups, strict=True)
                ]
            self._all(tasks)
            for name in used:
                give_up_data(self.job.folder / name)
            of_range = following
        return chain.from_iterable(
            steps.rows_of_sum(self.job, here, None if level else rows)
            for rows, here in zip(ranges, of_range, strict=True)
        )

    def _whole(self, rows: Iterator[CountPart]) -> CountsInFiles:
        folder = self.job.folder / "whole"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return CountsInFiles(folder, write_parts(folder, rows))

    def _shard_tasks(self, function: Callable[..., Any]) -> list[Task]:
        return [
            Task(
                shard.name,
                function,
                (self.job, shard),
                shard.number if shard.is_given else None,
                shard.n_bytes,
            )
            for shard in self.plan.shards
        ]

    def _all(
        self, tasks: Sequence[Task], stage: str | None = None, n_tokens: int | None = None
    ) -> list[Any]:
        """Run tasks and return their results in order; report bytes read or tokens counted."""
        results: list[Any] = [None] * len(tasks)
        report = self.request.progress if stage else None
        counts_tokens = stage == "counting"
        total = n_tokens if counts_tokens else sum(task.n_bytes for task in tasks)
        done = 0
        if report and stage:
            report(stage, 0, total)
        for place, result in self.engine.run(tasks):
            results[place] = result
            done += result["n_tokens"] if counts_tokens else tasks[place].n_bytes
            if report and stage:
                report(stage, done, total)
        return results


def _groups(names: list[str]) -> list[list[str]]:
    return [names[start : start + FAN_IN] for start in range(0, len(names), FAN_IN)]


def _ranges(vocabulary: Vocabulary, n_ranges: int) -> list[tuple[int, int]]:
    """Cut the words into ranges that should have about as many entries each."""
    likely = np.cumsum(np.minimum(vocabulary.counts, len(vocabulary)) + 1.0)
    cuts = np.searchsorted(likely, np.linspace(0, likely[-1], n_ranges + 1)[1:-1]).tolist()
    ends = sorted({cut for cut in cuts if 0 < cut < len(vocabulary)} | {len(vocabulary)})
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _statistics_of(
    found: list[dict[str, Any]], vocabulary: Vocabulary, tokenizer: str
) -> CorpusStatistics:
    digest = TextDigest()
    for shard in found:
        digest.append(TextDigest.from_numbers(shard["digest"]))
    n_raw_tokens = sum(shard["n_tokens"] for shard in found)
    return CorpusStatistics(
        (digest.hexadecimal(vocabulary),),
        n_raw_tokens,
        digest.n_tokens,
        digest.n_sentences,
        sum(shard["n_invalid"] for shard in found),
        sum(shard["n_missing"] for shard in found),
        version_of(tokenizer),
        tokenizer_version(tokenizer),
    )
