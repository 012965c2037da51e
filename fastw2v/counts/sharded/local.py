"""Counting a corpus on this machine in bounded memory, spilling to disk."""

from pathlib import Path

from fastw2v.callbacks import StageProgress
from fastw2v.config import CountingSettings
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.sharded.plan import ShardOptions, memory_for_data, new_plan, work_folder_of
from fastw2v.counts.sharded.run import OneProcess, count_shards
from fastw2v.counts.sharded.work_folder import Job
from fastw2v.text.corpus import OpenedCorpus
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = ["DEFAULT_MEMORY_MIB", "count_on_one_machine"]

DEFAULT_MEMORY_MIB = 2048


def count_on_one_machine(
    corpus: OpenedCorpus,
    counting: CountingSettings,
    output: Path,
    options: ShardOptions,
    workers: int,
    reference: CountedCorpus | None = None,
    words: WordRules = NO_RULES,
    progress: StageProgress | None = None,
) -> CountedCorpus:
    """Count a corpus on this machine; parameters and errors as in `fastw2v.counts.build`."""
    memory = memory_for_data(options.memory_mib or DEFAULT_MEMORY_MIB)
    folder = work_folder_of(output).absolute()
    job = Job(folder, counting, memory, workers, reference is not None)
    plan = new_plan(corpus, job, output, options, reference=reference, words=words)
    return count_shards(
        plan, output, OneProcess(), reference=reference, words=words, progress=progress
    )
