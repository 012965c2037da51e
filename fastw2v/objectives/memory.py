"""Budgets of memory: what training would take is compared with them before it is taken."""

from collections.abc import Callable

import numpy as np

from fastw2v.errors import ConfigurationError
from fastw2v.text.vocabulary import Vocabulary

__all__ = ["PROGRAM_BYTES", "fitting_words", "require_within"]

# Measured (tests/objectives/test_memory.py): Python and compiled kernels.
PROGRAM_BYTES = 150 * 2**20


def require_within(
    memory_mib: int,
    vocabulary: Vocabulary,
    vector_size: int,
    needed_bytes: Callable[[int], int],
    advice: str,
) -> None:
    """Raise `ConfigurationError` if training would not fit a budget; say what would fit.

    Parameters
    ----------
    memory_mib : int
        The budget.
    vocabulary : Vocabulary
    vector_size : int
    needed_bytes : callable
        Returns about what training so many words takes; it grows with them.
    advice : str
        What else would need less.
    """
    n_words = len(vocabulary)
    needed, budget = needed_bytes(n_words), memory_mib * 2**20
    if needed <= budget:
        return
    remedies = f"raise it to {-(-needed // 2**20)}"
    fewer = fitting_words(vocabulary, needed_bytes, budget)
    if fewer is not None:
        remedies += f", or {fewer}"
    raise ConfigurationError(
        f"memory: training {n_words:,} words with vector_size={vector_size} needs about "
        f"{-(-needed // 2**20)} MiB, the budget is {memory_mib}; {remedies}{advice}"
    )


def fitting_words(
    vocabulary: Vocabulary, needed_bytes: Callable[[int], int], budget: int
) -> str | None:
    """Return the advice to keep as few words as fit a budget of bytes; None if not even one does.

    `needed_bytes` is as in `require_within`.
    """
    n_words = len(vocabulary)
    numbers = np.unique(np.linspace(1, max(n_words - 1, 1), 500).astype(int)).tolist()
    most = max((words for words in numbers if needed_bytes(words) <= budget), default=0)
    if not most:
        return None
    rarest = int(vocabulary.counts[min(most, n_words - 1)]) + 1
    return f"keep fewer words: max_final_vocab={most} fits, or min_count={rarest}"
