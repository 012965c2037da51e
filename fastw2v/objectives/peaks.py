"""Probabilities of a softmax that is too sure, or not sure enough (docs/math.md, section 21).

Above knots k_1 < k_2 < ... a probability q is raised to other powers: what it becomes is
proportional to q up to k_1, to q^p_1 between k_1 and k_2, and so on, without a jump. Then every row
is divided by what it sums to. Powers above 0 keep the order.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Peaks"]

_Doubles = NDArray[np.float64]


class Peaks(NamedTuple):
    """How probabilities above knots become others.

    Attributes
    ----------
    knots : tuple of float
        Rising, between 0 and 1. What is not above the first is only divided by the sum.
    powers : tuple of float
        One for each knot, from there to the next. Above 0, so that the order stays; 1 changes
        nothing.
    """

    knots: tuple[float, ...]
    powers: tuple[float, ...]

    @classmethod
    def at(cls, knot: float, power: float) -> "Peaks":
        """Return one power above one knot: p is proportional to knot (q / knot)^power."""
        return cls((knot,), (power,))

    @property
    def lowest(self) -> float:
        """The first knot."""
        return self.knots[0]

    def log_factors(self, log_q: _Doubles) -> _Doubles:
        """Return what is added to the logarithms of probabilities, before they are normalised."""
        added = np.zeros_like(log_q)
        for knot, bend in zip(self.knots, np.diff((1.0, *self.powers)), strict=True):
            added += bend * np.maximum(log_q - math.log(knot), 0.0)
        return added

    def applied(self, probabilities: _Doubles) -> _Doubles:
        """Return rows of probabilities (R, V) with their peaks changed, each summing to one."""
        found = probabilities.copy()
        rows, words = np.nonzero(probabilities > self.lowest)
        peaks = probabilities[rows, words]
        found[rows, words] = peaks * np.exp(self.log_factors(np.log(peaks)))
        return np.asarray(found / self.sums(probabilities)[:, None])

    def sums(self, probabilities: _Doubles) -> _Doubles:
        """Return what rows (R, V) that sum to one sum to before they are normalised anew (R,)."""
        rows, words = np.nonzero(probabilities > self.lowest)
        return self.sums_of(rows, np.log(probabilities[rows, words]), len(probabilities))

    def sums_of(self, rows: NDArray[np.int64], log_q: _Doubles, n_rows: int) -> _Doubles:
        """Return the same (n_rows,) by the rows and log q of pairs above the first knot alone."""
        more = np.exp(log_q) * np.expm1(self.log_factors(log_q))
        return np.asarray(1.0 + np.bincount(rows, more, n_rows), np.float64)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {"knots": list(self.knots), "powers": list(self.powers)}
