"""`fastw2v neighbors`: what stands near a word, and around it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.options import TEXT
from fastw2v.config import VECTOR_CHOICES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fastw2v.cli.sources import VectorSource

__all__ = ["neighbors_command"]


@click.command("neighbors")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, required=True, metavar="WORD...", type=TEXT)
@click.option("--topn", type=click.IntRange(min=1), default=10, show_default=True)
@click.option(
    "--vectors",
    type=click.Choice(VECTOR_CHOICES),
    help="Which table. Default: sum; in for hierarchical, and for negative with subwords.",
)
def neighbors_command(model: Path, words: tuple[str, ...], topn: int, vectors: Any) -> None:
    """Print words near in cosine, and likely contexts.

    A word is "near" if its vector has a high cosine; "context" has p(context | word), and "lift"
    how many times as likely a context is beside the word as anywhere in the text. MODEL is a model
    folder, or a file of vectors, which has no contexts. Unknown words have neighbours where the
    model has vectors of character n-grams.
    """
    from fastw2v.cli.sources import vector_source

    source = vector_source(model, vectors)
    for word, vector in zip(words, source.vectors(words), strict=True):
        _print_neighbours(source, word, vector, topn)


def _print_neighbours(
    source: "VectorSource", word: str, vector: "NDArray[np.float32]", topn: int
) -> None:
    keyed, count = source.keyed, source.count(word)
    is_known = word in keyed.key_to_index
    seen = "unknown, from its n-grams" if not is_known else f"{count:,} times" if count else ""
    click.echo(f"{word} ({seen})" if seen else word)
    # A zero vector has no direction: that of the only word of a vocabulary, say.
    near = keyed.similar_by_vector(vector, topn=topn + is_known) if vector.any() else []
    near = [(other, cosine) for other, cosine in near if other != word][:topn]
    click.echo("  near     " + ", ".join(f"{other} {cosine:.2f}" for other, cosine in near))
    if source.model is not None:
        word = source.model.vocabulary.named(word)
        likely = source.model.predict_context(word, topn=topn)
        click.echo("  context  " + ", ".join(f"{other} {p:.2%}" for other, p in likely))
        typical = source.model.predict_context(word, topn=topn, by="lift")
        click.echo("  lift     " + ", ".join(f"{other} {times:.3g}x" for other, times in typical))
