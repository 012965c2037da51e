"""Write BENCHMARKS.md from the figures in bench/results.

    python bench/write_benchmarks.py

Every number in it comes from a JSON file that one of the benchmarks wrote with ``--json``.
"""

import json
import statistics
from pathlib import Path
from typing import Any

from bench_against_rivals import summarise
from bench_gpu import section as gpu_section
from bench_memory import import_lines, peak_lines, stage_lines
from bench_negative_sampling import summarise as streams_table
from bench_objectives import PARTS as OBJECTIVES
from bench_precision import table as precision_table
from commands import run_command
from quality.frontier import envelope, points
from quality.layout import bar_lines, missing_lines, notes, notes_of_runs, run_table
from quality.picture import draw
from quality.plan import FAMILIES
from quality.results import Results

HERE = Path(__file__).parent
RESULTS = HERE / "results"
OUT = HERE.parent / "BENCHMARKS.md"
README = HERE.parent / "README.md"
GUIDE = HERE.parent / "docs" / "objectives.md"

INTRODUCTION = """# Benchmarks

Written by `python bench/write_benchmarks.py` from bench/results; not edited by hand. The machines
are shared and noisy: ratios within a table count, absolute times do not. bench/README.md says how
to repeat each table.

Wall time is from the start of the process to the end of training: imports, reading, vocabulary,
counting and training. Every run is a process of its own, runs alternate, and each round has another
seed. Quality is Spearman's rho on WordSim-353 and SimLex-999, and the accuracy on the Google
analogies among the 50,000 most frequent words; ± is the standard deviation over rounds.
`fastw2v:5` is fastw2v with 5 epochs, its other settings being the defaults; so are the rivals',
which subsample at 1e-3 where fastw2v does at 1e-5 (and widens its windows as subsampling at 1e-3
does). english-large holds WordNet and Webster's,
which define the very words of the similarity sets: its scores compare trainers, not corpora.

fastw2v's defaults (epochs, subsampling, rates, the spectral start) were chosen by these scores on
nearly these corpora; the rivals ran with their own defaults, untuned. Read the quality columns with
that in mind: another corpus or test set may order them differently.
"""


HEADLINE = """## In short

On 2.1 M tokens of English, two cores, everything included (start, reading, counting, training),
against gensim 4.4 with two workers; means of three seeds, in + out vectors or in vectors, whichever
are better:

"""
CAVEATS = """
    python corpora/english.py small
    python bench/bench_against_rivals.py corpora/english-small.txt \\
        --runs gensim:5 gensim:20 fastw2v:3 fastw2v:5

Size, window and min_count are the same, the rest are each trainer's defaults; fastw2v's were chosen
by these test sets on nearly this corpus, gensim's were not. With `sample=1e-4` gensim's 20 epochs
get better than all of these (below); its 5 do not. fastw2v's own negative sampling with these
settings gets better, too, in about the time of 5 exact epochs (docs/objectives.md has the curves).
Kernels were compiled before. The first run ever on a machine also compiles them, and reports that
time separately; `fastw2v compile` does it in advance, for example in the image of a container.
"""
QUALITY = """## Quality against time, all tuned

`python bench/bench_quality.py train CORPUS --json bench/results/quality-NAME.json`: every trainer
at the settings that it is tuned over, not at its defaults. "mean" is over the test sets, of pairs
of known words; "all pairs" has unknown words too, by vectors of their n-grams or cosine 0. A row
has the vectors that count: of fastw2v those that are handed out unasked, of a rival the best of its
forms (in, in+out, with their mean taken off, both side by side). In the pictures a line is the best
that a trainer reaches in so much time, faint points are its other runs.
"""


def machine_line(record: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in record["machine"].items())


def rivals_section(path: Path) -> list[str]:
    record = json.loads(path.read_text())
    results = record["results"]
    rivals = [r["run"] for r in results if not r["run"].startswith("fastw2v")]
    rounds = len({result["seed"] for result in results})
    lines = [f"## {path.stem}: {record['title']}", ""]
    lines += [
        f"Ratios of wall time are to {rivals[0]}; {rounds} round(s). {machine_line(record)}.",
        "",
    ]
    lines += summarise(results, rivals[0])
    lines += ["", "fastw2v-cold compiles all kernels first, as the first run ever does."] * any(
        r["run"].startswith("fastw2v-cold") for r in results
    )
    lines += ["", "Seconds within fastw2v, medians:", "", "| run | reading | counting | training |"]
    lines.append("|---|---|---|---|")
    for spec in dict.fromkeys(r["run"] for r in results if "count_s" in r):
        rows = [r for r in results if r["run"] == spec]
        stages = [statistics.median(r[name] for r in rows) for name in STAGES]
        lines.append(f"| {spec} | " + " | ".join(f"{seconds:.2f}" for seconds in stages) + " |")
    lines += ["", "Loss of each epoch, nats a weighted pair, mean over rounds:", ""]
    for spec in dict.fromkeys(r["run"] for r in results if "epoch_losses_nats" in r):
        curves = [r["epoch_losses_nats"] for r in results if r["run"] == spec]
        means = [statistics.mean(losses) for losses in zip(*curves, strict=True)]
        lines.append(f"- {spec}: " + ", ".join(f"{loss:.3f}" for loss in means))
    return [*lines, ""]


STAGES = ("read_s", "count_s", "train_s")


def precision_section(path: Path) -> list[str]:
    record = json.loads(path.read_text())
    lines = ["## Precision", "", f"{record['corpus']}. {machine_line(record)}.", ""]
    lines += ["| words | dimensions | rows | precision | step ms | speed, float32 = 1 |"]
    lines.append("|---|---|---|---|---|---|")
    for step in record["steps"]:
        shape = f"{step['words']:,} | {step['dimensions']} | {step['rows']}"
        for name, step_s in step["step_s"].items():
            lines.append(f"| {shape} | {name} | {step_s * 1e3:.1f} | {step['speed'][name]:.2f} |")
    lines += ["", "Loss in nats a pair, always computed in float32; a twentieth held out.", ""]
    return [*lines, *precision_table(record["results"]), ""]


def fasttext_section(path: Path) -> list[str]:
    record = json.loads(path.read_text())
    results = record["results"]
    ratio = results["fastw2v"]["pairs_per_s"] / results["fastText"]["pairs_per_s"]
    lines = ["## The exact loss by fastText's softmax", ""]
    lines += [
        f"{record['words']:,} words, {record['pairs']:,.0f} window pairs; pairs/s, fastw2v to "
        f"fastText: {ratio:,.0f}. {machine_line(record)}.",
        "",
        "| trainer | epochs | seconds | pairs/s | loss, nats a pair |",
        "|---|---|---|---|---|",
    ]
    for name, r in results.items():
        figures = f"{r['seconds']:.2f} | {r['pairs_per_s']:,.0f} | {r['loss_nats']:.3f}"
        lines.append(f"| {name} | {r['epochs']} | {figures} |")
    return [*lines, ""]


def formats_section(path: Path) -> list[str]:
    record = json.loads(path.read_text())
    lines = ["## Vectors as text", ""]
    lines += [
        f"word2vec's text format, {record['words']:,} words of {record['dimensions']} dimensions, "
        f"not in the system's cache. {machine_line(record)}.",
        "",
        "| | gensim s | fastw2v s | times as fast |",
        "|---|---|---|---|",
    ]
    for step, by_rival in record["seconds"].items():
        medians = " | ".join(
            f"{statistics.median(by_rival[rival]):.1f}" for rival in ("gensim", "fastw2v")
        )
        lines.append(f"| {step} | {medians} | {record['times_gensim'][step]:.1f} |")
    return [*lines, ""]


def memory_section(path: Path) -> list[str]:
    """Return the tables of peak memory of whole processes."""
    record = json.loads(path.read_text())
    settings = ", ".join(f"{name} {value}" for name, value in record["settings"].items())
    return [
        "## Memory of whole processes",
        "",
        "`python bench/bench_memory.py`: training from the command line to the saved model, and "
        "gensim in a process that imports nothing else. Peaks are the largest over rounds; of it "
        "files: pages of programs and libraries, which the system shares and can drop. gensim has "
        "one epoch. "
        f"{settings}. "
        f"{machine_line(record)}.",
        "",
        *peak_lines(record["results"]),
        "",
        "The most memory within each stage, MiB:",
        "",
        *stage_lines(record["results"]),
        "",
        "A process that only imports:",
        "",
        *import_lines(record["imports"]),
        "",
    ]


STREAMS = {
    "streams-small": "english-small, quality over the rounds",
    "streams-scaling": "english-small, one and two workers",
    "streams-large": "english-large, time alone",
    "streams-large-quality": "english-large, skip-gram with negative sampling",
}


def streams_section() -> list[str]:
    """Return the tables of training on running text against gensim and word2vec.c."""
    lines = ["## Negative sampling and hierarchical softmax, on running text", ""]
    lines += [
        "`python bench/bench_negative_sampling.py`: equal settings, seconds of training alone, "
        "quality of the in vectors. `fastw2v-pairs` draws noise words for every pair, as the "
        "rivals do (`--no-negatives-shared`).",
        "",
    ]
    for name, title in STREAMS.items():
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        record = json.loads(path.read_text())
        results = record["results"]
        rounds = len({result["seed"] for result in results})
        epochs = results[0]["epochs"]
        lines += [f"### {title}", ""]
        lines += [f"{rounds} round(s) of {epochs} epoch(s). {machine_line(record)}.", ""]
        lines += [*streams_table(results, record["tokens"]), ""]
    return lines


def objectives_tables() -> dict[str, list[str]]:
    """Return the tables of docs/objectives.md by name, as far as they were measured."""
    tables = {}
    for path in sorted(RESULTS.glob("objectives-*.json")):
        record = json.loads(path.read_text())
        name = path.stem.removeprefix("objectives-")
        part = name.split("-")[0]
        lines = [f"{record['corpus']}, {machine_line(record)}.", ""]
        tables[name] = [*lines, *OBJECTIVES[part][1](record["results"])]
    return tables


def put(document: Path, tables: dict[str, list[str]]) -> None:
    """Put tables between their marks in a document."""
    text = document.read_text()
    for name, lines in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        head, rest = text.split(begin)
        _, tail = rest.split(end)
        text = "\n".join([head + begin, "", *lines, "", end + tail])
    document.write_text(text)
    print(document.name)


def headline() -> list[str]:
    """Return a short table: each run's better vectors against gensim's 5 epochs."""
    results = json.loads((RESULTS / "english-small.json").read_text())["results"]
    runs = {
        "gensim:5": "gensim, 5 epochs",
        "gensim:20": "gensim, 20 epochs",
        "fastw2v:3": "fastw2v, 3 epochs",
        "fastw2v:5": "fastw2v, 5 epochs",
    }
    base = statistics.median(r["wall_s"] for r in results if r["run"] == "gensim:5")
    lines = ["| | wall time, gensim 5 epochs = 1 | WordSim-353 | SimLex-999 | analogies | mean |"]
    lines.append("|---" * 6 + "|")
    for run, name in runs.items():
        rows = [r for r in results if r["run"] == run]
        wall = statistics.median(r["wall_s"] for r in rows) / base
        means = {
            table: [statistics.mean(r["quality"][table][test] for r in rows) for test in tests]
            for table, tests in rows[0]["quality"].items()
        }
        best = max(means.values(), key=lambda scores: scores[-1])
        lines.append(f"| {name} | {wall:.2f} | " + " | ".join(f"{x:.3f}" for x in best) + " |")
    return lines


def growth_section(path: Path) -> list[str]:
    record = json.loads(path.read_text())
    lines = ["## Growth: the time of an epoch", "", f"{machine_line(record)}.", ""]
    if (HERE / "results" / "growth.svg").exists():
        lines += ["![time of an epoch](bench/results/growth.svg)", ""]
    lines += ["| words | dimensions | tokens | counting s | an epoch s |", "|---|---|---|---|---|"]
    for point in record["words"]:
        lines.append(f"| {point['words']:,} | 100 | | | {point['epoch_s']:.2f} |")
    for point in record["dimensions"]:
        lines.append(f"| 20,000 | {point['dimensions']} | | | {point['epoch_s']:.2f} |")
    for point in record["tokens"]:
        cells = f"{point['tokens']:,} | {point['count_s']:.2f} | {point['epoch_s']:.2f}"
        lines.append(f"| 20,000 | 100 | {cells} |")
    return [*lines, ""]


def quality_files() -> dict[Path, Results]:
    """Return what bench_quality.py has measured, by the picture's file, smaller texts first."""
    found = [Results.read(path) for path in RESULTS.glob("quality-*.json")]
    found = [results for results in found if points(results)]
    found.sort(key=lambda results: results.content["corpus"]["bytes"])
    return {results.path.with_suffix(".svg"): results for results in found}


def quality_section(files: dict[Path, Results]) -> list[str]:
    lines = [*QUALITY.splitlines(), ""] if files else []
    for picture, results in files.items():
        title = results.content["title"]
        lines += [f"### {title}", "", f"![quality against time, {title}]({linked(picture)})", ""]
        lines += [*notes(results), "", *missing_lines(results), *run_table(results), ""]
        lines += ["What fastw2v is to reach:", "", *bar_lines(results), "", *seeds_section(results)]
    return lines


def seeds_section(results: Results) -> list[str]:
    """Return runs of more seeds that are kept apart, as they are of another machine; or nothing."""
    path = results.path.with_name(results.path.name.replace("quality-", "seeds-"))
    if not path.exists():
        return []
    apart = Results.read(path)
    heading = "More seeds of the runs that decide, on another machine:"
    return [heading, "", *notes(apart), "", *run_table(apart), ""]


def quality_summary(files: dict[Path, Results]) -> list[str]:
    """Return README's picture and the end of each trainer's line, of every text."""
    lines: list[str] = []
    for picture, results in files.items():
        title, found = results.content["title"], points(results)
        lines += [f"![quality against time, {title}]({linked(picture)})", ""]
        lines += [f"| {title} | its best run | wall s | mean of the test sets |", "|---" * 4 + "|"]
        for name, family in FAMILIES.items():
            for point in envelope(each for each in found if each.family == name)[-1:]:
                cells = f"{point.run} | {point.seconds:.1f} | {point.quality:.3f}"
                lines.append(f"| {family.title} | {cells} |")
        lines += [""]
        lines += [line for note in notes_of_runs(results) for line in (note, "")]
        n_missing = sum(map(len, results.missing().values()))
        if n_missing:
            lines += [f"Not measured: {n_missing} of the runs, which BENCHMARKS.md names.", ""]
    return lines[:-1]


def linked(path: Path) -> str:
    return path.relative_to(HERE.parent).as_posix()


def main() -> None:
    lines = [INTRODUCTION, HEADLINE + "\n".join(headline()) + "\n" + CAVEATS]
    files = quality_files()
    for picture, results in files.items():
        draw(points(results), picture, results.content["title"])
    lines += quality_section(files)
    for path in sorted(RESULTS.glob("english-*.json")) + sorted(RESULTS.glob("wiki*.json")):
        lines += rivals_section(path)
    precision = RESULTS / "precision.json"
    if precision.exists():
        lines += precision_section(precision)
    fasttext = RESULTS / "fasttext-softmax.json"
    if fasttext.exists():
        lines += fasttext_section(fasttext)
    formats = RESULTS / "formats.json"
    if formats.exists():
        lines += formats_section(formats)
    lines += streams_section()
    memory = RESULTS / "memory.json"
    if memory.exists():
        lines += memory_section(memory)
    growth = RESULTS / "growth.json"
    if growth.exists():
        lines += growth_section(growth)
    lines += gpu_section(RESULTS / "gpu.json")
    OUT.write_text("\n".join(lines).rstrip() + "\n")
    print(OUT.name)
    put(GUIDE, objectives_tables())
    put(README, {"quality": quality_summary(files)})


if __name__ == "__main__":
    run_command(main)
