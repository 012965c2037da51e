"""The page's two figures as bokeh makes them; the page's script fills and colours them."""

from collections.abc import Sequence
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bokeh.plotting import figure

    from fastw2v.report.history import EpochRow
    from fastw2v.training.result import TrainingSummary

__all__ = ["loss_figure", "map_figure"]

_FONT = "system-ui, sans-serif"
_BARE_TOOLTIP = '<div class="tip"><b>@word</b><br>@about</div>'
_TOOLTIP = '<div class="tip"><b>@word</b> @count{0,0}<br>@about</div>'
_LIT = ("contexts", "near", "chosen")


def map_figure(*, has_counts: bool = True) -> dict[str, Any]:
    """Return the map without its points: the page has the words once, and fills them in.

    `has_counts` says whether a word is shown with how often it was seen.
    """
    from bokeh.models import (
        BoxSelectTool,
        ColumnDataSource,
        HoverTool,
        LassoSelectTool,
        PanTool,
        TapTool,
        WheelZoomTool,
    )
    from bokeh.plotting import figure

    plane = figure(
        name="plane",
        x_range=(-1, 1),
        y_range=(-1, 1),
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools=[],
        lod_threshold=20_000,
    )
    plane.axis.visible = False
    plane.grid.visible = False
    _quiet(plane)
    columns = ("x", "y", "size", "alpha", "colour", "word", "count", "about")
    points = plane.scatter(
        "x",
        "y",
        size="size",
        line_color=None,
        fill_alpha="alpha",
        fill_color="colour",
        source=ColumnDataSource({column: [] for column in columns}),
        name="points",
    )
    points.nonselection_glyph = None
    points.selection_glyph = None
    for name in _LIT:
        source = ColumnDataSource({"x": [], "y": [], "size": []})
        plane.scatter("x", "y", size="size", line_color=None, source=source, name=name)
    _add_names(plane)
    wheel, pan = WheelZoomTool(zoom_on_axis=False), PanTool()
    tooltips = _TOOLTIP if has_counts else _BARE_TOOLTIP
    plane.add_tools(
        pan,
        LassoSelectTool(renderers=[points], name="lasso"),
        BoxSelectTool(renderers=[points], name="box"),
        wheel,
        HoverTool(renderers=[points], tooltips=tooltips, point_policy="snap_to_data"),
        TapTool(renderers=[points], behavior="select", mode="replace"),
    )
    pan.name = "move"
    plane.toolbar.active_scroll = wheel
    plane.toolbar.active_drag = pan
    return _as_item(plane)


def _add_names(plane: "figure") -> None:
    """Add what names words and clusters on the map; what is lit stands above the rest."""
    from bokeh.core.properties import field, value
    from bokeh.models import ColumnDataSource

    for name in ("labels", "cluster_labels", "near_labels", "contexts_labels", "chosen_labels"):
        is_cluster = name == "cluster_labels"
        columns = ("x", "y", "text", "size", "colour")
        plane.text(
            "x",
            "y",
            text="text",
            text_font=value(_FONT),
            text_font_size=field("size"),
            text_font_style="bold" if is_cluster else "normal",
            text_color="colour",
            text_align="center" if is_cluster else "left",
            text_baseline="middle",
            x_offset=0 if is_cluster else 6,
            text_outline_color=None,
            background_fill_alpha=0.75,
            border_radius=3,
            source=ColumnDataSource({column: [] for column in columns}),
            name=name,
        )


def loss_figure(rows: "Sequence[EpochRow]", summary: "TrainingSummary | None") -> dict[str, Any]:
    """Return loss against epochs, with the entropies that it lies between where they are known."""
    from bokeh.models import Label, Span
    from bokeh.plotting import figure

    epochs = [row.number for row in rows]
    plot = figure(
        name="loss",
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="hover",
        tooltips=[("epoch", "@x"), ("loss", "@y{0.0000} nats")],
        x_axis_label="epoch",
        y_axis_label="loss, nats a pair",
    )
    _quiet(plot)
    plot.xaxis.ticker.desired_num_ticks = min(10, len(epochs))
    plot.xaxis.ticker.min_interval = 1
    plot.xaxis.minor_tick_line_color = None
    plot.yaxis.minor_tick_line_color = None
    plot.xgrid.visible = False
    curves = {"training": [row.loss_nats for row in rows]}
    held_out = [row.held_out_nats for row in rows]
    if any(value is not None for value in held_out):
        curves["held_out"] = [float("nan") if v is None else v for v in held_out]
    for name, losses in curves.items():
        data = {"x": epochs, "y": losses}
        plot.line("x", "y", line_width=2, source=data, name=f"{name}_line")
        plot.scatter("x", "y", size=7, line_color=None, source=data, name=f"{name}_dots")
    bounds = {}
    if summary is not None and summary.unigram_entropy_nats is not None:
        bounds["unigram entropy: no vectors needed"] = summary.unigram_entropy_nats
    if summary is not None and summary.conditional_entropy_nats is not None:
        bounds["conditional entropy of the counts: the floor"] = summary.conditional_entropy_nats
    for text, nats in bounds.items():
        plot.add_layout(Span(location=nats, dimension="width", line_width=1.5, line_dash="dashed"))
        plot.add_layout(
            Label(x=8, x_units="screen", y=nats, y_offset=4, text=text, text_font=_FONT,
                  text_font_size="12px")
        )  # fmt: skip
    known = [value for value in (*bounds.values(), *chain(*curves.values())) if isfinite(value)]
    room = 0.1 * (max(known) - min(known)) or 0.1
    plot.y_range.start = min(known) - room
    plot.y_range.end = max(known) + 1.5 * room
    plot.x_range.start = epochs[0] - 0.3
    plot.x_range.end = epochs[-1] + 0.3
    return _as_item(plot)


def _quiet(plot: "figure") -> None:
    plot.outline_line_color = None
    plot.background_fill_color = None  # the page shows through, light or dark
    plot.border_fill_color = None
    plot.min_border = 0
    for axis in plot.axis:
        axis.axis_label_text_font = _FONT
        axis.axis_label_text_font_style = "normal"
        axis.major_label_text_font = _FONT
        axis.major_label_text_font_size = "12px"
        axis.axis_label_text_font_size = "12px"


def _as_item(plot: "figure") -> dict[str, Any]:
    from bokeh.embed import json_item

    return dict(json_item(plot))
