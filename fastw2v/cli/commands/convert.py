"""`fastw2v convert`: vectors from one program's format to another's."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from fastw2v.cli.options import (
    advising_to_skip,
    display_options,
    format_option,
    skip_option,
)
from fastw2v.formats import FORMATS

__all__ = ["convert_command"]


@click.command("convert")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "source_form",
    type=click.Choice([form.name for form in FORMATS]),
    help="Format of IN. Default: recognised by its content.",
)
@click.option(
    "--split-right",
    is_flag=True,
    help="Take for a word of text all that stands before its numbers, blanks too, as in GloVe's "
    "840B ('. . .').",
)
@format_option
@skip_option
@display_options
def convert_command(
    source: Path,
    target: Path,
    source_form: Any,
    split_right: bool,
    form: Any,
    skip_unwritable: bool,
    quiet: bool,
) -> None:
    """Read vectors from IN and write them to OUT, with the same bits.

    Formats are those of 'fastw2v export'. Counts come along where both formats have them, and so do
    vectors of n-grams; where OUT cannot hold these a line on standard error says so.
    """
    from fastw2v.cli.display import Display, ngrams_left_behind, words_left_out
    from fastw2v.formats import read_vectors, require_target, without_unwritable, write_vectors

    require_target(target, form)  # refused before a long file is read
    with Display(quiet=quiet) as display:
        vectors = read_vectors(
            source, source_form, partial(display.stage, "reading"), split_right=split_right
        )
        if skip_unwritable:
            n_words = len(vectors.words)
            vectors, left_out = without_unwritable(vectors, target, form)
            words_left_out(display, target, left_out, n_words)
        with advising_to_skip():
            write_vectors(vectors, target, form, partial(display.stage, "writing"))
        if vectors.ngrams is not None:
            ngrams_left_behind(display, target, form)
    click.echo(str(target))
