"""Both kinds of batches: each centre once, one and the same gradient, an order from the seed."""

import threading
import time
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.config import Hyperparameters
from fastw2v.counts.pairs import count_pairs
from fastw2v.objectives.softmax.batches import CountBatches, TokenBatches, prefetched
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from tests.support.dense_softmax import exact

DIMENSIONS = 5
PLAIN_STEP = Hyperparameters(optimizer="sgd", learning_rate=1.0, bias="learned")
patient = settings(deadline=None, max_examples=60)  # the first call may compile


def encoded(sentences):
    """Sentences of ids, as the encoder would give them."""
    starts = np.cumsum([0, *map(len, sentences)]).astype(np.int64)
    ids = np.array([word for sentence in sentences for word in sentence], np.int32)
    return EncodedTokens(ids, starts, len(ids), 0)


def random_tokens(seed, n_words, sentences=40, longest=15):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(0, longest + 1, sentences)
    return encoded([generator.integers(0, n_words, n).tolist() for n in lengths])


def random_keep(seed, n_words):
    return np.random.default_rng(seed).uniform(0.05, 1, n_words)


def naive_weights(tokens, keep, window):
    """Dense weights of all pairs, by a double loop over the text."""
    weights = np.zeros((len(keep), len(keep)))
    for first, last in zip(tokens.sentence_starts[:-1], tokens.sentence_starts[1:], strict=True):
        sentence = tokens.ids[first:last]
        for i, centre in enumerate(sentence):
            for j, context in enumerate(sentence):
                if i != j and abs(i - j) <= window:
                    weights[centre, context] += window - abs(i - j) + 1
    return weights * keep[:, None] * keep[None, :]


def count_batches(tokens, keep, window=3, rows=256, seed=1):
    counts = count_pairs(tokens, len(keep), window, workers=1)
    return CountBatches(counts, keep, dimensions=DIMENSIONS, rows=rows, seed=seed)


def token_batches(tokens, keep, window=3, stretch=16, seed=1):
    return TokenBatches(
        tokens,
        keep,
        dimensions=DIMENSIONS,
        window=window,
        stretch=stretch,
        total_weight=naive_weights(tokens, keep, window).sum(),
        seed=seed,
    )


def summed_weights(batches, number=0):
    """Dense weights of one epoch, the scale of its kind undone."""
    n_words = len(batches.keep)
    weights = np.zeros((n_words, n_words))
    for batch in batches.one_epoch(number):
        assert len(np.unique(batch.centres)) == len(batch.centres) <= batches.max_rows
        for row, centre in enumerate(batch.centres):
            entries = batch.entry_rows == row
            weights[centre, batch.columns[entries]] += batch.weights[entries]
            own = batch.weights[entries].sum(dtype=np.float64)
            assert batch.row_weights[row] == pytest.approx(own, rel=1e-5, abs=1e-12)
    return weights / batches.scale


def summed_gradients(batches, tables):
    """Loss and gradients of one epoch from SGD at rate 1, each batch from the same parameters."""
    rule = Optimizer(PLAIN_STEP, 1).rules(0)
    sums = [0.0, *(np.zeros(table.shape) for table in tables)]
    with WorkerPool(1) as pool:
        for batch in batches.one_epoch(0):
            step = ExactSoftmax(*tables, optimizer="sgd", max_rows=batches.max_rows, pool=pool)
            sums[0] += step.step(batch, rule)
            after = (step.in_vectors, step.out_vectors, step.out_bias)
            for i, (table, stepped) in enumerate(zip(tables, after, strict=True)):
                sums[i + 1] += table.astype(np.float64) - stepped
    return [part / batches.scale for part in sums]


def agree(came, wanted):
    """Whether loss and gradients agree to single precision, relative to the largest."""
    return all(
        np.allclose(a, b, rtol=0, atol=3e-5 * max(np.abs(b).max(), 1e-3))
        for a, b in zip(came, wanted, strict=True)
    )


def random_tables(seed, n_words):
    generator = np.random.default_rng(seed)
    vectors = generator.normal(0, 0.5, (2, n_words, DIMENSIONS)).astype(np.float32)
    return vectors[0], vectors[1], generator.normal(0, 1, n_words).astype(np.float32)


sentences_of_ids = st.lists(st.lists(st.integers(0, 7), max_size=12), min_size=1, max_size=8)


@patient
@given(sentences_of_ids, st.integers(1, 40), st.integers(1, 6), st.integers(0, 3))
def test_both_kinds_add_up_to_all_pairs_of_the_text(sentences, size, window, number):
    tokens, keep = encoded(sentences), random_keep(len(sentences), 8)
    expected = naive_weights(tokens, keep, window)
    by_counts = count_batches(tokens, keep, window, rows=size)
    by_tokens = token_batches(tokens, keep, window, stretch=size)
    for batches in (by_counts, by_tokens):
        assert np.allclose(summed_weights(batches, number), expected, rtol=1e-6, atol=0)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 130), st.integers(1, 6), st.integers(0, 100))
def test_token_batches_add_up_to_the_count_gradient(stretch, window, seed):
    n_words = 30
    tokens, keep = random_tokens(seed, n_words, 20), random_keep(seed, n_words)
    tables = random_tables(seed, n_words)
    by_counts = summed_gradients(count_batches(tokens, keep, window, rows=7), tables)
    by_tokens = summed_gradients(token_batches(tokens, keep, window, stretch), tables)
    assert agree(by_tokens, by_counts)
    assert agree(by_tokens, exact(naive_weights(tokens, keep, window), *tables))


@pytest.mark.parametrize(
    "sabotage", ["cut at stretches", "contexts not thinned", "window", "scale"]
)
def test_the_comparison_catches_a_wrong_gradient(sabotage):
    n_words, window, stretch = 30, 3, 16
    tokens, keep = random_tokens(4, n_words), random_keep(4, n_words)
    tables = random_tables(4, n_words)
    wanted = summed_gradients(count_batches(tokens, keep, window), tables)
    came = summed_gradients(token_batches(tokens, keep, window, stretch), tables)
    assert agree(came, wanted)
    if sabotage == "cut at stretches":  # windows that stop where a batch does
        ends = np.unique([*tokens.sentence_starts, *range(0, len(tokens.ids), stretch)])
        cut = EncodedTokens(tokens.ids, ends.astype(np.int64), len(tokens.ids), 0)
        wrong = summed_gradients(token_batches(cut, keep, window, stretch), tables)
    elif sabotage == "contexts not thinned":
        wrong = exact(naive_weights(tokens, keep, window) / keep[None, :], *tables)
    elif sabotage == "window":
        wrong = summed_gradients(token_batches(tokens, keep, window + 1, stretch), tables)
    else:
        wrong = [part * 1.001 for part in came]
    assert not agree(wrong, wanted)


@pytest.mark.parametrize("rows", [1, 7, 19, 20, 256])
def test_every_centre_that_has_contexts_comes_once_an_epoch(rows):
    pairs = np.random.default_rng(9).integers(1, 20, (80, 2)).tolist()
    tokens = encoded([[0], *pairs])
    batches = count_batches(tokens, np.ones(20), rows=rows)
    has_contexts = np.flatnonzero(naive_weights(tokens, np.ones(20), 3).sum(axis=1))
    assert 0 < len(has_contexts) < 20  # word 0 stands alone
    for number in range(3):
        sizes = [len(batch.centres) for batch in batches.one_epoch(number)]
        centres = np.concatenate([batch.centres for batch in batches.one_epoch(number)])
        assert sorted(centres) == has_contexts.tolist()
        assert len(sizes) == batches.batches_per_epoch
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= batches.max_rows


@pytest.mark.parametrize("stretch", [1, 10, 10_000])
def test_every_stretch_of_text_comes_once_an_epoch(stretch):
    tokens = random_tokens(2, 30)
    batches = token_batches(tokens, np.ones(30), stretch=stretch)
    assert batches.batches_per_epoch == -(-len(tokens.ids) // stretch)
    whole = {batch.row_weights.sum() for batch in batches.one_epoch(0)}
    assert len(list(batches.one_epoch(5))) == batches.batches_per_epoch
    assert {batch.row_weights.sum() for batch in batches.one_epoch(5)} == whole


def test_weights_are_one_on_average():
    tokens, keep = random_tokens(3, 30), random_keep(3, 30)
    by_counts, by_tokens = count_batches(tokens, keep, rows=7), token_batches(tokens, keep)
    total = sum(batch.row_weights.sum() for batch in by_counts.one_epoch(0))
    assert total == pytest.approx(len(by_counts.centres))
    total = sum(batch.row_weights.sum() for batch in by_tokens.one_epoch(0))
    assert total == pytest.approx(len(tokens.ids))


def test_entries_are_cut_at_the_tiles_of_output_words():
    tile = count_batches(encoded([[0, 1]]), np.ones(2)).tile
    n_words = 2 * tile + 3
    ends = [0, tile - 1, tile, 2 * tile - 1, 2 * tile, n_words - 1]
    batches = count_batches(encoded([ends]), np.ones(n_words), window=9)
    assert batches.tile == tile
    batch = next(batches.one_epoch(0))
    assert batch.tile_starts[0] == 0
    assert batch.tile_starts[-1] == len(batch.columns)
    for number in range(3):
        entries = slice(batch.tile_starts[number], batch.tile_starts[number + 1])
        rows = batch.entry_rows[entries]
        assert (np.diff(rows) >= 0).all()
        for row in range(len(batch.centres)):
            columns = batch.columns[entries][rows == row]
            expected = [w for w in ends if w // tile == number and w != batch.centres[row]]
            assert columns.tolist() == expected


def in_lists(epoch):
    """Batches as lists; what a batch of all words does not have is None."""
    return [array if array is None else array.tolist() for batch in epoch for array in batch]


def flattened(batches, number):
    return in_lists(batches.one_epoch(number))


@pytest.mark.parametrize("make", [count_batches, token_batches])
def test_the_order_depends_on_seed_and_epoch_alone(make):
    tokens, keep = random_tokens(6, 30, 60), random_keep(6, 30)
    size = {"rows": 7} if make is count_batches else {"stretch": 20}
    fresh = make(tokens, keep, seed=5, **size)
    used = make(tokens, keep, seed=5, **size)
    list(used.one_epoch(0))
    next(used.one_epoch(7))  # left in the middle
    assert flattened(fresh, 3) == flattened(used, 3)
    assert flattened(fresh, 3) != flattened(fresh, 4)
    assert flattened(fresh, 3) != flattened(make(tokens, keep, seed=6, **size), 3)


def batch_threads():
    return [t for t in threading.enumerate() if t.name == "fastw2v-batches"]


def ended(thread_count=0):
    deadline = time.monotonic() + 5
    while len(batch_threads()) > thread_count and time.monotonic() < deadline:
        time.sleep(0.01)
    return len(batch_threads()) == thread_count


@pytest.mark.parametrize("make", [count_batches, token_batches])
@pytest.mark.parametrize("depth", [1, 2, 50])
def test_prefetched_batches_are_the_same(make, depth):
    tokens, keep = random_tokens(6, 30, 60), random_keep(6, 30)
    batches = make(tokens, keep)
    # Kept until the end: a batch must not share memory with one that is prepared later.
    ahead = list(prefetched(batches.one_epoch(2), depth))
    assert in_lists(ahead) == flattened(batches, 2)
    assert ended()


def test_nothing_is_prepared_far_ahead_and_an_early_stop_ends_the_thread():
    begun = []

    def endless():
        for i in range(10**9):
            begun.append(i)
            yield i

    ahead = prefetched(endless(), depth=2)
    assert begun == []
    assert list(islice(ahead, 5)) == [0, 1, 2, 3, 4]
    time.sleep(0.05)
    assert len(begun) <= 5 + 2 + 1  # handed out, waiting, and one that finds no room
    assert len(batch_threads()) == 1
    ahead.close()
    assert batch_threads() == []


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_of_the_producer_is_raised_where_it_is_consumed(error):
    def failing():
        yield "first"
        raise error

    ahead = prefetched(failing())
    assert next(ahead) == "first"
    with pytest.raises(type(error)) as caught:
        next(ahead)
    assert caught.value is error
    assert batch_threads() == []


def test_nothing_to_prepare():
    assert list(prefetched(iter([]))) == []
    assert batch_threads() == []
