"""Nearest neighbours: queries a second, recall and build time of `fastw2v.integrations.index`.

    python bench/bench_index.py [--words 100000 1000000] [--dimensions 100]
        [--libraries exact usearch faiss] [--queries 512] [--rounds 3]

Vectors are generated: about 2,000 centres, directions of falling weight, as those
of words have them. Queries are words. "product" is numpy's product of queries and unit vectors
alone, without finding the largest; "product, best 10" finds them (argpartition); gensim is
`KeyedVectors.most_similar`, which takes one query at a time. They take turns, and the best of the
rounds counts. Recall@10 is against exact search. Libraries that are not installed are said to be
missing.
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
from commands import run_command
from numpy.typing import NDArray

from fastw2v.errors import MissingDependencyError
from fastw2v.formats.vectors import Vectors
from fastw2v.integrations.index import build_index

CENTRES, TOPN, BATCH = 2000, 10, 128


def generated(n_words: int, dimensions: int, seed: int = 1) -> Vectors:
    generator = np.random.default_rng(seed)
    weights = np.asarray((1 + np.arange(dimensions)) ** -0.25, np.float32)
    centres = generator.standard_normal((CENTRES, dimensions), dtype=np.float32)
    table = generator.standard_normal((n_words, dimensions), dtype=np.float32)
    table *= 0.7
    table += centres[generator.integers(0, CENTRES, n_words)]
    table *= weights
    return Vectors([f"w{row}" for row in range(n_words)], table)


def best_times(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    times = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            times[name] = min(times[name], time.perf_counter() - begin)
    return times


def batches(queries: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [queries[first : first + BATCH] for first in range(0, len(queries), BATCH)]


def measure(
    n_words: int, dimensions: int, libraries: list[str], n_queries: int, rounds: int
) -> None:
    vectors = generated(n_words, dimensions)
    generator = np.random.default_rng(2)
    asked = generator.choice(n_words, n_queries, replace=False)
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    queries = unit[asked]
    words = [vectors.words[row] for row in asked]
    few = queries[:32]

    def best_ten(rows: NDArray[np.float32]) -> NDArray[np.int64]:
        scores = rows @ unit.T
        return np.argpartition(scores, -TOPN - 1, axis=1)[:, -TOPN - 1 :]

    keyed = vectors.keyed_vectors()
    keyed.fill_norms()
    many = {
        "numpy: product": lambda: [rows @ unit.T for rows in batches(queries)],
        "numpy: product, best 10": lambda: [best_ten(rows) for rows in batches(queries)],
    }
    one = {
        "numpy: product": lambda: [unit @ row for row in few],
        "numpy: product, best 10": lambda: [best_ten(row[None]) for row in few],
        "gensim: most_similar": lambda: [keyed.most_similar(word) for word in words[:32]],
    }
    truth: list[set[str]] = []
    built, recalls = {}, {}
    for library in libraries:
        begin, begin_cpu = time.perf_counter(), time.process_time()
        try:
            index = build_index(vectors, library)  # type: ignore[arg-type]
        except MissingDependencyError as error:
            print(error)
            continue
        built_s, cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
        built[library] = f"{built_s:.1f} | {cpu_s:.1f}"
        print(f"{library}: built in {built_s:.1f} s, {cpu_s:.1f} CPU s", file=sys.stderr)
        answers = [{word for word, _ in near} for near in index.nearest_of_each(words, TOPN)]
        truth = truth or answers
        if library != "exact":
            hits = [len(a & b) / TOPN for a, b in zip(answers, truth, strict=True)]
            recalls[library] = float(np.mean(hits))
        many[library] = lambda index=index: index.nearest_of_each(words, TOPN)
        one[library] = lambda index=index: [index.nearest(word, TOPN) for word in words[:32]]
    many_s, one_s = best_times(many, rounds), best_times(one, rounds)
    print(f"\n{n_words:,} words, {dimensions} dimensions, {n_queries} queries, best of {rounds}\n")
    heads = (
        "build s",
        "of them CPU s",
        "one by one, queries/s",
        "many at once, queries/s",
        "recall@10",
    )
    print(f"| | {' | '.join(heads)} |")
    print("|---|---|---|---|---|---|")
    for name in dict.fromkeys([*one, *many]):
        build = built.get(name, " | ")
        at_once = f"{n_queries / many_s[name]:,.0f}" if name in many_s else ""
        recall = f"{recalls[name]:.3f}" if name in recalls else "1"
        print(f"| {name} | {build} | {len(few) / one_s[name]:,.0f} | {at_once} | {recall} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--words", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[100])
    parser.add_argument("--libraries", nargs="+", default=["exact", "usearch", "faiss"])
    parser.add_argument("--queries", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    libraries = ["exact", *(name for name in given.libraries if name != "exact")]  # the truth first
    for n_words in given.words:
        for dimensions in given.dimensions:
            measure(n_words, dimensions, libraries, given.queries, given.rounds)


if __name__ == "__main__":
    run_command(main)
