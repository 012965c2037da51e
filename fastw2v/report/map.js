// The map: points for the words that the filter leaves, names, what is lit and what is selected.

const ZOOM_STEP = 1.4;
const PAN_STEP = 0.15;
const MOST_GROWTH = 4;
const DIMMED = 0.22;

class WordMap {
  static async of(item, element, data, choose, select) {
    await Bokeh.embed.embed_item(item, element);
    leaveTabOrder(element);
    return new WordMap(Bokeh.documents.at(-1), element, data, choose, select);
  }

  constructor(document, element, data, choose, select) {
    this.model = (name) => document.get_model_by_name(name);
    this.plane = this.model("plane");
    this.element = element;
    this.data = data;
    const places = new Float32Array(bytesOf(data.places));
    const size = data.words.length;
    this.x = Float64Array.from({ length: size }, (_, id) => places[2 * id]);
    this.y = Float64Array.from({ length: size }, (_, id) => places[2 * id + 1]);
    [this.first, this.last] = [0, size];
    this.lit = {};
    this.highlighted = new Set();
    this.selected = null; // a byte a word, or none
    this.growth = 1;
    this.#weigh();
    this.colours = new Array(size).fill(colour("points"));
    this.groups = null; // what the hint says of each word
    this.nameColour = null; // of a cluster's name
    this.paint();
    this.showAll();
    this.#draw();
    this.#listen(choose, select);
  }

  /** Frequent words are larger; many words are fainter. */
  #weigh() {
    const { words } = this.data;
    const counts = this.data.counts ?? words.map(() => 1); // all alike, where nothing is known
    const most = Math.log(counts[0] + 1) || 1;
    const faint = Math.max(0.3, Math.min(0.75, 80 / Math.sqrt(words.length)));
    this.counts = counts;
    this.weights = Float64Array.from(counts, (count) => Math.log(count + 1) / most);
    this.sizes = this.weights.map((w) => 2.6 + 5 * w ** 2);
    this.alphas = this.weights.map((w) => faint + (0.9 - faint) * w ** 2);
  }

  isBright(id) {
    return !this.selected || this.selected[id] === 1;
  }

  /** Give bokeh the words that the filter leaves. */
  #draw() {
    const { first, last, growth } = this;
    const is_lit = this.highlighted.size > 0;
    const alpha = this.alphas.slice(first, last);
    for (let place = 0; place < alpha.length; place++) {
      if (this.selected && this.isBright(first + place)) alpha[place] = 0.95;
      else if (this.selected || is_lit) alpha[place] *= DIMMED;
    }
    this.model("points").data_source.data = {
      x: this.x.subarray(first, last),
      y: this.y.subarray(first, last),
      size: this.sizes.subarray(first, last).map((size) => size * growth),
      alpha,
      colour: this.colours.slice(first, last),
      word: this.data.words.slice(first, last),
      count: this.counts.slice(first, last),
      about: this.groups ? this.groups.slice(first, last) : new Array(last - first).fill(""),
    };
    this.#tellSelected();
    for (const [name, ids] of Object.entries(this.lit)) this.#putDots(name, ids);
    this.nameSoon();
  }

  /** Tell bokeh what is selected, as places among the words it has: with Shift it adds to them. */
  #tellSelected() {
    const indices = [];
    for (let id = this.first; this.selected && id < this.last; id++) {
      if (this.isBright(id)) indices.push(id - this.first);
    }
    this.model("points").data_source.selected.indices = indices;
  }

  paint() {
    paintAxes(this.plane);
    for (const [name, kind] of [["chosen", "chosen"], ["near", "near"], ["contexts", "context"]]) {
      this.model(name).glyph.fill_color = colour(kind);
    }
    for (const name of ["labels", "cluster", "near", "contexts", "chosen"]) {
      const { glyph } = this.model(name === "labels" ? name : `${name}_labels`);
      glyph.background_fill_color = colour("raised");
    }
  }

  /** Colour points: a colour and a text for each word, and what a cluster's name is written in. */
  colour(colours, groups, nameColour) {
    [this.colours, this.groups, this.nameColour] = [colours, groups, nameColour];
    this.paint();
    this.#draw();
  }

  /** Leave words of these numbers only, the last one excluded. */
  filter(first, last) {
    [this.first, this.last] = [first, last];
    this.#draw();
  }

  /** Let some words stand out, or all if there are none. */
  select(ids) {
    this.selected = ids.length ? new Uint8Array(this.x.length) : null;
    for (const id of ids) this.selected[id] = 1;
    this.#draw();
  }

  /** What dragging does: "move", "lasso" or "box". */
  drag(mode) {
    this.plane.toolbar.active_drag = this.plane.toolbar.tools.find((tool) => tool.name === mode);
  }

  clusterNames() {
    const { clusters } = this.data;
    if (!clusters) return [];
    return clusters.names.map((text, id) => ({ id, text, place: clusters.places[id] }));
  }

  get room() {
    const box = this.element.getBoundingClientRect();
    return { width: box.width || 600, height: box.height || 400 };
  }

  /** Set what is seen: a centre and how many units a pixel is, the same on both axes. */
  #look(x, y, scale) {
    const { width, height } = this.room;
    this.view = { x, y, scale };
    this.plane.x_range.setv({ start: x - (scale * width) / 2, end: x + (scale * width) / 2 });
    this.plane.y_range.setv({ start: y - (scale * height) / 2, end: y + (scale * height) / 2 });
    this.nameSoon();
  }

  /** Wheel and mouse move the ranges without asking: read them back. */
  readView() {
    const { x_range: across, y_range: up } = this.plane;
    const { width, height } = this.room;
    const scale = (across.end - across.start) / width;
    const [x, y] = [(across.start + across.end) / 2, (up.start + up.end) / 2];
    this.view = { x, y, scale };
    const nearness = (this.whole ?? scale) / scale;
    const growth = Math.min(MOST_GROWTH, Math.max(1, nearness) ** 0.4);
    const toScreen = (atX, atY) => [
      (atX - x) / scale + width / 2,
      height / 2 - (atY - y) / scale,
    ];
    return { width, height, scale, nearness, growth, toScreen };
  }

  #show(ids, margin) {
    const pick = (values) => ids.map((id) => values[id]).sort((a, b) => a - b);
    const [across, up] = [pick(this.x), pick(this.y)];
    const { width, height } = this.room;
    const extent = (values) => values.at(-1) - values[0];
    const scale = Math.max(extent(across) / width, extent(up) / height) * margin;
    const middle = (values) => (values.at(-1) + values[0]) / 2;
    this.#look(middle(across), middle(up), scale || this.view?.scale || 1 / width);
  }

  showAll() {
    this.#show([...this.x.keys()], 1.08);
    this.whole = this.view.scale;
  }

  zoom(factor) {
    this.readView();
    this.#look(this.view.x, this.view.y, this.view.scale / factor);
  }

  #pan(across, up) {
    const { width, height, scale } = this.readView();
    const { x, y } = this.view;
    this.#look(x + across * PAN_STEP * width * scale, y + up * PAN_STEP * height * scale, scale);
  }

  /** Return the words that the filter leaves and that are in sight. */
  inSight() {
    const { width, height, toScreen } = this.readView();
    const seen = [];
    for (let id = this.first; id < this.last; id++) {
      const [left, top] = toScreen(this.x[id], this.y[id]);
      if (left >= 0 && left <= width && top >= 0 && top <= height) seen.push(id);
    }
    return seen;
  }

  #listen(choose, select) {
    const { selected } = this.model("points").data_source;
    this.plane.on_event("selectiongeometry", ({ geometry, final }) => {
      const ids = [...selected.indices].map((place) => this.first + place);
      if (geometry.type === "point") {
        this.#tellSelected(); // which a click is no part of
        if (ids.length) choose(ids[0]);
      } else if (final) select(ids.sort((a, b) => a - b));
    });
    for (const range of [this.plane.x_range, this.plane.y_range]) {
      range.change.connect(() => this.nameSoon());
    }
    new ResizeObserver(() => {
      if (this.view) this.#look(this.view.x, this.view.y, this.view.scale);
    }).observe(this.element);
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    this.element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in moves) this.#pan(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoom(ZOOM_STEP);
      else if (event.key === "-") this.zoom(1 / ZOOM_STEP);
      else if (event.key === "0") this.showAll();
      else return;
      event.preventDefault();
    });
    this.element.addEventListener("pointerdown", () => this.element.focus({ preventScroll: true }));
    // Where the map fills a narrow window the wheel scrolls the page, until the map has the focus.
    this.element.addEventListener(
      "wheel",
      (event) => {
        const is_narrow = matchMedia("(max-width: 64rem)").matches;
        if (is_narrow && document.activeElement !== this.element) event.stopPropagation();
      },
      { capture: true },
    );
  }

  /** Name words once the map has come to rest. */
  nameSoon() {
    clearTimeout(this.naming);
    this.naming = setTimeout(() => this.#settle(), 120);
  }

  /** Let points grow with the zoom, and names take their room. */
  #settle() {
    const view = this.readView();
    if (Math.abs(Math.log(view.growth / this.growth)) > 0.05) {
      this.growth = view.growth;
      this.#draw();
    }
    this.named = namesOf(view, this);
    const ink = { near_labels: "near", contexts_labels: "context", chosen_labels: "chosen" };
    for (const [name, texts] of Object.entries(this.named)) {
      const inkOf = ({ id }) =>
        (name === "cluster_labels" && this.nameColour?.(id)) ||
        colour(ink[name] ?? (name === "cluster_labels" ? "ink" : "quiet"));
      this.model(name).data_source.data = {
        x: texts.map(({ x }) => x),
        y: texts.map(({ y }) => y),
        text: texts.map(({ text }) => text),
        size: texts.map(({ pixels }) => `${pixels}px`),
        colour: texts.map((text) => (text.colour = inkOf(text))),
      };
    }
  }

  #putDots(name, ids) {
    const pick = (values) => ids.map((id) => values[id]);
    const size = ids.map((id) => (this.sizes[id] + 4) * this.growth);
    this.model(name).data_source.data = { x: pick(this.x), y: pick(this.y), size };
  }

  /** Light a word, words near it, and contexts; what is both counts as near. Nothing: all is lit. */
  light(chosen, near, contexts) {
    const only = contexts.filter((id) => !near.includes(id) && !chosen.includes(id));
    this.lit = { chosen, near, contexts: only };
    this.highlighted = new Set([...chosen, ...near, ...only]);
    this.#draw();
    if (this.highlighted.size) this.#keepInSight([...chosen, ...near]);
  }

  /** Look elsewhere only if most of the lit words would not be seen. */
  #keepInSight(ids) {
    const { width, height, scale } = this.readView();
    const { x, y } = this.view;
    const seen = ids.filter(
      (id) =>
        Math.abs(this.x[id] - x) < (scale * width) / 2.1 &&
        Math.abs(this.y[id] - y) < (scale * height) / 2.1,
    );
    if (ids.length && (seen[0] !== ids[0] || seen.length < ids.length / 2)) this.#show(ids, 1.5);
  }
}
