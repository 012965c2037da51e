"""Counting a corpus on this machine in bounded memory, spilling to disk."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from fastw2v.callbacks import StageProgress
from fastw2v.config import CountingSettings
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.sharded.plan import ShardOptions, memory_for_data, new_plan, work_folder_of
from fastw2v.counts.sharded.run import OneProcess, count_shards
from fastw2v.counts.sharded.work_folder import Job

DEFAULT_MEMORY_MIB = 2048


def count_spilling(
    sources: Sequence[str] | Iterable[Iterable[str]],
    counting: CountingSettings,
    output: str | Path,
    options: ShardOptions,
    *,
    workers: int,
    agreed: CountedCorpus | None = None,
    progress: StageProgress | None = None,
) -> CountedCorpus:
    """Count a corpus and write the counts to a folder, in bounded memory.

    The text is read twice; what can be read only once is spooled. Beside the output a folder
    of the same name and ".counting" holds what is done so far; an interrupted run leaves it behind.

    Parameters
    ----------
    sources : sequence of str, or iterable of lists of str
        Files, folders, globs, URLs that fsspec knows, ``"-"`` for standard input; text (also
        .gz .bz2 .xz .zst), Parquet or Arrow. Or lists of tokens.
    counting : CountingSettings
    output : path
        Written whole or not at all; earlier counts there are replaced. The same bytes as
        `fastw2v.counts.build.count_in_memory` writes.
    options : ShardOptions
    workers : int
        Threads.
    agreed : CountedCorpus, optional
        Counts whose words and widths of windows are used.
    progress : callable, optional
        Gets ("reading", bytes done, bytes in all), then ("counting", tokens counted, tokens in
        all).

    Returns
    -------
    CountedCorpus
        As read from the folder.

    Raises
    ------
    CorpusError, VocabularyError
        If the corpus cannot be read, or nothing is left to count.
    ConfigurationError
        If the memory is too small, or an interrupted run had other settings.
    OutputError
        If the folder cannot be written.
    """
    output = Path(output)
    memory = memory_for_data(options.memory_mib or DEFAULT_MEMORY_MIB)
    folder = work_folder_of(output).absolute()
    job = Job(folder, counting, memory, workers, agreed is not None)
    plan = new_plan(sources, job, output, options, agreed=agreed)
    return count_shards(plan, output, OneProcess(), agreed=agreed, progress=progress)
