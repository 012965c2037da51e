"""`fastw2v vectors`: vectors of any words, known or not."""

import sys
from pathlib import Path
from typing import Any

import click

from fastw2v.cli.options import TEXT, format_option
from fastw2v.config import VECTOR_CHOICES

__all__ = ["vectors_command"]


@click.command("vectors")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, metavar="[WORD]...", type=TEXT)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="A file. Default: standard output."
)
@format_option
@click.option(
    "--table",
    type=click.Choice(VECTOR_CHOICES),
    help="Which table. Default: as for neighbors.",
)
def vectors_command(
    model: Path, words: tuple[str, ...], output: Path | None, form: Any, table: Any
) -> None:
    """Print or write the vectors of words, a word with its numbers a line.

    Words are read from standard input, parted by blanks and line ends, if none is named. MODEL is a
    model folder or a file of vectors. Words that it does not know get vectors from their character
    n-grams, if it has any: after training with --inputs subwords, and in fastText's .bin.
    "new york" stands for the phrase new_york, if the model has it.
    """
    from fastw2v.cli.sources import vector_source
    from fastw2v.errors import ConfigurationError
    from fastw2v.formats import write_vectors
    from fastw2v.formats.vectors import Vectors
    from fastw2v.text.vocabulary import shown_word

    source = vector_source(model, [table] if table else [])
    asked = list(dict.fromkeys(map(source.phrase, words or _words_of_standard_input())))
    if not asked:
        raise click.UsageError("Missing argument 'WORD...'; standard input has no words either")
    found = source.vectors(asked, table)
    if output is not None:
        write_vectors(Vectors(asked, found), output, form)
        click.echo(str(output))
        return
    if form is not None:
        raise ConfigurationError(
            f"--format: expected --output beside it, got {form!r} for standard output, which gets "
            "lines of text"
        )
    for word in asked:
        if word.split() != [word]:
            raise ConfigurationError(
                f"expected words without blanks for standard output, whose lines they begin, got "
                f"{shown_word(word)}; use --output with --format npz"
            )
    for word, row in zip(asked, found, strict=True):
        click.echo(f"{word} " + " ".join(str(number) for number in row))


def _words_of_standard_input() -> list[str]:
    from fastw2v.errors import TextEncodingError

    if sys.stdin is None:
        return []
    data = sys.stdin.buffer.read()
    try:
        return data.decode().removeprefix("\ufeff").split()
    except UnicodeDecodeError as error:
        raise TextEncodingError(
            f"standard input: expected words in UTF-8, got byte {data[error.start]:#04x} at byte "
            f"offset {error.start}; re-encode them, by iconv say"
        ) from None
