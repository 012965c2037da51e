"""How each command of the command line is called where it is to be tried, one recipe a command.

The commands are those that the command line has: a new one without a recipe is an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from fastw2v.cli.main import command_line

__all__ = ["RECIPES", "Recipe", "commands", "without_recipe"]


@dataclass(frozen=True)
class Recipe:
    """A call that works: ``{text}`` and the like are paths of `Workplace`, ``{out}`` its folder.

    Attributes
    ----------
    arguments : str
        Parted by blanks, of which no path has any.
    makes : tuple of str
        What is below ``{out}`` afterwards.
    """

    arguments: str
    makes: tuple[str, ...] = ()


RECIPES = {
    "train": Recipe(
        "{text} -o {out}/modèle --vector-size 4 --min-count 1 --epochs 2 --workers 2 "
        "--checkpoint-every 1epoch",
        ("modèle",),
    ),
    "count": Recipe("{text} -o {out}/counts --min-count 1", ("counts",)),
    "phrases": Recipe(
        "{text} -o {out}/phrases.json --text {out}/joined.txt --min-count 1 --threshold 0.1",
        ("phrases.json", "joined.txt"),
    ),
    "counts info": Recipe("{counts} --json"),
    "counts merge": Recipe("{counts} {more_counts} -o {out}/both", ("both",)),
    "export": Recipe("{model} {out}/vectors.txt", ("vectors.txt",)),
    "convert": Recipe("{vectors} {out}/vectors.bin --format word2vec-bin", ("vectors.bin",)),
    "info": Recipe("{model} --json"),
    "neighbors": Recipe("{model} café naïve --topn 3"),
    "vectors": Recipe("{model} café naïve"),
    "perplexity": Recipe("{model} {text} --json"),
    "calibration": Recipe("{model} {text} --least-count 1 --json"),
    "eval": Recipe("{model} --pairs {pairs} --analogies {analogies} --text {text} --json"),
    "compare": Recipe(
        "{text} --rivals fastw2v-negative --rounds 1 --epochs 1 --vector-size 4 --min-count 1 "
        "--held-out {text} --json {out}/compared.json",
        ("compared.json",),
    ),
    "report": Recipe("{model} -o {out}/page.html --no-evaluation --title été", ("page.html",)),
    "plot": Recipe("{model} --kind loss -o {out}/loss.svg", ("loss.svg",)),
    "compile": Recipe("--vector-size 4 --start random"),
    "completion": Recipe("bash"),
    "docs": Recipe("formats"),
}


def commands(group: click.Group = command_line, path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield every command by its whole name, with its options."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            options = {option for parameter in command.params for option in parameter.opts}
            yield f"{path}{name}", options


def without_recipe() -> list[str]:
    """Return the commands that nobody can try yet, and recipes of commands that are gone."""
    found = {name for name, _ in commands()}
    return sorted(found ^ set(RECIPES))
