"""A million words: counts of a generated text, whole runs on them, and beside other objectives.

    python bench/bench_million.py --tokens 100_000_000 --distinct 2_000_000 --folder LARGE --rivals

A text is drawn by Zipf's law and counted. Then, each in a process of its own:

- the exact softmax with rare words sampled, from the counts: seconds of each stage, memory beside
  mapped files, the loss of a held-out text, and what a user does with the model by the command
  line: neighbours, evaluation, a page, files of other programs;
- this package's negative sampling on the same text, its loss after calibration on the held-out one;
- with --rivals the rate of gensim and word2vec.c (extra `rivals`) on the beginning of the text: two
  runs that differ by an epoch. From the rate follows what an epoch of the whole text takes them.

`--counts FOLDER` keeps counts, or takes those that are there; with `--negative-epochs 0` and
without `--rivals` they are all that is needed of the text. `--memory-mib` counts within that much
memory, as texts of 10^9 tokens need. The words of such a text are
independent of each other, so that no objective can be better than how often words come: these are
figures of time and memory, and losses only show that nothing went wrong.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench_distributed import write_zipf_text
from commands import run_command
from machine import header, unpin_blas

from fastw2v.comparison.clock import high_water_bytes
from fastw2v.comparison.requests import TrainingRequest
from fastw2v.comparison.runs import train_once
from fastw2v.config import CountingSettings
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.counts.folder import read_counts
from fastw2v.model import Word2Vec
from fastw2v.system.children import child_environment

EVERY_S = 0.02
DIGITS = 7  # of a word
HELD_OUT_SEED = 2
RIVALS = ("gensim", "word2vec")
FORMATS = ("word2vec", "word2vec-bin", "npz", "kv")


class Memory:
    """The most memory of this process that is no mapped file, and the most of each stage."""

    def __init__(self) -> None:
        self.peak = 0
        self.of_stage = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(EVERY_S):
            for text in Path("/proc/self/status").read_text().splitlines():
                if text.startswith("RssAnon"):
                    now = int(text.split()[1]) * 1024
                    self.peak, self.of_stage = max(self.peak, now), max(self.of_stage, now)

    def end(self) -> int:
        """Stop watching and return the peak, in bytes."""
        self._end.set()
        self._thread.join()
        return self.peak


class Stages:
    """Seconds of the clock and of all cores' CPU, and memory, stage by stage.

    A stage begins with its first report. What needs memory after its last one counts for the next.
    """

    def __init__(self, memory: Memory) -> None:
        self._seen = dict[str, list[float]]()
        self._memory = memory
        self._peaks = dict[str, int]()

    def report(self, stage: str, done: int, total: int | None) -> None:
        """Take note of a report of a stage's progress."""
        now = (time.perf_counter(), time.process_time())
        self._seen.setdefault(stage, [*now, *now])[2:] = now
        self._peaks[stage] = max(self._peaks.get(stage, 0), self._memory.of_stage)
        self._memory.of_stage = 0

    def figures(self) -> dict[str, tuple[float, float, int]]:
        """Return seconds of the clock and of CPU, and bytes."""
        return {
            name: (last_wall - wall, last_cpu - cpu, self._peaks[name])
            for name, (wall, cpu, last_wall, last_cpu) in self._seen.items()
        }


def trained(
    counts: Path | None, text: Path, held_out: Path, target: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Train in this process, on counts or by negative sampling on a text, and return figures."""
    memory, notices = Memory(), list[str]()
    stages = Stages(memory)
    began = (time.perf_counter(), time.process_time())
    shared = {"workers": options.workers, "vector_size": options.vector_size}
    told: dict[str, Any] = {"progress": stages.report, "notice": notices.append}
    told["callbacks"] = [lambda report: stages.report("training", 1, None)]
    if counts is not None:
        model = Word2Vec(rare_words="sampled", epochs=options.epochs, **shared)
        model.fit_counts(counts, **told)
    else:
        words = {"tokenizer": "whitespace", "min_count": 1, "max_final_vocab": options.words}
        model = Word2Vec(objective="negative", epochs=options.negative_epochs, **shared, **words)
        model.fit(text, **told)
    whole = (time.perf_counter() - began[0], time.process_time() - began[1])
    last_bytes, summary, peak_bytes = memory.of_stage, model.summary, memory.end()
    assert summary is not None
    model.save(target)
    began_s = time.perf_counter()
    found = model.perplexity(held_out)
    of_stages = stages.figures() | {"whole run": (*whole, peak_bytes)}
    return {
        "last_bytes": last_bytes,
        "stages": of_stages,
        "notices": notices,
        "n_words": len(model.vocabulary),
        "epoch_s": model.history[-1].elapsed_s / len(model.history),
        "loss": (summary.loss_nats, summary.loss_error_nats, summary.loss_rows),
        "held_out": (found.loss_nats, found.n_tokens, time.perf_counter() - began_s),
    }


def lines_of(name: str, made: dict[str, Any]) -> list[str]:
    """Return what to print of a run."""
    lines = [f"{name}: {made['n_words']:,} words, {made['epoch_s']:.1f} s an epoch"]
    lines += [f"  {sentence}" for sentence in made["notices"]]
    lines += [
        f"  {stage}: {wall:.1f} s, {cpu:.1f} CPU s, {size / 2**20:,.0f} MiB"
        for stage, (wall, cpu, size) in made["stages"].items()
    ]
    loss_nats, error_nats, n_rows = made["loss"]
    if n_rows:
        lines.append(f"  loss {loss_nats:.4f} ±{error_nats:.4f} over {n_rows:,} drawn rows")
    loss_nats, n_tokens, took_s = made["held_out"]
    lines.append(f"  held out: {loss_nats:.4f} nats over {n_tokens:,} tokens, in {took_s:.1f} s")
    lines.append(f"  {made['last_bytes'] / 2**20:,.0f} MiB after the last stage, for the vectors")
    return lines


def uses(model: Path, held_out: Path, folder: Path, options: argparse.Namespace) -> None:
    """Print what each thing that one does with a model takes, in a process of its own.

    Memory is the most that was resident, with what was mapped of files.
    """
    word = "0" * DIGITS
    page = ("--words", str(options.page_words), "--map", "pca", "-o", str(folder / "page.html"))
    commands = {
        "neighbors, the first time": ("neighbors", model, word),
        "neighbors": ("neighbors", model, word),
        "vectors of a word": ("vectors", model, word),
        "perplexity": ("perplexity", model, held_out),
        "eval": ("eval", model),
        f"report of {options.page_words:,} words": ("report", model, *page),
    }
    for form in FORMATS:
        commands[f"export to {form}"] = ("export", model, folder / "vectors", "--format", form)
    for name, command in commands.items():
        wall_s, cpu_s, size = cost_of(command)
        print(f"  {name}: {wall_s:.1f} s, {cpu_s:.1f} CPU s, {size / 2**20:,.0f} MiB", flush=True)
        for made in folder.glob("vectors*"):
            made.unlink()


def cost_of(arguments: Iterable[str | Path]) -> tuple[float, float, int]:
    """Return seconds of the clock and of CPU of a command, and the most bytes it had."""
    command = [sys.executable, "-m", "fastw2v", *map(str, arguments)]
    began_s, size = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, env=child_environment()
        )
        ended, status, used = os.wait4(child.pid, os.WNOHANG)
        while not ended:
            # Not ru_maxrss: a process inherits that of the one that started it.
            size = max(size, high_water_bytes(child.pid))
            time.sleep(EVERY_S)
            ended, status, used = os.wait4(child.pid, os.WNOHANG)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            sys.stderr.write(said.read())
            raise subprocess.CalledProcessError(child.returncode, command)
    return time.perf_counter() - began_s, used.ru_utime + used.ru_stime, size


def rates(text: Path, options: argparse.Namespace, folder: Path) -> None:
    """Print what an epoch of the text takes other trainers, by a rate on its beginning."""
    beginning = folder / "beginning.txt"
    with text.open("rb") as source:
        beginning.write_bytes(source.read(options.rival_tokens * (DIGITS + 1)))
    for trainer in RIVALS:
        took = []
        for epochs in (1, 2):
            record = train_once(
                TrainingRequest(
                    trainer=trainer,
                    corpus=beginning,
                    vectors=folder / "vectors.npz",
                    epochs=epochs,
                    vector_size=options.vector_size,
                    min_count=1,
                    workers=options.workers,
                )
            )
            if "error" in record:
                print(f"{trainer}: {record['error']}; to install: {record['install']}")
                break
            took.append(record["wall_s"])
        else:
            rate = options.rival_tokens / (took[1] - took[0])
            print(
                f"{trainer}: {rate:,.0f} tokens/s, so {options.tokens / rate:,.0f} s for an epoch "
                f"of {options.tokens:,} tokens (default settings, negative sampling)"
            )


def counts_of(text: Path, options: argparse.Namespace, folder: Path) -> Path:
    """Return counts of the text, made unless they are there."""
    target: Path = options.counts or folder / "counts"
    began_s, spent_s = time.perf_counter(), time.process_time()
    if not target.exists():
        settings = CountingSettings(
            tokenizer="whitespace", min_count=1, max_final_vocab=options.words
        )
        shards = ShardOptions(options.memory_mib) if options.memory_mib else None
        count_corpus(text, settings, target, workers=options.workers, shards=shards)
    took = (time.perf_counter() - began_s, time.process_time() - spent_s)
    corpus = read_counts(target)
    size = sum(each.stat().st_size for each in target.rglob("*") if each.is_file())
    print(
        f"{options.tokens:,} tokens, {len(corpus.vocabulary):,} words, "
        f"{corpus.counts.n_entries:,} pairs counted in {took[0]:.0f} s ({took[1]:.0f} CPU s), "
        f"{size / 2**30:.1f} GiB",
        flush=True,
    )
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=100_000_000)
    parser.add_argument("--distinct", type=int, default=2_000_000)
    parser.add_argument("--words", type=int, default=10**6)
    parser.add_argument("--counts", type=Path, help="counted already, or to be kept here")
    parser.add_argument("--memory-mib", type=int, help="of counting. Default: all in memory")
    parser.add_argument("--page-words", type=int, default=2_000, help="of the report")
    parser.add_argument("--held-out", type=int, default=20_000, help="tokens")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--negative-epochs", type=int, default=1, help="0: none is trained")
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--rival-tokens", type=int, default=5_000_000)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="for text and counts; removed afterwards")
    options = parser.parse_args()
    unpin_blas()
    print(header())
    needs_text = options.negative_epochs > 0 or options.rivals
    with tempfile.TemporaryDirectory(prefix="fastw2v-bench-", dir=options.folder) as name:
        folder = Path(name)
        text, held_out = folder / "text.txt", folder / "held-out.txt"
        if not (options.counts and options.counts.exists()) or needs_text:
            write_zipf_text(text, options.tokens, options.distinct, 1, digits=DIGITS)
        write_zipf_text(held_out, options.held_out, options.distinct, HELD_OUT_SEED, digits=DIGITS)
        runs: dict[str, Path | None] = {"sampled softmax": counts_of(text, options, folder)}
        if options.negative_epochs:
            runs["negative sampling"] = None
        for run, counts in runs.items():
            model = folder / run.replace(" ", "-")
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
                given = (counts, text, held_out, model, options)
                print("\n".join(lines_of(run, fresh.submit(trained, *given).result())), flush=True)
            if counts is not None:
                uses(model, held_out, folder, options)
        if options.rivals:
            rates(text, options, folder)


if __name__ == "__main__":
    run_command(main)
