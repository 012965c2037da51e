"""The largest probabilities: listed by kernels, fitted to counts, and told everywhere alike."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fastw2v import Checkpoints, Word2Vec
from fastw2v.counts.build import counted_windows
from fastw2v.counts.matrix import PairCounts
from fastw2v.objectives.peaks import Peaks
from fastw2v.objectives.softmax import peak_fit
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.own_pairs import own_pairs
from fastw2v.objectives.softmax.peak_fit import KNOTS, PeakPairs, fitted_peaks, peak_pairs
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.objectives.softmax.text_fit import fit_to_text, loss_with_rates
from fastw2v.system.threads import WorkerPool
from fastw2v.text.reading import encode_corpus
from tests.objectives.test_text_fit import SETTINGS, dense, random_problem
from tests.objectives.test_unknown_words import UNKNOWN, naive_unknown_loss, sentences
from tests.training.test_resume import StoppedHereError, stopping_at

SOME = Peaks.at(0.05, 0.6)
OTHERS = [(0.2, 1.4), (0.01, 0.1), (0.1, 1.0)]


def changed(told, peaks):
    """The same as `Peaks.applied`, one number at a time."""
    (knot,), (power,) = peaks
    found = [[q if q <= knot else knot * (q / knot) ** power for q in row] for row in told.tolist()]
    return np.array([[p / sum(row) for p in row] for row in found])


def others_only(tables, bias):
    """The softmax of every word over the other ones, (V, V) float64."""
    inputs, outputs = tables.astype(float)
    scores = inputs @ outputs.T + bias
    np.fill_diagonal(scores, -np.inf)
    told = np.exp(scores - scores.max(axis=1, keepdims=True))
    return told / told.sum(axis=1, keepdims=True)


def counts_of(table, window=3):
    rows, columns = np.nonzero(table)
    starts = np.concatenate([[0], np.cumsum((table > 0).sum(axis=1))]).astype(np.int64)
    values = table[rows, columns].astype(np.int64)
    return PairCounts(starts, columns.astype(np.int32), values, window)


def batches_of(counts, tables, rows):
    ones = np.ones(counts.n_words)
    return CountBatches(counts, ones, dimensions=tables.shape[2], rows=rows, seed=1)


def listed(problem, least, rows=7, workers=1):
    """Pairs as kernels list them: (V, V) of log q, and of observed weights by a row's weight."""
    counts, tables, bias = problem
    found, observed = np.full((2, *([counts.n_words] * 2)), np.nan)
    with WorkerPool(workers) as pool:
        objective = ExactSoftmax(*tables, bias + 1, optimizer="sgd", max_rows=rows, pool=pool)
        layer = objective.layer
        scores = layer.scores_of(rows)
        for batch in batches_of(counts, tables, rows).one_epoch(0):
            objective.load(batch)
            log_sums = layer.log_sum_exps(bias, scores)
            own = own_pairs(layer, batch, log_sums, bias)
            pairs = peak_pairs(layer, batch, own, bias, scores, least)
            assert np.array_equal(np.lexsort((pairs.words, pairs.rows)), np.arange(len(pairs.rows)))
            centres = batch.centres[pairs.rows]
            found[centres, pairs.words] = pairs.log_q
            observed[centres, pairs.words] = pairs.observed / batch.row_weights[pairs.rows]
    return found, observed


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0, 6.0])
def test_pairs_above_a_bound_are_those_of_plain_numpy(scale):
    """At the largest scale some words are nearly all of their own row."""
    problem = random_problem(4, n_words=150, dimensions=9, scale=scale)
    counts, tables, bias = problem
    q, seen = others_only(tables, bias), dense(counts)
    shares = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    for least in (0.01, 0.1, 0.5):
        found, observed = listed(problem, least)
        expected = (q >= least) & (seen.sum(axis=1) > 0)[:, None]
        near = np.abs(q / least - 1) < 1e-3  # either is right
        assert np.array_equal(~np.isnan(found) | near, expected | near)
        both = ~np.isnan(found) & expected
        assert both.any() or scale == 0.3
        assert np.allclose(found[both], np.log(q[both]), atol=2e-4 * max(1, scale**2))
        assert np.allclose(observed[both], shares[both], rtol=1e-5)


def test_neither_rows_nor_workers_matter_for_the_list():
    problem = random_problem(5, n_words=700, dimensions=9)
    one = listed(problem, 0.02, rows=64)
    for workers in (2, 3):
        other = listed(problem, 0.02, rows=64, workers=workers)
        assert one[0].tobytes() == other[0].tobytes()
    other = listed(problem, 0.02, rows=300)
    assert np.allclose(one[0], other[0], atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("peaks", [SOME, *(Peaks.at(*one) for one in OTHERS)])
def test_applied_peaks_are_normalised_and_keep_the_order(peaks):
    told = others_only(random_problem(1, scale=2.0)[1], np.zeros(23))
    found = peaks.applied(told)
    assert np.allclose(found, changed(told, peaks), rtol=1e-12)
    assert np.allclose(found.sum(axis=1), 1, rtol=1e-12)
    for before, after in zip(told, found, strict=True):
        assert (np.diff(after[np.argsort(before)]) >= -1e-15).all()
    # Sabotage: a power below 0 would turn the order round.
    wrong = Peaks.at(peaks.lowest, -0.5).applied(told)
    assert any((np.diff(b[np.argsort(a)]) < 0).any() for a, b in zip(told, wrong, strict=True))


def planted(peaks, seed=3, n_words=60):
    """Counts that are what a softmax with peaks predicts."""
    _, tables, bias = random_problem(seed, n_words=n_words, dimensions=6, scale=0.9)
    q = others_only(tables, bias)
    table = np.rint(1e6 * peaks.applied(q)).astype(np.int64)
    return q, (counts_of(table), tables, bias)


def pairs_of(q, counts):
    rows, words = np.nonzero(q >= KNOTS[0])
    seen = dense(counts)
    return PeakPairs(rows, words, np.log(q[rows, words]), seen[rows, words], seen.sum(axis=1))


@pytest.mark.parametrize(
    "peaks", [Peaks.at(KNOTS[k], power) for k in (0, 2, 3) for power in (0.5, 0.8, 1.3)]
)
def test_planted_peaks_are_found(peaks):
    q, problem = planted(peaks)
    found = fitted_peaks(pairs_of(q, problem[0]), 3.0)
    assert found.lowest == peaks.lowest
    assert found.powers[0] == pytest.approx(peaks.powers[0], abs=1e-3)


def test_they_do_not_depend_on_threads_of_blas():
    """Above 10,000 numbers a product is shared among them."""
    n_rows, generator = 50_000, np.random.default_rng(3)
    rows, q = np.repeat(np.arange(n_rows), 2), generator.uniform(0.05, 0.45, 2 * n_rows)
    observed = 3.0 * generator.poisson(0.8 * q * 30)
    pairs = PeakPairs(rows, rows, np.log(q), observed, np.full(n_rows, 90.0))

    def found(threads):
        with threadpool_limits(threads, "blas"):
            peaks = fitted_peaks(pairs, 3.0)
            return peaks, pairs.loss_change(peaks)

    assert found(1) == found(2) == found(3)


def test_where_they_do_not_help_there_are_none():
    q, problem = planted(Peaks.at(0.1, 1.0))
    pairs = pairs_of(q, problem[0])
    assert fitted_peaks(pairs, 3.0) is None
    none = PeakPairs(*(part[:0] for part in pairs[:4]), pairs.others)
    assert fitted_peaks(none, 3.0) is None
    # By chance some numbers are always better than none: a text too short to tell has none.
    generator = np.random.default_rng(1)
    drawn = np.array([generator.multinomial(40, row / row.sum()) for row in q])
    few = pairs_of(q, counts_of(drawn))
    best = min(few.loss_change(peak_fit._fitted_power(few, knot)) for knot in KNOTS)
    assert best < 0
    assert fitted_peaks(few, 1.0) is None


@pytest.mark.parametrize("seed", range(4))
def test_a_fitted_power_is_the_least_of_its_line(seed):
    q, problem = planted(Peaks.at(0.12, 0.4), seed=seed + 10)
    pairs = pairs_of(q, problem[0])
    for knot in KNOTS:
        found = peak_fit._fitted_power(pairs, knot)
        least = pairs.loss_change(found)
        for power in np.linspace(*peak_fit._POWERS, 60):
            assert pairs.loss_change(Peaks.at(knot, float(power))) >= least - 1e-6


def naive_loss(problem, rates, peaks):
    """The exact loss of the counts, in double precision."""
    counts, tables, bias = problem
    told = others_only(tables, bias)
    if peaks is not None:
        told = changed(told, peaks)
    told *= (1 - rates)[:, None]
    np.fill_diagonal(told, rates)
    seen = dense(counts)
    with np.errstate(divide="ignore"):
        return -(seen[seen > 0] * np.log(told[seen > 0])).sum() / seen.sum()


def exact_loss(problem, rates, peaks, rows=10, workers=2):
    counts, tables, bias = problem
    with WorkerPool(workers) as pool:
        objective = ExactSoftmax(*tables, bias, optimizer="sgd", max_rows=rows, pool=pool)
        batches = batches_of(counts, tables, rows)
        return loss_with_rates(objective, batches, rates, None, peaks)


@pytest.mark.parametrize("scale", [0.3, 2.0, 5.0])
def test_the_loss_with_peaks_equals_plain_numpy(scale):
    problem = random_problem(2, scale=scale)
    rates = np.linspace(0.001, 0.3, 23).astype(np.float32)
    for peaks in (SOME, Peaks.at(0.2, 1.5)):
        expected = naive_loss(problem, rates.astype(float), peaks)
        assert exact_loss(problem, rates, peaks) == pytest.approx(expected, rel=1e-5)
    # A power of 1 goes another way round, to the same bits.
    assert exact_loss(problem, rates, Peaks.at(0.2, 1.0)) == exact_loss(problem, rates, None)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("seed", range(5))
def test_peaks_never_raise_the_loss_of_the_counts(monkeypatch, seed, scale):
    monkeypatch.setattr(peak_fit, "LEAST_GAIN_NATS", 0.0)
    counts, tables, bias = random_problem(seed, scale=scale)
    with WorkerPool(1) as pool:
        objective = ExactSoftmax(*tables, bias, optimizer="sgd", max_rows=7, pool=pool)
        found = fit_to_text(objective, batches_of(counts, tables, 7), counts, bias, counts.window)
    problem = counts, tables, bias + found.bias_step
    rates = found.self_rates.astype(float)
    before, after = (naive_loss(problem, rates, peaks) for peaks in (None, found.peaks))
    assert after <= before + 1e-7
    if scale >= 1:
        assert after < before - 1e-4
        # Sabotage: the other way.
        wrong = found.peaks._replace(powers=(2 - found.peaks.powers[0],))
        assert naive_loss(problem, rates, wrong) > before


@pytest.fixture(scope="module", params=["words", "subwords"])
def model(request):
    """A model with peaks, of a text that is too short to have them by the rule."""
    plain, features = {"window_sample": 0.0}, {"inputs": "subwords", "bucket": 300_000}
    asked = {} if request.param == "words" else plain | features
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peak_fit, "LEAST_GAIN_NATS", 0.0)
        found = Word2Vec(workers=1, **SETTINGS | asked | {"epochs": 30}).fit(sentences())
    assert found.embeddings.peaks is not None
    return found


def test_a_model_tells_them_and_keeps_them(model, tmp_path):
    model.save(tmp_path / "model")
    plain = replace(model.embeddings, peaks=None)
    for each in (model, Word2Vec.load(tmp_path / "model")):
        assert each.embeddings.peaks == model.embeddings.peaks
        for row, word in enumerate(each.vocabulary.words[:20]):
            told = each.embeddings.context_probabilities(word)
            assert told.sum() == pytest.approx(1)
            rate = float(each.embeddings.self_rates[row])
            q = plain.context_probabilities(word) / (1 - rate)
            q[row] = 0
            expected = (1 - rate) * changed(q[None], each.embeddings.peaks)[0]
            expected[row] = rate
            assert np.allclose(told, expected, rtol=1e-9)


def loss_of(embeddings, seen):
    told = np.array([embeddings.context_probabilities(w) for w in embeddings.vocabulary.words])
    return -(seen[seen > 0] * np.log(told[seen > 0])).sum() / seen.sum()


@pytest.fixture
def strong(model):
    """The model with peaks that nobody could overlook."""
    kept = model._trained
    model._trained = replace(kept, embeddings=replace(kept.embeddings, peaks=Peaks.at(0.02, 0.3)))
    yield model
    model._trained = kept


def without_peaks(model):
    return replace(model.embeddings, peaks=None)


def test_perplexity_is_that_of_the_probabilities_with_peaks(strong):
    for text in (sentences(), sentences(seed=7, n=40)):
        tokens = encode_corpus(text, strong.vocabulary, tokenizer="words")
        seen = dense(counted_windows(tokens, strong.vocabulary, strong.settings, workers=1))
        expected = loss_of(strong.embeddings, seen)
        assert strong.perplexity(text).loss_nats == pytest.approx(expected, rel=2e-6)
        # Sabotage: without them it is another number.
        assert abs(loss_of(without_peaks(strong), seen) - expected) > 1e-3


def test_unknown_words_have_them_too(strong):
    embeddings = strong.embeddings
    if embeddings.unknown is None:
        pytest.skip("words alone")
    plain = without_peaks(strong).context_probabilities(UNKNOWN[0])
    expected = changed(plain[None], embeddings.peaks)[0]
    assert np.allclose(embeddings.context_probabilities(UNKNOWN[0]), expected)
    text, widths = sentences(2, 60, unknown=2), np.ones(len(strong.vocabulary))
    window = strong.settings.window
    found = strong.perplexity(text).unknown_loss_nats
    expected = naive_unknown_loss(strong, text, widths, window=window)[0]
    assert found == pytest.approx(expected, rel=1e-5)
    # Sabotage: without them it is another number.
    strong._trained = replace(strong._trained, embeddings=without_peaks(strong))
    assert abs(naive_unknown_loss(strong, text, widths, window=window)[0] - expected) > 1e-3


def test_workers_do_not_matter_and_runs_go_on_to_the_same_peaks(model, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peak_fit, "LEAST_GAIN_NATS", 0.0)
        again = Word2Vec(model.settings, workers=3).fit(sentences())
        with pytest.raises(StoppedHereError):
            Word2Vec(model.settings, workers=1).fit(
                sentences(),
                callbacks=[stopping_at(20)],
                checkpoints=Checkpoints(tmp_path / "run", every="1epoch"),
            )
        resumed = Word2Vec.resume(tmp_path / "run", sentences())
    assert again.embeddings.peaks == resumed.embeddings.peaks == model.embeddings.peaks
