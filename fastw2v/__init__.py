"""Numba-accelerated word2vec: the exact full softmax, counted once, trained as dense tiles.

Imports every room, each name when it is first asked for.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastw2v.version import VERSION

if TYPE_CHECKING:
    from fastw2v.config import Hyperparameters
    from fastw2v.errors import FastW2VError
    from fastw2v.model import Word2Vec
    from fastw2v.objectives.losses.perplexity import Perplexity
    from fastw2v.system.signals import TrainingInterrupted
    from fastw2v.text.corpus import Source
    from fastw2v.training.checkpoints import Checkpoints
    from fastw2v.training.result import TrainingSummary
    from fastw2v.training.start_from import StartFrom
    from fastw2v.training.validation import Validation


__version__ = VERSION

# Who uses the library decides what becomes of its messages; without a handler they are not shown.
logging.getLogger("fastw2v").addHandler(logging.NullHandler())

# Imported when first asked for, so that `fastw2v --help` need not load Numba.
_HOMES = {
    "Hyperparameters": "fastw2v.config",
    "Checkpoints": "fastw2v.training.checkpoints",
    "FastW2VError": "fastw2v.errors",
    "Perplexity": "fastw2v.objectives.losses.perplexity",
    "Source": "fastw2v.text.corpus",
    "StartFrom": "fastw2v.training.start_from",
    "TrainingInterrupted": "fastw2v.system.signals",
    "TrainingSummary": "fastw2v.training.result",
    "Validation": "fastw2v.training.validation",
    "Word2Vec": "fastw2v.model",
}

__all__ = [  # noqa: RUF022 - the main thing first
    "Word2Vec",
    "Hyperparameters",
    "Source",
    "StartFrom",
    "Validation",
    "Checkpoints",
    "TrainingSummary",
    "TrainingInterrupted",
    "Perplexity",
    "FastW2VError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'fastw2v' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
