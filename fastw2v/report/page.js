// Joins the parts: a word that is chosen anywhere is shown everywhere.

const LISTED = 10;
const $ = (id) => document.getElementById(id);
const read = (id) => JSON.parse($(id).textContent);

function asPercent(p) {
  return p >= 0.0001 ? `${(100 * p).toFixed(2)} %` : p.toExponential(1);
}

function asTimes(lift) {
  return `${lift >= 100 ? lift.toFixed(0) : lift.toPrecision(2)} x`;
}

/** Fill a list with words that can be chosen, each with a bar as long as its value. */
function list(element, words, answers, shown, choose) {
  const longest = Math.max(...answers.map(({ value }) => value), 1e-12);
  element.replaceChildren(
    ...answers.map(({ id, value }) => {
      const button = document.createElement("button");
      button.type = "button";
      const amount = document.createElement("span");
      amount.className = "value";
      amount.textContent = shown(value);
      const bar = document.createElement("span");
      bar.className = "bar";
      bar.style.width = `${Math.max(0, (94 * value) / longest)}%`;
      const name = document.createElement("span");
      name.textContent = words[id];
      button.append(name, amount, bar);
      button.addEventListener("click", () => {
        choose(id);
        $("word-title").focus({ preventScroll: true }); // the button is gone
      });
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
}

async function start() {
  const data = read("data");
  const figures = read("figures");
  const words = new Words(data.words);
  const ngrams = data.unknown && new Ngrams(data.unknown, data.dimensions);
  let vectors = null;
  let map = null;
  let chosen = null;

  const names = (answers) => answers.map(({ id }) => data.words[id]).join(", ");
  const ids = (answers) => answers.map(({ id }) => id);

  function choose(id, from_person = true) {
    chosen = id;
    if (!vectors) return;
    const near = vectors.near(id, LISTED);
    const contexts = vectors.contexts(id, LISTED);
    const typical = vectors.typical(id, LISTED);
    $("word-title").textContent = data.words[id];
    const share = (id + 1).toLocaleString("en");
    $("word-count").textContent = data.counts
      ? `${data.counts[id].toLocaleString("en")} times, number ${share} by frequency`
      : `number ${share} of the file`;
    list($("near"), data.words, near, (cosine) => cosine.toFixed(3), choose);
    list($("contexts"), data.words, contexts, asPercent, choose);
    list($("typical"), data.words, typical, asTimes, choose);
    map?.light([id], ids(near), ids(contexts));
    if (!from_person) return;
    $("find").value = data.words[id];
    $("status").textContent = `${data.words[id]}: near ${names(near.slice(0, 5))}`;
    history.replaceState(null, "", `#${encodeURIComponent(data.words[id])}`);
  }

  /** Return how an unknown word is written, if a vector can be made of it. */
  function spelt(text) {
    const word = ngrams?.spelt(text);
    return word && ngrams.vector(word) ? word : null;
  }

  function chooseUnknown(word) {
    if (!vectors) return;
    const made = ngrams.vector(word);
    const near = vectors.nearTo(made.values, LISTED);
    $("word-title").textContent = word;
    $("word-count").textContent =
      `unknown, its vector made of ${made.known} of its ${made.size} n-grams`;
    list($("near"), data.words, near, (cosine) => cosine.toFixed(3), choose);
    $("contexts").replaceChildren();
    $("typical").replaceChildren();
    map?.light([], ids(near), []);
    $("find").value = word;
    $("status").textContent = `${word} (unknown): near ${names(near.slice(0, 5))}`;
    history.replaceState(null, "", `#${encodeURIComponent(word)}`);
  }

  makeChooser($("find"), words, data.counts, choose, { spelt, choose: chooseUnknown });
  const terms = ["term-a", "term-b", "term-c"].map($);
  for (const term of terms) makeChooser(term, words, data.counts, () => {});

  $("analogy").addEventListener("submit", (event) => {
    event.preventDefault();
    const unknown = terms.find((term) => words.id(term.value) === undefined);
    if (unknown || !vectors) {
      const what = unknown?.value.trim() ? `“${unknown.value}” is not a word of the page.` : "Give three words.";
      $("analogy-status").textContent = vectors ? what : "Still reading vectors …";
      unknown?.focus();
      return;
    }
    const [a, b, c] = terms.map((term) => words.id(term.value));
    const answers = vectors.analogy(a, b, c, LISTED);
    list($("analogy-answers"), data.words, answers, (cosine) => cosine.toFixed(3), choose);
    $("analogy-status").textContent = answers.length
      ? `${data.words[a]} − ${data.words[b]} + ${data.words[c]}: ${data.words[answers[0].id]}`
      : "The page has no other words.";
    map?.light([a, b, c], ids(answers), []);
  });

  if (figures.loss) await showLoss(figures.loss, $("loss"));
  map = await WordMap.of(figures.map, $("plane"), data, choose);
  $("zoom-in").addEventListener("click", () => map.zoom(ZOOM_STEP));
  $("zoom-out").addEventListener("click", () => map.zoom(1 / ZOOM_STEP));
  $("zoom-all").addEventListener("click", () => map.showAll());

  vectors = await Vectors.of(data);
  $("status").textContent = "";
  const example = ["king", "man", "woman"];
  if (example.every((word) => words.id(word) !== undefined)) {
    terms.forEach((term, place) => (term.value = example[place]));
  }
  const named = decodeURIComponent(location.hash.slice(1));
  const linked = words.id(named);
  // The very frequent words say little of a model; one of middling frequency is a better greeting.
  const greeting = Math.min(400, Math.floor(data.words.length / 3));
  if (chosen === null && linked === undefined && spelt(named)) chooseUnknown(spelt(named));
  else choose(chosen ?? linked ?? greeting, (chosen ?? linked) !== undefined);
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  $("status").textContent = `The page could not be set up: ${error.message}`;
  throw error;
});
