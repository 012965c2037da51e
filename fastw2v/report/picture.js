// The view of the map as a picture: SVG with words as text, and PNG, which is that SVG drawn.

const PNG_SCALE = 2;

/** Return a text as XML: no word can end its element, nor break the file. */
function asXml(text) {
  const marks = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"]/g, (mark) => marks[mark]);
}

/** Return the points, lit words and names that are in sight as SVG. */
function svgOf(map) {
  const { width, height, toScreen, growth } = map.readView();
  const digits = (x) => x.toFixed(1);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" font-family="sans-serif">`,
    `<rect width="100%" height="100%" fill="${colour("raised")}"/>`,
  ];
  const dot = (id, size, fill, opacity) => {
    const [left, top] = toScreen(map.x[id], map.y[id]);
    if (left < -9 || top < -9 || left > width + 9 || top > height + 9) return;
    parts.push(
      `<circle cx="${digits(left)}" cy="${digits(top)}" r="${digits(size / 2)}" ` +
        `fill="${fill}" fill-opacity="${opacity.toFixed(2)}"/>`,
    );
  };
  const { alpha } = map.model("points").data_source.data;
  for (let id = map.first; id < map.last; id++) {
    dot(id, map.sizes[id] * growth, map.colours[id], alpha[id - map.first]);
  }
  for (const [name, kind] of [["contexts", "context"], ["near", "near"], ["chosen", "chosen"]]) {
    for (const id of map.lit[name] ?? []) dot(id, (map.sizes[id] + 4) * growth, colour(kind), 1);
  }
  for (const [layer, names] of Object.entries(map.named ?? {})) {
    const is_cluster = layer === "cluster_labels";
    for (const { x, y, text, pixels, colour: ink } of names) {
      const [left, top] = toScreen(x, y);
      parts.push(
        `<text x="${digits(left + (is_cluster ? 0 : 6))}" y="${digits(top)}" ` +
          `dominant-baseline="central" font-size="${pixels}" fill="${ink}" ` +
          `stroke="${colour("raised")}" stroke-width="3" stroke-linejoin="round" ` +
          `paint-order="stroke"` +
          `${is_cluster ? ' text-anchor="middle" font-weight="bold"' : ""}>${asXml(text)}</text>`,
      );
    }
  }
  parts.push("</svg>");
  return parts.join("\n");
}

function saveSvg(map) {
  download("map.svg", new Blob([svgOf(map)], { type: "image/svg+xml" }));
}

/** Draw the SVG at twice its size. */
async function savePng(map) {
  const address = URL.createObjectURL(new Blob([svgOf(map)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = PNG_SCALE * image.width;
    canvas.height = PNG_SCALE * image.height;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    download("map.png", blob);
  } finally {
    URL.revokeObjectURL(address);
  }
}
