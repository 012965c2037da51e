"""Calibration: planted temperatures come back, and all objectives become one model."""

import numpy as np
import pytest
from scipy.special import logsumexp

from fastw2v import Word2Vec
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import DivergenceError
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.losses.calibration import (
    Calibration,
    calibrate,
    calibrated_loss,
    context_log_probabilities,
)
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.losses.rows import CentreRows
from fastw2v.objectives.losses.scores import SoftmaxScores, TreeScores
from fastw2v.system.threads import WorkerPool
from fastw2v.text.reading import encode_corpus
from tests.objectives.test_rows import encoded
from tests.support import dense_scores
from tests.support.corpora_made import chain_sentences
from tests.support.dense_softmax import pair_counts
from tests.support.unfitted import unfitted

V, D = 60, 8


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2) as workers:
        yield workers


class Planted:
    """Counts that are the expectation of a model p ~ e^(u . v + b), so that t = s = 1 is best."""

    def __init__(self, seed=1):
        generator = np.random.default_rng(seed)
        self.v = generator.standard_normal((V, D)).astype(np.float32)
        self.u = (0.7 * generator.standard_normal((V, D))).astype(np.float32)
        self.log_unigram = np.log(generator.dirichlet(np.ones(V))).astype(np.float32)
        x = self.v.astype(np.float64) @ self.u.T + self.log_unigram
        p = np.exp(x - logsumexp(x, axis=1, keepdims=True))
        self.dense = np.round(1e6 * p * generator.uniform(0.5, 2, (V, 1))).astype(np.int64)
        self.counts = pair_counts(self.dense)

    def rows(self, **options):
        return CentreRows(self.v, self.counts, **options)


@pytest.fixture(scope="module")
def planted():
    return Planted()


def assert_temperature(calibration, expected, tolerance=1e-3):
    assert abs(calibration.temperature - expected) < tolerance * abs(expected)


@pytest.mark.parametrize("factor", [3.0, 1.0, 0.1, -2.0])
def test_a_planted_temperature_comes_back(pool, planted, factor):
    scores = SoftmaxScores((factor * planted.u).astype(np.float32), pool)
    found = calibrate(scores, planted.rows(), planted.log_unigram)
    assert_temperature(found, 1 / factor)
    assert found.unigram_weight == pytest.approx(1, abs=1e-3)
    z = planted.v.astype(np.float64) @ planted.u.T
    least = dense_scores.softmax_loss(z, planted.log_unigram, planted.dense, 1, 1)
    assert found.loss_nats == pytest.approx(least, rel=1e-5)
    with pytest.raises(AssertionError):
        assert_temperature(found, 1.01 / factor)


def test_scores_without_a_plant_are_calibrated_as_by_another_minimiser(pool, planted):
    generator = np.random.default_rng(4)
    outputs = generator.standard_normal((V, D)).astype(np.float32)
    z = planted.v.astype(np.float64) @ outputs.T
    t, s, loss = dense_scores.best_calibration(z, planted.log_unigram, planted.dense)
    found = calibrate(SoftmaxScores(outputs, pool), planted.rows(), planted.log_unigram)
    assert found.temperature == pytest.approx(t, abs=1e-4)
    assert found.unigram_weight == pytest.approx(s, abs=1e-4)
    assert found.loss_nats == pytest.approx(loss, rel=1e-6)


def test_a_flipped_gradient_does_not_pass(monkeypatch, pool, planted):
    scores = SoftmaxScores((3 * planted.u).astype(np.float32), pool)
    honest = scores.moments

    def flipped(*arguments):
        moments = honest(*arguments)
        moments[:, 1] *= -1
        return moments

    monkeypatch.setattr(scores, "moments", flipped)
    with pytest.raises((AssertionError, DivergenceError)):
        assert_temperature(calibrate(scores, planted.rows(), planted.log_unigram), 1 / 3)


def test_a_tree_is_calibrated_too(pool):
    generator = np.random.default_rng(6)
    inputs = generator.standard_normal((V, D)).astype(np.float32)
    nodes = generator.standard_normal((V - 1, D)).astype(np.float32)
    tree = huffman_tree(np.arange(1, V + 1))
    log_unigram = np.log(generator.dirichlet(np.ones(V))).astype(np.float32)
    z = dense_scores.tree_scores(inputs, nodes, tree)
    x = 0.5 * z + 0.8 * log_unigram
    dense = np.round(1e7 * np.exp(x - logsumexp(x, axis=1, keepdims=True))).astype(np.int64)
    rows = CentreRows(inputs, pair_counts(dense))
    found = calibrate(TreeScores(nodes, tree, pool), rows, log_unigram)
    assert_temperature(found, 0.5)
    assert found.unigram_weight == pytest.approx(0.8, abs=1e-3)
    as_it_is = calibrated_loss(
        TreeScores(nodes, tree, pool), rows, log_unigram, Calibration(1.0, 0.0, 0.0)
    )
    assert as_it_is == pytest.approx(float(-(dense * z).sum() / dense.sum()), rel=1e-5)


def test_a_sample_of_rows_gives_nearly_the_same(pool, planted):
    scores = SoftmaxScores((3 * planted.u).astype(np.float32), pool)
    found = calibrate(scores, planted.rows(sample=40, seed=3), planted.log_unigram)
    assert_temperature(found, 1 / 3, tolerance=0.02)


def test_the_exact_loss_is_calibrated_as_it_comes(pool, chain):
    settings = {"vector_size": 12, "window": 3, "min_count": 1, "epochs": 20, "batch_rows": 8}
    with unfitted():
        model = Word2Vec(sample=0, window_sample=0, **settings).fit(chain[:500])
    counts = count_pairs(encode_corpus(chain[:500], model.vocabulary), 40, 3, workers=1)
    log_unigram = context_log_probabilities(counts)
    scores = SoftmaxScores(model.out_vectors, pool)
    found = calibrate(scores, CentreRows(model.in_vectors, counts), log_unigram)
    assert_temperature(found, 1, tolerance=0.1)
    held_out = chain[500:]
    held_out_counts = count_pairs(encode_corpus(held_out, model.vocabulary), 40, 3, workers=1)
    rows = CentreRows(model.in_vectors, held_out_counts)
    loss = calibrated_loss(scores, rows, log_unigram, found)
    assert loss == pytest.approx(model.perplexity(held_out).loss_nats, abs=0.01)
    # As it comes: temperature 1 and the model's own bias.
    own = calibrated_loss(scores, rows, model.out_bias, Calibration(1.0, 1.0, 0.0))
    assert own == pytest.approx(model.perplexity(held_out).loss_nats, rel=1e-5)


def test_cbow_rows_are_calibrated(pool):
    generator = np.random.default_rng(8)
    sentences = chain_sentences(3, V, sentences=200)
    tokens = encoded([[int(word[1:]) for word in sentence] for sentence in sentences])
    vectors = generator.standard_normal((V, D)).astype(np.float32)
    outputs = generator.standard_normal((V, D)).astype(np.float32)
    rows = CbowRows(vectors, tokens, window=2, mean=True)
    log_unigram = context_log_probabilities(count_pairs(tokens, V, 2, workers=1))
    found = calibrate(SoftmaxScores(outputs, pool), rows, log_unigram)
    batches = list(rows)
    inputs = np.concatenate([batch.inputs for batch in batches]).astype(np.float64)
    dense = np.concatenate([dense_scores.dense_of(batch, V) for batch in batches])
    t, s, loss = dense_scores.best_calibration(inputs @ outputs.T, log_unigram, dense)
    assert (found.temperature, found.unigram_weight) == pytest.approx((t, s), abs=1e-4)
    assert found.loss_nats == pytest.approx(loss, rel=1e-6)


def test_scores_that_say_nothing_leave_the_unigram_distribution(pool, planted):
    scores = SoftmaxScores(np.zeros((V, D), np.float32), pool)
    log_unigram = context_log_probabilities(planted.counts)
    found = calibrate(scores, planted.rows(), log_unigram)
    assert found.unigram_weight == pytest.approx(1, abs=1e-3)
    assert found.loss_nats == pytest.approx(planted.counts.context_entropy_nats(), rel=1e-5)


def test_a_loss_that_falls_for_ever_is_followed_to_its_floor(pool):
    # Each word is seen with itself alone, and scores itself highest: the larger t, the better.
    vectors = np.eye(V, dtype=np.float32)
    rows = CentreRows(vectors, pair_counts(np.eye(V, dtype=np.int64)))
    log_unigram = np.full(V, -np.log(V), np.float32)
    found = calibrate(SoftmaxScores(vectors, pool), rows, log_unigram)
    assert found.loss_nats < 1e-6


def test_a_first_fit_to_few_rows_that_leads_astray_is_given_up(pool, planted):
    """The rows that it looks at say that the opposite is certain, where all together do not."""
    scores = SoftmaxScores(planted.u, pool)
    rows = planted.rows()
    (batch,) = rows
    likely = (planted.v.astype(np.float64) @ planted.u.T).argmin(axis=1).astype(np.int32)
    looked_at = np.arange(0, len(batch.inputs), 3)
    first = batch.contexts.indptr[looked_at]
    indices, weights = batch.contexts.indices.copy(), batch.contexts.weights.copy()
    for row, start in zip(looked_at, first, strict=True):
        weights[start : batch.contexts.indptr[row + 1]] = 0
        indices[start], weights[start] = likely[row], 1.0
    astray = batch._replace(contexts=batch.contexts._replace(indices=indices, weights=weights))
    dense = np.zeros((V, V))
    np.add.at(dense, (np.repeat(np.arange(V), np.diff(batch.contexts.indptr)), indices), weights)
    z = planted.v.astype(np.float64) @ planted.u.T
    t, s, loss = dense_scores.best_calibration(z, planted.log_unigram, dense)
    found = calibrate(scores, [astray], planted.log_unigram)
    assert found.loss_nats == pytest.approx(loss, rel=1e-5)
    assert (found.temperature, found.unigram_weight) == pytest.approx((t, s), rel=2e-3, abs=2e-3)


def test_words_that_were_never_a_context_keep_a_probability():
    log_unigram = context_log_probabilities(pair_counts([[0, 3, 0], [1, 0, 0], [0, 0, 0]]))
    np.testing.assert_allclose(np.exp(log_unigram), np.array([2, 4, 1]) / 7, rtol=1e-6)
