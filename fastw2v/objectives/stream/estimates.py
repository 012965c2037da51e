"""How much memory training on running text takes, said before it is taken."""

import math

from fastw2v.config import Hyperparameters
from fastw2v.kernels.simd.memory import LINE
from fastw2v.objectives.arrays import round_up
from fastw2v.objectives.features import FeatureMatrix
from fastw2v.objectives.memory import require_within
from fastw2v.objectives.stream.tables import COPIED_ROWS
from fastw2v.text.vocabulary import Vocabulary

__all__ = ["PROGRAM_BYTES", "require_stream_memory", "stream_bytes", "stream_feature_bytes"]

# Measured (tests/objectives/test_memory.py): Python and the kernels of these objectives.
PROGRAM_BYTES = 90 * 2**20
_TABLES = 6  # in and out: those that are trained, those of the epoch kept aside, those handed out
_FEATURE_TABLES = 4  # those of features: the same of inputs, and those of n-grams alone
_ENTRY_BYTES = 64  # of a feature of a word: found, sorted, and where its row begins
_NOISE_BYTES = 48  # of a word, while the alias table is made
_CALIBRATION_BYTES = 48 * 2**20  # the sample's counts, and the scores of a panel of its rows
_PATH_BYTES = 20  # of a node in the path of a word through the tree


def stream_bytes(
    n_words: int, settings: Hyperparameters, workers: int, other_bytes: int = 0
) -> int:
    """Return about how much memory training takes at its peak, the program included.

    Parameters
    ----------
    n_words : int
        V.
    settings : Hyperparameters
    workers : int
    other_bytes : int
        Of texts and counts in memory; the training text is mapped.
    """
    row = 4 * round_up(settings.vector_size, LINE)
    tables = _TABLES * n_words * row + 4 * workers * COPIED_ROWS * row
    if settings.objective == "hierarchical":
        outputs = int(n_words * (math.log2(n_words + 1) + 4) * _PATH_BYTES)
    else:
        outputs = n_words * (_NOISE_BYTES + row) + _CALIBRATION_BYTES
    return PROGRAM_BYTES + other_bytes + tables + outputs


def stream_feature_bytes(features: FeatureMatrix, settings: Hyperparameters) -> int:
    """Return about what features take while training, beside the vectors of as many words."""
    further = max(features.n_features - features.n_words, 0)
    row = 4 * round_up(settings.vector_size, LINE)
    return further * row * _FEATURE_TABLES + len(features.indices) * _ENTRY_BYTES


def require_stream_memory(
    vocabulary: Vocabulary,
    settings: Hyperparameters,
    workers: int,
    memory_mib: int | None,
    other_bytes: int = 0,
) -> None:
    """Raise `ConfigurationError` if training would not fit a budget of memory, if there is one.

    Parameters
    ----------
    vocabulary : Vocabulary
    settings : Hyperparameters
    workers : int
    memory_mib : int or None
    other_bytes : int
        Of texts and counts in memory.
    """
    if memory_mib is None:
        return
    require_within(
        memory_mib,
        vocabulary,
        settings.vector_size,
        lambda words: stream_bytes(words, settings, workers, other_bytes),
        "; or choose a smaller vector_size",
    )
