"""Training that goes on: a model of half of a text goes on with the other half.

    python bench/bench_continued.py corpora/english-small.txt --lines 16500

A part of the lines is yesterday's text, a part today's, and a part is held out. Each objective is
trained on yesterday's, on today's, and on both at once (with several seeds), and goes on from
yesterday's model with today's text, with the counts of both (exact softmax), at several learning
rates, and from yesterday's vectors alone, brought to several lengths (negative sampling) or with
the other side fitted and zero (exact softmax).

All are over the words that going on has, so that losses compare: other words are taken out of the
texts. The loss is that of the held-out lines in nats a pair, quality the mean of Spearman's rho on
WordSim-353 and SimLex-999 and of the accuracy on the Google analogies.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import header, unpin_blas

from fastw2v.config import CountingSettings, Hyperparameters
from fastw2v.counts.build import count_corpus
from fastw2v.evaluation import evaluate_analogies, evaluate_similarity
from fastw2v.evaluation.test_sets import bundled_analogies, bundled_pairs
from fastw2v.evaluation.word_table import WordTable
from fastw2v.model import Word2Vec
from fastw2v.objectives.softmax import first_rows
from fastw2v.training import continued
from fastw2v.training.start_from import StartFrom

Lines = list[list[str]]
OBJECTIVES = {
    "softmax": {"epochs": 5},
    "negative": {"objective": "negative", "epochs": 8},
    "hierarchical": {"objective": "hierarchical", "epochs": 8},
}
FACTORS = (1.0, 0.5, 0.25, 0.1)
LENGTHS = (1.0, 2.0, 4.0, 8.0)


def quality(model: Word2Vec) -> float:
    """Return the mean score of the vectors that are handed out."""
    table = WordTable(model.vocabulary.words, model.embeddings.table())
    found = [evaluate_similarity(table, one, resamples=0).spearman for one in bundled_pairs()]
    for questions in bundled_analogies():
        found.append(evaluate_analogies(table, questions).overall.cos_add_accuracy)
    return statistics.mean(found)


def show(name: str, model: Word2Vec, held_out: Lines) -> None:
    loss = model.perplexity(held_out).loss_nats
    print(f"| {name} | {len(model.vocabulary):,} | {loss:.4f} | {quality(model):.3f} |", flush=True)


def runs(
    objective: str, texts: tuple[Lines, Lines], options: argparse.Namespace
) -> Iterator[tuple[str, Word2Vec]]:
    """Yield each run's name and model."""
    yesterday, today = texts
    kind: dict[str, Any] = {"min_count": 1, "workers": options.workers, **OBJECTIVES[objective]}
    model = Word2Vec(**kind).fit(yesterday)
    yield "yesterday alone", model
    yield "today alone", Word2Vec(**kind).fit(today)
    for seed in range(1, options.seeds + 1):
        yield f"both at once, seed {seed}", Word2Vec(**kind, seed=seed).fit([*yesterday, *today])
    given = dict(kind)
    rate = Hyperparameters(**{k: v for k, v in given.items() if k != "workers"}).learning_rate
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        count_corpus(yesterday, CountingSettings(min_count=1), counts)
        for factor in FACTORS:
            asked = {**kind, "learning_rate": factor * rate}
            found = Word2Vec(**asked).fit(today, start=model)
            yield f"yesterday, then today, rate x {factor:g}", found
            if objective == "softmax":
                start = StartFrom(model, counts=counts)
                found = Word2Vec(**asked).fit(today, start=start)
                yield f"yesterday, then counts of both, rate x {factor:g}", found
    vectors = Word2Vec(**kind, seed=99).fit(yesterday).wv
    if objective == "softmax":
        yield "vectors, other side fitted", Word2Vec(**kind).fit(today, start=vectors)
        fitted = first_rows._Contexts.other_side
        first_rows._Contexts.other_side = lambda self, known, **options: (  # type: ignore[method-assign]
            np.zeros_like(known.in_vectors),
            np.float32(1),
        )
        yield "vectors, other side zero", Word2Vec(**kind).fit(today, start=vectors)
        first_rows._Contexts.other_side = fitted  # type: ignore[method-assign]
        return
    default = continued.GIVEN_LENGTH
    for length in LENGTHS:
        continued.GIVEN_LENGTH = length
        yield f"vectors of length {length:g}", Word2Vec(**kind).fit(today, start=vectors)
    continued.GIVEN_LENGTH = default


def texts_of(options: argparse.Namespace) -> tuple[Lines, Lines, Lines]:
    """Return yesterday's text, today's and the held-out one, over the same words."""
    lines = options.corpus.read_text(encoding="utf-8").splitlines()
    order = np.random.default_rng(5).permutation(len(lines))[: options.lines]
    chosen = [lines[place].split() for place in order.tolist()]
    ends = [int(len(chosen) * part) for part in (0.48, 0.9)]
    parts = chosen[: ends[0]], chosen[ends[0] : ends[1]], chosen[ends[1] :]
    known: set[str] = set()
    for part in parts[:2]:
        words, counts = np.unique([word for line in part for word in line], return_counts=True)
        known |= set(words[counts >= options.min_count].tolist())
    yesterday, today, held_out = (
        [[word for word in line if word in known] for line in part] for part in parts
    )
    return yesterday, today, held_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--lines", type=int, default=None)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--objectives", nargs="+", default=list(OBJECTIVES))
    options = parser.parse_args()
    unpin_blas()
    print(f"{options.corpus.stem}, {header()}")
    yesterday, today, held_out = texts_of(options)
    for objective in options.objectives:
        print(f"\n{objective}\n\n| run | words | held-out loss | quality |\n|---|---|---|---|")
        for name, model in runs(objective, (yesterday, today), options):
            show(name, model, held_out)


if __name__ == "__main__":
    main()
