"""Replicas: the mean of turned runs, by a naive twin and where the answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from fastw2v import StartFrom, Validation, Word2Vec
from fastw2v.callbacks import EpochProgress
from fastw2v.config import LARGEST_SEED, CountingSettings, Hyperparameters
from fastw2v.counts.build import count_corpus
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from fastw2v.training import replicas
from fastw2v.training.replicas import ReplicaTraining, of_replica
from tests.support.associations import symmetric_counts
from tests.support.corpora_made import random_sentences, topic_sentences, write_text
from tests.support.dense_softmax import pair_counts
from tests.training.test_resume import arrays_of, steps_of, stopped

V, D, NUMBER = 37, 6, 3
SETTINGS = Hyperparameters(
    vector_size=D, epochs=2, replicas=NUMBER, batch_rows=8, precision="float32"
)
KEEP = np.ones(V)


@pytest.fixture(scope="module")
def counts():
    return pair_counts(symmetric_counts(5, V))


def starts(number, seed=1):
    """Return first parameters that differ from replica to replica."""
    generator = np.random.default_rng([seed, number])
    tables = generator.standard_normal((2, V, D)).astype(np.float32) / 3
    bias = generator.standard_normal(V).astype(np.float32) / 5
    return {"in_vectors": tables[0], "out_vectors": tables[1], "out_bias": bias}


def made(counts, pool, settings, first):
    batches = CountBatches(counts, KEEP, dimensions=D, rows=settings.batch_rows, seed=settings.seed)
    objective = ExactSoftmax(
        *first.values(),
        optimizer=settings.optimizer,
        max_rows=batches.max_rows,
        precision="float32",
        pool=pool,
    )
    optimizer = Optimizer(settings, settings.epochs * batches.batches_per_epoch)
    return objective, batches, optimizer


def trained(counts, settings, first):
    """Return both tables and the bias as `ReplicaTraining` leaves them."""
    with WorkerPool(1) as pool:
        training = ReplicaTraining(*made(counts, pool, settings, first(0)), settings, first)
        for number in range(settings.total_epochs):
            for _ in training.epoch(number, EpochProgress(0, 0.0, 0.0)):
                pass
        objective = training.objective
        return objective.in_vectors, objective.out_vectors, objective.out_bias


def naive(counts, settings, first):
    """Return the same by whole runs, one after the other, and a mean in double precision."""
    found = []
    with WorkerPool(1) as pool:
        for number in range(settings.replicas):
            objective, batches, optimizer = made(counts, pool, settings, first(number))
            step = 0
            for epoch in range(settings.epochs):
                for batch in batches.one_epoch(number * settings.epochs + epoch):
                    objective.step(batch, optimizer.rules(step))
                    step += 1
            found.append((objective.in_vectors, objective.out_vectors, objective.out_bias))
    both = [np.concatenate(tables[:2]).astype(np.float64) for tables in found]
    mean = both[0]
    for number, vectors in enumerate(both[1:], 1):
        left, _, right = np.linalg.svd(vectors.T @ mean)
        mean = (number * mean + vectors @ left @ right) / (number + 1)
    bias = np.mean([tables[2].astype(np.float64) for tables in found], axis=0)
    return mean[:V], mean[V:], bias


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
@pytest.mark.parametrize("bias", ["unigram", "learned"])
def test_the_mean_is_that_of_a_naive_twin(counts, optimizer, bias):
    settings = replace(SETTINGS, optimizer=optimizer, bias=bias, learning_rate=0.05)
    ours, theirs = trained(counts, settings, starts), naive(counts, settings, starts)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5)


def turned_starts(number):
    """Return the first replica's start in other axes, which no score sees."""
    basis, _ = np.linalg.qr(np.random.default_rng(number).standard_normal((D, D)))
    first, turn = starts(0), np.eye(D) if number == 0 else basis
    tables = {name: (first[name] @ turn).astype(np.float32) for name in first if "vectors" in name}
    return {**tables, "out_bias": first["out_bias"]}


@pytest.mark.parametrize("sabotage", [False, True])
def test_runs_that_differ_by_their_axes_have_the_mean_of_one(counts, monkeypatch, sabotage):
    """Plain gradients turn with the axes, and a batch of all words has no order."""
    settings = replace(SETTINGS, optimizer="sgd", batch_rows=V, learning_rate=0.05)
    if sabotage:
        monkeypatch.setattr(replicas, "rotation_of_moment", lambda _: None)
    mean = trained(counts, settings, turned_starts)
    one = trained(counts, replace(settings, replicas=1), turned_starts)
    away = max(np.abs(ours - theirs).max() for ours, theirs in zip(mean, one, strict=True))
    assert (away < 1e-5) != sabotage


@pytest.mark.parametrize("sabotage", [False, True])
def test_a_replica_begins_without_what_the_one_before_has_learned(counts, monkeypatch, sabotage):
    if sabotage:
        monkeypatch.setattr(ReplicaTraining, "_begin", lambda *_: None)
    settings = replace(SETTINGS, batch_rows=V)  # no order
    ours = trained(counts, settings, lambda _: starts(0))
    once = trained(counts, replace(settings, replicas=1), lambda _: starts(0))
    away = max(np.abs(one - other).max() for one, other in zip(ours, once, strict=True))
    assert (away < 1e-5) != sabotage


@pytest.mark.parametrize(
    "cell", [{}, {"inputs": "subwords"}, {"batches": "tokens", "batch_tokens": 200}], ids=str
)
def test_the_bits_do_not_depend_on_the_workers(cell):
    sentences = random_sentences(7, 60, sentences=300)
    settings = {"vector_size": 7, "min_count": 1, "epochs": 2, "replicas": 3, **cell}
    found = [Word2Vec(**settings, workers=workers).fit(sentences) for workers in (1, 3)]
    assert found[0].in_vectors.tobytes() == found[1].in_vectors.tobytes()
    assert found[0].out_vectors.tobytes() == found[1].out_vectors.tobytes()


def test_one_replica_is_a_run_without_replicas():
    sentences = random_sentences(7, 60, sentences=300)
    settings = {"vector_size": 7, "min_count": 1, "epochs": 2}
    plain, one = (
        Word2Vec(**settings, **more).fit(sentences).in_vectors for more in ({}, {"replicas": 1})
    )
    assert plain.tobytes() == one.tobytes()


def apart(number):
    """Return how far cosines of runs with other seeds lie apart."""
    sentences = topic_sentences(3, 300)
    found = []
    for seed in range(1, 5):
        model = Word2Vec(
            vector_size=20, min_count=1, epochs=3, batch_rows=4, seed=seed, replicas=number
        ).fit(sentences)
        rows = model.in_vectors + model.out_vectors
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        found.append(rows @ rows.T)
    return float(np.std(found, axis=0).mean())


def test_runs_of_other_seeds_agree_better_on_means():
    assert apart(6) < 0.6 * apart(1)


def test_epochs_are_counted_through_and_the_last_one_is_the_mean():
    sentences = random_sentences(7, 60, sentences=300)
    reports = []
    model = Word2Vec(vector_size=7, min_count=1, epochs=2, replicas=3).fit(
        sentences, callbacks=[reports.append], validation=Validation(fraction=0.1)
    )
    assert [record.epoch for record in model.history] == [1, 2, 3, 4, 5, 6]
    assert {report.epochs for report in reports} == {6}
    first, second = (
        [report.learning_rate for report in reports if report.epoch in epochs]
        for epochs in ((1, 2), (5, 6))
    )
    assert first == second
    assert first[0] > first[-1]
    assert model.summary.loss_nats < model.summary.unigram_entropy_nats


@pytest.mark.parametrize("place", [0.2, 0.4, 0.5, 0.6, 0.9])
def test_stopped_anywhere_and_resumed(tmp_path, place):
    text = write_text(tmp_path / "text.txt", random_sentences(7, 60, sentences=300))
    more = {"epochs": 2, "replicas": 2, "batch_rows": 16}
    whole, steps, _ = steps_of(text, **more)
    stopped(text, tmp_path / "model", steps[int(place * len(steps)) - 1], "0.0001s", **more)
    assert arrays_of(Word2Vec.resume(tmp_path / "model", workers=1)) == arrays_of(whole)


def test_seeds_of_replicas_are_their_own_and_within_range():
    for seed in (0, 1, LARGEST_SEED):
        settings = replace(SETTINGS, seed=seed)
        seeds = [of_replica(settings, number).seed for number in range(1000)]
        assert seeds[0] == seed
        assert len(set(seeds)) == 1000
        assert max(seeds) <= LARGEST_SEED
    assert of_replica(SETTINGS, 1) != of_replica(replace(SETTINGS, seed=2), 1)


def test_a_run_that_goes_on_has_replicas_only_if_it_begins_by_counts(tmp_path):
    settings = {"vector_size": 6, "min_count": 1, "epochs": 1, "replicas": 2}
    texts = [
        write_text(tmp_path / f"{seed}.txt", random_sentences(seed, 60, sentences=300))
        for seed in (1, 2)
    ]
    count_corpus(texts[0], CountingSettings(min_count=1), tmp_path / "counts")
    earlier = Word2Vec(**settings).fit(texts[0])
    by_counts = StartFrom(earlier, counts=tmp_path / "counts")
    two = Word2Vec().fit(texts[1], start=by_counts)
    assert (two.settings.replicas, len(two.history)) == (2, 2)
    one = Word2Vec(replicas=1).fit(texts[1], start=by_counts)
    assert len(one.history) == 1
    assert one.in_vectors.tobytes() != two.in_vectors.tobytes()
    assert one.summary.loss_nats == pytest.approx(two.summary.loss_nats, rel=0.02)
    went_on = Word2Vec().fit(texts[1], start=StartFrom(earlier))
    assert (went_on.settings.replicas, len(went_on.history)) == (1, 1)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"start": "random"}, "start"),
        ({"model": "cbow"}, "skipgram"),
        ({"objective": "negative"}, "softmax"),
    ],
)
def test_only_runs_of_the_spectral_exact_softmax_have_replicas(settings, named):
    with pytest.raises(ConfigurationError, match=f"^replicas: .*{named}"):
        Hyperparameters(replicas=2, **settings)


def test_what_a_mean_of_runs_has_not_is_refused_before_anything_is_read():
    def unread():
        raise AssertionError
        yield

    model = Word2Vec(replicas=2)
    with pytest.raises(ConfigurationError, match=r"^replicas: expected 1 with patience"):
        model.fit(unread(), validation=Validation(fraction=0.1), patience=1)
    earlier = Word2Vec(vector_size=5, min_count=1, epochs=1).fit(random_sentences(7, 60))
    with pytest.raises(ConfigurationError, match=r"^replicas: expected 1 in a run that goes on"):
        Word2Vec(vector_size=5, replicas=2).fit(unread(), start=StartFrom(earlier))
