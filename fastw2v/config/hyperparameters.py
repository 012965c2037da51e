"""Every hyper-parameter, defined once: name, default, allowed values, and what it means.

The model validates with it on construction and stores it; the command line is built from it. It has
more than 400 lines because each setting brings its bounds and its help.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, Self, get_args, get_origin

from fastw2v.config.defaults import (
    EPOCHS,
    FINAL_RATES,
    NGRAM_SIZES,
    SAMPLES,
    BatchLimit,
    batch_limit,
    default_rate,
)
from fastw2v.config.numbers import real_number, shown_value, whole_number
from fastw2v.config.phrases import MOST_PASSES, THRESHOLDS, PhraseSettings, Scoring
from fastw2v.config.tokenizers import UNICODE_TOKENIZERS, checked_tokenizer
from fastw2v.errors import ConfigurationError

__all__ = [
    "ABOVE_ZERO",
    "LARGEST_SEED",
    "MOST_DIMENSIONS",
    "SMALLEST_SAMPLE",
    "VECTOR_CHOICES",
    "BatchKind",
    "Bias",
    "Condition",
    "Connectors",
    "Errors",
    "Hyperparameters",
    "Inputs",
    "Kind",
    "Language",
    "ModelName",
    "Normalization",
    "ObjectiveName",
    "OptimizerName",
    "Precision",
    "RareWords",
    "Start",
    "VectorChoice",
]

ModelName = Literal["skipgram", "cbow"]
ObjectiveName = Literal["softmax", "negative", "hierarchical"]
BatchKind = Literal["counts", "tokens"]
RareWords = Literal["exact", "sampled", "auto"]
OptimizerName = Literal["adam", "adagrad", "sgd"]
Inputs = Literal["words", "subwords", "features"]
Bias = Literal["unigram", "learned", "none"]
Start = Literal["spectral", "random"]
Normalization = Literal["none", "nfc", "nfkc"]
Language = Literal["none", "any", "tr", "az"]
Connectors = Literal["none", "english"]
Errors = Literal["strict", "replace", "ignore"]
Precision = Literal["auto", "float32", "bf16x2", "bf16"]
Kind = Literal["text", "jsonl", "csv", "tsv", "parquet", "arrow"]
"""What files of a corpus are."""
VectorChoice = Literal["in", "out", "sum", "both"]
VECTOR_CHOICES: tuple[VectorChoice, ...] = get_args(VectorChoice)

LARGEST_SEED = 2**63 - 1
MOST_DIMENSIONS = 2**20  # what files of vectors may have, too
# What is left of words then has squares that are ordinary numbers.
SMALLEST_SAMPLE = 1e-30
_LARGEST_COUNT = 2**63 - 1
_MOST_AT_ONCE = 2**31 - 1
_MOST_EPOCHS = 1_000_000  # CBOW looks at all of them before the first one
_LARGEST_RATE = 1e30  # times what optimisers multiply it by is still a float32


Condition = tuple[tuple[str, str], ...]
"""Names of settings with the values that they must have, all of them, or `ABOVE_ZERO`."""
ABOVE_ZERO = "above 0"


def _setting(
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


_SOFTMAX = (("objective", "softmax"),)
_NEGATIVE = (("objective", "negative"),)
_SKIPGRAM = (("model", "skipgram"),)
_CBOW = (("model", "cbow"),)
_EXACT = (("objective", "softmax"), ("model", "skipgram"))
_SUBWORDS = (*_SKIPGRAM, ("inputs", "subwords"))
_UNICODE = tuple((("tokenizer", name),) for name in UNICODE_TOKENIZERS)
_PHRASES = (("phrases", ABOVE_ZERO),)


# ruff: noqa: RUF009 - the settings are immutable


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
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

    vector_size: int = _setting(100, "Dimensions of the vectors.", low=1, high=MOST_DIMENSIONS)
    window: int = _setting(
        5, "Places that a window has on each side; nearer words weigh more.", low=1, high=10_000
    )
    window_sample: float = _setting(
        1e-3,
        "Frequency above which words take less than a whole place in a window of skip-gram, which "
        "reaches over them as word2vec's does over dropped words; 0: always a whole place.",
        low=0,
        high=1,
        least_above_low=SMALLEST_SAMPLE,
        used_if=(_SOFTMAX + _SKIPGRAM,),
    )
    min_count: int = _setting(
        5, "Words that occur less often are left out.", low=1, high=_LARGEST_COUNT
    )
    max_final_vocab: int | None = _setting(
        None,
        "Keep at most this many words, the most frequent ones. Default: all.",
        low=1,
        high=_LARGEST_COUNT,
    )
    sample: float = _setting(
        None,
        "Frequency above which words are down-weighted; 0 switches it off. Default: 1e-5 for "
        "softmax, 1e-4 for the other objectives.",
        low=0,
        high=1,
        least_above_low=SMALLEST_SAMPLE,
    )
    epochs: int = _setting(
        None,
        "Passes over the objective. Default: 5 for softmax, 20 for the other objectives.",
        low=1,
        high=_MOST_EPOCHS,
    )
    seed: int = _setting(1, "All random choices follow from it.", low=0, high=LARGEST_SEED)
    model: ModelName = _setting(
        "skipgram",
        "'skipgram': each word predicts each of its contexts; 'cbow': all contexts together "
        "predict the word.",
    )
    objective: ObjectiveName = _setting(
        "softmax",
        "The loss that is trained: the exact softmax, or negative sampling or hierarchical "
        "softmax in its place.",
    )
    inputs: Inputs = _setting(
        "words",
        "What a centre vector is: 'words': a row of its own; 'subwords': made of vectors of the "
        "word and of its character n-grams, so that unknown words have vectors too; 'features': "
        "the sum of vectors of features that are given (--features), with the exact softmax.",
        used_if=(_SKIPGRAM,),
    )
    min_n: int = _setting(
        None,
        "Characters of the shortest n-gram of a word. Default: 2 for softmax, 3 for the other "
        "objectives.",
        low=1,
        high=1000,
        used_if=(_SUBWORDS,),
    )
    max_n: int = _setting(
        None,
        "Characters of the longest n-gram of a word. Default: 5 for softmax, 6 for the other "
        "objectives.",
        low=1,
        high=1000,
        used_if=(_SUBWORDS,),
    )
    bucket: int = _setting(
        2_000_000,
        "Buckets that n-grams are hashed into; only those in use take memory.",
        low=1,
        high=_MOST_AT_ONCE,
        used_if=(_SUBWORDS,),
    )
    negative: int = _setting(
        5, "Noise words for each predicted word.", low=1, high=1000, used_if=(_NEGATIVE,)
    )
    ns_exponent: float = _setting(
        0.75,
        "Noise words come with a probability like their count to this power.",
        low=-100,
        high=100,
        used_if=(_NEGATIVE,),
    )
    negatives_shared: bool = _setting(
        True,
        "Whether the contexts of a window share their noise words, which is faster.",
        used_if=(_NEGATIVE + _SKIPGRAM,),
    )
    cbow_mean: bool = _setting(
        True, "Whether the contexts of a window are averaged or summed.", used_if=(_CBOW,)
    )
    batches: BatchKind = _setting(
        "counts",
        "'counts': rows of the whole corpus's counts; 'tokens': stretches of running text. CBOW "
        "has neither: it takes positions of the text.",
        used_if=(_SOFTMAX + _SKIPGRAM,),
    )
    rare_words: RareWords = _setting(
        "exact",
        "How rare words are part of the softmax of a batch: 'exact': all of them; 'sampled': those "
        "that the batch was seen with, and a draw of the others that stands for all; 'auto': "
        "sampled where that is at least twice as fast. Frequent words are always all part of it.",
        used_if=((*_SOFTMAX, *_SKIPGRAM, ("batches", "counts")),),
    )
    batch_rows: int | None = _setting(
        None,
        "Centre words in a batch of counts. Default: 256, fewer if memory is short.",
        low=1,
        high=_MOST_AT_ONCE,
        used_if=((*_SOFTMAX, *_SKIPGRAM, ("batches", "counts")),),
    )
    batch_tokens: int | None = _setting(
        None,
        "Running tokens in a batch of tokens, or positions in a batch of CBOW. Default: 1024, with "
        "CBOW 512, fewer if memory is short.",
        low=1,
        high=_MOST_AT_ONCE,
        used_if=((*_SOFTMAX, ("batches", "tokens")), _SOFTMAX + _CBOW),
    )
    scores_mib: int = _setting(
        2048,
        "What the scores of one batch may take of memory, in MiB; it bounds the batch size, and so "
        "belongs to the result. --memory is the budget of the whole run, and changes no result.",
        low=1,
        high=_MOST_AT_ONCE,
        used_if=(_SOFTMAX,),
    )
    optimizer: OptimizerName = _setting("adam", "How gradients become steps.", used_if=(_SOFTMAX,))
    learning_rate: float = _setting(
        None,
        "First rate; it falls linearly. Default: the optimizer's own with softmax, else 0.025, "
        "0.05 with subwords, and 0.15 for the mean of CBOW.",
        low=0,
        high=_LARGEST_RATE,
        low_is_open=True,
    )
    final_rate: float = _setting(
        None,
        "Rate of the last step, as a fraction of the first. Default: 0.05 for softmax, 1e-4 for "
        "the other objectives.",
        low=0,
        high=1,
    )
    bias: Bias = _setting(
        "unigram",
        "Output bias: log frequency (fixed), learned from there, or none.",
        used_if=(_SOFTMAX,),
    )
    start: Start = _setting(
        "spectral",
        "First vectors: from the spectrum of the counts, or small random ones.",
        used_if=(_SOFTMAX,),
    )
    canonical: bool = _setting(
        True,
        "Whether vectors get their canonical form after training: all probabilities stay, and "
        "cosines tell more.",
        used_if=(_SOFTMAX, (*_NEGATIVE, ("inputs", "words"))),
    )
    precision: Precision = _setting(
        "auto",
        "Numbers that are multiplied; bf16 and bf16x2 need a CPU that has them. 'auto': bf16 "
        "where it is faster and as good, else float32.",
        used_if=(_SOFTMAX,),
    )
    tokenizer: str = _setting(
        "words",
        "'words': lower-cased Unicode words without punctuation; 'unicode': by Unicode's word "
        "boundaries, with numbers, URLs, hashtags and emoji whole; 'whitespace': as the text is "
        "cut; 'chinese', 'japanese', 'korean', 'thai': by a library for the language; "
        "'module:function': by a function that gets a line.",
    )
    paragraphs: bool = _setting(
        False,
        "Whether a blank line ends a sentence, and not every line: for books with wrapped lines.",
    )
    normalize: Normalization = _setting(
        None,
        "Unicode's form that text is brought to before it is cut, so that the same letters are the "
        "same word however they were typed: 'nfc', 'nfkc' (full-width letters and ligatures too), "
        "or 'none'. Default: nfc, and none for whitespace and functions, whose tokens stay as they "
        "are.",
    )
    language: Language = _setting(
        "any",
        "By whose rules words are lower-cased: 'any': Unicode's, with the Greek final sigma; 'tr' "
        "and 'az': with dotless i besides; 'none': each character by itself.",
        used_if=_UNICODE,
    )
    keep_case: bool = _setting(False, "Whether words keep their capitals.", used_if=_UNICODE)
    errors: Errors = _setting(
        "strict",
        "What is not UTF-8 in a text: 'strict' refuses it, 'replace' puts U+FFFD there, 'ignore' "
        "leaves it out; both say how much it was.",
    )

    phrases: int = _setting(
        0,
        "Passes in which words that stand together more often than by chance are joined to one "
        "token (new_york), as 'fastw2v phrases' does; 0: none are looked for.",
        low=0,
        high=MOST_PASSES,
    )
    phrase_scoring: Scoring = _setting(
        PhraseSettings.scoring,
        "How phrases are scored: 'default': by counts, as word2vec and gensim do; 'npmi': by "
        "normalized mutual information.",
        used_if=(_PHRASES,),
    )
    phrase_min_count: int = _setting(
        PhraseSettings.min_count,
        "Of candidates for phrases: taken off each count by 'default'; 'npmi' leaves out what is "
        "rarer.",
        low=1,
        high=2**62,
        used_if=(_PHRASES,),
    )
    phrase_threshold: float = _setting(
        None,
        "Candidates with a higher score become phrases. Default: 10, and 0.5 for npmi.",
        low=-1,
        high=_LARGEST_RATE,
        used_if=(_PHRASES,),
    )
    phrase_connectors: Connectors = _setting(
        "none",
        "Words that may stand within a phrase (bank_of_america): 'english': gensim's.",
        used_if=(_PHRASES,),
    )

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
            checked = _checked(item.name, value, item.type, {**item.metadata, "high": high})
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
            _checked(name, values[name], _FIELDS[name].type, _FIELDS[name].metadata)
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


def _checked(name: str, value: Any, annotation: Any, metadata: Any) -> Any:
    """Return the value of a setting, a number as Python's own; raises as `Hyperparameters`."""
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
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name}: expected True or False, got {shown_value(value)}")
        return value
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
