"""Scores over the vocabulary by tiles, against dense float64 twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import DivergenceError, VocabularyError
from fastw2v.kernels.formulas.skipgram import SparseRows, WordRows
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.softmax.score_tiles import TILE
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.losses.rows import RowBatch
from fastw2v.objectives.losses.scores import SoftmaxScores, TreeScores
from fastw2v.objectives.losses.share_bins import KNOTS, ShareBins, fitted_powers
from fastw2v.objectives.peaks import Peaks
from fastw2v.system.threads import WorkerPool
from tests.support import dense_scores

patient = settings(deadline=None, max_examples=25)  # the first call may compile
SIZES = st.tuples(st.integers(1, 2 * PANEL + 3), st.integers(1, 40), st.integers(1, 2 * TILE + 5))


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2) as workers:
        yield workers


def made(seed, n_rows, dimensions, n_words, scale=0.5):
    """Inputs, outputs, biases and a dense matrix of weights with no row empty."""
    generator = np.random.default_rng(seed)
    inputs = (scale * generator.standard_normal((n_rows, dimensions))).astype(np.float32)
    outputs = (scale * generator.standard_normal((n_words, dimensions))).astype(np.float32)
    biases = np.log(generator.dirichlet(np.ones(n_words)) + 1e-6).astype(np.float32)
    dense = generator.integers(0, 4, (n_rows, n_words)) * (generator.random(n_words) < 0.5)
    dense[:, 0] = 1
    return inputs, outputs, biases, dense


def assert_moments(came, expected):
    largest = np.abs(expected).max(axis=0)
    np.testing.assert_allclose(came, expected, rtol=2e-4, atol=1e-5 * (1 + largest[1:3].max() ** 2))
    np.testing.assert_allclose(came[:, :3], expected[:, :3], rtol=1e-5, atol=3e-6)


@patient
@given(st.integers(0, 1000), SIZES, st.floats(0.1, 3), st.floats(0, 2))
def test_moments_of_a_softmax_are_those_of_the_twin(pool, seed, sizes, t, s):
    inputs, outputs, biases, dense = made(seed, *sizes)
    batch = dense_scores.row_batch(inputs, dense)
    z = inputs.astype(np.float64) @ outputs.T.astype(np.float64)
    scores = SoftmaxScores(outputs, pool)
    assert_moments(scores.moments(batch, biases, t, s), dense_scores.moments(z, biases, t, s))
    rows, columns = np.nonzero(dense)
    np.testing.assert_allclose(scores.observed(batch), z[rows, columns], rtol=1e-5, atol=1e-5)


@patient
@given(st.integers(0, 1000), SIZES, st.floats(0.1, 3), st.floats(0, 2))
def test_moments_of_a_tree_are_those_of_the_twin(pool, seed, sizes, t, s):
    inputs, nodes, biases, dense = made(seed, *sizes)
    tree = huffman_tree(np.random.default_rng(seed).integers(1, 100, len(nodes)))
    batch = dense_scores.row_batch(inputs, dense)
    z = dense_scores.tree_scores(inputs, nodes, tree)
    scores = TreeScores(nodes, tree, pool)
    assert_moments(scores.moments(batch, biases, t, s), dense_scores.moments(z, biases, t, s))
    rows, columns = np.nonzero(dense)
    np.testing.assert_allclose(scores.observed(batch), z[rows, columns], rtol=1e-5, atol=1e-5)
    raw = scores.moments(batch, biases, 1.0, 0.0)
    np.testing.assert_allclose(raw[:, 0], 0, atol=1e-5)  # the leaves sum to one


@patient
@given(st.integers(0, 1000), SIZES, st.sampled_from([-2.0, 1e-3, 1.0, 3.0]), st.booleans())
def test_moments_without_a_word_are_those_over_the_others(pool, seed, sizes, t, is_tree):
    inputs, outputs, biases, dense = made(seed, *sizes[:2], sizes[2] + 1)
    left_out = np.random.default_rng(seed).integers(0, len(outputs), len(inputs)).astype(np.int32)
    outputs[left_out[0]] *= 6  # likely, or unlikely, beyond measure
    batch = dense_scores.row_batch(inputs, dense)._replace(left_out=WordRows.single(left_out))
    if is_tree:
        tree = huffman_tree(np.random.default_rng(seed).integers(1, 100, len(outputs)))
        z = dense_scores.tree_scores(inputs, outputs, tree)
        scores = TreeScores(outputs, tree, pool)
    else:
        z = inputs.astype(np.float64) @ outputs.T.astype(np.float64)
        scores = SoftmaxScores(outputs, pool)
    found = scores.moments(batch, biases, t, 1.0)
    z = np.where(np.arange(len(outputs)) == left_out[:, None], 0.0, z)  # whatever it is
    expected = dense_scores.moments(z, biases, t, 1.0, left_out)
    assert_moments(found, expected)


@pytest.mark.parametrize("score", [0.0, 40.0, 3e4])
@pytest.mark.parametrize("t", [1.0, -1.0, 1e-12])
def test_what_is_left_out_has_no_part_however_likely_it_is(pool, score, t):
    inputs, outputs, biases, dense = made(2, 5, 3, TILE + 1)  # the last tile has one word
    inputs[:, 2], outputs[:, 2] = 1.0, 0.0
    outputs[TILE] = (0.0, 0.0, score)
    left_out = np.full(5, TILE, np.int32)
    batch = dense_scores.row_batch(inputs, dense)
    z = inputs.astype(np.float64) @ outputs.T.astype(np.float64)
    expected = dense_scores.moments(z[:, :TILE], biases[:TILE], t, 1.0)
    scores = SoftmaxScores(outputs, pool)
    without = batch._replace(left_out=WordRows.single(left_out))
    assert_moments(scores.moments(without, biases, t, 1.0), expected)
    if score * t > 1:  # Sabotage: it is left in
        with pytest.raises(AssertionError):
            assert_moments(scores.moments(batch, biases, t, 1.0), expected)


@patient
@given(st.integers(0, 1000), SIZES)
def test_noise_losses_are_those_of_the_twin(pool, seed, sizes):
    inputs, outputs, biases, dense = made(seed, *sizes, scale=2.0)
    noise = (np.exp(biases) / np.exp(biases).sum()).astype(np.float32)
    z = inputs.astype(np.float64) @ outputs.T.astype(np.float64)
    expected = np.logaddexp(0, z) @ noise.astype(np.float64)
    batch = dense_scores.row_batch(inputs, dense)
    found = SoftmaxScores(outputs, pool).noise_losses(batch, noise)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("words_of_a_row", [1, 200])
def test_few_and_many_observed_leaves_are_those_of_the_twin(pool, words_of_a_row):
    inputs, nodes, _, _ = made(5, PANEL + 5, 9, 300)
    tree = huffman_tree(np.arange(1, 301))
    generator = np.random.default_rng(6)
    dense = np.zeros((len(inputs), 300), int)
    for row in dense:
        row[generator.choice(300, words_of_a_row, replace=False)] = 1
    rows, columns = np.nonzero(dense)
    expected = dense_scores.tree_scores(inputs, nodes, tree)[rows, columns]
    found = TreeScores(nodes, tree, pool).observed(dense_scores.row_batch(inputs, dense))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(found, expected[::-1], rtol=1e-5, atol=1e-5)


def test_a_forgotten_word_is_caught(pool):
    inputs, outputs, biases, dense = made(1, 40, 8, 50)
    z = inputs.astype(np.float64) @ outputs.T.astype(np.float64)
    found = SoftmaxScores(outputs, pool).moments(
        dense_scores.row_batch(inputs, dense), biases, 1.0, 1.0
    )
    assert_moments(found, dense_scores.moments(z, biases, 1, 1))
    for wrong in (
        dense_scores.moments(z[:, :-1], biases[:-1], 1, 1),
        dense_scores.moments(-z, biases, 1, 1),
        dense_scores.moments(z, biases, 1.01, 1),
        dense_scores.moments(z, biases, 1, 1.01),
    ):
        with pytest.raises(AssertionError):
            assert_moments(found, wrong)


def test_large_scores_do_not_overflow(pool):
    inputs, outputs, biases, dense = made(2, 3, 4, 60, scale=100.0)
    batch = dense_scores.row_batch(inputs, dense)
    z = inputs.astype(np.float64) @ outputs.T.astype(np.float64)
    assert np.abs(z).max() > 1e4
    found = SoftmaxScores(outputs, pool).moments(batch, biases, 1.0, 1.0)
    expected = dense_scores.moments(z, biases, 1, 1)
    np.testing.assert_allclose(found[:, :3], expected[:, :3], rtol=1e-5)
    noise = np.full(60, 1 / 60, np.float32)
    losses = SoftmaxScores(outputs, pool).noise_losses(batch, noise)
    np.testing.assert_allclose(losses, np.logaddexp(0, z).mean(axis=1), rtol=1e-5)


def test_results_do_not_depend_on_the_workers():
    inputs, outputs, biases, dense = made(3, 5 * PANEL, 12, 300)
    tree = huffman_tree(np.arange(1, 301))
    batch = dense_scores.row_batch(inputs, dense)
    results = []
    for workers in (1, 3):
        with WorkerPool(workers) as workers_pool:
            flat, deep = (
                SoftmaxScores(outputs, workers_pool),
                TreeScores(outputs, tree, workers_pool),
            )
            results.append(
                [scores.moments(batch, biases, 1.0, 1.0).tobytes() for scores in (flat, deep)]
                + [scores.observed(batch).tobytes() for scores in (flat, deep)]
                + [flat.noise_losses(batch, np.exp(biases)).tobytes()]
            )
    assert results[0] == results[1]


def test_what_does_not_fit_is_refused(pool):
    inputs, outputs, biases, dense = made(4, 3, 8, 10)
    batch = dense_scores.row_batch(inputs, dense)
    with pytest.raises(VocabularyError, match="inputs: expected 7 dimensions"):
        SoftmaxScores(outputs[:, :7], pool).observed(batch)
    with pytest.raises(ValueError, match="contexts: index: expected a word from 0 to"):
        SoftmaxScores(outputs[:1], pool).observed(
            batch._replace(contexts=batch.contexts._replace(indices=batch.contexts.indices + 5))
        )
    with pytest.raises(VocabularyError, match=r"biases: expected float32 \(10,\)"):
        SoftmaxScores(outputs, pool).moments(batch, biases[:9], 1.0, 1.0)
    with pytest.raises(VocabularyError, match="expected one for each of 11 inner nodes, got 10"):
        TreeScores(outputs, huffman_tree(np.ones(12, int)), pool)
    outputs[3, 2] = np.nan
    with pytest.raises(DivergenceError, match="out_vectors: expected finite numbers"):
        SoftmaxScores(outputs, pool)


@patient
@given(st.integers(0, 1000), SIZES, st.sampled_from([0.5, 1.0, 3.0]))
def test_shares_by_bin_and_masses_are_those_of_the_twin(seed, sizes, t):
    inputs, outputs, biases, dense = made(seed, *sizes[:2], sizes[2] + 2)
    generator = np.random.default_rng(seed)
    lists = [generator.permutation(len(outputs))[: generator.integers(0, 3)] for _ in inputs]
    starts = np.cumsum([0, *map(len, lists)])
    left_out = WordRows(starts, np.concatenate(lists).astype(np.int32))
    batch = dense_scores.row_batch(inputs, dense)._replace(left_out=left_out)
    z = t * (inputs.astype(np.float64) @ outputs.T.astype(np.float64)) + biases
    for row, words in enumerate(lists):
        z[row, words] = -np.inf
    log_q = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    weights = generator.random(len(inputs))
    came = []
    for workers in (1, 3):
        with WorkerPool(workers) as workers_pool:
            scores = SoftmaxScores(outputs, workers_pool)
            log_sums = scores.log_sums(batch, biases, t)
            masses = np.zeros(len(outputs))
            scores.add_masses(batch, (t, biases), log_sums, weights, masses)
            shares = scores.share_bins(batch, (t, biases), log_sums, (-6.0, 2.0, 12))
            came.append((masses, shares))
    assert all(one.tobytes() == other.tobytes() for one, other in zip(*came, strict=True))
    np.testing.assert_allclose(masses, weights @ np.exp(log_q), rtol=1e-5, atol=1e-6)
    assert_shares(shares, log_q)


@patient
@given(st.integers(0, 1000), SIZES)
def test_shares_of_a_tree_by_bin_and_masses_are_those_of_the_twin(seed, sizes):
    inputs, nodes, biases, dense = made(seed, *sizes[:2], sizes[2] + 2)
    n_words = len(nodes)
    tree = huffman_tree(np.random.default_rng(seed).integers(1, 100, n_words))
    own = np.random.default_rng(seed).integers(0, n_words, len(inputs))
    batch = dense_scores.row_batch(inputs, dense)._replace(left_out=WordRows.single(own))
    log_q = dense_scores.tree_scores(inputs, nodes, tree) + biases
    log_q[np.arange(len(own)), own] = -np.inf
    log_q -= np.logaddexp.reduce(log_q, axis=1, keepdims=True)
    weights = np.random.default_rng(seed).random(len(inputs))
    came = []
    for workers in (1, 3):
        with WorkerPool(workers) as workers_pool:
            scores = TreeScores(nodes, tree, workers_pool)
            log_sums = scores.log_sums(batch, biases, 1.0)
            masses = np.zeros(n_words)
            scores.add_masses(batch, (1.0, biases), log_sums, weights, masses)
            shares = scores.share_bins(batch, (1.0, biases), log_sums, (-6.0, 2.0, 12))
            came.append((masses, shares))
    assert all(one.tobytes() == other.tobytes() for one, other in zip(*came, strict=True))
    expected = weights @ np.exp(log_q)
    np.testing.assert_allclose(masses, expected, rtol=1e-5, atol=1e-6)
    assert_shares(shares, log_q)
    # Sabotage: rows that weigh alike.
    alike = np.exp(log_q).sum(axis=0) * weights.mean()
    assert len(inputs) < 3 or not np.allclose(alike, expected, rtol=1e-5)


def assert_shares(shares, log_q):
    """Of 12 bins, two a nat from -6 on."""
    places = np.clip((log_q + 6.0) * 2.0, -100.5, 11)
    edges = (np.abs(places - np.rint(places)) < 1e-3) & (places < 11)  # rounding may cross them
    for row in np.flatnonzero(~edges.any(axis=1)):
        is_in = places[row] >= 0
        expected = np.bincount(
            places[row][is_in].astype(int), np.exp(log_q[row][is_in]), minlength=12
        )
        np.testing.assert_allclose(shares[row], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("power", [0.02, 40.0])
def test_powers_beyond_their_bounds_end_there(power):
    """And the others are as good as they can be beside it; the loss never rises."""
    generator = np.random.default_rng(2)
    inputs = generator.normal(0, 1.0, (60, 8)).astype(np.float32)
    outputs = generator.normal(0, 0.8, (400, 8)).astype(np.float32)
    z = inputs.astype(np.float64) @ outputs.T.astype(np.float64)
    q = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
    powers = (1.0, 1.0, 1.0, 1.0, 1.3, power, 0.7, 0.7, 0.7)
    p = Peaks(KNOTS, powers).applied(q)
    batch = RowBatch(
        inputs, SparseRows(np.arange(61) * 400, np.tile(np.arange(400), 60), 1e4 * p.ravel())
    )
    with WorkerPool(2) as pool:
        fit = (1.0, np.zeros(400, np.float32))
        bins = ShareBins.of_rows(SoftmaxScores(outputs, pool), [batch], fit)
    found = fitted_powers(bins)
    at_bound = min(max(power, 0.1), 10.0)
    assert found.powers[5] == at_bound
    least = bins.loss_change(found)
    assert least < bins.loss_change(Peaks(KNOTS, (*powers[:5], at_bound, *powers[6:]))) < 0
    for place in range(9):
        for factor in (0.98, 1.02):
            tried = list(found.powers)
            tried[place] = min(max(tried[place] * factor, 0.1), 10.0)
            assert bins.loss_change(Peaks(KNOTS, tuple(tried))) >= least - 1e-3


def test_planted_powers_are_found():
    """Of a text that is what powers above knots make of a softmax."""
    generator = np.random.default_rng(1)
    inputs = generator.normal(0, 1.0, (60, 8)).astype(np.float32)
    outputs = generator.normal(0, 0.8, (400, 8)).astype(np.float32)
    biases = np.zeros(400, np.float32)
    z = inputs.astype(np.float64) @ outputs.T.astype(np.float64)
    q = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
    powers = (1.0, 1.0, 1.0, 1.0, 1.3, 1.3, 0.7, 0.7, 0.7)
    p = Peaks(KNOTS, powers).applied(q)
    batch = RowBatch(
        inputs, SparseRows(np.arange(61) * 400, np.tile(np.arange(400), 60), 1e4 * p.ravel())
    )
    with WorkerPool(2) as pool:
        bins = ShareBins.of_rows(SoftmaxScores(outputs, pool), [batch], (1.0, biases))
    found = fitted_powers(bins)
    np.testing.assert_allclose(np.array(found.powers)[4:8], powers[4:8], atol=0.02)
    exact = 1e4 * (p * np.log(q / p)).sum()
    assert bins.loss_change(found) == pytest.approx(exact, rel=1e-2)
    assert bins.loss_change(Peaks(KNOTS, powers)) == pytest.approx(exact, rel=1e-2)
    # Sabotage: the other way, or a text that is as the softmax says.
    assert bins.loss_change(Peaks(KNOTS, tuple(1 / power for power in powers))) > 0
    plain = bins._replace(weights=1e4 * q.ravel())
    assert fitted_powers(plain) is None
