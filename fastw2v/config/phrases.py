"""What becomes a phrase: the settings of finding collocations, each with its bounds."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from fastw2v.config.numbers import real_number, shown_value, whole_number
from fastw2v.errors import ConfigurationError

__all__ = ["MOST_PASSES", "THRESHOLDS", "PhraseSettings", "Scoring"]

Scoring = Literal["default", "npmi"]
THRESHOLDS: dict[str, float] = {"default": 10.0, "npmi": 0.5}
MOST_PASSES = 100


@dataclass(frozen=True, kw_only=True)
class PhraseSettings:
    """What becomes a phrase; immutable, valid once constructed.

    Parameters
    ----------
    min_count : int
        Of candidates. `"default"` takes it off each count, `"npmi"` leaves out what is rarer.
    threshold : float, optional
        Candidates with a higher score become phrases. Default: 10 for `"default"`, which must be
        above 0, and 0.5 for `"npmi"`, from -1 to 1.
    scoring : {"default", "npmi"}
        gensim's two scores, to the bit. With n(.) for counts: ``(n(ab) - min_count) / (n(a) n(b))
        * V``, where V is how many different words and candidates there are; or the pointwise
        mutual information, ``log(p(ab) / (p(a) p(b)))``, divided by ``-log(p(ab))``.
    delimiter : str
        Between the words of a phrase.
    connector_words : collection of str
        Words that no phrase begins or ends with, and that may stand within one.
    passes : int
        How often phrases are looked for; each pass goes on with the phrases of those before it, so
        that longer ones are found.

    Raises
    ------
    ConfigurationError
        If a value is of another kind or out of range.
    """

    min_count: int = 5
    threshold: float | None = None
    scoring: Scoring = "default"
    delimiter: str = "_"
    connector_words: frozenset[str] = field(default_factory=frozenset)
    passes: int = 1

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        if self.scoring not in get_args(Scoring):
            raise ConfigurationError(
                f"scoring: expected 'default' or 'npmi', got {shown_value(self.scoring)}"
            )
        put("min_count", whole_number("min_count", self.min_count, low=1, high=2**62))
        put("passes", whole_number("passes", self.passes, low=1, high=MOST_PASSES))
        given = THRESHOLDS[self.scoring] if self.threshold is None else self.threshold
        if self.scoring == "npmi":
            put("threshold", real_number("threshold", given, low=-1, high=1))
        else:
            put("threshold", real_number("threshold", given, low=0, low_is_open=True))
        put("delimiter", _text("delimiter", self.delimiter))
        connectors = self.connector_words
        if isinstance(connectors, str | bytes) or not hasattr(connectors, "__iter__"):
            raise ConfigurationError(
                f"connector_words: expected a collection of words, got {shown_value(connectors)}"
            )
        put("connector_words", frozenset(_text("connector_words", word) for word in connectors))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        return {
            "min_count": self.min_count,
            "threshold": self.threshold,
            "scoring": self.scoring,
            "delimiter": self.delimiter,
            "connector_words": sorted(self.connector_words),
            "passes": self.passes,
        }


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}: expected a str, got {shown_value(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"{name}: expected text that UTF-8 can hold, got {shown_value(value)}"
        ) from None
    return value
