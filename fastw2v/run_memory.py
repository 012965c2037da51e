"""How much memory training by the exact softmax takes, said before it is taken."""

import numpy as np

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.initial import OVERSAMPLING
from fastw2v.kernels.blocks import PANEL
from fastw2v.kernels.simd import LANES
from fastw2v.objectives import scores_bytes
from fastw2v.optim import RECIPES
from fastw2v.output_layer import round_up
from fastw2v.vocab import Vocabulary

# Measured (tests/test_run_memory.py): Python and compiled kernels.
PROGRAM_BYTES = 250 * 2**20
_TALL_TABLES = 5  # of float32 that the range finder has at a time
_WIDE_TABLES = 3  # of float64, when its vectors are scaled


def training_bytes(
    n_words: int, settings: Hyperparameters, max_rows: int, counts_bytes: int = 0
) -> int:
    """Return about how much memory training takes at its peak, the program included.

    Parameters
    ----------
    n_words : int
        V.
    settings : Hyperparameters
    max_rows : int
        Rows of a batch.
    counts_bytes : int
        Of counts in memory; those that are mapped take none of their own.
    """
    dimensions = settings.vector_size
    table = 4 * n_words * round_up(dimensions, LANES)
    recipe = RECIPES[settings.optimizer]
    parameters = table * (2 + recipe.output_moments + recipe.centre_moments)
    rounded = 0 if settings.precision == "float32" else table
    objective = parameters + rounded + scores_bytes(n_words, max_rows)
    # The first vectors while the objective is made; afterwards copies of both tables.
    training = objective + 2 * table
    width = round_up(dimensions + OVERSAMPLING, PANEL)
    wide = n_words * width * (4 * _TALL_TABLES + 8 * _WIDE_TABLES)
    starting = wide + 2 * table if settings.start == "spectral" else 2 * table
    return PROGRAM_BYTES + counts_bytes + max(training, starting)


def require_memory(
    vocabulary: Vocabulary,
    settings: Hyperparameters,
    max_rows: int,
    memory_mib: int | None,
    counts_bytes: int = 0,
) -> None:
    """Raise `ConfigurationError` if training would not fit a budget; say what would fit.

    Parameters
    ----------
    vocabulary : Vocabulary
    settings : Hyperparameters
    max_rows : int
        Rows of a batch.
    memory_mib : int or None
        The budget; None for no limit.
    counts_bytes : int
        Of counts in memory.
    """
    n_words = len(vocabulary)
    if memory_mib is None:
        return
    needed = training_bytes(n_words, settings, max_rows, counts_bytes)
    budget = memory_mib * 2**20
    if needed <= budget:
        return
    # Counts shrink with the words at least as their number does.
    most = max(
        (
            words
            for words in np.unique(np.linspace(1, max(n_words - 1, 1), 500).astype(int)).tolist()
            if training_bytes(words, settings, max_rows, counts_bytes * words // n_words) <= budget
        ),
        default=0,
    )
    advice = f"raise it to {-(-needed // 2**20)}"
    if most:
        rarest = int(vocabulary.counts[most]) + 1
        advice += f", or keep fewer words: max_final_vocab={most} fits, or min_count={rarest}"
    raise ConfigurationError(
        f"memory: training {n_words:,} words with vector_size={settings.vector_size} needs about "
        f"{-(-needed // 2**20)} MiB, the budget is {memory_mib}; {advice}; or choose "
        "objective='negative', which has no scores of all words, on the text"
    )
