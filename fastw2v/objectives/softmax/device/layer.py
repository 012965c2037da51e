"""The output layer by PyTorch: tables on a device, and the exact step over them tile by tile.

It does what `fastw2v.objectives.softmax.tile_layer` and `column_layer` do, by the functions of
`device.tiles`. Input rows come from this machine's memory and their gradients go back there, since
they are few: B D numbers beside the B V D products of a step.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Precision
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.objectives.arrays import VectorArray, round_up
from fastw2v.objectives.softmax.device.entries import Copies, Entries, first_of_tiles
from fastw2v.objectives.softmax.device.library import Device, device_precision, product
from fastw2v.objectives.softmax.device.memory import LayerSize, told_of_memory
from fastw2v.objectives.softmax.device.moves import Fused, Mover
from fastw2v.objectives.softmax.device.tables import DeviceTables, Outputs
from fastw2v.objectives.softmax.device.tiles import (
    errors,
    exponentials,
    exponentials_again,
    log_sums,
    row_scales,
)
from fastw2v.objectives.softmax.optimizers import UPDATE_RULES, StepRules
from fastw2v.objectives.softmax.output_layer import ObservedRows, OutputLayer

__all__ = ["DeviceLayer"]

Tensor = Any


class DeviceLayer(OutputLayer):
    """Output vectors and bias on a device, and the exact step over them.

    Parameters
    ----------
    out_vectors : (V, D) float32
    out_bias : (V,) float32
    device : Device
        Batches have to be cut by its tile.
    optimizer : {"adam", "adagrad", "sgd"}
    max_rows : int
        The most input rows that a batch will have.
    precision : {"float32", "bf16", "auto"}
        In which numbers `train` multiplies; `loss` is always computed in float32.
    lists_columns : bool
        Whether batches list the words that their softmax is computed over.

    Raises
    ------
    ConfigurationError
        If the device lacks the precision, or memory.
    """

    def __init__(
        self,
        out_vectors: VectorArray,
        out_bias: VectorArray,
        *,
        device: Device,
        optimizer: str,
        max_rows: int,
        precision: Precision,
        lists_columns: bool = False,
    ) -> None:
        self.n_words, self.dimensions = out_vectors.shape
        self.stride = round_up(self.dimensions, LANES)
        self.max_rows, self.tile = max_rows, device.tile
        self.lists_columns = lists_columns
        self._device, torch = device, device.torch
        self._torch = torch
        is_rounded = device_precision(precision, device.kind) == "bf16"
        self._dtype = torch.bfloat16 if is_rounded else torch.float32
        n_moments = UPDATE_RULES[optimizer].output_moments
        sizes = (self.n_words, self.dimensions, max_rows, self.tile, n_moments)
        self._size = LayerSize(*sizes, is_rounded)
        with told_of_memory(device, self._size):
            self.tables = DeviceTables(
                out_vectors,
                out_bias,
                device=device,
                n_moments=n_moments,
                dtype=self._dtype,
                lists_columns=lists_columns,
            )
            self._mover = Mover(device, self.tables)
        self._exponentials = Fused(exponentials, device)
        self._again = Fused(exponentials_again, device)
        self.rows, self._rows = self._host_rows()
        self.gradients, self._gradients = self._host_rows()
        budget = device.memory_bytes
        if budget is None and device.free_bytes is not None:
            budget = device.free_bytes + self.tables.nbytes
        self.kept_tiles = self._size.kept_tiles(budget)
        self._copies = Copies(device, self.n_words)
        self._entries: Entries | None = None
        self._chosen: NDArray[np.int32] | None = None
        # Of the rows that were last looked at: peaks and sums, and their parts tile by tile.
        self._sums: tuple[Tensor, Tensor] | None = None
        self._predicted: tuple[Outputs, Tensor, list[Tensor]] | None = None

    def _host_rows(self) -> tuple[VectorArray, Tensor]:
        """Return room for input rows in this machine's memory, which copies can begin from."""
        size = self.max_rows * self.stride
        flat = self._torch.zeros(size, dtype=self._torch.float32, pin_memory=self._device.is_card)
        return flat.numpy(), flat.view(self.max_rows, self.stride)

    # A batch

    def announce(self, batch: ObservedRows) -> None:
        """Begin to copy a batch that comes next; another thread may call it."""
        self._copies.begin(batch)

    def load(self, batch: ObservedRows) -> None:
        """Take over the observed words of a batch; the caller then writes the input `rows`."""
        n_rows, chosen = len(batch.row_weights), getattr(batch, "chosen", None)
        if n_rows > self.max_rows:
            raise ValueError(f"batch: expected at most {self.max_rows} rows, got {n_rows}")
        n_words = self.n_words if chosen is None else len(chosen.words)
        tiles = -(-n_words // self.tile)
        if len(batch.tile_starts) != tiles + 1:
            raise ValueError(
                f"batch: expected entries cut into {tiles} tiles, got "
                f"{len(batch.tile_starts) - 1}; cut batches by the device's tile"
            )
        self._chosen = None if chosen is None else chosen.words
        with told_of_memory(self._device, self._size):
            self._entries = self._copies.entries(batch)

    @property
    def columns(self) -> NDArray[np.int32] | slice:
        """Which words the last batch's softmax was computed over."""
        return slice(None) if self._chosen is None else self._chosen

    @property
    def _loaded(self) -> Entries:
        if self._entries is None:
            raise ValueError("batch: expected one that was loaded, got none")
        return self._entries

    def _inputs(self, entries: Entries) -> Tensor:
        """Return the batch's input rows on the device, (B, width) float32."""
        rows = self._rows[: entries.n_rows].to(self._device.name, non_blocking=True)
        inputs = rows.new_zeros((entries.n_rows, self.tables.width))
        inputs[:, : self.dimensions] = rows[:, : self.dimensions]
        return inputs

    def _tiles(self, entries: Entries) -> list[tuple[slice, slice]]:
        """Return each tile's words, and its entries."""
        bounds, starts = first_of_tiles(entries.n_columns, self.tile), entries.starts
        return [
            (slice(bounds[t], bounds[t + 1]), slice(starts[t], starts[t + 1]))
            for t in range(len(bounds) - 1)
        ]

    def _forward(
        self, entries: Entries, operands: Tensor, outputs: Outputs, keeps: int
    ) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """Go over all tiles; note the rows' sums.

        Returns
        -------
        peaks : list of (B,)
            Of each tile.
        kept : list of (B, n)
            The exponentials of the first `keeps` tiles.
        observed : (E,) float32
            The scores of observed words.
        """
        peaks: list[Tensor] = []
        sums: list[Tensor] = []
        kept: list[Tensor] = []
        observed: list[Tensor] = []
        for words, own in self._tiles(entries):
            scores = product(operands, outputs.operands[words].t(), self._torch)
            found = scores.view(-1).index_select(0, entries.places[own])
            observed.append(found + outputs.bias.index_select(0, entries.columns[own]))
            exponents, *parts = self._exponentials(scores, outputs.bias[words], operands.dtype)
            peaks.append(parts[0])
            sums.append(parts[1])
            if len(kept) < keeps:
                kept.append(exponents)
        self._sums = log_sums(self._torch.stack(peaks), self._torch.stack(sums))
        return peaks, kept, self._torch.cat(observed)

    def _loss(self, entries: Entries, observed: Tensor) -> Tensor:
        assert self._sums is not None
        highest, total = self._sums
        # Apart, since a float32 near 1e4 has no digits left for the logarithm.
        logs = observed.double() - highest.double().index_select(0, entries.rows)
        logs -= total.log().index_select(0, entries.rows)
        return -(entries.weights.double() * logs).sum()

    def loss(self) -> float:
        """Return the loss of the batch, in float32; an estimate where it lists columns."""
        return self._loss_with(None)

    def _loss_with(self, bias: Tensor | None) -> float:
        entries = self._loaded
        with told_of_memory(self._device, self._size):
            outputs = self.tables.outputs(entries, self._torch.float32, bias)
            _, _, observed = self._forward(entries, self._inputs(entries), outputs, 0)
            return float(self._loss(entries, observed).item())

    def train(self, rules: StepRules) -> float:
        """Update the layer by the batch, see `OutputLayer.train`."""
        entries, tables = self._loaded, self.tables
        if self.lists_columns and entries.words is None:
            raise ValueError("batch: expected one that lists its columns, got one of all words")
        with told_of_memory(self._device, self._size):
            tables.note_held()
            inputs = self._inputs(entries)
            operands = inputs.to(self._dtype)
            outputs = tables.outputs(entries, self._dtype)
            peaks, kept, observed = self._forward(entries, operands, outputs, self.kept_tiles)
            loss = self._loss(entries, observed)
            self._mover.begin(self._chosen, entries.n_columns, rules)
            learns_bias = bool(rules.bias.rate > 0)
            gradients = self._backward(entries, inputs, outputs, (peaks, kept), learns_bias)
            tables.put_back_held()
            own = gradients[:, : self.stride].contiguous()
            self._gradients[: entries.n_rows].copy_(own, non_blocking=True)
            return float(loss.item())  # waits for the gradients as well

    def _backward(
        self,
        entries: Entries,
        inputs: Tensor,
        outputs: Outputs,
        forward: tuple[list[Tensor], list[Tensor]],
        learns_bias: bool,
    ) -> Tensor:
        """Update tile by tile; return the gradients of the input rows (B, width)."""
        assert self._sums is not None
        peaks, kept = forward
        operands = inputs.to(self._dtype)
        total = self._torch.zeros_like(inputs)
        for t, (words, own) in enumerate(self._tiles(entries)):
            of_tile = outputs.operands[words]
            if t < len(kept):
                exponents, kept[t] = kept[t], None
            else:
                scores = product(operands, of_tile.t(), self._torch)
                exponents = self._again(scores, outputs.bias[words], peaks[t], operands.dtype)
            scales = entries.row_weights * row_scales(peaks[t], *self._sums)
            of_entries = scales.index_select(0, entries.rows[own])
            errors(exponents, entries.places[own], entries.weights[own] / of_entries)
            total += scales[:, None] * product(exponents, of_tile, self._torch)
            scaled = (inputs * scales[:, None]).to(self._dtype)
            self._mover.move_vectors(words, outputs, product(exponents.t(), scaled, self._torch))
            if learns_bias:
                of_bias = (exponents.float() * scales[:, None]).sum(0)
                self._mover.move_bias(words, outputs, of_bias)
        return total

    # What is fitted to the text afterwards

    def scores_of(self, rows: int) -> VectorArray:
        """Return none: scores are computed when they are needed."""
        return np.empty(0, np.float32)

    def log_sum_exps(self, bias: VectorArray, scores: VectorArray) -> NDArray[np.float64]:
        """Return the log-sum-exp of each row's scores (B,), see `OutputLayer.log_sum_exps`."""
        entries = self._loaded
        with told_of_memory(self._device, self._size):
            own = self.tables.padded_bias(bias)
            outputs = self.tables.outputs(entries, self._torch.float32, own)
            inputs = self._inputs(entries)
            peaks, _, _ = self._forward(entries, inputs, outputs, 0)
            self._predicted = (outputs, inputs, peaks)
            return self.row_log_sums()

    def row_log_sums(self) -> NDArray[np.float64]:
        """Return the log-sum-exp (B,) of the rows that were last looked at, float64."""
        assert self._sums is not None
        highest, total = self._sums
        return np.asarray((highest.double() + total.log()).cpu().numpy())

    def _predicted_tiles(self) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield each tile's words, exponentials (B, n), and by what they become shares (B,)."""
        assert self._predicted is not None
        assert self._sums is not None
        outputs, inputs, peaks = self._predicted
        for t, (words, _) in enumerate(self._tiles(self._loaded)):
            made = product(inputs, outputs.operands[words].t(), self._torch)
            exponents = self._again(made, outputs.bias[words], peaks[t], inputs.dtype)
            yield words, exponents, row_scales(peaks[t], *self._sums)

    def _moved(self, values: NDArray[np.floating[Any]]) -> Tensor:
        return self._torch.from_numpy(values.astype(np.float32)).to(self._device.name)

    def predicted_masses(
        self, weights: NDArray[np.float64], scores: VectorArray
    ) -> NDArray[np.float64]:
        """Return what the rows predict of every column, see `OutputLayer.predicted_masses`."""
        with told_of_memory(self._device, self._size):
            given = self._moved(weights)
            masses = [(given * scales) @ of_tile for _, of_tile, scales in self._predicted_tiles()]
            found = self._torch.cat(masses)[: self._loaded.n_columns]
            return np.asarray(found.double().cpu().numpy())

    def predicted_means(self, values: VectorArray, scores: VectorArray) -> NDArray[np.float64]:
        """Return the mean of `values` over each row's softmax, see `OutputLayer`."""
        with told_of_memory(self._device, self._size):
            given = self._moved(values)
            means = [
                (of_tile[:, : len(given[words])] @ given[words] * scales).double()
                for words, of_tile, scales in self._predicted_tiles()
            ]
            return np.asarray(self._torch.stack(means).sum(0).cpu().numpy())

    def predicted_loss(self, bias: VectorArray, scores: VectorArray) -> float:
        """Return the loss of the batch with this bias, computed anew: no scores are kept."""
        return self._loss_with(self.tables.padded_bias(bias))

    def words_above(
        self, least: NDArray[np.float64], scores: VectorArray
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return pairs that have a share of their row, see `OutputLayer.words_above`."""
        parts = []
        with told_of_memory(self._device, self._size):
            bounds = self._moved(least)
            for words, of_tile, scales in self._predicted_tiles():
                shares = of_tile * scales[:, None]
                rows, places = (shares >= bounds[:, None]).nonzero(as_tuple=True)
                found = (rows, places + words.start, shares[rows, places].double())
                parts.append(tuple(each.cpu().numpy() for each in found))
        rows, words_found, shares = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.lexsort((words_found, rows))
        return rows[order], words_found[order], shares[order]

    # What the layer has

    def vectors_of(self, words: NDArray[np.integer[Any]]) -> VectorArray:
        """Return the output vectors of some words (N, D), a copy."""
        return self.tables.vectors_of(words)

    @property
    def vectors(self) -> VectorArray:
        """Output vectors (V, D), a copy."""
        return self.tables.own_vectors

    @property
    def table(self) -> VectorArray:
        """Output vectors (V, D), a copy."""
        return self.tables.own_vectors

    @property
    def bias(self) -> VectorArray:
        """Output bias (V,), a copy."""
        return self.tables.own_bias

    @property
    def nbytes(self) -> int:
        """What the layer takes of this machine's memory, in bytes."""
        own = 0 if self._device.is_card else self.tables.nbytes
        return own + self.rows.nbytes + self.gradients.nbytes

    @property
    def is_finite(self) -> bool:
        """Whether vectors and bias are finite numbers; looks at each of them."""
        return self.tables.is_finite

    def hold(self, words: NDArray[np.bool_]) -> None:
        """Keep the vectors of some words (V,) as they are, bit by bit, whatever is trained."""
        self.tables.hold(words)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that training changes, by the names that checkpoints have."""
        return self.tables.arrays()

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over those of `arrays` that are given."""
        self.tables.restore(arrays)

    def end_training(self) -> None:
        """Give back what only `train` needs."""
        self._copies.forget()
        self.tables.end_training()

    def end(self) -> None:
        """Give back what only `loss` and `train` need; neither can be called again."""
        self.end_training()
        self._entries = self._predicted = self._sums = None
