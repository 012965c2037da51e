"""Generators of random numbers: against Python's integers, and by their statistics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from fastw2v.kernels.formulas.random_numbers import (
    advance,
    below,
    is_kept,
    scale_bits,
    scramble,
    seed_state,
    subsample_thresholds,
)
from tests.support.statistical_checks import FrequencyMismatchError, assert_frequencies

patient = settings(deadline=None)  # the first call may compile
BITS = 2**64 - 1
uint64s = st.integers(0, BITS)
DRAWS = 200_000


def twin_mix(x):
    x = (x + 0x9E3779B97F4A7C15) & BITS
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & BITS
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & BITS
    return x ^ (x >> 31)


def twin_advance(x):
    x ^= x >> 12
    x ^= (x << 25) & BITS
    return x ^ (x >> 27)


@njit(cache=True)
def draws_below(state, n, size, bits_lost):
    """Counts of `size` numbers below n; `bits_lost` > 0 spoils the high bits on purpose."""
    counts = np.zeros(n, np.int64)
    pairs = np.zeros((n, n), np.int64)
    last = 0
    for _ in range(size):
        state = advance(state)
        drawn = below(scramble(state) >> np.uint64(bits_lost), n)
        counts[drawn] += 1
        pairs[last, drawn] += 1
        last = drawn
    return counts, pairs


@njit(cache=True)
def first_draws(seed, n, size, step):
    """Counts of the first draws of generators numbered 0, step, 2 step, ..."""
    counts = np.zeros(n, np.int64)
    for block in range(size):
        counts[below(scramble(advance(seed_state(seed, 3, block * step))), n)] += 1
    return counts


@njit(cache=True)
def bit_counts(state, size, scrambled):
    """How often each of the 64 bits is set, and how often it equals the bit before it."""
    ones = np.zeros(64, np.int64)
    for _ in range(size):
        state = advance(state)
        bits = scramble(state) if scrambled else state & np.uint64(0x7FFFFFFFFFFFFFFF)
        for place in range(64):
            ones[place] += np.int64((bits >> np.uint64(place)) & np.uint64(1))
    return ones


@njit(cache=True)
def kept_counts(thresholds, size, state, flaw):
    kept = np.zeros(thresholds.size, np.int64)
    for _ in range(size):
        for word in range(thresholds.size):
            state = advance(state)
            kept[word] += is_kept(thresholds[word] + np.uint32(flaw), scramble(state))
    return kept


def test_splitmix_gives_its_published_numbers():
    # The generator's first outputs from seed 1234567 (the reference implementation's test).
    assert twin_mix(1234567) == 6457827717110365317
    assert twin_mix(1234567 + 0x9E3779B97F4A7C15) == 3203168211198807973


@patient
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4))
def test_states_are_mixed_as_the_twin_does(numbers):
    state = 0
    for number in numbers:
        state = twin_mix(state ^ (number & BITS))
    assert seed_state(*numbers) == state


def test_states_differ_by_seed_by_place_and_by_how_many_numbers():
    names = [(s, a, b) for s in range(20) for a in range(20) for b in range(20)]
    names += [(s, a) for s in range(20) for a in range(20)] + [(s,) for s in range(20)]
    states = {seed_state(*name) for name in names}
    assert len(states) == len(names)
    assert 0 not in states


def test_a_state_of_zero_is_never_handed_out():
    # _mix is a bijection, so one number is mixed to zero: found by inverting it.
    number, inverse = 0, 0x9E3779B97F4A7C15
    number = (number - inverse) & BITS
    assert twin_mix(number) == 0
    assert seed_state(np.uint64(number)) == inverse


@patient
@given(uint64s)
def test_steps_and_scrambling_are_those_of_the_twin(state):
    assert advance(np.uint64(state)) == twin_advance(state)
    assert scramble(np.uint64(state)) == (state * 0x2545F4914F6CDD1D) & BITS


@patient
@given(uint64s, st.integers(1, 2**32 - 1))
def test_numbers_below_n_come_from_all_64_bits(bits, n):
    assert scale_bits(np.uint64(bits), np.uint64(n)) == bits * n >> 32
    assert below(np.uint64(bits), n) == bits * n >> 64


@pytest.mark.parametrize("n", [2, 7, 64, 1000])
def test_numbers_below_n_are_even_and_independent(n):
    counts, pairs = draws_below(np.uint64(seed_state(1, n)), n, DRAWS, 0)
    assert_frequencies(counts, np.full(n, 1 / n))
    if n < 100:
        assert_frequencies(pairs.ravel(), np.full(n * n, 1 / n**2))


def test_uneven_draws_are_caught():
    counts, pairs = draws_below(np.uint64(seed_state(1, 7)), 7, DRAWS, 1)
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies(counts, np.full(7, 1 / 7))
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies(pairs.ravel(), np.full(49, 1 / 49))


@pytest.mark.parametrize("step", [1, 2, 4096, 2**40])
def test_neighbouring_blocks_draw_independently(step):
    assert_frequencies(first_draws(5, 50, DRAWS, step), np.full(50, 1 / 50))


def test_blocks_of_one_seed_are_caught_if_they_draw_the_same():
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies(first_draws(5, 50, DRAWS, 0), np.full(50, 1 / 50))


def test_every_bit_is_set_half_of_the_time():
    ones = bit_counts(np.uint64(seed_state(2, 1)), DRAWS, True)
    for count in ones:
        assert_frequencies([count, DRAWS - count], [0.5, 0.5])
    broken = bit_counts(np.uint64(seed_state(2, 1)), DRAWS, False)
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies([broken[63], DRAWS - broken[63]], [0.5, 0.5])


def test_subsampling_keeps_what_it_should():
    keep = np.array([1.0, 0.75, 0.5, 0.01])
    thresholds = subsample_thresholds(keep)
    kept = kept_counts(thresholds, DRAWS, np.uint64(seed_state(3, 1)), 0)
    assert kept[0] == DRAWS
    for word in range(1, keep.size):
        assert_frequencies([kept[word], DRAWS - kept[word]], [keep[word], 1 - keep[word]])
    flawed = kept_counts(thresholds, DRAWS, np.uint64(seed_state(3, 1)), 2**32 // 200)
    for word in range(1, keep.size):
        with pytest.raises(FrequencyMismatchError):
            assert_frequencies([flawed[word], DRAWS - flawed[word]], [keep[word], 1 - keep[word]])


@patient
@given(st.floats(1e-12, 1))
def test_thresholds_are_right_to_the_last_step(keep):
    threshold = int(subsample_thresholds(np.array([keep]))[0])
    assert abs((threshold + 1) / 2**32 - keep) <= 2**-32


@pytest.mark.parametrize("keep", [0.0, -0.1, 1.1, np.nan])
def test_probabilities_that_are_none_are_refused(keep):
    with pytest.raises(ValueError, match="keep: expected probabilities above 0"):
        subsample_thresholds(np.array([0.5, keep]))
