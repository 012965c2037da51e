"""Adding up the rows of several sparse counts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.counts.sparse_rows import RowAccumulator, add_to_row, drain_row

__all__ = ["merge_rows"]


@kernel
def merge_rows(
    starts: NDArray[np.int64],
    entries: tuple[NDArray[np.int32], NDArray[np.int64]],
    row: RowAccumulator,
    merged: tuple[NDArray[np.int32], NDArray[np.int64]],
    indptr: NDArray[np.int64],
) -> None:
    """Write the sums of R rows of K counts.

    Parameters
    ----------
    starts : ndarray of int64, shape (K, R + 1)
        Row r of the k-th counts has the entries from ``starts[k, r]`` to ``starts[k, r + 1]``.
    entries : tuple of indices int32 (n,) and values int64 (n,)
        In a row in any order.
    row : RowAccumulator
        With sums in int64.
    merged : tuple of indices int32 and values int64
        Receives the rows one after the other, sorted; `n + SLACK` places.
    indptr : ndarray of int64, shape (R + 1,)
        Receives where they begin.
    """
    indices, values = entries
    place: Any = 0
    indptr[0] = 0
    for r in range(indptr.size - 1):
        n_touched = np.uint64(0)
        for k in range(starts.shape[0]):
            for i in range(starts[k, r], starts[k, r + 1]):
                n_touched = add_to_row(row, n_touched, np.uint32(indices[i]), values[i])
        place, _ = drain_row(row, n_touched, merged[0], merged[1], place)
        indptr[r + 1] = place
