"""Numbers as gensim takes them, and no others.

gensim calls ``int`` and ``float`` on what it is given, so that ``"5"`` and ``5.0`` are numbers too;
what they refuse, and what no model can have, is a `ConfigurationError` with the parameter's name.
"""

from typing import Any

import numpy as np

from fastw2v.config import MOST_DIMENSIONS, SMALLEST_SAMPLE
from fastw2v.config.numbers import real_number, shown_value, whole_number
from fastw2v.errors import ConfigurationError

__all__ = [
    "LARGEST_EXPONENT",
    "LARGEST_FACTOR",
    "dimensions_of",
    "float_of",
    "generator_of",
    "int_of",
    "int_or_none",
    "number_of",
    "number_or_none",
    "threshold_of",
]

_LARGEST = 2**63 - 1
LARGEST_EXPONENT = 100.0  # of the noise, as of hyper-parameters
LARGEST_FACTOR = 1e30  # a float32 yet, times what it is a factor of


def int_of(name: str, value: Any, *, low: int = -_LARGEST, high: int = _LARGEST) -> int:
    """Return ``int(value)``; raises `ConfigurationError` if that fails or is out of range."""
    try:
        number = int(value) if not isinstance(value, bytes) else value
    except (TypeError, ValueError, OverflowError):
        number = value
    return whole_number(name, number if isinstance(number, int) else value, low=low, high=high)


def int_or_none(name: str, value: Any, *, low: int = 0) -> int | None:
    """Return the same, by default from 0 on, or None."""
    return None if value is None else int_of(name, value, low=low)


def float_of(name: str, value: Any, *, high: float | None = None) -> float:
    """Return ``float(value)``; raises `ConfigurationError` if that fails or is not finite."""
    try:
        number = float(value) if not isinstance(value, bytes) else value
    except (TypeError, ValueError, OverflowError):
        number = value
    return real_number(name, number, low=None if high is None else -high, high=high)


def dimensions_of(value: Any) -> int:
    """Return the `vector_size`; errors as `int_of`."""
    return int_of("vector_size", value, low=1, high=MOST_DIMENSIONS)


def number_of(name: str, value: Any) -> float:
    """Return a number that is only compared, whole or not; errors as `float_of`."""
    number = real_number(name, value, low=-float(_LARGEST), high=float(_LARGEST))
    return int(number) if hasattr(value, "__index__") else number


def number_or_none(name: str, value: Any) -> float | None:
    """Return the same, or None."""
    return None if value is None else number_of(name, value)


def threshold_of(value: Any) -> float:
    """Return the `sample`: a frequency, from 1 on a count; 0 for none.

    Below 1e-30 of all tokens nothing would be left of a word.
    """
    if value is None:
        return 0.0
    number = real_number("sample", value, low=0, high=float(_LARGEST))
    if 0 < number < SMALLEST_SAMPLE:
        raise ConfigurationError(
            f"sample: expected 0 or at least {SMALLEST_SAMPLE:g}, got {shown_value(value)}"
        )
    return number


def generator_of(seed: Any) -> np.random.RandomState:
    """Return NumPy's generator as gensim makes it of a seed."""
    try:
        np.random.default_rng(seed)  # which first vectors are drawn with
        return np.random.RandomState(seed)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"seed: expected what numpy.random.RandomState takes, as a whole number from 0 to "
            f"2**32 - 1, got {shown_value(seed)} ({error})"
        ) from None
