"""Whole runs whose softmax is over few columns: the same bits, the same words said of them."""

import math

import numpy as np
import pytest

from fastw2v import Checkpoints, Word2Vec
from fastw2v.cli.commands.train import describe_result
from fastw2v.config import Hyperparameters
from fastw2v.counts.build import counted_windows
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.objectives.arrays import round_up
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.rare_words import (
    COLUMN_ROWS,
    CONTEXT_SCORES,
    WORD_ROWS,
    ColumnBatches,
    ColumnSizes,
)
from fastw2v.text.reading import read_corpus
from fastw2v.training import finish, skipgram
from tests.support.corpora_made import random_sentences, write_text
from tests.training.test_resume import StoppedHereError, arrays_of, losses_of, stopping_at

COMMON = {"vector_size": 6, "window": 2, "min_count": 1, "epochs": 2, "seed": 3, "batch_rows": 96}
RUNS = {
    "plain": {},
    "learned bias": {"bias": "learned", "optimizer": "adagrad", "precision": "float32"},
    "subwords": {"inputs": "subwords"},
    "replicas": {"replicas": 2, "epochs": 1},
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    sentences = random_sentences(4, 400, sentences=600, longest=20)
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


@pytest.fixture(autouse=True)
def few_columns(monkeypatch):
    """Rare words begin at the 60th; of those that were not seen 40 are drawn."""
    for module in (skipgram, finish):
        monkeypatch.setattr(module, "column_sizes", lambda _: ColumnSizes(60, 40, 600, 30))


def counted_windows_of(corpus):
    vocabulary, tokens = read_corpus(corpus, tokenizer="whitespace", min_count=1)
    return counted_windows(tokens, vocabulary, Hyperparameters(window=2), workers=1)


def trained(corpus, workers=1, **settings):
    notices = []
    model = Word2Vec(workers=workers, **COMMON | {"rare_words": "sampled"} | settings)
    return model.fit(corpus, notice=notices.append), notices


@pytest.mark.parametrize("settings", RUNS.values(), ids=RUNS)
def test_any_number_of_workers_ends_in_the_same_bits(corpus, settings):
    (one, _), (other, _) = (trained(corpus, workers, **settings) for workers in (1, 3))
    assert arrays_of(one) == arrays_of(other)
    assert losses_of(one) == losses_of(other)
    exact, _ = trained(corpus, rare_words="exact", **settings)
    assert arrays_of(one) != arrays_of(exact)
    assert one.summary.loss_nats == pytest.approx(exact.summary.loss_nats, rel=0.05)


@pytest.mark.parametrize("settings", RUNS.values(), ids=RUNS)
def test_a_resumed_run_ends_in_the_same_bits(corpus, tmp_path, settings):
    whole, _ = trained(corpus, **settings)
    model = Word2Vec(workers=1, **COMMON | {"rare_words": "sampled"} | settings)
    with pytest.raises(StoppedHereError):
        model.fit(
            corpus,
            callbacks=[stopping_at(8)],
            checkpoints=Checkpoints(tmp_path / "model", every="0.00001s"),
        )
    resumed = Word2Vec.resume(tmp_path / "model", workers=2)
    assert arrays_of(resumed) == arrays_of(whole)


def test_a_run_says_that_losses_are_estimates_and_measures_the_last(corpus, tmp_path):
    model, notices = trained(corpus)
    assert any("with rare ones sampled" in notice for notice in notices)
    assert any("Losses are estimates until the last" in notice for notice in notices)
    summary = model.summary
    assert summary.loss_rows > 1000
    assert 0 < summary.loss_error_nats < 0.1
    shown = describe_result(summary, "softmax")
    assert f"exact over {summary.loss_rows:,} drawn rows" in shown
    model.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    assert loaded.summary == summary
    assert loaded.settings.rare_words == "sampled"
    # p(o | c) sums to 1 whatever was sampled in training.
    found = model.predict_context(model.vocabulary.words[200], topn=None)
    assert math.isclose(sum(p for _, p in found), 1.0, rel_tol=1e-9)


def test_the_final_loss_is_near_that_of_all_rows(corpus):
    model, _ = trained(corpus, sample=0.0, window_sample=0.0, canonical=False)
    summary = model.summary
    assert np.isfinite(summary.loss_nats)
    # What is fitted to the text afterwards lowers the loss a little.
    whole = model.perplexity(corpus).loss_nats
    assert whole < summary.loss_nats + 4 * summary.loss_error_nats
    assert whole > summary.loss_nats - 0.5


@pytest.mark.parametrize(("gain", "is_sampled"), [(0.01, True), (1e6, False)])
def test_auto_samples_where_it_is_worth_it(corpus, monkeypatch, gain, is_sampled):
    monkeypatch.setattr("fastw2v.objectives.softmax.rare_words.LEAST_GAIN", gain)
    model, _ = trained(corpus, rare_words="auto")
    assert (model.summary.loss_rows is not None) == is_sampled
    other, _ = trained(corpus, rare_words="sampled" if is_sampled else "exact")
    assert arrays_of(model) == arrays_of(other)


def test_a_small_vocabulary_is_exact_whatever_was_asked_for(corpus, monkeypatch):
    monkeypatch.undo()
    model, _ = trained(corpus)
    exact, _ = trained(corpus, rare_words="exact")
    assert arrays_of(model) == arrays_of(exact)
    assert model.summary.loss_rows is None


def test_the_estimate_of_the_gain_is_near_what_batches_have(corpus):
    """In columns times rows, what the columns cost besides counted as rows."""
    counts = counted_windows_of(corpus)
    ones = np.ones(counts.n_words)
    options = {"dimensions": 6, "rows": 96, "seed": 1}
    batches = ColumnBatches(counts, ones, sizes=ColumnSizes(60, 40, 600, 30), **options)
    costs = [
        len(batch.chosen.words) * (COLUMN_ROWS + round_up(len(batch.centres), PANEL))
        for batch in batches.one_epoch(0)
    ]
    n_exact = CountBatches(counts, ones, **options).batches_per_epoch
    all_words = n_exact * counts.n_words * (WORD_ROWS + 96)
    assert (
        0.6 < batches.share / ((sum(costs) + CONTEXT_SCORES * counts.n_entries) / all_words) < 1.6
    )
