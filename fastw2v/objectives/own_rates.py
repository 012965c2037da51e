"""Words among the words that they are predicted from: a rate each, whatever the scores say.

p(c | c) of skip-gram is such a rate. A window of CBOW has several words within it. Each has odds
r / (1 - r) against all words that are not, so that with rates r_w, and O the sum of the odds,

    p(w | window) = r_w / (1 - r_w) / (1 + O),     p(any other word | window) = 1 / (1 + O)

which is r_w for a window of one word (docs/math.md, section 21). Where no other word is, words of
the window share what there is.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.formulas.skipgram import WordRows

__all__ = ["shared_out", "within_windows"]

_LARGEST = 1.0 - 2.0**-25


def within_windows(
    rates: NDArray[np.float32], windows: WordRows
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what words of windows have of the probability, and what is left for the others.

    Parameters
    ----------
    rates : (V,) float32
    windows : WordRows
        Of R rows.

    Returns
    -------
    shares : float64
        Of each word of the windows.
    rest : (R,) float64
    """
    # A rate of 1 is one that single precision has rounded up to it.
    used = np.minimum(rates[windows.words].astype(np.float64), _LARGEST)
    odds = used / (1.0 - used)
    lengths, rows = np.diff(windows.starts), windows.rows
    others = np.where(lengths < len(rates), 1.0, 0.0)  # odds of 1, where there are others
    shares = 1.0 / (others + np.bincount(rows, odds, len(lengths)))
    return np.asarray(odds * shares[rows], np.float64), np.asarray(others * shares, np.float64)


def shared_out(
    scores: NDArray[np.float64],
    rates: NDArray[np.float32],
    windows: WordRows,
    softmax: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return probabilities (R, V): words of windows have theirs by rates, the rest by scores.

    Parameters
    ----------
    scores : (R, V) float64
        Overwritten.
    rates : (V,) float32
    windows : WordRows
        Of R rows.
    softmax : callable
        Makes probabilities of rows of scores.
    """
    own, rest = within_windows(rates, windows)
    rows = windows.rows
    scores[rows, windows.words] = -np.inf
    scores[rest == 0] = 0.0  # no other word is left
    told = softmax(scores)
    told *= rest[:, None]
    told[rows, windows.words] = own
    return told
