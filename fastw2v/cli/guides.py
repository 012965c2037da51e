"""The guides of docs/, which come with the package: found by topic, and printed."""

from pathlib import Path

__all__ = ["guide_topics", "read_guide"]

_PACKAGE = Path(__file__).parents[1]


def _folder() -> Path | None:
    """Return the folder of the guides: within the package, or beside it in a checkout."""
    beside = _PACKAGE.parent
    checkout = beside / "docs" if (beside / "pyproject.toml").is_file() else None
    return next((path for path in (_PACKAGE / "docs", checkout) if path and path.is_dir()), None)


def _guides() -> dict[str, Path]:
    folder = _folder()
    if folder is None:
        return {}
    found = sorted(folder.rglob("*.md"))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in found}


def guide_topics() -> dict[str, str]:
    """Return the title of each guide by its topic."""
    topics = {}
    for topic, path in _guides().items():
        lines = path.read_text(encoding="utf-8").splitlines()
        title = next((line for line in lines if line.startswith("# ")), f"# {topic}")
        topics[topic] = title.removeprefix("# ").strip()
    return topics


def read_guide(topic: str) -> str:
    """Return a guide, as Markdown.

    Parameters
    ----------
    topic : str
        As `guide_topics` has it; "formats", "Formats" and "docs/formats.md" are the same, and a
        name without its folder will do.

    Raises
    ------
    ConfigurationError
        If there is none.
    """
    from fastw2v.config.foreign_names import spelt_alike
    from fastw2v.errors import ConfigurationError

    guides = _guides()
    wanted = topic.removeprefix("docs/").removesuffix(".md").replace("-", "_").lower()
    found = [name for name in guides if name.lower() == wanted]
    found = found or [name for name in guides if name.lower().rpartition("/")[2] == wanted]
    if len(found) == 1:
        return guides[found[0]].read_text(encoding="utf-8")
    close = spelt_alike(wanted, guides)
    hint = f"did you mean {close[0]}? " if close else ""
    raise ConfigurationError(
        f"{topic!r:.100}: expected the topic of a guide, got another; {hint}'fastw2v docs' lists "
        "them"
    )
