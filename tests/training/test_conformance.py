"""What holds for every objective with every model: one contract, the same checks for each cell."""

from itertools import product
from typing import get_args

import numpy as np
import pytest

from fastw2v import Checkpoints, Hyperparameters, Validation, Word2Vec
from fastw2v.config import BatchKind, ModelName, ObjectiveName
from fastw2v.errors import (
    ConfigurationError,
    CorpusError,
    DivergenceError,
    FastW2VError,
    UnknownWordError,
)
from fastw2v.training.checkpoints import checkpoint_path, read_checkpoint
from fastw2v.training.validation import HeldOutLoss, ValidationText
from tests.support.cells import CELLS
from tests.support.corpora_made import chain_sentences, write_text
from tests.support.unfitted import unfitted

N_WORDS = 30
COMMON = {"vector_size": 6, "window": 2, "min_count": 1, "sample": 0.1, "epochs": 3, "seed": 3}


class StoppedHereError(Exception):
    """What a callback raises in place of a killed process."""


@pytest.fixture(params=CELLS)
def cell(request):
    return request.param


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    sentences = chain_sentences(1, N_WORDS, sentences=500, noise=0.3)
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


@pytest.fixture(scope="module")
def held_out():
    return chain_sentences(2, N_WORDS, sentences=60, noise=0.3)


@pytest.fixture(scope="module")
def trained(corpus):
    """Return a cell's model, trained once by one worker without anything else asked for."""
    models = {}

    def of(cell):
        if cell not in models:
            models[cell] = made(cell).fit(corpus)
        return models[cell]

    return of


@pytest.fixture(autouse=True)
def short_calls(monkeypatch):
    """Streams report after each block, so that a short text has places to stop at."""
    monkeypatch.setattr("fastw2v.objectives.stream.tables.BLOCKS_PER_CALL", 1)


def made(cell, workers=1, **changes):
    return Word2Vec(workers=workers, **{**COMMON, **CELLS[cell], **changes})


def is_exact(cell):
    return cell.startswith("softmax")


def bits(model):
    tables = (model.in_vectors, model.out_vectors, model.out_bias)
    return [table.tobytes() for table in tables] + [model.embeddings.temperature]


def losses(model):
    return [
        (record.epoch, record.loss_nats, record.learning_rate, record.held_out_loss_nats)
        for record in model.history
    ]


def stopping_at(step):
    def callback(report):
        if report.step == step:
            raise StoppedHereError

    return callback


def test_a_run_has_a_history_and_learns(trained, cell):
    model = trained(cell)
    assert [record.epoch for record in model.history] == [1, 2, 3]
    first, *_, last = (record.loss_nats for record in model.history)
    assert 0 < last < first
    assert np.isfinite(model.summary.loss_nats)
    assert model.in_vectors.shape == (N_WORDS, COMMON["vector_size"])
    assert (model.run_record.ended, model.run_record.kept_epoch) == ("finished", 3)


def test_steps_are_reported_once_and_in_order(corpus, trained, cell):
    reports = []
    model = made(cell).fit(corpus, callbacks=[reports.append])
    assert bits(model) == bits(trained(cell))
    assert [report.step for report in reports] == list(range(1, reports[-1].steps + 1))
    ends = [report for report in reports if report.epoch_ended]
    assert [(end.epoch, end.loss_nats) for end in ends] == [
        (record.epoch, record.loss_nats) for record in model.history
    ]


def test_probabilities_are_those_of_a_distribution(trained, cell):
    model = trained(cell)
    for word in model.vocabulary.words:
        found = dict(model.predict_context(word, topn=None))
        assert set(found) == set(model.vocabulary.words)
        assert min(found.values()) > 0
        assert sum(found.values()) == pytest.approx(1, abs=1e-5)
    with pytest.raises(UnknownWordError):
        model.predict_context("unheard")


def test_the_perplexity_of_other_text_is_one_of_these_probabilities(trained, held_out, cell):
    found = trained(cell).perplexity(held_out)
    assert found.perplexity == pytest.approx(np.exp(found.loss_nats))
    assert found.perplexity < N_WORDS  # what knowing nothing gives


@pytest.mark.parametrize("mmap", [False, True])
def test_a_saved_model_is_the_same_when_loaded(trained, held_out, tmp_path, cell, mmap):
    model = trained(cell)
    model.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model", mmap=mmap, workers=1)
    assert bits(loaded) == bits(model)
    for name in ("settings", "history", "summary", "run_record", "corpus_digest"):
        assert getattr(loaded, name) == getattr(model, name), name
    assert loaded.perplexity(held_out) == model.perplexity(held_out)
    assert loaded.predict_context("w1") == model.predict_context("w1")


def test_one_worker_repeats_its_bits_and_another_seed_has_others(corpus, trained, cell):
    again = made(cell).fit(corpus)
    assert bits(again) == bits(trained(cell))
    assert losses(again) == losses(trained(cell))
    assert bits(made(cell, seed=4).fit(corpus)) != bits(again)


def test_several_workers_give_the_same_bits_or_learn_all_the_same(corpus, trained, cell):
    if is_exact(cell):
        assert bits(made(cell, workers=3).fit(corpus)) == bits(trained(cell))
        return
    # Without locks a text of few words depends on who comes first, and a worker that is stopped
    # between reading a row and writing it undoes what the others did: one run in many learns less.
    wanted = gain_of(trained(cell)) / 8
    assert np.median([gain_of(made(cell, workers=3).fit(corpus)) for _ in range(7)]) > wanted
    # Sabotage: rates too small to learn by.
    idle = made(cell, workers=3, learning_rate=1e-7, final_rate=1.0)
    assert gain_of(idle.fit(corpus)) < wanted


def gain_of(model):
    """By how much the loss fell from the first epoch to the last, nats."""
    return model.history[0].loss_nats - model.history[-1].loss_nats


def test_a_stopped_run_is_resumed_to_the_same_bits(corpus, trained, tmp_path, cell):
    reports = []
    made(cell).fit(corpus, callbacks=[reports.append])
    steps = reports[-1].steps // COMMON["epochs"]
    assert steps > 1
    target = tmp_path / "model"
    with pytest.raises(StoppedHereError):
        made(cell).fit(
            corpus,
            callbacks=[stopping_at(steps + 2)],  # has begun the second epoch
            checkpoints=Checkpoints(target, every="0.0001s"),
        )
    state = read_checkpoint(checkpoint_path(target)).state
    assert state.epochs_done == 1
    assert state.steps_done > 0
    resumed = Word2Vec.resume(target, workers=3 if is_exact(cell) else 1)
    assert bits(resumed) == bits(trained(cell))
    assert losses(resumed) == losses(trained(cell))
    resumed.save(target)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_validation_measures_and_changes_nothing(corpus, held_out, trained, cell):
    model = made(cell).fit(corpus, validation=Validation(held_out))
    assert bits(model) == bits(trained(cell))
    measured = [record.held_out_loss_nats for record in model.history]
    assert np.isfinite(measured).all()
    assert measured[-1] < measured[0]


def test_patience_ends_a_run_in_its_best_epoch(corpus, held_out, monkeypatch, cell):
    """Told that the second epoch was the best, the run ends after the third, in the second."""
    measure, measured, shown = ValidationText.loss, [], [3.0, 1.0, 2.0, 0.5]

    def loss(text, embeddings):
        measured.append(measure(text, embeddings).loss_nats)
        return HeldOutLoss(shown[len(measured) - 1], None)

    with monkeypatch.context() as patched:
        patched.setattr(ValidationText, "loss", loss)
        with unfitted():
            model = made(cell, epochs=4).fit(corpus, validation=Validation(held_out), patience=1)
    assert (model.run_record.ended, model.run_record.kept_epoch) == ("patience", 2)
    assert [record.held_out_loss_nats for record in model.history] == shown[:3]
    found = model.perplexity(held_out)
    if cell.startswith("softmax skipgram"):
        assert found.loss_nats == measured[1] != measured[2]
    whole = made(cell, epochs=4).fit(corpus, validation=Validation(held_out))
    assert measured == [record.held_out_loss_nats for record in whole.history[:3]]
    assert found != whole.perplexity(held_out)


def test_a_run_that_diverges_says_so_and_leaves_no_model(corpus, cell):
    model = made(cell, learning_rate=1e30)
    with pytest.raises(DivergenceError, match=r"training diverged: .* a smaller --learning-rate"):
        model.fit(corpus)
    with pytest.raises(FastW2VError, match="not trained yet"):
        _ = model.embeddings


def test_memory_that_is_too_small_is_refused_before_training(corpus, cell):
    reports = []
    model = made(cell, vector_size=2**20)
    budget = 512 if model.settings.objective == "softmax" else 300  # what counting needs, or less
    message = rf"memory: training 30 words .* the budget is {budget}"
    with pytest.raises(ConfigurationError, match=message):
        model.fit(corpus, memory_mib=budget, callbacks=[reports.append])
    assert not reports


def test_memory_that_is_enough_changes_nothing(corpus, trained, cell):
    model = made(cell).fit(corpus, memory_mib=600)
    assert bits(model) == bits(trained(cell))
    assert losses(model) == losses(trained(cell))
    assert model.corpus_digest == trained(cell).corpus_digest


def test_texts_without_pairs_are_refused(cell):
    with pytest.raises(CorpusError, match=r"pair of words within 2|words with contexts"):
        made(cell).fit([["a"], ["b"], ["a"]])
    with pytest.raises(CorpusError, match="without a single token"):
        made(cell).fit([[], []])


def test_every_cell_there_is_has_its_place_here():
    """An objective or a model that is added has to keep the contract too."""
    names = ("objective", "model", "batches")
    possible = set()
    for objective, model in product(get_args(ObjectiveName), get_args(ModelName)):
        has_batches = Hyperparameters(objective=objective, model=model).uses("batches")
        batches = get_args(BatchKind) if has_batches else ["counts"]
        possible |= {(objective, model, kind) for kind in batches}
    settings = [Hyperparameters(**one) for one in CELLS.values()]
    assert {tuple(getattr(one, name) for name in names) for one in settings} == possible
