"""What `Word2Vec.perplexity` says of each cell, against loops over the text in float64."""

import numpy as np
import pytest
from scipy.special import logsumexp

from fastw2v import Word2Vec
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.losses import own_words, training_rows
from fastw2v.objectives.losses.cbow_rows import CbowRows
from tests.support import dense_scores
from tests.support.corpora_made import chain_sentences
from tests.support.unfitted import with_rates_alone

WINDOW = 3
EVERY_REACH = {"one_reach": False}
COMMON = {"vector_size": 5, "window": WINDOW, "min_count": 1, "epochs": 3, "sample": 0.05}
CELLS = {
    "cbow softmax": {"model": "cbow"},
    "cbow sum softmax": {"model": "cbow", "cbow_mean": False},
    "negative": {"objective": "negative"},
    "negative, other noise": {"objective": "negative", "ns_exponent": -0.5, "negative": 3},
    "cbow negative": {"objective": "negative", "model": "cbow", "ns_exponent": 0.2},
    "hierarchical": {"objective": "hierarchical"},
    "cbow sum hierarchical": {"objective": "hierarchical", "model": "cbow", "cbow_mean": False},
}
TEXT = chain_sentences(seed=3, n_words=25, sentences=40, skew=1.0)
HELD_OUT = chain_sentences(seed=4, n_words=25, sentences=15, skew=1.0)


def rows_of(model, text):
    """Yield (input, predicted word, words that have rates) for all windows, of each reach."""
    inputs = model.in_vectors.astype(np.float64)
    for sentence in text:
        ids = [model.vocabulary.index(word) for word in sentence]
        for place, word in enumerate(ids):
            for reach in range(1, WINDOW + 1):
                around = ids[max(0, place - reach) : place] + ids[place + 1 : place + reach + 1]
                if model.settings.model == "cbow":
                    total = inputs[around].sum(axis=0)
                    yield total / (len(around) if model.settings.cbow_mean else 1), word, around
                else:
                    yield from ((inputs[word], other, [word]) for other in around)


def surprise(logs, word, within, rates, peaks=None):
    """Return -log p of a word, with rates of the words within the window if there are any."""
    if rates is None:
        return -logs[word]
    odds = {one: float(rates[one]) / (1 - float(rates[one])) for one in within}
    if word in odds:
        return np.log1p(sum(odds.values())) - np.log(odds[word])
    others = np.exp(logs)
    others[list(odds)] = 0
    others /= others.sum()
    if peaks is not None:
        others = peaks.applied(others[None])[0]
    return np.log1p(sum(odds.values())) - np.log(others[word])


def losses(model, exponent=None, negative=None, temperature=None, *, without_rates=False):
    """Return the loss of the model's probabilities and that of its objective, in nats per row."""
    settings, outputs = model.settings, model.out_vectors.astype(np.float64)
    counts = model.vocabulary.counts
    noise = counts ** (settings.ns_exponent if exponent is None else exponent)
    noise /= noise.sum()
    tree = huffman_tree(counts)
    total, own, n_rows = 0.0, 0.0, 0
    rates = None if without_rates else model.embeddings.self_rates
    t = model.embeddings.temperature if temperature is None else temperature
    for h, word, within in rows_of(model, HELD_OUT):
        scores = outputs @ h
        n_rows += 1
        if settings.objective == "hierarchical":
            logs = t * dense_scores.tree_scores(h[None], outputs, tree)[0] + model.out_bias
            logs -= logsumexp(logs)
            total += surprise(logs, word, within, rates, model.embeddings.peaks)
            continue
        logits = t * scores + model.out_bias
        peaks = model.embeddings.peaks
        total += surprise(logits - logsumexp(logits), word, within, rates, peaks)
        drawn = settings.negative if negative is None else negative
        own += np.logaddexp(0, -scores[word]) + drawn * noise @ np.logaddexp(0, scores)
    own = own if settings.objective == "negative" else total
    return total / n_rows, own / n_rows


@pytest.mark.parametrize("cell", CELLS)
def test_losses_are_those_of_the_formulas(cell):
    model = Word2Vec(workers=1, **COMMON, **CELLS[cell]).fit(TEXT)
    found = model.perplexity(HELD_OUT)
    loss_nats, own_nats = losses(model)
    assert found.loss_nats == pytest.approx(loss_nats, rel=2e-5)
    assert found.objective_loss_nats == pytest.approx(own_nats, rel=2e-5)
    assert found.perplexity == pytest.approx(np.exp(loss_nats), rel=1e-3)
    assert model.embeddings.self_rates is not None
    plain = losses(model, without_rates=True)[0]
    assert found.loss_nats != pytest.approx(plain, rel=1e-4)
    if "negative" not in cell:
        return
    assert model.embeddings.temperature != pytest.approx(1, rel=1e-2)
    assert found.loss_nats != pytest.approx(losses(model, temperature=1.0)[0], rel=1e-4)
    wrong_noise = losses(model, exponent=model.settings.ns_exponent + 0.3)
    too_many = losses(model, negative=model.settings.negative + 1)
    for wrong in (wrong_noise, too_many):
        assert found.objective_loss_nats != pytest.approx(wrong[1], rel=1e-4)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if "negative" in cell])
def test_the_calibration_of_a_model_is_the_best_there_is(cell, monkeypatch):
    """No other temperature or weight of the unigram distribution has a lower loss in training."""
    monkeypatch.setattr(own_words, "finished_fit", with_rates_alone)
    # Of every reach, in place of one that is drawn.
    monkeypatch.setattr(
        training_rows, "CbowRows", lambda *given, **asked: CbowRows(*given, **asked | EVERY_REACH)
    )
    model = Word2Vec(workers=1, **COMMON, **CELLS[cell]).fit(TEXT)
    log_unigram = np.log(model.vocabulary.counts / model.vocabulary.counts.sum())
    weight = float(model.out_bias @ log_unigram / (log_unigram @ log_unigram))
    assert model.out_bias == pytest.approx(weight * log_unigram, abs=1e-5)
    rows = [
        (model.out_vectors.astype(np.float64) @ h, word, within)
        for h, word, within in rows_of(model, TEXT)
    ]
    rates = model.embeddings.self_rates

    def loss(t, s):
        logits = np.array([t * scores + s * log_unigram for scores, _, _ in rows])
        logs = logits - logsumexp(logits, axis=1, keepdims=True)
        return np.mean(
            [surprise(one, *row[1:], rates) for one, row in zip(logs, rows, strict=True)]
        )

    t = model.embeddings.temperature
    best = loss(t, weight)
    assert model.summary.softmax_loss_nats == pytest.approx(best, rel=1e-5)
    for other in ((1.0, weight), (t, 1.0), (t * 1.1, weight), (t, weight + 0.1), (t, weight - 0.1)):
        assert loss(*other) > best + 1e-7
