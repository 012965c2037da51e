"""What a run shows while it lasts, and where: one argument, in a notebook as on a terminal."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from fastw2v.callbacks import Callback, StageProgress, StepReport
from fastw2v.config.numbers import shown_value
from fastw2v.errors import ConfigurationError
from fastw2v.system.progress import Bars, Lines, Renderer
from fastw2v.training.options import Reports

__all__ = ["ProgressChoice", "showing"]

ProgressChoice = bool | StageProgress | None
"""True: show it; False: do not; None: show it in a notebook; or a function of one's own, which gets
the name of a stage, how much of it is done, and how much there is, or None."""


@contextmanager
def showing(
    progress: ProgressChoice,
    callbacks: Sequence[Callback] = (),
    notice: Callable[[str], None] | None = None,
) -> Iterator[Reports]:
    """Show what a run does until the block is left; raises `ConfigurationError`.

    Training is a stage for a function, too: ("training", steps done, steps).
    """
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise ConfigurationError(
            f"callbacks: expected a list of functions of a StepReport, got {shown_value(callbacks)}"
        )
    if notice is not None and not callable(notice):
        raise ConfigurationError(
            f"notice: expected a function of a sentence, got {shown_value(notice)}"
        )
    if progress is not None and not isinstance(progress, bool):
        if not callable(progress):
            raise ConfigurationError(
                "progress: expected True, False or a function of (stage, done, total), got a "
                f"{type(progress).__name__}"
            )
        stage = progress

        def step(report: StepReport) -> None:
            stage("training", report.step, report.steps)

        yield Reports(stage, (*callbacks, step), notice)
        return
    renderer = _started(progress)
    if renderer is None:
        yield Reports(None, callbacks, notice)
        return
    try:
        yield Reports(renderer.stage, (*callbacks, renderer.step), notice or renderer.notice)
    finally:
        renderer.stop()


def _started(progress: bool | None) -> Renderer | None:
    """Return what shows progress where this program runs; None if nothing should."""
    is_notebook = _in_notebook()
    stream = sys.stdout if is_notebook else sys.stderr
    if stream is None or not (is_notebook if progress is None else progress):
        return None
    has_bars = find_spec("ipywidgets") is not None if is_notebook else stream.isatty()
    if has_bars:
        from rich.errors import LiveError

        bars = Bars(stream, is_notebook=is_notebook)
        try:
            bars.start()
        except LiveError:  # the program draws something of its own already
            return Lines(stream)
        return bars
    return Lines(stream)


def _in_notebook() -> bool:
    """Tell whether this is a kernel of Jupyter's, of whichever page it serves."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return getattr(shell, "kernel", None) is not None
