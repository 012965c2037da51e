"""What is seen while a command runs: bars on a terminal, plain lines elsewhere, JSON on request."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from fastw2v.callbacks import StepReport
from fastw2v.cli.streams import log_event
from fastw2v.system.progress import UNITS, Bars, Lines, Renderer, StageClock

if TYPE_CHECKING:
    from fastw2v.formats import FormatName

__all__ = [
    "LOG_JSON",
    "Display",
    "ngrams_left_behind",
    "words_left_out",
]

LOG_JSON = "fastw2v.log_json"  # where click's context keeps the option

_JSON_EVERY_S = 1.0
_MOST_NAMED = 100


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
        self._renderer: Renderer | None = None
        if log_json:
            self._renderer = _JsonLines()
        elif not quiet:
            self._renderer = Bars(sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr)

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
    display: Display, target: Path, form: "FormatName | None", vectors: str | None = None
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
        print(sentence, file=sys.stderr, flush=True)
    else:
        display.notice(sentence)


class _JsonLines(Renderer):
    """One JSON object a line, at most one a second of each stage besides its first and last."""

    def __init__(self) -> None:
        self._clock = StageClock(_JSON_EVERY_S)

    def notice(self, sentence: str) -> None:
        log_event("notice", message=sentence)

    def stage(self, name: str, done: int, total: int | None) -> None:
        elapsed_s, due = self._clock.read(name, done, total)
        if due or done == total:
            unit = UNITS[name].name if name in UNITS else None
            log_event("stage", stage=name, done=done, total=total, unit=unit, elapsed_s=elapsed_s)

    def step(self, report: StepReport) -> None:
        _, due = self._clock.read("training", report.step, report.steps)
        if due or report.epoch_ended:
            log_event("step", **asdict(report))
