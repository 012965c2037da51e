"""`fastw2v count`: from text to a folder of counts, to train on many times."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.dry_runs import dry_run_option, show_dry_run
from fastw2v.cli.options import (
    counting_options,
    display_options,
    given_settings,
    source_options,
    sources_of,
    stop_words_option,
    words_of,
    workers_option,
)
from fastw2v.cli.word_lines import lines_about
from fastw2v.config import COUNTING_NAMES

if TYPE_CHECKING:
    from fastw2v.counts.corpus import CountedCorpus

__all__ = ["count_command", "describe_counts"]


@click.command("count")
@click.argument("corpus", nargs=-1, required=True)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Folder of counts; needed to count."
)
@counting_options
@click.option(
    "--vocabulary",
    type=click.Path(path_type=Path),
    help="Counts whose words and windows are used, so that both can be merged.",
)
@click.option(
    "--memory",
    type=int,
    metavar="MIB",
    help="Count in so much memory and spill to disk. Default: the text and its counts in memory. "
    "With --cluster: of each worker.",
)
@click.option(
    "--cluster",
    metavar="local[:N]|tcp://HOST:PORT",
    help="Count on the workers of a Dask cluster, started here or running there.",
)
@source_options
@stop_words_option
@click.option("--resume", is_flag=True, help="Go on with what an interrupted count has left.")
@dry_run_option
@workers_option
@display_options
def count_command(
    corpus: tuple[str, ...],
    output: Path | None,
    vocabulary: Path | None,
    workers: int | None,
    quiet: bool,
    **rest: Any,
) -> None:
    """Count the windows of CORPUS once, for 'fastw2v train --counts'.

    Sources are those of 'fastw2v train'. The counts are the same, however they are made.
    """
    from fastw2v.cli.display import Display
    from fastw2v.config import CountingSettings
    from fastw2v.counts.build import ShardOptions, count_corpus, reference_counts
    from fastw2v.counts.sharded.dask import opened_client
    from fastw2v.text.given_words import word_rules

    given = given_settings({name: rest[name] for name in COUNTING_NAMES})
    if rest["dry_run"]:
        if vocabulary is not None or rest["cluster"] or rest["resume"]:
            raise click.UsageError(
                "--dry-run: expected CORPUS beside it, no --vocabulary, --cluster or --resume"
            )
        with Display(quiet=quiet) as display:
            source = sources_of(corpus, rest)
            show_dry_run(source, given, workers, display.stage, display.notice, words_of(rest))
        return
    if output is None:
        raise click.UsageError("Missing option '--output' / '-o'.")
    reference = None if vocabulary is None else reference_counts(vocabulary, given)
    counting = CountingSettings(**given) if reference is None else reference.counting
    memory, cluster, resume = (rest[name] for name in ("memory", "cluster", "resume"))
    in_shards = (memory, cluster, resume) != (None, None, False)
    shards = ShardOptions(memory, resume=resume) if in_shards else None
    opened = nullcontext() if cluster is None else opened_client(cluster, memory)
    with Display(quiet=quiet) as display, opened as client:
        found = count_corpus(
            sources_of(corpus, rest),
            counting,
            output,
            workers=workers,
            shards=shards,
            client=client,
            reference=reference,
            words=word_rules(**words_of(rest)),
            progress=display.stage,
            notice=display.notice,
        )
    if not quiet:
        click.echo(describe_counts(found))
        click.echo(f"counts       {output}")


def describe_counts(corpus: "CountedCorpus") -> str:
    """Return the lines that say what a folder of counts holds."""
    vocabulary, statistics = corpus.vocabulary, corpus.statistics
    return "\n".join(
        [
            f"vocabulary   {len(vocabulary):,} words of {vocabulary.n_raw_types:,}",
            f"tokens       {statistics.n_tokens:,} of {statistics.n_raw_tokens:,} in "
            f"{statistics.n_sentences:,} sentences",
            f"pairs        {corpus.counts.n_entries:,} different ones",
            *lines_about(corpus.words),
        ]
        + [
            f"invalid      {statistics.n_invalid:,} sequences of bytes that are not UTF-8, "
            f"errors={corpus.counting.errors}"
        ]
        * bool(statistics.n_invalid)
        + [f"missing      {statistics.n_missing:,} values, read as no token"]
        * bool(statistics.n_missing)
    )
