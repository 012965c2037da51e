"""Tables of vectors: rows padded for the kernels, and copies of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.simd.vectors import LANES

__all__ = ["VectorArray", "copy_arrays", "padded_rows", "round_up", "unpadded_rows"]

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


def copy_arrays(given: dict[str, NDArray[Any]], targets: dict[str, NDArray[Any]]) -> None:
    """Copy arrays into targets of the same names; names on one side only are left alone."""
    for name in given.keys() & targets.keys():
        np.copyto(targets[name], given[name])
