"""Words beside themselves, and the step of the bias: against plain numpy, and never to worse."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fastw2v import Word2Vec
from fastw2v.counts.build import counted_windows
from fastw2v.counts.matrix import PairCounts
from fastw2v.counts.pairs import count_pairs
from fastw2v.objectives.softmax.batches import CountBatches, exact_loss
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.objectives.softmax.subsampled_loss import SubsampledLoss
from fastw2v.objectives.softmax.text_fit import (
    PRIOR_PAIRS,
    STEADY_PAIRS,
    fit_to_text,
    loss_with_rates,
    shrunk_rates,
)
from fastw2v.objectives.softmax.tile_layer import TileLayer
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.reading import read_corpus
from tests.objectives.test_unknown_words import sentences
from tests.support.unfitted import unfitted

SETTINGS = {"vector_size": 6, "window": 3, "min_count": 1, "epochs": 2}
CELLS = {
    "plain": {},
    "no subsampling": {"sample": 0.0},
    "plain windows": {"window_sample": 0.0, "sample": 1e-3},
    "no bias": {"bias": "none"},
    "learned bias": {"bias": "learned", "start": "random"},
    "subwords": {"inputs": "subwords", "bucket": 300_000},
    "tokens": {"batches": "tokens", "batch_tokens": 100},
    "certain": {"epochs": 300, "sample": 0.0, "learning_rate": 0.5},
}


def dense(counts):
    found = np.zeros((counts.n_words, counts.n_words))
    for row in range(counts.n_words):
        entries = slice(counts.indptr[row], counts.indptr[row + 1])
        found[row, counts.indices[entries]] = counts.values[entries]
    return found


def random_problem(seed, n_words=23, dimensions=5, scale=1.0):
    """Counts of a made-up text, vectors and a bias."""
    generator = np.random.default_rng(seed)
    ids = (generator.integers(0, n_words, 900) // generator.integers(1, 4, 900)).astype(np.int32)
    counts = count_pairs(EncodedTokens(ids, np.array([0, 400, 900]), 900, 0), n_words, 2, workers=1)
    tables = scale * generator.normal(size=(2, n_words, dimensions)).astype(np.float32)
    return counts, tables.astype(np.float32), generator.normal(size=n_words).astype(np.float32)


def fitted(problem, rows=7, workers=1):
    counts, tables, bias = problem
    with WorkerPool(workers) as pool:
        batches = CountBatches(
            counts, np.ones(counts.n_words), dimensions=tables.shape[2], rows=rows, seed=1
        )
        # The objective's own bias is that of training, and not the one that is asked about.
        objective = ExactSoftmax(*tables, bias + 1, optimizer="sgd", max_rows=rows, pool=pool)
        return fit_to_text(objective, batches, counts, bias, counts.window)


def naive_fit(problem):
    """The same, row by row and in double precision."""
    counts, tables, bias = problem
    seen, (inputs, outputs) = dense(counts), tables.astype(float)
    n_words, pair = len(seen), counts.window
    own, sums = np.diag(seen), seen.sum(axis=1)
    known = sums > 0
    mean = (own[known] / sums[known]).mean() + pair / sums.sum()
    rates = (own + PRIOR_PAIRS * pair * mean) / (sums + PRIOR_PAIRS * pair)
    masses = np.zeros(n_words)
    for row in range(n_words):
        told = np.exp(outputs @ inputs[row] + bias)
        told /= told.sum()
        if not sums[row]:
            continue
        between = sorted([own[row] / sums[row], told[row]])
        rates[row] = min(max(rates[row], between[0]), between[1])
        told[row] = 0
        masses += (sums[row] - own[row]) * told / told.sum()
    observed = seen.sum(axis=0) - own
    steady = STEADY_PAIRS * pair
    return rates, np.log((observed + steady) / (masses + steady))


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("seed", range(3))
def test_it_equals_plain_numpy(seed, scale):
    problem = random_problem(seed, scale=scale)
    found, expected = fitted(problem), naive_fit(problem)
    assert np.allclose(found.self_rates, expected[0], atol=1e-6)
    assert np.allclose(found.bias_step, expected[1], atol=2e-4 * max(1, scale**2))


def test_neither_rows_nor_workers_matter():
    problem = random_problem(5, n_words=700, dimensions=9)
    one = fitted(problem, rows=64)
    for other in (fitted(problem, rows=64, workers=3), fitted(problem, rows=64, workers=2)):
        assert one.self_rates.tobytes() == other.self_rates.tobytes()
        assert one.bias_step.tobytes() == other.bias_step.tobytes()
    other = fitted(problem, rows=300)
    assert np.allclose(one.self_rates, other.self_rates, atol=1e-6)
    assert np.allclose(one.bias_step, other.bias_step, atol=1e-4)


def exact_losses(problem, found):
    """The loss of the counts before, with rates, and with the step too; in double precision."""
    counts, tables, bias = problem
    seen, (inputs, outputs) = dense(counts), tables.astype(float)

    def loss(bias, rates):
        told = np.exp(inputs @ outputs.T + bias)
        told /= told.sum(axis=1, keepdims=True)
        if rates is not None:
            np.fill_diagonal(told, 0)
            told *= ((1 - rates) / told.sum(axis=1))[:, None]
            np.fill_diagonal(told, rates)
        with np.errstate(divide="ignore"):
            return -(seen[seen > 0] * np.log(told[seen > 0])).sum() / seen.sum()

    rates = found.self_rates.astype(float)
    return loss(bias, None), loss(bias, rates), loss(bias + found.bias_step, rates)


@pytest.mark.parametrize("scale", [0.0, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_neither_step_raises_the_loss_of_the_counts(seed, scale):
    problem = random_problem(seed, scale=scale)
    found = fitted(problem)
    before, with_rates, after = exact_losses(problem, found)
    assert with_rates <= before + 1e-7
    assert after <= with_rates + 1e-7
    assert after < before - 1e-3
    # Sabotage: a step the other way.
    wrong = found._replace(bias_step=-found.bias_step)
    assert exact_losses(problem, wrong)[2] > with_rates


def test_the_loss_with_rates_equals_plain_numpy():
    for scale in (0.3, 2.0, 5.0):
        problem = random_problem(2, scale=scale)
        counts, tables, bias = problem
        found = fitted(problem)
        with WorkerPool(2) as pool:
            batches = CountBatches(counts, np.ones(counts.n_words), dimensions=5, rows=10, seed=1)
            objective = ExactSoftmax(*tables, bias, optimizer="sgd", max_rows=10, pool=pool)
            loss = loss_with_rates(objective, batches, found.self_rates)
        assert loss == pytest.approx(exact_losses(problem, found)[1], rel=1e-5)


def test_the_table_is_asked_for_once_a_batch(monkeypatch):
    """It is a copy where it is on a device."""
    counts, tables, bias = random_problem(2, scale=20.0)
    tables[1] = tables[0]  # many words are certain of themselves
    asked, table = [], TileLayer.table
    monkeypatch.setattr(
        TileLayer, "table", property(lambda layer: asked.append(1) or table.fget(layer))
    )
    with WorkerPool(1) as pool:
        batches = CountBatches(counts, np.ones(counts.n_words), dimensions=5, rows=10, seed=1)
        objective = ExactSoftmax(*tables, bias, optimizer="sgd", max_rows=10, pool=pool)
        loss_with_rates(objective, batches, np.full(len(bias), 0.5, np.float32))
    assert 0 < len(asked) <= batches.batches_per_epoch


def test_a_word_that_is_nearly_all_of_its_row():
    """What is left of it is below the rounding of single precision."""
    counts, tables, bias = random_problem(3)
    tables[:, 4] = 5.0
    problem = counts, tables, bias
    found, expected = fitted(problem), naive_fit(problem)
    assert np.allclose(found.self_rates, expected[0], atol=1e-6)
    assert np.allclose(found.bias_step, expected[1], atol=1e-3)


def test_rates_are_drawn_to_the_mean_the_more_the_rarer_the_words():
    own = np.array([500.0, 5.0, 0.0, 0.0])
    sums = np.array([100_000.0, 1000.0, 10.0, 0.0])
    rates = shrunk_rates(own, sums, 1.0)
    mean = 0.01 / 3 + 1 / sums.sum()
    assert rates[0] == pytest.approx(0.005, rel=2e-3)
    assert rates[2] == pytest.approx(mean * PRIOR_PAIRS / (PRIOR_PAIRS + 10))
    assert rates[3] == pytest.approx(mean)
    assert (shrunk_rates(np.zeros(3), np.ones(3), 1.0) > 0).all()
    assert (shrunk_rates(np.ones(3), np.ones(3), 1.0) <= 1).all()


def test_own_counts_are_the_diagonal():
    for seed in range(3):
        counts = random_problem(seed)[0]
        assert np.array_equal(counts.self_counts(), np.diag(dense(counts)))


@pytest.fixture(scope="module", params=CELLS)
def pair(request):
    """A model without what is fitted, and one with it."""
    asked = SETTINGS | CELLS[request.param] | {"canonical": False}
    with unfitted():
        before = Word2Vec(workers=1, **asked).fit(sentences())
    return before, Word2Vec(workers=1, **asked).fit(sentences())


def test_models_explain_their_text_no_worse(pair):
    before, after = (model.perplexity(sentences()).loss_nats for model in pair)
    assert after < before
    assert np.array_equal(pair[0].in_vectors, pair[1].in_vectors)
    assert pair[0].embeddings.self_rates is None


def test_probabilities_sum_to_one_and_have_the_rates(pair, tmp_path):
    pair[1].save(tmp_path / "model")
    for model in (pair[1], Word2Vec.load(tmp_path / "model")):
        for word in model.vocabulary.words:
            told = dict(model.predict_context(word, topn=None))
            own = model.embeddings.self_rates[model.vocabulary.index(word)]
            assert sum(told.values()) == pytest.approx(1)
            assert told[word] == pytest.approx(float(own))


def test_perplexity_is_that_of_the_probabilities(pair):
    held_out = sentences(seed=7, n=40)
    model = pair[1]
    vocabulary, tokens = read_corpus(held_out, tokenizer="words", min_count=1)
    places = [model.vocabulary.index(word) for word in vocabulary.words]
    encoded = EncodedTokens(
        np.array(places, np.int32)[tokens.ids], tokens.sentence_starts, tokens.n_raw_tokens, 0
    )
    seen = dense(counted_windows(encoded, model.vocabulary, model.settings, workers=1))
    total = 0.0
    for row, word in enumerate(model.vocabulary.words):
        told = model.embeddings.context_probabilities(word)
        total -= (seen[row] * np.log(told, where=seen[row] > 0, out=np.zeros(len(told)))).sum()
    expected = total / seen.sum()
    assert model.perplexity(held_out).loss_nats == pytest.approx(expected, rel=1e-4)


def test_contexts_are_predicted_as_often_as_they_come(pair):
    """Nearer than before: it is one step, not the whole way."""
    vocabulary, tokens = read_corpus(sentences(), tokenizer="words", min_count=1)
    errors = []
    for model in pair:
        seen = dense(counted_windows(tokens, vocabulary, model.settings, workers=1))
        np.fill_diagonal(seen, 0)
        predicted = np.zeros(len(seen))
        for row, word in enumerate(vocabulary.words):
            told = model.embeddings.context_probabilities(word)
            told[row] = 0
            predicted += seen[row].sum() * told / told.sum()
        errors.append(np.abs(predicted - seen.sum(axis=0)).sum() / seen.sum())
    assert errors[1] < 0.7 * errors[0]
    assert errors[1] < 0.1


def test_lifts_are_probabilities_by_shares_of_the_text(pair):
    model = pair[1]
    counts = model.vocabulary.counts
    word = model.vocabulary.words[2]
    told, lifts = (dict(model.predict_context(word, None, by=by)) for by in ("probability", "lift"))
    for other, lift in lifts.items():
        share = counts[model.vocabulary.index(other)] / counts.sum()
        assert lift == pytest.approx(told[other] / share)
    assert list(lifts.values()) == sorted(lifts.values(), reverse=True)
    assert list(lifts) != list(told)
    assert math.isclose(sum(told.values()), 1, rel_tol=1e-6)


def test_one_word_alone_has_nothing_to_share_out():
    model = Word2Vec(vector_size=2, min_count=1, epochs=1).fit([["a"] * 6])
    assert model.predict_context("a") == [("a", pytest.approx(1))]


def loss_on_the_way(problem, keep, rows=7, workers=2):
    """The loss of training as the fit to the text finds it, and as a pass of its own does."""
    counts, tables, bias = problem
    options = {"dimensions": tables.shape[2], "rows": rows, "seed": 1}
    of_text = (bias - np.log(keep)).astype(np.float32)
    with WorkerPool(workers) as pool:
        objective = ExactSoftmax(*tables, bias, optimizer="sgd", max_rows=rows, pool=pool)
        alone = exact_loss(objective, CountBatches(counts, keep, **options))
        trained = SubsampledLoss(counts, keep)
        plain = CountBatches(counts, np.ones(counts.n_words), **options)
        found = fit_to_text(objective, plain, counts, of_text, counts.window, trained=trained)
        without = fit_to_text(objective, plain, counts, of_text, counts.window)
    assert found.self_rates.tobytes() == without.self_rates.tobytes()
    assert found.bias_step.tobytes() == without.bias_step.tobytes()
    return trained.loss_nats, alone


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
@pytest.mark.parametrize(("n_words", "rows"), [(23, 7), (23, 64), (700, 64)])
def test_the_loss_of_training_comes_with_the_fit(scale, n_words, rows):
    problem = random_problem(4, n_words=n_words, scale=scale)
    keep = np.random.default_rng(6).uniform(0.01, 1.0, n_words)
    found, alone = loss_on_the_way(problem, keep, rows)
    assert found == pytest.approx(alone, rel=1e-6)
    counts, (inputs, outputs), bias = problem[0], problem[1].astype(float), problem[2]
    logs = inputs @ outputs.T + bias
    logs -= np.log(np.exp(logs - logs.max(1, keepdims=True)).sum(1, keepdims=True))
    logs -= (inputs @ outputs.T + bias).max(1, keepdims=True)
    weights = dense(counts) * keep[:, None] * keep
    assert found == pytest.approx(-(weights * logs).sum() / weights.sum(), rel=1e-6)


@pytest.mark.parametrize("forgotten", ["sums", "pairs"])
def test_a_loss_without_what_subsampling_keeps_is_caught(forgotten, monkeypatch):
    keep = np.random.default_rng(6).uniform(0.01, 1.0, 23)
    if forgotten == "sums":
        means = TileLayer.predicted_means
        monkeypatch.setattr(TileLayer, "predicted_means", lambda *given: means(*given) ** 0)
    else:
        monkeypatch.setattr(SubsampledLoss, "weighed", lambda _, batch: batch)
    found, alone = loss_on_the_way(random_problem(4), keep, rows=16)
    assert found != pytest.approx(alone, rel=1e-3)


def test_the_loss_does_not_depend_on_threads_of_blas():
    """Above 10,000 numbers a product is shared among them."""
    n_words, generator = 50_000, np.random.default_rng(2)
    contexts = generator.permutation(n_words).astype(np.int32)
    times = generator.integers(1, 99, n_words).astype(np.int32)
    counts = PairCounts(np.arange(n_words + 1), contexts, times, 3)
    keep, means = generator.uniform(0.01, 1.0, (2, n_words))
    layer = SimpleNamespace(predicted_loss=lambda *_: 1.0, predicted_means=lambda *_: means)
    batch = SimpleNamespace(centres=np.arange(n_words), row_weights=np.ones(n_words))

    def loss_nats(threads):
        with threadpool_limits(threads, "blas"):
            found = SubsampledLoss(counts, keep)
            found.add(layer, batch, None, None)
        return found.loss_nats

    assert loss_nats(1) == loss_nats(2) == loss_nats(3)
