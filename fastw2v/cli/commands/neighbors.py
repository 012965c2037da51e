"""`fastw2v neighbors`: what stands near a word, and around it."""

from pathlib import Path
from typing import Any

import click

__all__ = ["neighbors_command"]


@click.command("neighbors")
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
        # A zero vector has no direction: that of the only word of a vocabulary, say.
        near = keyed.most_similar(word, topn=topn) if keyed.get_vector(word).any() else []
        likely = loaded.predict_context(word, topn=topn)
        click.echo("  near     " + ", ".join(f"{other} {cosine:.2f}" for other, cosine in near))
        click.echo("  context  " + ", ".join(f"{other} {p:.2%}" for other, p in likely))
