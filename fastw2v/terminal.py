"""What a person sees while a command runs: bars on a terminal, plain lines elsewhere."""

import sys
from types import TracebackType
from typing import Any, Self

from fastw2v.callbacks import StepReport

_REPORT_EVERY_S = 10.0
_UNITS = {"reading": "MB", "counting": "M tokens"}
_COUNTED = {"reading": "bytes", "counting": "tokens", "writing": "vectors"}
_DETAILS = {"starting": "first vectors; the first run ever compiles its kernels here"}


class Display:
    """Shows the stages of a run on standard error; silent when `quiet`.

    Its methods `stage` and `step` fit `Word2Vec.fit` as `progress` and as a callback.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._bars = _Bars() if not quiet and sys.stderr.isatty() else None
        self._lines = _Lines() if not quiet and self._bars is None else None

    def stage(self, name: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` bytes or tokens of a stage are behind us."""
        for shown in (self._bars, self._lines):
            if shown is not None:
                shown.stage(name, done, total)

    def step(self, report: StepReport) -> None:
        """Show the state of training."""
        for shown in (self._bars, self._lines):
            if shown is not None:
                shown.step(report)

    def notice(self, sentence: str) -> None:
        """Show a sentence that a person should read before a long run."""
        if self._bars is not None:
            self._bars.progress.console.print(sentence)
        elif self._lines is not None:
            print(sentence, file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.progress.stop()


class _Bars:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.progress = Progress(
            TextColumn("{task.description:>9}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=Console(stderr=True),
            refresh_per_second=4,
        )
        self._tasks: dict[str, Any] = {}

    def _task(self, name: str, total: int | None) -> Any:
        if name not in self._tasks:
            self._tasks[name] = self.progress.add_task(name, total=total, detail="")
        return self._tasks[name]

    def stage(self, name: str, done: int, total: int | None) -> None:
        unit = _UNITS.get(name)
        plain = f"{done:,} vectors" if name == "writing" else _DETAILS.get(name, "")
        detail = f"{done / 1e6:,.1f} {unit}" if unit else plain
        self.progress.update(self._task(name, total), completed=done, total=total, detail=detail)

    def step(self, report: StepReport) -> None:
        detail = (
            f"pass {report.pass_number}/{report.passes}  loss {report.loss_nats:.4f} nats  "
            f"rate {report.learning_rate:.4f}"
        )
        self.progress.update(
            self._task("training", report.steps), completed=report.step, detail=detail
        )


class _Lines:
    def __init__(self) -> None:
        self._shown_s = 0.0

    def stage(self, name: str, done: int, total: int | None) -> None:
        if total is not None and done == total:
            amount = f" ({done:,} {_COUNTED[name]})" if name in _COUNTED else ""
            print(f"{name}: done{amount}", file=sys.stderr, flush=True)

    def step(self, report: StepReport) -> None:
        due = report.elapsed_s - self._shown_s >= _REPORT_EVERY_S
        if not (report.pass_ended or due):
            return
        self._shown_s = report.elapsed_s
        print(
            f"training: pass {report.pass_number}/{report.passes}, "
            f"{report.step}/{report.steps} batches, loss {report.loss_nats:.4f} nats, "
            f"rate {report.learning_rate:.4f}, {report.elapsed_s:.1f} s",
            file=sys.stderr,
            flush=True,
        )
