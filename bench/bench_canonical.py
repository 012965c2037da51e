"""The canonical form: what it does for cosines, at several powers of the spectrum.

    python bench/bench_canonical.py CORPUS --pairs RW=rw.txt --pairs MTurk=mturk.txt --seeds 3
    python bench/bench_canonical.py CORPUS --settings '{"inputs": "subwords"}' --powers 0.5

Each seed is trained once and left as training ended. Then the same model is put into canonical
form, as it is by default and with each power, and every table that can be handed out is measured:
in, in + out, and both vectors of length 1 side by side. Quality is
Spearman's rho over pairs of known words, accuracy on the Google analogies, and their mean; the
spread is the standard deviation over seeds.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
from commands import run_command
from machine import header, unpin_blas

from fastw2v.comparison.tables import mean_and_spread
from fastw2v.config import Hyperparameters
from fastw2v.evaluation import evaluate_analogies, evaluate_similarity
from fastw2v.evaluation.test_sets import PairSet, bundled_analogies, bundled_pairs, read_pairs
from fastw2v.evaluation.word_table import WordTable
from fastw2v.model import Word2Vec
from fastw2v.objectives.canonical import canonical_form
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.system.threads import WorkerPool

TABLES = ("in", "sum", "both")


def quality(embeddings: Embeddings, table: Any, sets: list[PairSet]) -> dict[str, float]:
    """Return the scores of a table, and their mean."""
    measured = WordTable(embeddings.vocabulary.words, embeddings.table(table))
    found = {one.name: evaluate_similarity(measured, one, resamples=0).spearman for one in sets}
    for questions in bundled_analogies():
        overall = evaluate_analogies(measured, questions).overall
        found[questions.name] = overall.cos_add_accuracy
    known = [value for value in found.values() if np.isfinite(value)]
    return found | {"mean": statistics.mean(known)}


def forms(model: Word2Vec, options: argparse.Namespace) -> dict[str, Embeddings]:
    """Return what is measured, by name: the model as it is, and in canonical forms."""
    found = {"as trained": model.embeddings}
    asked = Hyperparameters(**model.settings.given | {"canonical": True})
    with WorkerPool(options.workers) as pool:
        for power in (None, *options.powers):
            form = canonical_form(model.embeddings, asked, pool, power=power)
            assert form is not None
            name = "the default" if power is None else f"power {power:g}"
            found[name] = form.applied(model.embeddings, pool)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--pairs", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--settings", type=json.loads, default={}, help="more, as JSON")
    parser.add_argument("--powers", type=float, nargs="+", default=[0.35, 0.5, 0.65])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    unpin_blas()
    named = [text.partition("=") for text in options.pairs]
    sets = [*bundled_pairs(), *(read_pairs(Path(file), name) for name, _, file in named)]
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for seed in range(1, options.seeds + 1):
        settings = {"min_count": options.min_count, "seed": seed} | options.settings
        model = Word2Vec(workers=options.workers, canonical=False, **settings)
        model.fit(options.corpus)
        for name, embeddings in forms(model, options).items():
            for table in TABLES:
                scores = quality(embeddings, table, sets)
                found.setdefault((name, table), []).append(scores)
        print(f"seed {seed}: measured", file=sys.stderr, flush=True)
    print(header())
    tests = list(next(iter(found.values()))[0])
    print("| vectors | table | " + " | ".join(tests) + " |")
    print("|---" * (len(tests) + 2) + "|")
    for (name, table), scores in found.items():
        cells = [mean_and_spread([one[test] for one in scores]) for test in tests]
        print(f"| {name} | {table} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    run_command(main)
