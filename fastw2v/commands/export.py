"""`fastw2v export`: vectors in another program's format."""

from pathlib import Path
from typing import Any

import click


@click.command("export")
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
