"""How tables on a device are moved by the gradients of a tile: whole runs of rows, or columns."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from fastw2v.kernels.softmax.outputs import MOST_PER_VISIT
from fastw2v.kernels.softmax.updates import ADAM, Rule
from fastw2v.objectives.softmax.device.entries import Entries
from fastw2v.objectives.softmax.device.library import Device
from fastw2v.objectives.softmax.device.tables import DeviceTables, Outputs
from fastw2v.objectives.softmax.device.tiles import adam, move_of, step
from fastw2v.objectives.softmax.optimizers import StepRules, visit_corrections

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
        self._corrections = None
        if tables.visits is not None:
            self._corrections = self._torch.from_numpy(visit_corrections()).to(device.name)
        self._rates: dict[str, tuple[Tensor, Tensor]] = {}
        self._rules: dict[str, Rule] = {}
        self._n_columns = 0

    def begin(self, entries: Entries, rules: StepRules) -> None:
        """Begin a step over what a batch lists; columns count it as an update of theirs."""
        self._tables.steps += 1
        self._n_columns = entries.n_columns
        self._rules = {"vectors": rules.output, "bias": rules.bias}
        by_columns = None if entries.words is None else self._by_visits(entries)
        for name, rule in self._rules.items():
            self._rates[name] = self._rates_of(rule, by_columns)

    def _by_visits(self, entries: Entries) -> tuple[Tensor, Tensor, Tensor]:
        """Return, for each column, by how much its rate is more, and its corrections."""
        visits, corrections = self._tables.visits, self._corrections
        assert visits is not None
        assert corrections is not None
        words = entries.words[: entries.n_columns]  # type: ignore[index]
        own = visits.index_select(0, words) + 1
        visits.index_copy_(0, words, own)
        steps = int(self._tables.steps[0])
        more = (steps / own.double()).sqrt().clamp_(max=MOST_PER_VISIT)
        more = more.where(own < steps, 1.0)
        at = own.long().clamp_(max=corrections.shape[1] - 1)
        return more, corrections[0].index_select(0, at), corrections[1].index_select(0, at)

    def _rates_of(
        self, rule: Rule, by_columns: tuple[Tensor, Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        if rule.kind != ADAM:
            return self._number(rule.rate), self._number(rule.unbias_second)
        if by_columns is None:
            return self._number(rule.rate * rule.unbias_first), self._number(rule.unbias_second)
        more, first, second = by_columns
        rate = (float(rule.rate) * more).float() * first
        return rate[:, None], second[:, None]

    def _number(self, value: np.float32) -> Tensor:
        return self._torch.full((), float(value), **self._place)

    def _step(self, name: str, values: Tensor, moments: list[Tensor], gradient: Tensor,
              own: slice) -> None:  # fmt: skip
        rate, unbias = self._rates[name]
        if rate.dim():
            rate, unbias = rate[own], unbias[own]
        step(values, moments, gradient, move_of(self._rules[name], rate, unbias), self._adam)

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
