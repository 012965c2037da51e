"""TensorBoard: loss and rate as curves; PyTorch and TensorFlow are not needed."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from fastw2v.callbacks import StepReport
from fastw2v.integrations.metrics import DEFAULT_EVERY_S, Metrics, metrics_callback
from fastw2v.system.dependencies import optional_module

__all__ = ["TensorBoardCallback"]


class TensorBoardCallback:
    """Writes metrics to an event file; close it, or use it in a ``with`` block.

    Parameters
    ----------
    folder : path
        Where ``tensorboard --logdir`` looks. Made if it is not there.
    every_s : float
        As in `metrics_callback`.

    Raises
    ------
    MissingDependencyError
        If tensorboard is not installed.
    """

    def __init__(self, folder: str | Path, *, every_s: float = DEFAULT_EVERY_S) -> None:
        writers = optional_module(
            "tensorboard.summary.writer.event_file_writer",
            "TensorBoardCallback",
            "trackers",
            "tensorboard",
        )
        self._writer = writers.EventFileWriter(str(folder))
        self._callback = metrics_callback(self._log, every_s=every_s)

    def __call__(self, report: StepReport) -> None:
        """Take a report of training; at the end of an epoch all is on disk."""
        self._callback(report)
        if report.epoch_ended:
            self._writer.flush()

    def _log(self, metrics: Metrics, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]
        self._writer.add_event(
            Event(wall_time=time.time(), step=step, summary=Summary(value=values))
        )

    def close(self) -> None:
        """Write what is left, and end the writer's thread."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
