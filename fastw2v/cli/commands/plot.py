"""`fastw2v plot`: a static picture of a model."""

from pathlib import Path
from typing import Any

import click

from fastw2v.cli.options import display_options
from fastw2v.config import VECTOR_CHOICES

__all__ = ["plot_command"]


@click.command("plot")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL_OR_VECTORS")
@click.option(
    "--kind",
    type=click.Choice(["map", "loss", "spectrum"]),
    default="map",
    show_default=True,
    help="Words on a plane; loss after each epoch, with the entropies; singular values.",
)
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path),
    help="The picture; its name ends in .png or .svg.",
)  # fmt: skip
@click.option(
    "--map",
    "method",
    type=click.Choice(["umap", "tsne", "pca"]),
    help="How words get their places on the map. Default: umap, if it is installed and there are "
    "200 words; or principal components.",
)
@click.option(
    "--vectors",
    type=click.Choice(VECTOR_CHOICES),
    help="Which table. Default: sum; in for hierarchical, and for negative with subwords.",
)
@display_options
def plot_command(
    model: Path, kind: Any, output: Path, method: Any, vectors: Any, quiet: bool
) -> None:
    """Draw a model: map, loss or spectrum, as PNG or SVG.

    The same model makes the same bytes. A file of vectors, in any format of 'fastw2v convert', has
    a map and a spectrum.
    """
    from fastw2v.cli.display import Display
    from fastw2v.cli.sources import model_or_vectors
    from fastw2v.report.plots import write_picture

    loaded = model_or_vectors(model)
    with Display(quiet=quiet) as display:
        display.stage("drawing", 0, None)
        write_picture(loaded, output, kind, method=method, vectors=vectors, notice=display.notice)
        display.stage("drawing", 1, 1)
    click.echo(str(output))
