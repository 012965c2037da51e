"""Several runs on one text in one, whose mean is the model.

Two runs differ by the order of their rows and by what their first vectors lack, and each has errors
of its own, which a mean evens out. No score sees a rotation of both tables, so each run's vectors
are turned to where the mean of those before lies, and then it is taken (docs/math.md, section 24).
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fastw2v.callbacks import EpochProgress
from fastw2v.config import Hyperparameters
from fastw2v.objectives.arrays import VectorArray, zeros_of
from fastw2v.objectives.axes import rotation_of_moment
from fastw2v.objectives.softmax.batches import BatchSource
from fastw2v.objectives.softmax.objective import AnyBatch, SoftmaxObjective
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.system.array_files import Arrays
from fastw2v.training.loop import BatchTraining

__all__ = ["ReplicaTraining", "of_replica"]

_REPLICA_STREAM = 3  # keeps the seeds of replicas apart from other uses of the seed
_TABLES = ("in_vectors", "out_vectors")
_MEAN = "mean/"
_ROWS = 4096


def of_replica(settings: Hyperparameters, replica: int) -> Hyperparameters:
    """Return the settings with the seed of a replica, counted from 0, which has the run's own."""
    if not replica:
        return settings
    generator = np.random.default_rng([settings.seed, _REPLICA_STREAM, replica])
    return replace(settings, seed=int(generator.integers(2**63)))


class ReplicaTraining(BatchTraining[AnyBatch]):
    """An exact softmax that is trained several times from the start, and ends as their mean.

    Epochs are counted through. Until the last one has ended the objective is that of the replica
    under way.

    Parameters
    ----------
    objective, batches : ExactSoftmax or FeatureSoftmax, BatchSource
        With the first parameters of replica 0.
    optimizer : Optimizer
        Of one replica.
    settings : Hyperparameters
        `epochs` of a replica, and `replicas`.
    first : callable
        Gets the number of a replica and returns its first "in_vectors" and "out_vectors", (N, D)
        float32 as the objective has them, and "out_bias" (V,).
    """

    def __init__(
        self,
        objective: SoftmaxObjective[AnyBatch],
        batches: BatchSource[AnyBatch],
        optimizer: Optimizer,
        settings: Hyperparameters,
        first: Callable[[int], Arrays],
    ) -> None:
        super().__init__(objective, batches, optimizer)
        self._epochs, self._replicas = settings.epochs, settings.replicas
        self._first = first
        self._mean = {name: np.zeros_like(array) for name, array in self._parameters().items()}

    def _parameters(self) -> Arrays:
        arrays = self.objective.arrays()
        return {name: arrays[name] for name in (*_TABLES, "out_bias")}

    def arrays(self) -> Arrays:
        """Return all that training changes, the mean of the replicas that are done among it."""
        return super().arrays() | {_MEAN + name: array for name, array in self._mean.items()}

    def restore(self, arrays: Arrays) -> None:
        """Take over arrays of the same names and shapes."""
        super().restore(arrays)
        for name, array in self._mean.items():
            if _MEAN + name in arrays:
                np.copyto(array, arrays[_MEAN + name])

    def first_step(self, number: int) -> int:
        """Return the step of its replica that an epoch begins with."""
        return super().first_step(number % self._epochs)

    def epoch(self, number: int, begun: EpochProgress) -> Generator[EpochProgress]:
        """Train on what is left of an epoch; the last one of a replica ends in the mean."""
        replica, place = divmod(number, self._epochs)
        if replica and not place and not begun.steps_done:
            self._begin(replica)
        with closing(super().epoch(number, begun)) as steps:
            for now in steps:
                if place == self._epochs - 1 and now.steps_done == self.steps_per_epoch:
                    self._end(replica)
                yield now

    def _begin(self, replica: int) -> None:
        """Start anew: first parameters, and nothing that an optimiser remembers."""
        arrays = self.objective.arrays()
        fresh = {name: zeros_of(array) for name, array in arrays.items()}
        for name, values in self._first(replica).items():
            fresh[name] = arrays[name].copy()  # what pads the bias is no zero
            rows = fresh[name] if name == "out_bias" else self._rows(fresh[name])
            rows[: len(values)] = values
        self.objective.restore(fresh)

    def _end(self, replica: int) -> None:
        """Take a replica's parameters into the mean of all so far."""
        came = self._parameters()
        share = np.float32(1.0 / (replica + 1))
        with threadpool_limits(1, "blas"):  # with more threads the last bits differ
            turn = self._turn(came) if replica else None
            for name in _TABLES:
                for part, mean in self._blocks(came[name], self._mean[name]):
                    turned = part if turn is None else part @ turn
                    mean[:] += share * (turned - mean)
        self._mean["out_bias"] += share * (came["out_bias"] - self._mean["out_bias"])
        if replica == self._replicas - 1:
            self.objective.restore(self._mean)

    def _turn(self, came: Arrays) -> VectorArray | None:
        """Return the rotation (D, D) that brings a replica nearest to the mean."""
        dimensions = self.objective.dimensions
        moment = np.zeros((dimensions, dimensions))
        for name in _TABLES:
            for part, mean in self._blocks(came[name], self._mean[name]):
                moment += part.T.astype(np.float64) @ mean
        turn = rotation_of_moment(moment)
        return None if turn is None else turn.astype(np.float32)

    def _blocks(self, *tables: NDArray[Any]) -> Iterator[tuple[NDArray[Any], ...]]:
        """Yield the same rows of tables, some at a time, as views."""
        rows = [self._rows(table) for table in tables]
        for first in range(0, len(rows[0]), _ROWS):
            yield tuple(table[first : first + _ROWS] for table in rows)

    def _rows(self, table: NDArray[Any]) -> NDArray[Any]:
        """Return the vectors (N, D) of a table, padded and flat or not, as a view."""
        rows = table if table.ndim == 2 else table.reshape(-1, self.objective.layer.stride)
        return rows[:, : self.objective.dimensions]
