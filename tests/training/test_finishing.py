"""What comes after the last epoch is told, has a time of its own, and is bounded."""

import math
import time

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.cli.commands.train import describe_result
from fastw2v.objectives.losses import calibration, training_rows
from fastw2v.objectives.losses.training_rows import CALIBRATION_ROWS, calibration_rows
from fastw2v.training import finish, stream
from tests.support.corpora_made import chain_sentences

QUICK = {"vector_size": 8, "window": 3, "min_count": 1, "epochs": 2}


def fitted(**settings):
    told = []

    def progress(stage, done, total):
        if not told or told[-1][0] != stage:
            told.append((stage, []))
        told[-1][1].append((done, total))

    steps = []
    model = Word2Vec(**QUICK, **settings).fit(
        chain_sentences(seed=1, n_words=40, sentences=200),
        callbacks=[lambda report: steps.append(len(told))],
        progress=progress,
    )
    return model, told[steps[-1] :]


@pytest.mark.parametrize(
    ("settings", "stages"),
    [({}, ["fitting"]), ({"objective": "negative"}, ["calibrating"])],
)
def test_they_are_stages_that_end_whole(settings, stages):
    model, after = fitted(**settings)
    assert [name for name, _ in after] == stages
    for _, reports in after:
        assert [done for done, _ in reports] == sorted(done for done, _ in reports)
        assert reports[-1][0] == reports[-1][1] > 0
    assert model.summary.finish_s > 0


def slowed(module, name, seconds, monkeypatch):
    real = getattr(module, name)

    def slow(*arguments, **options):
        time.sleep(seconds)
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, slow)


@pytest.mark.parametrize(
    ("settings", "module", "name", "what"),
    [
        ({}, finish, "fit_to_text", "measuring"),
        ({"objective": "negative"}, stream, "score_fit", "calibrating"),
    ],
)
def test_its_seconds_are_none_of_training(settings, module, name, what, monkeypatch, tmp_path):
    slowed(module, name, 0.5, monkeypatch)
    model, _ = fitted(**settings)
    summary, last = model.summary, model.history[-1]
    assert 0.5 <= summary.finish_s == last.finish_s
    assert last.elapsed_s < summary.train_s + 0.1  # training ends with the last epoch
    assert f"{summary.finish_s:.1f} {what}" in describe_result(summary, model.settings.objective)
    model.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    assert loaded.summary == summary
    assert loaded.history == model.history


def test_rows_that_calibrate_are_fewer_where_each_takes_long():
    assert calibration_rows(20_000, 100) == calibration_rows(10, 1) == CALIBRATION_ROWS
    sizes = [calibration_rows(n_words, 100) for n_words in (10**5, 10**6, 2 * 10**6, 10**8)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] * 10**5 * 100 <= training_rows._MOST_PRODUCTS
    assert sizes[-1] == training_rows._FEWEST_ROWS


def test_few_rounds_go_over_all_rows(monkeypatch):
    """Of the rounds that Newton's method takes, most are over a part of the rows."""
    sizes = []
    real = calibration._Fit.value

    def value(self, point):
        sizes.append(sum(len(batch.inputs) for batch in self._rows))
        return real(self, point)

    monkeypatch.setattr(calibration._Fit, "value", value)
    whole = trained_on_many_words()
    assert max(sizes) >= 1024
    coarse = [size for size in sizes if size < max(sizes)]
    assert len(sizes) - len(coarse) <= 4
    assert sum(coarse) < max(sizes)
    monkeypatch.setattr(calibration, "_FEWEST_COARSE", math.inf)
    sizes.clear()
    plain = trained_on_many_words()
    assert len(set(sizes)) == 1
    assert plain.embeddings.temperature == pytest.approx(whole.embeddings.temperature, rel=1e-3)
    np.testing.assert_allclose(plain.out_bias, whole.out_bias, rtol=1e-3)


def trained_on_many_words():
    text = chain_sentences(seed=3, n_words=1500, sentences=1500)
    settings = {"vector_size": 8, "window": 3, "min_count": 1, "epochs": 1}
    return Word2Vec(objective="negative", **settings, workers=1).fit(text)
