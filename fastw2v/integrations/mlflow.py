"""MLflow: metrics of the run that is active."""

from fastw2v.callbacks import Callback
from fastw2v.integrations.metrics import DEFAULT_EVERY_S, metrics_callback
from fastw2v.system.dependencies import optional_module

__all__ = ["mlflow_callback"]


def mlflow_callback(*, every_s: float = DEFAULT_EVERY_S) -> Callback:
    """Return a callback that logs to MLflow's active run, which it starts if there is none.

    Parameters
    ----------
    every_s : float
        As in `metrics_callback`.

    Raises
    ------
    MissingDependencyError
        If mlflow is not installed.
    """
    mlflow = optional_module("mlflow", "mlflow_callback", "trackers")
    return metrics_callback(
        lambda metrics, step: mlflow.log_metrics(metrics, step=step), every_s=every_s
    )
