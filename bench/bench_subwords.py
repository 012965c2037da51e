"""Subwords: what they cost a pass, and how far they come against fastText and plain words.

    python bench/bench_subwords.py bars CORPUS --pairs RW=rw.txt --pairs MTurk=mturk.txt
    python bench/bench_subwords.py speed

`bars` trains, each in a process of its own and in turn: this package with subwords, the same
without, fastText's skip-gram (package of the extra `rivals`) for each of --fasttext-epochs and
--t, and with --negative this package's negative sampling at the same, n-grams of fastText's sizes.
Wall and CPU time and peak memory are those of the whole process until training ends: imports,
reading, counting and the table of unknown words' n-grams included. Quality is Spearman's rho over
pairs of known words, accuracy on the Google analogies, their mean, and rho over all pairs with
vectors made of unknown words' n-grams (a word without any counts as cosine 0, and so do all
unknown words of plain vectors), of vectors as they are handed out (in + out; fastText's and
negative sampling's in) and of the same with their mean taken off.

`speed` times an epoch of exact steps over sums of n-grams against one over plain rows, on made-up
counts and words, in turn in one process.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_exact_step import zipf_counts
from commands import run_command
from machine import describe_machine, header, unpin_blas
from made_up_words import made_up_words
from quality.measuring import TestSets, forms, scores_of, warm_up
from quality.options import add_training, base_request

from fastw2v.comparison.requests import TrainingRequest
from fastw2v.comparison.runs import ComparedRun, alternate, train_once
from fastw2v.comparison.stored import StoredVectors
from fastw2v.comparison.tables import by_run, mean_and_spread
from fastw2v.config import Hyperparameters
from fastw2v.objectives.features import Ngrams, ngram_features
from fastw2v.objectives.softmax.batches import CountBatches, prefetched
from fastw2v.objectives.softmax.feature_skipgram import (
    FeatureBatches,
    FeatureSoftmax,
    first_features,
    mass_weights,
)
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool

OURS = "subwords"
FASTTEXT_NGRAMS = {"min_n": 3, "max_n": 6, "bucket": 2_000_000}
DEFAULTS = Hyperparameters(inputs="subwords")


def requests(options: argparse.Namespace, folder: Path) -> dict[str, TrainingRequest]:
    """Return what is trained, by name."""
    plain = replace(base_request(options, folder), epochs=options.epochs)
    sizes = {name: getattr(options, name) for name in ("min_n", "max_n", "bucket")}
    own = json.loads(options.settings)
    asked = {
        OURS: replace(plain, inputs="subwords", **sizes, settings=own),
        "plain": plain,
    }
    for epochs in options.fasttext_epochs:
        for t in options.t:
            theirs = {"inputs": "subwords", "epochs": epochs, "settings": {"t": t}}
            asked[f"fastText {epochs} x t {t:g}"] = replace(plain, trainer="fasttext", **theirs)
            if options.negative:
                same = {"inputs": "subwords", "epochs": epochs, "sample": t, **FASTTEXT_NGRAMS}
                sampled = replace(plain, trainer="fastw2v-negative", **same)
                asked[f"negative {epochs} x sample {t:g}"] = sampled
    kept = options.only or list(asked)
    return {name: request for name, request in asked.items() if name in kept}


def quality(stored: StoredVectors, form: str, sets: TestSets, workers: int) -> dict[str, Any]:
    """Return the scores of vectors as they are and centred."""
    table = forms(stored)[form]
    measured = {"raw": table, "centred": table.centred()}
    return {name: scores_of(each, sets, workers) for name, each in measured.items()}


def bars(options: argparse.Namespace) -> None:
    """Train, measure, print and write."""
    sets = TestSets.read(options.pairs)
    with tempfile.TemporaryDirectory() as folder:
        asked = requests(options, Path(folder))
        warm_up(asked.values(), Path(folder))

        def train(run: ComparedRun, seed: int) -> dict[str, Any]:
            record = train_once(replace(asked[run.name], seed=seed))
            if "error" not in record:
                stored = StoredVectors.read(asked[run.name].vectors)
                form = record.get("handed_out", "in")
                record["quality"] = quality(stored, form, sets, options.workers)
            return record

        runs = [
            ComparedRun(name, request.trainer, request.epochs) for name, request in asked.items()
        ]
        results = []
        for record in alternate(runs, options.seeds, train):
            if "error" in record:
                sys.exit(f"{record['run']}: {record['error']}; to install: {record['install']}")
            results.append(record)
            shown = {name: round(record[name], 1) for name in ("wall_s", "cpu_s")}
            print(f"seed {record['seed']}: {record['run']} {shown}", file=sys.stderr, flush=True)
    machine = describe_machine("fasttext-numpy2-wheel")
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print("\n".join([*cost_lines(results), "", *quality_lines(results)]))
    if options.json:
        title = options.title or options.corpus.name
        record = {"machine": machine, "title": title, "results": results}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


def cost_lines(results: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown table of time and memory; ratios are of subwords' time to a run's."""
    runs = by_run(results)
    lines = ["| run | wall s | CPU s | peak MiB | subwords' wall / its | CPU |", "|---" * 6 + "|"]

    def median(name: str, key: str) -> float:
        return statistics.median(record[key] for record in runs[name])

    for name, records in runs.items():
        wall, cpu = median(name, "wall_s"), median(name, "cpu_s")
        peak = max(record["peak_bytes"] for record in records) / 2**20
        ratios = ["-", "-"]
        if OURS in runs:
            ratios = [f"{median(OURS, 'wall_s') / wall:.3f}", f"{median(OURS, 'cpu_s') / cpu:.3f}"]
        lines.append(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} | {' | '.join(ratios)} |")
    return lines


def quality_lines(results: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown table of scores: mean and spread over seeds."""
    runs = by_run(results)
    known = list(results[0]["quality"]["raw"]["known"])
    every = list(results[0]["quality"]["raw"]["all pairs"])
    headings = ["run", "vectors", *known, *(f"{name}, all pairs" for name in every)]
    lines = ["| " + " | ".join(headings) + " |", "|---" * len(headings) + "|"]
    for name, records in runs.items():
        for kind in ("raw", "centred"):
            of_kind = [record["quality"][kind] for record in records]
            cells = [
                mean_and_spread([found["known"].get(test) for found in of_kind]) for test in known
            ]
            for pairs in every:
                cells.append(mean_and_spread([one["all pairs"][pairs] for one in of_kind]))
            lines.append(f"| {name} | {kind} | " + " | ".join(cells) + " |")
    first = {name: records[0]["quality"]["raw"] for name, records in runs.items()}
    name, counts = max(first.items(), key=lambda each: sum(each[1]["made"].values()))
    told = []
    for pairs, made in counts["made"].items():
        known, total = counts["covered"][pairs]
        lacking = total - known - made
        told.append(f"{pairs}: {made:,} pairs by n-grams, {lacking:,} with a word without any")
    return [*lines, "", f"{name}, {'; '.join(told)}."]


def speed(options: argparse.Namespace) -> None:
    """Time epochs with and without subwords, one after the other."""
    n_words, dimensions, rows = options.words, options.vector_size, options.rows
    counts, keep = zipf_counts(n_words, seed=1), np.ones(n_words)
    plain = CountBatches(counts, keep, dimensions=dimensions, rows=rows, seed=1)
    ngrams = Ngrams(options.min_n, options.max_n, options.bucket)
    matrix, _ = ngram_features(made_up_words(n_words), ngrams)
    summed = FeatureBatches(plain, matrix)
    generator = np.random.default_rng(2)
    vectors = generator.normal(0, 0.1, (2, n_words, dimensions)).astype(np.float32)
    rules = {
        inputs: Optimizer(Hyperparameters(inputs=inputs), 10_000) for inputs in ("words", OURS)
    }
    seconds: dict[str, list[tuple[float, float]]] = {"words": [], OURS: []}
    with WorkerPool(options.workers) as pool:
        given: dict[str, Any] = {"max_rows": rows, "pool": pool}
        bias = np.zeros(n_words, np.float32)
        weights = mass_weights(counts.row_sums(keep))
        first = first_features(matrix, vectors[0], weights, pool)
        trained = {
            "words": (ExactSoftmax(*vectors, bias, **given), plain),
            OURS: (FeatureSoftmax(matrix, weights, first, vectors[1], bias, **given), summed),
        }
        for number in range(options.rounds + 1):
            for name, (objective, batches) in trained.items():
                epoch: Iterator[Any] = prefetched(batches.one_epoch(number))
                wall, cpu = time.perf_counter(), time.process_time()
                with closing(epoch):
                    for step, batch in enumerate(epoch):
                        objective.step(batch, rules[name].rules(step))
                        if number == 0:
                            break  # a first step compiles
                took = (time.perf_counter() - wall, time.process_time() - cpu)
                if number:
                    seconds[name].append(took)
                    print(f"  {name}: wall {took[0]:.2f} s, CPU {took[1]:.2f} s", flush=True)
    ratios = [
        statistics.median(
            mine[kind] / theirs[kind]
            for mine, theirs in zip(seconds[OURS], seconds["words"], strict=True)
        )
        for kind in (0, 1)
    ]
    print(
        f"V {n_words:,}  D {dimensions}  B {rows}  workers {options.workers}  "
        f"n-grams {ngrams.min_n} to {ngrams.max_n}, {len(matrix.indices) / n_words:.1f} features a "
        f"word, {matrix.n_features:,} in all:  an epoch with subwords takes {ratios[0]:.3f} of the "
        f"wall time and {ratios[1]:.3f} of the CPU time of one without"
    )
    if options.json:
        figures = {"wall_ratio": ratios[0], "cpu_ratio": ratios[1], "seconds": seconds}
        options.json.write_text(json.dumps({"machine": describe_machine(), **figures}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    measured, timed = commands.add_parser("bars"), commands.add_parser("speed")
    add_training(measured)
    measured.add_argument("--seeds", type=int, default=1)
    measured.add_argument("--epochs", type=int, default=DEFAULTS.epochs, help="of ours")
    measured.add_argument("--fasttext-epochs", type=int, nargs="*", default=[5])
    measured.add_argument("--t", type=float, nargs="+", default=[1e-3, 1e-4], help="fastText's")
    measured.add_argument("--negative", action="store_true", help="ours at fastText's settings")
    measured.add_argument("--settings", default="{}", help="more settings of ours, as JSON")
    measured.add_argument("--only", nargs="+", help="names of runs: subwords, plain, ...")
    timed.add_argument("--words", type=int, default=45_000)
    timed.add_argument("--rows", type=int, default=256)
    timed.add_argument("--rounds", type=int, default=3)
    timed.add_argument("--vector-size", type=int, default=100)
    timed.add_argument("--workers", type=int, default=2)
    for command in (measured, timed):
        command.add_argument("--min-n", type=int, default=DEFAULTS.min_n)
        command.add_argument("--max-n", type=int, default=DEFAULTS.max_n)
        command.add_argument("--bucket", type=int, default=DEFAULTS.bucket)
        command.add_argument("--json", type=Path, help="where to write every figure")
    options = parser.parse_args()
    unpin_blas()
    if options.command == "bars":
        bars(options)
    else:
        print(header())
        speed(options)


if __name__ == "__main__":
    run_command(main)
