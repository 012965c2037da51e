"""Every hyper-parameter, defined once: name, default, allowed values, and what it means.

The model validates with it on construction and stores it; the command line is built from it.
"""

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args, get_origin

from fastw2v.errors import ConfigurationError

Objective = Literal["softmax"]
Batches = Literal["counts", "tokens"]
Optimizer = Literal["adam", "adagrad", "sgd"]
Bias = Literal["unigram", "learned", "none"]
Start = Literal["spectral", "random"]
Tokenizer = Literal["words", "whitespace"]
Precision = Literal["auto", "float32", "bf16x2", "bf16"]

LARGEST_SEED = 2**63 - 1


def _setting(
    default: Any,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    low_is_open: bool = False,
) -> Any:
    return field(
        default=default,
        metadata={"help": meaning, "low": low, "high": high, "low_is_open": low_is_open},
    )


# ruff: noqa: RUF009 - the settings are immutable


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """The settings of one training run; immutable, valid once constructed.

    Raises
    ------
    ConfigurationError
        If a value has the wrong type or lies outside its range. The message names the
        parameter, what is expected and what came.
    """

    vector_size: int = _setting(100, "Dimensions of the vectors.", low=1)
    window: int = _setting(
        5, "Largest distance of a context word; nearer words weigh more.", low=1, high=10_000
    )
    min_count: int = _setting(5, "Words that occur less often are left out.", low=1)
    max_final_vocab: int | None = _setting(
        None, "Keep at most this many words, the most frequent ones. Default: all.", low=1
    )
    sample: float = _setting(
        1e-5, "Frequency above which words are down-weighted; 0 switches it off.", low=0, high=1
    )
    epochs: int = _setting(5, "Passes over the objective.", low=1)
    seed: int = _setting(1, "All random choices follow from it.", low=0, high=LARGEST_SEED)
    objective: Objective = _setting("softmax", "The loss that is trained.")
    batches: Batches = _setting(
        "counts",
        "'counts': rows of the whole corpus's counts; 'tokens': stretches of running text.",
    )
    batch_rows: int | None = _setting(
        None, "Centre words in a batch of counts. Default: 256, fewer if memory is short.", low=1
    )
    batch_tokens: int | None = _setting(
        None, "Running tokens in a batch of tokens. Default: 1024, fewer if memory is short.", low=1
    )
    memory_mib: int = _setting(
        2048, "Budget for the scores of one batch, in MiB; it bounds the batch size.", low=1
    )
    optimizer: Optimizer = _setting("adam", "How gradients become steps.")
    learning_rate: float | None = _setting(
        None,
        "First rate; it falls linearly. Default: the optimizer's own.",
        low=0,
        low_is_open=True,
    )
    final_rate: float = _setting(
        0.05, "Rate of the last step, as a fraction of the first.", low=0, high=1
    )
    bias: Bias = _setting(
        "unigram", "Output bias: log frequency (fixed), learned from there, or none."
    )
    start: Start = _setting(
        "spectral", "First vectors: from the spectrum of the counts, or small random ones."
    )
    precision: Precision = _setting(
        "auto",
        "Numbers that are multiplied; bf16 and bf16x2 need a CPU that has them. 'auto': bf16 "
        "where it is faster and as good, else float32.",
    )
    tokenizer: Tokenizer = _setting(
        "words",
        "'words': lower-cased Unicode words without punctuation; 'whitespace': as the text is cut.",
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            _check(item.name, value, item.type, item.metadata)
            if hasattr(value, "__index__"):  # a whole number of numpy's, say, which JSON refuses
                object.__setattr__(self, item.name, int(value))

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
