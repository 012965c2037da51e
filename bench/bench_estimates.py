"""The estimate before a run against the truth: vocabularies of three sizes, both precisions.

    python bench/bench_estimates.py corpora/english-large.txt [--words 20000 45000 100000]

The estimate is that of `fastw2v train`, made before anything is counted. The truth is the time of
real steps on the counts of the text, of `--steps` batches of an epoch; their mean by the number of
batches is an epoch. Steps before, which read kernels and touch memory first, do not count.
"""

import argparse
import time
from itertools import islice
from pathlib import Path

import numpy as np
from commands import run_command

from fastw2v import Hyperparameters
from fastw2v.counts.pairs import count_pairs
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.durations import expected_contexts, step_seconds
from fastw2v.objectives.softmax.estimates import batch_size
from fastw2v.objectives.softmax.initialization import random_vectors
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool, available_cores
from fastw2v.text.reading import read_corpus
from fastw2v.text.vocabulary import keep_probability

WARM_STEPS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--words", type=int, nargs="+", default=[20_000, 45_000, 100_000])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bf16"])
    parser.add_argument("--dimensions", type=int, default=100)
    parser.add_argument("--steps", type=int, default=10)
    given = parser.parse_args()
    print("|  words | precision | estimate of an epoch | truth | estimate by truth |")
    print("|---|---|---|---|---|")
    with WorkerPool(available_cores()) as pool:
        for words in given.words:
            vocabulary, tokens = read_corpus(given.corpus, min_count=1, max_final_vocab=words)
            counts = count_pairs(tokens, len(vocabulary), 5, workers=pool.workers)
            for precision in given.precisions:
                settings = Hyperparameters(vector_size=given.dimensions, precision=precision)
                rows = min(batch_size(settings, len(vocabulary)), len(vocabulary))
                contexts = expected_contexts(vocabulary.counts, settings.window)
                estimate_s = step_seconds(settings, len(vocabulary), rows, pool, contexts=contexts)
                estimate_s *= -(-len(vocabulary) // rows)
                keep = keep_probability(vocabulary.counts, settings.sample)
                batches = CountBatches(
                    counts, keep, dimensions=given.dimensions, rows=rows, seed=settings.seed
                )
                truth_s = epoch_seconds(settings, batches, given.steps, pool)
                print(
                    f"| {len(vocabulary):,} | {precision} | {estimate_s:.1f} s | {truth_s:.1f} s "
                    f"| {estimate_s / truth_s:.2f} |",
                    flush=True,
                )


def epoch_seconds(
    settings: Hyperparameters, batches: CountBatches, steps: int, pool: WorkerPool
) -> float:
    """Return what an epoch takes, by the mean of some of its steps, batches made included."""
    n_words = len(batches.keep)
    objective = ExactSoftmax(
        *random_vectors(n_words, settings),
        np.zeros(n_words, np.float32),
        optimizer=settings.optimizer,
        max_rows=batches.max_rows,
        precision=settings.precision,
        pool=pool,
    )
    rules = Optimizer(settings, batches.batches_per_epoch).rules
    began_s, done = 0.0, 0
    for done, batch in enumerate(islice(batches.one_epoch(0), WARM_STEPS + steps), 1):
        objective.step(batch, rules(done))
        if done == WARM_STEPS:
            began_s = time.perf_counter()
    return (time.perf_counter() - began_s) / (done - WARM_STEPS) * batches.batches_per_epoch


if __name__ == "__main__":
    run_command(main)
