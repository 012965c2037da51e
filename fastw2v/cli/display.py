"""What is seen while a command runs: bars on a terminal, plain lines elsewhere, JSON on request."""

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import click

from fastw2v.callbacks import StepReport
from fastw2v.cli.streams import log_event

__all__ = [
    "LOG_JSON",
    "Display",
    "held_out",
    "ngrams_left_behind",
    "words_left_out",
]

LOG_JSON = "fastw2v.log_json"  # where click's context keeps the option

_LINE_EVERY_S = 10.0
_JSON_EVERY_S = 1.0
_MOST_NAMED = 100
_DETAILS = {"starting": "first vectors"}


class _Unit(NamedTuple):
    """What a stage counts, and how people want it shown."""

    name: str
    scale: float
    shown: str


_UNITS = {
    "reading": _Unit("bytes", 1e6, "MB"),
    "counting": _Unit("tokens", 1e6, "M tokens"),
    "starting": _Unit("steps", 1, "steps"),
    "writing": _Unit("vectors", 1e3, "k vectors"),
    "evaluating": _Unit("sets", 1, "sets"),
    "analogies": _Unit("words", 1e3, "k words"),
    "probe": _Unit("folds", 1, "folds"),
    "measuring": _Unit("batches", 1, "batches"),
    "fitting": _Unit("batches", 1, "batches"),
    "estimating": _Unit("objectives", 1, "objectives"),
    "calibrating": _Unit("rounds", 1, "rounds"),
    "training": _Unit("batches", 1, "batches"),
}


class _Renderer:
    """Shows stages, steps and notices on standard error, in one form."""

    def start(self) -> None:
        """Begin; only bars have something to do."""

    def stop(self) -> None:
        """End."""

    def stage(self, name: str, done: int, total: int | None) -> None:
        raise NotImplementedError

    def step(self, report: StepReport) -> None:
        raise NotImplementedError

    def notice(self, sentence: str) -> None:
        raise NotImplementedError


class Display:
    """Shows the stages of a run on standard error, by one of three renderers or none.

    Its methods `stage` and `step` fit `Word2Vec.fit` as `progress` and as a callback.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    log_json : bool, optional
        One JSON object a line (docs/command_line.md). Default: what the command's option
        ``--log-json`` says.
    """

    def __init__(self, *, quiet: bool = False, log_json: bool | None = None) -> None:
        if log_json is None:
            context = click.get_current_context(silent=True)
            log_json = bool(context and context.meta.get(LOG_JSON))
        if quiet and log_json:
            raise click.UsageError("--quiet and --log-json exclude each other: give one of them")
        self._renderer: _Renderer | None = None
        if log_json:
            self._renderer = _JsonLines()
        elif not quiet:
            self._renderer = _Bars() if sys.stderr.isatty() else _Lines()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is shown."""
        return self._renderer is None

    def stage(self, name: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` of a stage are done, in the unit of the stage."""
        if self._renderer is not None:
            self._renderer.stage(name, done, total)

    def step(self, report: StepReport) -> None:
        """Show the state of training."""
        if self._renderer is not None:
            self._renderer.step(report)

    def notice(self, sentence: str) -> None:
        """Show a sentence that a person should read before a long run."""
        if self._renderer is not None:
            self._renderer.notice(sentence)

    def __enter__(self) -> Self:
        if self._renderer is not None:
            self._renderer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._renderer is not None:
            self._renderer.stop()


def ngrams_left_behind(
    display: Display, target: Path, form: str | None, vectors: str | None = None
) -> None:
    """Say so if a file that was written has no vectors of n-grams, which its source has."""
    from fastw2v.formats import format_to_write

    chosen = format_to_write(target, form)
    if not chosen.holds_ngrams:
        display.notice(
            f"{target}: vectors of n-grams, which unknown words' are made of, are left behind; "
            f"{chosen.name} has no place for them, fasttext-bin has"
        )
    elif vectors in ("in", "out"):
        display.notice(
            f"{target}: vectors of n-grams, which unknown words' are made of, are left behind; "
            f"they go with the sum of both tables, not with {vectors!r}"
        )


def words_left_out(display: Display, target: Path, words: Sequence[str], n_words: int) -> None:
    """Say which words a file that is written has not, though its source has; quiet or not."""
    if not words:
        return
    named = ", ".join(map(repr, words[:_MOST_NAMED]))
    rest = f" and {len(words) - _MOST_NAMED:,} more" if len(words) > _MOST_NAMED else ""
    sentence = f"{target}: {len(words):,} of {n_words:,} words left out: {named}{rest}"
    if display.is_quiet:
        _write_line(sentence)
    else:
        display.notice(sentence)


def held_out(report: StepReport) -> str:
    """Return what to add about the validation text, if there is something."""
    if report.held_out_loss_nats is None:
        return ""
    return f", held out {report.held_out_loss_nats:.4f} nats"


class _Bars(_Renderer):
    """Bars with the amount done, the rate and the time left, for a person at a terminal."""

    def __init__(self) -> None:
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
            console=Console(stderr=True),
            refresh_per_second=4,
        )
        self._tasks: dict[str, Any] = {}

    def start(self) -> None:
        self.progress.start()

    def stop(self) -> None:
        self.progress.stop()

    def notice(self, sentence: str) -> None:
        self.progress.console.print(sentence, markup=False, highlight=False)

    def stage(self, name: str, done: int, total: int | None) -> None:
        unit = _UNITS.get(name)
        detail = f"{done / unit.scale:,.1f} {unit.shown}" if unit else _DETAILS.get(name, "")
        self._update(name, done, total, detail)

    def step(self, report: StepReport) -> None:
        detail = (
            f"epoch {report.epoch}/{report.epochs}, loss {report.loss_nats:.4f}, "
            f"rate {report.learning_rate:.4f}{held_out(report)}"
        )
        self._update("training", report.step, report.steps, detail)

    def _update(self, name: str, done: int, total: int | None, detail: str) -> None:
        if name not in self._tasks:
            # Several stages of the same name may follow one another, as training runs do.
            self._tasks[name] = self.progress.add_task(name, total=total, detail="", rate="")
        task = self._tasks[name]
        self.progress.update(task, completed=done, total=total, detail=detail)
        found = next(item for item in self.progress.tasks if item.id == task)
        speed = found.finished_speed or found.speed
        unit = _UNITS.get(name)
        if speed and unit:
            self.progress.update(task, rate=f"{speed / unit.scale:,.1f} {unit.shown}/s")


class _Lines(_Renderer):
    """Plain lines: a stage when it is done, and every ten seconds where it takes longer."""

    def __init__(self) -> None:
        self._shown_s = 0.0
        self._stages = _StageClock(_LINE_EVERY_S)

    def notice(self, sentence: str) -> None:
        _write_line(sentence)

    def stage(self, name: str, done: int, total: int | None) -> None:
        elapsed_s, due = self._stages.read(name)
        unit = _UNITS.get(name)
        if total is not None and done == total:
            _write_line(f"{name}: done" + (f" ({done:,} {unit.name})" if unit else ""))
        elif due and unit and elapsed_s:
            line = f"{name}: {done / unit.scale:,.1f}"
            line += f" of {total / unit.scale:,.1f}" if total else ""
            line += f" {unit.shown}, {done / elapsed_s / unit.scale:,.1f} {unit.shown}/s"
            left = f", {elapsed_s * (total - done) / done:,.0f} s left" if total and done else ""
            _write_line(line + left)

    def step(self, report: StepReport) -> None:
        due = report.elapsed_s - self._shown_s >= _LINE_EVERY_S
        if not (report.epoch_ended or due):
            return
        self._shown_s = report.elapsed_s
        left_s = report.elapsed_s * (report.steps - report.step) / max(report.step, 1)
        _write_line(
            f"training: epoch {report.epoch}/{report.epochs}, "
            f"{report.step}/{report.steps} batches, loss {report.loss_nats:.4f} nats, "
            f"rate {report.learning_rate:.4f}, {report.elapsed_s:.1f} s"
            + (f", {left_s:,.0f} s left" if left_s else "")
            + held_out(report)
        )


class _JsonLines(_Renderer):
    """One JSON object a line, at most one a second of each stage besides its first and last."""

    def __init__(self) -> None:
        self._clock = _StageClock(_JSON_EVERY_S)

    def notice(self, sentence: str) -> None:
        log_event("notice", message=sentence)

    def stage(self, name: str, done: int, total: int | None) -> None:
        elapsed_s, due = self._clock.read(name)
        if due or done == total:
            unit = _UNITS[name].name if name in _UNITS else None
            log_event("stage", stage=name, done=done, total=total, unit=unit, elapsed_s=elapsed_s)

    def step(self, report: StepReport) -> None:
        _, due = self._clock.read("training")
        if due or report.epoch_ended:
            log_event("step", **asdict(report))


class _StageClock:
    """Knows for each stage how long ago it began, and whether it is time to show it again."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._begun_s: dict[str, float] = {}
        self._shown_s: dict[str, float] = {}

    def read(self, name: str) -> tuple[float, bool]:
        now_s = time.perf_counter()
        begun_s = self._begun_s.setdefault(name, now_s)
        due = now_s - self._shown_s.get(name, -math.inf) >= self._every_s
        if due:
            self._shown_s[name] = now_s
        return now_s - begun_s, due


def _write_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
