"""Train in a loop in one process, and watch what it holds: memory, open files, threads, files.

    python -m bench.soak --minutes 30

A round trains every objective and model once, saves, loads, exports, asks for a perplexity, and
runs into an error or two: what people leave running overnight does all of that. After each round
the process's resident memory, open files, threads, and the files in its temporary folder are noted.

The rule: memory is flat if over the second half of the run the straight line through it (least
squares) rises by no more than --tolerance-mib, from the beginning of that half to its end. Open
files, threads and temporary files may not be more at the end of any round of the second half than
they were at its beginning. Exit status 1 if any of them grows.
"""

import argparse
import ctypes
import gc
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from fastw2v import Word2Vec
from fastw2v.errors import FastW2VError

CELLS = [(m, o) for m in ("skipgram", "cbow") for o in ("softmax", "negative", "hierarchical")]
FEWEST_ROUNDS = 8


@dataclass(frozen=True)
class Held:
    """What the process held after a round."""

    elapsed_s: float
    resident_mib: float
    open_files: int
    threads: int
    temporary_files: int


def held(started: float, folder: Path) -> Held:
    """Look at the process; `folder` is where temporary files go."""
    gc.collect()
    with suppress(OSError, AttributeError):  # glibc: what was freed goes back to the system
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Held(
        time.monotonic() - started,
        pages * os.sysconf("SC_PAGESIZE") / 2**20,
        len(list(Path("/proc/self/fd").iterdir())),
        max(threading.active_count(), len(list(Path("/proc/self/task").iterdir()))),
        len(list(folder.rglob("*"))),
    )


def write_corpus(path: Path, sentences: int, seed: int) -> None:
    """Write sentences of words of which some are frequent."""
    chance = random.Random(seed)
    words = [f"word{k}" for k in range(2000)]
    weights = [1 / (k + 1) for k in range(len(words))]
    with path.open("w") as file:
        for _ in range(sentences):
            file.write(" ".join(chance.choices(words, weights, k=20)) + "\n")


def one_round(corpus: Path, folder: Path, seed: int) -> None:
    """Train, save, load, export and measure each cell once, and run into errors."""
    for kind, objective in CELLS:
        settings = {"model": kind, "objective": objective, "vector_size": 24, "epochs": 1}
        model = Word2Vec(seed=seed, workers=2, min_count=1, **settings).fit(corpus)
        model.save(folder / "model")
        loaded = Word2Vec.load(folder / "model")
        loaded.perplexity([["word1", "word2", "word3"]] * 9)
        loaded.wv.most_similar("word1")
        for form in ("word2vec", "word2vec-bin", "npz"):
            loaded.export(folder / "vectors", form)
    for wrong in ([["a"], ["b"]], folder / "missing", [["a", 3]], corpus.parent):
        for objective in ("softmax", "negative"):
            with suppress(FastW2VError):
                Word2Vec(objective=objective, min_count=10**6).fit(wrong)


def rise(values: list[float], times: list[float]) -> float:
    """Return by how much the least-squares line through values rises from first to last time."""
    return float(np.polyfit(times, values, 1)[0] * (times[-1] - times[0]))


def growth(seen: list[Held], tolerance_mib: float) -> list[str]:
    """Return what grows over the second half, in sentences; empty where nothing does."""
    half = seen[len(seen) // 2 :]
    found = []
    by_mib = rise([one.resident_mib for one in half], [one.elapsed_s for one in half])
    if by_mib > tolerance_mib:
        found.append(f"memory rises by {by_mib:.1f} MiB, more than {tolerance_mib:g}")
    for name in ("open_files", "threads", "temporary_files"):
        first, most = getattr(half[0], name), max(getattr(one, name) for one in half)
        if most > first:
            found.append(f"{name.replace('_', ' ')} grow from {first} to {most}")
    return found


def soak(
    minutes: float,
    *,
    sentences: int = 2000,
    tolerance_mib: float = 8.0,
    extra: Callable[[], object] = lambda: None,
    show: Callable[[Held], object] = lambda _: None,
) -> tuple[list[Held], list[str]]:
    """Go round for so many minutes; return what was held after each round, and what grows.

    `extra` is called in each round: a leak to be found, in tests.
    """
    seen: list[Held] = []
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="fastw2v-soak-") as place:
        work, temporary = Path(place) / "work", Path(place) / "temporary"
        work.mkdir()
        temporary.mkdir()
        (work / "text").mkdir()
        corpus = work / "text" / "corpus.txt"
        write_corpus(corpus, sentences, seed=1)
        tempfile.tempdir = str(temporary)
        try:
            started = time.monotonic()
            while len(seen) < FEWEST_ROUNDS or time.monotonic() - started < 60 * minutes:
                one_round(corpus, work, seed=len(seen))
                extra()
                seen.append(held(started, Path(place)))
                show(seen[-1])
        finally:
            tempfile.tempdir = before
    return seen, growth(seen, tolerance_mib)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--sentences", type=int, default=2000, help="of 20 words each")
    parser.add_argument("--tolerance-mib", type=float, default=8.0)
    parser.add_argument("--json", type=Path, help="write what was held after each round")
    options = parser.parse_args()
    due_s = [0.0]

    def show(now: Held) -> None:
        if now.elapsed_s >= due_s[0]:
            due_s[0] = now.elapsed_s + 30
            print(
                f"{now.elapsed_s:7.0f} s  {now.resident_mib:7.1f} MiB  {now.open_files} open files"
                f"  {now.threads} threads  {now.temporary_files} files",
                flush=True,
            )

    seen, found = soak(
        options.minutes,
        sentences=options.sentences,
        tolerance_mib=options.tolerance_mib,
        show=show,
    )
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in seen]) + "\n")
    half = seen[len(seen) // 2 :]
    by_mib = rise([one.resident_mib for one in half], [one.elapsed_s for one in half])
    print(
        f"{len(seen)} rounds of {len(CELLS)} trainings; over the second half memory rises by "
        f"{by_mib:+.2f} MiB, from {half[0].resident_mib:.1f} to {half[-1].resident_mib:.1f}; at "
        f"the end {half[-1].open_files} open files, {half[-1].threads} threads, "
        f"{half[-1].temporary_files} files"
    )
    for sentence in found:
        print(f"GROWS: {sentence}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
