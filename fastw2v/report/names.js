// Which names stand on the map: what is lit, then clusters, then frequent words, while there is room.

const PIXELS_A_NAME = 9000; // of the map's area, for each frequent word that is named
const CLOSE = 5; // times as near as the whole: there words matter, and clusters are named no more
const NAME_PIXELS = 12;
const CLUSTER_PIXELS = 14;

/** Boxes on the screen that names have taken; a corner of the map has the key to what is lit. */
class Room {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.taken = [[0, height - 34, 260, height]];
  }

  /** Take the room of a text, with some air around it; return whether there was any. */
  take(left, middle, text, pixels, air = 0, is_centred = false) {
    const wide = 0.62 * pixels * text.length + 8;
    const from = is_centred ? left - wide / 2 : left - 4;
    const box = [from, middle - 0.75 * pixels, from + wide + 8, middle + 0.75 * pixels];
    if (box[0] < -4 || box[1] < 0 || box[2] > this.width || box[3] > this.height) return false;
    const meets = ([l, t, r, b]) =>
      l - air < box[2] && box[0] < r + air && t - air < box[3] && box[1] < b + air;
    if (this.taken.some(meets)) return false;
    this.taken.push(box);
    return true;
  }
}

/** Return how large a word's name is: frequent words and near views have larger ones. */
function namePixels(weight, growth) {
  return Math.round(NAME_PIXELS * (0.9 + 0.35 * weight ** 2) * Math.sqrt(growth) * 2) / 2;
}

/**
 * Return names by layer, each as {x, y, text, pixels, id}, in the order in which they take room.
 *
 * `view` has `toScreen`, `width`, `height`, `growth` and `nearness`, which is 1 where all is seen.
 */
function namesOf(view, map) {
  const room = new Room(view.width, view.height);
  const { words } = map.data;
  const placed = (id, pixels, air) => {
    const [left, middle] = view.toScreen(map.x[id], map.y[id]);
    return (
      left >= 0 && left <= view.width && room.take(left, middle, words[id], pixels, air)
    );
  };
  const named = (id, pixels) => ({ id, x: map.x[id], y: map.y[id], text: words[id], pixels });
  const layers = {};
  for (const [kind, ids] of Object.entries(map.lit)) {
    const pixels = Math.round((NAME_PIXELS + 1) * Math.sqrt(view.growth));
    layers[`${kind}_labels`] = ids
      .filter((id) => placed(id, pixels, 0))
      .map((id) => named(id, pixels));
  }
  layers.cluster_labels = [];
  for (const { text, place, id } of view.nearness < CLOSE ? map.clusterNames() : []) {
    const pixels = Math.round(CLUSTER_PIXELS * Math.sqrt(view.growth));
    const [left, middle] = view.toScreen(...place);
    if (!room.take(left, middle, text, pixels, 3, true)) continue;
    layers.cluster_labels.push({ id, x: place[0], y: place[1], text, pixels });
  }
  const most = (view.width * view.height) / PIXELS_A_NAME;
  layers.labels = [];
  for (let id = map.first; id < map.last && layers.labels.length < most; id++) {
    if (map.highlighted.has(id) || !map.isBright(id)) continue;
    const pixels = namePixels(map.weights[id], view.growth);
    if (placed(id, pixels, 8)) layers.labels.push(named(id, pixels));
  }
  return layers;
}
