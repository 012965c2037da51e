"""What a model is made from: settings, looked at, and names of other programs' answered."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from fastw2v.config import Hyperparameters
from fastw2v.config.foreign_names import native_name, spelt_alike
from fastw2v.config.numbers import shown_value
from fastw2v.errors import ConfigurationError
from fastw2v.model.state import ModelState

__all__ = ["taking_settings"]

_Signature = TypeVar("_Signature", bound=Callable[..., None])
_GENSIM = "fastw2v.gensim_api.Word2Vec takes gensim's arguments"


def taking_settings(signature: _Signature) -> _Signature:
    """Make a constructor of its signature, which has the settings with their types and defaults.

    The function itself is not called: which settings were given, at their default too, cannot be
    told from within it. Names that it lacks end in an error that knows other programs' names.
    """

    @wraps(signature)
    def construct(model: ModelState, /, *given: Any, **named: Any) -> None:
        workers = named.pop("workers", None)
        ModelState.__init__(model, _settings(given, named), workers=workers)

    return cast(_Signature, construct)


def _settings(given: tuple[Any, ...], named: dict[str, Any]) -> Hyperparameters:
    """Return the settings of a call; raises as `Word2Vec`."""
    if "settings" in named:
        given = (*given, named.pop("settings"))
    if len(given) > 1 or not all(isinstance(one, Hyperparameters | None) for one in given):
        raise ConfigurationError(_not_settings(given))
    settings: Hyperparameters | None = given[0] if given else None
    if settings is None:
        for name, value in named.items():
            _require_known(name, value)
        return Hyperparameters(**named)
    if named:
        raise ConfigurationError("settings: expected either an object or names, got both")
    return settings


def _not_settings(given: tuple[Any, ...]) -> str:
    """Return the message about what stands in the place of settings."""
    first = given[0]
    if isinstance(first, Mapping):
        return (
            "settings: expected Hyperparameters, or settings by name, got a "
            f"{type(first).__name__}; write Word2Vec(**settings)"
        )
    text = repr(first) if isinstance(first, str | Path) and len(str(first)) < 100 else "corpus"
    more = f" and {len(given) - 1} more" if len(given) > 1 else ""
    return (
        f"settings: expected Hyperparameters, or settings by name, got a {type(first).__name__}"
        f"{more}; a text or sentences go to fit: Word2Vec(vector_size=100).fit({text}), and "
        f"{_GENSIM}"
    )


def _require_known(name: str, value: Any) -> None:
    known = [item.name for item in fields(Hyperparameters)]
    if name in known:
        return
    native = native_name(name)
    if native is None:
        close = spelt_alike(name, [*known, "workers"])
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        raise ConfigurationError(f"{name}: unknown hyper-parameter; {hint}")
    if not native.setting:
        raise ConfigurationError(f"{name}: unknown hyper-parameter; it {native.note}; {_GENSIM}")
    note = f" ({native.note})" if native.note else ""
    shown = f"{name}={shown_value(value)}" if isinstance(value, int | float | str) else name
    raise ConfigurationError(
        f"{shown:.100}: unknown hyper-parameter; here it is {native.setting}{note}, and {_GENSIM}"
    )
