"""Speed and memory of pair counting on a seeded Zipf corpus that is made in memory.

Words are drawn independently, so there are more different pairs than in real text of the same
length, which makes the task harder. Every number of workers is measured in a process of its
own. Plain and measured windows are counted in turn, so that their ratio can be trusted on a busy
machine.

    python bench/bench_counting.py --tokens 10_000_000 --workers 1 2
"""

import argparse
import multiprocessing
import platform
import time

import numpy as np
from commands import run_command

from fastw2v.comparison.clock import stop_clock
from fastw2v.counts.pairs import count_pairs
from fastw2v.counts.windows import word_widths
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import keep_probability

CHUNK = 1 << 20


def zipf_corpus(n_tokens: int, n_words: int, seed: int) -> EncodedTokens:
    """Return ids and sentences of 30 to 100 words; the chance of word r goes with 1 / (r + 2.7)."""
    generator = np.random.default_rng(seed)
    chances = np.cumsum(1 / (np.arange(n_words) + 2.7))
    ids = np.empty(n_tokens, np.int32)
    for start in range(0, n_tokens, CHUNK):
        draws = generator.random(min(CHUNK, n_tokens - start)) * chances[-1]
        ids[start : start + CHUNK] = np.searchsorted(chances, draws)
    ends = np.cumsum(generator.integers(30, 101, n_tokens // 30 + 1))
    starts = np.concatenate([[0], ends[ends < n_tokens], [n_tokens]])
    return EncodedTokens(ids, starts, n_tokens, 0)


def measure(options: argparse.Namespace, workers: int) -> dict[str, float]:
    tokens = zipf_corpus(options.tokens, options.words, options.seed)
    frequencies = np.bincount(tokens.ids, minlength=options.words)
    widths = word_widths(keep_probability(frequencies, options.window_sample))
    before_mb = stop_clock().peak_bytes / 1e6
    times, measured_times = [], []
    after_mb = 0.0
    for _ in range(1 + options.repeat):
        started = time.perf_counter()
        counts = count_pairs(tokens, options.words, options.window, workers=workers)
        times.append(time.perf_counter() - started)
        after_mb = after_mb or stop_clock().peak_bytes / 1e6
        shape = {"entries": counts.n_entries, "result_mb": counts.nbytes / 1e6}
        weight = counts.total
        del counts
        started = time.perf_counter()
        counts = count_pairs(tokens, options.words, options.window, workers=workers, widths=widths)
        measured_times.append(time.perf_counter() - started)
        shape["weight_ratio"] = counts.total / weight
        del counts
    ratios = np.array(measured_times[1:]) / times[1:]
    lengths = np.diff(tokens.sentence_starts)
    pairs = sum(2 * np.maximum(lengths - d, 0).sum() for d in range(1, options.window + 1))
    return shape | {
        "pairs": int(pairs),
        "cold_s": times[0],
        "warm_s": float(np.median(times[1:])),
        "measured_s": float(np.median(measured_times[1:])),
        "measured_ratio": float(np.median(ratios)),
        "before_mb": before_mb,
        "after_mb": after_mb,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=10_000_000)
    parser.add_argument("--words", type=int, default=45_000, help="size of the vocabulary")
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--window-sample", type=float, default=1e-3, help="of measured windows")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5, help="warm runs; their median counts")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print(
        "tokens/s: running words whose windows were counted, from encoded ids to sorted sparse\n"
        "rows. pairs/s: (centre, context) pairs added up. cold: the first call of a process,\n"
        "kernels loaded from Numba's cache or compiled; warm: the median of later calls.\n"
        "memory: peak of the process, that before counting (corpus, Python, Numba), the result.\n"
    )
    print(
        f"{options.tokens:,} tokens, {options.words:,} words, window {options.window}, "
        f"seed {options.seed}; Python {platform.python_version()}, {platform.machine()}"
    )
    context = multiprocessing.get_context("spawn")
    for workers in options.workers:
        with context.Pool(1) as fresh:
            found = fresh.apply(measure, (options, workers))
        for state in ("cold", "warm"):
            seconds = found[f"{state}_s"]
            print(
                f"{workers} worker(s), {state}: {seconds:.3f} s, "
                f"{options.tokens / seconds / 1e6:.1f} M tokens/s, "
                f"{found['pairs'] / seconds / 1e6:.0f} M pairs/s"
            )
        print(
            f"{workers} worker(s), warm, measured windows, sample {options.window_sample:g}: "
            f"{found['measured_s']:.3f} s, {found['measured_ratio']:.2f} of plain ones' time for "
            f"{found['weight_ratio']:.2f} of their weight"
        )
        print(
            f"{workers} worker(s), memory: {found['after_mb']:.0f} MB at peak, "
            f"{found['before_mb']:.0f} MB before, result {found['result_mb']:.0f} MB "
            f"({found['entries'] / 1e6:.1f} M entries of {found['pairs'] / 1e6:.0f} M pairs)"
        )


if __name__ == "__main__":
    run_command(main)
