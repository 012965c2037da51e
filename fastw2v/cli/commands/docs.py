"""`fastw2v docs`: the guides, which come with the package."""

import click

from fastw2v.cli.options import TEXT

__all__ = ["docs_command"]


@click.command("docs")
@click.argument("topic", required=False, type=TEXT)
def docs_command(topic: str | None) -> None:
    """Print the guide about TOPIC, or the list of topics.

    Guides are Markdown; 'fastw2v docs math | less' leafs through one.
    """
    from fastw2v.cli.guides import guide_topics, read_guide

    if topic is not None:
        click.echo(read_guide(topic).rstrip("\n"))
        return
    topics = guide_topics()
    width = max(map(len, topics), default=0)
    for name, title in topics.items():
        click.echo(f"{name:<{width}}  {title}")
