// What points are coloured by: cluster, frequency, or a column that the user gave; and its legend.

const N_GROUP_COLOURS = 12;
const SCALE_STEPS = 32;
const MOST_KEYS = 60;

/** Return `SCALE_STEPS` colours from --scale-0 to --scale-4. */
function scaleColours() {
  const stops = [0, 1, 2, 3, 4].map((k) => colour(`scale-${k}`));
  const channels = stops.map((stop) => [1, 3, 5].map((at) => parseInt(stop.slice(at, at + 2), 16)));
  return Array.from({ length: SCALE_STEPS }, (_, step) => {
    const at = (4 * step) / (SCALE_STEPS - 1);
    const [low, part] = [Math.min(3, Math.floor(at)), at - Math.min(3, Math.floor(at))];
    const mixed = channels[low].map((c, k) => Math.round(c + part * (channels[low + 1][k] - c)));
    return `#${mixed.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
  });
}

/** Groups by number: how each is called, its size and its colour; -1 is none of them. */
function groupsOf(of_word, names, colours, without) {
  const sizes = new Array(names.length).fill(0);
  for (const group of of_word) if (group >= 0) sizes[group] += 1;
  return {
    kind: "groups",
    of_word,
    names,
    sizes,
    colours: () => names.map((_, k) => colour(colours[k] < 0 ? "points" : `group-${colours[k]}`)),
    without,
  };
}

class Colouring {
  /** `select` gets the numbers of a group's words, and its name. */
  constructor(data, map, chooser, legend, select) {
    Object.assign(this, { data, map, legend, select });
    this.ways = { none: { name: "nothing", kind: "plain" } };
    if (data.clusters) {
      const of_word = new Int32Array(bytesOf(data.clusters.of_word));
      this.ways.cluster = {
        name: "cluster",
        ...groupsOf(of_word, data.clusters.names, data.clusters.colours, ""),
      };
    }
    this.ways.frequency = { name: "frequency", ...this.#frequency() };
    data.columns.forEach((column, place) => {
      this.ways[`column-${place}`] = { name: column.name, ...this.#column(column) };
    });
    for (const [key, { name }] of Object.entries(this.ways)) chooser.add(new Option(name, key));
    chooser.value = data.columns.length ? "column-0" : data.clusters ? "cluster" : "frequency";
    chooser.addEventListener("change", () => this.paint(chooser.value));
    onSchemeChange(() => this.paint(chooser.value));
    this.paint(chooser.value);
  }

  #frequency() {
    const { counts, words } = this.data;
    const numbers = Float64Array.from(words, (_, id) =>
      counts ? Math.log(counts[id]) : -Math.log(id + 1),
    );
    const shown = (value) => Math.round(Math.exp(Math.abs(value))).toLocaleString("en");
    return { kind: "scale", numbers, shown, unit: counts ? "times" : "place in the file" };
  }

  #column(column) {
    if (column.kinds) {
      const shades = column.kinds.map((_, k) => (k < N_GROUP_COLOURS ? k : -1));
      const of_word = new Int32Array(bytesOf(column.of_word));
      return groupsOf(of_word, column.kinds, shades, "no value");
    }
    const numbers = new Float64Array(bytesOf(column.numbers));
    const shown = (value) => Number(value.toPrecision(6)).toLocaleString("en");
    return { kind: "scale", numbers, shown, unit: "", without: "no value" };
  }

  /** Return what is known of a word by the ways that were given, for lists that are taken along. */
  rowOf(id) {
    const cells = [];
    for (const way of Object.values(this.ways)) {
      if (way.kind === "groups") cells.push(way.names[way.of_word[id]] ?? "");
      else if (way.kind === "scale" && way !== this.ways.frequency) {
        cells.push(Number.isNaN(way.numbers[id]) ? "" : String(way.numbers[id]));
      }
    }
    return cells;
  }

  get headings() {
    const told = Object.values(this.ways).filter(
      (way) => way.kind !== "plain" && way !== this.ways.frequency,
    );
    return told.map(({ name }) => name);
  }

  paint(key) {
    const way = this.ways[key];
    this.legend.replaceChildren();
    if (way.kind === "groups") this.#paintGroups(way, key);
    else if (way.kind === "scale") this.#paintScale(way);
    else {
      const plain = new Array(this.data.words.length).fill(colour("points"));
      this.map.colour(plain, this.#clusterOf(), null);
    }
  }

  /** The hint names a word's cluster where it has nothing else to say. */
  #clusterOf() {
    const { cluster } = this.ways;
    return cluster ? Array.from(cluster.of_word, (group) => cluster.names[group]) : null;
  }

  #paintGroups(way, key) {
    const shades = way.colours();
    const none = colour("points");
    const colours = Array.from(way.of_word, (group) => (group < 0 ? none : shades[group]));
    const about = Array.from(way.of_word, (group) => (group < 0 ? way.without : way.names[group]));
    this.map.colour(colours, about, key === "cluster" ? (id) => shades[id] : null);
    const keys = way.names.slice(0, MOST_KEYS).map((name, group) => {
      const button = document.createElement("button");
      button.type = "button";
      const dot = document.createElement("span");
      dot.className = "dot";
      dot.style.background = shades[group];
      const size = document.createElement("small");
      size.textContent = way.sizes[group].toLocaleString("en");
      button.append(dot, name, " ", size);
      button.title = "Select these words";
      button.addEventListener("click", () => {
        const ids = [];
        way.of_word.forEach((other, id) => other === group && ids.push(id));
        this.select(ids, name);
      });
      const item = document.createElement("li");
      item.append(button);
      return item;
    });
    const rest = way.names.length - MOST_KEYS;
    if (rest > 0) {
      const more = document.createElement("li");
      more.textContent = `and ${rest.toLocaleString("en")} more, in grey`;
      keys.push(more);
    }
    this.legend.append(...keys);
  }

  #paintScale(way) {
    const steps = scaleColours();
    let [low, high] = [Infinity, -Infinity];
    for (const number of way.numbers) {
      if (number < low) low = number;
      if (number > high) high = number;
    }
    const none = colour("line");
    const half = high / 2 - low / 2; // all of it may exceed the largest number
    const step = (x) => (half > 0 ? Math.round(((x / 2 - low / 2) / half) * (SCALE_STEPS - 1)) : 16);
    const colours = Array.from(way.numbers, (x) => (Number.isNaN(x) ? none : steps[step(x)]));
    const is_frequency = way === this.ways.frequency;
    const about = is_frequency
      ? this.#clusterOf()
      : Array.from(way.numbers, (x) => (Number.isNaN(x) ? way.without : way.shown(x)));
    this.map.colour(colours, about, null);
    const bar = document.createElement("span");
    bar.className = "scale";
    bar.style.background = `linear-gradient(to right, ${steps.join(",")})`;
    const item = document.createElement("li");
    item.append(way.shown(low), bar, `${way.shown(high)} ${way.unit}`);
    this.legend.append(item);
  }
}
