"""What a run on running text draws anew in every epoch, read off steps too small to matter.

With one dimension, input vectors of 1, output vectors of 0 and all noise on one word, each pair
adds rate / 2 to the row of its predicted word: that row counts the word's pairs.
"""

import numpy as np
import pytest
from scipy.stats import binom

from fastw2v.objectives.stream.settings import WordOptions
from fastw2v.text.encoded import EncodedTokens
from tests.support.statistical_checks import FrequencyMismatchError, assert_frequencies
from tests.support.stream_runs import stream_settings, trained

RATE = 1e-9
TOKENS = 6000  # as many words, each of which comes once
EPOCHS = 4
KEEP = 0.4
SETTINGS = {
    "vector_size": 1, "window": 1, "sample": 0, "epochs": EPOCHS, "learning_rate": RATE,
    "final_rate": 1.0, "ns_exponent": 9.0, "negative": 1,
}  # fmt: skip
CELLS = {"skipgram": {}, "cbow": {"model": "cbow", "cbow_mean": False}}


def pairs_of_words(settings, workers=1, block_tokens=700):
    """How many pairs each word but the first was predicted in, over all epochs."""
    tokens = EncodedTokens(
        np.arange(TOKENS, dtype=np.int32), np.array([0, TOKENS], np.int64), TOKENS, 0
    )
    counts = np.ones(TOKENS, np.int64)
    counts[0] = 10**6  # all the noise
    start = (np.ones((TOKENS, 1), np.float32), np.zeros((TOKENS, 1), np.float32))
    result = trained(
        tokens, counts, stream_settings(**settings), workers, start=start, block_tokens=block_tokens
    )
    found = result.out_vectors[1:, 0].astype(np.float64) / (RATE / 2)
    assert np.abs(found - np.rint(found)).max() < 0.01
    return np.rint(found).astype(np.int64)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_subsampling_keeps_other_tokens_in_every_epoch(cell, workers):
    """A kept token inside a long line has two contexts, so half its pairs are its epochs."""
    keep = np.full(TOKENS, KEEP)
    settings = {**SETTINGS, "rules": WordOptions(keep=keep), **CELLS[cell]}
    epochs_kept = pairs_of_words(settings, workers)[100:-100] / 2
    assert (epochs_kept == np.rint(epochs_kept)).all()
    found = np.bincount(epochs_kept.astype(np.int64), minlength=EPOCHS + 1)
    assert_frequencies(found, binom.pmf(np.arange(EPOCHS + 1), EPOCHS, KEEP))
    # Were the same tokens kept in all epochs, or in half of them, it would be seen.
    for distinct in (1, 2):
        same = np.zeros(EPOCHS + 1)
        same[:: EPOCHS // distinct] = binom.pmf(np.arange(distinct + 1), distinct, KEEP)
        with pytest.raises(FrequencyMismatchError):
            assert_frequencies(len(epochs_kept) * same, binom.pmf(range(EPOCHS + 1), EPOCHS, KEEP))


def test_windows_reach_differently_in_every_epoch():
    """Over two epochs, windows of reach 1 or 2 make 4, 6 or 8 pairs of a word."""
    settings = {**SETTINGS, "window": 2, "epochs": 2}
    pairs = pairs_of_words(settings)[2:-2]
    found = np.bincount(pairs, minlength=9)[[4, 6, 8]]
    assert found.sum() == len(pairs)
    assert_frequencies(found, [0.25, 0.5, 0.25])
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies([len(pairs) // 2, 0, len(pairs) // 2], [0.25, 0.5, 0.25])


def test_other_negatives_are_drawn_in_every_epoch_and_block():
    """Words that stand nowhere in the text move only where they are drawn."""
    n_words, n_tokens = 2000, 1200
    # The text has words 0 and 1; the others are as frequent in the noise.
    tokens = EncodedTokens(
        np.arange(n_tokens, dtype=np.int32) % 2, np.array([0, n_tokens], np.int64), n_tokens, 0
    )
    start = (np.ones((n_words, 1), np.float32), np.zeros((n_words, 1), np.float32))

    def drawn(epochs, block_tokens):
        settings = stream_settings(**{**SETTINGS, "ns_exponent": 0.0, "epochs": epochs})
        counts = np.ones(n_words, np.int64)
        result = trained(tokens, counts, settings, start=start, block_tokens=block_tokens)
        return np.rint(result.out_vectors[2:, 0] / (-RATE / 2)).astype(np.int64) / 2

    for epochs, block_tokens in ((1, n_tokens), (3, n_tokens), (1, 100), (2, 100)):
        times = drawn(epochs, block_tokens)
        # A window's negative meets its two contexts; n windows draw from all words alike.
        draws = epochs * n_tokens
        assert times.sum() == pytest.approx(draws * (1 - 2 / n_words), abs=5 * np.sqrt(2.0) + 3)
        never = np.count_nonzero(times == 0) / len(times)
        expected = (1 - 1 / n_words) ** draws
        assert abs(never - expected) < 5 * np.sqrt(expected * (1 - expected) / n_words)
