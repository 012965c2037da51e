"""The largest probabilities of a softmax that is too sure of them (docs/math.md, section 21).

A probability q above a knot becomes knot (q / knot)^power, and every row is divided by what it then
sums to. A power below 1 takes from the largest ones most; all keep their order.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Peaks"]

_Doubles = NDArray[np.float64]


class Peaks(NamedTuple):
    """How probabilities above a knot become others: p is proportional to knot (q / knot)^power.

    Attributes
    ----------
    knot : float
        Between 0 and 1. What is not above it is only divided by the sum.
    power : float
        Above 0, so that the order stays; 1 changes nothing.
    """

    knot: float
    power: float

    def log_factors(self, log_q: _Doubles) -> _Doubles:
        """Return what is added to the logarithms of probabilities, before they are normalised."""
        return np.asarray((self.power - 1.0) * np.maximum(log_q - math.log(self.knot), 0.0))

    def applied(self, probabilities: _Doubles) -> _Doubles:
        """Return rows of probabilities (R, V) with their peaks changed, each summing to one."""
        found = probabilities.copy()
        rows, words = np.nonzero(probabilities > self.knot)
        peaks = probabilities[rows, words]
        found[rows, words] = peaks * np.exp(self.log_factors(np.log(peaks)))
        return np.asarray(found / self.sums(probabilities)[:, None])

    def sums(self, probabilities: _Doubles) -> _Doubles:
        """Return what rows (R, V) that sum to one sum to before they are normalised anew (R,)."""
        rows, words = np.nonzero(probabilities > self.knot)
        return self.sums_of(rows, np.log(probabilities[rows, words]), len(probabilities))

    def sums_of(self, rows: NDArray[np.int64], log_q: _Doubles, n_rows: int) -> _Doubles:
        """Return the same (n_rows,) of the pairs above the knot alone: their rows, and log q."""
        more = np.exp(log_q) * np.expm1(self.log_factors(log_q))
        return np.asarray(1.0 + np.bincount(rows, more, n_rows), np.float64)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return self._asdict()
