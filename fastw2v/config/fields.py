"""How a setting is declared, and how its value is checked."""

from dataclasses import field
from typing import Any, Literal, get_args, get_origin

from fastw2v.config.numbers import real_number, shown_value, true_or_false, whole_number
from fastw2v.config.tokenizers import checked_tokenizer
from fastw2v.errors import ConfigurationError

__all__ = ["ABOVE_ZERO", "Condition", "checked_setting", "setting"]

Condition = tuple[tuple[str, str], ...]
"""Names of settings with the values that they must have, all of them, or `ABOVE_ZERO`."""
ABOVE_ZERO = "above 0"


def setting(
    default: Any,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    low_is_open: bool = False,
    least_above_low: float | None = None,
    used_if: tuple[Condition, ...] = (),
) -> Any:
    """Make a field; it is looked at if one of `used_if` holds, or always if that is empty."""
    return field(
        default=default,
        metadata={
            "help": meaning,
            "low": low,
            "high": high,
            "low_is_open": low_is_open,
            "least_above_low": least_above_low,
            "used_if": used_if,
        },
    )


def checked_setting(name: str, value: Any, annotation: Any, metadata: Any) -> Any:
    """Return the value of a setting, of a type of Python's own; raises as `Hyperparameters`."""
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    optional = type(None) in get_args(annotation)
    if value is None and optional:
        return None
    if name == "tokenizer":
        return checked_tokenizer(value)
    if get_origin(annotation) is Literal:
        if not isinstance(value, str) or value not in get_args(annotation):
            allowed = ", ".join(repr(choice) for choice in get_args(annotation))
            raise ConfigurationError(f"{name}: expected one of {allowed}, got {shown_value(value)}")
        return value
    kind = kinds[0] if optional else annotation
    if kind is bool:
        return true_or_false(name, value)
    low, high = metadata["low"], metadata["high"]
    if kind is int:
        return whole_number(name, value, low=low, high=high)
    number = real_number(name, value, low=low, high=high, low_is_open=metadata["low_is_open"])
    least = metadata["least_above_low"]
    if least is not None and low < number < least:
        raise ConfigurationError(
            f"{name}: expected {low:g} or at least {least:g}, got {shown_value(value)}"
        )
    return number
