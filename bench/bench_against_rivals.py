"""fastw2v against gensim and word2vec.c: wall time and quality on the same text.

    python bench/bench_against_rivals.py CORPUS [--runs SPEC ...] [--rounds R] [--json OUT]

A run is TRAINER:EPOCHS, say ``fastw2v:8`` or ``gensim:5``; ``fastw2v-cold:5`` compiles all of its
kernels first, as the first run ever on a machine does. Every run is a process of its own;
the runs alternate, round after round, each round with another seed. Wall time is from the start
of the process to the end of training: imports, reading, vocabulary and counting included. Quality
is Spearman's rho on WordSim-353 and SimLex-999 and the accuracy on the Google analogies among the
50,000 most frequent words, on in vectors and on in + out where the trainer has both.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models import KeyedVectors
from machine import BLAS_PINS, describe

from fastw2v.evaluation import scores

TABLES = ("in", "in+out")
DEFAULT_RUNS = ("fastw2v:5", "gensim:5")


def quality(path: Path) -> dict[str, dict[str, float]]:
    """Return the scores of each table in a .npz of `train_one`."""
    with np.load(path) as stored:
        words, counts = stored["words"].tolist(), stored["counts"]
        tables = {"in": stored["in"]}
        if "out" in stored:
            tables["in+out"] = stored["in"] + stored["out"]
    result = {}
    for name, table in tables.items():
        keyed = KeyedVectors(table.shape[1])
        keyed.index_to_key = words
        keyed.key_to_index = {word: i for i, word in enumerate(words)}
        keyed.vectors = table
        keyed.expandos = {"count": counts}
        found = {score.name: score.value for score in scores(keyed)}
        found["mean"] = statistics.mean(found.values())
        result[name] = found
    return result


def run(
    spec: str, seed: int, options: argparse.Namespace, folder: Path, extra: Sequence[str] = ()
) -> dict[str, Any]:
    """Train once in a process of its own and return times, memory and quality."""
    name, epochs = spec.split(":")
    trainer = name.removesuffix("-cold")
    vectors = folder / "vectors.npz"
    settings = {"fastw2v": options.settings, "gensim": options.gensim_settings}.get(trainer, "{}")
    command = [sys.executable, str(Path(__file__).parent / "train_one.py"), trainer]
    command += [str(options.corpus), str(vectors), "--epochs", epochs, "--seed", str(seed)]
    command += ["--vector-size", str(options.vector_size), "--min-count", str(options.min_count)]
    command += ["--settings", settings, "--workers", str(options.workers), *extra]
    environment = {k: v for k, v in os.environ.items() if k not in BLAS_PINS}
    if name != trainer:
        environment["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(dir=folder)
    done = subprocess.run(
        [*command, "--started", repr(time.time())],
        check=True,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"run": spec, "seed": seed, **result, "quality": quality(vectors)}


def summarise(results: list[dict[str, Any]], against: str) -> list[str]:
    """Return lines of a Markdown table: medians of time, mean and spread of quality."""
    specs = list(dict.fromkeys(result["run"] for result in results))
    by_spec = {spec: [r for r in results if r["run"] == spec] for spec in specs}
    base = statistics.median(r["wall_s"] for r in by_spec[against])
    names = list(results[0]["quality"]["in"])
    lines = ["| run | wall s | ratio | peak MiB | vectors | " + " | ".join(names) + " |"]
    lines.append("|---" * (5 + len(names)) + "|")
    for spec, rows in by_spec.items():
        wall = statistics.median(r["wall_s"] for r in rows)
        memory = max(r["peak_bytes"] for r in rows) / 2**20
        for table in TABLES:
            if table not in rows[0]["quality"]:
                continue
            cells = []
            for name in names:
                values = [r["quality"][table][name] for r in rows]
                spread = f" ±{statistics.stdev(values):.3f}" if len(values) > 1 else ""
                cells.append(f"{statistics.mean(values):.3f}{spread}")
            lines.append(
                f"| {spec} | {wall:.1f} | {wall / base:.3f} | {memory:.0f} | {table} | "
                + " | ".join(cells)
                + " |"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--runs", nargs="+", default=list(DEFAULT_RUNS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--settings", default="{}", help="more settings of fastw2v, as JSON")
    parser.add_argument("--gensim-settings", default="{}", help="more settings of gensim, as JSON")
    parser.add_argument("--json", type=Path, help="where to write every run's figures")
    parser.add_argument("--title", default="", help="what the corpus is, for the JSON file")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for spec in options.runs:
                result = run(spec, number + 1, options, Path(folder))
                results.append(result)
                shown = {k: round(v, 3) for k, v in result.items() if isinstance(v, float)}
                print(f"round {number + 1}: {spec} {shown}", file=sys.stderr, flush=True)
    rivals = [spec for spec in options.runs if not spec.startswith("fastw2v")]
    machine = describe("gensim")
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print("\n".join(summarise(results, (rivals or options.runs)[0])))
    if options.json:
        title = options.title or options.corpus.name
        record = {"machine": machine, "title": title, "results": results}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
