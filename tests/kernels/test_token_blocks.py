"""Blocks of a text: no window lost or doubled at edges, tokens kept as often as they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from fastw2v.kernels.formulas.random_numbers import seed_state, subsample_thresholds
from fastw2v.kernels.text.token_blocks import KeptTokens, SubsampledText, gather_block
from tests.support.statistical_checks import FrequencyMismatchError, assert_frequencies

patient = settings(deadline=None, max_examples=150)


@njit(cache=True)
def gathered(text, key, limits, window, kept):
    return gather_block(text, key, limits[0], limits[1], window, kept)


def text_of(lengths, keep, seed=0, held_out=()):
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = np.random.default_rng(seed).integers(0, len(keep), starts[-1]).astype(np.int32)
    thresholds = subsample_thresholds(np.asarray(keep, np.float64))
    return SubsampledText(ids, starts, thresholds, np.asarray(held_out, np.int64))


def windows(text, block_tokens, window, key=5):
    """Every owned token with the neighbours that its block can see, block after block."""
    n_tokens = len(text.ids)
    room = block_tokens + 2 * window
    found = []
    for begin in range(0, n_tokens, block_tokens):
        kept = KeptTokens(*(np.full(room, -9, np.int32) for _ in range(4)))
        limits = (begin, min(n_tokens, begin + block_tokens))
        low, high = gathered(text, np.uint64(key), limits, window, kept)
        for i in range(low, high):
            around = range(max(i - window, kept.first[i]), min(i + window + 1, kept.end[i]))
            found.append((kept.words[i], tuple(kept.words[j] - 1000 * (j == i) for j in around)))
    return found


lengths = st.lists(st.integers(0, 30), min_size=1, max_size=8).filter(lambda sizes: sum(sizes) > 0)


@patient
@given(lengths, st.integers(1, 40), st.integers(1, 6), st.floats(0.1, 1.0), st.integers(0, 99))
def test_blocks_see_the_windows_of_the_whole_text(sizes, block_tokens, window, keep, seed):
    text = text_of(sizes, np.full(50, keep), seed)
    whole = windows(text, sum(sizes), window, key=seed)
    assert windows(text, block_tokens, window, key=seed) == whole


@patient
@given(lengths, st.integers(1, 40), st.integers(1, 6))
def test_without_subsampling_windows_are_those_of_the_sentences(sizes, block_tokens, window):
    text = text_of(sizes, np.ones(50))
    expected = []
    for first, end in zip(text.sentence_starts[:-1], text.sentence_starts[1:], strict=True):
        for i in range(first, end):
            around = range(max(first, i - window), min(end, i + window + 1))
            expected.append((text.ids[i], tuple(text.ids[j] - 1000 * (j == i) for j in around)))
    assert windows(text, block_tokens, window) == expected


@patient
@given(lengths, st.integers(1, 40), st.integers(1, 6), st.sets(st.integers(0, 239)))
def test_held_out_positions_are_marked_and_stay_neighbours(sizes, block_tokens, window, held_out):
    plain = text_of(sizes, np.ones(50))
    held_out = sorted(position for position in held_out if position < len(plain.ids))
    text = plain._replace(held_out=np.array(held_out, np.int64))
    assert windows(text, block_tokens, window) == windows(plain, block_tokens, window)
    marked = []
    for begin in range(0, len(text.ids), block_tokens):
        kept = KeptTokens(*(np.full(block_tokens + 2 * window, -9, np.int32) for _ in range(4)))
        limits = (begin, min(len(text.ids), begin + block_tokens))
        low, high = gathered(text, np.uint64(5), limits, window, kept)
        marked += [begin + int(place) for place in np.flatnonzero(kept.held_out[low:high])]
    assert marked == held_out


def test_a_window_cut_at_an_edge_is_caught():
    text = text_of([40], np.ones(50))
    halves = [text_of([20], np.ones(50)) for _ in range(2)]
    halves[0] = halves[0]._replace(ids=text.ids[:20].copy())
    halves[1] = halves[1]._replace(ids=text.ids[20:].copy())
    cut = [pair for half in halves for pair in windows(half, 20, 3)]
    assert len(cut) == len(windows(text, 20, 3))
    assert cut != windows(text, 20, 3)


def test_epochs_and_seeds_keep_other_tokens():
    text = text_of([2000], np.full(10, 0.5))
    kept = [windows(text, 100, 1, key=int(seed_state(*numbers))) for numbers in ((1, 0), (1, 1))]
    assert kept[0] != kept[1]
    assert kept[0] == windows(text, 100, 1, key=int(seed_state(1, 0)))


KEEP = np.array([0.02, 0.1, 0.3, 0.5, 0.8, 1.0])


def kept_and_dropped():
    text = text_of([1000] * 60, KEEP, seed=3)
    n_words = len(KEEP)
    kept = np.bincount([word for word, _ in windows(text, 7000, 2)], minlength=n_words)
    return kept, np.bincount(text.ids, minlength=n_words)


def test_tokens_are_kept_as_often_as_they_should():
    kept, seen = kept_and_dropped()
    for word in range(len(KEEP)):
        shares = [KEEP[word], 1 - KEEP[word]]
        assert_frequencies([kept[word], seen[word] - kept[word]], shares)
    wrong = KEEP[2] * 1.1
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies([kept[2], seen[2] - kept[2]], [wrong, 1 - wrong])


def test_neighbours_are_kept_independently_of_each_other():
    text = text_of([50_000], [0.5])
    key = np.uint64(9)
    kept = KeptTokens(*(np.zeros(60_000, np.int32) for _ in range(4)))
    _, n_kept = gathered(text, key, (0, 50_000), 1, kept)
    flags = np.zeros(50_000, np.int64)
    for position in range(50_000):
        low, high = gathered(text, key, (position, position + 1), 1, kept)
        flags[position] = high - low
    assert flags.sum() == n_kept
    pairs = np.bincount(2 * flags[:-1:2] + flags[1::2], minlength=4)
    assert_frequencies(pairs, np.full(4, 0.25))


@pytest.mark.parametrize("wrong", [-1, 3, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("place", [0, 9, 10, 12, 19, 20, 22])
def test_an_id_that_is_no_word_is_told(wrong, place):
    text = text_of([40], np.ones(3))
    text.ids[place] = wrong
    kept = KeptTokens(*(np.zeros(30, np.int32) for _ in range(4)))
    found = gathered(text, np.uint64(1), (10, 20), 2, kept)
    assert (found == (-1, -1)) == (8 <= place < 22)
