"""Probabilities against a text that was held out: before what is fitted to the text, and after.

    python bench/bench_calibration.py CORPUS [--seeds N] [--settings JSON] [--priors PAIRS ...]

Every 20th line is held out. Each seed is trained twice, without and with rates of words beside
themselves and the step of the bias (`fastw2v.objectives.softmax.text_fit`); the tables have the
shares of the held-out text's pairs that are predicted and observed in each range of p(o | c), their
ratio with its spread over seeds, and the exact losses of both texts in nats a pair.

With `--priors`, the loss of the held-out text's pairs, own or not, by how many pairs the mean rate
of all words counts in the rate of each.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import numpy as np
from bench_precision import without_held_out
from machine import header, unpin_blas

from fastw2v.comparison.tables import mean_and_spread
from fastw2v.counts.build import counted_windows
from fastw2v.model import Word2Vec
from fastw2v.objectives.losses.reliability import Reliability, ReliabilityBin
from fastw2v.objectives.softmax import text_fit
from fastw2v.text.reading import encode_corpus
from fastw2v.training import skipgram


def trained(options: argparse.Namespace, corpus: Path, seed: int, *, is_fitted: bool) -> Word2Vec:
    settings = {"min_count": options.min_count, "seed": seed} | options.settings
    fit = skipgram.fit_to_text
    if not is_fitted:
        skipgram.fit_to_text = lambda *_: None  # type: ignore[assignment]
    try:
        return Word2Vec(workers=options.workers, **settings).fit(corpus)
    finally:
        skipgram.fit_to_text = fit


def table(found: list[Reliability]) -> list[str]:
    """Return a Markdown table: means over seeds, ratios with their spread."""
    lines = ["| p(context given word) | predicted | observed | ratio |", "|---" * 4 + "|"]
    kinds: list[tuple[str, list[ReliabilityBin]]] = [
        (f"{rows[0].low:g} to {rows[0].high:g}", list(rows))
        for rows in zip(*(one.bins for one in found), strict=True)
    ]
    own = [one.own for one in found if one.own is not None]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--settings", type=json.loads, default={}, help="more, as JSON")
    parser.add_argument("--priors", type=float, nargs="*", default=[])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    unpin_blas()
    print(header())
    with tempfile.TemporaryDirectory() as folder:
        corpus, held = without_held_out(options.corpus, Path(folder))
        for name, is_fitted in (("as trained", False), ("fitted to the text", True)):
            found, losses = [], []
            for seed in range(1, options.seeds + 1):
                model = trained(options, corpus, seed, is_fitted=is_fitted)
                found.append(model.reliability(held))
                losses.append([model.perplexity(text).loss_nats for text in (corpus, held)])
            print(f"\n{name}:\n", *table(found), sep="\n")
            of_text, of_held = (mean_and_spread([one[text] for one in losses]) for text in (0, 1))
            print(f"\nloss {of_text} on the training text, {of_held} held out, nats a pair")
        if options.priors:
            print("", *own_losses(model, corpus, held, options.priors), sep="\n")


if __name__ == "__main__":
    main()
