"""Callbacks as plain functions that get a dict of metrics."""

import math
from collections.abc import Callable
from typing import Any

from fastw2v.callbacks import Callback, StepReport
from fastw2v.config.numbers import real_number

__all__ = ["DEFAULT_EVERY_S", "Metrics", "metrics_callback", "metrics_of"]

Metrics = dict[str, float]
DEFAULT_EVERY_S = 1.0
_SHOWN = ("loss_nats", "learning_rate", "elapsed_s", "epoch")


def metrics_of(report: StepReport) -> Metrics:
    """Return the finite numbers of a report, for trackers.

    Always ``loss_nats``, ``learning_rate``, ``elapsed_s`` and ``epoch``, and whatever else
    a report has that begins with ``held_out_``.
    """
    values: dict[str, Any] = report.as_dict()
    return {
        name: float(value)
        for name, value in values.items()
        if (name in _SHOWN or name.startswith("held_out_"))
        and value is not None
        and math.isfinite(value)
    }


def metrics_callback(
    log: Callable[[Metrics, int], object], *, every_s: float = DEFAULT_EVERY_S
) -> Callback:
    """Return a callback for `Word2Vec.fit` that calls ``log(metrics, step)`` now and then.

    Parameters
    ----------
    log : callable
        Gets a dict from names to numbers (`metrics_of`), and how many batches are done.
    every_s : float
        Seconds between two calls, besides those at the end of each epoch. 0: every batch;
        infinity: only at the end of each epoch.

    Raises
    ------
    ConfigurationError
        If `every_s` is no number from 0 on.

    Examples
    --------
    >>> from fastw2v import Word2Vec
    >>> losses = []
    >>> callback = metrics_callback(lambda metrics, step: losses.append(metrics["loss_nats"]))
    >>> model = Word2Vec(vector_size=2, min_count=1, epochs=3)
    >>> len(model.fit([["a", "b"], ["b", "a"]], callbacks=[callback]).history), len(losses) >= 3
    (3, True)
    """
    if not (isinstance(every_s, float) and every_s == math.inf):
        every_s = real_number("every_s", every_s, low=0)
    logged_s = -math.inf

    def callback(report: StepReport) -> None:
        nonlocal logged_s
        if report.epoch_ended or report.elapsed_s - logged_s >= every_s:
            logged_s = report.elapsed_s
            log(metrics_of(report), report.step)

    return callback
