"""Probabilities against a text that was held out: before what is fitted to the text, and after.

    python bench/bench_calibration.py CORPUS [--seeds N] [--settings JSON] [--priors PAIRS ...]
    python bench/bench_calibration.py CORPUS --own-pairs [--seeds N] [--only NAME ...]
    python bench/bench_calibration.py --finish TOKENS ... [--words N]

Every 20th line is held out. Tables are of models without and with what is fitted to the text after
the last epoch (`fastw2v.objectives.softmax.text_fit`, `fastw2v.objectives.losses.own_words`): they
have the
shares of the held-out text's pairs that are predicted and observed in each range of p(o | c), their
ratio with its spread over seeds, and the exact losses of both texts in nats a pair, of CBOW that of
the held-out text.

With `--priors`, the loss of the held-out text's pairs, own or not, by how many pairs the mean rate
of all words counts in the rate of each.

With `--own-pairs`, pairs of a word with itself for every objective with its defaults: predicted by
observed, and the loss of the held-out text, without rates of words beside themselves and with them.
With CBOW they are windows that have the predicted word within them.

With `--finish`, CPU seconds of an epoch of negative sampling beside those of what comes after the
last one, on generated Zipf texts of so many tokens with min_count 1.
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_distributed import write_zipf_text
from bench_precision import without_held_out
from commands import run_command
from machine import header, unpin_blas

from fastw2v.comparison.tables import mean_and_spread
from fastw2v.counts.build import counted_windows
from fastw2v.model import Word2Vec
from fastw2v.objectives.losses.calibration import calibrate
from fastw2v.objectives.losses.reliability import Reliability, ReliabilityBin
from fastw2v.objectives.losses.scores import SoftmaxScores
from fastw2v.objectives.losses.training_rows import training_rows
from fastw2v.objectives.softmax import text_fit
from fastw2v.system.threads import WorkerPool
from fastw2v.text.reading import encode_corpus
from fastw2v.training import finish

OBJECTIVES: dict[str, dict[str, Any]] = {
    "skip-gram, exact softmax": {},
    "skip-gram, exact softmax, subwords": {"inputs": "subwords"},
    "skip-gram, negative sampling": {"objective": "negative"},
    "skip-gram, hierarchical softmax": {"objective": "hierarchical"},
    "CBOW, exact softmax": {"model": "cbow"},
    "CBOW, negative sampling": {"model": "cbow", "objective": "negative"},
    "CBOW, hierarchical softmax": {"model": "cbow", "objective": "hierarchical"},
}


def trained(options: argparse.Namespace, corpus: Path, seed: int, *, is_fitted: bool) -> Word2Vec:
    settings = {"min_count": options.min_count, "seed": seed} | options.settings
    fit = finish.fit_to_text
    if not is_fitted:
        finish.fit_to_text = lambda *_: None  # type: ignore[assignment]
    try:
        return Word2Vec(workers=options.workers, **settings).fit(corpus)
    finally:
        finish.fit_to_text = fit


def table(found: list[Reliability]) -> list[str]:
    """Return a Markdown table: means over seeds, ratios with their spread."""
    lines = ["| p(context given word) | predicted | observed | ratio |", "|---" * 4 + "|"]
    kinds: list[tuple[str, list[ReliabilityBin]]] = [
        (f"{rows[0].low:g} to {rows[0].high:g}", list(rows))
        for rows in zip(*(one.bins for one in found), strict=True)
    ]
    own = [one.own for one in found]
    for name, rows in [*kinds, ("a word with itself", own)]:
        if not rows:
            continue
        predicted = statistics.mean(row.predicted for row in rows)
        observed = statistics.mean(row.observed for row in rows)
        ratios = mean_and_spread([row.ratio for row in rows if row.observed])
        lines.append(f"| {name} | {predicted:.3%} | {observed:.3%} | {ratios} |")
    return lines


def own_losses(model: Word2Vec, corpus: Path, held: Path, priors: list[float]) -> list[str]:
    """Return lines with the held-out loss of own pairs, in nats per thousand pairs."""
    counts, own, sums = [], [], []
    for text in (corpus, held):
        tokens = encode_corpus(text, model.vocabulary, tokenizer=model.settings.tokenizer)
        counts.append(counted_windows(tokens, model.vocabulary, model.settings, workers=2))
        own.append(counts[-1].self_counts())
        sums.append(counts[-1].row_sums())
    lines = ["| prior, pairs | held-out loss, nats per 1,000 pairs |", "|---|---|"]
    kept = text_fit.PRIOR_PAIRS
    for pairs in priors:
        text_fit.PRIOR_PAIRS = pairs
        rates = text_fit.shrunk_rates(own[0], sums[0], float(model.settings.window))
        loss = -(own[1] * np.log(rates) + (sums[1] - own[1]) * np.log1p(-rates)).sum()
        lines.append(f"| {pairs:g} | {1000 * loss / sums[1].sum():.3f} |")
    text_fit.PRIOR_PAIRS = kept
    return lines


def own_by_objective(options: argparse.Namespace, corpus: Path, held: Path) -> None:
    """Print a Markdown table: a line for each objective, means with their spread."""
    print("| | own pairs without rates | with | held-out loss without, nats | with |")
    print("|---" * 5 + "|")
    for name in options.only or OBJECTIVES:
        found: list[list[float]] = []
        for seed in range(1, options.seeds + 1):
            asked = {"min_count": options.min_count, "seed": seed} | OBJECTIVES[name]
            model = Word2Vec(workers=options.workers, **asked).fit(corpus)
            without = unfitted(options, corpus, model, OBJECTIVES[name])
            one = [each.reliability(held).own for each in (without, model)]
            losses = [each.perplexity(held).loss_nats for each in (without, model)]
            found.append([own.ratio for own in one] + losses)
        means = [mean_and_spread(list(column)) for column in zip(*found, strict=True)]
        print(f"| {name} | {' | '.join(means)} |", flush=True)


def unfitted(
    options: argparse.Namespace, corpus: Path, model: Word2Vec, settings: dict[str, Any]
) -> Word2Vec:
    """Return a model like another one, whose probabilities are as trained."""
    if (model.settings.model, model.settings.objective) != ("skipgram", "softmax"):
        return plain(model, corpus)
    asked = argparse.Namespace(**vars(options) | {"settings": settings})
    return trained(asked, corpus, model.settings.seed, is_fitted=False)


def plain(model: Word2Vec, corpus: Path) -> Word2Vec:
    """Return a model of running text with probabilities as they are without rates and peaks."""
    embeddings = replace(model.embeddings, self_rates=None, peaks=None)
    if model.settings.objective == "hierarchical":
        embeddings = replace(embeddings, out_bias=np.zeros_like(embeddings.out_bias))
    if model.settings.objective == "negative":
        counts = model.vocabulary.counts
        log_unigram = np.log(counts / counts.sum()).astype(np.float32)
        tokens = encode_corpus(corpus, model.vocabulary, tokenizer=model.settings.tokenizer)
        tables = (embeddings.in_vectors, embeddings.out_vectors)
        with WorkerPool(2) as pool:
            rows = training_rows(tables[0], tokens, model.settings, pool.workers)
            found = calibrate(SoftmaxScores(tables[1], pool), rows, log_unigram)
        bias = (found.unigram_weight * log_unigram).astype(np.float32)
        embeddings = replace(embeddings, out_bias=bias, temperature=found.temperature)
    without = Word2Vec(model.settings, workers=model.workers)
    without._trained = replace(model._result, embeddings=embeddings)
    return without


def finishing(options: argparse.Namespace) -> None:
    """Print CPU seconds of an epoch, and of what comes after the last one, by size of text."""
    print("| tokens | words | epoch, CPU s | after the last, CPU s | of it calibrating | share |")
    print("|---" * 6 + "|")
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        for n_tokens in (20_000, *options.finish):  # the first one compiles
            write_zipf_text(text, n_tokens, options.words, 1, digits=7)
            ends: list[float] = []
            stage: list[float] = []

            def step(report: Any, ends: list[float] = ends) -> None:
                if report.epoch_ended:
                    ends.append(time.process_time())

            def told(name: str, *_: Any, stage: list[float] = stage) -> None:
                if name == "calibrating":
                    stage.append(time.process_time())

            model = Word2Vec(
                objective="negative", epochs=2, min_count=1, seed=1, workers=options.workers
            ).fit(text, callbacks=[step], progress=told)
            finished = time.process_time()
            if n_tokens not in options.finish:
                continue
            epoch, after = ends[1] - ends[0], finished - ends[1]
            cells = f"{n_tokens:,} | {len(model.vocabulary):,} | {epoch:.2f} | {after:.2f}"
            print(f"| {cells} | {stage[-1] - ends[1]:.2f} | {after / epoch:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--settings", type=json.loads, default={}, help="more, as JSON")
    parser.add_argument("--priors", type=float, nargs="*", default=[])
    parser.add_argument("--own-pairs", action="store_true", help="of every objective")
    parser.add_argument("--only", nargs="*", choices=OBJECTIVES, default=[], metavar="NAME")
    parser.add_argument("--finish", type=int, nargs="*", default=[], metavar="TOKENS")
    parser.add_argument("--words", type=int, default=1_600_000, help="of the Zipf texts")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if (options.corpus is None) != bool(options.finish):
        parser.error("expected a corpus, or --finish with numbers of tokens")
    unpin_blas()
    print(header())
    if options.finish:
        finishing(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        corpus, held = without_held_out(options.corpus, Path(folder))
        if options.own_pairs:
            own_by_objective(options, corpus, held)
            return
        models = [
            trained(options, corpus, seed, is_fitted=True) for seed in range(1, options.seeds + 1)
        ]
        before = [unfitted(options, corpus, one, options.settings) for one in models]
        for name, these in (("as trained", before), ("fitted to the text", models)):
            found, losses = [], []
            for model in these:
                found.append(model.reliability(held))
                # A row for each position and reach of a whole text would take an hour.
                texts = (held,) if model.settings.model == "cbow" else (held, corpus)
                losses.append([model.perplexity(text).loss_nats for text in texts])
            print(f"\n{name}:\n", *table(found), sep="\n")
            of_texts = [mean_and_spread(list(column)) for column in zip(*losses, strict=True)]
            places = ("held out", "on the training text")
            told = [" ".join(pair) for pair in zip(of_texts, places, strict=False)]
            print(f"\nloss {', '.join(told)}, nats a pair")
        if options.priors:
            print("", *own_losses(model, corpus, held, options.priors), sep="\n")


if __name__ == "__main__":
    run_command(main)
