"""The project's own objectives against each other: time, memory, quality, held-out loss.

    python bench/bench_objectives.py cells CORPUS [--seeds N] [--json OUT]
    python bench/bench_objectives.py curves CORPUS [--seeds N] [--json OUT]
    python bench/bench_objectives.py crossover CORPUS [--words V ...] [--json OUT]

Every run is a process of its own, and runs alternate, seed after seed; wall time is from the start
of the process to the end of training, reading included.

cells: each objective and model with its defaults. A twentieth of the lines is held out; the table
has each objective's own loss on it, and for all of them the loss of the exact softmax after
calibrating a temperature and a weight of the unigram distribution on the training text.

curves: mean quality (WordSim-353, SimLex-999, Google analogies) after more and more epochs, for the
exact softmax in float32 and in bfloat16 where the CPU has it, and negative sampling.

crossover: seconds of training for an epoch of the exact softmax and an epoch of negative sampling
as the vocabulary grows, on the same text; the exact epoch grows with the square of the vocabulary,
the other with the tokens that are in it.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_against_rivals import run
from bench_precision import without_held_out
from commands import run_command
from machine import describe_machine

from fastw2v.comparison.tables import mean_and_spread
from fastw2v.config.defaults import EPOCHS
from fastw2v.kernels.simd.bfloat16 import HAS_BFLOAT16

CELLS = [
    (model, objective)
    for objective in ("softmax", "negative", "hierarchical")
    for model in ("skipgram", "cbow")
]
CURVES: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "softmax, float32": ({"precision": "float32"}, (1, 3, 5)),
    "softmax, bf16": ({"precision": "bf16"}, (1, 3, 5)),
    "negative, sample 1e-3": ({"objective": "negative", "sample": 1e-3}, (3, 10, 20)),
    "negative, sample 1e-4": ({"objective": "negative", "sample": 1e-4}, (5, 20)),
}
Runs = list[dict[str, Any]]


def trained(
    options: argparse.Namespace,
    corpus: Path,
    folder: Path,
    settings: dict[str, Any],
    place: tuple[int, int],
    held_out: Path | None = None,
) -> dict[str, Any]:
    """Train once; `place` is (epochs, seed)."""
    epochs, seed = place
    asked = argparse.Namespace(
        corpus=corpus,
        settings=json.dumps(settings),
        gensim_settings="{}",
        vector_size=100,
        min_count=options.min_count,
        workers=options.workers,
    )
    result = run(f"fastw2v:{epochs}", seed, asked, folder, held_out)
    shown = {name: round(value, 3) for name, value in result.items() if isinstance(value, float)}
    print(settings, result["run"], seed, shown, file=sys.stderr, flush=True)
    return {**result, "settings": settings, "epochs": epochs}


def cells(options: argparse.Namespace, folder: Path) -> Runs:
    corpus, held_out = without_held_out(options.corpus, folder)
    results = []
    for seed in range(1, options.seeds + 1):
        for model, objective in CELLS:
            settings = {"model": model, "objective": objective}
            place = (EPOCHS[objective], seed)
            results.append(trained(options, corpus, folder, settings, place, held_out))
    return results


def curves(options: argparse.Namespace, folder: Path) -> Runs:
    results = []
    for seed in range(1, options.seeds + 1):
        for name, (settings, epochs) in CURVES.items():
            if settings.get("precision") == "bf16" and not HAS_BFLOAT16:
                continue
            for count in epochs:
                result = trained(options, options.corpus, folder, settings, (count, seed))
                results.append({**result, "curve": name})
    return results


def crossover(options: argparse.Namespace, folder: Path) -> Runs:
    results = []
    for words in options.words:
        for objective in ("softmax", "negative"):
            settings = {"objective": objective, "max_final_vocab": words}
            if objective == "softmax":
                settings["start"] = "random"  # an epoch alone
            results.append(trained(options, options.corpus, folder, settings, (1, 1)))
    return results


def cells_table(results: Runs) -> list[str]:
    lines = [
        "| model | objective | wall s | peak MiB | vectors | WordSim-353 | SimLex-999 | analogies "
        "| mean | own loss | calibrated loss |",
        "|---" * 11 + "|",
    ]
    for model, objective in CELLS:
        rows = [r for r in results if r["settings"] == {"model": model, "objective": objective}]
        if not rows:
            continue
        wall = statistics.median(r["wall_s"] for r in rows)
        memory = max(r["peak_bytes"] for r in rows) / 2**20
        for table in rows[0]["quality"]:
            names = rows[0]["quality"][table]
            scores = [mean_and_spread([r["quality"][table][name] for r in rows]) for name in names]
            losses = [
                f"{statistics.mean(r[name] for r in rows):.3f}"
                for name in ("own_nats", "calibrated_nats")
            ]
            cells = [model, objective, f"{wall:.1f}", f"{memory:.0f}", table, *scores, *losses]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def curves_table(results: Runs) -> list[str]:
    lines = ["| trained by | epochs | wall s | mean quality, in | in + out |", "|---" * 5 + "|"]
    for curve in dict.fromkeys(r["curve"] for r in results):
        for epochs in sorted({r["epochs"] for r in results if r["curve"] == curve}):
            rows = [r for r in results if r["curve"] == curve and r["epochs"] == epochs]
            wall = statistics.median(r["wall_s"] for r in rows)
            tables = [[r["quality"][name]["mean"] for r in rows] for name in ("in", "in+out")]
            means = " | ".join(mean_and_spread(values) for values in tables)
            lines.append(f"| {curve} | {epochs} | {wall:.1f} | {means} |")
    return lines


def crossover_table(results: Runs) -> list[str]:
    lines = [
        "| words | exact, s an epoch | negative, s an epoch | exact / negative |",
        "|---" * 4 + "|",
    ]
    for words in dict.fromkeys(r["settings"]["max_final_vocab"] for r in results):
        times = {
            r["settings"]["objective"]: r["epochs_s"]
            for r in results
            if r["settings"]["max_final_vocab"] == words
        }
        exact, negative = times["softmax"], times["negative"]
        lines.append(f"| {words:,} | {exact:.1f} | {negative:.1f} | {exact / negative:.2f} |")
    return lines


PARTS: dict[str, tuple[Callable[[argparse.Namespace, Path], Runs], Callable[[Runs], list[str]]]] = {
    "cells": (cells, cells_table),
    "curves": (curves, curves_table),
    "crossover": (crossover, crossover_table),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--words", type=int, nargs="+", default=[5_000, 10_000, 20_000, 40_000])
    parser.add_argument("--json", type=Path, help="where to write every run's figures")
    options = parser.parse_args()
    measure, table = PARTS[options.part]
    with tempfile.TemporaryDirectory() as folder:
        results = measure(options, Path(folder))
    print("\n".join(table(results)))
    if options.json:
        record = {"machine": describe_machine(), "corpus": options.corpus.stem, "results": results}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
