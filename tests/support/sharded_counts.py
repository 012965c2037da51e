"""What tests of counting in shards share: a text, settings, and a look at what is done."""

from fastw2v.config import CountingSettings
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.counts.sharded.work_folder import work_folder_of
from tests.support.corpora_made import random_sentences

COUNTING = CountingSettings(window=3, window_sample=0.02, min_count=2, tokenizer="whitespace")
SENTENCES = random_sentences(1, 80, sentences=300)


def spilled(sources, output, counting=COUNTING, **options):
    options = {"memory_mib": 600, "block_mib": 1000 / 2**20} | options
    reference = options.pop("reference", None)
    return count_corpus(
        sources, counting, output, workers=1, shards=ShardOptions(**options), reference=reference
    )


def steps_done(output, steps="*"):
    """How many of the steps whose folders are named so are done."""
    try:
        return len(list(work_folder_of(output).glob(f"{steps}/step.json")))
    except FileNotFoundError:  # removed meanwhile
        return 0
