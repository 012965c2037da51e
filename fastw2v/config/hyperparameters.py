"""The settings of a run: declared in `settings`, held to their bounds and to one another here.

The model validates with it on construction and stores it; the command line is built from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, dataclass, fields
from typing import Any, ClassVar, Self

from fastw2v.config.defaults import (
    EPOCHS,
    FINAL_RATES,
    NGRAM_SIZES,
    SAMPLES,
    BatchLimit,
    batch_limit,
    default_rate,
)
from fastw2v.config.fields import ABOVE_ZERO, Condition, checked_setting
from fastw2v.config.numbers import real_number
from fastw2v.config.phrases import THRESHOLDS
from fastw2v.config.settings import DeclaredSettings
from fastw2v.config.tokenizers import UNICODE_TOKENIZERS
from fastw2v.errors import ConfigurationError

__all__ = ["Hyperparameters"]


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(DeclaredSettings):
    """The settings of one training run; immutable, valid once constructed.

    `epochs`, `sample`, `learning_rate`, `final_rate`, `min_n`, `max_n`, `normalize` and
    `phrase_threshold`, left open, get the value that suits the other settings, and have it
    afterwards. The sizes of batches stay open: they follow from the vocabulary as well
    (`batch_limit`).

    `dataclasses.replace` gives all of them to the new object, those that were left open too; to
    change a setting that others follow, construct anew from `given`.

    Raises
    ------
    ConfigurationError
        If a value has the wrong type or lies outside its range, or if a setting has another value
        than its default that the chosen objective and model do not look at. The message names the
        parameter, what is expected and what came.
    """

    # Other upper bounds, in a class that serves another library.
    _upper_bounds: ClassVar[Mapping[str, float]] = {}

    def __new__(cls, **given: Any) -> Self:
        """Remember which settings were given by name, even those at their default."""
        made = super().__new__(cls)
        object.__setattr__(made, "_given", tuple(given))
        return made

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is None and item.name in _FOLLOWING:
                continue
            high = self._upper_bounds.get(item.name, item.metadata["high"])
            checked = checked_setting(item.name, value, item.type, {**item.metadata, "high": high})
            object.__setattr__(self, item.name, checked)
        for name, followed in _FOLLOWING.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, followed(self))
        for item in fields(self):
            if not self.uses(item.name) and getattr(self, item.name) != self._default(item):
                raise ConfigurationError(self._unused(item))
        if self.inputs == "features" and self.objective != "softmax":
            raise ConfigurationError(
                f"inputs: expected 'words' or 'subwords' with objective {self.objective!r}, got "
                "'features', which the exact softmax alone has"
            )
        if self.min_n > self.max_n:
            raise ConfigurationError(
                f"min_n: expected at most max_n={self.max_n}, got {self.min_n}"
            )
        name, threshold = "phrase_threshold", self.phrase_threshold
        if self.phrase_scoring == "npmi":
            real_number(name, threshold, low=-1, high=1)
        else:
            real_number(name, threshold, low=0, low_is_open=True)

    @property
    def given(self) -> dict[str, Any]:
        """The settings that were given by name, those given at their default too."""
        names: tuple[str, ...] = self.__dict__["_given"]
        return {name: getattr(self, name) for name in names}

    @property
    def changed(self) -> dict[str, Any]:
        """The settings that are not what they would be if they had been left open."""
        values = {
            item.name: (getattr(self, item.name), self._default(item)) for item in fields(self)
        }
        return {name: value for name, (value, default) in values.items() if value != default}

    def _default(self, item: "Field[Any]") -> Any:
        """Return what a setting is, beside the others, if it is left open."""
        following = _FOLLOWING.get(item.name)
        return item.default if following is None else following(self)

    def uses(self, name: str) -> bool:
        """Return whether training looks at a setting, with the model, objective and batches set."""
        conditions: tuple[Condition, ...] = _FIELDS[name].metadata["used_if"]
        return not conditions or any(self._unmet(one) is None for one in conditions)

    def _unmet(self, condition: Condition) -> tuple[str, str] | None:
        return next((pair for pair in condition if not self._meets(*pair)), None)

    def _meets(self, name: str, wanted: str) -> bool:
        value = getattr(self, name)
        return bool(value > 0) if wanted is ABOVE_ZERO else value == wanted

    def _unused(self, item: "Field[Any]") -> str:
        """Return the message about a setting that was given and is not looked at."""
        unmet = [self._unmet(condition) for condition in item.metadata["used_if"]]
        wanted = list(dict.fromkeys(pair for pair in unmet if pair is not None))
        needed = " or ".join(
            f"{name} {value if value is ABOVE_ZERO else repr(value)}" for name, value in wanted
        )
        chosen = " and ".join(repr(getattr(self, name)) for name, _ in wanted)
        return (
            f"{item.name}: expected to be left alone, since only {needed} looks at it, not "
            f"{chosen}; got {getattr(self, item.name)!r}"
        )

    @property
    def total_epochs(self) -> int:
        """The epochs of all replicas together."""
        return self.epochs * self.replicas

    @property
    def batch_limit(self) -> BatchLimit:
        """The setting that bounds the rows of the exact softmax's batches in training."""
        if self.model == "cbow":
            return batch_limit("batch_tokens", self.batch_tokens, "positions")
        if self.batches == "tokens":
            return batch_limit("batch_tokens", self.batch_tokens, "tokens")
        return self.counts_batch_limit

    @property
    def counts_batch_limit(self) -> BatchLimit:
        """The same for batches of counts, by which losses are computed whatever is trained on."""
        return batch_limit("batch_rows", self.batch_rows, "counts")

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> Self:
        """Return settings that an earlier version may have stored.

        What the model does not look at was not always refused. It had no part in the result, and
        gets its default.

        Raises
        ------
        ConfigurationError, TypeError
            If a value is out of its range or of the wrong type, or a name is unknown.
        """
        chosen = cls(
            **{
                name: values[name]
                for name in ("model", "objective", "tokenizer", "phrases")
                if name in values
            }
        )
        for name in ("batches", "inputs"):
            if chosen.uses(name) and name in values:
                chosen = cls(**chosen.given, **{name: values[name]})
        unused = {name for name in values if name in _FIELDS and not chosen.uses(name)}
        for name in unused:
            checked_setting(name, values[name], _FIELDS[name].type, _FIELDS[name].metadata)
        return cls(**{name: value for name, value in values.items() if name not in unused})

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        return asdict(self)


# What a setting that was left open is.
_FOLLOWING: dict[str, Callable[[Hyperparameters], Any]] = {
    "normalize": lambda settings: "nfc" if settings.tokenizer in UNICODE_TOKENIZERS else "none",
    "phrase_threshold": lambda settings: THRESHOLDS[settings.phrase_scoring],
    "min_n": lambda settings: NGRAM_SIZES[settings.objective][0],
    "max_n": lambda settings: NGRAM_SIZES[settings.objective][1],
    "epochs": lambda settings: EPOCHS[settings.objective],
    "sample": lambda settings: SAMPLES[settings.objective],
    "final_rate": lambda settings: FINAL_RATES[settings.objective],
    "learning_rate": lambda settings: default_rate(
        settings.objective,
        settings.model,
        settings.optimizer,
        batches=settings.batches,
        mean=settings.cbow_mean,
        inputs=settings.inputs,
    ),
}
_FIELDS = {item.name: item for item in fields(Hyperparameters)}
