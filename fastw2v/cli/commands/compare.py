"""`fastw2v compare`: the same text, the same settings, other trainers."""

import json
from pathlib import Path
from typing import Any

import click

from fastw2v.cli.options import (
    TOKENIZER,
    display_options,
    require_outputs,
    source_options,
    sources_of,
)

__all__ = ["compare_command", "show"]

_FILE = click.Path(path_type=Path)


@click.command("compare")
@click.argument("corpus", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option(
    "--rivals",
    default="gensim,word2vec,fasttext",
    show_default=True,
    help="Comma-separated, NAME or NAME:EPOCHS: gensim, word2vec (the C program), fasttext, "
    "fasttext-softmax, fastw2v-negative, fastw2v.",
)
@click.option("--rounds", type=int, default=3, show_default=True, help="Trainings of each.")
@click.option("--epochs", type=int, default=5, show_default=True, help="Epochs of each.")
@click.option("--vector-size", type=int, default=100, show_default=True, help="Dimensions.")
@click.option("--window", type=int, default=5, show_default=True, help="Places on each side.")
@click.option(
    "--min-count", type=int, default=5, show_default=True, help="Rarer words are left out."
)
@click.option(
    "--negative", type=int, default=5, show_default=True, help="Of those that sample noise."
)
@click.option("--sample", type=float, help="Subsampling. Default: each trainer's own.")
@click.option(
    "--inputs",
    type=click.Choice(["words", "subwords"]),
    default="words",
    show_default=True,
    help="'subwords': fastw2v and fastText learn vectors of character n-grams, too.",
)
@click.option("--min-n", type=int, help="Of --inputs subwords. Default: each trainer's own.")
@click.option("--max-n", type=int, help="The same.")
@click.option("--bucket", type=int, help="The same.")
@click.option("--fasttext-t", type=float, help="fastText's subsampling. Default: as --sample.")
@click.option("--workers", type=int, help="Threads of each. Default: all cores.")
@click.option(
    "--tokenizer",
    type=TOKENIZER,
    default="words",
    show_default=True,
    help="How the text is cut before any trainer sees it.",
)
@click.option(
    "--paragraphs/--no-paragraphs",
    default=False,
    help="Whether a blank line ends a sentence, and not every line: for books with wrapped lines.",
)
@click.option(
    "--held-out", multiple=True, help="Text for losses. Default: every twentieth line of CORPUS."
)
@click.option("--time-limit", type=float, help="Seconds after which a training is ended.")
@click.option("--json", "json_target", type=_FILE, help="Write every figure to this file.")
@click.option("--markdown", "markdown_target", type=_FILE, help="Write the tables to this file.")
@source_options
@display_options
def compare_command(
    corpus: tuple[str, ...],
    held_out: tuple[str, ...],
    json_target: Path | None,
    markdown_target: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Train fastw2v and its rivals on CORPUS and compare time, memory, quality and vectors.

    Every training is a process of its own; trainers alternate, round after round. A rival that is
    not installed or fails is a row that says so.
    """
    from fastw2v.cli.display import Display
    from fastw2v.comparison.comparing import ComparisonSettings, compare
    from fastw2v.comparison.tables import as_markdown
    from fastw2v.system.files import whole_file
    from fastw2v.system.threads import available_cores

    names = [name.strip() for name in options.pop("rivals").split(",") if name.strip()]
    reads = {name: options.pop(name) for name in ("field", "read_as")}
    limit, workers = options.pop("time_limit"), options.pop("workers")
    settings = ComparisonSettings(
        rivals=names,
        time_limit_s=limit,
        workers=available_cores() if workers is None else workers,
        **options,
    )
    targets = {"--json": json_target, "--markdown": markdown_target}
    require_outputs({option: target for option, target in targets.items() if target is not None})
    with Display(quiet=quiet) as display:
        found = compare(
            sources_of(corpus, reads),
            settings,
            held_out=sources_of(held_out, reads) if held_out else None,
            notice=display.notice,
        )
    contents = (json.dumps(found, indent=1) + "\n", as_markdown(found))
    for output, content in zip(targets.values(), contents, strict=True):
        if output is not None:
            with whole_file(output) as temporary:
                temporary.write_text(content, encoding="utf-8")
    show(found)  # last: whoever reads standard output may be gone


def show(comparison: dict[str, Any]) -> None:
    """Print the tables, as wide as they are where the output is no terminal."""
    import sys

    from rich.console import Console
    from rich.table import Table

    from fastw2v.comparison.tables import settings_line, tables_of

    # Brackets of a message are its own, not rich's.
    width = None if sys.stdout.isatty() else 240
    console = Console(width=width, highlight=False, markup=False)
    console.print(", ".join(f"{name} {value}" for name, value in comparison["machine"].items()))
    console.print(settings_line(comparison["settings"]))
    for table in tables_of(comparison):
        shown = Table(title=table.title, caption=table.note, title_justify="left")
        for place, heading in enumerate(table.headings):
            shown.add_column(heading, justify="left" if place < 2 else "right", overflow="fold")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
