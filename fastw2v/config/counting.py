"""The settings that counting depends on, which belong to counts and are taken from them again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from fastw2v.config.choices import Connectors, Errors, Language, Normalization
from fastw2v.config.hyperparameters import Hyperparameters
from fastw2v.config.phrases import Scoring
from fastw2v.config.tokenizers import UNICODE_TOKENIZERS
from fastw2v.errors import ConfigurationError

__all__ = [
    "COUNTING_NAMES",
    "PHRASE_NAMES",
    "TEXT_NAMES",
    "CountingSettings",
    "settings_for_counts",
    "with_text_settings",
]

_DEFAULTS = Hyperparameters()
TEXT_NAMES = ("tokenizer", "paragraphs", "normalize", "language", "keep_case")
"""The settings by which text becomes tokens."""
PHRASE_NAMES = (
    "phrases",
    "phrase_scoring",
    "phrase_min_count",
    "phrase_threshold",
    "phrase_connectors",
)
"""The settings by which phrases are found among them."""


def with_text_settings(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored settings with those of text that did not exist when they were stored.

    Text was not normalized then, and each character was lower-cased by itself.
    """
    by_words = stored.get("tokenizer", _DEFAULTS.tokenizer) in UNICODE_TOKENIZERS
    return {"normalize": "none", **({"language": "none"} if by_words else {}), **stored}


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
    tokenizer: str = _DEFAULTS.tokenizer
    paragraphs: bool = _DEFAULTS.paragraphs
    normalize: Normalization = None  # type: ignore[assignment]  # the one that suits the tokenizer
    language: Language = _DEFAULTS.language
    keep_case: bool = _DEFAULTS.keep_case
    errors: Errors = _DEFAULTS.errors
    phrases: int = _DEFAULTS.phrases
    phrase_scoring: Scoring = _DEFAULTS.phrase_scoring
    phrase_min_count: int = _DEFAULTS.phrase_min_count
    phrase_threshold: float = None  # type: ignore[assignment]  # the one that suits the scoring
    phrase_connectors: Connectors = _DEFAULTS.phrase_connectors

    def __post_init__(self) -> None:
        checked = Hyperparameters(**asdict(self))
        for item in fields(self):
            object.__setattr__(self, item.name, getattr(checked, item.name))

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> Self:
        """Return settings that an earlier version may have stored."""
        return cls(**with_text_settings(values))

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
    return Hyperparameters(**fixed | given)  # a tokenizer that was given has its function
