"""`fastw2v train`: from text to a model folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.commands.options import (
    given_settings,
    hyperparameter_options,
    quiet_option,
    sources_of,
    workers_option,
)

if TYPE_CHECKING:
    from fastw2v.fitted import TrainingSummary


@click.command("train")
@click.argument("corpus", nargs=-1)
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="Model folder."
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
    help="Budget of a run with the exact softmax: counting spills to disk beyond it, training that "
    "does not fit is refused with what would. Default: no limit.",
)
@hyperparameter_options
@workers_option
@quiet_option
def train_command(
    corpus: tuple[str, ...],
    output: Path,
    counts: Path | None,
    memory: int | None,
    workers: int | None,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train a model on CORPUS, or on counts of one.

    Sources are text files (also .gz .bz2 .xz .zst), folders of them, or - for standard input.

    A line is a sentence (or paragraph); windows do not cross lines.
    """
    from fastw2v.files import require_replaceable
    from fastw2v.formats.model_folder import CONFIG
    from fastw2v.model import Word2Vec
    from fastw2v.terminal import Display

    if not corpus and counts is None:
        raise click.UsageError("Missing argument 'CORPUS...': a text, or --counts COUNTS")
    if corpus and counts is not None:
        raise click.UsageError(
            f"expected either CORPUS or --counts, got {corpus[0]!r} and {counts}"
        )
    model = Word2Vec(workers=workers, **given_settings(settings))
    require_replaceable(output, CONFIG)
    with Display(quiet=quiet) as display:
        told: Any = {
            "callbacks": [display.step],
            "progress": display.stage,
            "notice": display.notice,
            "memory_mib": memory,
        }
        if counts is not None:
            model.fit_counts(counts, **told)
        else:
            model.fit(sources_of(corpus), **told)
    model.save(output)
    if not quiet and model.summary is not None:
        vocabulary = model.vocabulary
        click.echo(f"vocabulary   {len(vocabulary):,} words of {vocabulary.n_raw_types:,}")
        click.echo(f"tokens       {vocabulary.n_tokens:,} of {vocabulary.n_raw_tokens:,}")
        if model.summary.n_invalid:
            click.echo(
                f"not UTF-8    {model.summary.n_invalid:,} sequences, {model.settings.errors}d"
            )
        click.echo(describe(model.summary, model.settings.objective))
        click.echo(f"model        {output}")


def describe(summary: "TrainingSummary", objective: str) -> str:
    """Return the lines that say how good the final loss is, and what it cost."""
    if summary.unigram_entropy_nats is None:
        return _describe_last_pass(summary, objective)
    lines = "\n".join(
        [
            f"loss         {summary.loss_nats:.4f} nats a pair (perplexity "
            f"{summary.perplexity:,.1f})",
            f"  between    {summary.unigram_entropy_nats:.4f} unigram entropy, no vectors needed",
            f"  and        {summary.conditional_entropy_nats:.4f} conditional entropy of the "
            "counts, the floor",
            f"seconds      {summary.read_s:.1f} reading, {summary.count_s:.1f} counting, "
            f"{summary.train_s:.1f} training in {summary.precision}",
        ]
    )
    if summary.loss_nats > summary.unigram_entropy_nats:
        lines += (
            "\nwarning      the loss is above the unigram entropy: use a smaller --learning-rate"
        )
    return lines


def _describe_last_pass(summary: "TrainingSummary", objective: str) -> str:
    lines = [f"loss         {summary.loss_nats:.4f} nats a pair in the last pass ({objective})"]
    if summary.softmax_loss_nats is not None:
        lines.append(
            f"  softmax    {summary.softmax_loss_nats:.4f} nats a pair on a sample of the text, "
            "scores calibrated"
        )
    lines.append(
        f"seconds      {summary.read_s:.1f} reading, {summary.train_s:.1f} training in "
        f"{summary.precision}"
    )
    return "\n".join(lines)
