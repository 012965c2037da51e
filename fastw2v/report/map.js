// The map: points for all words, names for as many as have room, and what is lit.

const PIXELS_A_NAME = 9000; // of the map's area, for each frequent word that is named
const ZOOM_STEP = 1.4;
const PAN_STEP = 0.15;

class WordMap {
  static async of(item, element, data, choose) {
    await Bokeh.embed.embed_item(item, element);
    leaveTabOrder(element);
    return new WordMap(Bokeh.documents.at(-1), element, data, choose);
  }

  constructor(document, element, data, choose) {
    this.model = (name) => document.get_model_by_name(name);
    this.plane = this.model("plane");
    this.data = data;
    const places = new Float32Array(bytesOf(data.places));
    const size = data.words.length;
    this.x = Float64Array.from({ length: size }, (_, id) => places[2 * id]);
    this.y = Float64Array.from({ length: size }, (_, id) => places[2 * id + 1]);
    this.lit = {};
    this.highlighted = new Set();
    this.#fill();
    this.paint();
    this.showAll();
    this.#listen(element, choose);
    onSchemeChange(() => this.paint());
  }

  /** Frequent words are larger; many words are fainter. */
  #fill() {
    const { words } = this.data;
    const counts = this.data.counts ?? words.map(() => 1); // all alike, where nothing is known
    const most = Math.log(counts[0] + 1) || 1;
    const faint = Math.max(0.25, Math.min(0.7, 60 / Math.sqrt(words.length)));
    const weight = counts.map((count) => Math.log(count + 1) / most);
    this.sizes = weight.map((w) => 2.5 + 5 * w ** 2);
    this.alphas = weight.map((w) => faint + (0.9 - faint) * w ** 2);
    this.model("points").data_source.data = {
      x: this.x,
      y: this.y,
      size: this.sizes,
      alpha: this.alphas,
      word: words,
      count: counts,
    };
  }

  paint() {
    paintAxes(this.plane);
    const dots = { points: "points", chosen: "chosen", near: "near", contexts: "context" };
    for (const [name, kind] of Object.entries(dots)) {
      this.model(name).glyph.fill_color = colour(kind);
    }
    const names = { labels: "quiet", near: "near", contexts: "context", chosen: "chosen" };
    for (const [name, kind] of Object.entries(names)) {
      const { glyph } = this.model(name === "labels" ? name : `${name}_labels`);
      glyph.text_color = colour(kind);
      glyph.background_fill_color = colour("raised");
    }
  }

  get #room() {
    const box = this.plane_element.getBoundingClientRect();
    return { width: box.width || 600, height: box.height || 400 };
  }

  get plane_element() {
    return document.getElementById("plane");
  }

  /** Set what is seen: a centre and how many units a pixel is, the same on both axes. */
  #look(x, y, scale) {
    const { width, height } = this.#room;
    this.view = { x, y, scale };
    this.plane.x_range.setv({ start: x - (scale * width) / 2, end: x + (scale * width) / 2 });
    this.plane.y_range.setv({ start: y - (scale * height) / 2, end: y + (scale * height) / 2 });
    this.nameSoon();
  }

  /** Wheel and mouse move the ranges without asking: read them back. */
  #readView() {
    const { x_range: across, y_range: up } = this.plane;
    const scale = (across.end - across.start) / this.#room.width;
    this.view = { x: (across.start + across.end) / 2, y: (up.start + up.end) / 2, scale };
  }

  #show(ids, margin) {
    const pick = (values) => ids.map((id) => values[id]).sort((a, b) => a - b);
    const [across, up] = [pick(this.x), pick(this.y)];
    const { width, height } = this.#room;
    const extent = (values) => values.at(-1) - values[0];
    const scale = Math.max(extent(across) / width, extent(up) / height) * margin;
    const middle = (values) => (values.at(-1) + values[0]) / 2;
    this.#look(middle(across), middle(up), scale || this.view?.scale || 1 / width);
  }

  showAll() {
    this.#show([...this.x.keys()], 1.08);
  }

  zoom(factor) {
    this.#readView();
    this.#look(this.view.x, this.view.y, this.view.scale / factor);
  }

  #pan(across, up) {
    this.#readView();
    const { width, height } = this.#room;
    const { x, y, scale } = this.view;
    this.#look(x + across * PAN_STEP * width * scale, y + up * PAN_STEP * height * scale, scale);
  }

  #listen(element, choose) {
    const { selected } = this.model("points").data_source;
    selected.properties.indices.change.connect(() => {
      if (selected.indices.length) choose(selected.indices[0]);
    });
    for (const range of [this.plane.x_range, this.plane.y_range]) {
      range.change.connect(() => this.nameSoon());
    }
    new ResizeObserver(() => {
      if (this.view) this.#look(this.view.x, this.view.y, this.view.scale);
    }).observe(element);
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in moves) this.#pan(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoom(ZOOM_STEP);
      else if (event.key === "-") this.zoom(1 / ZOOM_STEP);
      else if (event.key === "0") this.showAll();
      else return;
      event.preventDefault();
    });
  }

  /** Name words once the map has come to rest. */
  nameSoon() {
    clearTimeout(this.naming);
    this.naming = setTimeout(() => this.#name(), 120);
  }

  /** Name what is lit, then the most frequent words that are seen, as far as there is room. */
  #name() {
    this.#readView();
    const { width, height } = this.#room;
    const { x, y, scale } = this.view;
    // Where the buttons and the legend stand.
    const taken = [[0, 0, 170, 56], [0, height - 40, 210, height]];
    const take = (id, air) => {
      const left = (this.x[id] - x) / scale + width / 2;
      const middle = height / 2 - (this.y[id] - y) / scale;
      if (left < 0 || middle < 10 || middle > height - 10) return false;
      const box = [left - 4, middle - 9, left + 12 + 7.5 * this.data.words[id].length, middle + 9];
      if (box[2] > width) return false;
      const meets = ([l, t, r, b]) =>
        l - air < box[2] && box[0] < r + air && t - air < box[3] && box[1] < b + air;
      if (taken.some(meets)) return false;
      return taken.push(box);
    };
    for (const [name, ids] of Object.entries(this.lit)) {
      this.#put(`${name}_labels`, ids.filter((id) => take(id, 0)));
    }
    const named = [];
    const most = (width * height) / PIXELS_A_NAME;
    for (let id = 0; id < this.x.length && named.length < most; id++) {
      if (!this.highlighted.has(id) && take(id, 8)) named.push(id);
    }
    this.#put("labels", named);
  }

  #put(name, ids) {
    const pick = (values) => ids.map((id) => values[id]);
    const columns = { x: pick(this.x), y: pick(this.y) };
    if (name.endsWith("labels")) columns.text = pick(this.data.words);
    else columns.size = ids.map((id) => this.sizes[id] + 4);
    this.model(name).data_source.data = columns;
  }

  /** Light a word, words near it, and contexts; what is both counts as near. */
  light(chosen, near, contexts) {
    const only = contexts.filter((id) => !near.includes(id) && !chosen.includes(id));
    this.lit = { chosen, near, contexts: only };
    this.highlighted = new Set([...chosen, ...near, ...only]);
    for (const [name, ids] of Object.entries(this.lit)) this.#put(name, ids);
    this.model("points").glyph.fill_alpha = { value: chosen.length + near.length ? 0.18 : 0.6 };
    this.#keepInSight([...chosen, ...near]);
    this.nameSoon();
  }

  /** Look elsewhere only if most of the lit words would not be seen. */
  #keepInSight(ids) {
    this.#readView();
    const { width, height } = this.#room;
    const { x, y, scale } = this.view;
    const seen = ids.filter(
      (id) =>
        Math.abs(this.x[id] - x) < (scale * width) / 2.1 &&
        Math.abs(this.y[id] - y) < (scale * height) / 2.1,
    );
    if (seen[0] !== ids[0] || seen.length < ids.length / 2) this.#show(ids, 1.5);
  }
}
