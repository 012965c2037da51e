"""`fastw2v report`: a page about a model, to look at."""

from pathlib import Path
from typing import Any

import click

from fastw2v.cli.options import (
    TEXT,
    decoded_text,
    display_options,
    repeated_tokenizer_option,
    require_no_reads,
    source_options,
    sources_of,
    workers_option,
)

__all__ = ["report_command"]


@click.command("report")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL_OR_VECTORS")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), default=Path("report.html"),
    show_default=True, help="The page.",
)  # fmt: skip
@click.option(
    "--title", type=TEXT, help="Heading of the page. Default: the name of MODEL_OR_VECTORS."
)
@click.option(
    "--map",
    "method",
    type=click.Choice(["umap", "tsne", "pca"]),
    help="How words get their places: UMAP (umap-learn) or t-SNE (openTSNE), which show groups and "
    "take minutes; principal components, at once. Default: umap, if it is installed and there are "
    "200 words.",
)
@click.option(
    "--clusters", "n_clusters", type=click.IntRange(min=0, max=500),
    help="Groups of words to find and name; 0 for none. Default: by the number of words.",
)  # fmt: skip
@click.option(
    "--columns", type=click.Path(path_type=Path), metavar="TSV",
    help="A table to colour the map by: its first line names the columns, its first column has "
    "the words.",
)  # fmt: skip
@click.option(
    "--words", "n_words", type=click.IntRange(min=1),
    help="Show the most frequent words only. Default: all.",
)  # fmt: skip
@click.option(
    "--evaluation/--no-evaluation",
    default=True,
    show_default=True,
    help="Whether to run the word similarity and analogy tests.",
)
@click.option(
    "--ngrams-mib",
    type=click.IntRange(min=0),
    default=64,
    show_default=True,
    help="What vectors of n-grams, by which unknown words find their neighbours, may take of the "
    "page; where they take more they are left out, and the page says so.",
)
@click.option(
    "--text",
    multiple=True,
    help="Held-out text, on which predicted and observed shares of pairs are compared.",
)
@source_options
@repeated_tokenizer_option
@workers_option
@display_options
def report_command(
    model: Path,
    output: Path,
    title: str | None,
    method: Any,
    n_clusters: int | None,
    columns: Path | None,
    n_words: int | None,
    evaluation: bool,
    ngrams_mib: int,
    text: tuple[str, ...],
    workers: int | None,
    quiet: bool,
    **reads: Any,
) -> None:
    """Write a page about a model that opens in any browser, without a network.

    It has a map of the vocabulary with named clusters, which finds words, lights their neighbours,
    selects, and solves analogies; the loss curve, throughput, settings, evaluation. Of a file of
    vectors, in any format of 'fastw2v convert', it has the map and the evaluation; unknown words
    find their neighbours where the file has vectors of n-grams, as fastText's .bin.
    """
    from fastw2v.cli.display import Display
    from fastw2v.cli.sources import model_or_vectors
    from fastw2v.report import ReportOptions, write_report
    from fastw2v.report.projection import FALLBACKS

    if not text:
        require_no_reads(reads, "--text beside it, which is read so")
    loaded = model_or_vectors(model, workers)
    options = ReportOptions(
        title or decoded_text(model.absolute().name),
        method,
        n_words,
        evaluation,
        ngrams_mib,
        sources_of(text, reads) if text else None,
        n_clusters,
        columns,
    )
    with Display(quiet=quiet) as display:
        written = write_report(loaded, output, options, progress=display.stage)
        if written.fallback == "not installed":
            display.notice(f"the map is of principal components, as {FALLBACKS[written.fallback]}")
        if written.n_words_without_place:
            display.notice(f"{columns}: {written.n_words_without_place:,} words are not on the map")
    click.echo(str(output))
