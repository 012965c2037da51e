"""Tables of output vectors on a device, with what their optimiser keeps, and copies of it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.arrays import VectorArray, copy_arrays, round_up
from fastw2v.objectives.softmax.device.entries import NOWHERE, Entries
from fastw2v.objectives.softmax.device.library import WORD_STEP, Device

__all__ = ["DeviceTables", "Outputs"]

Tensor = Any


class Outputs(NamedTuple):
    """What a batch's softmax is over: the whole tables, or copies of the columns that it lists.

    Attributes
    ----------
    vectors : (n, width) float32
    operands : (n, width)
        The same as products take them.
    bias : (n,) float32
    words : (n,) int64, optional
        Which rows of the tables these are, where they are copies.
    """

    vectors: Tensor
    operands: Tensor
    bias: Tensor
    words: Tensor | None


class DeviceTables:
    """Output vectors and bias, filled up to whole blocks, and the optimiser's moments.

    Parameters
    ----------
    out_vectors : (V, D) float32
    out_bias : (V,) float32
    device : Device
    n_moments : int
    dtype
        In which numbers training multiplies.
    lists_columns : bool
        Whether batches list columns: then each word's updates are counted.

    Attributes
    ----------
    vectors, moments
        (words, width) float32, and a list of such.
    bias, bias_moments
        (words,) float32, and a list of such.
    rounded : (words, width), optional
        The vectors as products take them.
    visits, latest : (V,) int32
        How often each word was a column, and in which step last; empty where batches list none.
    steps : (1,) int64
        How many steps there were. These three stay in this machine's memory.
    """

    def __init__(
        self,
        out_vectors: VectorArray,
        out_bias: VectorArray,
        *,
        device: Device,
        n_moments: int,
        dtype: Any,
        lists_columns: bool,
    ) -> None:
        torch = self._torch = device.torch
        self.device, self.dtype = device, dtype
        self.n_words, self.dimensions = out_vectors.shape
        words, self.width = round_up(self.n_words, WORD_STEP), round_up(self.dimensions, WORD_STEP)
        self._place = {"device": device.name, "dtype": torch.float32}
        self.vectors = torch.zeros((words, self.width), **self._place)
        self.bias = self.padded_bias(out_bias)
        self._fill(self.vectors, out_vectors)
        self.moments = [torch.zeros_like(self.vectors) for _ in range(n_moments)]
        self.bias_moments = [torch.zeros_like(self.bias) for _ in range(n_moments)]
        self.steps = np.zeros(1, np.int64)
        counted = self.n_words if lists_columns else 0
        self.visits, self.latest = np.zeros(counted, np.int32), np.zeros(counted, np.int32)
        # Columns are rounded when they are known.
        is_copied = dtype != torch.float32 and not lists_columns
        self.rounded = self.vectors.to(dtype) if is_copied else None
        self._held: tuple[Tensor, Tensor] | None = None
        self._held_words: NDArray[np.int64] = np.zeros(0, np.int64)

    def _fill(self, table: Tensor, values: NDArray[Any]) -> None:
        given = self._torch.from_numpy(np.ascontiguousarray(values))
        if table.dim() == 2:
            table[: self.n_words, : self.dimensions] = given.to(table.device)
        else:
            table[: self.n_words] = given.to(table.device)

    def padded_bias(self, bias: VectorArray) -> Tensor:
        """Return a bias (V,) on the device, with one that comes to nothing for other words."""
        padded = self._torch.full((round_up(self.n_words, WORD_STEP),), NOWHERE, **self._place)
        self._fill(padded, bias)
        return padded

    def outputs(self, entries: Entries, dtype: Any, bias: Tensor | None = None) -> Outputs:
        """Return what a batch's softmax is over; `bias` takes the place of the tables' own."""
        bias = self.bias if bias is None else bias
        if entries.words is None:
            is_rounded = self.rounded is not None and dtype == self.dtype
            operands = self.rounded if is_rounded else self.vectors.to(dtype)
            return Outputs(self.vectors, operands, bias, None)
        vectors = self.vectors.index_select(0, entries.words)
        biases = bias.index_select(0, entries.words) + entries.logs
        return Outputs(vectors, vectors.to(dtype), biases, entries.words)

    # What stays as it is

    def hold(self, words: NDArray[np.bool_]) -> None:
        """Keep the vectors of some words (V,) as they are."""
        self._held_words = np.flatnonzero(words)

    def note_held(self) -> None:
        """Remember the held vectors, the first time."""
        if self._held is None and len(self._held_words):
            words = self._torch.from_numpy(self._held_words).to(self.vectors.device)
            self._held = (words, self.vectors.index_select(0, words))

    def put_back_held(self) -> None:
        """Write the held vectors as they were."""
        if self._held is not None:
            words, rows = self._held
            self.vectors.index_copy_(0, words, rows)
            if self.rounded is not None:
                self.rounded.index_copy_(0, words, rows.to(self.dtype))

    # Copies in this machine's memory

    def _own(self, table: Tensor) -> NDArray[Any]:
        part = table[: self.n_words]
        if part.dim() == 2:
            part = part[:, : self.dimensions]
        return np.array(part.cpu().numpy())  # never a view: on the CPU it would be one

    def vectors_of(self, words: NDArray[np.integer[Any]]) -> VectorArray:
        """Return the vectors of some words (N, D)."""
        places = self._torch.from_numpy(np.asarray(words, np.int64)).to(self.vectors.device)
        rows = self.vectors.index_select(0, places)[:, : self.dimensions]
        return np.array(rows.cpu().numpy())

    @property
    def own_vectors(self) -> VectorArray:
        """Output vectors (V, D)."""
        return self._own(self.vectors)

    @property
    def own_bias(self) -> VectorArray:
        """Output bias (V,)."""
        return self._own(self.bias)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that training changes, by the names that checkpoints have."""
        n_moments = len(self.moments)
        shape = (n_moments, self.n_words)
        moments = np.zeros((*shape, self.dimensions), np.float32)
        of_bias = np.zeros(shape, np.float32)
        for k, (table, column) in enumerate(zip(self.moments, self.bias_moments, strict=True)):
            if table is not None:  # else training has ended
                moments[k] = self._own(table)
            of_bias[k] = self._own(column)
        found: dict[str, NDArray[Any]] = {
            "out_vectors": self.own_vectors,
            "out_moments": moments,
            "out_bias": self.own_bias,
            "out_bias_moments": of_bias,
        }
        return found | {name: array.copy() for name, array in self._counted().items()}

    def _counted(self) -> dict[str, NDArray[Any]]:
        if not len(self.visits):
            return {}
        return {"out_visits": self.visits, "out_latest": self.latest, "out_steps": self.steps}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over those of `arrays` that are given."""
        tables = {"out_vectors": self.vectors, "out_bias": self.bias}
        for name in tables.keys() & arrays.keys():
            self._fill(tables[name], arrays[name])
        lists = {"out_moments": self.moments, "out_bias_moments": self.bias_moments}
        for name in lists.keys() & arrays.keys():
            for table, values in zip(lists[name], arrays[name], strict=True):
                if table is not None:
                    self._fill(table, values)
        copy_arrays(arrays, self._counted())
        if self.rounded is not None:
            self.rounded.copy_(self.vectors)

    def end_training(self) -> None:
        """Give back the moments of the vectors and the rounded ones."""
        self.moments = [None] * len(self.moments)
        self.rounded = None

    @property
    def is_finite(self) -> bool:
        """Whether vectors and bias are finite numbers."""
        torch = self._torch
        return all(bool(torch.isfinite(table).all()) for table in (self.vectors, self.bias))

    @property
    def nbytes(self) -> int:
        """What the tables take of the device's memory."""
        held = (self.vectors, self.bias, self.rounded, *self.moments, *self.bias_moments)
        return sum(table.nbytes for table in held if table is not None)
