"""Vectors as text: writing and reading, against gensim's save and load of the same file.

    python bench/bench_formats.py [--words 20000] [--dimensions 300] [--rounds 3] [--json OUT]

The words are made up, the numbers drawn from a normal distribution. The rivals take turns, each
time in a fresh process. Before it is read, a file is written out and taken from the system's cache,
for both alike; what is timed is the call, after imports, and after a small file has been read so
that kernels are loaded. Both readers must give the bits that were written.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from commands import run_command
from machine import describe_machine, header

RIVALS = ("gensim", "fastw2v")


def made_vectors(n_words: int, dimensions: int) -> tuple[list[str], np.ndarray]:
    generator = np.random.default_rng(1)
    table = generator.normal(0, 0.3, (n_words, dimensions)).astype(np.float32)
    return [f"word{row}" for row in range(n_words)], table


def forget(path: Path) -> None:
    """Take a file out of the system's cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write_file(rival: str, path: Path, words: list[str], table: np.ndarray) -> float:
    from fastw2v.formats import write_vectors
    from fastw2v.formats.vectors import Vectors

    small = Vectors(words[:1], table[:1])
    vectors = Vectors(words, table)
    write_vectors(small, path, "word2vec")
    keyed = vectors.keyed_vectors()
    begin = time.perf_counter()
    if rival == "gensim":
        keyed.save_word2vec_format(str(path))
    else:
        write_vectors(vectors, path, "word2vec")
    return time.perf_counter() - begin


def read_file(rival: str, path: Path) -> tuple[float, np.ndarray]:
    from gensim.models import KeyedVectors

    from fastw2v.formats import read_vectors

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "small.txt")
        small.write_text("1 2\na 1 2\n")
        read_vectors(small)
        KeyedVectors.load_word2vec_format(str(small))
    forget(path)
    begin = time.perf_counter()
    if rival == "gensim":
        table = KeyedVectors.load_word2vec_format(str(path)).vectors
    else:
        table = read_vectors(path, "word2vec").vectors
    return time.perf_counter() - begin, table


def measure(arguments: argparse.Namespace) -> None:
    """Run one rival once, in this process, and print its seconds."""
    words, table = made_vectors(arguments.words, arguments.dimensions)
    path = Path(arguments.folder, f"{arguments.rival}.txt")
    if arguments.step == "write":
        elapsed_s = write_file(arguments.rival, path, words, table)
    else:
        elapsed_s, back = read_file(arguments.rival, path)
        if back.tobytes() != table.tobytes():
            raise SystemExit(f"{arguments.rival}: read other numbers than were written")
    print(json.dumps({"elapsed_s": elapsed_s, "file_bytes": path.stat().st_size}))


def in_fresh_process(arguments: argparse.Namespace, step: str, rival: str, folder: str) -> dict:
    command = [sys.executable, __file__, "--step", step, "--rival", rival, "--folder", folder]
    command += ["--words", str(arguments.words), "--dimensions", str(arguments.dimensions)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--words", type=int, default=20_000)
    parser.add_argument("--dimensions", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--step", choices=["write", "read"], help=argparse.SUPPRESS)
    parser.add_argument("--rival", choices=RIVALS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        measure(arguments)
        return
    print(header("gensim", "orjson"))
    print(f"{arguments.words:,} words, {arguments.dimensions} dimensions, text")
    seconds: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for _ in range(arguments.rounds):
            for step in ("write", "read"):
                for rival in RIVALS:
                    found = in_fresh_process(arguments, step, rival, folder)
                    seconds.setdefault(step, {}).setdefault(rival, []).append(found["elapsed_s"])
    results = {"machine": describe_machine("gensim", "orjson"), "words": arguments.words}
    results |= {"dimensions": arguments.dimensions, "seconds": seconds, "times_gensim": {}}
    for step, by_rival in seconds.items():
        ratios = [
            slow / fast for slow, fast in zip(by_rival["gensim"], by_rival["fastw2v"], strict=True)
        ]
        results["times_gensim"][step] = median(ratios)
        for rival, runs in by_rival.items():
            shown = ", ".join(f"{run:.2f}" for run in runs)
            print(f"{step:6}{rival:9}{median(runs):8.2f} s   ({shown})")
        print(f"{step:6}{'':9}{median(ratios):8.1f} times as fast as gensim")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
