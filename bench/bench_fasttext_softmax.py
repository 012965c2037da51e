"""The exact loss by fastText's ``-loss softmax`` and by fastw2v, on a text short enough for both.

    python bench/bench_fasttext_softmax.py [--tokens N] [--epochs E]
        [--fasttext-epochs E] [--json OUT]

The text is the start of corpora/wikipedia.txt (``python corpora/wikipedia.py``); both see every
window pair of it (no subsampling), fastText as SGD over pairs one at a time, fastw2v as counts.
Pairs/s is window pairs times epochs over seconds of training, for fastw2v with counting
and start; fastText's includes its reading, which is nothing beside the rest. The loss is the exact
mean of -log p(context | centre) in nats over the same window pairs, in float64 from the vectors of
each.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from commands import run_command
from machine import describe_machine, header

from fastw2v import Word2Vec
from fastw2v.comparison.rivals import filled_rows
from fastw2v.counts.pairs import count_pairs
from fastw2v.text.reading import read_corpus

CORPUS = Path(__file__).parent.parent / "corpora" / "wikipedia.txt"
THREADS = 2
LEARNING_RATE = 0.05  # its default
LINE_END = "</s>"  # fastText ends every line with this word, and trains on it
WINDOW, DIMENSIONS, MIN_COUNT = 5, 100, 2


def first_lines(n_tokens: int) -> list[list[str]]:
    """Return the corpus's first lines with about `n_tokens`, without empty ones."""
    lines, held = [], 0
    with CORPUS.open(encoding="utf-8") as text:
        for line in text:
            words = line.lower().split()
            if words:
                lines.append(words)
                held += len(words)
            if held >= n_tokens:
                break
    return lines


class PairLoss:
    """Exact mean loss over the window pairs of a text."""

    def __init__(self, sentences: list[list[str]]) -> None:
        vocabulary, tokens = read_corpus(sentences, min_count=MIN_COUNT)
        self.words = vocabulary.words
        self.counts = count_pairs(tokens, len(vocabulary), WINDOW, workers=1)
        # A pair at distance d is drawn with probability (w - d + 1) / w.
        self.n_pairs = self.counts.total / WINDOW

    def __call__(
        self, in_vectors: np.ndarray, out_vectors: np.ndarray, bias: np.ndarray | None = None
    ) -> float:
        """Return the loss of vectors (V, D) in the order of `words`, in nats per pair.

        fastText has no `bias` (V,); fastw2v trains without one here, and has one of the canonical
        form and of the fit to the text.
        """
        total = 0.0
        for row in range(len(self.words)):
            entries = slice(self.counts.indptr[row], self.counts.indptr[row + 1])
            scores = out_vectors.astype(np.float64) @ in_vectors[row].astype(np.float64)
            if bias is not None:
                scores += bias
            log_sum = scores.max() + np.log(np.exp(scores - scores.max()).sum())
            observed = scores[self.counts.indices[entries]]
            total += float((self.counts.values[entries] * (log_sum - observed)).sum())
        return total / self.counts.total


def by_fasttext(path: Path, words: list[str], epochs: int) -> tuple[float, list[np.ndarray]]:
    import fasttext

    started = time.perf_counter()
    trained = fasttext.train_unsupervised(
        str(path),
        model="skipgram",
        loss="softmax",
        dim=DIMENSIONS,
        ws=WINDOW,
        epoch=epochs,
        lr=LEARNING_RATE,
        minCount=MIN_COUNT,
        minn=0,
        maxn=0,
        t=1e9,
        thread=THREADS,
        verbose=0,
        **filled_rows(len(words), THREADS),  # or most first vectors are what is found in memory
    )
    elapsed_s = time.perf_counter() - started
    places = [trained.get_word_id(word) for word in words]
    tables = [trained.get_input_matrix()[places], trained.get_output_matrix()[places]]
    return elapsed_s, tables


def by_fastw2v(sentences: list[list[str]], epochs: int) -> tuple[float, list[np.ndarray]]:
    model = Word2Vec(
        vector_size=DIMENSIONS,
        window=WINDOW,
        window_sample=0,
        min_count=MIN_COUNT,
        sample=0,
        bias="none",
        epochs=epochs,
        workers=THREADS,
    ).fit(sentences)
    assert model.summary is not None
    seconds = model.summary.count_s + model.summary.train_s
    return seconds, [model.in_vectors, model.out_vectors, model.out_bias]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=80_000)
    parser.add_argument("--fasttext-epochs", type=int, default=1, help="of fastText")
    parser.add_argument("--epochs", type=int, default=5, help="of fastw2v")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    print(header("fasttext-numpy2-wheel"))
    lines = first_lines(options.tokens)
    sentences = [[*line, LINE_END] for line in lines]
    loss = PairLoss(sentences)
    print(f"V {len(loss.words):,}, {loss.n_pairs:,.0f} window pairs")
    by_fastw2v(sentences, 1)  # kernels are loaded
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text("".join(" ".join(line) + "\n" for line in lines), encoding="utf-8")
        runs = {
            "fastText": (
                options.fasttext_epochs,
                lambda: by_fasttext(path, loss.words, options.fasttext_epochs),
            ),
            "fastw2v": (options.epochs, lambda: by_fastw2v(sentences, options.epochs)),
        }
        for name, (epochs, run) in runs.items():
            seconds, tables = run()
            speed = loss.n_pairs * epochs / seconds
            results[name] = {
                "epochs": epochs,
                "seconds": seconds,
                "pairs_per_s": speed,
                "loss_nats": loss(*tables),
            }
            print(f"{name}: {results[name]}", flush=True)
    ratio = results["fastw2v"]["pairs_per_s"] / results["fastText"]["pairs_per_s"]
    print(f"pairs/s, fastw2v to fastText: {ratio:,.0f}")
    if options.json:
        record = {
            "machine": describe_machine("fasttext-numpy2-wheel"),
            "words": len(loss.words),
            "pairs": loss.n_pairs,
            "results": results,
        }
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
