"""Numbers that users give: what is taken, what is refused, and how it is told."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from fastw2v.config.numbers import checked_fraction, real_number, shown_value, whole_number
from fastw2v.errors import ConfigurationError


@pytest.mark.parametrize("value", [5, np.int8(5), np.uint64(5), np.array(5)])
def test_whole_numbers_of_any_library_become_ints(value):
    number = whole_number("n", value, low=5, high=5)
    assert type(number) is int
    assert number == 5


@pytest.mark.parametrize(
    "value", [True, np.True_, 5.0, "5", b"5", None, [5], np.array([5]), Decimal(5), Fraction(5), 5j]
)
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(ConfigurationError, match=r"^n: expected a whole number, got "):
        whole_number("n", value)


@pytest.mark.parametrize("value", [0.5, np.float16(0.5), np.float64(0.5), Fraction(1, 2)])
def test_numbers_of_any_library_become_floats(value):
    number = real_number("x", value, low=0.5, high=0.5)
    assert type(number) is float
    assert number == 0.5


@pytest.mark.parametrize("value", [True, "0.5", b"0.5", None, [0.5], np.array(0.5), Decimal(1), 1j])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ConfigurationError, match=r"^x: expected a number, got "):
        real_number("x", value)


@pytest.mark.parametrize(
    "value",
    [float("inf"), -np.inf, np.float32("nan"), 10**400, pytest.param(-(10**5000), id="long")],
)
def test_numbers_beyond_floats_are_refused(value):
    with pytest.raises(ConfigurationError, match=r"^x: expected a finite number, got .{2,70}$"):
        real_number("x", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "more than 0, got 0"),
        (-0.0, r"more than 0, got -0\.0"),
        (5e-324, None),
        (1, "less than 1, got 1"),
        (1 - 2**-53, None),
    ],
)
def test_open_ends_are_not_in_the_range(value, expected):
    if expected is None:
        assert checked_fraction(value) == value
        return
    with pytest.raises(ConfigurationError, match=f"^validation_fraction: expected {expected}$"):
        checked_fraction(value)


def test_closed_ends_are_in_the_range():
    assert real_number("x", 0, low=0, high=1) == 0
    assert whole_number("n", 2**70, low=2**70) == 2**70
    with pytest.raises(ConfigurationError, match=r"^n: expected at most 3, got 4$"):
        whole_number("n", 4, high=3)
    with pytest.raises(ConfigurationError, match=r"^x: expected at least 0, got -5e-324$"):
        real_number("x", -5e-324, low=0)


def test_whatever_comes_is_shown_in_one_short_line():
    class Silent:
        def __repr__(self):
            raise RuntimeError

    for value in (10**5000, "x" * 1000, Silent(), [1] * 1000, {}, np.zeros(9)):
        assert len(shown_value(value)) < 70
    assert shown_value(10**5000) == "a number of 16610 bits"
    assert shown_value("5") == "'5'"
