"""`fastw2v count`: from text to a folder of counts, to train on many times."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from fastw2v.cli.options import (
    counting_options,
    display_options,
    given_settings,
    sources_of,
    workers_option,
)
from fastw2v.config import COUNTING_NAMES

if TYPE_CHECKING:
    from fastw2v.counts.corpus import CountedCorpus

__all__ = ["Sharding", "count_command", "counter_of", "describe_counts"]


@click.command("count")
@click.argument("corpus", nargs=-1, required=True)
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="Folder of counts."
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
@click.option("--column", help="Of Parquet and Arrow files: where the text or the tokens are.")
@click.option("--resume", is_flag=True, help="Go on with what an interrupted count has left.")
@workers_option
@display_options
def count_command(
    corpus: tuple[str, ...],
    output: Path,
    vocabulary: Path | None,
    workers: int | None,
    quiet: bool,
    **rest: Any,
) -> None:
    """Count the windows of CORPUS once, for 'fastw2v train --counts'.

    Sources are text files (also .gz .bz2 .xz .zst), folders of them, or - for standard input. With
    --memory or --cluster also globs, URLs (s3://, gs://, http:// and others that fsspec knows),
    and Parquet or Arrow files. The counts are the same, however they are made.
    """
    from fastw2v.cli.display import Display
    from fastw2v.config import CountingSettings
    from fastw2v.counts.build import agreed_counts
    from fastw2v.system.threads import checked_workers

    given = given_settings({name: rest[name] for name in COUNTING_NAMES})
    agreed = None if vocabulary is None else agreed_counts(vocabulary, given)
    counting = CountingSettings(**given) if agreed is None else agreed.counting
    how = Sharding(rest["memory"], rest["cluster"], rest["column"], rest["resume"])
    count = counter_of(corpus, how, checked_workers(workers))
    with Display(quiet=quiet) as display:
        found = count(counting, output, agreed=agreed, progress=display.stage)
    if not quiet:
        click.echo(describe_counts(found))
        click.echo(f"counts       {output}")


class Sharding(NamedTuple):
    """Options that ask for counting in shards."""

    memory: int | None
    cluster: str | None
    column: str | None
    resume: bool


def counter_of(
    corpus: tuple[str, ...], how: Sharding, workers: int
) -> "Callable[..., CountedCorpus]":
    """Return what counts a corpus, given settings, output, agreed counts and a display."""
    if how == (None, None, None, False) and not any("://" in name for name in corpus):
        from fastw2v.counts.build import count_in_memory

        return partial(count_in_memory, sources_of(corpus), workers=workers)
    from fastw2v.counts.sharded.local import count_spilling
    from fastw2v.counts.sharded.plan import ShardOptions

    options = ShardOptions(how.memory, column=how.column, resume=how.resume)
    if how.cluster is None:
        return lambda counting, output, **rest: count_spilling(
            corpus, counting, output, options, workers=workers, **rest
        )

    def count_on_cluster(*arguments: Any, **rest: Any) -> "CountedCorpus":
        from fastw2v.counts.sharded.dask import count_pairs, opened_client

        with opened_client(str(how.cluster), how.memory) as client:
            return count_pairs(client, corpus, arguments[1], arguments[0], options, **rest)

    return count_on_cluster


def describe_counts(corpus: "CountedCorpus") -> str:
    """Return the lines that say what a folder of counts holds."""
    vocabulary, facts = corpus.vocabulary, corpus.facts
    return "\n".join(
        [
            f"vocabulary   {len(vocabulary):,} words of {vocabulary.n_raw_types:,}",
            f"tokens       {facts.n_tokens:,} of {facts.n_raw_tokens:,} in "
            f"{facts.n_sentences:,} sentences",
            f"pairs        {corpus.counts.n_entries:,} different ones",
        ]
        + [
            f"invalid      {facts.n_invalid:,} sequences of bytes that are not UTF-8, "
            f"errors={corpus.counting.errors}"
        ]
        * bool(facts.n_invalid)
    )
