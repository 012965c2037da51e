"""Weights & Biases: metrics of a run."""

from typing import Any

from fastw2v.callbacks import Callback
from fastw2v.errors import ConfigurationError
from fastw2v.integrations.metrics import DEFAULT_EVERY_S, metrics_callback
from fastw2v.system.dependencies import optional_module

__all__ = ["wandb_callback"]


def wandb_callback(run: Any = None, *, every_s: float = DEFAULT_EVERY_S) -> Callback:
    """Return a callback that logs to a run of Weights & Biases.

    Parameters
    ----------
    run : wandb.Run, optional
        What ``wandb.init`` returned. Default: the run that was begun last.
    every_s : float
        As in `metrics_callback`.

    Raises
    ------
    MissingDependencyError
        If wandb is not installed.
    ConfigurationError
        If no run was begun.
    """
    if run is None:
        run = optional_module("wandb", "wandb_callback", "trackers").run
    if run is None:
        raise ConfigurationError("wandb_callback: expected a run; begin one with wandb.init()")
    return metrics_callback(lambda metrics, step: run.log(metrics, step=step), every_s=every_s)
