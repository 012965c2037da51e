"""Numbers and truth values that users give: taken over as Python's own, or refused by name.

A number may come as Python's, NumPy's or another library's, and may be anything. What is checked
here reaches no kernel, sizes no array and is formatted by no message before that.
"""

import math
import operator
from numbers import Real
from typing import Any

from fastw2v.errors import ConfigurationError

__all__ = [
    "MOST_MIB",
    "checked_fraction",
    "real_number",
    "shown_value",
    "true_or_false",
    "whole_number",
]

MOST_MIB = 2**40  # of a budget of memory; as bytes it is still an int64

_LONGEST_SHOWN = 60
_MOST_BITS_SHOWN = 2000  # Python writes no number of more than 4,300 digits


def shown_value(value: Any) -> str:
    """Return a value as messages show it: short, whatever it is."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS_SHOWN:
        return f"a number of {value.bit_length()} bits"
    try:
        shown = repr(value)
    except Exception:
        return f"a {type(value).__name__}"
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


def whole_number(name: str, value: Any, *, low: int | None = None, high: int | None = None) -> int:
    """Return a whole number of any library's as an int.

    Parameters
    ----------
    name : str
        What messages call it.
    value : object
    low, high : int, optional
        The least and the most that it may be.

    Raises
    ------
    ConfigurationError
        If it is no whole number (True and False are none), or out of this range.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise _refused(name, "a whole number", value)
    if low is not None and number < low:
        raise _refused(name, f"at least {low}", value)
    if high is not None and number > high:
        raise _refused(name, f"at most {high}", value)
    return number


def real_number(
    name: str,
    value: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    low_is_open: bool = False,
    high_is_open: bool = False,
) -> float:
    """Return a finite number of any library's as a float.

    Parameters
    ----------
    name : str
        What messages call it.
    value : object
    low, high : float, optional
        The least and the most that it may be; not these themselves where they are open.
    low_is_open, high_is_open : bool

    Raises
    ------
    ConfigurationError
        If it is no number (True and False are none), not finite, or out of this range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise _refused(name, "a number", value)
    try:
        number = float(value)
    except (OverflowError, ValueError):  # a whole number beyond all floats
        number = math.inf
    if not math.isfinite(number):
        raise _refused(name, "a finite number", value)
    if low is not None and (number < low or (low_is_open and number == low)):
        raise _refused(name, f"{'more than' if low_is_open else 'at least'} {low:g}", value)
    if high is not None and (number > high or (high_is_open and number == high)):
        raise _refused(name, f"{'less than' if high_is_open else 'at most'} {high:g}", value)
    return number


def true_or_false(name: str, value: Any) -> bool:
    """Return a truth value, Python's or NumPy's, as a bool; `ConfigurationError` for others."""
    if isinstance(value, bool):
        return value
    from numpy import bool_  # here, since the command line shows its help without NumPy

    if not isinstance(value, bool_):
        raise _refused(name, "True or False", value)
    return bool(value)


def checked_fraction(value: Any) -> float:
    """Return what part of a text is held out; errors as `real_number`."""
    return real_number(
        "validation_fraction", value, low=0, high=1, low_is_open=True, high_is_open=True
    )


def _refused(name: str, expected: str, value: Any) -> ConfigurationError:
    return ConfigurationError(f"{name}: expected {expected}, got {shown_value(value)}")
