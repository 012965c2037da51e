"""Words beside themselves after running text: rates that are counted, a softmax for the others."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fastw2v import Word2Vec
from fastw2v.config import Hyperparameters
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import DivergenceError
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.losses import share_bins
from fastw2v.objectives.losses.own_words import score_fit
from fastw2v.objectives.losses.scores import TreeScores
from fastw2v.objectives.losses.tree_words import tree_fit
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.reading import read_corpus
from tests.objectives.test_reliability import independent
from tests.objectives.test_text_fit import dense
from tests.support import dense_scores
from tests.support.corpora_made import chain_sentences
from tests.training.test_objectives import naive_loss

QUICK = {"vector_size": 6, "window": 3, "min_count": 1, "epochs": 3, "sample": 0.0}
RUNNING = ["negative", "hierarchical"]
TEXTS = {
    "one word": [["a"] * 6],
    "two words": [["a", "b"]] * 4,
    "only itself": [["a"] * 4, ["b"] * 4, ["a"] * 3],
    "never itself": [["a", "b", "c", "d"]] * 30,
    "mostly itself": [["a"] * 9 + ["b"]] * 40 + [["c"] * 5] * 20,
    "alone at the end": [["a", "b", "a"]] * 3 + [["c"], ["d"]],
}


def fitted(text, objective, **settings):
    return Word2Vec(objective=objective, workers=1, **QUICK | settings).fit(text)


@pytest.mark.parametrize("objective", RUNNING)
@pytest.mark.parametrize("name", TEXTS)
def test_any_text_has_probabilities(name, objective, tmp_path):
    text = TEXTS[name]
    model = fitted(text, objective)
    model.save(tmp_path / "model")
    rates = model.embeddings.self_rates
    assert (rates is None) == (name == "one word")
    loaded = Word2Vec.load(tmp_path / "model").embeddings.self_rates
    assert loaded is rates is None or loaded.tobytes() == rates.tobytes()
    for word in model.vocabulary.words:
        told = dict(model.predict_context(word, topn=None))
        assert sum(told.values()) == pytest.approx(1)
        assert all(0 <= p <= 1 for p in told.values())
        if rates is not None:
            assert told[word] == pytest.approx(float(rates[model.vocabulary.index(word)]))
    found = model.perplexity(text)
    assert np.isfinite([found.loss_nats, found.objective_loss_nats]).all()
    # Words that come in another company than in training have a loss, too.
    words = model.vocabulary.words
    assert np.isfinite(model.perplexity([words, words[:1] * 3, words[-1:] * 2]).loss_nats)


@pytest.mark.parametrize("sample", [0.0, 0.05])
@pytest.mark.parametrize("objective", RUNNING)
def test_rates_are_those_of_the_whole_text(objective, sample):
    """Whatever subsampling took from training: probabilities speak of the text."""
    text = 20 * TEXTS["mostly itself"] + independent(3, n=200)
    model = fitted(text, objective, sample=sample)
    vocabulary, tokens = read_corpus(text, tokenizer="words", min_count=1)
    counts = count_pairs(tokens, len(vocabulary), 3, workers=1)
    own, sums = counts.self_counts(), counts.row_sums()
    word = vocabulary.index("a")
    rate = float(model.embeddings.self_rates[word])
    assert rate == pytest.approx(own[word] / sums[word], rel=0.1)
    assert rate > 0.5


def test_own_pairs_are_right_on_a_text_that_was_held_out():
    """Statistical: 2,000 lines have about 50,000 pairs, none of them of a word with itself."""
    settings = {"vector_size": 4, "window": 3, "min_count": 1, "epochs": 5, "seed": 1}
    model = Word2Vec(objective="negative", workers=1, **settings).fit(independent(1))
    held_out = independent(2, n=2000)
    assert model.reliability(held_out).own.predicted < 0.003
    loss_nats = model.perplexity(held_out).loss_nats
    # Sabotage: the same scores without rates.
    without = replace(model.embeddings, self_rates=None)
    model._trained = replace(model._trained, embeddings=without)
    assert model.reliability(held_out).own.predicted > 0.01
    assert model.perplexity(held_out).loss_nats > loss_nats + 0.005


@pytest.mark.parametrize("scale", [0.1, 1.0, 6.0, 60.0])
def test_no_row_of_a_tree_gets_a_higher_loss(scale):
    generator = np.random.default_rng(4)
    n_words = 17
    ids = (generator.integers(0, n_words, 600) // generator.integers(1, 4, 600)).astype(np.int32)
    tokens = EncodedTokens(ids, np.array([0, 250, 600]), 600, 0)
    tree = huffman_tree(np.bincount(ids, minlength=n_words) + 1)
    vectors = (scale * generator.normal(size=(n_words, 5))).astype(np.float32)
    nodes = generator.normal(size=(n_words - 1, 5)).astype(np.float32)
    settings = Hyperparameters(objective="hierarchical", window=2)
    with WorkerPool(1) as pool:
        scores = TreeScores(nodes, tree, pool)
        log_unigram = np.full(n_words, -np.log(n_words), np.float32)
        found = tree_fit(vectors, scores, log_unigram, tokens, settings)
    rates = found.self_rates
    seen = dense(count_pairs(tokens, n_words, 2, workers=1))
    own, sums = np.diag(seen), seen.sum(axis=1)
    log_own = np.diag(dense_scores.tree_scores(vectors, nodes, tree))
    log_own = np.minimum(log_own, -np.finfo(float).tiny)

    def changes(rates):
        used = rates.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = np.where(own > 0, own * (log_own - np.log(used)), 0)
            rest = (sums - own) * (np.log(-np.expm1(log_own)) - np.log1p(-used))
        return apart + np.where(sums > own, rest, 0)

    assert (changes(rates) <= 1e-5 * np.maximum(sums, 1)).all()
    assert changes(rates).sum() < 0
    # Sabotage: rates of other words.
    assert changes(np.roll(rates, 3)).max() > 1


def test_powers_of_a_tree_make_the_training_text_likelier():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(share_bins, "LEAST_GAIN_NATS", 0.0)
        text = chain_sentences(2, 30, sentences=500, noise=0.2)
        model = fitted(text, "hierarchical", epochs=10, vector_size=8)
    kept, losses = model._trained, {}
    peaks = model.embeddings.peaks
    inverse = peaks._replace(powers=tuple(1 / power for power in peaks.powers))
    for name, used in (("fitted", peaks), ("none", None), ("other way", inverse)):
        model._trained = replace(kept, embeddings=replace(kept.embeddings, peaks=used))
        losses[name] = model.perplexity(text).loss_nats
        part = model.perplexity(text[:15]).loss_nats
        assert part == pytest.approx(naive_loss(model, text[:15]), rel=2e-5)
    assert losses["fitted"] < losses["none"] - 1e-3
    assert losses["other way"] > losses["none"]


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_the_bias_of_a_tree_makes_the_training_text_likelier(model):
    """Whose leaves near the root are taken for likely after every word."""
    text = chain_sentences(5, 40, sentences=500, noise=0.3, skew=1.0)
    trained = fitted(text, "hierarchical", model=model, epochs=3, vector_size=4)
    kept, losses = trained._trained, {}
    bias = trained.embeddings.out_bias
    assert bias.any()
    for name, used in (("fitted", bias), ("none", np.zeros_like(bias)), ("other way", -bias)):
        trained._trained = replace(kept, embeddings=replace(kept.embeddings, out_bias=used))
        losses[name] = trained.perplexity(text).loss_nats
        part = trained.perplexity(text[:15]).loss_nats
        assert part == pytest.approx(naive_loss(trained, text[:15]), rel=2e-5)
    assert losses["fitted"] < losses["none"] - 1e-3
    assert losses["other way"] > losses["none"]


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_threads_of_blas_decide_nothing(model):
    generator = np.random.default_rng(5)
    ids = (2000 * generator.random(200_000) ** 4).astype(np.int32)
    tokens = EncodedTokens(ids, np.arange(0, 200_001, 20), len(ids), 0)
    vectors = generator.normal(0, 0.2, (2, 2000, 16)).astype(np.float32)
    log_unigram = np.log((np.bincount(ids, minlength=2000) + 1) / 202_000).astype(np.float32)
    settings = Hyperparameters(objective="negative", model=model, vector_size=16)
    found = []
    for threads in (1, 3):
        with WorkerPool(2) as pool, threadpool_limits(threads, "blas"):
            fit = score_fit(tuple(vectors), log_unigram, tokens, settings, pool)
        found.append((fit.temperature, fit.loss_nats, fit.out_bias.tobytes(), fit.peaks))
    assert found[0] == found[1]


def test_scores_beyond_measure_are_calibrated_or_told():
    ids = np.tile(np.array([0, 1, 2, 0, 0], np.int32), 50)
    tokens = EncodedTokens(ids, np.array([0, 100, 250]), 250, 0)
    settings = Hyperparameters(objective="negative", window=2)
    log_unigram = np.log(np.array([0.6, 0.2, 0.2])).astype(np.float32)
    for scale in (0.0, 1e-30, 1e-3, 1e3, 1e8, 1e18):
        vectors = np.array([[1.0, 2.0], [-1.0, 0.5], [0.3, -1.0]], np.float32) * np.float32(scale)
        with WorkerPool(1) as pool:
            try:
                found = score_fit((vectors, vectors), log_unigram, tokens, settings, pool)
            except DivergenceError:
                assert scale > 1e3
                continue
        assert np.isfinite(found.loss_nats)
        assert np.isfinite(found.out_bias).all()
        assert found.self_rates is not None
        assert 0 < found.self_rates.min() <= found.self_rates.max() < 1
