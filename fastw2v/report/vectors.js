// What the model answers, computed from its vectors as fastw2v does: near words, contexts, analogies.

function bytesOf(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let place = 0; place < bytes.length; place++) bytes[place] = characters.charCodeAt(place);
  return bytes.buffer;
}

/** Return the float32 rows of a table stored as int16 numbers with a scale a row. */
function unpacked(stored, dimensions) {
  const numbers = new Int16Array(bytesOf(stored.numbers));
  const scales = new Float32Array(bytesOf(stored.scales));
  const table = new Float32Array(numbers.length);
  for (let row = 0, place = 0; row < scales.length; row++) {
    for (const end = place + dimensions; place < end; place++) {
      table[place] = numbers[place] * scales[row];
    }
  }
  return table;
}

/** Return the `size` best of `values` as {id, value}, best first, equal ones by their number. */
function best(values, size, left_out) {
  const found = [];
  for (let id = 0; id < values.length; id++) {
    const value = values[id];
    if (found.length === size && !(value > found[size - 1].value)) continue;
    if (left_out.includes(id)) continue;
    let place = found.length;
    while (place > 0 && found[place - 1].value < value) place--;
    found.splice(place, 0, { id, value });
    if (found.length > size) found.pop();
  }
  return found;
}

function logSigmoid(x) {
  return x < 0 ? x - Math.log1p(Math.exp(x)) : -Math.log1p(Math.exp(-x));
}

class Vectors {
  /** Between the tables the browser gets a chance to draw. */
  static async of(data) {
    const pause = () => new Promise((resolve) => setTimeout(resolve));
    const inputs = unpacked(data.inputs, data.dimensions);
    await pause();
    const outputs = data.outputs && unpacked(data.outputs, data.dimensions);
    await pause();
    return new Vectors(data, inputs, outputs);
  }

  constructor(data, inputs, outputs) {
    this.dimensions = data.dimensions;
    this.size = data.words.length;
    this.inputs = inputs;
    this.outputs = outputs;
    this.temperature = data.temperature;
    this.bias = data.bias && new Float32Array(bytesOf(data.bias));
    this.tree = data.tree && new Int32Array(bytesOf(data.tree));
    this.normalisers = data.normalisers && new Float32Array(bytesOf(data.normalisers));
    this.peaks = data.peaks;
    this.peak_sums = data.peak_sums && new Float32Array(bytesOf(data.peak_sums));
    this.rates = data.self_rates && new Float32Array(bytesOf(data.self_rates));
    this.shares = data.outputs && data.counts.map((count) => count / data.n_tokens);
    this.units = this.#units(data.vectors);
  }

  #units(table) {
    const units = this.inputs.slice(0, this.size * this.dimensions);
    if (table === "sum") {
      for (let place = 0; place < units.length; place++) units[place] += this.outputs[place];
    }
    for (let row = 0; row < this.size; row++) {
      const first = row * this.dimensions;
      let square = 0;
      for (let d = 0; d < this.dimensions; d++) square += units[first + d] ** 2;
      const length = Math.sqrt(square) || 1;
      for (let d = 0; d < this.dimensions; d++) units[first + d] /= length;
    }
    return units;
  }

  /** Return the products of `vector` with every row of `table`. */
  #products(table, vector) {
    const { dimensions } = this;
    const products = new Float64Array(table.length / dimensions);
    for (let row = 0, place = 0; row < products.length; row++) {
      let sum = 0;
      for (let d = 0; d < dimensions; d++, place++) sum += table[place] * vector[d];
      products[row] = sum;
    }
    return products;
  }

  #row(table, id) {
    return table.subarray(id * this.dimensions, (id + 1) * this.dimensions);
  }

  near(id, size) {
    return best(this.#products(this.units, this.#row(this.units, id)), size, [id]);
  }

  /** Return words near a vector that is none of theirs. */
  nearTo(vector, size) {
    const length = Math.hypot(...vector) || 1;
    return best(this.#products(this.units, vector.map((x) => x / length)), size, []);
  }

  /** Return words near a - b + c, each of length 1; the three themselves are left out. */
  analogy(a, b, c, size) {
    const target = Float64Array.from(this.#row(this.units, a));
    const [minus, plus] = [this.#row(this.units, b), this.#row(this.units, c)];
    for (let d = 0; d < target.length; d++) target[d] += plus[d] - minus[d];
    const length = Math.hypot(...target) || 1;
    return best(this.#products(this.units, target.map((x) => x / length)), size, [a, b, c]);
  }

  /** Return the most probable contexts; none of vectors without a model. */
  contexts(id, size) {
    return this.outputs ? best(this.#told(id), size, []) : [];
  }

  /** Return words by how many times as likely they are beside the word as anywhere. */
  typical(id, size) {
    if (!this.outputs) return [];
    return best(this.#told(id).map((p, word) => p / this.shares[word]), size, []);
  }

  /** Return p(o | word) of every word of the page. */
  #told(id) {
    const told = this.#peaksOf(id, this.#softmax(id));
    if (!this.rates) return told;
    const rate = this.rates[id];
    for (let word = 0; word < told.length; word++) told[word] *= 1 - rate;
    told[id] = rate;
    return told;
  }

  /** Return the softmax; without the word itself where that has a rate of its own. */
  #softmax(id) {
    const scores = this.tree ? this.#leaves(id) : this.#scores(id);
    let highest = -Infinity;
    for (let word = 0; word < scores.length; word++) {
      scores[word] = this.temperature * scores[word] + this.bias[word];
      if (this.rates && word === id) scores[word] = -Infinity;
      highest = Math.max(highest, scores[word]);
    }
    let normaliser = this.normalisers?.[id];
    if (normaliser === undefined) {
      let sum = 0;
      for (const score of scores) sum += Math.exp(score - highest);
      normaliser = highest + Math.log(sum);
    }
    return scores.map((score) => Math.exp(score - normaliser));
  }

  /** Return a softmax with probabilities above knots changed, and made to sum to one again. */
  #peaksOf(id, told) {
    if (!this.peaks) return told;
    const { knots, powers } = this.peaks;
    const found = told.map((q) => {
      let changed = q;
      let power = 1;
      for (let part = 0; part < knots.length && q > knots[part]; part++) {
        changed *= (q / knots[part]) ** (powers[part] - power);
        power = powers[part];
      }
      return changed;
    });
    const sum = this.peak_sums?.[id] ?? found.reduce((total, p) => total + p, 0);
    return found.map((p) => p / sum);
  }

  #scores(id) {
    return this.#products(this.outputs, this.#row(this.inputs, id));
  }

  /** Return log q of the leaves of the Huffman tree; its last node is the root. */
  #leaves(id) {
    const scores = this.#scores(id);
    const n_nodes = this.tree.length / 2;
    const logs = new Float64Array(n_nodes);
    const leaves = new Float64Array(this.size);
    for (let node = n_nodes - 1; node >= 0; node--) {
      for (const side of [0, 1]) {
        const child = this.tree[2 * node + side];
        const log = logs[node] + logSigmoid(side ? -scores[node] : scores[node]);
        if (child >= 0) logs[child] = log;
        else if (~child < this.size) leaves[~child] = log;
      }
    }
    return leaves;
  }
}
