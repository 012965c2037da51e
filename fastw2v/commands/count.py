"""`fastw2v count`: from text to a folder of counts, to train on many times."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.commands.options import (
    counting_options,
    given_settings,
    quiet_option,
    sources_of,
    workers_option,
)

if TYPE_CHECKING:
    from fastw2v.counted_corpus import CountedCorpus


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
@workers_option
@quiet_option
def count_command(
    corpus: tuple[str, ...],
    output: Path,
    vocabulary: Path | None,
    workers: int | None,
    quiet: bool,
    **settings: Any,
) -> None:
    """Count the windows of CORPUS once, for 'fastw2v train --counts'.

    Sources are text files (also .gz .bz2 .xz .zst), folders of them, or - for standard input.
    """
    from fastw2v.corpus_counting import agreed_counts, count_in_memory
    from fastw2v.counting_settings import CountingSettings
    from fastw2v.parallel import checked_workers
    from fastw2v.terminal import Display

    given = given_settings(settings)
    agreed = None if vocabulary is None else agreed_counts(vocabulary, given)
    counting = CountingSettings(**given) if agreed is None else agreed.counting
    with Display(quiet=quiet) as display:
        found = count_in_memory(
            sources_of(corpus),
            counting,
            output,
            workers=checked_workers(workers),
            agreed=agreed,
            progress=display.stage,
        )
    if not quiet:
        click.echo(describe_counts(found))
        click.echo(f"counts       {output}")


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
    )
