"""Micro-benchmarks of the kernels: `make bench`, or pytest bench --benchmark-only."""

import numpy as np
import pytest
from numba import njit

from fastw2v.config import Hyperparameters
from fastw2v.counts.pairs import count_pairs
from fastw2v.kernels.formulas import functions, network, skipgram
from fastw2v.kernels.formulas.random_numbers import advance, scramble, seed_state
from fastw2v.kernels.simd.vectors import LANES, exponential, load, store
from fastw2v.kernels.softmax.updates import update_block
from fastw2v.kernels.stream.noise import draw
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.losses.calibration import calibrate, context_log_probabilities
from fastw2v.objectives.losses.rows import CentreRows
from fastw2v.objectives.losses.scores import SoftmaxScores, TreeScores
from fastw2v.objectives.noise import noise_table
from fastw2v.objectives.softmax.batches import CountBatches, TokenBatches
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.reading import read_corpus

N_WORDS, DIMENSIONS, ROWS, WINDOW = 5_000, 100, 256, 5


@pytest.fixture(scope="module")
def tokens():
    generator = np.random.default_rng(1)
    ids = (generator.random(500_000) ** 3 * N_WORDS).astype(np.int32)
    starts = np.arange(0, len(ids) + 1, 50, dtype=np.int64)
    return EncodedTokens(ids, starts, len(ids), 0)


@pytest.fixture(scope="module")
def counts(tokens):
    return count_pairs(tokens, N_WORDS, WINDOW, workers=1)


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(2).normal(0, 0.1, (2, N_WORDS, DIMENSIONS)).astype(np.float32)


def bench(benchmark, call, *arguments):
    """Run once to compile, then measure."""
    call(*arguments)
    return benchmark(call, *arguments)


@pytest.mark.parametrize("name", ["sigmoid", "log_sigmoid", "softmax"])
def test_function(benchmark, name):
    x = np.random.default_rng(0).normal(size=N_WORDS)
    result = bench(benchmark, getattr(functions, name), x)
    assert np.isfinite(result).all()


@njit
def exponentials(x, out):
    for i in range(0, x.size, LANES):
        store(out, i, exponential(load(x, i)))


def test_vector_exponential(benchmark):
    x = np.random.default_rng(0).normal(size=4096).astype(np.float32)
    out = np.empty_like(x)
    bench(benchmark, exponentials, x, out)
    assert np.allclose(out, np.exp(x), rtol=1e-6)


def test_pair_gradients(benchmark, vectors):
    result = bench(
        benchmark,
        skipgram.pair_loss_and_gradients,
        vectors[0, 0],
        vectors[1],
        np.zeros(N_WORDS, np.float32),
        3,
    )
    assert np.isfinite(result[0])


def test_network_gradients(benchmark):
    generator = np.random.default_rng(0)
    parameters = network.NetworkParameters(
        generator.normal(0, 0.1, (100, 64)),
        np.zeros(64),
        generator.normal(0, 0.1, (64, 20)),
        np.zeros(20),
    )
    inputs = generator.normal(size=(512, 100))
    targets = np.eye(20)[generator.integers(0, 20, 512)]
    result = bench(benchmark, network.loss_and_gradients, inputs, targets, parameters)
    assert np.isfinite(result.loss)


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_update(benchmark, optimizer):
    size = 12 * 112
    gradient = np.random.default_rng(0).normal(size=size).astype(np.float32)
    moments = np.zeros(({"adam": 2, "adagrad": 1, "sgd": 0}[optimizer], size), np.float32)
    values = np.zeros(size, np.float32)
    rule = Optimizer(Hyperparameters(optimizer=optimizer), 10).rules(0).output
    bench(benchmark, update_block, values, moments, 0, gradient, 0, size, rule)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("workers", [1, 2])
def test_exact_step(benchmark, counts, vectors, workers):
    batches = CountBatches(counts, np.ones(N_WORDS), dimensions=DIMENSIONS, rows=ROWS, seed=1)
    batch = next(batches.one_epoch(0))
    rules = Optimizer(Hyperparameters(), 1000).rules(5)
    with WorkerPool(workers) as pool:
        step = ExactSoftmax(*vectors, np.zeros(N_WORDS, np.float32), max_rows=ROWS, pool=pool)
        assert np.isfinite(bench(benchmark, step.step, batch, rules))


@pytest.mark.parametrize("workers", [1, 2])
def test_exact_loss(benchmark, counts, vectors, workers):
    batches = CountBatches(counts, np.ones(N_WORDS), dimensions=DIMENSIONS, rows=ROWS, seed=1)
    batch = next(batches.one_epoch(0))
    with WorkerPool(workers) as pool:
        step = ExactSoftmax(*vectors, np.zeros(N_WORDS, np.float32), max_rows=ROWS, pool=pool)
        assert np.isfinite(bench(benchmark, step.loss, batch))


def test_batch_of_counts(benchmark, counts):
    batches = CountBatches(counts, np.ones(N_WORDS), dimensions=DIMENSIONS, rows=ROWS, seed=1)
    centres = np.sort(batches.centres[:: len(batches.centres) // ROWS][:ROWS])
    assert len(bench(benchmark, batches.batch, centres).centres) == ROWS


def test_batch_of_tokens(benchmark, tokens, counts):
    total = float(counts.row_sums().sum())
    batches = TokenBatches(
        tokens,
        np.ones(N_WORDS),
        dimensions=DIMENSIONS,
        window=WINDOW,
        stretch=1024,
        total_weight=total,
        seed=1,
    )
    assert len(bench(benchmark, batches.batch, 4096).centres)


@pytest.mark.parametrize("workers", [1, 2])
def test_counting(benchmark, tokens, workers):
    def count():
        return count_pairs(tokens, N_WORDS, WINDOW, workers=workers)

    assert bench(benchmark, count).n_entries


@pytest.mark.parametrize("folder", [None, "encoded"])
@pytest.mark.parametrize("tokenizer", ["whitespace", "words"])
def test_reading(benchmark, tmp_path, tokenizer, folder):
    ids = (np.random.default_rng(1).random(200_000) ** 3 * N_WORDS).astype(int)
    path = tmp_path / "text.txt"
    lines = (" ".join(f"word{i}" for i in ids[k : k + 50]) for k in range(0, len(ids), 50))
    path.write_text("\n".join(lines))

    def read():
        return read_corpus(
            path, tokenizer=tokenizer, min_count=1, encoded_folder=folder and tmp_path / folder
        )

    assert bench(benchmark, read)[1].n_tokens == len(ids)


@njit
def sum_of_draws(table, size, state):
    total = 0
    for _ in range(size):
        state = advance(state)
        total += draw(table.thresholds, table.aliases, scramble(state))
    return total


def test_drawing_a_hundred_thousand_noise_words(benchmark, tokens):
    table = noise_table(np.bincount(tokens.ids, minlength=N_WORDS) + 1, 0.75)
    assert bench(benchmark, sum_of_draws, table, 100_000, seed_state(1, 1))


def test_huffman_tree(benchmark):
    counts = 10**7 // np.arange(1, 50_001)
    assert len(bench(benchmark, huffman_tree, counts).starts) == 50_001


@pytest.mark.parametrize("kind", ["softmax", "tree"])
def test_calibrating(benchmark, counts, vectors, kind):
    log_unigram = context_log_probabilities(counts)
    rows = CentreRows(vectors[0], counts, sample=1024)
    with WorkerPool(2) as pool:
        if kind == "softmax":
            scores = SoftmaxScores(vectors[1], pool)
        else:
            tree = huffman_tree(counts.context_sums().astype(np.int64))
            scores = TreeScores(vectors[1], tree, pool)
        assert np.isfinite(bench(benchmark, calibrate, scores, rows, log_unigram).loss_nats)
