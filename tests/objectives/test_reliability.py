"""Predicted beside observed shares: against a double loop, and on texts whose truth is known."""

import json
import math
import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.counts.build import counted_windows
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.objectives.losses.reliability import EDGES
from fastw2v.text.reading import encode_corpus
from tests.objectives.test_text_fit import dense
from tests.objectives.test_unknown_words import sentences

SETTINGS = {"vector_size": 6, "window": 3, "min_count": 1, "epochs": 3}
CELLS = {
    "softmax": {},
    "subwords": {"inputs": "subwords", "bucket": 300_000},
    "negative": {"objective": "negative"},
    "hierarchical": {"objective": "hierarchical"},
}


@pytest.fixture(scope="module", params=CELLS)
def model(request):
    return Word2Vec(workers=1, **SETTINGS | CELLS[request.param]).fit(sentences())


def naive(model, text, least_count):
    """Shares by range, and of own pairs, one word and one context at a time."""
    tokens = encode_corpus(text, model.vocabulary, tokenizer="words")
    seen = dense(counted_windows(tokens, model.vocabulary, model.settings, workers=1))
    shares, own, total = np.zeros((len(EDGES) - 1, 2)), np.zeros(2), 0.0
    for row, word in enumerate(model.vocabulary.words):
        if model.vocabulary.counts[row] < least_count:
            continue
        told = dict(model.predict_context(word, topn=None))
        weight = seen[row].sum()
        total += weight
        for column, other in enumerate(model.vocabulary.words):
            found = np.array([weight * told[other], seen[row, column]])
            if row == column:
                own += found
                continue
            place = max(k for k in range(len(EDGES) - 1) if told[other] >= EDGES[k])
            shares[place] += found
    return shares / total, own / total, total / model.settings.window


@pytest.mark.parametrize("least_count", [1, 60])
def test_it_equals_the_double_loop(model, least_count):
    text = sentences(seed=9, n=60)
    found = model.reliability(text, least_count=least_count)
    shares, own, weight = naive(model, text, least_count)
    assert np.allclose([(one.predicted, one.observed) for one in found.bins], shares, atol=1e-6)
    assert np.allclose((found.own.predicted, found.own.observed), own, atol=1e-6)
    assert found.pair_weight == pytest.approx(weight)
    assert found.n_centres <= (model.vocabulary.counts >= least_count).sum()
    every = [*found.bins, found.own]
    assert sum(one.predicted for one in every) == pytest.approx(1)
    assert sum(one.observed for one in every) == pytest.approx(1)


def test_blocks_and_workers_do_not_matter(model, monkeypatch):
    from fastw2v.objectives.losses import reliability

    text = sentences(seed=9, n=60)
    whole = model.reliability(text, least_count=1)
    monkeypatch.setattr(reliability, "_MOST_NUMBERS", 1)
    model.workers = 3
    parts = model.reliability(text, least_count=1)
    model.workers = 1
    for one, other in zip(whole.bins, parts.bins, strict=True):
        assert (one.predicted, one.observed) == pytest.approx((other.predicted, other.observed))


def independent(seed, n=6000):
    """Words drawn one by one, but never a word within three places of itself."""
    generator = np.random.default_rng(seed)
    chances = 1.0 / np.arange(1, 61)
    text, last = [], []
    for _ in range(n):
        line = []
        for _ in range(10):
            allowed = chances.copy()
            allowed[last] = 0
            word = int(generator.choice(60, p=allowed / allowed.sum()))
            line.append(f"w{word}")
            last = [*last[-2:], word]
        text.append(line)
    return text


def test_probabilities_are_right_on_a_text_that_was_held_out():
    """Statistical: ranges with 1 % of the pairs and more have at least 3,000 of them."""
    settings = {"vector_size": 4, "window": 3, "min_count": 1, "window_sample": 0.0, "seed": 1}
    model = Word2Vec(workers=2, **settings).fit(independent(1))
    held_out = independent(2, n=2000)
    found = model.reliability(held_out)
    for one in found.bins:
        if one.observed > 0.01:
            assert one.ratio == pytest.approx(1, abs=0.1)
    assert found.own.predicted < 0.003  # no word is ever beside itself
    # Sabotage: without rates of words beside themselves they are predicted.
    model._trained = replace(model._trained, embeddings=replace(model.embeddings, self_rates=None))
    assert model.reliability(held_out).own.predicted > 0.01


def test_cbow_has_windows():
    model = Word2Vec(model="cbow", sample=0.1, workers=1, **SETTINGS).fit(sentences())
    found = model.reliability(sentences(seed=9, n=60))
    assert 0 < found.own.observed < 1
    assert found.least_count == 0
    every = [*found.bins, found.own]
    assert sum(one.predicted for one in every) == pytest.approx(1)
    assert sum(one.observed for one in every) == pytest.approx(1)


def test_what_cannot_be_measured_is_told(model):
    with pytest.raises(ConfigurationError, match="least_count: expected at least 1, got 0"):
        model.reliability(sentences(n=3), least_count=0)
    with pytest.raises(CorpusError, match="expected a word that the training text has 1000000"):
        model.reliability(sentences(n=3), least_count=1_000_000)
    with pytest.raises(CorpusError, match="expected a word"):
        model.reliability([["nothing", "known"]], least_count=1)


def test_an_order_that_is_none_is_refused(model):
    with pytest.raises(ConfigurationError, match="by: expected 'probability' or 'lift', got 'pmi'"):
        model.predict_context("river", by="pmi")


def test_the_command_prints_the_table(model, tmp_path, run):
    model.save(tmp_path / "model")
    # Lists of tokens stay as they are, text is read in the normal form C.
    text = [[unicodedata.normalize("NFC", word) for word in one] for one in sentences(9, 60)]
    (tmp_path / "held.txt").write_text("\n".join(map(" ".join, text)) + "\n", encoding="utf-8")
    asked = ("calibration", tmp_path / "model", tmp_path / "held.txt", "--quiet")
    status, out, _ = run(*asked, "--least-count", "20", "--json")
    assert status == 0
    expected = model.reliability(text, least_count=20)
    assert json.loads(out) == expected.as_dict()
    status, out, _ = run(*asked, "--least-count", "20")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].split() == ["p(context", "|", "word)", "predicted", "observed", "ratio"]
    assert len(lines) == len(EDGES) + 2
    own = next(line for line in lines if line.startswith("a word with itself"))
    assert f"{expected.own.predicted:.3%}" in own
    assert f"{expected.n_centres} words of at least 20 occurrences" in lines[-1]
    empty = next(one for one in expected.bins if not one.observed)
    assert math.isnan(empty.ratio)
    status, _, error = run("calibration", tmp_path / "model", tmp_path / "none.txt")
    assert status == 2
    assert "none.txt" in error
