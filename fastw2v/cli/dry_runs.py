"""What ``--dry-run`` of `train` and `count` shows: sizes of vocabularies, times and memory."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.starts import describe_start

if TYPE_CHECKING:
    from fastw2v.training.dry_run import DryRun
    from fastw2v.training.start_from import StartFrom

__all__ = ["describe_dry_run", "dry_run_option", "show_dry_run"]

dry_run_option = click.option(
    "--dry-run",
    is_flag=True,
    help="Read the text, print sizes of vocabularies, and the time and memory that each objective "
    "would take with these settings; write nothing.",
)


def show_dry_run(
    source: Any,
    given: dict[str, Any],
    workers: int | None,
    progress: Callable[[str, int, int | None], None],
    notice: Callable[[str], None],
    words: Mapping[str, Any],
    start: "StartFrom | None" = None,
) -> None:
    """Read a text, as `fastw2v.cli.options.sources_of` returns it; print what training takes."""
    from fastw2v.system.threads import checked_workers
    from fastw2v.text.given_words import word_rules
    from fastw2v.training.dry_run import dry_run

    found = dry_run(
        source,
        given,
        words=word_rules(**words),
        workers=checked_workers(workers),
        progress=progress,
        notice=notice,
        start=start,
    )
    click.echo(describe_dry_run(found))


def describe_dry_run(found: "DryRun") -> str:
    """Return the lines of a dry run; the settings' own ``min_count`` is marked."""
    from fastw2v.objectives.softmax.durations import told_duration

    lines = [f"text         {found.n_raw_tokens:,} tokens, {found.n_raw_types:,} words"]
    if found.start is not None and found.n_known is not None:
        lines.append(
            describe_start(found.start | {"n_known": found.n_known, "n_words": found.n_words})
        )
        if found.start["counts"] is not None:
            lines.append(f"counts       {found.start['counts']}, which are added")
    lines.append("min_count        words       tokens")
    for least, n_words, n_tokens in found.sizes:
        share = n_tokens / max(found.n_raw_tokens, 1)
        mark = "  <- these settings" if least == found.settings.min_count else ""
        lines.append(f"{least:>9,} {n_words:>12,} {n_tokens:>12,} {share:6.1%}{mark}")
    lines.append(f"estimates    of {found.n_words:,} words and {found.n_tokens:,} tokens")
    for kind in found.estimates:
        name = f"{kind.model} {kind.objective}"
        epochs = f"{kind.epochs} epoch{'s' * (kind.epochs > 1)}"
        memory = -(-kind.memory_bytes // 2**20)
        rare = "" if kind.rare_words is None else f"  rare words {kind.rare_words}"
        lines.append(
            f"  {name:22} {epochs:>9} {told_duration(kind.seconds):>16} {memory:>9,} MiB{rare}"
        )
    return "\n".join(lines)
