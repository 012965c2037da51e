"""Words within the windows of CBOW: counted rates, normalised probabilities, naive losses."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fastw2v import Word2Vec
from fastw2v.counts.own_pairs import count_own_windows
from fastw2v.kernels.formulas.skipgram import WordRows
from fastw2v.objectives.losses import share_bins
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.own_rates import within_windows
from fastw2v.objectives.softmax.text_fit import shrunk_rates
from fastw2v.text.reading import read_corpus
from tests.counts.test_own_pairs import encoded
from tests.objectives.test_own_words import QUICK, TEXTS
from tests.support.corpora_made import chain_sentences
from tests.training.test_objectives import naive_loss

OBJECTIVES = ["softmax", "negative", "hierarchical"]


def windows_of(sentences, window):
    """Each token with the different words of each of its windows, and with the reach."""
    for one in sentences:
        for (at, word), reach in itertools.product(enumerate(one), range(1, window + 1)):
            near = [*one[max(0, at - reach) : at], *one[at + 1 : at + 1 + reach]]
            if near:
                yield word, set(near), near


SENTENCES = st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=6)


@hypothesis_settings(max_examples=60, deadline=None)
@given(SENTENCES, st.integers(1, 9))
def test_counted_windows_are_those_of_a_loop(sentences, window):
    own, sums = np.zeros((2, 4))
    for word, within, _ in windows_of(sentences, window):
        for each in within:
            sums[each] += 1
            own[each] += each == word
    found = count_own_windows(encoded(sentences), 4, window)
    assert found.own.tolist() == own.tolist()
    assert found.sums.tolist() == sums.tolist()


@hypothesis_settings(max_examples=60, deadline=None)
@given(SENTENCES.filter(lambda text: any(len(one) > 1 for one in text)), st.integers(1, 5))
def test_rows_have_the_words_of_their_windows(sentences, window):
    vectors = np.eye(4, dtype=np.float32)
    expected = list(windows_of(sentences, window))
    options = {"window": window, "mean": False}
    rows = CbowRows(vectors, encoded(sentences), **options)
    for (word, within, near), (batch, windows) in zip(
        expected, each_row(rows.with_windows()), strict=True
    ):
        assert batch.contexts.indices.tolist() == [word]
        assert sorted(windows.words.tolist()) == sorted(within)
        assert batch.inputs[0].tolist() == np.bincount(near, minlength=4).tolist()
    others = CbowRows(vectors, encoded(sentences), **options, others=True)
    kept = [(word, within) for word, within, _ in expected if word not in within]
    assert others.others_weight == len(kept)
    assert others.weight == len(expected)
    found = [one for batch in others for one in each_row([(batch, batch.left_out)])]
    for (word, within), (batch, windows) in zip(kept, found, strict=True):
        assert batch.contexts.indices.tolist() == [word]
        assert sorted(windows.words.tolist()) == sorted(within)
    # One reach of each token: one of its rows.
    one = CbowRows(vectors, encoded(sentences), **options, one_reach=True, seed=3)
    drawn = list(each_row(one.with_windows()))
    assert len(drawn) == len(expected) // window
    for place, (batch, windows) in enumerate(drawn):
        of_token = expected[place * window : (place + 1) * window]
        found = (batch.contexts.indices.tolist()[0], set(windows.words.tolist()))
        rows = [(word, within) for word, within, _ in of_token]
        assert found in rows
        sums = [np.bincount(near, minlength=4).tolist() for *_, near in of_token]
        assert (found, batch.inputs[0].tolist()) in list(zip(rows, sums, strict=True))
    # They are made once.
    for (_, first), (_, again) in zip(one.with_windows(), one.with_windows(), strict=True):
        assert first is again


def each_row(batches):
    for batch, windows in batches:
        for row in range(len(batch.inputs)):
            only = np.array([row])
            yield batch.taken(only), windows.taken(only)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000))
def test_odds_are_normalised_and_a_word_alone_has_its_rate(seed):
    generator = np.random.default_rng(seed)
    rates = generator.random(5).astype(np.float32) * generator.choice([0.01, 1])
    lists = [generator.permutation(5)[: generator.integers(1, 6)] for _ in range(7)]
    starts = np.cumsum([0, *map(len, lists)])
    shares, rest = within_windows(rates, WordRows(starts, np.concatenate(lists).astype(np.int32)))
    for row, words in enumerate(lists):
        told = shares[starts[row] : starts[row + 1]]
        assert told.sum() + rest[row] == pytest.approx(1)
        odds = rates[words].astype(float) / (1 - rates[words].astype(float))
        if len(words) < 5:
            assert np.allclose(told / rest[row], odds, rtol=1e-6)
        if len(words) == 1:
            assert told[0] == pytest.approx(float(rates[words[0]]))
        if len(words) == 5:
            assert rest[row] == 0


def fitted(text, objective, **settings):
    return Word2Vec(model="cbow", objective=objective, workers=1, **QUICK | settings).fit(text)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", TEXTS)
def test_any_text_has_probabilities(name, objective, tmp_path):
    text = TEXTS[name]
    model = fitted(text, objective)
    model.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model").embeddings
    rates = model.embeddings.self_rates
    assert loaded.self_rates is rates is None or loaded.self_rates.tobytes() == rates.tobytes()
    assert loaded.peaks == model.embeddings.peaks
    for word in model.vocabulary.words:
        told = dict(model.predict_context(word, topn=None))
        assert sum(told.values()) == pytest.approx(1)
        if rates is not None and len(told) > 1:
            assert told[word] == pytest.approx(float(rates[model.vocabulary.index(word)]))
    expected = naive_loss(model, text)
    assert model.perplexity(text).loss_nats == pytest.approx(expected, rel=1e-5, abs=1e-6)
    words = model.vocabulary.words
    assert np.isfinite(model.perplexity([words, words[:1] * 3, words[-1:] * 2]).loss_nats)


@pytest.fixture(scope="module", params=OBJECTIVES)
def chain(request):
    """A model of words that never stand within their own window."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(share_bins, "LEAST_GAIN_NATS", 0.0)
        text = chain_sentences(2, 30, sentences=500, noise=0.2)
        text = [[word for at, word in enumerate(one) if word not in one[:at]] for one in text]
        return fitted(text, request.param, epochs=10, vector_size=8), text


def test_they_make_the_training_text_likelier(chain):
    model, text = chain
    found = model.perplexity(text).loss_nats
    part = model.perplexity(text[:15]).loss_nats
    assert part == pytest.approx(naive_loss(model, text[:15]), rel=1e-5)
    assert model.reliability(text).own.predicted < 0.01
    kept = model._trained
    plain = replace(kept.embeddings, self_rates=None, peaks=None)
    model._trained = replace(kept, embeddings=plain)
    try:
        assert found < model.perplexity(text).loss_nats - 0.01
        # Sabotage: without rates they are predicted.
        assert model.reliability(text).own.predicted > 0.02
    finally:
        model._trained = kept


def test_powers_never_raise_the_loss(chain):
    model, text = chain
    peaks = model.embeddings.peaks
    assert peaks is not None
    kept = model._trained
    found = model.perplexity(text).loss_nats
    losses = {}
    others = {"none": None, "other way": peaks._replace(powers=tuple(1 / p for p in peaks.powers))}
    for name, other in others.items():
        model._trained = replace(kept, embeddings=replace(kept.embeddings, peaks=other))
        losses[name] = model.perplexity(text).loss_nats
        part = model.perplexity(text[:15]).loss_nats
        assert part == pytest.approx(naive_loss(model, text[:15]), rel=2e-5)
    model._trained = kept
    assert found <= losses["none"] + 1e-4
    assert losses["other way"] > losses["none"]


def test_where_rates_make_it_less_likely_there_are_none():
    """A text whose words come again where the scores say so, which rates cannot know."""
    text = TEXTS["mostly itself"]
    model = fitted(text, "softmax", epochs=20)
    assert model.embeddings.self_rates is None
    assert model.embeddings.peaks is None
    found = model.perplexity(text).loss_nats
    own, sums = count_own_windows(read_corpus(text, min_count=1)[1], 3, model.settings.window)
    rates = shrunk_rates(own, sums, 3.0).astype(np.float32)
    model._trained = replace(model._trained, embeddings=replace(model.embeddings, self_rates=rates))
    assert model.perplexity(text).loss_nats > found
