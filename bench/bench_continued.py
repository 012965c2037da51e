"""Training that goes on: a model of half of a text goes on with the other half.

    python bench/bench_continued.py corpora/english-small.txt --lines 16500

A part of the lines is yesterday's text, a part today's, and a part is held out. Each objective is
trained on yesterday's, on today's, and on both at once, and goes on from yesterday's model with
today's text, and with the counts of both (exact softmax), each with several seeds. With --sweep
at several learning rates, too, and from yesterday's vectors alone, brought to several lengths
(negative sampling) or with the other side fitted and zero (exact softmax).

All are over the words that going on has, so that losses compare: other words are taken out of the
texts. The loss is that of the held-out lines in nats a pair, quality the mean of Spearman's rho on
WordSim-353 and SimLex-999 and of the accuracy on the Google analogies. Beside means are smallest
and largest of the seeds. Neighbours are the ten nearest of the 1,000 most frequent words; those
of two runs at once are compared with each other. The last column is the mean cosine of these
words' vectors with yesterday's.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from commands import run_command
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
    "softmax": {},
    "negative": {"objective": "negative"},
    "hierarchical": {"objective": "hierarchical"},
}
FACTORS = (1.0, 0.5, 0.25, 0.1)
LENGTHS = (1.0, 2.0, 4.0, 8.0)
AT_ONCE = "both at once"
NEIGHBOURS_OF = 1000  # words, the most frequent ones


def quality(model: Word2Vec) -> float:
    """Return the mean score of the vectors that are handed out."""
    table = WordTable(model.vocabulary.words, model.embeddings.table())
    found = [evaluate_similarity(table, one, resamples=0).spearman for one in bundled_pairs()]
    for questions in bundled_analogies():
        found.append(evaluate_analogies(table, questions).overall.cos_add_accuracy)
    return statistics.mean(found)


def neighbours(model: Word2Vec) -> dict[str, set[str]]:
    """Return the ten nearest words of each of the most frequent ones."""
    table = model.wv.get_normed_vectors()
    words = model.wv.index_to_key
    found = {}
    for row, word in enumerate(words[:NEIGHBOURS_OF]):
        scores = table @ table[row]
        scores[row] = -2
        found[word] = {words[place] for place in np.argpartition(-scores, 10)[:10]}
    return found


def agreement(ours: dict[str, set[str]], theirs: dict[str, set[str]]) -> float:
    """Return which part of their neighbours words have in common."""
    both = [word for word in ours if word in theirs]
    return statistics.mean(len(ours[word] & theirs[word]) / 10 for word in both)


def cosine(ours: Word2Vec, theirs: Word2Vec) -> float:
    """Return the mean cosine of the vectors that frequent words have in two models."""
    both = [word for word in theirs.wv.index_to_key if word in ours.wv][:NEIGHBOURS_OF]
    vectors = np.stack([[model.wv[word] for word in both] for model in (ours, theirs)])
    units = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
    return float(np.mean(np.sum(units[0] * units[1], axis=1)))


class Rows:
    """Runs of one objective, seeds of one kind in a row: a mean, and smallest and largest.

    The first that is added is yesterday's model.
    """

    def __init__(self, held_out: Lines) -> None:
        self._held_out = held_out
        self._losses: dict[str, list[float]] = {}
        self._qualities: dict[str, list[float]] = {}
        self._neighbours: dict[str, list[dict[str, set[str]]]] = {}
        self._cosines: dict[str, list[float]] = {}
        self._yesterday: Word2Vec | None = None

    def add(self, name: str, model: Word2Vec) -> None:
        """Measure a run, of whichever seed."""
        loss = model.perplexity(self._held_out).loss_nats
        self._losses.setdefault(name, []).append(loss)
        self._qualities.setdefault(name, []).append(quality(model))
        self._neighbours.setdefault(name, []).append(neighbours(model))
        self._yesterday = self._yesterday or model
        self._cosines.setdefault(name, []).append(cosine(model, self._yesterday))
        print(f"<!-- {name}: {loss:.4f}, {self._qualities[name][-1]:.3f} -->", flush=True)

    def show(self) -> None:
        """Print the table."""
        print(
            "\n| run | held-out loss | quality | neighbours in common with at once "
            "| cosine with yesterday |"
        )
        print("|---|---|---|---|---|")
        for name, losses in self._losses.items():
            loss, quality = _spread(losses, 4), _spread(self._qualities[name], 3)
            others = self._neighbours.get(AT_ONCE, [])
            pairs = [
                agreement(mine, theirs)
                for place, mine in enumerate(self._neighbours[name])
                for other, theirs in enumerate(others)
                if name != AT_ONCE or other > place
            ]
            common = _spread(pairs, 3) if pairs else ""
            near = f"{statistics.mean(self._cosines[name]):.3f}"
            print(f"| {name} | {loss} | {quality} | {common} | {near} |", flush=True)


def _spread(values: list[float], digits: int) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def runs(
    objective: str, texts: tuple[Lines, Lines], options: argparse.Namespace
) -> Iterator[tuple[str, Word2Vec]]:
    """Yield each run's name and model."""
    yesterday, today = texts
    kind: dict[str, Any] = {"min_count": 1, "workers": options.workers, **OBJECTIVES[objective]}
    model = Word2Vec(**kind).fit(yesterday)
    yield "yesterday alone", model
    yield "today alone", Word2Vec(**kind).fit(today)
    seeds = range(1, options.seeds + 1)
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        if objective == "softmax":
            count_corpus(yesterday, CountingSettings(min_count=1), counts)
        for seed in seeds:
            yield AT_ONCE, Word2Vec(**kind, seed=seed).fit([*yesterday, *today])
        for seed in seeds:
            yield "yesterday, then today", Word2Vec(**kind, seed=seed).fit(today, start=model)
        for seed in seeds if objective == "softmax" else ():
            start = StartFrom(model, counts=counts)
            yield (
                "yesterday, then counts of both",
                Word2Vec(**kind, seed=seed).fit(today, start=start),
            )
            kept = Word2Vec(**kind, seed=seed, start="random").fit(today, start=start)
            yield "the same, by yesterday's vectors", kept
    if options.sweep:
        yield from sweep(objective, (yesterday, today), kind, model)


def sweep(
    objective: str, texts: tuple[Lines, Lines], kind: dict[str, Any], model: Word2Vec
) -> Iterator[tuple[str, Word2Vec]]:
    """Yield runs at several learning rates, and from vectors alone."""
    yesterday, today = texts
    rate = Hyperparameters(**{k: v for k, v in kind.items() if k != "workers"}).learning_rate
    for factor in FACTORS:
        asked = {**kind, "learning_rate": factor * rate}
        found = Word2Vec(**asked).fit(today, start=model)
        yield f"yesterday, then today, rate x {factor:g}", found
    vectors = Word2Vec(**kind, seed=99).fit(yesterday).wv
    if objective == "softmax":
        yield "vectors, other side fitted", Word2Vec(**kind).fit(today, start=vectors)
        fitted = first_rows._Contexts.other_side
        first_rows._Contexts.other_side = lambda self, known, **options: (  # type: ignore[method-assign]
            np.zeros_like(known.in_vectors),
            1.0,
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
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sweep", action="store_true", help="rates, and starts from vectors")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--objectives", nargs="+", default=list(OBJECTIVES))
    options = parser.parse_args()
    unpin_blas()
    print(f"{options.corpus.stem}, {header()}")
    yesterday, today, held_out = texts_of(options)
    for objective in options.objectives:
        print(f"\n{objective}\n")
        rows = Rows(held_out)
        for name, model in runs(objective, (yesterday, today), options):
            rows.add(name, model)
        rows.show()


if __name__ == "__main__":
    run_command(main)
