"""Exact softmax CBOW: what start, order of positions, batch size, optimiser and rate are worth.

    python bench/bench_cbow_softmax.py CORPUS [VARIANT ...] [--words N] [--epochs N] [--seeds N]

A variant changes the defaults: settings as name=value, joined by commas; besides those of
`Hyperparameters` also mean=false, run=N (how many consecutive positions stay together) and
scale=X (of the spectral vectors). Without any: the starts, three orders, three batch sizes, the
optimisers and the sum. Every twentieth line is held out. The table shows seconds of training, the
last epoch's mean loss (thinned text), the loss on held-out text that is not thinned, both in nats
per position, and the quality of in + out; with several seeds their means.
"""

import argparse
import json
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from bench_precision import without_held_out
from commands import run_command
from gensim.models import KeyedVectors
from machine import header

from fastw2v.config import Hyperparameters
from fastw2v.evaluation import scores
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.softmax.cbow import CbowSoftmax
from fastw2v.objectives.softmax.cbow_batches import RUN, CbowBatches
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.reading import encode_corpus, read_corpus
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training import cbow as cbow_training
from fastw2v.training.cbow import START_SCALES, train_cbow
from fastw2v.training.run import Run
from fastw2v.training.text import TrainingText

VARIANTS = (
    "",
    "start=random",
    "run=1",
    "run=1000000000",
    "batch_tokens=256",
    "batch_tokens=1024",
    "optimizer=adagrad",
    "optimizer=sgd",
    "mean=false",
)
HELD_OUT_ROWS = 16_384


def parsed(variant: str) -> dict[str, Any]:
    values = {}
    for part in filter(None, variant.split(",")):
        name, text = part.split("=")
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text
    return values


def held_out_loss(
    found: Embeddings, tokens: EncodedTokens, window: int, mean: bool, pool: WorkerPool
) -> float:
    """Return the mean of -log p over one epoch of a text without subsampling, or its beginning."""
    batches = CbowBatches(
        tokens,
        np.ones(len(found.out_bias)),
        dimensions=found.in_vectors.shape[1],
        window=window,
        rows=512,
        epochs=1,
        seed=1,
    )
    objective = CbowSoftmax(
        found.in_vectors,
        found.out_vectors,
        found.out_bias,
        mean=mean,
        optimizer="sgd",
        max_rows=batches.max_rows,
        pool=pool,
    )
    loss, rows = 0.0, 0
    for batch in batches.one_epoch(0):
        loss += objective.loss(batch)
        rows += len(batch.row_weights)
        if rows >= HELD_OUT_ROWS:
            break
    return loss / rows


def trained(
    text: tuple[Vocabulary, EncodedTokens, EncodedTokens],
    settings: Hyperparameters,
    extras: dict[str, Any],
    pool: WorkerPool,
) -> list[float]:
    """Return one run's figures, in the order of the table."""
    vocabulary, tokens, held_out = text
    mean = extras.get("mean", True)
    scales = {mean: extras.get("scale", START_SCALES[mean])}
    in_runs = partial(CbowBatches, run=extras.get("run", RUN))
    with (
        mock.patch.object(cbow_training, "CbowBatches", in_runs),
        mock.patch.object(cbow_training, "START_SCALES", scales),
    ):
        run = Run(settings=settings, workers=pool.workers)
        trained_model = train_cbow(run, TrainingText(vocabulary, tokens))
    found = trained_model.embeddings
    keyed = KeyedVectors(settings.vector_size)
    keyed.add_vectors(vocabulary.words, found.in_vectors + found.out_vectors)
    quality = [score.value for score in scores(keyed)]
    last = trained_model.history[-1]
    held_out_nats = held_out_loss(found, held_out, settings.window, mean, pool)
    return [last.elapsed_s, last.loss_nats, held_out_nats, *quality, statistics.mean(quality)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("variants", nargs="*", default=VARIANTS)
    parser.add_argument("--words", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print(header(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        train, held = without_held_out(options.corpus, Path(folder))
        vocabulary, tokens = read_corpus(
            train, tokenizer="whitespace", min_count=10, max_final_vocab=options.words
        )
        held_out = encode_corpus(held, vocabulary, tokenizer="whitespace")
    print(f"V {len(vocabulary):,}, {tokens.n_tokens:,} tokens, {options.epochs} epochs\n")
    names = ["training s", "loss", "held-out", "WordSim-353", "SimLex-999", "analogies", "mean"]
    print("| variant | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|", flush=True)
    for variant in options.variants:
        extras = parsed(variant)
        own = {k: v for k, v in extras.items() if k not in ("mean", "run", "scale")}
        rows = []
        with WorkerPool(options.workers) as pool:
            for seed in range(1, options.seeds + 1):
                values = {"epochs": options.epochs, "seed": seed, **own}
                settings = Hyperparameters(
                    model="cbow", cbow_mean=extras.get("mean", True), **values
                )
                rows.append(trained((vocabulary, tokens, held_out), settings, extras, pool))
        means = [statistics.mean(column) for column in zip(*rows, strict=True)]
        cells = [f"{means[0]:.1f}", f"{means[1]:.4f}", f"{means[2]:.4f}"]
        cells += [f"{value:.3f}" for value in means[3:-1]] + [f"{means[-1]:.4f}"]
        print(f"| {variant or 'defaults'} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    run_command(main)
