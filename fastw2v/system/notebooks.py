"""What objects show in a notebook: a small table, and a line of numbers as a picture."""

import math
from collections.abc import Sequence
from html import escape

__all__ = ["html_table", "line_picture"]

_WIDTH, _HEIGHT, _EDGE = 300, 110, 14
_COLOURS = ("#1f77b4", "#d95f02")


def html_table(title: str, rows: Sequence[tuple[str, str]], more: str = "") -> str:
    """Return a heading and rows of a name with a text, as HTML; both are text, not markup.

    `more` is HTML, and stands below.
    """
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in rows
    )
    return f"<div><b>{escape(title)}</b><table>{cells}</table>{more}</div>"


def line_picture(
    curves: Sequence[Sequence[float | None]], levels: Sequence[tuple[str, float]], what: str
) -> str:
    """Return curves between named levels as a small picture, SVG within HTML.

    Parameters
    ----------
    curves : sequence of sequences of float
        Each from left to right; numbers that are missing or not finite are left out.
    levels : sequence of (str, float)
        Dashed lines.
    what : str
        For those who cannot see it.
    """
    points = [
        [(place, value) for place, value in enumerate(curve) if value is not None]
        for curve in curves
    ]
    points = [[point for point in curve if math.isfinite(point[1])] for curve in points]
    levels = [level for level in levels if math.isfinite(level[1])]
    values = [value for curve in points for _, value in curve] + [value for _, value in levels]
    if not any(points):
        return ""
    low, high = min(values), max(values)
    most = max(max(len(curve) for curve in curves) - 1, 1)

    def at(place: float, value: float) -> tuple[float, float]:
        share = (high - value) / (high - low) if high > low else 0.5
        return (
            round(_EDGE + (_WIDTH - 2 * _EDGE) * place / most, 1),
            round(_EDGE + (_HEIGHT - 2 * _EDGE) * share, 1),
        )

    parts = []
    for name, value in levels:
        y = at(0, value)[1]
        title = f"<title>{escape(name)}: {value:.4f}</title>"
        parts.append(
            f'<line x1="{_EDGE}" x2="{_WIDTH - _EDGE}" y1="{y}" y2="{y}" stroke="currentColor" '
            f'stroke-dasharray="3 3" opacity="0.5">{title}</line>'
            f'<text x="{_WIDTH - _EDGE}" y="{y - 3:.1f}" text-anchor="end" font-size="9" '
            f'fill="currentColor">{escape(name)} {value:.4g}</text>'
        )
    for curve, colour in zip(points, _COLOURS, strict=False):
        places = [at(place, value) for place, value in curve]
        line = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x}" cy="{y}" r="2" fill="{colour}"><title>{value:.4f}</title></circle>'
            for (x, y), (_, value) in zip(places, curve, strict=True)
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{escape(what)}">{"".join(parts)}</svg>'
    )
