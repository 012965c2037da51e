"""Settings: every hyper-parameter once, defaults that depend on others, and numbers checked.

`fastw2v.config.settings` declares the settings, of which the command line is built,
`fastw2v.config.hyperparameters` holds those of a run to one another, `fastw2v.config.counting` has
those that counting depends on;
`fastw2v.config.defaults` the defaults that follow from other settings; `fastw2v.config.phrases`
what becomes a phrase; `fastw2v.config.numbers` takes over numbers of any library's, or refuses them
by name. Imports `errors`.
"""

from fastw2v.config.choices import (
    VECTOR_CHOICES,
    BatchKind,
    Bias,
    Connectors,
    DeviceName,
    Errors,
    Inputs,
    Kind,
    Language,
    ModelName,
    Normalization,
    ObjectiveName,
    OptimizerName,
    Precision,
    RareWords,
    Start,
    VectorChoice,
)
from fastw2v.config.continued import continued_settings
from fastw2v.config.counting import (
    COUNTING_NAMES,
    PHRASE_NAMES,
    TEXT_NAMES,
    CountingSettings,
    settings_for_counts,
    with_text_settings,
)
from fastw2v.config.fields import Condition
from fastw2v.config.hyperparameters import Hyperparameters
from fastw2v.config.phrases import MOST_PASSES, PhraseSettings, Scoring
from fastw2v.config.settings import LARGEST_SEED, MOST_DIMENSIONS, SMALLEST_SAMPLE
from fastw2v.config.tokenizers import (
    SEGMENTED,
    UNICODE_TOKENIZERS,
    NamedTokenizer,
    TokenizeFunction,
    Tokenizer,
    checked_tokenizer,
    is_function_name,
    repeated_tokenizer,
)

__all__ = [
    "COUNTING_NAMES",
    "LARGEST_SEED",
    "MOST_DIMENSIONS",
    "MOST_PASSES",
    "PHRASE_NAMES",
    "SEGMENTED",
    "SMALLEST_SAMPLE",
    "TEXT_NAMES",
    "UNICODE_TOKENIZERS",
    "VECTOR_CHOICES",
    "BatchKind",
    "Bias",
    "Condition",
    "Connectors",
    "CountingSettings",
    "DeviceName",
    "Errors",
    "Hyperparameters",
    "Inputs",
    "Kind",
    "Language",
    "ModelName",
    "NamedTokenizer",
    "Normalization",
    "ObjectiveName",
    "OptimizerName",
    "PhraseSettings",
    "Precision",
    "RareWords",
    "Scoring",
    "Start",
    "TokenizeFunction",
    "Tokenizer",
    "VectorChoice",
    "checked_tokenizer",
    "continued_settings",
    "is_function_name",
    "repeated_tokenizer",
    "settings_for_counts",
    "with_text_settings",
]
