"""`fastw2v export`: vectors in another program's format."""

from pathlib import Path
from typing import Any

import click

from fastw2v.cli.options import display_options, format_option

__all__ = ["export_command"]


@click.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@format_option
@click.option(
    "--vectors",
    type=click.Choice(["in", "out", "sum"]),
    help="Centre vectors, context vectors, or their sum. Default: sum; in for hierarchical.",
)
@display_options
def export_command(model: Path, out: Path, form: Any, vectors: Any, quiet: bool) -> None:
    """Write vectors to OUT, in the format of another program."""
    from fastw2v.cli.display import Display
    from fastw2v.model import Word2Vec

    loaded = Word2Vec.load(model)
    with Display(quiet=quiet) as display:
        loaded.export(out, form, vectors, progress=display.stage)
    click.echo(str(out))
