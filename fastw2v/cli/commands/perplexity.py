"""`fastw2v perplexity`: the exact loss on a text."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from fastw2v.cli.options import (
    display_options,
    repeated_tokenizer_option,
    source_options,
    sources_of,
    workers_option,
)
from fastw2v.cli.streams import as_json_text

__all__ = ["perplexity_command"]


@click.command("perplexity")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("text", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@source_options
@repeated_tokenizer_option
@workers_option
@display_options
def perplexity_command(
    model: Path,
    text: tuple[str, ...],
    as_json: bool,
    workers: int | None,
    quiet: bool,
    **reads: Any,
) -> None:
    """Print the exact loss on a text.

    It is the mean of -log p(context | word) over all window pairs of TEXT, in nats.
    """
    from fastw2v.cli.display import Display
    from fastw2v.cli.sources import loaded_model
    from fastw2v.cli.text_notices import give_text_notices

    loaded = loaded_model(model, workers)
    with Display(quiet=quiet) as display:
        source = sources_of(text, reads)
        give_text_notices(display, source, loaded.settings, f"the settings of {model}")
        result = loaded.perplexity(source, progress=display.stage)
    if as_json:
        click.echo(as_json_text(asdict(result)))
        return
    click.echo(f"loss        {result.loss_nats:.4f} nats a pair")
    click.echo(f"perplexity  {result.perplexity:,.2f}")
    if result.objective_loss_nats != result.loss_nats:
        click.echo(f"objective   {result.objective_loss_nats:.4f} nats a pair, its own definition")
    click.echo(f"tokens      {result.n_tokens:,} known, {result.n_oov:,} out of vocabulary")
    if result.unknown_loss_nats is not None:
        click.echo(
            f"unknown     {result.unknown_loss_nats:.4f} nats a pair around {result.n_unknown:,} "
            "tokens with vectors from n-grams"
        )
    if result.n_invalid:
        click.echo(f"not UTF-8   {result.n_invalid:,} sequences, {loaded.settings.errors}d")
    if result.n_missing:
        click.echo(f"missing     {result.n_missing:,} values, read as no token")
