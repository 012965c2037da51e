"""What counting depends on: the part of the settings that a folder of counts has fixed."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from fastw2v.config import Errors, Hyperparameters, Tokenizer
from fastw2v.errors import ConfigurationError

_DEFAULTS = Hyperparameters()


@dataclass(frozen=True, kw_only=True)
class CountingSettings:
    """Settings of counting; each is the hyper-parameter of that name.

    Raises
    ------
    ConfigurationError
        If a value is out of range.
    """

    window: int = _DEFAULTS.window
    window_sample: float = _DEFAULTS.window_sample
    min_count: int = _DEFAULTS.min_count
    max_final_vocab: int | None = _DEFAULTS.max_final_vocab
    tokenizer: Tokenizer = _DEFAULTS.tokenizer
    errors: Errors = _DEFAULTS.errors

    def __post_init__(self) -> None:
        checked = Hyperparameters(**asdict(self))
        for item in fields(self):
            object.__setattr__(self, item.name, getattr(checked, item.name))

    @classmethod
    def of(cls, settings: Hyperparameters) -> "CountingSettings":
        """Return the part of hyper-parameters that counting depends on."""
        return cls(**{item.name: getattr(settings, item.name) for item in fields(cls)})

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        return asdict(self)


COUNTING_NAMES = tuple(item.name for item in fields(CountingSettings))


def settings_for_counts(given: dict[str, Any], counting: CountingSettings) -> Hyperparameters:
    """Return settings to train with on counts that were made with others.

    Parameters
    ----------
    given : dict
        The hyper-parameters that were asked for, by name.
    counting : CountingSettings
        Those that counting has fixed; they fill what was not asked for.

    Raises
    ------
    ConfigurationError
        If one that was asked for contradicts the counts, or the objective needs the text.
    """
    fixed = counting.as_dict()
    for name, value in fixed.items():
        if name in given and given[name] != value:
            raise ConfigurationError(
                f"{name}: expected {value!r}, with which the counts were made, or nothing, got "
                f"{given[name]!r}; leave it out, or count the text again with it"
            )
    for name, needed, why in (
        ("objective", "softmax", "goes over the text itself, which counts do not hold"),
        ("model", "skipgram", "needs whole windows, counts hold pairs of words"),
        ("batches", "counts", "are stretches of the text, which counts do not hold"),
    ):
        if given.get(name, needed) != needed:
            raise ConfigurationError(
                f"{name}: expected {needed!r} to train from counts, got {given[name]!r}, which "
                f"{why}; train from the text instead"
            )
    return Hyperparameters(**given | fixed)
