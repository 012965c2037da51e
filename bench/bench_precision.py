"""The precisions of the exact step against each other: time of a step, loss, quality.

    python bench/bench_precision.py [CORPUS] [--seeds N] [--json OUT]

Steps at V 45,000 alternate in this process; the ratio is that of float32's time to the
precision's, the median over rounds. With a corpus (one sentence a line) every twentieth line is
held out; each precision and seed trains on the rest, one after the other, and the table shows the
exact mean loss in nats per pair on both parts, always computed in float32, and the quality of
in + out.
"""

import argparse
import itertools
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from bench_exact_step import seconds, zipf_counts
from commands import run_command
from machine import describe_machine, header

from fastw2v import Word2Vec
from fastw2v.config import Hyperparameters
from fastw2v.evaluation import scores
from fastw2v.kernels.simd.bfloat16 import HAS_BFLOAT16
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool

PRECISIONS = ("float32", "bf16x2", "bf16") if HAS_BFLOAT16 else ("float32",)
HELD_OUT_EVERY = 20


def step_times(words: int, dimensions: int, rows: int, workers: int, rounds: int) -> dict[str, Any]:
    """Return the median time of a step and the speed relative to float32, per precision."""
    counts = zipf_counts(words, seed=1)
    batches = CountBatches(counts, np.ones(words), dimensions=dimensions, rows=rows, seed=1)
    generator = np.random.default_rng(2)
    vectors = generator.normal(0, 0.1, (2, words, dimensions)).astype(np.float32)
    rules = Optimizer(Hyperparameters(), 1000)
    ready = [batch for batch, _ in zip(batches.one_epoch(0), range(8), strict=False)]
    times: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    with WorkerPool(workers) as pool:
        objectives = {
            precision: ExactSoftmax(
                *vectors,
                np.zeros(words, np.float32),
                max_rows=rows,
                precision=precision,  # type: ignore[arg-type]
                pool=pool,
            )
            for precision in PRECISIONS
        }
        for turn in range(rounds + 3):
            for precision, objective in objectives.items():
                batch = ready[turn % len(ready)]
                elapsed_s = seconds(objective.step, batch, rules.rules(turn))
                if turn >= 3:
                    times[precision].append(elapsed_s)
    base = times["float32"]
    return {
        "words": words,
        "dimensions": dimensions,
        "rows": rows,
        "step_s": {name: statistics.median(values) for name, values in times.items()},
        "speed": {
            name: statistics.median(b / x for b, x in zip(base, values, strict=True))
            for name, values in times.items()
        },
    }


def without_held_out(corpus: Path, folder: Path) -> tuple[Path, Path]:
    """Write every twentieth line to one file, the others to another."""
    train, held = folder / "train.txt", folder / "held.txt"
    with corpus.open("rb") as text, train.open("wb") as most, held.open("wb") as few:
        for number, line in enumerate(text):
            (few if number % HELD_OUT_EVERY == 0 else most).write(line)
    return train, held


def trained(corpus: Path, seeds: int, workers: int) -> list[dict[str, Any]]:
    results = []
    with tempfile.TemporaryDirectory() as folder:
        train, held = without_held_out(corpus, Path(folder))
        for seed, precision in itertools.product(range(1, seeds + 1), PRECISIONS):
            model = Word2Vec(
                min_count=10,
                tokenizer="whitespace",
                seed=seed,
                precision=precision,  # type: ignore[arg-type]
                workers=workers,
            ).fit(train)
            assert model.summary is not None
            found = {score.name: score.value for score in scores(model.wv)}
            results.append(
                {
                    "precision": precision,
                    "seed": seed,
                    "train_s": model.summary.train_s,
                    "loss_nats": model.summary.loss_nats,
                    "held_out_nats": model.perplexity(held).loss_nats,
                    "quality": {**found, "mean": statistics.mean(found.values())},
                }
            )
            print(results[-1], flush=True)
    return results


def table(results: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown table: means over seeds, spread of the quality."""
    names = list(results[0]["quality"])
    lines = ["| precision | training s | loss | held-out loss | " + " | ".join(names) + " |"]
    lines.append("|---" * (4 + len(names)) + "|")
    for precision in dict.fromkeys(result["precision"] for result in results):
        rows = [result for result in results if result["precision"] == precision]
        cells = [f"{statistics.median(row['train_s'] for row in rows):.1f}"]
        for key in ("loss_nats", "held_out_nats"):
            cells.append(f"{statistics.mean(row[key] for row in rows):.4f}")
        for name in names:
            values = [row["quality"][name] for row in rows]
            spread = f" ±{statistics.stdev(values):.3f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.3f}{spread}")
        lines.append(f"| {precision} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--json", type=Path, help="where to write all figures")
    options = parser.parse_args()
    print(header())
    steps = [step_times(45_000, d, 256, options.workers, options.rounds) for d in (100, 300)]
    for step in steps:
        shown = ", ".join(
            f"{name} {step['step_s'][name] * 1e3:.1f} ms ({step['speed'][name]:.2f}x)"
            for name in PRECISIONS
        )
        print(
            f"V {step['words']:,}  D {step['dimensions']}  B {step['rows']}:  {shown}", flush=True
        )
    results = []
    if options.corpus:
        results = trained(options.corpus, options.seeds, options.workers)
        print("\n".join(table(results)))
    if options.json:
        name = options.corpus.stem if options.corpus else ""
        record = {"machine": describe_machine(), "corpus": name, "steps": steps, "results": results}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
