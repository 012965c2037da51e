"""Windows of counting: their size, and how wide each word is in them.

Plain windows count every word between two others as one place. In measured windows a frequent
word takes only the part of a place that word2vec's subsampling leaves it on average, so that
windows reach over such words as they do there: docs/math.md, section 6.
"""

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.kernels.counts.windows import LARGEST_REACH, PLACE, Windows

__all__ = ["REACH_IN_SIZES", "largest_count", "require_window", "windows_of", "word_widths"]

# A pair of measured windows is never further apart than so many times their size, however
# frequent the words between: it bounds the time that counting takes.
REACH_IN_SIZES = 4


def word_widths(keep: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the width of each word: what it takes of a place in a measured window.

    Parameters
    ----------
    keep : array of float64, shape (V,)
        Probability with which a token of each word is kept, as `keep_probability` gives it.

    Returns
    -------
    ndarray of int32, shape (V,)
        In units of 2**-16 of a place, rounded to the nearest; at most 2**16. Whole numbers, so
        that their sums are exact in any order.

    Raises
    ------
    ConfigurationError
        If a probability is not within 0 to 1.
    """
    outside = ~((keep >= 0) & (keep <= 1))
    if outside.any():
        word = int(np.argmax(outside))
        raise ConfigurationError(
            f"keep: expected probabilities from 0 to 1, got {keep[word]} for word {word}"
        )
    widths: NDArray[np.int32] = np.rint(keep * PLACE).astype(np.int32)
    return widths


def windows_of(window: int, widths: NDArray[np.int32] | None, n_words: int) -> Windows:
    """Return windows as kernels take them.

    Parameters
    ----------
    window : int
        Weight of two words side by side; in plain windows also the largest distance of a pair.
    widths : ndarray of int32, shape (V,), optional
        As `word_widths` gives them. Default: windows are plain.
    n_words : int
        V, the size of the vocabulary.

    Raises
    ------
    ConfigurationError
        If the window is out of range.
    VocabularyError
        If there is not one width from 0 to 2**16 for each word.
    """
    require_window(window)
    if widths is None:
        return Windows(int(window), int(window), np.empty(0, np.int32))
    if widths.dtype != np.int32 or widths.shape != (n_words,):
        raise VocabularyError(
            f"widths: expected int32 of shape ({n_words},), one for each word, got "
            f"{widths.dtype} of shape {widths.shape}; make them by word_widths"
        )
    outside = (widths < 0) | (widths > PLACE)
    if outside.any():
        word = int(np.argmax(outside))
        raise VocabularyError(
            f"widths: expected 0 to {PLACE}, got {widths[word]} for word {word}; "
            "make them by word_widths"
        )
    reach = min(REACH_IN_SIZES * int(window), LARGEST_REACH)
    return Windows(int(window), reach, np.ascontiguousarray(widths))


def largest_count(frequency: int, windows: Windows) -> int:
    """Return what no count of a word that occurs `frequency` times exceeds.

    Raises
    ------
    CorpusError
        If that does not fit int64.
    """
    # In plain windows the two sides of a position weigh 1 + ... + size each.
    both_sides = windows.size * (windows.size + 1)
    if windows.widths.size:
        both_sides = 2 * windows.size * windows.reach
    largest = frequency * both_sides
    if largest >= 2**63:
        raise CorpusError(
            f"tokens: expected counts below 2**63, got up to {largest} for a word that occurs "
            f"{frequency} times; count in parts, or with a smaller window"
        )
    return largest


def require_window(window: int) -> None:
    """Raise ConfigurationError unless windows of this size can be counted."""
    if not hasattr(window, "__index__") or not 1 <= window <= LARGEST_REACH:
        raise ConfigurationError(
            f"window: expected a whole number from 1 to {LARGEST_REACH}, got {window!r}"
        )
