"""Quality against time: this package and its rivals, each tuned, on one text.

    python bench/bench_quality.py train CORPUS --json bench/results/quality-NAME.json \
        --pairs RW=rw.txt --pairs MTurk=mturk.txt [--only NAME ...] [--seeds 1 2 3]
    python bench/bench_quality.py show bench/results/quality-NAME.json [--forms] [--plot OUT.svg]

`train` runs every trainer at the settings that it is tuned over, each in a process of its own and
in turn, seed after seed: gensim, word2vec.c and fastText (with its subwords) at 5 and 20 epochs,
subsampling at 1e-3 and 1e-4; this package's exact softmax, with subwords too, after more and more
epochs; its negative sampling, CBOW and hierarchical softmax as the rivals. --add gives any of them
another run: ``--add 'negative={"epochs": 20, "sample": 1e-4, "ns_exponent": 0.5}'``. What finishes
is written to --json at once, and what is there (the same settings, text and seed) is not run again,
so that the command can be stopped and started. --dry-run says what it would do.

Time is that of the whole process until training ends: imports, reading and counting included.
Quality is the mean over test sets: Spearman's rho on WordSim-353, SimLex-999 and every --pairs over
pairs of known words, accuracy on the Google analogies. Of a rival's vectors the best form counts
(in, in + out, each with its mean taken off; both of length 1 side by side), of ours the one that is
handed out unasked. Columns "all pairs" have unknown words, too: with vectors of their n-grams, or
cosine 0.

`show` lays out what a file has: runs, best lines, and the bars. Both print what is missing.
"""

import argparse
import hashlib
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands import run_command
from machine import describe_machine, unpin_blas
from quality.frontier import points
from quality.layout import document
from quality.measuring import TestSets, forms, scores_of, warm_up
from quality.options import add_training, base_request
from quality.picture import draw, require_drawable
from quality.plan import FAMILIES, PlannedRun, added, chosen, tuned
from quality.results import Results, locked

import fastw2v
from fastw2v.cli.manual import EXIT_DONE, EXIT_INTERRUPTED
from fastw2v.comparison.rivals import RIVALS
from fastw2v.comparison.runs import train_once
from fastw2v.comparison.stored import StoredVectors
from fastw2v.errors import CorpusError, FastW2VError
from fastw2v.system.files import require_writable
from fastw2v.system.manifests import file_description
from fastw2v.version import VERSION

LEFT_OUT = ("loss", "settings", "epoch_losses_nats")  # what a record does not need


def planned(options: argparse.Namespace, folder: Path) -> tuple[list[PlannedRun], list[PlannedRun]]:
    """Return every run of a whole table, and those that are wanted now; what is added is."""
    base = replace(base_request(options, folder), window=options.window)
    runs = tuned(base, epochs=options.epochs, samples=options.samples)
    more = {run.name: run for run in (added(base, text) for text in options.add)}
    runs = [run for run in runs if run.name not in more] + list(more.values())
    wanted = chosen(runs, options.only)
    return runs, wanted + [run for run in more.values() if run not in wanted]


def named(options: argparse.Namespace) -> str:
    """Return a title of what is trained on, and with what in common."""
    numbers = f"min_count {options.min_count}, {options.vector_size} dimensions"
    return f"{options.corpus.stem}: {numbers}, window {options.window}"


def described(corpus: Path) -> dict[str, Any]:
    """Return what tells a text from another.

    Raises
    ------
    CorpusError
        If it cannot be read.
    """
    try:
        return file_description(corpus)
    except OSError as error:
        raise CorpusError(f"{corpus}: cannot be read ({error.strerror})") from error


def state_of_sources() -> str:
    """Return a digest of this package's own sources, which figures of ours depend on."""
    folder = Path(fastw2v.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def measured(run: PlannedRun, seed: int, sets: TestSets, workers: int) -> dict[str, Any]:
    """Train once and measure; the record has an "error" if either fails."""
    request = replace(run.request, seed=seed)
    request.vectors.unlink(missing_ok=True)  # nobody's else
    record = train_once(request)
    if "error" in record:
        return record
    try:
        stored = StoredVectors.read(request.vectors)
        found = {form: scores_of(table, sets, workers) for form, table in forms(stored).items()}
    except FastW2VError as error:  # vectors that are not finite, say
        return {"error": f"trained, but cannot be measured: {error}"}
    covered = [scores.pop("covered") for scores in found.values()]  # the same of every form
    by_ngrams = [scores.pop("made") for scores in found.values()]  # of one form, none of others
    made = {name: max(each[name] for each in by_ngrams) for name in by_ngrams[0]}
    kept = {name: value for name, value in record.items() if name not in LEFT_OUT}
    return kept | {"quality": _rounded(found), "covered": covered[0], "made": made}


def _rounded(value: Any) -> Any:
    """Return scores to six places: a file of them is read by people too."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 6) if isinstance(value, float) else value


def train(options: argparse.Namespace) -> int:
    """Run what is missing, then print what is there; return the exit status."""
    sets, seeds, status = TestSets.read(options.pairs), list(dict.fromkeys(options.seeds)), 0
    require_writable(options.json)
    if options.plot:
        require_drawable(options.plot)
    with tempfile.TemporaryDirectory() as name, locked(options.json):
        runs, wanted = planned(options, Path(name))
        results = Results.begin(
            options.json,
            title=options.title,
            corpus=described(options.corpus),
            sets=sets.digests(),
        )
        results.content["title"] = results.content["title"] or named(options)
        results.plan(runs, seeds)
        again = chosen(runs, options.again or [])
        sources = state_of_sources()
        todo = [
            (run, seed)
            for seed in seeds
            for run in wanted
            if run in again
            or not results.has(
                run, seed, sources if options.renew and FAMILIES[run.family].is_ours else None
            )
        ]
        say(f"{len(todo)} of {len(wanted) * len(seeds)} runs to do")
        if options.dry_run:
            print("\n".join(estimates(results, todo)))
            return 0
        results.write()
        try:
            status = perform(todo, results, sets, sources, options)
        except KeyboardInterrupt:
            say(f"stopped; what has finished is in {options.json}, the same command goes on")
            status = EXIT_INTERRUPTED
    show(results, options)
    return status


def perform(
    todo: Sequence[tuple[PlannedRun, int]],
    results: Results,
    sets: TestSets,
    sources: str,
    options: argparse.Namespace,
) -> int:
    """Run all, and return 1 if some failed."""
    ours = {run.family: run.request for run, _ in todo if FAMILIES[run.family].is_ours}
    with tempfile.TemporaryDirectory() as folder:
        warm_up(ours.values(), Path(folder))
    failed: dict[str, str] = {}
    for number, (run, seed) in enumerate(todo, 1):
        if run.name in failed:
            continue
        about = f"{number} of {len(todo)}: {run.name}, seed {seed}"
        record = measured(run, seed, sets, options.workers)
        if "error" in record:
            failed[run.name] = record["error"]
            if record.get("is_missing"):
                failed[run.name] += f"; to install it: {record['install']}"
            say(f"{about} failed: {failed[run.name]}")
            continue
        machine = describe_machine(RIVALS[run.request.trainer].package) | {"fastw2v": VERSION}
        about_it = {"machine": machine, "sources": sources}
        about_it |= {"note": options.note} if options.note else {}
        results.add(run, {"seed": seed, **record, **about_it})
        means = [scores["known"].get("mean") for scores in record["quality"].values()]
        best = max((mean for mean in means if mean is not None), default=None)
        told = f", best mean {best:.3f}" if best is not None else ""
        say(f"{about}: {record['wall_s']:.1f} s{told}")
    if failed:
        say(f"failed, and tried once more when started again: {', '.join(failed)}")
    return 1 if failed else 0


def estimates(results: Results, todo: Sequence[tuple[PlannedRun, int]]) -> list[str]:
    """Return what is to do, and how long it took with another seed."""
    shown, lines, total, unknown = results.shown(), [], 0.0, 0
    for run, seed in todo:
        walls = [record["wall_s"] for record in shown.get(run.name, [])]
        seconds = statistics.median(walls) if walls else None
        total, unknown = total + (seconds or 0), unknown + (seconds is None)
        lines.append(f"{run.name}, seed {seed}" + (f": {seconds:.0f} s" if seconds else ""))
    return [*lines, f"in all {total:.0f} s of training, and {unknown} run(s) of unknown length"]


def show(results: Results, options: argparse.Namespace) -> None:
    """Print the tables and draw the picture."""
    print("\n".join(document(results, every_form=options.forms)))
    if options.plot:
        draw(points(results), options.plot, results.content["title"])


def say(text: str) -> None:
    """Tell whoever waits."""
    print(text, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = made.add_subparsers(dest="command", required=True)
    run, shown = commands.add_parser("train"), commands.add_parser("show")
    add_training(run)
    run.add_argument("--json", type=Path, required=True, help="where finished runs are kept")
    run.add_argument("--only", nargs="+", metavar="NAME", help="runs, families, ours, rivals")
    run.add_argument("--again", nargs="+", metavar="NAME", help="runs to do though they are there")
    run.add_argument("--renew", action="store_true", help="ours that other sources gave: again")
    run.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    run.add_argument("--add", action="append", default=[], metavar="FAMILY=JSON", help="a run more")
    run.add_argument("--epochs", type=int, nargs="+", help="of all but the exact softmax")
    run.add_argument("--samples", type=float, nargs="+", help="of all but the exact softmax")
    run.add_argument("--window", type=int, default=5)
    run.add_argument("--note", help="what tables are to tell of these runs, as of a busy machine")
    run.add_argument("--dry-run", action="store_true", help="say what is to do, and do nothing")
    shown.add_argument("json", type=Path)
    for command in (run, shown):
        command.add_argument("--forms", action="store_true", help="all forms of the vectors")
        command.add_argument("--plot", type=Path, metavar="OUT.svg")
    return made


def main() -> int:
    options = parser().parse_args()
    if options.command == "show":
        show(Results.read(options.json), options)
        return EXIT_DONE
    unpin_blas()
    # A run that is ended, or whose terminal is closed, ends what it has started.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    return train(options)


if __name__ == "__main__":
    run_command(main)
