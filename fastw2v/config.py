"""Every hyper-parameter, defined once: name, default, allowed values, and what it means.

The model validates with it on construction and stores it; the command line is built from it.
"""

import math
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Literal, get_args, get_origin

from fastw2v.errors import ConfigurationError

Model = Literal["skipgram", "cbow"]
Objective = Literal["softmax", "negative", "hierarchical"]
Batches = Literal["counts", "tokens"]
Optimizer = Literal["adam", "adagrad", "sgd"]
Bias = Literal["unigram", "learned", "none"]
Start = Literal["spectral", "random"]
Tokenizer = Literal["words", "whitespace"]
Errors = Literal["strict", "replace", "ignore"]
Precision = Literal["auto", "float32", "bf16x2", "bf16"]

LARGEST_SEED = 2**63 - 1


# What a setting is when it is left open, by objective.
_BY_OBJECTIVE: dict[str, dict[str, float]] = {
    "sample": {"softmax": 1e-5, "negative": 1e-3, "hierarchical": 1e-3},
    "final_rate": {"softmax": 0.05, "negative": 1e-4, "hierarchical": 1e-4},
}


def _setting(
    default: Any,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    low_is_open: bool = False,
    used_by: tuple[str, ...] = (),
) -> Any:
    """Make a field; `used_by` names the objective or model, or both, that alone look at it."""
    return field(
        default=default,
        metadata={
            "help": meaning,
            "low": low,
            "high": high,
            "low_is_open": low_is_open,
            "used_by": used_by,
        },
    )


# ruff: noqa: RUF009 - the settings are immutable


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """The settings of one training run; immutable, valid once constructed.

    `sample` and `final_rate`, left open, get the value that suits the objective.

    Raises
    ------
    ConfigurationError
        If a value has the wrong type or lies outside its range, or if a setting is given that
        the chosen objective and model do not look at. The message names the parameter, what is
        expected and what came.
    """

    vector_size: int = _setting(100, "Dimensions of the vectors.", low=1)
    window: int = _setting(
        5, "Places that a window has on each side; nearer words weigh more.", low=1, high=10_000
    )
    window_sample: float = _setting(
        1e-3,
        "Frequency above which words take less than a whole place in a window of skip-gram, which "
        "reaches over them as word2vec's does over dropped words; 0: always a whole place.",
        low=0,
        high=1,
        used_by=("softmax", "skipgram"),
    )
    min_count: int = _setting(5, "Words that occur less often are left out.", low=1)
    max_final_vocab: int | None = _setting(
        None, "Keep at most this many words, the most frequent ones. Default: all.", low=1
    )
    sample: float | None = _setting(
        None,
        "Frequency above which words are down-weighted; 0 switches it off. Default: 1e-5 for "
        "softmax, 1e-3 for the other objectives.",
        low=0,
        high=1,
    )
    epochs: int = _setting(5, "Passes over the objective.", low=1)
    seed: int = _setting(1, "All random choices follow from it.", low=0, high=LARGEST_SEED)
    model: Model = _setting(
        "skipgram",
        "'skipgram': each word predicts each of its contexts; 'cbow': all contexts together "
        "predict the word.",
    )
    objective: Objective = _setting(
        "softmax",
        "The loss that is trained: the exact softmax, or negative sampling or hierarchical "
        "softmax in its place.",
    )
    negative: int = _setting(
        5, "Noise words for each predicted word.", low=1, high=1000, used_by=("negative",)
    )
    ns_exponent: float = _setting(
        0.75,
        "Noise words come with a probability like their count to this power.",
        low=-10,
        high=10,
        used_by=("negative",),
    )
    negatives_shared: bool = _setting(
        True,
        "Whether the contexts of a window share their noise words, which is faster.",
        used_by=("negative", "skipgram"),
    )
    cbow_mean: bool = _setting(
        True, "Whether the contexts of a window are averaged or summed.", used_by=("cbow",)
    )
    batches: Batches = _setting(
        "counts",
        "'counts': rows of the whole corpus's counts; 'tokens': stretches of running text.",
        used_by=("softmax",),
    )
    batch_rows: int | None = _setting(
        None,
        "Centre words in a batch of counts. Default: 256, fewer if memory is short.",
        low=1,
        used_by=("softmax",),
    )
    batch_tokens: int | None = _setting(
        None,
        "Running tokens in a batch of tokens. Default: 1024, fewer if memory is short.",
        low=1,
        used_by=("softmax",),
    )
    scores_mib: int = _setting(
        2048,
        "What the scores of one batch may take of memory, in MiB; it bounds the batch size, and so "
        "belongs to the result. --memory is the budget of the whole run, and changes no result.",
        low=1,
        used_by=("softmax",),
    )
    optimizer: Optimizer = _setting("adam", "How gradients become steps.", used_by=("softmax",))
    learning_rate: float | None = _setting(
        None,
        "First rate; it falls linearly. Default: the optimizer's own with softmax, else 0.025, "
        "and 0.15 for the mean of CBOW.",
        low=0,
        low_is_open=True,
    )
    final_rate: float | None = _setting(
        None,
        "Rate of the last step, as a fraction of the first. Default: 0.05 for softmax, 1e-4 for "
        "the other objectives.",
        low=0,
        high=1,
    )
    bias: Bias = _setting(
        "unigram",
        "Output bias: log frequency (fixed), learned from there, or none.",
        used_by=("softmax",),
    )
    start: Start = _setting(
        "spectral",
        "First vectors: from the spectrum of the counts, or small random ones.",
        used_by=("softmax",),
    )
    precision: Precision = _setting(
        "auto",
        "Numbers that are multiplied; bf16 and bf16x2 need a CPU that has them. 'auto': bf16 "
        "where it is faster and as good, else float32.",
        used_by=("softmax",),
    )
    tokenizer: Tokenizer = _setting(
        "words",
        "'words': lower-cased Unicode words without punctuation; 'whitespace': as the text is cut.",
    )
    errors: Errors = _setting(
        "strict",
        "What is not UTF-8 in a text: 'strict' refuses it, 'replace' puts U+FFFD there, 'ignore' "
        "leaves it out; both say how much it was.",
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            _check(item.name, value, item.type, item.metadata)
            if hasattr(value, "__index__") and item.type is not bool:
                # A whole number of numpy's, say, which JSON refuses.
                object.__setattr__(self, item.name, int(value))
        for item in fields(self):
            if getattr(self, item.name) is None and item.name in _BY_OBJECTIVE:
                object.__setattr__(self, item.name, _BY_OBJECTIVE[item.name][self.objective])
            self._require_used(item)

    def _require_used(self, item: "Field[Any]") -> None:
        for wanted in item.metadata["used_by"]:
            kind = "model" if wanted in get_args(Model) else "objective"
            chosen, value = getattr(self, kind), getattr(self, item.name)
            if chosen != wanted and value != item.default:
                raise ConfigurationError(
                    f"{item.name}: expected to be left alone, since only {kind} {wanted!r} looks "
                    f"at it, not {chosen!r}; got {value!r}"
                )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        return asdict(self)


def _check(name: str, value: Any, annotation: Any, metadata: Any) -> None:
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    optional = type(None) in get_args(annotation)
    if value is None and optional:
        return
    if get_origin(annotation) is Literal:
        if value not in get_args(annotation):
            allowed = ", ".join(repr(choice) for choice in get_args(annotation))
            raise ConfigurationError(f"{name}: expected one of {allowed}, got {value!r}")
        return
    kind = kinds[0] if optional else annotation
    if kind is bool:
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name}: expected True or False, got {value!r}")
        return
    if kind is int:
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise ConfigurationError(f"{name}: expected a whole number, got {value!r}")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{name}: expected a number, got {value!r}")
    if not math.isfinite(value):
        raise ConfigurationError(f"{name}: expected a finite number, got {value!r}")
    _check_range(name, value, metadata)


def _check_range(name: str, value: float, metadata: Any) -> None:
    low, high = metadata["low"], metadata["high"]
    if low is not None and (value < low or (metadata["low_is_open"] and value == low)):
        bound = "more than" if metadata["low_is_open"] else "at least"
        raise ConfigurationError(f"{name}: expected {bound} {low:g}, got {value!r}")
    if high is not None and value > high:
        raise ConfigurationError(f"{name}: expected at most {high:g}, got {value!r}")


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
