// What both figures share: colours, which live in the style sheet, and their place in the tab order.

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Call `paint` when the browser turns dark or light. */
function onSchemeChange(paint) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

function paintAxes(plot) {
  for (const axis of [...plot.below, ...plot.left]) {
    for (const part of ["axis_line", "major_tick_line", "minor_tick_line"]) {
      if (axis[`${part}_color`] !== null) axis[`${part}_color`] = colour("line");
    }
    axis.axis_label_text_color = colour("quiet");
    axis.major_label_text_color = colour("quiet");
  }
  for (const part of plot.center) {
    if ("grid_line_color" in part) part.grid_line_color = colour("line");
  }
}

/** Take bokeh's own focusable layers, which have no name, out of the tab order. */
function leaveTabOrder(element) {
  for (const child of element.querySelectorAll("*")) {
    if (child.tabIndex >= 0) child.tabIndex = -1;
    if (child.shadowRoot) leaveTabOrder(child.shadowRoot);
  }
}
