"""What the whole text says of words among those that they are predicted from, and of windows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.counts.own_pairs import count_own_pairs, count_own_windows
from fastw2v.kernels.formulas.skipgram import SparseRows, WordRows
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.losses.rows import RowBatch
from fastw2v.objectives.losses.scores import ContextScores
from fastw2v.objectives.softmax.text_fit import shrunk_rates
from fastw2v.text.encoded import EncodedTokens

__all__ = [
    "CountedRates",
    "counted_rates",
    "scores_of_words",
    "stored_rates",
]

_Doubles = NDArray[np.float64]
# What is left for other words is not rounded away: a text that is measured may have them.
_LARGEST_RATE = np.nextafter(np.float32(1), np.float32(0))
_TOKENS_AT_ONCE = 2**22


class CountedRates(NamedTuple):
    """What the whole text says of words (V,).

    Attributes
    ----------
    rates : (V,) float32
        Shrunk rates of words beside themselves, or within their window.
    seen : (V,) float64
        What was counted; NaN where nothing was.
    contexts : (V,) float64
        How often each word is predicted of others, but for a factor.
    """

    rates: NDArray[np.float32]
    seen: _Doubles
    contexts: _Doubles


def counted_rates(
    tokens: EncodedTokens, n_words: int, settings: Hyperparameters
) -> CountedRates | None:
    """Return what the whole text says; None of a single word, which has no others."""
    if n_words < 2:
        return None
    if settings.model == "cbow":
        own, sums = count_own_windows(tokens, n_words, settings.window)
        contexts = settings.window * _token_counts(tokens, n_words) - own
    else:
        own, sums = count_own_pairs(tokens, n_words, settings.window)
        contexts = sums - own  # who is in whose window goes both ways
    rates = stored_rates(shrunk_rates(own, sums, float(settings.window)))
    with np.errstate(invalid="ignore"):
        return CountedRates(rates, own / sums, contexts)


def _token_counts(tokens: EncodedTokens, n_words: int) -> _Doubles:
    counts = np.zeros(n_words)
    for first in range(0, len(tokens.ids), _TOKENS_AT_ONCE):
        ids = tokens.ids[first : first + _TOKENS_AT_ONCE]
        counts += np.bincount(ids, minlength=n_words)
    return counts


def stored_rates(rates: _Doubles) -> NDArray[np.float32]:
    """Return rates in single precision, below 1."""
    return np.minimum(rates.astype(np.float32), _LARGEST_RATE)


def scores_of_words(scores: ContextScores, inputs: VectorArray, words: WordRows) -> _Doubles:
    """Return scores of some words of each row."""
    return scores.observed(RowBatch(inputs, SparseRows(*words, np.ones(len(words.words)))))
