"""The command line: `fastw2v train`, `export`, `neighbors`, `perplexity`.

Its training options are the fields of `Hyperparameters`. Results go to standard output,
progress to standard error. An error is one line and exit status 2, without a traceback.
"""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from fastw2v.config import Hyperparameters
from fastw2v.errors import FastW2VError
from fastw2v.version import VERSION

if TYPE_CHECKING:
    from fastw2v.fitted import TrainingSummary

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
# Its message is the whole help. Until click 8.2 there was none: help was printed, status 0.
_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


def hyperparameter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one option for each field of `Hyperparameters`."""
    for item in reversed(fields(Hyperparameters)):
        kinds = [kind for kind in get_args(item.type) if kind is not type(None)]
        kind: Any = item.type
        if get_origin(item.type) is Literal:
            kind = click.Choice(kinds)
        elif kinds:
            kind = kinds[0]
        name = item.name.replace("_", "-")
        option = click.option(
            f"--{name}/--no-{name}" if kind is bool else f"--{name}",
            item.name,
            type=kind,
            default=item.default,
            show_default=item.default is not None,
            help=item.metadata["help"],
        )
        command = option(command)
    return command


_workers = click.option(
    "--workers", type=int, help="Threads; the result does not depend on them. Default: all cores."
)
_quiet = click.option("--quiet", is_flag=True, help="No progress.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="fastw2v")
def command_line() -> None:
    """Train word2vec with its own loss, the exact full softmax, from windows counted once."""


@command_line.command("train")
@click.argument("corpus", nargs=-1, required=True)
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="Model folder."
)
@hyperparameter_options
@_workers
@_quiet
def train_command(
    corpus: tuple[str, ...], output: Path, workers: int | None, quiet: bool, **settings: Any
) -> None:
    """Train a model on CORPUS.

    Sources are text files (also .gz .bz2 .xz .zst), folders of them, or - for standard input.

    A line is a sentence (or paragraph); windows do not cross lines.
    """
    from fastw2v.files import require_replaceable
    from fastw2v.formats.model_folder import CONFIG
    from fastw2v.model import Word2Vec
    from fastw2v.terminal import Display

    model = Word2Vec(workers=workers, **settings)
    require_replaceable(output, CONFIG)
    with Display(quiet=quiet) as display:
        model.fit(
            _sources(corpus),
            callbacks=[display.step],
            progress=display.stage,
            notice=display.notice,
        )
    model.save(output)
    if not quiet and model.summary is not None:
        vocabulary = model.vocabulary
        click.echo(f"vocabulary   {len(vocabulary):,} words of {vocabulary.n_raw_types:,}")
        click.echo(f"tokens       {vocabulary.n_tokens:,} of {vocabulary.n_raw_tokens:,}")
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


def _sources(corpus: tuple[str, ...]) -> Any:
    # A Path is a path for certain, so that messages about it need not wonder; "-" is none.
    sources = [name if name == "-" else Path(name) for name in corpus]
    return sources[0] if len(sources) == 1 else sources


@command_line.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["word2vec", "word2vec-bin", "npz"]),
    default="word2vec",
    show_default=True,
    help="npz holds words, counts, both tables and the bias.",
)
@click.option(
    "--vectors",
    type=click.Choice(["in", "out", "sum"]),
    help="Centre vectors, context vectors, or their sum. Default: sum; in for hierarchical.",
)
def export_command(model: Path, out: Path, form: Any, vectors: Any) -> None:
    """Write vectors to a file."""
    from fastw2v.model import Word2Vec

    Word2Vec.load(model).export(out, form, vectors)
    click.echo(str(out))


@command_line.command("neighbors")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option("--topn", type=click.IntRange(min=1), default=10, show_default=True)
@click.option(
    "--vectors",
    type=click.Choice(["in", "out", "sum"]),
    help="Which table. Default: sum; in for hierarchical.",
)
def neighbors_command(model: Path, words: tuple[str, ...], topn: int, vectors: Any) -> None:
    """Print words near in cosine, and likely contexts.

    A word is "near" if its vector has a high cosine; "context" has p(context | word).
    """
    from fastw2v.model import Word2Vec

    loaded = Word2Vec.load(model)
    for word in words:
        loaded.vocabulary.index(word)
    keyed = loaded.keyed_vectors(vectors)
    for word in words:
        click.echo(f"{word} ({loaded.vocabulary.counts[loaded.vocabulary.index(word)]:,} times)")
        near = keyed.most_similar(word, topn=topn)
        likely = loaded.predict_context(word, topn=topn)
        click.echo("  near     " + ", ".join(f"{other} {cosine:.2f}" for other, cosine in near))
        click.echo("  context  " + ", ".join(f"{other} {p:.2%}" for other, p in likely))


@command_line.command("perplexity")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("text", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@_workers
@_quiet
def perplexity_command(
    model: Path, text: tuple[str, ...], as_json: bool, workers: int | None, quiet: bool
) -> None:
    """Print the exact loss on a text.

    It is the mean of -log p(context | word) over all window pairs of TEXT, in nats.
    """
    from fastw2v.model import Word2Vec
    from fastw2v.terminal import Display

    loaded = Word2Vec.load(model, workers=workers)
    with Display(quiet=quiet) as display:
        result = loaded.perplexity(_sources(text), progress=display.stage)
    if as_json:
        values = asdict(result)
        if math.isinf(result.perplexity):  # e^loss is too large; JSON has no infinity
            values["perplexity"] = None
        click.echo(json.dumps(values))
        return
    click.echo(f"loss        {result.loss_nats:.4f} nats a pair")
    click.echo(f"perplexity  {result.perplexity:,.2f}")
    if result.objective_loss_nats != result.loss_nats:
        click.echo(f"objective   {result.objective_loss_nats:.4f} nats a pair, its own definition")
    click.echo(f"tokens      {result.n_tokens:,} known, {result.n_oov:,} out of vocabulary")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 2 an error of use or input, 130 interrupted."""
    try:
        status = command_line.main(arguments, prog_name="fastw2v", standalone_mode=False)
    except _NO_ARGUMENTS as error:
        click.echo(error.format_message(), err=True)
        sys.exit(EXIT_ERROR)
    except click.ClickException as error:
        message = " ".join(error.format_message().split()).rstrip(".")
        click.echo(f"fastw2v: {message}; see 'fastw2v --help'", err=True)
        sys.exit(EXIT_ERROR)
    except FastW2VError as error:
        click.echo(f"fastw2v: {error}", err=True)
        sys.exit(EXIT_ERROR)
    except (click.Abort, KeyboardInterrupt):
        click.echo("fastw2v: interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)
