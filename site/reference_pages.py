"""Pages of reference that are made from the code: names of Python, and help of the commands."""

import importlib
import inspect
import re
from pathlib import Path

import click

__all__ = ["PAGES", "write"]

PAGES = {
    "site/reference/commands": "Every command and option",
    "site/reference/python": "Every name of the package",
}
_ROW = re.compile(r"^\| `(fastw2v[\w.]*)` \| ([^|]+) \|", re.MULTILINE)
_BUILT = "site/reference"


def write(root: Path) -> None:
    """Write the pages below `root`, unless they are there with the same text."""
    folder = root / _BUILT
    folder.mkdir(exist_ok=True)
    stable = (root / "docs" / "api.md").read_text(encoding="utf-8")
    for page, text in (("commands", _commands()), ("python", _python(stable))):
        target = folder / f"{page}.rst"
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n\n"


def _python(stable: str) -> str:
    """Return the page of all names that docs/api.md says are stable."""
    text = _heading(PAGES["site/reference/python"], "=")
    text += "The names that docs/api.md promises to keep, with their docstrings.\n\n"
    for module, cell in _ROW.findall(stable):
        text += _heading(module, "-")
        for name in re.findall(r"`(\w+)`", cell):
            value = getattr(importlib.import_module(module), name)
            text += _entry(module, name, value)
    return text


def _entry(module: str, name: str, value: object) -> str:
    """Return the directive that documents one name."""
    if inspect.isclass(value):
        home = value.__module__
        # The methods of Word2Vec come from several classes of its room.
        inherited = "   :inherited-members:\n" if f"{module}.{name}" == "fastw2v.Word2Vec" else ""
        repeated = module == "fastw2v" and name == "FastW2VError"  # fastw2v.errors has it
        index = "   :no-index:\n" if repeated else ""
        shown = f".. autoclass:: {module}.{name}\n   :members:\n{inherited}{index}\n"
        return shown if home.startswith("fastw2v") else _reexported(module, name, home)
    if inspect.isfunction(value):
        return f".. autofunction:: {module}.{name}\n\n"
    return f".. py:data:: {module}.{name}\n\n"


def _reexported(module: str, name: str, home: str) -> str:
    return f".. py:class:: {module}.{name}\n\n   The class of {home}.\n\n"


def _commands() -> str:
    """Return the page of what `--help` says of each command."""
    from fastw2v.cli.main import command_line

    text = _heading(PAGES["site/reference/commands"], "=")
    text += (
        "What `fastw2v COMMAND --help` prints. docs/command_line.md has what commands share.\n\n"
    )
    top = click.Context(command_line, info_name="fastw2v", max_content_width=100)
    for name in command_line.list_commands(top):
        command = command_line.get_command(top, name)
        assert command is not None
        text += _help(command, click.Context(command, info_name=name, parent=top))
    return text


def _help(command: click.Command, context: click.Context) -> str:
    """Return a section with the help of a command, and those of the commands below it."""
    block = "".join(f"   {line}".rstrip() + "\n" for line in command.get_help(context).splitlines())
    text = _heading(context.command_path, "-") + f".. code-block:: text\n\n{block}\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            text += _help(below, click.Context(below, info_name=name, parent=context))
    return text
