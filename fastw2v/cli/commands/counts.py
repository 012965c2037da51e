"""`fastw2v counts`: what folders of counts hold, and their sum."""

from dataclasses import asdict
from pathlib import Path

import click

from fastw2v.cli.streams import as_json_text

__all__ = ["counts_command", "info_command", "merge_command"]


@click.group("counts")
def counts_command() -> None:
    """Inspect and merge folders of counts."""


@counts_command.command("info")
@click.argument("counts", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Check the digests.")
def info_command(counts: Path, as_json: bool, verify: bool) -> None:
    """Print what COUNTS were made of and how large they are."""
    from fastw2v.cli.commands.count import describe_counts
    from fastw2v.counts.folder import read_counts

    found = read_counts(counts, verify=verify)
    n_bytes = sum(path.stat().st_size for path in counts.iterdir())
    n_parts = len(found.counts.parts)
    settings = found.counting.as_dict()
    if as_json:
        content = {
            "counting": settings,
            "corpus": asdict(found.statistics) | {"digest": found.statistics.digest},
            "n_words": len(found.vocabulary),
            "n_entries": found.counts.n_entries,
            "total": found.counts.total,
            "n_parts": n_parts,
            "n_bytes": n_bytes,
        }
        click.echo(as_json_text(content))
        return
    click.echo(describe_counts(found))
    click.echo(f"weight       {found.counts.total:,}, a pair side by side {settings['window']}")
    click.echo(f"settings     {', '.join(f'{name}={value}' for name, value in settings.items())}")
    click.echo(f"texts        {len(found.statistics.digests)}, digest {found.statistics.digest}")
    click.echo(f"size         {n_bytes / 1e6:,.1f} MB in {n_parts} parts")


@counts_command.command("merge")
@click.argument("counts", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="Folder of counts."
)
@click.option(
    "--grow",
    is_flag=True,
    help="Add COUNTS over different words though a text left some out (--min-count): these have no "
    "pairs from it. Default: refused.",
)
def merge_command(counts: tuple[Path, ...], output: Path, grow: bool) -> None:
    """Write the sum of COUNTS: those of all their texts together.

    Over the same words (count the second text with --vocabulary FIRST), or over different ones if
    no text left a word out and windows are plain: --min-count 1 --window-sample 0.
    """
    from fastw2v.cli.commands.count import describe_counts
    from fastw2v.counts.merged_folder import merge_counts

    click.echo(describe_counts(merge_counts(counts, output, grow=grow)))
    click.echo(f"counts       {output}")
