"""Negative sampling and hierarchical softmax against gensim and word2vec.c: speed and quality.

    python bench/bench_negative_sampling.py CORPUS [--cells CELL ...] [--trainers NAME ...]
        [--epochs E] [--rounds R] [--workers W ...] [--json OUT]

Every training is a process of its own; trainers alternate, round after round, each round with
another seed. All have the same settings: dimensions, window, negatives, subsampling, first and
last learning rate, min_count. The rate is raw tokens of the corpus times epochs, divided by the
seconds of training alone: without imports, compiling (kernels are cached by a first run that is
not counted), reading the vocabulary, and writing vectors. gensim trains from a corpus file.
word2vec.c reads its vocabulary from a file made before; its own loading and saving are counted,
as it does not tell them apart. One setting differs: for CBOW fastw2v follows the gradient of the
mean, which is the step of the others divided by the number of contexts, and gets CBOW_FACTOR
times their learning rate. Quality is that of the in vectors: Spearman's rho on WordSim-353
and SimLex-999, accuracy on the Google analogies, and the mean of the three.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from bench_against_rivals import quality
from commands import run_command
from machine import describe_machine

from fastw2v.comparison.requests import save_vectors

ALPHA, LAST = 0.025, 1e-4  # first rate, and the last one as a fraction of it
NEGATIVE, SAMPLE = 5, 1e-3
CBOW_FACTOR = 6

# name: (skip-gram, negative sampling)
CELLS = {
    "skipgram-negative": (True, True),
    "cbow-negative": (False, True),
    "skipgram-hierarchical": (True, False),
    "cbow-hierarchical": (False, False),
}
TRAINERS = ("fastw2v", "gensim", "word2vec.c")

Result = dict[str, Any]


def train_fastw2v(options: argparse.Namespace, shared: bool = True) -> Result:
    from fastw2v.config import Hyperparameters
    from fastw2v.objectives.stream.settings import StreamSettings
    from fastw2v.system.threads import WorkerPool
    from fastw2v.text.reading import read_corpus
    from fastw2v.training.stream import train_stream

    skipgram, negative = CELLS[options.cell]
    vocabulary, tokens = read_corpus(
        options.corpus, tokenizer="whitespace", min_count=options.min_count
    )
    of_negative = {"negative": NEGATIVE} if negative else {}
    settings = Hyperparameters(
        vector_size=options.vector_size,
        model="skipgram" if skipgram else "cbow",
        objective="negative" if negative else "hierarchical",
        negatives_shared=shared,
        window=options.window,
        **of_negative,
        sample=SAMPLE,
        epochs=options.epochs,
        learning_rate=ALPHA if skipgram else CBOW_FACTOR * ALPHA,
        final_rate=LAST,
        seed=options.seed,
    )
    with WorkerPool(options.workers) as pool:
        stream = StreamSettings(hyperparameters=settings)
        result = train_stream(tokens, vocabulary.counts, stream, pool)
    save_vectors(options.vectors, vocabulary.words, vocabulary.counts, {"in": result.in_vectors})
    train_s = result.history[-1].elapsed_s
    return {"train_s": train_s, "loss_nats": result.history[-1].loss_nats}


def train_by_pairs(options: argparse.Namespace) -> Result:
    return train_fastw2v(options, shared=False)


def train_gensim(options: argparse.Namespace) -> Result:
    from gensim.models import Word2Vec

    skipgram, negative = CELLS[options.cell]
    model = Word2Vec(
        vector_size=options.vector_size,
        window=options.window,
        min_count=options.min_count,
        workers=options.workers,
        seed=options.seed,
        sg=int(skipgram),
        hs=int(not negative),
        negative=NEGATIVE if negative else 0,
        sample=SAMPLE,
        alpha=ALPHA,
        min_alpha=ALPHA * LAST,
    )
    model.build_vocab(corpus_file=str(options.corpus))
    began = time.perf_counter()
    model.train(
        corpus_file=str(options.corpus),
        total_examples=model.corpus_count,
        total_words=model.corpus_total_words,
        epochs=options.epochs,
    )
    train_s = time.perf_counter() - began
    counts = [model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key]
    save_vectors(options.vectors, model.wv.index_to_key, np.array(counts), {"in": model.wv.vectors})
    return {"train_s": train_s}


def train_word2vec_c(options: argparse.Namespace) -> Result:
    from gensim.models import KeyedVectors

    skipgram, negative = CELLS[options.cell]
    program = Path(sys.executable).parent / "word2vec"
    binary, listed = options.vectors.with_suffix(".bin"), options.vectors.with_suffix(".vocab")

    def run(**arguments: object) -> None:
        named = {"train": options.corpus, "min-count": options.min_count, **arguments}
        flags = [str(part) for name, value in named.items() for part in (f"-{name}", value)]
        subprocess.run([program, *flags], check=True, stdout=subprocess.DEVNULL)

    run(**{"save-vocab": listed})
    began = time.perf_counter()
    run(
        output=binary,
        size=options.vector_size,
        window=options.window,
        threads=options.workers,
        iter=options.epochs,
        cbow=int(not skipgram),
        negative=NEGATIVE if negative else 0,
        hs=int(not negative),
        sample=SAMPLE,
        alpha=ALPHA,
        binary=1,
        **{"read-vocab": listed},
    )
    train_s = time.perf_counter() - began
    keyed = KeyedVectors.load_word2vec_format(str(binary), binary=True)
    words = [word for word in keyed.index_to_key if word != "</s>"]
    counts = np.arange(len(words), 0, -1)  # the binary format has no counts; order is enough
    save_vectors(options.vectors, words, counts, {"in": keyed[words]})
    return {"train_s": train_s}


CHILDREN = {
    "fastw2v": train_fastw2v,
    "fastw2v-pairs": train_by_pairs,
    "gensim": train_gensim,
    "word2vec.c": train_word2vec_c,
}


def run_child(trainer: str, cell: str, workers: int, seed: int, options: Any, to: Path) -> Result:
    """Train once in a process of its own."""
    command = [sys.executable, __file__, str(options.corpus), "--child", trainer, str(to)]
    command += ["--cells", cell, "--workers", str(workers), "--seed", str(seed)]
    for name in ("epochs", "vector_size", "window", "min_count"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def child(options: argparse.Namespace) -> None:
    trainer, vectors = options.child
    options.vectors = Path(vectors)
    options.cell, options.workers = options.cells[0], options.workers[0]
    print(json.dumps(CHILDREN[trainer](options)))


def summarise(results: list[Result], tokens: int) -> list[str]:
    """Return lines of a Markdown table: rates, ratios to the rivals, quality over the seeds."""
    keys = list(dict.fromkeys((r["cell"], r["workers"], r["trainer"]) for r in results))
    rows = {
        key: [r for r in results if (r["cell"], r["workers"], r["trainer"]) == key] for key in keys
    }
    medians = {key: statistics.median(r["train_s"] for r in rows[key]) for key in keys}
    names = list(results[0]["quality"]) if results[0]["quality"] else []
    head = ["cell", "workers", "trainer", "train s", "tokens/s", "x gensim", "x word2vec.c", *names]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for key in keys:
        cell, workers, trainer = key
        rate = tokens * rows[key][0]["epochs"] / medians[key]
        cells = [cell, str(workers), trainer, f"{medians[key]:.2f}", f"{rate:,.0f}"]
        for rival in ("gensim", "word2vec.c"):
            other = medians.get((cell, workers, rival))
            cells.append(f"{other / medians[key]:.1f}" if other else "")
        for name in names:
            values = [r["quality"][name] for r in rows[key]]
            spread = f" ±{statistics.stdev(values):.3f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.3f}{spread}")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def count_tokens(path: Path) -> int:
    """Return how many words a file has between white space."""
    with path.open(encoding="utf-8") as file:
        return sum(len(line.split()) for line in file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--trainers", nargs="+", choices=CHILDREN, default=list(TRAINERS))
    parser.add_argument("--workers", nargs="+", type=int, default=[2])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--no-quality", action="store_true", help="time only")
    parser.add_argument("--json", type=Path, help="where to write every run's figures")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    tokens = count_tokens(options.corpus)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        vectors = Path(folder) / "vectors.npz"
        for trainer in options.trainers:
            if trainer.startswith("fastw2v"):  # fills the cache of compiled kernels
                run_child(trainer, options.cells[0], 1, 1, options, vectors)
        for number in range(options.rounds):
            for cell in options.cells:
                for workers in options.workers:
                    for trainer in options.trainers:
                        if trainer == "fastw2v-pairs" and cell != "skipgram-negative":
                            continue
                        result = run_child(trainer, cell, workers, number + 1, options, vectors)
                        found = {} if options.no_quality else quality(vectors)["in"]
                        about = {"cell": cell, "workers": workers, "trainer": trainer}
                        about |= {"seed": number + 1, "epochs": options.epochs}
                        results.append({**about, **result, "quality": found})
                        shown = {k: round(v, 3) for k, v in {**result, **found}.items()}
                        print(f"{about} {shown}", file=sys.stderr, flush=True)
    machine = describe_machine("gensim", "word2vec")
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(f"load average at the end {os.getloadavg()[0]:.1f}; {tokens:,} tokens")
    print("\n".join(summarise(results, tokens)))
    if options.json:
        record = {"machine": machine, "tokens": tokens, "results": results}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
