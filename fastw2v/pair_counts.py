"""Sparse counts of word pairs in memory, as `fastw2v.counts` makes them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.sparse_counts import CountPart, SparseCounts
from fastw2v.windows import require_window

# Counts that may grow beyond this are added up in int64, and kept so if they do.
LARGEST_INT32 = 2**31 - 1


@dataclass(frozen=True, eq=False)
class PairCounts(SparseCounts):
    """Sparse counts n(c, o) of V words, row by row: compressed sparse rows.

    Attributes
    ----------
    indptr : ndarray of int64, shape (V + 1,)
        The entries of centre word c are those from ``indptr[c]`` to ``indptr[c + 1]``.
    indices : ndarray of int32, shape (nnz,)
        Context words, ascending within each row.
    values : ndarray of int32 or int64, shape (nnz,)
        n(c, o) > 0; int32 if the largest of them fits.
    window : int
        What two words side by side count; words between them take from it, as
        `fastw2v.counts` says.

    Raises
    ------
    ValueError
        If the arrays have other types or shapes. `check` looks into the entries as well.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[Any]
    window: int

    def __post_init__(self) -> None:
        _require_array("indptr", self.indptr, (np.int64,))
        _require_array("indices", self.indices, (np.int32,))
        _require_array("values", self.values, (np.int32, np.int64))
        require_window(self.window)
        if self.indptr.size < 2 or self.indptr[0] != 0 or np.any(np.diff(self.indptr) < 0):
            raise ValueError(
                "indptr: expected V + 1 >= 2 numbers from 0 on that never fall, got "
                f"{self.indptr[:3]}... of size {self.indptr.size}"
            )
        if not self.indptr[-1] == self.indices.size == self.values.size:
            raise ValueError(
                f"indices, values: expected {self.indptr[-1]} entries as indptr ends, "
                f"got {self.indices.size} and {self.values.size}"
            )

    @property
    def n_words(self) -> int:
        """V, the number of rows and of columns."""
        return int(self.indptr.size - 1)

    @property
    def n_entries(self) -> int:
        """The number of pairs of words that were seen at all."""
        return int(self.indices.size)

    @property
    def nbytes(self) -> int:
        """Memory of the three arrays, in bytes."""
        return int(self.indptr.nbytes + self.indices.nbytes + self.values.nbytes)

    @property
    def parts(self) -> tuple[CountPart]:
        """All rows, as one part."""
        return (CountPart(0, self.indptr, self.indices, self.values),)


def _require_array(name: str, array: Any, dtypes: tuple[type, ...]) -> None:
    allowed = " or ".join(np.dtype(dtype).name for dtype in dtypes)
    if (
        not isinstance(array, np.ndarray)
        or array.dtype not in dtypes
        or array.ndim != 1
        or not array.flags.c_contiguous
    ):
        got = f"{getattr(array, 'dtype', type(array).__name__)} {getattr(array, 'shape', '')}"
        raise ValueError(f"{name}: expected a contiguous {allowed} array (n,), got {got}")
