// Vectors of words that the page does not have, from their character n-grams, as the model makes them.

const OFFSET_BASIS = 2166136261;
const PRIME = 16777619;

/** Return fastText's 32-bit hash of UTF-8: FNV-1a over bytes that are extended with their sign. */
function hashed(bytes, value = OFFSET_BASIS) {
  for (const byte of bytes) {
    const extended = byte >= 0x80 ? byte | 0xffffff00 : byte;
    value = Math.imul(value ^ extended, PRIME);
  }
  return value >>> 0;
}

class Ngrams {
  constructor(stored, dimensions) {
    this.smallest = stored.min_n;
    this.largest = stored.max_n;
    this.bucket = stored.bucket;
    this.is_lower_case = stored.is_lower_case;
    this.dimensions = dimensions;
    this.buckets = new Int32Array(bytesOf(stored.buckets));
    this.numbers = new Int16Array(bytesOf(stored.table.numbers));
    this.scales = new Float32Array(bytesOf(stored.table.scales));
    this.encoder = new TextEncoder();
  }

  /** Return the word as it is made a vector of: as the model's words are, all in lower case or not. */
  spelt(word) {
    const text = word.trim();
    return this.is_lower_case ? text.toLowerCase() : text;
  }

  /** Return the buckets of all n-grams of a word, one that occurs twice twice. */
  of(word) {
    const characters = [...`<${word}>`].map((character) => this.encoder.encode(character));
    const found = [];
    if (word === "</s>") return found;
    for (let first = 0; first < characters.length; first++) {
      let value = OFFSET_BASIS;
      const end = Math.min(characters.length, first + this.largest);
      for (let last = first; last < end; last++) {
        value = hashed(characters[last], value);
        const size = last - first + 1;
        const is_frame = size === 1 && (first === 0 || last === characters.length - 1);
        if (size >= this.smallest && !is_frame) found.push(value % this.bucket);
      }
    }
    return found;
  }

  /** Return the row of a bucket, or -1 for one that no word of the model has. */
  #row(bucket) {
    let low = 0;
    let high = this.buckets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.buckets[middle] < bucket) low = middle + 1;
      else high = middle;
    }
    return this.buckets[low] === bucket ? low : -1;
  }

  /** Return the mean over a word's n-grams and how many have a vector; null if none has. */
  vector(word) {
    const buckets = this.of(word);
    const sum = new Float64Array(this.dimensions);
    let known = 0;
    for (const bucket of buckets) {
      const row = this.#row(bucket);
      if (row < 0) continue;
      known += 1;
      const first = row * this.dimensions;
      for (let d = 0; d < sum.length; d++) sum[d] += this.numbers[first + d] * this.scales[row];
    }
    if (!known) return null;
    return { values: sum.map((x) => x / buckets.length), known, size: buckets.length };
  }
}
