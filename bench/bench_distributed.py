"""Counting a generated Zipf corpus under a limit of memory: one process that spills, and Dask.

Every run is a process of its own, held to the limit by a cgroup where one can be made, else by
RLIMIT_AS (the output says which). Text and counts are written to a folder that is removed at the
end. Each engine's counts must be the same bytes, or the benchmark fails.

    python bench/bench_distributed.py --tokens 20_000_000 100_000_000
    python bench/bench_distributed.py --tokens 1_000_000_000  # 39 GB of disk

Then it says what 10^9 and 10^11 tokens would take, from what it has just measured.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from commands import run_command
from machine import header

from fastw2v.comparison.clock import stop_clock

CHUNK = 1 << 20
CGROUPS = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
ESTIMATED_TOKENS = (10**9, 10**11)
ESTIMATED_CORES = (2, 16, 256)


def write_zipf_text(path: Path, n_tokens: int, n_words: int, seed: int, digits: int = 6) -> None:
    """Write words drawn by Zipf's law, numbers of so many digits, in lines of 30 words."""
    table = np.frombuffer(b"".join(b"%0*d " % (digits, word) for word in range(n_words)), np.uint8)
    table = table.reshape(n_words, digits + 1)
    chances = np.cumsum(1.0 / np.arange(1, n_words + 1))
    generator = np.random.default_rng(seed)
    with path.open("wb") as file:
        for start in range(0, n_tokens, CHUNK):
            size = min(CHUNK, n_tokens - start)
            ids = np.searchsorted(chances, generator.random(size) * chances[-1])
            text = table[ids]
            text[29::30, digits] = ord("\n")
            text[-1, digits] = ord("\n")
            file.write(text.data)


@contextmanager
def limited(limit_mib: int) -> Iterator[str]:
    """Hold this process and its children to so much memory; yield how."""
    for root in CGROUPS:
        group = root / f"fastw2v-bench-{os.getpid()}"
        for name in ("memory.limit_in_bytes", "memory.max"):
            with suppress(OSError):
                group.mkdir(exist_ok=True)
                if (group / name).exists():
                    (group / name).write_text(str(limit_mib * 2**20))
                    (group / "cgroup.procs").write_text(str(os.getpid()))
                    try:
                        yield f"cgroup {name} {limit_mib} MiB"
                    finally:
                        (root / "cgroup.procs").write_text(str(os.getpid()))
                        with suppress(OSError):
                            group.rmdir()
                    return
    resource.setrlimit(resource.RLIMIT_AS, (limit_mib * 2**20,) * 2)
    yield f"RLIMIT_AS {limit_mib} MiB"


class DiskUse:
    """Looks now and then how large a folder is."""

    def __init__(self, folder: Path) -> None:
        self.peak = 0
        self._folder = folder
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._end.wait(0.5):
            size = 0
            for path in self._folder.rglob("*"):
                with suppress(OSError):
                    size += path.stat().st_size
            self.peak = max(self.peak, size)

    def __enter__(self) -> "DiskUse":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def peak_bytes() -> int:
    return stop_clock().peak_bytes


def measure(options: argparse.Namespace, text: Path, engine: str, output: Path) -> dict[str, Any]:
    """Count once, in this process, and return what it took."""
    from fastw2v.config import CountingSettings
    from fastw2v.counts.build import ShardOptions, count_corpus

    counting = CountingSettings(tokenizer="whitespace")
    kind, _, n_workers = engine.partition(":")
    each_mib = options.memory_mib // int(n_workers or 1)
    how = ShardOptions(memory_mib=each_mib, block_mib=options.block_mib)
    stages: dict[str, float] = {}

    def progress(stage: str, done: int, total: int | None) -> None:
        stages[stage] = time.perf_counter() - started

    with limited(options.limit_mib) as limit, DiskUse(output.parent) as disk:
        peaks = [0]
        if kind == "dask":
            from fastw2v.counts.sharded.dask import opened_client

            with opened_client(f"local:{n_workers}", each_mib) as client:
                started = time.perf_counter()
                found = count_corpus(
                    text, counting, output, shards=how, client=client, progress=progress
                )
                wall_s = time.perf_counter() - started
                peaks = list(client.run(peak_bytes).values())
        else:
            started = time.perf_counter()
            workers = int(n_workers or 1)
            found = count_corpus(
                text, counting, output, workers=workers, shards=how, progress=progress
            )
            wall_s = time.perf_counter() - started
        return {
            "limit": limit,
            "wall_s": wall_s,
            "read_s": stages["reading"],
            "counted_s": stages["counting"],
            "peak_mib": [peak / 2**20 for peak in (peak_bytes(), *peaks) if peak],
            "disk_mb": disk.peak / 1e6,
            "entries": found.counts.n_entries,
            "n_words": len(found.vocabulary),
            "result_mb": sum(path.stat().st_size for path in output.iterdir()) / 1e6,
            "digests": [part.digest for part in found.counts.files],
        }


def run(options: argparse.Namespace, folder: Path) -> dict[tuple[int, str], dict[str, Any]]:
    """Measure every size with every engine; print a line each."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    context = multiprocessing.get_context("spawn")
    for n_tokens in options.tokens:
        text = folder / "text.txt"
        write_zipf_text(text, n_tokens, options.words, options.seed)
        for engine in options.engines:
            work = folder / "work"
            work.mkdir()
            # Unlike a Pool's, its process may have children.
            with ProcessPoolExecutor(1, mp_context=context) as fresh:
                made = fresh.submit(measure, options, text, engine, work / "counts").result()
            shutil.rmtree(work)
            found[n_tokens, engine] = made
            peaks = " + ".join(f"{peak:.0f}" for peak in made["peak_mib"])
            print(
                f"{n_tokens:>13,} tokens, {engine:9} {made['wall_s']:7.1f} s "
                f"({made['read_s']:.1f} vocabulary, {made['counted_s'] - made['read_s']:.1f} "
                f"windows, {made['wall_s'] - made['counted_s']:.1f} adding), "
                f"{n_tokens / made['wall_s'] / 1e6:.2f} M tokens/s, peak {peaks} MiB, "
                f"disk {made['disk_mb']:,.0f} MB, result {made['result_mb']:,.0f} MB of "
                f"{made['entries'] / 1e6:.1f} M entries; {made['limit']}",
                flush=True,
            )
        digests = {json.dumps(found[n_tokens, engine]["digests"]) for engine in options.engines}
        if len(digests) != 1:
            raise SystemExit("the engines' counts differ")
    return found


def compare(options: argparse.Namespace, found: dict[tuple[int, str], dict[str, Any]]) -> None:
    """Print the overhead of Dask and how time grows with the tokens."""
    first = options.engines[0]
    for n_tokens in options.tokens:
        for engine in options.engines[1:]:
            ratio = found[n_tokens, engine]["wall_s"] / found[n_tokens, first]["wall_s"]
            print(f"{n_tokens:,} tokens: {engine} takes {ratio:.2f} of the time of {first}")
    for engine in options.engines:
        sizes = options.tokens
        if len(sizes) > 1:
            times = [found[size, engine]["wall_s"] for size in sizes]
            slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
            print(f"{engine}: time grows like tokens^{slope:.2f} (1 is linear)")


def estimate(options: argparse.Namespace, found: dict[tuple[int, str], dict[str, Any]]) -> None:
    """Print what larger corpora would take, by the rates of the largest one measured."""
    n_tokens = max(options.tokens)
    engine = options.engines[0]
    made = found[n_tokens, engine]
    cores = int(engine.partition(":")[2] or 1)
    rate = n_tokens / made["wall_s"] / cores
    text = 7 * n_tokens
    spilled = made["disk_mb"] * 1e6 - made["result_mb"] * 1e6
    most = made["n_words"] ** 2 * 8
    print(
        f"\nEstimates by {rate / 1e6:.2f} M tokens/s a core, {spilled / n_tokens:.1f} bytes of "
        f"runs a token, {text / n_tokens:.0f} bytes of text a token, {made['n_words']:,} words:"
    )
    for tokens in ESTIMATED_TOKENS:
        result = min(made["result_mb"] * 1e6 * tokens / n_tokens, most)
        print(
            f"{tokens:.0e} tokens: text {tokens * 7 / 1e9:,.0f} GB, read twice; runs "
            f"{tokens * spilled / n_tokens / 1e9:,.1f} GB on the shared disk, written and read "
            f"once; result at most {result / 1e9:,.1f} GB; network "
            f"{tokens * (2 * 7 + 2 * spilled / n_tokens) / 1e9:,.0f} GB if all of it is remote; "
            f"{options.memory_mib / max(cores, 1) / 1024:.1f} GiB of memory a core"
        )
        for workers in ESTIMATED_CORES:
            hours = tokens / rate / workers / 3600
            print(f"    {workers:>4} cores: {hours:,.2f} h")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[20_000_000, 100_000_000])
    parser.add_argument("--words", type=int, default=50_000, help="different words")
    parser.add_argument("--engines", nargs="+", default=["process:2", "dask:2"])
    parser.add_argument("--limit-mib", type=int, default=4096, help="of memory, for all processes")
    parser.add_argument("--memory-mib", type=int, default=3072, help="what counting is told")
    parser.add_argument("--block-mib", type=float, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for text and counts; removed afterwards")
    options = parser.parse_args()
    print(header("numpy", "numba", "dask", "distributed"))
    folder = Path(tempfile.mkdtemp(prefix="fastw2v-bench-", dir=options.folder))
    try:
        found = run(options, folder)
    finally:
        shutil.rmtree(folder)
    compare(options, found)
    estimate(options, found)


if __name__ == "__main__":
    run_command(main)
