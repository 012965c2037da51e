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

/** Return a word that greets: of middling frequency, for the most frequent ones say little. */
function greeting(words) {
  const from = Math.min(300, Math.floor(words.length / 3));
  const found = words.findIndex((word, id) => id >= from && /^\p{L}{6,}$/u.test(word));
  return found < 0 ? from : found;
}

async function start() {
  const data = read("data");
  const figures = read("figures");
  const words = new Words(data.words);
  const ngrams = data.unknown && new Ngrams(data.unknown, data.dimensions);
  const terms = ["term-a", "term-b", "term-c"].map($);
  let vectors = null;
  let map = null;

  const names = (answers) => answers.map(({ id }) => data.words[id]).join(", ");
  const ids = (answers) => answers.map(({ id }) => id);
  const asCosine = (cosine) => cosine.toFixed(3);

  function light(...lit) {
    map?.light(...lit);
    $("unlight").hidden = !lit.flat().length;
  }

  function showLists(title, about, near, contexts = [], typical = []) {
    $("word-title").textContent = title;
    $("word-count").textContent = about;
    list($("near"), data.words, near, asCosine, choose);
    list($("contexts"), data.words, contexts, asPercent, choose);
    list($("typical"), data.words, typical, asTimes, choose);
  }

  function announce(word, shown, near) {
    $("find").value = word;
    $("status").textContent = `${shown}: near ${names(near.slice(0, 5))}`;
  }

  /** Show a word; `is_asked` if a person or an address asked for it, and not the page itself. */
  function show(id, is_asked = true) {
    const near = vectors.near(id, LISTED);
    const contexts = vectors.contexts(id, LISTED);
    const place = (id + 1).toLocaleString("en");
    const about = data.counts
      ? `${data.counts[id].toLocaleString("en")} times, number ${place} by frequency`
      : `number ${place} of the file`;
    showLists(data.words[id], about, near, contexts, vectors.typical(id, LISTED));
    if (!is_asked) return;
    light([id], ids(near), ids(contexts));
    announce(data.words[id], data.words[id], near);
  }

  function choose(id) {
    if (!vectors) return;
    show(id);
    remember([data.words[id]]);
  }

  /** Return how an unknown word is written, if a vector can be made of it. */
  function spelt(text) {
    const word = ngrams?.spelt(text);
    return word && ngrams.vector(word) ? word : null;
  }

  function showUnknown(word) {
    const made = ngrams.vector(word);
    const near = vectors.nearTo(made.values, LISTED);
    const about = `unknown, its vector made of ${made.known} of its ${made.size} n-grams`;
    showLists(word, about, near);
    light([], ids(near), []);
    announce(word, `${word} (unknown)`, near);
  }

  function chooseUnknown(word) {
    if (!vectors) return;
    showUnknown(word);
    remember([word]);
  }

  /** Solve the analogy that the fields have; return its words, or null if they are none. */
  function solve() {
    const said = $("analogy-status");
    const lacking = terms.find((term) => words.id(term.value) === undefined);
    if (lacking || !vectors) {
      const text = lacking?.value.trim();
      const what = text ? `“${text}” is not a word of the page.` : "Give three words.";
      said.textContent = vectors ? what : "Still reading vectors …";
      $("analogy-answers").replaceChildren();
      lacking?.focus();
      return null;
    }
    const [a, b, c] = terms.map((term) => words.id(term.value));
    const answers = vectors.analogy(a, b, c, LISTED);
    list($("analogy-answers"), data.words, answers, asCosine, choose);
    said.textContent = answers.length
      ? `${data.words[a]} − ${data.words[b]} + ${data.words[c]}: ${data.words[answers[0].id]}`
      : "The page has no other words.";
    light([a, b, c], ids(answers), []);
    return [a, b, c].map((id) => data.words[id]);
  }

  /** Show what the address names; return whether it names anything. */
  function showAddressed() {
    const named = addressed();
    if (named.length === 3) {
      terms.forEach((term, place) => (term.value = named[place]));
      return solve() !== null;
    }
    const [word = ""] = named;
    const id = words.id(word);
    const unknown = id === undefined ? spelt(word) : null;
    if (id !== undefined) show(id);
    else if (unknown) showUnknown(unknown);
    return id !== undefined || unknown !== null;
  }

  function greet() {
    $("find").value = "";
    $("status").textContent = "";
    light([], [], []);
    show(greeting(data.words), false);
  }

  const unknown = { spelt, choose: chooseUnknown };
  makeChooser($("find"), words, data.counts, choose, { unknown, status: $("status") });
  for (const [place, term] of terms.entries()) {
    makeChooser(term, words, data.counts, () => {}, {
      status: $("analogy-status"),
      enter() {
        const next = terms.slice(place + 1).find((other) => !other.value.trim());
        if (next && words.id(term.value) !== undefined) next.focus();
        else $("analogy").requestSubmit();
      },
    });
  }
  $("analogy").addEventListener("submit", (event) => {
    event.preventDefault();
    const solved = solve();
    if (solved) remember(solved);
  });

  if (figures.loss) await showLoss(figures.loss, $("loss"));
  let selection = null;
  const select = (chosen) => selection.set(chosen, "");
  map = await WordMap.of(figures.map, $("plane"), data, choose, select);
  selection = new Selection(data, map, choose);
  const [chooser, legend] = [$("colour-by"), $("legend")];
  selection.colouring = new Colouring(data, map, chooser, legend, (...given) =>
    selection.set(...given),
  );
  wireButtons(map, selection);
  wireFilter(map, data);
  $("unlight").addEventListener("click", () => light([], [], []));

  vectors = await Vectors.of(data);
  const example = ["king", "man", "woman"];
  if (example.every((word) => words.id(word) !== undefined)) {
    terms.forEach((term, place) => (term.value = example[place]));
  }
  greet();
  showAddressed();
  window.addEventListener("popstate", () => {
    if (!showAddressed()) greet();
  });
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  $("status").textContent = `The page could not be set up: ${error.message}`;
  throw error;
});
