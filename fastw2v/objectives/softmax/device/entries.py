"""A batch's observed words on a device, copied there while the batch before it is computed."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.arrays import round_up
from fastw2v.objectives.softmax.device.library import WORD_STEP, Device
from fastw2v.objectives.softmax.output_layer import ObservedRows

__all__ = ["Copies", "Entries", "first_of_tiles"]

Tensor = Any

NOWHERE = -1e30  # bias of what only fills up the last tile


class Entries(NamedTuple):
    """What a step needs of a batch, on the device.

    Attributes
    ----------
    n_rows : int
    starts : list of int
        Where the entries of each tile begin, and where the last ones end.
    places : (E,) int64
        Where an entry is among the scores of its tile, row by row.
    rows, columns : (E,) int64
    weights : (E,) float32
    row_weights : (B,) float32
    words : (C,) int64, optional
        The columns of the softmax, and words that fill them up, where a batch lists them.
    logs : (C,) float32, optional
        What is added to the bias of each.
    n_columns : int
        How many of `words` are columns.
    """

    n_rows: int
    starts: list[int]
    places: Tensor
    rows: Tensor
    columns: Tensor
    weights: Tensor
    row_weights: Tensor
    words: Tensor | None
    logs: Tensor | None
    n_columns: int


def first_of_tiles(n_words: int, tile: int) -> list[int]:
    """Return the first word of each tile, and the end of the last, with words filled up."""
    return [*range(0, n_words, tile), round_up(n_words, WORD_STEP)]


class Copies:
    """Batches on their way to a device.

    On a card copies go from pinned memory on a stream of their own, beside what is computed.

    Parameters
    ----------
    device : Device
    n_words : int
        V.
    """

    def __init__(self, device: Device, n_words: int) -> None:
        self._device, self._n_words = device, n_words
        self._torch = device.torch
        self._stream = self._torch.cuda.Stream() if device.is_card else None
        # Each with its batch, so that no other one can have its number meanwhile.
        self._under_way: dict[int, tuple[ObservedRows, Entries, Any]] = {}

    def begin(self, batch: ObservedRows) -> None:
        """Start copying a batch; `entries` of it waits for that."""
        self._under_way[id(batch)] = (batch, *self._copied(batch))

    def entries(self, batch: ObservedRows) -> Entries:
        """Return a batch's entries on the device, copied now if that was not begun."""
        begun = self._under_way.pop(id(batch), None)
        found, event = begun[1:] if begun else self._copied(batch)
        if event is not None:
            stream = self._torch.cuda.current_stream()
            stream.wait_event(event)
            for tensor in found:
                if isinstance(tensor, self._torch.Tensor):
                    tensor.record_stream(stream)  # its memory is not given to others before
        return found

    def forget(self) -> None:
        """Let go of batches that were never asked for."""
        self._under_way.clear()

    def _copied(self, batch: ObservedRows) -> tuple[Entries, Any]:
        if self._stream is None:
            return self._moved(batch), None
        with self._torch.cuda.stream(self._stream):
            found = self._moved(batch)
            return found, self._stream.record_event()

    def _moved(self, batch: ObservedRows) -> Entries:
        chosen = getattr(batch, "chosen", None)
        n_words = self._n_words if chosen is None else len(chosen.words)
        bounds = np.array(first_of_tiles(n_words, self._device.tile), np.int64)
        sizes = np.diff(bounds)
        tiles = np.repeat(np.arange(len(sizes)), np.diff(batch.tile_starts))
        rows, columns = batch.entry_rows.astype(np.int64), batch.columns.astype(np.int64)
        places = rows * sizes[tiles] + columns - bounds[tiles]
        words = logs = None
        if chosen is not None:
            words = np.zeros(int(bounds[-1]), np.int64)
            logs = np.full(int(bounds[-1]), NOWHERE, np.float32)
            words[:n_words], logs[:n_words] = chosen.words, chosen.logs
        return Entries(
            len(batch.row_weights),
            [int(start) for start in batch.tile_starts],
            self._tensor(places),
            self._tensor(rows),
            self._tensor(columns),
            self._tensor(np.ascontiguousarray(batch.weights)),
            self._tensor(batch.row_weights.astype(np.float32)),
            None if words is None else self._tensor(words),
            None if logs is None else self._tensor(logs),
            n_words,
        )

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        tensor = self._torch.from_numpy(array)
        if self._stream is None:
            return tensor
        return tensor.pin_memory().to("cuda", non_blocking=True)
