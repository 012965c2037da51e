"""The exact softmax with rare words sampled: beside all words, and by sizes.

    python bench/bench_rare_words.py beside corpora/english-large.txt --words 100_000
    python bench/bench_rare_words.py rule corpora/english-large.txt --words 100_000
    python bench/bench_rare_words.py starts corpora/english-large.txt --words 100_000

`beside` trains on the same counts with all words and with rare ones sampled: seconds of an epoch
(of the clock, and of all cores' CPU), columns of a batch, the exact loss over the same drawn rows
with the standard error of the difference, and quality. `rule` does the same for several sizes of
head and draws, `starts` for first vectors from the spectrum of some of the most frequent words in
place of all, with rare words sampled. `bench_million.py` has larger vocabularies. Kernels that are
compiled on the way count, so a first call tells too much; a machine that does something else at the
time gives times that mean nothing. CPU seconds and ratios within one call mean more.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bench_canonical import quality
from commands import run_command
from machine import header, unpin_blas

from fastw2v.config import CountingSettings, Hyperparameters
from fastw2v.counts.build import count_corpus
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.folder import read_counts
from fastw2v.evaluation.test_sets import bundled_pairs
from fastw2v.objectives.canonical import canonical_form
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.drawn_rows import DrawnRows
from fastw2v.objectives.softmax.initialization import (
    FREQUENT_WORDS,
    initial_bias,
    spectral_vectors,
)
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.rare_words import ColumnBatches, ColumnSizes, column_sizes
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from fastw2v.text.vocabulary import keep_probability
from fastw2v.training.loop import text_bias


class Kind(NamedTuple):
    """Columns of a batch, None for all words; and whose spectrum first vectors come from."""

    sizes: ColumnSizes | None
    frequent: int | None


class Problem:
    """Counts with the first vectors and the bias that runs begin with."""

    def __init__(self, corpus: CountedCorpus, settings: Hyperparameters, pool: WorkerPool) -> None:
        self.vocabulary, self.counts = corpus.vocabulary, corpus.counts
        self.settings, self.pool = settings, pool
        self.keep = keep_probability(self.vocabulary.counts, settings.sample)
        self.bias = initial_bias(self.counts, self.keep, settings)
        self._starts = dict[int | None, tuple[Any, Any]]()
        self.start_cpu_s = dict[int | None, float]()

    def start(self, frequent: int | None) -> tuple[Any, Any]:
        """Return first vectors, from the spectrum of so many frequent words, or of all."""
        if frequent not in self._starts:
            began_s = time.process_time()
            given = (self.counts, self.keep, self.settings, self.pool)
            self._starts[frequent] = spectral_vectors(*given, frequent=frequent)
            self.start_cpu_s[frequent] = time.process_time() - began_s
        return self._starts[frequent]

    def options(self) -> dict[str, Any]:
        """Return what all batches have in common."""
        settings = self.settings
        return {
            "dimensions": settings.vector_size,
            "rows": settings.batch_limit.rows,
            "seed": settings.seed,
        }

    def trained(self, kind_of_run: "Kind") -> dict[str, Any]:
        """Train all epochs; return figures, losses of groups of drawn rows, and the model."""
        settings, sizes = self.settings, kind_of_run.sizes
        kind: Any = CountBatches(self.counts, self.keep, **self.options())
        if sizes is not None:
            kind = ColumnBatches(self.counts, self.keep, sizes=sizes, **self.options())
        objective = ExactSoftmax(
            *self.start(kind_of_run.frequent),
            self.bias,
            optimizer=settings.optimizer,
            max_rows=kind.max_rows,
            precision=settings.precision,
            pool=self.pool,
            lists_columns=sizes is not None,
        )
        optimizer = Optimizer(settings, settings.epochs * kind.batches_per_epoch)
        step, columns, scores = 0, 0, 0
        loss = weight = 0.0
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        for epoch in range(settings.epochs):
            loss = weight = 0.0
            for batch in kind.one_epoch(epoch):
                n_columns = len(self.keep) if batch.chosen is None else len(batch.chosen.words)
                columns, scores = columns + n_columns, scores + n_columns * len(batch.centres)
                loss += objective.step(batch, optimizer.rules(step))
                weight += float(batch.row_weights.sum())
                step += 1
        cpu_s = (time.process_time() - cpu_s) / settings.epochs
        wall_s = (time.perf_counter() - wall_s) / settings.epochs
        rows = DrawnRows(self.counts, self.keep, **self.options())
        groups = [
            objective.loss(batch) / float(batch.row_weights.sum()) for batch in rows.one_epoch(0)
        ]
        made = Embeddings(
            self.vocabulary,
            objective.in_vectors,
            objective.out_vectors,
            text_bias(objective, self.keep),
        )
        return {
            "cpu_s": cpu_s,
            "wall_s": wall_s,
            "batches": kind.batches_per_epoch,
            "columns": columns / step,
            "share": scores / settings.epochs / len(self.keep) / len(kind.centres),
            "estimate": loss / weight,
            "groups": np.array(groups),
            "embeddings": made,
        }


def scores_of(embeddings: Embeddings, problem: Problem) -> dict[str, float]:
    """Return the quality of what is handed out."""
    form = canonical_form(embeddings, problem.settings, problem.pool)
    assert form is not None
    return quality(form.applied(embeddings, problem.pool), "sum", bundled_pairs())


def line(name: str, found: dict[str, Any], first: dict[str, Any] | None, tests: str) -> str:
    """Return a row of the table."""
    groups = found["groups"]
    beside = "1 | "
    if first is not None:
        change = groups - first["groups"]
        error = change.std(ddof=1) / np.sqrt(len(change))
        part = 100 / first["groups"].mean()
        beside = f"{first['cpu_s'] / found['cpu_s']:.2f} | "
        beside += f"{change.mean() * part:+.2f} % ±{error * part:.2f}"
    return (
        f"| {name} | {found['batches']:,} | {found['columns']:,.0f} | {found['share']:.3f} | "
        f"{found['cpu_s']:.1f} | {found['wall_s']:.1f} | {found['estimate']:.4f} | "
        f"{groups.mean():.4f} | {beside} | {tests} |"
    )


def counted(corpus: Path, options: argparse.Namespace, folder: Path) -> CountedCorpus:
    """Count a text in a folder and return its counts, mapped."""
    counting = CountingSettings(
        tokenizer=options.tokenizer, min_count=options.min_count, max_final_vocab=options.words
    )
    count_corpus(corpus, counting, folder / "counts", workers=options.workers)
    return read_counts(folder / "counts")


def kinds_of(options: argparse.Namespace, n_words: int) -> dict[str, Kind]:
    """Return the runs to compare, the first one what others are beside."""
    exact, sampled = Kind(None, None), Kind(column_sizes(n_words), FREQUENT_WORDS)
    if options.command == "starts":
        starts = {f"start of {frequent:,}": frequent for frequent in options.frequent}
        every = {"start of all": None, **starts}
        return {name: sampled._replace(frequent=frequent) for name, frequent in every.items()}
    if options.command == "beside":
        return {"all words": exact, "sampled": sampled}
    sizes = {
        f"{head} + {draws}, {seen} seen, {contexts} of a row": ColumnSizes(
            head, draws, seen, contexts
        )
        for head in options.heads
        for draws in options.draws
        for seen in options.seen
        for contexts in options.contexts
    }
    kinds = {name: sampled._replace(sizes=these) for name, these in sizes.items()}
    return {"all words": exact} | kinds if options.reference else kinds


def beside(options: argparse.Namespace) -> None:
    """Train with all words and with rare ones sampled; print a table."""
    with tempfile.TemporaryDirectory(prefix="fastw2v-bench-", dir=options.folder) as name:
        corpus = counted(options.corpus, options, Path(name))
        n_words = len(corpus.vocabulary)
        kinds = kinds_of(options, n_words)
        print(f"{n_words:,} words, {corpus.counts.n_entries:,} pairs")
        print(
            "| kind | batches | columns | share of scores | epoch CPU s | epoch s "
            "| loss in training | exact loss | times as fast | loss beside the first | quality |"
        )
        print("|---" * 11 + "|")
        with WorkerPool(options.workers) as pool:
            for seed in range(1, options.seeds + 1):
                settings = Hyperparameters(
                    vector_size=options.vector_size, epochs=options.epochs, seed=seed
                )
                problem = Problem(corpus, settings, pool)
                first: dict[str, Any] | None = None
                for kind, run in kinds.items():
                    found = problem.trained(run)
                    tests = scores_of(found["embeddings"], problem) if options.quality else {}
                    shown = ", ".join(f"{test} {score:.3f}" for test, score in tests.items())
                    print(line(f"{kind}, seed {seed}", found, first, shown), flush=True)
                    first = first or found
                for frequent, cpu_s in problem.start_cpu_s.items():
                    words = "all" if frequent is None else f"{frequent:,}"
                    print(f"first vectors from {words} words: {cpu_s:.1f} CPU s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("beside", "rule", "starts"):
        command = commands.add_parser(name)
        command.add_argument("corpus", type=Path)
        command.add_argument("--seeds", type=int, default=1)
        command.add_argument("--quality", action="store_true")
        if name == "rule":
            command.add_argument("--heads", type=int, nargs="+", default=[2000, 4000, 8000])
            command.add_argument("--draws", type=int, nargs="+", default=[1000, 4000])
            command.add_argument("--seen", type=int, nargs="+", default=[16_000, 32_000])
            command.add_argument("--contexts", type=int, nargs="+", default=[256, 10**6])
            command.add_argument("--reference", action="store_true", help="all words, first")
        if name == "starts":
            frequent = [4000, 8000, 16_000, 32_000]
            command.add_argument("--frequent", type=int, nargs="+", default=frequent)
        command.add_argument("--words", type=int, default=100_000)
        command.add_argument("--epochs", type=int, default=1)
        command.add_argument("--vector-size", type=int, default=100)
        command.add_argument("--min-count", type=int, default=1)
        command.add_argument("--tokenizer", default="whitespace")
        command.add_argument("--workers", type=int, default=2)
        command.add_argument("--folder", type=Path, help="for text and counts; removed afterwards")
    options = parser.parse_args()
    unpin_blas()
    print(header())
    beside(options)


if __name__ == "__main__":
    run_command(main)
