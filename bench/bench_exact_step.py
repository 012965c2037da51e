"""The fused exact-softmax step against the three bare matrix products of the same shapes.

    python bench/bench_exact_step.py [--words V] [--dimensions D] [--rows B] [--workers N]

A step holds the products, exponentials, sparse counts, loss, and the optimiser (Adam on the
output vectors, RMSprop on the centre rows); the bare products are numpy's single-precision
``V_B U^T``, ``Z^T V_B`` and ``Z U`` on preallocated arrays with as many BLAS threads. Both run
alternately in this process; the ratio is bare time / step time, the median over rounds, so
1.0 means that everything but the products is free. The share of element-wise work is what the step
takes beyond the same products by the project's own tiles (`bare_tiles`), also of this run.
"""

import argparse
import statistics
import time

import numpy as np
import threadpoolctl
from bare_tiles import products
from commands import run_command
from machine import header, unpin_blas

from fastw2v.config import Hyperparameters
from fastw2v.counts.matrix import PairCounts
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool

BLAS_SPINS_S = 0.05
ENTRIES_PER_ROW = 445  # of the 13.8 M-token corpus in window 5


def zipf_counts(n_words: int, seed: int) -> PairCounts:
    """Return counts whose rows get shorter with rank, about 445 entries each on average."""
    generator = np.random.default_rng(seed)
    shares = 1.0 / np.arange(1, n_words + 1) ** 0.7
    lengths = (
        np.minimum(shares / shares.mean() * ENTRIES_PER_ROW, n_words // 2).astype(np.int64) + 1
    )
    rows = [
        np.unique((generator.random(length) ** 2 * n_words).astype(np.int32)) for length in lengths
    ]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    values = generator.integers(1, 20, indptr[-1]).astype(np.int32)
    return PairCounts(indptr, np.concatenate(rows), values, 5)


class BareProducts:
    """Three products of (B, D), (V, D) and (B, V), as numpy does them."""

    def __init__(self, words: int, dimensions: int, rows: int) -> None:
        generator = np.random.default_rng(0)
        self.centres = generator.random((rows, dimensions), dtype=np.float32)
        self.outputs = generator.random((words, dimensions), dtype=np.float32)
        self.scores = np.empty((rows, words), np.float32)
        self.output_gradient = np.empty((words, dimensions), np.float32)
        self.centre_gradient = np.empty((rows, dimensions), np.float32)

    def __call__(self) -> None:
        """Compute the three products."""
        np.matmul(self.centres, self.outputs.T, out=self.scores)
        np.matmul(self.scores.T, self.centres, out=self.output_gradient)
        np.matmul(self.scores, self.outputs, out=self.centre_gradient)


def seconds(call: object, *arguments: object) -> float:
    """Time the second of two calls, after a pause: BLAS threads spin for a while after work."""
    time.sleep(BLAS_SPINS_S)
    call(*arguments)  # type: ignore[operator]
    started = time.perf_counter()
    call(*arguments)  # type: ignore[operator]
    return time.perf_counter() - started


def measure(words: int, dimensions: int, rows: int, workers: int, rounds: int) -> str:
    counts = zipf_counts(words, seed=1)
    batches = CountBatches(counts, np.ones(words), dimensions=dimensions, rows=rows, seed=1)
    generator = np.random.default_rng(2)
    vectors = generator.normal(0, 0.1, (2, words, dimensions)).astype(np.float32)
    bare = BareProducts(words, dimensions, rows)
    rules = Optimizer(Hyperparameters(), 1000)
    ready = [batch for batch, _ in zip(batches.one_epoch(0), range(8), strict=False)]
    fused_s, bare_s, tiles_s = [], [], []
    with WorkerPool(workers) as pool, threadpoolctl.threadpool_limits(workers, "blas"):
        objective = ExactSoftmax(*vectors, np.zeros(words, np.float32), max_rows=rows, pool=pool)
        for turn in range(rounds + 3):
            fused = seconds(objective.step, ready[turn % len(ready)], rules.rules(turn))
            plain = seconds(bare)
            tiles = seconds(products, objective, ready[turn % len(ready)])
            if turn >= 3:
                tiles_s.append(tiles)
                fused_s.append(fused)
                bare_s.append(plain)
    ratio = statistics.median(b / f for b, f in zip(bare_s, fused_s, strict=True))
    element_wise = 1 - statistics.median(t / f for t, f in zip(tiles_s, fused_s, strict=True))
    step_s = statistics.median(fused_s)
    flops = 6.0 * rows * words * dimensions
    return (
        f"V {words:,}  D {dimensions}  B {rows}  workers {workers}:  "
        f"step {step_s * 1e3:.1f} ms ({flops / step_s / 1e9:.0f} GFLOP/s), "
        f"bare products {statistics.median(bare_s) * 1e3:.1f} ms, ratio {ratio:.2f}, "
        f"element-wise {element_wise:.0%}, "
        f"an epoch {step_s * words / rows:.1f} s, memory {objective.nbytes / 2**20:.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, nargs="+", default=[45_000])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--rows", type=int, nargs="+", default=[256])
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--rounds", type=int, default=25)
    arguments = parser.parse_args()
    unpin_blas()
    print(header())
    libraries = threadpoolctl.threadpool_info()
    print(
        "BLAS of numpy: "
        + ", ".join(
            f"{x['internal_api']} {x['architecture']}"
            for x in libraries
            if "numpy" in x["filepath"]
        )
    )
    for words in arguments.words:
        for dimensions in arguments.dimensions:
            for rows in arguments.rows:
                for workers in arguments.workers:
                    print(measure(words, dimensions, rows, workers, arguments.rounds), flush=True)


if __name__ == "__main__":
    run_command(main)
