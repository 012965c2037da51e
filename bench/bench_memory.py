r"""Peak memory of whole processes that train, by stage, beside gensim's.

    python bench/bench_memory.py english-small=corpora/english-small.txt \
        english-large=corpora/english-large.txt [--rounds 3] [--json bench/results/memory.json]

Trains on each corpus from the command line (``fastw2v train``, its defaults but for min_count and
workers; and with ``--inputs subwords``), and by a script that imports nothing but gensim: its
Word2Vec on a LineSentence, skip-gram, of the same dimensions, min_count and workers, saved at the
end. gensim trains one epoch, as its memory does not depend on them (that of fastw2v does not from
two on, see ``--epochs``). Peak memory is what the system says of each process (Linux's VmHWM), read
until it ends. Stages are those that ``--log-json`` tells of; memory within one is the most that was
seen every few milliseconds. fastw2v trains on a few lines before anything is measured, so that its
kernels are on disk; what a process takes that compiles them is measured apart (``--cold``).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from commands import run_command
from machine import describe_machine, unpin_blas

GENSIM = """
import sys
from gensim.models.word2vec import LineSentence, Word2Vec
corpus, target, vector_size, min_count, workers, seed = sys.argv[1:]
model = Word2Vec(
    LineSentence(corpus), sg=1, epochs=1, vector_size=int(vector_size),
    min_count=int(min_count), workers=int(workers), seed=int(seed),
)
model.save(target)
"""
RUNS = {"fastw2v": (), "fastw2v subwords": ("--inputs", "subwords")}
EVERY_S = 0.004
FEW_LINES = 2_000
MIB = 2**20


def status_bytes(pid: int) -> dict[str, int]:
    """Return what the system says of a process's memory; nothing of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines if line.startswith(("VmHWM", "VmRSS", "RssFile")))
    return {name.rstrip(":"): int(size) * 1024 for name, size, _ in fields}


class Stages:
    """Which stage a process is in, by the events that it writes."""

    def __init__(self) -> None:
        self.now = "imports"

    def take(self, line: str) -> None:
        """Look at one line of ``--log-json``."""
        event = json.loads(line)
        if event["event"] == "stage":
            self.now = event["stage"]
        elif event["event"] == "step":
            ended = event["step"] == event["steps"]
            self.now = "final loss, saving" if ended else "training"


def measured(command: list[str], environment: dict[str, str], stages: Stages | None) -> Any:
    """Run a process; return its peak, the peak of each stage, and its seconds."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    errors: list[str] = []

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            errors.append(line)
            if stages is not None and line.startswith("{"):
                stages.take(line)

    reader = threading.Thread(target=read)
    reader.start()
    peak, file_bytes, by_stage = 0, 0, dict[str, int]()
    while process.poll() is None:
        found = status_bytes(process.pid)
        if "VmHWM" in found:
            peak, file_bytes = found["VmHWM"], max(file_bytes, found["RssFile"])
            if stages is not None:
                by_stage[stages.now] = max(by_stage.get(stages.now, 0), found["VmRSS"])
        time.sleep(EVERY_S)
    reader.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)[:200]}: {''.join(errors)[-2000:]}")
    return {
        "peak_bytes": peak,
        "file_bytes": file_bytes,
        "stages": by_stage,
        "wall_s": time.perf_counter() - started,
    }


def trainers(
    corpus: Path, options: argparse.Namespace, folder: Path
) -> dict[str, Callable[[int, dict[str, str]], Any]]:
    """Return what trains on a corpus once, by name; each is given a seed and an environment."""
    number = iter(range(10**6))

    def ours(more: tuple[str, ...]) -> Callable[[int, dict[str, str]], Any]:
        def run(seed: int, environment: dict[str, str]) -> Any:
            command = [sys.executable, "-m", "fastw2v", "train", str(corpus), "--log-json"]
            command += ["--output", str(folder / f"model-{next(number)}"), "--seed", str(seed)]
            for name in ("vector_size", "min_count", "workers", "epochs"):
                command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
            return measured([*command, *more], environment, Stages())

        return run

    def gensim(seed: int, environment: dict[str, str]) -> Any:
        values = (options.vector_size, options.min_count, options.workers, seed)
        target = folder / f"gensim-{next(number)}"
        arguments = [str(corpus), str(target), *map(str, values)]
        return measured([sys.executable, "-c", GENSIM, *arguments], environment, None)

    return {name: ours(more) for name, more in RUNS.items()} | {"gensim": gensim}


def compile_kernels(
    corpus: Path, options: argparse.Namespace, folder: Path, environment: dict[str, str]
) -> None:
    """Train on the first lines, so that kernels are on disk."""
    few = folder / "few.txt"
    with corpus.open("rb") as file:
        few.write_bytes(b"".join(islice(file, FEW_LINES)))
    asked = argparse.Namespace(**{**vars(options), "min_count": 1})
    ways = trainers(few, asked, folder)
    for run in options.runs:
        if run != "gensim":
            ways[run](0, environment)


def baseline(environment: dict[str, str]) -> dict[str, int]:
    """Return the memory of a process that has only imported something, by what it is."""
    found = {}
    for name, module in {
        "Python": "sys",
        "numpy": "numpy",
        "Numba": "numba",
        "fastw2v, all that `train` imports": "fastw2v.model, fastw2v.cli.commands.train",
        "gensim": "gensim.models.word2vec",
    }.items():
        code = f"import {module}; print(open('/proc/self/status').read())"
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        line = next(line for line in done.stdout.splitlines() if line.startswith("VmHWM"))
        found[name] = int(line.split()[1]) * 1024
    return found


def peak_lines(results: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown table of peaks: the largest of the rounds, and its ratio to gensim's."""
    lines = ["| corpus | run | peak MiB | gensim = 1 | of it files |", "|---" * 5 + "|"]
    for corpus in dict.fromkeys(result["corpus"] for result in results):
        of_corpus = [result for result in results if result["corpus"] == corpus]
        theirs = [r["peak_bytes"] for r in of_corpus if r["run"] == "gensim"]
        for run in dict.fromkeys(result["run"] for result in of_corpus):
            rows = [result for result in of_corpus if result["run"] == run]
            peak = max(row["peak_bytes"] for row in rows)
            ratio = f"{peak / max(theirs):.2f}" if theirs else "-"
            files = max(row["file_bytes"] for row in rows) / MIB
            lines.append(f"| {corpus} | {run} | {peak / MIB:.0f} | {ratio} | {files:.0f} |")
    return lines


def stage_lines(results: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown table of the most memory within each stage, in MiB."""
    staged = [result for result in results if result["stages"]]
    names = list(dict.fromkeys(name for result in staged for name in result["stages"]))
    lines = ["| corpus | run | " + " | ".join(names) + " |", "|---" * (2 + len(names)) + "|"]
    for corpus, run in dict.fromkeys((result["corpus"], result["run"]) for result in staged):
        rows = [r["stages"] for r in staged if (r["corpus"], r["run"]) == (corpus, run)]
        cells = [f"{max(row.get(name, 0) for row in rows) / MIB:.0f}" for name in names]
        lines.append(f"| {corpus} | {run} | " + " | ".join(cells) + " |")
    return lines


def import_lines(imports: dict[str, int]) -> list[str]:
    """Return a Markdown table of what imports take."""
    lines = ["| imported | MiB |", "|---|---|"]
    return lines + [f"| {name} | {size / MIB:.0f} |" for name, size in imports.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", metavar="NAME=CORPUS")
    parser.add_argument("--runs", nargs="+", default=[*RUNS, "gensim"], choices=[*RUNS, "gensim"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=5, help="of fastw2v")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cold", action="store_true", help="once more, compiling all kernels")
    parser.add_argument("--json", type=Path, help="where to write every run's figures")
    parser.add_argument("--add", action="store_true", help="to those that are there")
    options = parser.parse_args()
    if not Path("/proc/self/status").exists():
        sys.exit("memory: expected a system with /proc, got none; run it on Linux")
    unpin_blas()
    environment, results = dict(os.environ), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for text in options.corpora:
            corpus, _, path = text.partition("=")
            ways = trainers(Path(path), options, folder)
            chosen = {run: ways[run] for run in options.runs}
            compile_kernels(Path(path), options, folder, environment)
            for seed in range(1, options.rounds + 1):
                for run, train in chosen.items():
                    results.append({"corpus": corpus, "run": run, **train(seed, environment)})
                    shown = results[-1]["peak_bytes"] // MIB
                    print(f"{corpus}, {run}: {shown} MiB", file=sys.stderr, flush=True)
            if options.cold:
                empty = {"NUMBA_CACHE_DIR": tempfile.mkdtemp(dir=folder)}
                cold = ways["fastw2v"](1, environment | empty)
                results.append({"corpus": corpus, "run": "fastw2v, compiling", **cold})
    record = {"machine": describe_machine("gensim"), "imports": baseline(environment)}
    if options.add:
        results = json.loads(options.json.read_text())["results"] + results
    names = ("vector_size", "min_count", "workers", "epochs")
    settings = {name: getattr(options, name) for name in names}
    record |= {"settings": settings, "results": results}
    print(", ".join(f"{name} {value}" for name, value in record["machine"].items()))
    for lines in (peak_lines(results), stage_lines(results), import_lines(record["imports"])):
        print("\n".join(["", *lines]))
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
