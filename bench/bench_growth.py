"""How the time of an epoch grows with the vocabulary and the dimensions, and not with the tokens.

    python bench/bench_growth.py [--json OUT] [--plot OUT.svg]

An epoch is timed from a few steps on generated counts, scaled to all rows of the vocabulary. For
the growth with tokens, Zipf texts of 1, 4 and 16 million tokens over the same words are counted,
and an epoch is timed on each: counting grows, the epoch does not. The plot needs matplotlib
(``pip install matplotlib``).
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
from bench_exact_step import zipf_counts
from commands import run_command
from machine import describe_machine

from fastw2v.config import Hyperparameters
from fastw2v.counts.matrix import PairCounts
from fastw2v.counts.pairs import count_pairs
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens

WORDS = (5_000, 10_000, 20_000, 40_000, 70_000, 100_000)
DIMENSIONS = (50, 100, 200, 300)
TOKENS = (1_000_000, 4_000_000, 16_000_000)
ROWS, STEPS, TOKEN_WORDS = 256, 12, 20_000


def epoch_seconds(counts: PairCounts, dimensions: int, pool: WorkerPool) -> float:
    """Return the time of an epoch over `counts`, from the median of a few steps."""
    n_words = counts.n_words
    generator = np.random.default_rng(2)
    vectors = generator.normal(0, 0.1, (2, n_words, dimensions)).astype(np.float32)
    batches = CountBatches(counts, np.ones(n_words), dimensions=dimensions, rows=ROWS, seed=1)
    objective = ExactSoftmax(*vectors, np.zeros(n_words, np.float32), max_rows=ROWS, pool=pool)
    rules = Optimizer(Hyperparameters(), 1000)
    taken = []
    for step, batch in zip(range(STEPS), batches.one_epoch(0), strict=False):
        started = time.perf_counter()
        objective.step(batch, rules.rules(step))
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[2:]) * batches.batches_per_epoch


def zipf_tokens(n_tokens: int) -> EncodedTokens:
    """Return a text over `TOKEN_WORDS` words in sentences of 50."""
    generator = np.random.default_rng(n_tokens)
    shares = 1.0 / np.arange(1, TOKEN_WORDS + 1)
    edges = np.cumsum(shares / shares.sum())
    ids = np.searchsorted(edges, generator.random(n_tokens)).astype(np.int32)
    np.minimum(ids, TOKEN_WORDS - 1, out=ids)
    starts = np.arange(0, n_tokens + 1, 50, dtype=np.int64)
    return EncodedTokens(ids, starts, n_tokens, 0)


def plot(result: dict[str, list[dict[str, float]]], out: Path) -> None:
    """Draw the three curves."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    for axis, (name, unit) in zip(
        axes,
        {"words": "words", "dimensions": "dimensions", "tokens": "tokens"}.items(),
        strict=True,
    ):
        points = result[name]
        x = [point[name] for point in points]
        axis.loglog(x, [point["epoch_s"] for point in points], "o-", label="an epoch")
        if name == "tokens":
            axis.loglog(x, [point["count_s"] for point in points], "s--", label="counting, once")
        if name == "words":
            slope = [points[-1]["epoch_s"] * (v / x[-1]) ** 2 for v in x]
            axis.loglog(x, slope, ":", label="square of the words")
        axis.set(xlabel=unit, ylabel="seconds")
        axis.legend()
    figure.savefig(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    result: dict[str, list[dict[str, float]]] = {"words": [], "dimensions": [], "tokens": []}
    with WorkerPool(options.workers) as pool:
        for words in WORDS:
            epoch_s = epoch_seconds(zipf_counts(words, 1), 100, pool)
            result["words"].append({"words": words, "epoch_s": epoch_s})
            print(f"V {words:7,}  D 100: an epoch {epoch_s:.2f} s", flush=True)
        counts = zipf_counts(20_000, 1)
        for dimensions in DIMENSIONS:
            epoch_s = epoch_seconds(counts, dimensions, pool)
            result["dimensions"].append({"dimensions": dimensions, "epoch_s": epoch_s})
            print(f"V  20,000  D {dimensions:3}: an epoch {epoch_s:.2f} s", flush=True)
        for n_tokens in TOKENS:
            tokens = zipf_tokens(n_tokens)
            started = time.perf_counter()
            counts = count_pairs(tokens, TOKEN_WORDS, 5, workers=options.workers)
            count_s = time.perf_counter() - started
            epoch_s = epoch_seconds(counts, 100, pool)
            result["tokens"].append({"tokens": n_tokens, "count_s": count_s, "epoch_s": epoch_s})
            print(
                f"V  20,000  D 100  {n_tokens:10,} tokens: counting {count_s:.2f} s, "
                f"an epoch {epoch_s:.2f} s",
                flush=True,
            )
    if options.json:
        record = {"machine": describe_machine(), "workers": options.workers, **result}
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    if options.plot:
        plot(result, options.plot)


if __name__ == "__main__":
    run_command(main)
