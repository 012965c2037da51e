"""How much memory training by the exact softmax takes, said before it is taken."""

from fastw2v.config import Hyperparameters
from fastw2v.config.defaults import BatchLimit
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.objectives.arrays import round_up
from fastw2v.objectives.memory import PROGRAM_BYTES, require_within
from fastw2v.objectives.softmax.optimizers import UPDATE_RULES
from fastw2v.objectives.softmax.precision import PLANES, resolved_precision
from fastw2v.objectives.softmax.range_finder import width_of
from fastw2v.objectives.softmax.skipgram import scores_bytes
from fastw2v.text.vocabulary import Vocabulary

__all__ = ["batch_size", "require_memory", "training_bytes"]

_TALL_TABLES = 3  # of float32 that the range finder has at a time


def training_bytes(
    n_words: int,
    settings: Hyperparameters,
    max_rows: int,
    other_bytes: int = 0,
    most_scores: int | None = None,
    *,
    on_card: bool = False,
) -> int:
    """Return about how much memory training takes at its peak, the program included.

    Parameters
    ----------
    n_words : int
        V.
    settings : Hyperparameters
    max_rows : int
        Rows of a batch.
    other_bytes : int
        Of counts and texts in memory; those that are mapped take none of their own.
    most_scores : int, optional
        Of a batch whose softmax is over some columns. Default: of all words.
    on_card : bool
        Whether the output layer is in a card's memory, which does not count.
    """
    dimensions = settings.vector_size
    row = 4 * round_up(dimensions, LANES)
    table = n_words * row
    kept = UPDATE_RULES[settings.optimizer]
    parameters = table * (2 + kept.output_moments + kept.centre_moments)
    if on_card:
        objective = table * (1 + kept.centre_moments)
    else:
        # Rounded to 2 bytes, once or twice: output vectors in addition, scores in place of float32.
        planes = PLANES[resolved_precision(settings.precision)]
        scores = scores_bytes(n_words, max_rows) if most_scores is None else 5 * most_scores
        objective = parameters + planes * table // 2 + (planes * scores // 2 if planes else scores)
    if settings.model == "cbow":
        # Gradients of the rows; contexts of batches, three of them prepared ahead.
        objective += max_rows * (row + 3 * 16 * settings.window) + 3 * 8 * n_words
    # The first vectors while the objective is made; afterwards copies of both tables.
    training = objective + 2 * table
    wide = n_words * width_of(dimensions) * 4 * _TALL_TABLES
    starting = wide + 2 * table if settings.start == "spectral" else 2 * table
    if settings.replicas > 1:  # their mean, beside parameters that begin anew
        training = objective + parameters + 2 * table + starting
    return PROGRAM_BYTES + other_bytes + max(training, starting)


def require_memory(
    vocabulary: Vocabulary,
    settings: Hyperparameters,
    max_rows: int,
    memory_mib: int | None,
    other_bytes: int = 0,
    most_scores: int | None = None,
    *,
    on_card: bool = False,
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
    other_bytes : int
        Of counts and texts in memory.
    most_scores, on_card
        As in `training_bytes`.
    """
    if memory_mib is None:
        return
    n_words = len(vocabulary)

    def needed_bytes(words: int) -> int:
        # Counts shrink with the words at least as their number does.
        others = other_bytes * words // n_words
        return training_bytes(words, settings, max_rows, others, most_scores, on_card=on_card)

    require_within(
        memory_mib,
        vocabulary,
        settings.vector_size,
        needed_bytes,
        "; or choose objective='negative', which has no scores of all words, on the text",
    )


def batch_size(settings: Hyperparameters, n_words: int, limit: BatchLimit | None = None) -> int:
    """Return the most rows of a batch: as set, or the default as far as `scores_mib` allows.

    Parameters
    ----------
    settings : Hyperparameters
    n_words : int
        V.
    limit : BatchLimit, optional
        Default: that of training.

    Raises
    ------
    ConfigurationError
        If the scores of a batch exceed `scores_mib`.
    """
    limit = limit or settings.batch_limit
    # Words of a batch of skip-gram are different ones.
    most = n_words if settings.model == "skipgram" else limit.rows
    size = limit.rows
    budget = settings.scores_mib * 2**20
    while not limit.is_fixed and size > 1 and scores_bytes(n_words, min(size, most)) > budget:
        size //= 2
    needed = scores_bytes(n_words, min(size, most))
    if needed > budget:
        raise ConfigurationError(
            f"scores_mib: a batch of {size} over {n_words:,} words needs {-(-needed // 2**20)} MiB "
            f"for its scores, the budget is {settings.scores_mib}; raise scores_mib, lower "
            f"{limit.name}, or keep fewer words with max_final_vocab or min_count"
        )
    return size
