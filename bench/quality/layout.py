"""What was measured, laid out as Markdown: runs, best lines, bars, and what is missing."""

import statistics
from collections.abc import Sequence
from typing import Any

from quality.frontier import Point, bars, best_form, envelope, points
from quality.plan import FAMILIES
from quality.results import Results

from fastw2v.comparison.tables import mean_and_spread

__all__ = [
    "FEWEST_UNKNOWN",
    "bar_lines",
    "document",
    "line_table",
    "missing_lines",
    "notes",
    "notes_of_runs",
    "run_table",
]

FEWEST_UNKNOWN = 0.1
_OUTCOMES = {True: "met", False: "not met", None: "cannot be said"}


def document(results: Results, *, every_form: bool = False) -> list[str]:
    """Return all of it."""
    return [
        *notes(results),
        "",
        *run_table(results, every_form=every_form),
        "",
        *missing_lines(results),
        *line_table(results),
        "",
        *bar_lines(results),
    ]


def run_table(results: Results, *, every_form: bool = False) -> list[str]:
    """Return a table of runs: time, memory, and scores of the vectors that count, or of all.

    Sets of which `FEWEST_UNKNOWN` of the pairs have an unknown word are there once more, over all
    pairs.
    """
    shown = results.shown()
    if not shown:
        return ["No run has been measured."]
    first = next(iter(shown.values()))[0]["quality"]
    scores: dict[str, Any] = next(iter(first.values()))
    known = [name for name in scores["known"] if name != "mean"]
    pairs = [name for name in scores["all pairs"] if _has_unknown(shown, name)]
    headings = ["run", "seeds", "wall s", "CPU s", "peak MiB", "vectors", "mean", *known]
    headings += [f"{name}, all pairs" for name in pairs]
    lines = [_row(headings), "|---" * len(headings) + "|"]
    for name, records in shown.items():
        wall, cpu = (
            statistics.median(record[key] for record in records) for key in ("wall_s", "cpu_s")
        )
        peak = max(record["peak_bytes"] for record in records) / 2**20
        cost = [str(len(records)), f"{wall:.1f}", f"{cpu:.1f}", f"{peak:,.0f}"]
        for form in records[0]["quality"] if every_form else [best_form(records)]:
            of_form = [record["quality"][form] for record in records]
            cells = [
                mean_and_spread([each["known"].get(test) for each in of_form])
                for test in ("mean", *known)
            ]
            cells += [
                mean_and_spread([each["all pairs"][test] for each in of_form]) for test in pairs
            ]
            lines.append(_row([name, *cost, form, *cells]))
    return lines


def _has_unknown(shown: dict[str, list[dict[str, Any]]], pairs: str) -> bool:
    """Return whether enough pairs of a set have unknown words for a column of its own."""
    known, total = next(iter(shown.values()))[0]["covered"][pairs]
    return bool(total - known >= FEWEST_UNKNOWN * total)


def line_table(results: Results) -> list[str]:
    """Return a table of each family's best line: what its runs reach, quickest first."""
    found = points(results)
    lines = ["| trainer | run | vectors | wall s | mean |", "|---" * 5 + "|"]
    for family, title in ((name, each.title) for name, each in FAMILIES.items()):
        for point in envelope(each for each in found if each.family == family):
            cells = [title, point.run, point.form, f"{point.seconds:.1f}", _quality(point)]
            lines.append(_row(cells))
    return lines if len(lines) > 2 else ["No run has a mean over all test sets."]


def _quality(point: Point) -> str:
    return f"{point.quality:.3f}" + (f" ±{point.spread:.3f}" if point.spread is not None else "")


def bar_lines(results: Results) -> list[str]:
    """Return each bar, whether it is met, and by how much."""
    lines = [
        f"- {bar.name}: **{_OUTCOMES[bar.is_met]}**. {bar.why}" for bar in bars(points(results))
    ]
    if results.missing():
        lines.append("- Runs are missing; the bars are those of what is there.")
    return lines


def missing_lines(results: Results) -> list[str]:
    """Return a paragraph that names the runs that were planned and are not there; or nothing."""
    missing = results.missing()
    if not missing:
        return []
    by_seeds: dict[tuple[int, ...], list[str]] = {}
    for name, seeds in missing.items():
        by_seeds.setdefault(tuple(seeds), []).append(name)
    told = [
        f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))} of {', '.join(names)}"
        for seeds, names in by_seeds.items()
    ]
    return [f"Not measured: {'; '.join(told)}.", ""]


def notes(results: Results) -> list[str]:
    """Return the lines that say what the figures are of."""
    content, shown = results.content, results.shown()
    records = [record for of_run in shown.values() for record in of_run]
    lines = [f"{content['title']}. {_machines(records)}"]
    if records:
        covered = [f"{known:,} of {total:,} of {name}"
                   for name, (known, total) in records[0]["covered"].items()]  # fmt: skip
        lines.append(f"The vocabulary covers {', '.join(covered)}.")
    lines += [_made(shown, name) for name in _sets_with_unknown(shown)]
    states = {record["sources"] for record in records if FAMILIES[record["family"]].is_ours}
    if len(states) > 1:
        lines.append(f"Runs of fastw2v are of {len(states)} states of its sources.")
    if results.left_out():
        lines.append(f"{results.left_out()} run(s) of other settings are in the file, not here.")
    return lines + notes_of_runs(results)


def notes_of_runs(results: Results) -> list[str]:
    """Return what was noted of single runs when they were made, a line for each note."""
    by_note: dict[str, list[str]] = {}
    for name, records in results.shown().items():
        for note in dict.fromkeys(record["note"] for record in records if "note" in record):
            by_note.setdefault(note, []).append(name)
    return [f"{', '.join(names)}: {note}." for note, names in by_note.items()]


def _sets_with_unknown(shown: dict[str, list[dict[str, Any]]]) -> list[str]:
    made = next(iter(shown.values()))[0]["made"] if shown else {}
    return [name for name in made if _has_unknown(shown, name)]


def _made(shown: dict[str, list[dict[str, Any]]], pairs: str) -> str:
    """Return the line that says for how many pairs n-grams make vectors."""
    most: dict[str, int] = {}
    for records in shown.values():
        family, made = records[0]["family"], records[0]["made"][pairs]
        if made:
            most[family] = max(most.get(family, 0), made)
    known, total = next(iter(shown.values()))[0]["covered"][pairs]
    told = [f"{FAMILIES[family].title} for {made:,}" for family, made in most.items()]
    by_whom = f"; vectors by n-grams have {', '.join(told)}" if told else ""
    return f"{total - known:,} of {total:,} pairs of {pairs} have an unknown word{by_whom}."


def _machines(records: Sequence[dict[str, Any]]) -> str:
    """Return where it was measured; what the machines or their programs differ in comes apart."""
    if not records:
        return ""
    named: dict[str, list[str]] = {}
    for record in records:
        for name, value in record["machine"].items():
            if value not in named.setdefault(name, []):
                named[name].append(value)
    told = ", ".join(f"{name} {' and '.join(values)}" for name, values in named.items())
    return f"{told}.{_of_other_machines(records)}"


def _of_other_machines(records: Sequence[dict[str, Any]]) -> str:
    """Return which runs are of another machine than most, with a warning; nothing of one alone."""
    by_machine: dict[str, list[str]] = {}
    for record in records:
        machine = f"{record['machine']['cpu']}, {record['machine']['cores']} cores"
        by_machine.setdefault(machine, []).append(record["run"])
    _, *others = sorted(by_machine.items(), key=lambda item: -len(item[1]))
    if not others:
        return ""
    told = "".join(f" On {machine}: {', '.join(dict.fromkeys(runs))}." for machine, runs in others)
    return f" Times are of more than one machine and cannot be compared.{told}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
