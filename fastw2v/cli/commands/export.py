"""`fastw2v export`: vectors in another program's format."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.options import (
    advising_to_skip,
    display_options,
    format_option,
    skip_option,
)
from fastw2v.config import VECTOR_CHOICES

if TYPE_CHECKING:
    from fastw2v.cli.display import Display
    from fastw2v.model import Word2Vec

__all__ = ["export_command"]


@click.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@format_option
@click.option(
    "--vectors",
    type=click.Choice(VECTOR_CHOICES),
    help="Centre vectors, context vectors, or their sum. Default: sum; in for hierarchical, and "
    "for negative with subwords.",
)
@click.option(
    "--unknown-words",
    is_flag=True,
    help="Fit vectors of character n-grams to those of the words first, for a model that was "
    "trained without subwords; fastText's .bin then has vectors of unknown words.",
)
@skip_option
@display_options
def export_command(
    model: Path,
    out: Path,
    form: Any,
    vectors: Any,
    unknown_words: bool,
    skip_unwritable: bool,
    quiet: bool,
) -> None:
    """Write vectors to OUT, in the format of another program.

    Vectors of character n-grams go into fastText's .bin; other formats get those of words, and a
    line on standard error says so.
    """
    from fastw2v.cli.display import Display, ngrams_left_behind
    from fastw2v.formats import format_to_write, require_target
    from fastw2v.model import Word2Vec

    if unknown_words and not format_to_write(out, form).holds_ngrams:
        raise click.UsageError(
            "--unknown-words: expected --format fasttext-bin beside it, the format that holds them"
        )
    require_target(out, form)  # refused before a large model is read
    loaded = Word2Vec.load(model)
    if unknown_words:
        handed_out = loaded.embeddings.default_vectors
        if vectors not in (None, handed_out):
            raise click.UsageError(
                f"--unknown-words: expected --vectors {handed_out}, the table that unknown words "
                f"have vectors of, got {vectors}"
            )
        loaded.make_unknown_words()
    with Display(quiet=quiet) as display:
        with advising_to_skip():
            if skip_unwritable:
                _export_what_fits(display, loaded, out, form, vectors)
            else:
                loaded.export(out, form, vectors, progress=display.stage)
        if loaded.embeddings.unknown is not None:
            ngrams_left_behind(display, out, form, vectors)
    click.echo(str(out))


def _export_what_fits(
    display: "Display", model: "Word2Vec", out: Path, form: Any, vectors: Any
) -> None:
    """Write the vectors of the words that a format can hold, and name the others."""
    from functools import partial

    from fastw2v.cli.display import words_left_out
    from fastw2v.formats import format_to_write, without_unwritable, write_vectors
    from fastw2v.formats.vectors import vectors_of
    from fastw2v.text.rules import TextRules

    if format_to_write(out, form).holds_model:
        raise click.UsageError(
            "--skip-unwritable: expected a format that holds one table, got npz, which holds the "
            "whole model"
        )
    rules = TextRules.of(model.settings)
    table = vectors_of(model.embeddings, vectors, rules)
    fitting, left_out = without_unwritable(table, out, form)
    words_left_out(display, out, left_out, len(table.words))
    write_vectors(fitting, out, form, partial(display.stage, "writing"))
