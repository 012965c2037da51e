"""`fastw2v calibration`: whether the probabilities that a model tells are those of a text."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.options import (
    display_options,
    repeated_tokenizer_option,
    source_options,
    sources_of,
    workers_option,
)
from fastw2v.cli.streams import as_json_text

if TYPE_CHECKING:
    from fastw2v.objectives.losses.reliability import Reliability

__all__ = ["calibration_command", "reliability_lines"]


@click.command("calibration")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("text", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option(
    "--least-count",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Centre words are those that the training text has so often at least.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@source_options
@repeated_tokenizer_option
@workers_option
@display_options
def calibration_command(
    model: Path,
    text: tuple[str, ...],
    least_count: int,
    as_json: bool,
    workers: int | None,
    quiet: bool,
    **reads: Any,
) -> None:
    """Print predicted beside observed shares of pairs.

    For each range of p(context | word): the share of all pairs of TEXT that MODEL expects there,
    the share that TEXT has there, and their ratio, which is 1 where probabilities are right. TEXT
    should be one that MODEL was not trained on. Pairs of a word with itself have their own line.
    """
    from fastw2v.cli.display import Display
    from fastw2v.cli.sources import loaded_model
    from fastw2v.cli.text_notices import give_text_notices

    loaded = loaded_model(model, workers)
    with Display(quiet=quiet) as display:
        source = sources_of(text, reads)
        give_text_notices(display, source, loaded.settings, f"the settings of {model}")
        found = loaded.reliability(source, least_count=least_count, progress=display.stage)
    if as_json:
        click.echo(as_json_text(found.as_dict()))
        return
    click.echo(reliability_lines(found))


def reliability_lines(found: "Reliability") -> str:
    """Return the table as lines of text."""
    lines = [f"{'p(context | word)':24} predicted  observed  ratio"]

    def line(name: str, predicted: float, observed: float, ratio: float) -> str:
        shown = f"{ratio:6.3f}" if not math.isnan(ratio) else "     -"
        return f"{name:24} {predicted:9.3%} {observed:9.3%} {shown}"

    for one in found.bins:
        name = f"{one.low:.0e} to {one.high:.0e}" if one.low else f"below {one.high:.0e}"
        lines.append(line(name, one.predicted, one.observed, one.ratio))
    own = found.own
    is_cbow = not found.least_count
    name = "a word of the window" if is_cbow else "a word with itself"
    lines.append(line(name, own.predicted, own.observed, own.ratio))
    if is_cbow:
        lines.append(f"{found.n_centres:,} windows")
    else:
        lines.append(
            f"{found.n_centres:,} words of at least {found.least_count} occurrences, "
            f"{found.pair_weight:,.0f} pairs"
        )
    return "\n".join(lines)
