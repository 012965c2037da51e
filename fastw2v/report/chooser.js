// A field that finds words as they are typed, by mouse or keyboard: the ARIA combobox pattern.

/** Words by number, and how to find them. */
class Words {
  constructor(words) {
    this.words = words;
    this.ids = new Map(words.map((word, id) => [word, id]));
    this.small = null;
  }

  id(word) {
    const text = word.trim();
    return this.ids.get(text) ?? this.ids.get(text.toLowerCase());
  }

  /** Return numbers of words that are, begin with, or hold `text`, the frequent ones first. */
  find(text, size) {
    this.small ??= this.words.map((word) => word.toLowerCase());
    const sought = text.trim().toLowerCase();
    const [equal, beginning, holding] = [[], [], []];
    if (!sought) return [];
    for (let id = 0; id < this.small.length && beginning.length < size; id++) {
      const at = this.small[id].indexOf(sought);
      if (at === 0) (this.small[id] === sought ? equal : beginning).push(id);
      else if (at > 0 && holding.length < size) holding.push(id);
    }
    const exact = this.ids.get(text.trim());
    const rest = [...equal, ...beginning, ...holding].filter((id) => id !== exact);
    return (exact === undefined ? rest : [exact, ...rest]).slice(0, size);
  }
}

/**
 * Make a field propose words; `choose` gets the number of the one that is taken.
 *
 * `options` may have `unknown`: a text that is no word is proposed too, last, if `unknown.spelt`
 * returns how it is written, and `unknown.choose` gets that when it is taken; `status`, the element
 * that says that there is no such word; and `enter`, called after Enter took what there is.
 */
function makeChooser(input, words, counts, choose, { unknown, status, enter } = {}) {
  const nothing = "No word of the page has the letters ";
  const options = document.createElement("ul");
  options.className = "options";
  options.id = `${input.id}-options`;
  options.hidden = true;
  options.setAttribute("role", "listbox");
  options.setAttribute("aria-label", "Words found");
  input.after(options);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", options.id);
  let found = [];
  let active = -1;

  function close() {
    options.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    active = -1;
  }

  function activate(place) {
    active = place;
    [...options.children].forEach((option, number) => {
      option.setAttribute("aria-selected", String(number === place));
      if (number === place) option.scrollIntoView({ block: "nearest" });
    });
    if (place >= 0) input.setAttribute("aria-activedescendant", options.children[place].id);
    else input.removeAttribute("aria-activedescendant");
  }

  /** Take a word by its number, or an unknown one as it is written. */
  function take(id) {
    const is_known = typeof id === "number";
    input.value = is_known ? words.words[id] : id;
    close();
    if (is_known) choose(id);
    else unknown.choose(id);
  }

  function propose() {
    found = words.find(input.value, 12);
    const other = words.id(input.value) === undefined ? unknown?.spelt(input.value) : null;
    if (other) found.push(other);
    options.replaceChildren(
      ...found.map((id, place) => {
        const option = document.createElement("li");
        option.id = `${options.id}-${place}`;
        option.setAttribute("role", "option");
        const count = document.createElement("small");
        const is_known = typeof id === "number";
        count.textContent = is_known ? (counts?.[id].toLocaleString("en") ?? "") : "unknown";
        option.append(is_known ? words.words[id] : id, count);
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(id);
        });
        return option;
      }),
    );
    const text = input.value.trim();
    if (text && !found.length) status.textContent = `${nothing}“${text}”.`;
    else if (status.textContent.startsWith(nothing)) status.textContent = "";
    options.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!options.hidden));
    activate(-1);
  }

  input.setAttribute("aria-expanded", "false");
  input.addEventListener("input", propose);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (options.hidden) propose();
      if (!found.length) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      activate((active + step + found.length + (active < 0 && step < 0 ? 1 : 0)) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const own = words.id(input.value);
      if (active < 0 && own !== undefined) take(own);
      else if (!options.hidden) take(found[Math.max(active, 0)]);
      enter?.();
    } else if (event.key === "Escape" && !options.hidden) {
      event.preventDefault();
      close();
    }
  });
}
