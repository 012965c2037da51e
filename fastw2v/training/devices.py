"""On what a run computes, once its words are known: as asked for, or the faster one."""

from collections.abc import Callable

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.softmax.device.library import Device, open_device
from fastw2v.objectives.softmax.device.memory import require_device_memory
from fastw2v.objectives.softmax.durations import step_seconds
from fastw2v.system.threads import WorkerPool
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.run import Run, settled_device, used_products

__all__ = ["device_of_run"]

# Loading PyTorch, a card's first use and what is compiled for it take seconds.
_WORTH_S = 10.0


def device_of_run(
    run: Run, vocabulary: Vocabulary, rows: int, batches: int, most_columns: int | None = None
) -> Device | None:
    """Return what computes a run's output vectors by PyTorch, if anything; the run notes it.

    Parameters
    ----------
    run : Run
    vocabulary : Vocabulary
    rows : int
        The most rows of a batch.
    batches : int
        About how many an epoch has.
    most_columns : int, optional
        The most columns of a batch, where batches list them.

    Raises
    ------
    ConfigurationError
        If the run does not fit the device.
    """
    settings = run.settings

    def opened(name: str) -> Device:
        device = open_device(name, rows, run.options.memory_mib)  # type: ignore[arg-type]
        require_device_memory(vocabulary, settings, rows, device, most_columns)
        return device

    if run.device == "auto":
        steps = batches * settings.total_epochs
        with WorkerPool(run.workers) as pool:
            is_faster, why = _card_is_faster(settings, (len(vocabulary), rows, steps), pool, opened)
        run.device = "cuda" if is_faster else "cpu"
        if run.reports.notice is not None:
            run.reports.notice(f"device: 'auto' is {run.device!r} here: {why}.")
        run.description.precision = used_products(settings, run.device)
        run.description.device = settled_device(settings, run.device)
    if run.device == "cpu":
        return None
    device = opened(run.device)
    now, begun = device.described(), run.description.device
    if begun is not None and begun != now and run.reports.notice is not None:
        run.reports.notice(
            f"the run began on {begun['name']} with PyTorch {begun['torch']} and goes on on "
            f"{now['name']} with PyTorch {now['torch']}: it may end in other bits than if it had "
            "never been interrupted"
        )
    run.description.device = begun or now
    return device


def _card_is_faster(
    settings: Hyperparameters,
    sizes: tuple[int, int, int],
    pool: WorkerPool,
    opened: Callable[[str], Device],
) -> tuple[bool, str]:
    """Return whether a card takes less time for all steps, and why; both are tried."""
    n_words, rows, steps = sizes
    try:
        device = opened("cuda")
    except ConfigurationError as error:
        return False, str(error)
    try:
        of_cpu_s = step_seconds(settings, n_words, rows, pool)
    except ConfigurationError as error:  # the CPU has not the precision
        return True, str(error)
    if of_cpu_s * steps < _WORTH_S:
        return False, f"all steps take about {of_cpu_s * steps:.1f} s"
    of_card_s = step_seconds(settings, n_words, rows, pool, device)
    told = f"a step takes {1e3 * of_card_s:.3g} ms on the GPU and {1e3 * of_cpu_s:.3g} on the CPU"
    return of_card_s < of_cpu_s, told
