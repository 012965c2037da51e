"""Counting a corpus on this machine in bounded memory, spilling to disk."""

from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.request import CountRequest
from fastw2v.counts.sharded.plan import ShardOptions, memory_for_data, new_plan
from fastw2v.counts.sharded.run import OneProcess, count_shards
from fastw2v.counts.sharded.work_folder import Job
from fastw2v.text.corpus import OpenedCorpus

__all__ = ["DEFAULT_MEMORY_MIB", "count_on_one_machine"]

DEFAULT_MEMORY_MIB = 2048


def count_on_one_machine(
    corpus: OpenedCorpus, request: CountRequest, options: ShardOptions, workers: int
) -> CountedCorpus:
    """Count a corpus on this machine; parameters and errors as in `fastw2v.counts.build`."""
    memory = memory_for_data(options.memory_mib or DEFAULT_MEMORY_MIB)
    plan = new_plan(corpus, request, Job.of(request, memory, workers), options)
    return count_shards(plan, request, OneProcess())
