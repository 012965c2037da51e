"""The stages of a run as people see them: bars on a terminal or in a notebook, lines elsewhere."""

import math
import time
from typing import Any, NamedTuple, TextIO

from fastw2v.callbacks import StepReport

__all__ = ["UNITS", "Bars", "Lines", "Renderer", "StageClock", "Unit", "held_out"]

_LINE_EVERY_S = 10.0
_DETAILS = {"starting": "first vectors"}


class Unit(NamedTuple):
    """What a stage counts, and how people want it shown."""

    name: str
    scale: float
    shown: str


UNITS = {
    "reading": Unit("bytes", 1e6, "MB"),
    "counting": Unit("tokens", 1e6, "M tokens"),
    "starting": Unit("steps", 1, "steps"),
    "writing": Unit("vectors", 1e3, "k vectors"),
    "evaluating": Unit("sets", 1, "sets"),
    "analogies": Unit("words", 1e3, "k words"),
    "probe": Unit("folds", 1, "folds"),
    "measuring": Unit("batches", 1, "batches"),
    "fitting": Unit("batches", 1, "batches"),
    "finding phrases": Unit("passes", 1, "passes"),
    "estimating": Unit("objectives", 1, "objectives"),
    "calibrating": Unit("rounds", 1, "rounds"),
    "training": Unit("batches", 1, "batches"),
}


class Renderer:
    """Shows stages, steps and notices on standard error, in one form."""

    def start(self) -> None:
        """Begin; only bars have something to do."""

    def stop(self) -> None:
        """End."""

    def stage(self, name: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` of a stage are done, in the unit of the stage."""
        raise NotImplementedError

    def step(self, report: StepReport) -> None:
        """Show the state of training."""
        raise NotImplementedError

    def notice(self, sentence: str) -> None:
        """Show a sentence that a person should read."""
        raise NotImplementedError


def held_out(report: StepReport) -> str:
    """Return what to add about the validation text, if there is something."""
    if report.held_out_loss_nats is None:
        return ""
    return f", held out {report.held_out_loss_nats:.4f} nats"


class Bars(Renderer):
    """Bars with the amount done, the rate and the time left, for a person at a terminal."""

    def __init__(self, stream: TextIO, *, is_notebook: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        self.progress = Progress(
            TextColumn("{task.description:>10}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[detail]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(
                elapsed_when_finished=True, table_column=Column(no_wrap=True, min_width=7)
            ),
            console=Console(force_jupyter=True) if is_notebook else Console(file=stream),
            refresh_per_second=4,
        )
        self._tasks: dict[str, Any] = {}
        self._done: dict[str, int] = {}

    def start(self) -> None:
        """Begin to draw."""
        self.progress.start()

    def stop(self) -> None:
        """Draw no more."""
        self.progress.stop()

    def notice(self, sentence: str) -> None:
        """Show a sentence that a person should read."""
        self.progress.console.print(sentence, markup=False, highlight=False)

    def stage(self, name: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` of a stage are done, in the unit of the stage."""
        unit = UNITS.get(name)
        detail = f"{done / unit.scale:,.1f} {unit.shown}" if unit else _DETAILS.get(name, "")
        self._update(name, done, total, detail)

    def step(self, report: StepReport) -> None:
        """Show the state of training."""
        detail = (
            f"epoch {report.epoch}/{report.epochs}, loss {report.loss_nats:.4f}, "
            f"rate {report.learning_rate:.4f}{held_out(report)}"
        )
        self._update("training", report.step, report.steps, detail)

    def _update(self, name: str, done: int, total: int | None, detail: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self.progress.add_task(name, total=total, detail="", rate="")
            self._done[name] = done
        task = self._tasks[name]
        # Several stages of the same name may follow one another, as training runs do.
        if done < self._done[name]:
            self.progress.reset(task, detail=detail, rate="")
        self._done[name] = done
        self.progress.update(task, completed=done, total=total, detail=detail)
        found = next(item for item in self.progress.tasks if item.id == task)
        speed = found.finished_speed or found.speed
        unit = UNITS.get(name)
        if speed and unit:
            self.progress.update(task, rate=f"{speed / unit.scale:,.1f} {unit.shown}/s")


class Lines(Renderer):
    """Plain lines: a stage when it is done, and every ten seconds where it takes longer."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown_s = 0.0
        self._stages = StageClock(_LINE_EVERY_S)

    def notice(self, sentence: str) -> None:
        """Show a sentence that a person should read."""
        self._write(sentence)

    def stage(self, name: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` of a stage are done, in the unit of the stage."""
        elapsed_s, due = self._stages.read(name, done, total)
        unit = UNITS.get(name)
        if total is not None and done == total:
            self._write(f"{name}: done" + (f" ({done:,} {unit.name})" if unit else ""))
        elif due and unit and elapsed_s:
            line = f"{name}: {done / unit.scale:,.1f}"
            line += f" of {total / unit.scale:,.1f}" if total else ""
            line += f" {unit.shown}, {done / elapsed_s / unit.scale:,.1f} {unit.shown}/s"
            left = f", {elapsed_s * (total - done) / done:,.0f} s left" if total and done else ""
            self._write(line + left)

    def step(self, report: StepReport) -> None:
        """Show the state of training."""
        self._shown_s = min(self._shown_s, report.elapsed_s)  # another run may have begun
        due = report.elapsed_s - self._shown_s >= _LINE_EVERY_S
        if not (report.epoch_ended or due):
            return
        self._shown_s = report.elapsed_s
        left_s = report.elapsed_s * (report.steps - report.step) / max(report.step, 1)
        self._write(
            f"training: epoch {report.epoch}/{report.epochs}, "
            f"{report.step}/{report.steps} batches, loss {report.loss_nats:.4f} nats, "
            f"rate {report.learning_rate:.4f}, {report.elapsed_s:.1f} s"
            + (f", {left_s:,.0f} s left" if left_s else "")
            + held_out(report)
        )

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class StageClock:
    """Knows for each stage how long ago it began, and whether it is time to show it again.

    A stage that has ended, or has less done than before, begins anew.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._begun_s: dict[str, float] = {}
        self._shown_s: dict[str, float] = {}
        self._done: dict[str, int] = {}

    def read(self, name: str, done: int, total: int | None) -> tuple[float, bool]:
        """Return the seconds since a stage began, and whether it is time to show it."""
        now_s = time.perf_counter()
        if done < self._done.get(name, 0):
            self._forget(name)
        self._done[name] = done
        begun_s = self._begun_s.setdefault(name, now_s)
        due = now_s - self._shown_s.get(name, -math.inf) >= self._every_s
        if due:
            self._shown_s[name] = now_s
        if done == total:
            self._forget(name)
        return now_s - begun_s, due

    def _forget(self, name: str) -> None:
        for known in (self._begun_s, self._shown_s, self._done):
            known.pop(name, None)
