"""Sparse counts of word pairs, in memory or in parts, and what can be read off them.

n(c, o) says how often context o stands in the window of centre c, weighted by nearness; see
`fastw2v.counts.pairs` for how the counts are made. Counts come in parts, ranges of centre words one
after the other: one part in memory (`PairCounts`), or as many as there are files
(`fastw2v.counts.parts.CountsInFiles`). Every number here is the same, to the bit, however they are
cut.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastw2v.counts.windows import require_window
from fastw2v.errors import CorpusError
from fastw2v.kernels.counts import pair_statistics
from fastw2v.system.memory_maps import forget_pages

__all__ = ["LARGEST_INT32", "CountArrays", "CountPart", "PairCounts", "SparseCounts"]

# Counts that may grow beyond this are added up in int64, and kept so if they do.
LARGEST_INT32 = 2**31 - 1
CountArrays = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[Any]]


class CountPart(NamedTuple):
    """The rows of R centre words one after the other.

    Attributes
    ----------
    first : int
        The first centre word.
    indptr : ndarray of int64, shape (R + 1,)
        From 0; the entries of centre ``first + k`` are those from ``indptr[k]`` on.
    indices : ndarray of int32, shape (nnz,)
        Context words, ascending within each row.
    values : ndarray of int32 or int64, shape (nnz,)
        n(c, o) > 0.
    """

    first: int
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[Any]

    @property
    def n_rows(self) -> int:
        """How many centre words it has, those without contexts too."""
        return int(self.indptr.size - 1)

    @property
    def arrays(self) -> CountArrays:
        """The arrays alone."""
        return self.indptr, self.indices, self.values


class CountParts(Sequence[CountPart], ABC):
    """All rows, in parts that are made when they are asked for."""

    @abstractmethod
    def part(self, number: int) -> CountPart:
        """Return the part of this number, 0 to the length without it."""

    @overload
    def __getitem__(self, number: int) -> CountPart: ...
    @overload
    def __getitem__(self, number: slice) -> list[CountPart]: ...
    def __getitem__(self, number: int | slice) -> CountPart | list[CountPart]:
        if isinstance(number, slice):
            return [self.part(k) for k in range(len(self))[number]]
        return self.part(range(len(self))[number])


class SparseCounts:
    """Counts n(c, o) of V words that come in parts; what all kinds of counts have in common."""

    @property
    def n_words(self) -> int:
        """V, the number of rows and of columns."""
        raise NotImplementedError

    @property
    def n_entries(self) -> int:
        """The number of pairs of words that were seen at all."""
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """Memory of its own, in bytes; what is mapped has none."""
        return 0

    @property
    def parts(self) -> Sequence[CountPart]:
        """The rows from the first to the last."""
        raise NotImplementedError

    @property
    def firsts(self) -> list[int]:
        """The first centre word of each part."""
        return [part.first for part in self.parts]

    def rows(self, centres: NDArray[np.int64]) -> tuple[NDArray[np.int64], CountArrays]:
        """Return counts that hold the rows of some centre words, and where in them they are.

        Parameters
        ----------
        centres : ndarray of int64, shape (B,)
            Ascending, each once.

        Returns
        -------
        places : ndarray of int64, shape (B,)
        counts : tuple of indptr, indices, values
            Of one part as they are; from several parts just these rows are copied.
        """
        parts = self.parts
        if len(parts) == 1:
            return centres, parts[0].arrays
        return np.arange(len(centres)), self._copied(centres)[0]

    def copied(self, rows: NDArray[np.int64]) -> CountArrays:
        """Return rows, in the order that is asked for, in arrays of their own.

        The memory in which mapped parts were read is given back.
        """
        arrays, parts = self._copied(rows)
        for part in parts:
            forget_pages(part.indices)
        return arrays

    def _copied(self, rows: NDArray[np.int64]) -> tuple[CountArrays, list[CountPart]]:
        """Return rows in arrays of their own, and the parts that they are of."""
        owners = (np.searchsorted(self.firsts, rows, side="right") - 1).tolist()
        sizes = [0] * len(rows)
        indices, values = ([np.empty(0, np.int32)] * (len(rows) + 1) for _ in range(2))
        numbers, parts, opened = rows.tolist(), self.parts, {}
        for place in sorted(range(len(rows)), key=owners.__getitem__):  # part after part
            owner = owners[place]
            if owner not in opened:
                opened[owner] = parts[owner]
            part = opened[owner]
            row = numbers[place] - part.first
            start, stop = part.indptr[row : row + 2]
            indices[place], values[place] = part.indices[start:stop], part.values[start:stop]
            sizes[place] = stop - start
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
        # Where counts of one part are wider than those of another, the wider type holds both.
        return (indptr, np.concatenate(indices), np.concatenate(values)), list(opened.values())

    def check(self) -> None:
        """Look at every entry; a fraction of the time of counting.

        Raises
        ------
        ValueError
            If the indices of a row do not ascend within [0, V), a count is not positive, or
            the total does not fit int64.
        """
        for part in self.parts:
            row = pair_statistics.find_bad_row(*part.arrays, self.n_words)
            if row != pair_statistics.VALID:
                raise ValueError(
                    f"row {part.first + row}: expected ascending context words within [0, "
                    f"{self.n_words}) and counts above 0, got something else; count again, or "
                    "restore the file"
                )
        if self.total >= 2**63:
            raise ValueError(f"total: expected less than 2**63, got {self.total}")

    @property
    def total(self) -> int:
        """The sum of all counts, exactly."""
        total = 0
        for part in self.parts:
            high, low = pair_statistics.total_in_halves(part.values)
            total += (int(high) << 32) + int(low)
        return total

    def row_sums(self, context_weights: ArrayLike | None = None) -> NDArray[np.float64]:
        """Return sum_o n(c, o) weight(o) of every centre c, as float64 (V,).

        Parameters
        ----------
        context_weights : array of numbers >= 0, shape (V,), optional
            Default: 1, which gives exact sums up to 2**53.
        """
        if context_weights is None:
            sums = [
                pair_statistics.integer_row_sums(part.indptr, part.values) for part in self.parts
            ]
            return np.concatenate(sums)
        weights = self._weights("context_weights", context_weights)
        return np.concatenate(
            [pair_statistics.weighted_row_sums(*part.arrays, weights) for part in self.parts]
        )

    def self_counts(self) -> NDArray[np.float64]:
        """Return n(c, c) of every word, as float64 (V,)."""
        return np.concatenate(
            [pair_statistics.own_counts(*part.arrays, part.first) for part in self.parts]
        )

    def context_sums(self, centre_weights: ArrayLike | None = None) -> NDArray[np.float64]:
        """Return sum_c weight(c) n(c, o) of every context o, as float64 (V,).

        Parameters
        ----------
        centre_weights : array of numbers >= 0, shape (V,), optional
            Default: 1, which gives exact sums up to 2**53.
        """
        if centre_weights is None:
            whole = np.zeros(self.n_words, np.int64)
            for part in self.parts:
                pair_statistics.add_column_sums(part.indices, part.values, whole)
            return whole.astype(np.float64)
        weights = self._weights("centre_weights", centre_weights)
        totals, rests = np.zeros(self.n_words), np.zeros(self.n_words)
        for part in self.parts:
            centres = weights[part.first : part.first + part.n_rows]
            pair_statistics.add_weighted_column_sums(*part.arrays, centres, totals, rests)
        sums: NDArray[np.float64] = totals + rests
        return sums

    def conditional_entropy_nats(
        self,
        centre_weights: ArrayLike | None = None,
        context_weights: ArrayLike | None = None,
    ) -> float:
        """Return the entropy of the context given the centre, in nats.

        With w(c, o) = n(c, o) centre_weight(c) context_weight(o) this is
        -(sum w log(w / sum_o w)) / sum w: no model of p(o | c) can have a smaller
        cross entropy on these pairs.

        Raises
        ------
        CorpusError
            If there are no pairs, or the weights leave none.
        """
        contexts = self._weights("context_weights", context_weights)
        centres = self._weights("centre_weights", centre_weights)
        row_sums = self.row_sums(contexts)
        entropies = np.concatenate(
            [
                pair_statistics.row_entropies(
                    *part.arrays, contexts, row_sums[part.first : part.first + part.n_rows]
                )
                for part in self.parts
            ]
        )
        shares = _shares(centres * row_sums)
        return float(np.sum(shares * entropies))

    def context_entropy_nats(
        self,
        centre_weights: ArrayLike | None = None,
        context_weights: ArrayLike | None = None,
    ) -> float:
        """Return the entropy of the context whatever the centre, in nats.

        The loss of a model that predicts every context by its frequency alone. Weights and
        errors are those of `conditional_entropy_nats`.
        """
        contexts = self._weights("context_weights", context_weights)
        shares = _shares(contexts * self.context_sums(centre_weights))
        shares = shares[shares > 0]
        return float(-np.sum(shares * np.log(shares)))

    def _weights(self, name: str, weights: ArrayLike | None) -> NDArray[np.float64]:
        if weights is None:
            return np.ones(self.n_words)
        array = np.ascontiguousarray(weights, dtype=np.float64)
        if array.shape != (self.n_words,):
            raise ValueError(
                f"{name}: expected one weight a word, shape ({self.n_words},), got {array.shape}"
            )
        if not (np.isfinite(array).all() and (array >= 0).all()):
            word = int(np.argmin(np.isfinite(array) & (array >= 0)))
            raise ValueError(
                f"{name}: expected finite numbers of at least 0, got {array[word]} for word {word}"
            )
        return array


def _shares(masses: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.sum(masses)
    if not total > 0:
        raise CorpusError(
            "entropy: expected at least one pair of words with a weight above 0, got none; "
            "use a longer text or other weights"
        )
    return masses / total


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
        `fastw2v.counts.pairs` says.

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
