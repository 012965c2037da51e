"""`fastw2v info`: what a file or folder is."""

from pathlib import Path
from typing import Any

import click

from fastw2v.cli.streams import as_json_text

__all__ = ["info_command"]


@click.command("info")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def info_command(path: Path, as_json: bool) -> None:
    """Print what PATH is, how large, and what it was made with.

    PATH is a model folder, a file or folder of vectors in any format, a folder of counts, a folder
    with an encoded corpus, the checkpoint of a run, or a file of phrases. Only what describes it is
    read, so that it takes no longer for large ones; sizes are checked, digests are not. Phrases are
    read whole.
    """
    from fastw2v.cli.inspection import inspected

    found = inspected(path)
    if as_json:
        click.echo(as_json_text({"path": str(path), **found}))
        return
    click.echo("\n".join(f"{name:<13} {text}" for name, text in _rows(found)))


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names with texts, as people are shown them."""
    kind = found["kind"]
    version = f", written by fastw2v {found['version']}" if found.get("version") else ""
    rows = [("kind", f"{kind} ({found['format']})" if "format" in found else f"{kind}{version}")]
    rows += _sizes(found)
    if kind == "phrases":
        rows += _phrases(found)
    if found.get("first_words"):
        rows.append(("most frequent", ", ".join(map(_shown, found["first_words"]))))
    if found.get("summary"):
        rows.append(("loss", f"{found['summary']['loss_nats']:.4f} nats a pair"))
    if kind == "checkpoint":
        rows += _progress(found)
    if found.get("run"):
        sources = found["run"]["sources"]
        rows.append(("text", ", ".join(sources) if sources else "lists of tokens"))
    if "settings" in found:
        settings = ", ".join(f"{name}={value}" for name, value in found["settings"].items())
        rows.append(("settings", settings))
    n_bytes = found["bytes"]
    rows.append(("size", f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 1e6 else f"{n_bytes:,} bytes"))
    return rows


def _sizes(found: dict[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name in ("words", "tokens"):
        if name in found:
            number = found[name]
            raw = found.get(f"raw_{name}")
            of = f" of {raw:,}" if raw is not None else ""
            text = "not said at the beginning of the file" if number is None else f"{number:,}{of}"
            rows.append((name, text))
    for name in ("sentences", "pairs", "dimensions"):
        if found.get(name) is not None:
            rows.append((name, f"{found[name]:,}"))
    return rows


def _phrases(found: dict[str, Any]) -> list[tuple[str, str]]:
    sizes = ", then ".join(f"{size:,}" for size in found["phrases_of_passes"])
    rows = [("phrases", sizes or "none")]
    if found["first_phrases"]:
        rows.append(("best scores", ", ".join(map(_shown, found["first_phrases"]))))
    return rows


def _progress(found: dict[str, Any]) -> list[tuple[str, str]]:
    done = f"{found['epochs_done']} of {found['epochs']} epochs"
    if found["steps_done"]:
        done += f" and {found['steps_done']:,} batches of the next"
    rows = [("done", f"{done}, {found['training_s']:,.1f} s")]
    if found["loss_nats"] is not None:
        rows.append(("loss", f"{found['loss_nats']:.4f} nats a pair in the last epoch"))
    source = found["counts"] or ", ".join(found["sources"] or ["lists of tokens"])
    return [*rows, ("text", source)]


def _shown(word: str) -> str:
    from fastw2v.text.shown import shown_word

    return word if word.isprintable() and len(word) < 40 else shown_word(word)
