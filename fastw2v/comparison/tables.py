"""A comparison laid out as tables: headings and cells, and the same in Markdown."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastw2v.comparison.runs import Record

__all__ = [
    "NOTHING",
    "Table",
    "as_markdown",
    "by_run",
    "mean_and_spread",
    "settings_line",
    "succeeded",
    "tables_of",
]

NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """A title, headings, rows of as many cells, and what to know when reading it."""

    title: str
    headings: list[str]
    rows: list[list[str]]
    note: str = ""

    def markdown(self) -> list[str]:
        """Return the lines of the table, with its title."""
        lines = [f"## {self.title}", ""]
        cells = [[cell.replace("|", "\\|") for cell in row] for row in self.rows]
        lines.append("| " + " | ".join(self.headings) + " |")
        lines.append("|---" * len(self.headings) + "|")
        lines += ["| " + " | ".join(row) + " |" for row in cells]
        return [*lines, "", *([self.note, ""] if self.note else [])]


def tables_of(comparison: dict[str, Any]) -> list[Table]:
    """Return the tables of what `fastw2v.comparison.comparing.compare` found."""
    results = comparison["results"]
    made = [_cost(results), _quality(results)]
    if any("all_pairs" in record for record in results):
        made.append(_unknown_words(results))
    if comparison["agreement"]:
        made.append(_agreement(comparison["agreement"]))
    return made


def as_markdown(comparison: dict[str, Any]) -> str:
    """Return the whole comparison as a Markdown document."""
    corpus, settings = comparison["corpus"], comparison["settings"]
    lines = [
        "# Comparison",
        "",
        f"{corpus['tokens']:,} tokens, {corpus['vocabulary']:,} words, "
        f"{corpus['held_out_tokens']:,} tokens held out. "
        + settings_line(settings)
        + " What is not named is each trainer's default.",
        "",
        ", ".join(f"{name} {value}" for name, value in comparison["machine"].items()) + ".",
        "",
    ]
    for table in tables_of(comparison):
        lines += table.markdown()
    return "\n".join(lines).rstrip() + "\n"


def settings_line(settings: dict[str, Any]) -> str:
    """Return the settings that all trainers share, as a sentence."""
    names: tuple[str, ...]
    names = ("vector_size", "window", "min_count", "epochs", "negative", "sample", "workers")
    if settings.get("inputs", "words") == "subwords":
        names += ("inputs", "min_n", "max_n", "bucket")
    names += ("fasttext_t",)
    shown = [f"{name} {settings[name]}" for name in names if settings.get(name) is not None]
    return f"{settings['rounds']} round(s), {', '.join(shown)}."


def by_run(results: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the records of each run, in the order of the runs."""
    found: dict[str, list[Record]] = {}
    for record in results:
        found.setdefault(record["run"], []).append(record)
    return found


def succeeded(records: Sequence[Record]) -> list[Record]:
    """Return the records of trainings that came to their end."""
    return [record for record in records if "error" not in record]


def mean_and_spread(values: Sequence[float | None]) -> str:
    """Return mean and standard deviation of what is known."""
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING
    spread = f" ±{statistics.stdev(known):.3f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.3f}{spread}"


def _cost(results: Sequence[Record]) -> Table:
    runs = by_run(results)
    walls = {
        name: statistics.median(r["wall_s"] for r in succeeded(records))
        for name, records in runs.items()
        if succeeded(records)
    }
    rivals = [name for name in walls if not name.startswith("fastw2v")]
    base = (rivals or list(walls) or [""])[0]
    headings = ["run", "wall s", f"{base} = 1", "reading s", "counting s", "training s", "CPU s"]
    headings += ["peak MiB", "tokens/s", "pairs/s", "workers"]
    rows = []
    for name, records in runs.items():
        if name in walls:
            rows.append(_cost_row(name, succeeded(records), walls[name] / walls[base]))
        for record in records:
            if "error" in record:
                failure = _failure(record)
                rows.append([name, failure, *[NOTHING] * (len(headings) - 2)])
    note = (
        "Medians; the peak is the largest. Wall time is from the start of the process to the end "
        "of training, importing included, and so are the rates: tokens (window pairs) of the text "
        "times epochs, divided by wall time. Reading includes the vocabulary. Where a stage has "
        "no figure the trainer does not report it."
    )
    return Table("Time and memory", headings, rows, note)


def _cost_row(name: str, records: list[Record], ratio: float) -> list[str]:
    def median(key: str, shown: Callable[[float], str]) -> str:
        values = [record[key] for record in records if key in record]
        return shown(statistics.median(values)) if values else NOTHING

    return [
        name,
        median("wall_s", "{:.2f}".format),
        f"{ratio:.3f}",
        *(median(key, "{:.2f}".format) for key in ("read_s", "count_s", "train_s", "cpu_s")),
        f"{max(record['peak_bytes'] for record in records) / 2**20:,.0f}",
        median("tokens_per_s", "{:,.0f}".format),
        median("pairs_per_s", "{:,.0f}".format),
        str(records[0]["workers"]),
    ]


def _failure(record: Record) -> str:
    return f"{record['error']}; to install it: {record['install']}"


def _quality(results: Sequence[Record]) -> Table:
    runs = {name: succeeded(records) for name, records in by_run(results).items()}
    runs = {name: records for name, records in runs.items() if records}
    first = next(iter(runs.values()), None)
    tests = list(first[0]["quality"]["in"]) if first else []
    headings = ["run", "vectors", *tests, "own loss", "calibrated loss"]
    rows = []
    for name, records in runs.items():
        for table in records[0]["quality"]:
            scores = [
                mean_and_spread([r["quality"][table].get(test) for r in records]) for test in tests
            ]
            losses = [
                mean_and_spread([r.get(key) for r in records])
                for key in ("own_nats", "calibrated_nats")
            ]
            rows.append([name, table, *scores, *losses])
    covered = first[0].get("coverage", {}) if first else {}
    known = ", ".join(f"{share:.0%} of {test}" for test, share in covered.items())
    note = f"The vocabulary covers {known}. " if known else ""
    note += (
        "Spearman's rho on WordSim-353 and SimLex-999, accuracy on the Google analogies (3CosAdd, "
        "50,000 most frequent words), mean and standard deviation over rounds. Losses are of "
        "held-out text in nats a pair: the trainer's own, which cannot be compared with another "
        "kind, and that of a softmax after calibration, which can."
    )
    return Table("Quality", headings, rows, note)


def _unknown_words(results: Sequence[Record]) -> Table:
    runs = {
        name: [record for record in succeeded(records) if "all_pairs" in record]
        for name, records in by_run(results).items()
    }
    runs = {name: records for name, records in runs.items() if records}
    sets = list(next(iter(next(iter(runs.values()))[0]["all_pairs"].values())))
    headings = ["run", "vectors"]
    for name in sets:
        headings += [name, "by n-grams", "no vector"]
    rows = []
    for name, records in runs.items():
        for table, of_sets in records[0]["all_pairs"].items():
            cells: list[str] = []
            for pairs in sets:
                rhos = [record["all_pairs"][table][pairs]["spearman"] for record in records]
                counts = [f"{of_sets[pairs][key]:,}" for key in ("made", "lacking")]
                cells += [mean_and_spread(rhos), *counts]
            rows.append([name, table, *cells])
    note = (
        "Spearman's rho over all pairs of each set. Where a word is unknown its vector is made of "
        "its character n-grams; a pair that has a word without any vector counts as cosine 0. "
        "Trainers without n-grams are not in this table."
    )
    return Table("Unknown words", headings, rows, note)


def _agreement(found: Sequence[Record]) -> Table:
    headings = ["embedding", "and", "vectors", "precision at k", "Jaccard", "mean cosine"]
    headings += ["residual"]
    rows = [
        [
            f"{record['first']} (seed {record['seeds'][0]})",
            f"{record['second']} (seed {record['seeds'][1]})",
            " / ".join(record["tables"]),
            f"{record['precision']:.3f} (k {record['k']})",
            f"{record['jaccard']:.3f}",
            f"{record['mean_cosine']:.3f}",
            f"{record['residual']:.3f}",
        ]
        for record in found
    ]
    note = (
        "Nearest neighbours in common, and cosine and residual after the best rotation, on words "
        "that it was not fitted on. A trainer beside itself with another seed shows what chance "
        "alone does."
    )
    return Table("Agreement of embeddings", headings, rows, note)
