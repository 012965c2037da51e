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
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from commands import run_command
from machine import describe_machine

from fastw2v.comparison.requests import TrainingRequest
from fastw2v.comparison.runs import train_once
from fastw2v.comparison.stored import LossSettings, StoredVectors, held_out_losses
from fastw2v.comparison.tables import mean_and_spread

TABLES = ("in", "in+out")
DEFAULT_RUNS = ("fastw2v:5", "gensim:5")
TRAINERS = {"word2vec.c": "word2vec"}  # what the results call it, and what the package does


def quality(path: Path) -> dict[str, dict[str, float | None]]:
    """Return the scores of each table in a .npz of a training process."""
    return StoredVectors.read(path).quality()


def run(
    spec: str, seed: int, options: argparse.Namespace, folder: Path, held_out: Path | None = None
) -> dict[str, Any]:
    """Train once in a process of its own and return times, memory and quality."""
    name, epochs = spec.split(":")
    trainer = name.removesuffix("-cold")
    settings = {"fastw2v": options.settings, "gensim": options.gensim_settings}.get(trainer, "{}")
    request = TrainingRequest(
        trainer=TRAINERS.get(trainer, trainer),
        corpus=options.corpus,
        vectors=folder / "vectors.npz",
        epochs=int(epochs),
        vector_size=options.vector_size,
        min_count=options.min_count,
        workers=options.workers,
        seed=seed,
        settings=json.loads(settings),
        held_out=held_out,
    )
    cold = {"NUMBA_CACHE_DIR": tempfile.mkdtemp(dir=folder)} if name != trainer else {}
    result = train_once(request, more_environment=cold)
    if "error" in result:
        sys.exit(f"{spec}: {result['error']}; to install it: {result['install']}")
    loss, used = result.pop("loss"), result.pop("settings")
    stored = StoredVectors.read(request.vectors)
    if held_out is not None:
        asked = LossSettings(
            loss=loss,
            model=used["model"],
            window=used["window"],
            cbow_mean=used["cbow_mean"],
            workers=options.workers,
        )
        result = held_out_losses(stored, asked, options.corpus, held_out) | result
    return {"run": spec, "seed": seed, **result, "quality": stored.quality()}


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
            cells = [mean_and_spread([r["quality"][table][name] for r in rows]) for name in names]
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
    machine = describe_machine("gensim")
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print("\n".join(summarise(results, (rivals or options.runs)[0])))
    if options.json:
        title = options.title or options.corpus.name
        record = {"machine": machine, "title": title, "results": results}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
