// Words that were selected together: a list to read, to copy, or to download.

const MOST_LISTED = 200;

/** Return a field of a table parted by tabs; quoted where it holds what parts fields. */
function field(text) {
  return /["\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Hand a file to the browser's downloads. */
function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Copy a text; where a page has no clipboard, as the older command does. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const is_done = document.execCommand("copy");
    area.remove();
    return is_done;
  }
}

class Selection {
  constructor(data, map, choose) {
    Object.assign(this, { data, map, choose });
    this.ids = [];
    this.colouring = null; // set once it is there: it selects, too
    $("copy-words").addEventListener("click", () => this.#copy());
    $("save-words").addEventListener("click", () => this.#save());
    $("clear-words").addEventListener("click", () => this.set([], ""));
  }

  /** Take words by their numbers; `name` says what they are. */
  set(ids, name) {
    this.ids = ids;
    this.map.select(ids);
    $("selection").hidden = ids.length === 0;
    if (!ids.length) return;
    const many = ids.length === 1 ? "1 word" : `${ids.length.toLocaleString("en")} words`;
    $("selection-title").textContent = name ? `${many}: ${name}` : many;
    $("selection-status").textContent =
      ids.length > MOST_LISTED
        ? `The ${MOST_LISTED} first; copied or saved, all of them.`
        : "";
    $("selection-list").replaceChildren(
      ...ids.slice(0, MOST_LISTED).map((id) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = this.data.words[id];
        button.addEventListener("click", () => this.choose(id));
        const item = document.createElement("li");
        item.append(button);
        return item;
      }),
    );
  }

  async #copy() {
    const is_done = await copy(this.ids.map((id) => this.data.words[id]).join("\n"));
    $("selection-status").textContent = is_done
      ? `Copied ${this.ids.length.toLocaleString("en")}, one a line.`
      : "The browser does not let the page copy: save the list instead.";
  }

  #save() {
    const { words, counts } = this.data;
    const headings = ["word", ...(counts ? ["count"] : []), ...this.colouring.headings];
    const rows = this.ids.map((id) =>
      [words[id], ...(counts ? [String(counts[id])] : []), ...this.colouring.rowOf(id)]
        .map(field)
        .join("\t"),
    );
    const text = [headings.map(field).join("\t"), ...rows, ""].join("\n");
    download("words.tsv", new Blob([text], { type: "text/tab-separated-values" }));
  }
}
