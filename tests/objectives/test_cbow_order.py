"""What CBOW draws for every epoch: the order of positions, which are kept, and their reaches."""

import numpy as np
import pytest
from scipy.stats import binom, spearmanr

from fastw2v.objectives.softmax.cbow_batches import CbowBatches
from fastw2v.text.encoded import EncodedTokens
from tests.support.statistical_checks import FrequencyMismatchError, assert_frequencies

TOKENS, RUN = 1600, 4


def windows_of(epoch, seed=1, keep=1.0, epochs=4):
    """The windows of an epoch; every word stands at one position, its own number."""
    ids = np.arange(TOKENS, dtype=np.int32)
    tokens = EncodedTokens(ids, np.array([0, TOKENS], np.int64), TOKENS, 0)
    batches = CbowBatches(
        tokens, np.full(TOKENS, keep), dimensions=2, window=2, rows=100, epochs=epochs, seed=seed,
        run=RUN,
    )  # fmt: skip
    return [batch.windows for batch in batches.one_epoch(epoch)]


def order_of(epoch, seed=1):
    """The positions of an epoch in order."""
    return np.concatenate([windows.words for windows in windows_of(epoch, seed)])


def related(one, other):
    """Whether places in one order tell of those in the other: a rank correlation beside chance."""
    places = [np.argsort(order)[::RUN] for order in (one, other)]
    return abs(spearmanr(*places).statistic) > 5 / np.sqrt(len(places[0]))


def test_every_epoch_has_its_own_order_of_all_positions():
    orders = [order_of(epoch) for epoch in range(3)] + [order_of(0, seed=2)]
    for order in orders:
        assert np.array_equal(np.sort(order), np.arange(TOKENS))
        runs = order.reshape(-1, RUN)
        assert (np.diff(runs, axis=1) == 1).all()  # what stands together stays together
        assert not related(order, np.arange(TOKENS))
    for k, one in enumerate(orders):
        for other in orders[:k]:
            assert not related(one, other)
    assert np.array_equal(orders[1], order_of(1))
    assert related(orders[1], order_of(1))  # the judge sees what is the same


def test_every_epoch_keeps_other_tokens():
    keep, epochs = 0.4, 4
    kept = np.zeros(TOKENS, np.int64)
    for epoch in range(epochs):
        for windows in windows_of(epoch, keep=keep):
            kept[windows.words] += 1
    expected = binom.pmf(np.arange(epochs + 1), epochs, keep)
    assert_frequencies(np.bincount(kept, minlength=epochs + 1), expected)
    with pytest.raises(FrequencyMismatchError):  # the same ones in all epochs
        assert_frequencies(TOKENS * np.array([1 - keep, 0, 0, 0, keep]), expected)


def test_every_epoch_draws_other_reaches():
    """Windows of reach 1 or 2 have 2 or 4 contexts, in two epochs together 4, 6 or 8."""
    contexts = np.zeros(TOKENS, np.int64)
    for epoch in range(2):
        for windows in windows_of(epoch):
            contexts[windows.words] += np.diff(windows.starts)
    found = np.bincount(contexts[2:-2], minlength=9)[[4, 6, 8]]
    assert found.sum() == TOKENS - 4
    assert_frequencies(found, [0.25, 0.5, 0.25])
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies([TOKENS / 2, 0, TOKENS / 2], [0.25, 0.5, 0.25])
