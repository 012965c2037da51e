"""The noise distribution and its alias table: exact by summing, and by chi-square."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from fastw2v.errors import ConfigurationError, VocabularyError
from fastw2v.kernels.formulas.random_numbers import advance, scramble, seed_state
from fastw2v.kernels.stream.noise import build_alias, draw
from fastw2v.objectives.noise import noise_distribution, noise_table
from tests.support.statistical_checks import FrequencyMismatchError, assert_frequencies

patient = settings(deadline=None)  # the first call may compile
DRAWS = 400_000


def implied(table):
    """Return the distribution that a table draws from, in whole units of 2^-32 / V."""
    own = table.thresholds.astype(np.int64)
    own[table.aliases == np.arange(own.size)] = 2**32
    units = own.copy()
    np.add.at(units, table.aliases, 2**32 - own)
    return units


def assert_exact(table, weights, within=2.0**-32):
    units = implied(table)
    assert units.sum() == units.size * 2**32
    total = sum(Fraction(float(weight)) for weight in weights)
    for got, weight in zip(units.tolist(), weights, strict=True):
        expected = Fraction(float(weight)) / total
        assert abs(Fraction(got, units.size * 2**32) - expected) <= within


@njit(cache=True)
def drawn_counts(thresholds, aliases, size, state):
    counts = np.zeros(thresholds.size, np.int64)
    for _ in range(size):
        state = advance(state)
        counts[draw(thresholds, aliases, scramble(state))] += 1
    return counts


@patient
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60).filter(lambda w: sum(w) > 1e-6))
def test_the_table_holds_the_distribution(weights):
    table = build_alias(np.array(weights))
    assert_exact(table, weights)
    assert not implied(table)[np.array(weights) == 0].any()


@pytest.mark.parametrize("n_words", [1, 2, 1000, 30_000])
def test_the_table_of_a_vocabulary_is_exact(n_words):
    probabilities = noise_distribution(10**8 // np.arange(1, n_words + 1), 0.75)
    assert_exact(build_alias(probabilities), probabilities)


def test_a_wrong_entry_is_caught():
    weights = np.array([1.0, 2.0, 3.0, 10.0])
    table = build_alias(weights)
    assert_exact(table, weights)
    table.thresholds[0] += 8
    with pytest.raises(AssertionError):
        assert_exact(table, weights)


def test_draws_follow_the_distribution():
    counts = 10**6 // np.arange(1, 301) ** 1.2
    table = noise_table(counts, 0.75)
    drawn = drawn_counts(*table, DRAWS, np.uint64(seed_state(1, 1)))
    assert drawn.sum() == DRAWS
    assert_frequencies(drawn, noise_distribution(counts, 0.75))
    for sabotaged in (noise_distribution(counts, 1.0), noise_distribution(counts, 0.7)):
        with pytest.raises(FrequencyMismatchError):
            assert_frequencies(drawn, sabotaged)


def test_draws_that_forget_the_aliases_are_caught():
    counts = 10**6 // np.arange(1, 301) ** 1.2
    table = noise_table(counts, 0.75)
    themselves = np.arange(300, dtype=np.int32)
    drawn = drawn_counts(table.thresholds, themselves, DRAWS, np.uint64(seed_state(1, 1)))
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies(drawn, noise_distribution(counts, 0.75))


def test_words_without_weight_are_never_drawn():
    table = build_alias(np.array([0.0, 1.0, 0.0, 3.0, 0.0]))
    drawn = drawn_counts(*table, DRAWS, np.uint64(seed_state(4, 2)))
    assert_frequencies(drawn, [0, 0.25, 0, 0.75, 0])


def test_the_extreme_bits_draw_words():
    table = build_alias(np.array([1.0, 5.0, 2.0]))
    for bits in (0, 2**64 - 1):
        assert 0 <= draw(*table, np.uint64(bits)) < 3


@pytest.mark.parametrize("weights", [[-1.0, 2.0], [np.nan, 1.0], [np.inf, 1.0], [0.0, 0.0], []])
def test_weights_that_make_no_distribution_are_refused(weights):
    with pytest.raises(ValueError, match="weights: expected"):
        build_alias(np.array(weights, np.float64))


@pytest.mark.parametrize("exponent", [0.75, 1.0, 0.0, -0.5])
def test_the_distribution_is_the_power_of_the_counts(exponent):
    counts = np.array([100, 10, 10, 1])
    powers = [float(count) ** exponent for count in counts]
    np.testing.assert_allclose(
        noise_distribution(counts, exponent), np.array(powers) / sum(powers), rtol=1e-13
    )


def test_large_exponents_do_not_overflow():
    np.testing.assert_array_equal(noise_distribution([10**9, 10**8], 1e4), [1.0, 0.0])


def test_counts_and_exponents_that_cannot_be_used_are_refused():
    with pytest.raises(VocabularyError, match=r"above 0, got 0 for word 1; leave out"):
        noise_distribution([3, 0], 0.75)
    with pytest.raises(VocabularyError, match=r"at least one word, got an array of shape \(0,\)"):
        noise_distribution([], 0.75)
    with pytest.raises(ConfigurationError, match="ns_exponent: expected a finite number, got nan"):
        noise_distribution([3], float("nan"))
