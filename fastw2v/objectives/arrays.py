"""Tables of vectors: rows padded for the kernels, and copies of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.simd.vectors import LANES

__all__ = [
    "HeldRows",
    "VectorArray",
    "copy_arrays",
    "padded_rows",
    "round_up",
    "unpadded_rows",
    "zeros_of",
]

VectorArray = NDArray[np.float32]
"""VectorArray: (N, D), or flat rows that are padded to whole vectors of the CPU."""


def round_up(number: int, multiple: int) -> int:
    """Return the least multiple that is not below `number`."""
    return -(-number // multiple) * multiple


def padded_rows(vectors: VectorArray, n_rows: int) -> VectorArray:
    """Return vectors (N, D) as kernels take them: `n_rows` rows of whole vectors, flat."""
    padded = np.zeros((n_rows, round_up(vectors.shape[1], LANES)), np.float32)
    padded[: len(vectors), : vectors.shape[1]] = vectors
    return padded.reshape(-1)


def unpadded_rows(flat: VectorArray, n_rows: int, dimensions: int) -> VectorArray:
    """Return a copy (N, D) of the first rows of what `padded_rows` gave."""
    table = flat.reshape(-1, round_up(dimensions, LANES))
    return np.ascontiguousarray(table[:n_rows, :dimensions])


def zeros_of(array: VectorArray) -> VectorArray:
    """Return zeros of the same shape, which take no memory until they are looked at.

    Those of `numpy.zeros_like` do: it writes them.
    """
    return np.zeros(array.shape, array.dtype)


def copy_arrays(given: dict[str, NDArray[Any]], targets: dict[str, NDArray[Any]]) -> None:
    """Copy arrays into targets of the same names; names on one side only are left alone."""
    for name in given.keys() & targets.keys():
        np.copyto(targets[name], given[name])


class HeldRows:
    """Rows of a flat table that a step may change and that are put back after it.

    Attributes
    ----------
    words : (N,) int64
        Which rows. They are noted before the first step, so as a resumed run has them.
    """

    def __init__(self, stride: int) -> None:
        self.words = np.zeros(0, np.int64)
        self._stride = stride
        self._rows: VectorArray | None = None

    def note(self, flat: VectorArray) -> None:
        """Remember the rows, the first time."""
        if self._rows is None and len(self.words):
            self._rows = flat.reshape(-1, self._stride)[self.words]

    def put_back(self, flat: VectorArray) -> bool:
        """Write the rows as they were; return whether there are any."""
        if self._rows is None:
            return False
        flat.reshape(-1, self._stride)[self.words] = self._rows
        return True
