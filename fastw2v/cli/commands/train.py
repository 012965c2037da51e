"""`fastw2v train`: from text to a model folder."""

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.display import LOG_JSON
from fastw2v.cli.dry_runs import dry_run_option, show_dry_run
from fastw2v.cli.options import (
    display_options,
    given_settings,
    hyperparameter_options,
    require_no_reads,
    source_options,
    sources_of,
    stop_words_option,
    words_of,
    workers_option,
)
from fastw2v.cli.starts import describe_start, start_of, start_options
from fastw2v.cli.word_lines import lines_about

if TYPE_CHECKING:
    from fastw2v.callbacks import EpochRecord, StageProgress
    from fastw2v.cli.display import Display
    from fastw2v.model import Word2Vec
    from fastw2v.system.signals import StopSignals, TrainingInterrupted
    from fastw2v.training.result import RunRecord, TrainingSummary
    from fastw2v.training.validation import Validation

__all__ = [
    "RUN_OPTIONS",
    "describe_held_out",
    "describe_interruption",
    "describe_result",
    "train_command",
]

_SHOWN_S = 0.1
# Options that are not hyper-parameters.
RUN_OPTIONS = (
    "dry_run",
    "corpus",
    "output",
    "resume",
    "checkpoint_every",
    "validation",
    "validation_fraction",
    "patience",
    "counts",
    "memory",
    "features",
    "start_from",
    "start_vocabulary",
    "start_counts",
    "lock_known",
    "field",
    "read_as",
    "stop_words",
)


@click.command("train")
@click.argument("corpus", nargs=-1, type=click.Path(allow_dash=True))
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Model folder.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="Go on with the interrupted run that was to end in MODEL; its settings and corpus hold.",
)
@click.option(
    "--checkpoint-every",
    metavar="TIME|EPOCHS",
    help="Save the run every '10min', '90s', '2h', or '1epoch'. Ctrl-C saves it in any case.",
)
@click.option(
    "--validation",
    multiple=True,
    metavar="TEXT",
    help="Measure the loss on this text after each epoch. May be given several times.",
)
@click.option(
    "--validation-fraction",
    type=float,
    metavar="FRACTION",
    help="Hold out this part of the lines of CORPUS, before anything is counted, and measure it.",
)
@click.option(
    "--patience",
    type=int,
    metavar="EPOCHS",
    help="End when the held-out loss has not fallen for so many epochs; keep the best epoch.",
)
@click.option(
    "--counts",
    type=click.Path(path_type=Path),
    help="Train on what 'fastw2v count' wrote, instead of CORPUS; its settings are used.",
)
@click.option(
    "--memory",
    type=int,
    metavar="MIB",
    help="Budget of the run: counting spills to disk beyond it, training that does not fit is "
    "refused with what would. Default: no limit.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Features of the words, for --inputs features, a line for each word: "
    "'word<TAB>feature feature ...'.",
)
@start_options
@source_options
@stop_words_option
@dry_run_option
@hyperparameter_options
@workers_option
@display_options
def train_command(quiet: bool, workers: int | None, **given: Any) -> None:
    """Train a model on CORPUS, or on counts of one.

    Sources are text files (also .gz .bz2 .xz .zst), folders of them, patterns, URLs that fsspec
    knows, or - for standard input; and JSON lines, CSV, TSV, Parquet and Arrow files with --field.

    A line is a sentence (or paragraph); windows do not cross lines.
    """
    from fastw2v.cli.display import Display
    from fastw2v.cli.streams import log_event
    from fastw2v.system.freed_memory import map_large_arrays
    from fastw2v.system.signals import (
        ANSWERED_WITHIN_S,
        EXIT_INTERRUPTED,
        StopSignals,
        TrainingInterrupted,
    )

    map_large_arrays()
    output = given["resume"] or given["output"]
    with StopSignals(exit_after_s=ANSWERED_WITHIN_S) as signals, Display(quiet=quiet) as display:
        if given["dry_run"]:
            _dry_run(display, workers, given)
            return
        try:
            model = _trained(display, workers, given, signals)
            if model is None:
                click.echo(f"{output}: is trained and saved; there is nothing to resume")
                return
            with signals.deferred():  # nothing is lost for want of a second
                model.save(output)
        except TrainingInterrupted as interrupted:
            signals.requested = False
            message = describe_interruption(interrupted, output)
            if click.get_current_context().meta.get(LOG_JSON):
                checkpoint = interrupted.checkpoint and str(interrupted.checkpoint)
                message = " ".join(message.split())
                log_event(
                    "error", message=message, exit_status=EXIT_INTERRUPTED, checkpoint=checkpoint
                )
            else:
                click.echo(f"fastw2v: {message}", err=True)
            click.get_current_context().exit(EXIT_INTERRUPTED)
    if not quiet and model.summary is not None:
        vocabulary = model.vocabulary
        click.echo(f"vocabulary   {len(vocabulary):,} words of {vocabulary.n_raw_types:,}")
        click.echo(f"tokens       {vocabulary.n_tokens:,} of {vocabulary.n_raw_tokens:,}")
        for line in lines_about(model.word_rules):
            click.echo(line)
        if model.summary.n_invalid:
            click.echo(
                f"not UTF-8    {model.summary.n_invalid:,} sequences, {model.settings.errors}d"
            )
        if model.summary.n_missing:
            click.echo(f"missing      {model.summary.n_missing:,} values, read as no token")
        if model.run_record is not None and model.run_record.start is not None:
            click.echo(describe_start(model.run_record.start))
        click.echo(describe_result(model.summary, model.settings.objective))
        if model.run_record is not None and model.run_record.validation is not None:
            click.echo(describe_held_out(model.history, model.run_record))
        click.echo(f"model        {output}")


def _dry_run(display: "Display", workers: int | None, given: dict[str, Any]) -> None:
    if not given["corpus"] or given["counts"] or given["resume"]:
        raise click.UsageError("--dry-run: expected CORPUS beside it, no --counts or --resume")
    settings = {name: given[name] for name in given if name not in RUN_OPTIONS}
    source = sources_of(given["corpus"], given)
    asked, start = given_settings(settings), start_of(given)
    progress = _answering(display)
    show_dry_run(source, asked, workers, progress, display.notice, words_of(given), start)


def _trained(
    display: "Display", workers: int | None, given: dict[str, Any], signals: "StopSignals"
) -> "Word2Vec | None":
    """Train, or go on with a run; save the last good epoch of one that diverges."""
    from fastw2v.errors import DivergenceError

    try:
        return (_resume if given["resume"] else _train_new)(display, workers, given)
    except DivergenceError as error:
        if error.model is None:
            raise
        output = given["resume"] or given["output"]
        with signals.deferred():
            error.model.save(output)
        raise DivergenceError(f"{error}, saved as {output}") from error


def _train_new(display: "Display", workers: int | None, given: dict[str, Any]) -> "Word2Vec":
    """Train a new model."""
    from fastw2v.formats.model_folder import LAYOUT
    from fastw2v.model import Word2Vec
    from fastw2v.system.files import require_replaceable
    from fastw2v.training.checkpoints import Checkpoints

    corpus, output = given["corpus"], given["output"]
    counts = given["counts"]
    for name, value in (
        ("argument 'CORPUS...'", corpus or counts),
        ("option '--output' / '-o'", output),
    ):
        if not value:
            raise click.UsageError(
                f"Missing {name}. Without --resume an output is needed, and a text or --counts"
            )
    if corpus and counts is not None:
        raise click.UsageError(
            f"expected either CORPUS or --counts, got {corpus[0]!r} and {counts}"
        )
    words = words_of(given)
    for name, value in words.items() if counts is not None else ():
        if value is not None:
            raise click.UsageError(
                f"--{name.replace('_', '-')}: expected none beside --counts, which have their own"
            )
    if counts is not None and not given["validation"]:
        require_no_reads(given, "none beside --counts, of which no text is read")
    settings = {name: given[name] for name in given if name not in RUN_OPTIONS}
    model = Word2Vec(workers=workers, **given_settings(settings))
    require_replaceable(output, LAYOUT)
    fit: Callable[..., Word2Vec] = (
        partial(model.fit, **words) if counts is None else model.fit_counts
    )
    return fit(
        sources_of(corpus, given) if counts is None else counts,
        callbacks=[display.step],
        progress=_answering(display),
        notice=display.notice,
        validation=_validation(given),
        patience=given["patience"],
        checkpoints=Checkpoints(output, given["checkpoint_every"]),
        memory_mib=given["memory"],
        features=given["features"],
        start=start_of(given),
    )


def _resume(display: "Display", workers: int | None, given: dict[str, Any]) -> "Word2Vec | None":
    """Go on with a run; return None if it has ended already."""
    from fastw2v.formats.model_folder import LAYOUT, is_model_folder
    from fastw2v.model import Word2Vec
    from fastw2v.system.files import require_replaceable
    from fastw2v.training.checkpoints import checkpoint_path

    typed = click.core.ParameterSource.COMMANDLINE
    for name in given:
        source = click.get_current_context().get_parameter_source(name)
        reads = ("field", "read_as") if given["corpus"] else ()
        beside = ("resume", "corpus", "tokenizer", *reads)
        if name not in beside and source == typed:
            raise click.UsageError(
                f"--{name.replace('_', '-')}: expected no settings beside --resume, which takes "
                "those that the run began with"
            )
    target = given["resume"]
    require_replaceable(target, LAYOUT)
    if not checkpoint_path(target).exists() and is_model_folder(target):
        return None
    return Word2Vec.resume(
        target,
        sources_of(given["corpus"], given) if given["corpus"] else None,
        workers=workers,
        tokenizer=given_settings({"tokenizer": given["tokenizer"]}).get("tokenizer"),
        callbacks=[display.step],
        progress=_answering(display),
        notice=display.notice,
    )


def _answering(display: "Display") -> "StageProgress":
    """Return what shows a stage, and is a place where signals are answered."""
    from fastw2v.system.signals import answer_signals

    def stage(name: str, done: int, total: int | None) -> None:
        answer_signals()
        if name != "training":  # of which `display.step` says more
            display.stage(name, done, total)

    return stage


def _validation(given: dict[str, Any]) -> "Validation | None":
    from fastw2v.training.validation import Validation

    texts, fraction = given["validation"], given["validation_fraction"]
    if not texts and fraction is None:
        return None
    return Validation(sources_of(texts, given) if texts else None, fraction)


def describe_interruption(interrupted: "TrainingInterrupted", output: Path) -> str:
    """Return the message for a person whose run was interrupted."""
    if interrupted.checkpoint is None:
        return "interrupted; there was nothing to save yet"
    name, reached = interrupted.checkpoint.name, interrupted.reached
    what = f"{name} is as it was saved before"
    if reached is not None:
        what = f"saved {name} after epoch {reached[0]} and {reached[1]} batches of the next"
    return f"interrupted; {what}. Go on with:\nfastw2v train --resume {shlex.quote(str(output))}"


def describe_held_out(history: "list[EpochRecord]", record: "RunRecord") -> str:
    """Return the line that says how the validation text fared."""
    kept = history[record.kept_epoch - 1]
    line = f"held out     {kept.held_out_loss_nats:.4f} nats a pair after epoch {record.kept_epoch}"
    if kept.held_out_perplexity is not None:
        line += f" (perplexity {kept.held_out_perplexity:,.1f})"
    if record.ended == "patience":
        line += f", the best of {len(history)}"
    return line


def describe_result(summary: "TrainingSummary", objective: str) -> str:
    """Return the lines that say how good the final loss is, and what it cost."""
    if summary.unigram_entropy_nats is None:
        return _describe_last_epoch(summary, objective)
    lines = "\n".join(
        [
            f"loss         {summary.loss_nats:.4f} nats a pair (perplexity "
            f"{summary.perplexity:,.1f}){_of_drawn_rows(summary)}",
            f"  between    {summary.unigram_entropy_nats:.4f} unigram entropy, no vectors needed",
            f"  and        {summary.conditional_entropy_nats:.4f} conditional entropy of the "
            "counts, the floor",
            f"seconds      {summary.read_s:.1f} reading, {summary.count_s:.1f} counting, "
            f"{summary.train_s:.1f} training in {_numbers(summary)}{_other_seconds(summary)}",
        ]
    )
    if summary.loss_nats > summary.unigram_entropy_nats:
        lines += (
            "\nwarning      the loss is above the unigram entropy: use a smaller --learning-rate"
        )
    return lines


def _of_drawn_rows(summary: "TrainingSummary") -> str:
    """Return over which rows the loss is a mean, where these are not all."""
    if summary.loss_rows is None:
        return ""
    return f", exact over {summary.loss_rows:,} drawn rows, ±{summary.loss_error_nats:.4f}"


def _describe_last_epoch(summary: "TrainingSummary", objective: str) -> str:
    lines = [f"loss         {summary.loss_nats:.4f} nats a pair in the last epoch ({objective})"]
    if summary.softmax_loss_nats is not None:
        lines.append(
            f"  softmax    {summary.softmax_loss_nats:.4f} nats a pair on a sample of the text, "
            "scores calibrated"
        )
    lines.append(
        f"seconds      {summary.read_s:.1f} reading, {summary.train_s:.1f} training in "
        f"{_numbers(summary)}{_other_seconds(summary)}"
    )
    return "\n".join(lines)


def _numbers(summary: "TrainingSummary") -> str:
    """Return in which numbers was multiplied, and by what but compiled kernels."""
    return f"{summary.precision}" + (f" on {summary.device}" if summary.device else "")


def _other_seconds(summary: "TrainingSummary") -> str:
    """Return what came after the last epoch, and what a machine does once; little is left out."""
    others = ""
    if summary.finish_s >= _SHOWN_S:
        what = "measuring" if summary.softmax_loss_nats is None else "calibrating"
        others += f", {summary.finish_s:.1f} {what}"
    if summary.compile_s >= _SHOWN_S:
        others += f", {summary.compile_s:.1f} compiling kernels, which are kept"
    return others
