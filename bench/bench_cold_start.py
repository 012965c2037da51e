"""What the first run ever on a machine spends on compiling, in seconds told and seconds of CPU.

Each run is a process of its own whose kernels are kept in a new folder; then it runs again with
them. The first one starts a second process that compiles with it: their CPU seconds are added.
`--alone` does without the second process, and lists the kernels that Python calls by their CPU
seconds, with their parts. Figures hold for a quiet machine: the load is printed.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from commands import run_command

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, nargs="?", default=ROOT / "corpora" / "wikipedia.txt")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="without the second process")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        _train(arguments.corpus)
        return
    columns = "told s  CPU s cold  CPU s warm  wall s cold  load"
    print(columns)
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {
                "NUMBA_CACHE_DIR": folder,
                "FASTW2V_AHEAD": "0" if arguments.alone else "1",
            }
            (cold, cpu_s, wall_s), (_, warm_cpu_s, _) = (
                _measured(arguments.corpus, environment) for _ in range(2)
            )
        load = os.getloadavg()[0]
        print(f"{cold['told_s']:6.1f}{cpu_s:12.1f}{warm_cpu_s:12.1f}{wall_s:13.1f}{load:6.1f}")
    if arguments.alone:
        for name, seconds in sorted(cold["kernels"].items(), key=lambda item: -item[1]):
            print(f"{seconds:6.2f}  {name}")


def _measured(corpus: Path, environment: dict[str, str]) -> tuple[dict, float, float]:
    """Return what a training said, and the seconds of CPU and of the clock that it took."""
    before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, str(corpus), "--child"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began_s
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), cpu_s, wall_s


def _train(corpus: Path) -> None:
    from numba.core import event

    from fastw2v import Word2Vec

    seconds: dict[str, float] = {}

    class Compilations(event.Listener):
        began_s: list[float]

        def __init__(self) -> None:
            self.began_s = []

        def on_start(self, event: event.Event) -> None:
            self.began_s.append(time.thread_time())

        def on_end(self, event: event.Event) -> None:
            took_s = time.thread_time() - self.began_s.pop()
            if not self.began_s:  # a part counts with the whole
                function = event.data["dispatcher"].py_func
                name = f"{function.__module__}.{function.__qualname__}"
                seconds[name] = seconds.get(name, 0) + took_s

    event.register("numba:compile", Compilations())
    model = Word2Vec(vector_size=100, window=5, min_count=5, epochs=10)
    model.fit(corpus)
    assert model.summary is not None
    print(json.dumps({"told_s": model.summary.compile_s, "kernels": seconds}))


if __name__ == "__main__":
    run_command(main)
