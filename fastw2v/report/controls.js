// What stands around the map: buttons, the filter by frequency, and the page's address.

const SLIDER_STEPS = 1000;

/** Buttons that zoom, choose what dragging does, select what is seen, and save pictures. */
function wireButtons(map, selection) {
  $("zoom-in").addEventListener("click", () => map.zoom(ZOOM_STEP));
  $("zoom-out").addEventListener("click", () => map.zoom(1 / ZOOM_STEP));
  $("zoom-all").addEventListener("click", () => map.showAll());
  const modes = ["move", "lasso", "box"].map((mode) => $(`drag-${mode}`));
  for (const button of modes) {
    button.addEventListener("click", () => {
      map.drag(button.value);
      for (const other of modes) other.setAttribute("aria-pressed", String(other === button));
    });
  }
  $("select-seen").addEventListener("click", () => selection.set(map.inSight(), "in sight"));
  $("save-svg").addEventListener("click", () => saveSvg(map));
  $("save-png").addEventListener("click", () => savePng(map));
}

/** Two sliders leave words from one rank to another; the words are in order of frequency. */
function wireFilter(map, { words, counts }) {
  const [from, to, shown] = ["rank-from", "rank-to", "rank-shown"].map($);
  const rank = (slider) => Math.round(words.length ** (slider.value / SLIDER_STEPS));
  const number = (x) => x.toLocaleString("en");
  function tell(first, last) {
    const what = last - first === words.length ? "all" : `words ${number(first + 1)} to`;
    const often = counts ? `: ${number(counts[last - 1])} to ${number(counts[first])} times` : "";
    shown.textContent = `${what} ${number(last)}${often}`;
  }
  function filter() {
    const first = Math.min(rank(from), rank(to)) - 1;
    const last = Math.max(rank(from), rank(to));
    tell(first, last);
    map.filter(first, last);
  }
  for (const slider of [from, to]) slider.addEventListener("input", filter);
  tell(0, words.length);
}

/** Return the part of an address that names a word, or an analogy of three. */
function addressOf(words) {
  const parts = words.map(encodeURIComponent).join("/"); // which writes a slash of a word as %2F
  return words.length > 1 ? `#/${parts}` : `#${parts}`;
}

/** Return the words that the page's address names: one, three of an analogy, or none. */
function addressed() {
  const told = location.hash.slice(1);
  try {
    if (told.startsWith("/")) return told.slice(1).split("/").map(decodeURIComponent);
    return told ? [decodeURIComponent(told)] : [];
  } catch {
    return []; // somebody's own address
  }
}

/** Let the browser's Back return to what is shown now. */
function remember(words) {
  const address = addressOf(words);
  if (location.hash !== address) history.pushState(null, "", address);
}
