// The loss curve in the page's colours.

async function showLoss(item, element) {
  await Bokeh.embed.embed_item(item, element);
  leaveTabOrder(element);
  const document = Bokeh.documents.find((made) => made.get_model_by_name("loss"));
  const plot = document.get_model_by_name("loss");
  const paint = () => {
    paintAxes(plot);
    for (const part of plot.center) {
      if (part.type === "Span") part.line_color = colour("quiet");
      if (part.type === "Label") part.text_color = colour("quiet");
    }
    for (const [name, kind] of [["training", "near"], ["held_out", "context"]]) {
      const line = document.get_model_by_name(`${name}_line`);
      const dots = document.get_model_by_name(`${name}_dots`);
      if (line) line.glyph.line_color = colour(kind);
      if (dots) dots.glyph.fill_color = colour(kind);
    }
  };
  paint();
  onSchemeChange(paint);
}
