"""The picture of the frontier: quality up, seconds right, a line for every trainer; SVG.

Ink and ground follow the reader's light or dark scheme; the ground is not transparent, so that a
page of another scheme than the reader's system shows it all the same.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quality.frontier import Point, envelope
from quality.plan import FAMILIES

from fastw2v.system.dependencies import optional_module
from fastw2v.system.files import require_writable, whole_file

__all__ = ["STYLES", "draw", "require_drawable"]

# Colour and marker. Ours are solid lines, rivals' dashed, so that none is told by colour alone.
STYLES = {
    "exact": ("#0b7fab", "o"),
    "subwords": ("#b8860b", "D"),
    "replicas": ("#a8791a", "P"),
    "negative": ("#2f9e57", "s"),
    "cbow": ("#8a6fd1", "^"),
    "hierarchical": ("#7d8590", "v"),
    "gensim": ("#d1495b", "o"),
    "word2vec.c": ("#c2571a", "s"),
    "fastText": ("#b5489b", "D"),
}
_INK, _GROUND = "#1f2328", "#ffffff"
_DARK_INK, _DARK_GROUND = "#e6edf3", "#0d1117"
# What knows no media queries shows the light picture.
_SCHEMES = f"""<style>
@media (prefers-color-scheme: dark) {{
 [style*="fill: {_INK}"] {{ fill: {_DARK_INK} !important; }}
 [style*="stroke: {_INK}"] {{ stroke: {_DARK_INK} !important; }}
 [style*="fill: {_GROUND}"] {{ fill: {_DARK_GROUND} !important; }}
}}
</style>"""


def require_drawable(target: Path) -> None:
    """Raise now what `draw` would raise after hours of work."""
    _matplotlib()
    require_writable(target)


def _matplotlib() -> Any:
    return optional_module("matplotlib", "pictures", "plot")


def draw(found: Sequence[Point], target: Path, title: str) -> None:
    """Write the picture, the same bytes for the same points.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    OutputError
        If it cannot be written.
    """
    matplotlib = _matplotlib()
    style = {
        "svg.hashsalt": "fastw2v",
        "svg.fonttype": "none",  # text stays text: small, and found by a search
        "font.family": ["DejaVu Sans", "sans-serif"],
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "savefig.facecolor": _GROUND,
        "axes.facecolor": "none",
        **dict.fromkeys(
            ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK
        ),
    }
    with matplotlib.rc_context(style):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5.4), layout="constrained")
        _draw_lines(figure.subplots(), found, title)
        with whole_file(target) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
            head, rest = temporary.read_text(encoding="utf-8").split("<defs>", 1)
            temporary.write_text(f"{head}{_SCHEMES}\n <defs>{rest}", encoding="utf-8")


def _draw_lines(axes: Any, found: Sequence[Point], title: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for name, family in FAMILIES.items():
        of_family = [point for point in found if point.family == name]
        if not of_family:
            continue
        colour, marker = STYLES[name]
        line = envelope(of_family)
        rest = [point for point in of_family if point not in line]
        axes.plot(
            [point.seconds for point in line],
            [point.quality for point in line],
            color=colour,
            marker=marker,
            markersize=5,
            linewidth=2 if family.is_ours else 1.6,
            linestyle="-" if family.is_ours else (0, (4, 2)),
            drawstyle="steps-post",
            label=family.title,
        )
        axes.errorbar(
            [point.seconds for point in line],
            [point.quality for point in line],
            [point.spread or 0 for point in line],
            fmt="none",
            ecolor=colour,
            elinewidth=1,
        )
        axes.plot(
            [point.seconds for point in rest],
            [point.quality for point in rest],
            color=colour,
            marker=marker,
            markersize=3.5,
            linestyle="none",
            alpha=0.5,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(_seconds))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(color=_INK, alpha=0.15, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("wall time of the whole process (s)")
    axes.set_ylabel("mean over the test sets")
    axes.set_title(title.replace("$", r"\$"), fontsize=11)
    axes.figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)


def _seconds(value: float, place: int) -> str:
    return f"{value:g}" if math.isfinite(value) else ""
