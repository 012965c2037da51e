"""How tables on a device are moved by the gradients of a tile: whole runs of rows, or columns."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.softmax.columns import count_visits
from fastw2v.kernels.softmax.updates import ADAM, Rule
from fastw2v.objectives.softmax.device.library import Device
from fastw2v.objectives.softmax.device.tables import DeviceTables, Outputs
from fastw2v.objectives.softmax.device.tiles import Move, adam, move_of, step
from fastw2v.objectives.softmax.optimizers import StepRules, decays_of_steps

__all__ = ["Fused", "Mover"]

_LOGGER = logging.getLogger(__name__)

Tensor = Any


class Fused:
    """A function on tensors, in one pass over memory where PyTorch can compile it.

    Parameters
    ----------
    function : callable
    device : Device
    """

    def __init__(self, function: Callable[..., Any], device: Device) -> None:
        self._function = function
        self._compiled: Callable[..., Any] | None = None
        self._torch = device.torch
        if device.fuses:
            # Of any size: the last tile and the last batch have others.
            self._compiled = self._torch.compile(function, dynamic=True)

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        if self._compiled is not None:
            try:
                return self._compiled(*arguments)
            except self._torch._dynamo.exc.TorchDynamoException as error:  # before it has begun
                _LOGGER.warning("not compiled, and slower for it: %s", error)
                self._compiled = None
        return self._function(*arguments)


class Mover:
    """Moves tables by the rules of one step after the other.

    Parameters
    ----------
    device : Device
    tables : DeviceTables
    """

    def __init__(self, device: Device, tables: DeviceTables) -> None:
        self._torch, self._tables = device.torch, tables
        self._adam = Fused(adam, device)
        self._place = {"device": device.name, "dtype": self._torch.float32}
        self._decays, self._limits = decays_of_steps()
        self._moves: dict[str, Move] = {}
        self._by_columns = False
        self._n_columns = 0

    def begin(self, chosen: NDArray[np.int32] | None, n_columns: int, rules: StepRules) -> None:
        """Begin a step over all words, or over columns, which count it as an update of theirs."""
        tables = self._tables
        tables.steps += 1
        self._n_columns, self._by_columns = n_columns, chosen is not None
        by_visits = None
        if chosen is not None:
            counted = (chosen, tables.visits, tables.latest, int(tables.steps[0]))
            by_visits = count_visits(*counted, self._decays, self._limits)
        for name, rule in (("vectors", rules.output), ("bias", rules.bias)):
            self._moves[name] = self._move_of(rule, by_visits)

    def _move_of(
        self, rule: Rule, by_visits: tuple[NDArray[np.float32], NDArray[np.float32]] | None
    ) -> Move:
        if rule.kind != ADAM:
            return move_of(rule, self._number(rule.rate), self._number(rule.unbias_second))
        unbias = self._number(rule.unbias_second)
        if by_visits is None:
            return move_of(rule, self._number(rule.rate * rule.unbias_first), unbias)
        keeps, more = by_visits
        rate = self._column(rule.rate * more * rule.unbias_first)
        of_columns = {"keep_first": self._column(keeps[0]), "keep_second": self._column(keeps[1])}
        return move_of(rule, rate, unbias)._replace(**of_columns)

    def _number(self, value: np.float32) -> Tensor:
        return self._torch.full((), float(value), **self._place)

    def _column(self, values: NDArray[np.float32]) -> Tensor:
        return self._torch.from_numpy(values).to(self._place["device"])[:, None]

    def _step(
        self, name: str, values: Tensor, moments: list[Tensor], gradient: Tensor, own: slice
    ) -> None:
        move = self._moves[name]
        if self._by_columns and move.kind == ADAM:
            parts = (move.rate, move.keep_first, move.keep_second)
            rate, first, second = (part[own] for part in parts)
            move = move._replace(rate=rate, keep_first=first, keep_second=second)
        step(values, moments, gradient, move, self._adam)

    def move_vectors(self, words: slice, outputs: Outputs, gradient: Tensor) -> None:
        """Move the vectors of a tile by their gradient (n, width)."""
        tables = self._tables
        if outputs.words is None:
            values = tables.vectors[words]
            moments = [table[words] for table in tables.moments]
            self._step("vectors", values, moments, gradient, words)
            if tables.rounded is not None:
                tables.rounded[words].copy_(values)
            return
        own, places = self._columns(words, outputs)
        values = outputs.vectors[own]
        moments = [table.index_select(0, places) for table in tables.moments]
        self._step("vectors", values, moments, gradient[: len(places)], own)
        _put(places, (tables.vectors, *tables.moments), (values, *moments))

    def move_bias(self, words: slice, outputs: Outputs, gradient: Tensor) -> None:
        """Move the bias of a tile by its gradient (n,), if it learns."""
        tables = self._tables
        own = slice(words.start, min(words.stop, self._n_columns))
        by_row = gradient[: own.stop - own.start, None]
        if outputs.words is None:
            moments = [table[own, None] for table in tables.bias_moments]
            self._step("bias", tables.bias[own, None], moments, by_row, own)
            return
        own, places = self._columns(words, outputs)
        values = tables.bias.index_select(0, places)
        kept = [table.index_select(0, places) for table in tables.bias_moments]
        columns = [moment[:, None] for moment in kept]
        self._step("bias", values[:, None], columns, by_row, own)
        _put(places, (tables.bias, *tables.bias_moments), (values, *kept))

    def _columns(self, words: slice, outputs: Outputs) -> tuple[slice, Tensor]:
        """Return which columns of a tile are words, and which words they are."""
        own = slice(words.start, min(words.stop, self._n_columns))
        return own, outputs.words[own]  # type: ignore[index]


def _put(places: Tensor, tables: tuple[Tensor, ...], rows: tuple[Tensor, ...]) -> None:
    for table, changed in zip(tables, rows, strict=True):
        table.index_copy_(0, places, changed)
