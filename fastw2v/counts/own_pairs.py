"""Words in their own windows, counted over running text of any length without its other pairs."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.checked_text import text_of
from fastw2v.counts.windows import require_window
from fastw2v.kernels.counts.own_pairs import add_own_pairs, add_own_windows
from fastw2v.text.encoded import EncodedTokens

__all__ = ["OwnPairCounts", "count_own_pairs", "count_own_windows"]

_TOKENS_AT_ONCE = 2**22  # between two looks at signals


class OwnPairCounts(NamedTuple):
    """Whole numbers: of pairs as `fastw2v.counts.pairs.count_pairs` has them for plain windows.

    Attributes
    ----------
    own, sums : (V,) float64
        n(c, c), and the sum of n(c, o) over all o. Of windows: those around c that have c within
        them, and those around any word that have.
    """

    own: NDArray[np.float64]
    sums: NDArray[np.float64]


def count_own_pairs(
    tokens: EncodedTokens,
    n_words: int,
    window: int,
    report: Callable[[int, int | None], None] | None = None,
) -> OwnPairCounts:
    """Count pairs of words with themselves in plain windows, and all pairs of each word.

    Takes time in proportion to tokens times window, and 16 bytes a word.

    Parameters
    ----------
    tokens : EncodedTokens
        Of a vocabulary of V words; its arrays may be mapped. Its ids are trusted.
    n_words : int
        V.
    window : int
    report : callable, optional
        Gets tokens done, and tokens in all.

    Raises
    ------
    ConfigurationError
        If `window` is out of range.
    CorpusError
        If arrays are of other types.
    """
    return _counted(add_own_pairs, tokens, n_words, window, report)


def count_own_windows(
    tokens: EncodedTokens,
    n_words: int,
    window: int,
    report: Callable[[int, int | None], None] | None = None,
) -> OwnPairCounts:
    """Count windows of CBOW that have a word within them, and those of them that are around it.

    Each token has a window for every reach from 1 to `window`. Parameters, errors, time and memory
    as those of `count_own_pairs`.
    """
    return _counted(add_own_windows, tokens, n_words, window, report)


def _counted(
    kernel: Callable[..., object],
    tokens: EncodedTokens,
    n_words: int,
    window: int,
    report: Callable[[int, int | None], None] | None,
) -> OwnPairCounts:
    require_window(window)
    text, n_tokens = text_of(tokens), len(tokens.ids)
    own, sums = np.zeros((2, n_words), np.int64)
    for first in range(0, n_tokens, _TOKENS_AT_ONCE):
        end = min(first + _TOKENS_AT_ONCE, n_tokens)
        kernel(text, first, end, window, own, sums)
        if report:
            report(end, n_tokens)
    return OwnPairCounts(own.astype(np.float64), sums.astype(np.float64))
