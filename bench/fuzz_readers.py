"""Damage what readers read, over and over, and save every input that a reader does not survive.

    python -m bench.fuzz_readers --seconds 60 --seed 1
    python -m bench.fuzz_readers --only model --keep found

Each reader works in a process of its own with a bound on its memory; the parent notices when it
crashes or hangs. What must hold is said in tests/support/fuzzed_readers.py. An input that breaks
it is left in the folder --keep, with the error in a file beside it. Exit status 1 if there is any.
"""

import argparse
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.fuzzed_readers import (
    LARGEST_GROWTH_BYTES,
    Reader,
    damage,
    readers,
    verdict,
)

LONGEST_READING_S = 30.0
MOST_ALIKE = 3  # failures for the same reason that are kept


def limit_memory() -> None:
    """Let this process have no more than it has, and `LARGEST_GROWTH_BYTES`."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + LARGEST_GROWTH_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def serve(reader: Reader, sound_path: Path, path: Path, orders: Connection) -> None:
    """Read the input at `path` whenever asked to, and answer with (outcome, details)."""
    sound = reader.read(sound_path)
    limit_memory()
    orders.send(("ready", ""))
    while orders.recv():
        try:
            orders.send((verdict(reader, path, sound), ""))
        except BaseException as error:
            orders.send((type(error).__name__, traceback.format_exc()))


class Patient:
    """A process that reads damaged inputs, started again when it does not survive one."""

    def __init__(self, reader: Reader, sound: Path, path: Path) -> None:
        self._arguments = (reader, sound, path)
        self._context = multiprocessing.get_context("fork")
        self._start()

    def _start(self) -> None:
        self._orders, theirs = self._context.Pipe()
        self.process = self._context.Process(target=serve, args=(*self._arguments, theirs))
        self.process.start()
        theirs.close()
        self._orders.recv()

    def read(self) -> tuple[str, str]:
        """Return what came of reading the input: an outcome and, for a failure, details."""
        self._orders.send(True)
        try:
            if self._orders.poll(LONGEST_READING_S):
                outcome: tuple[str, str] = self._orders.recv()
                return outcome
            outcome = ("hang", f"no answer after {LONGEST_READING_S:.0f} s")
        except EOFError:
            self.process.join()
            outcome = ("crash", f"exit status {self.process.exitcode}")
        self.process.kill()
        self.process.join()
        self._start()
        return outcome

    def end(self) -> None:
        """End the process."""
        self._orders.send(False)
        self.process.join()


def keep(path: Path, folder: Path, name: str, details: str) -> Path:
    """Save an input that a reader did not survive."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / name
    if path.is_dir():
        shutil.copytree(path, kept, dirs_exist_ok=True)
    else:
        shutil.copyfile(path, kept)
    (folder / f"{name}.error").write_text(details)
    return kept


def fuzz(reader: Reader, seconds: float, seed: int, folder: Path) -> Counter[str]:
    """Fuzz one reader for a while; return how often each outcome came."""
    outcomes: Counter[str] = Counter()
    failures: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory(prefix="fastw2v-fuzz-") as place:
        (Path(place) / "sound").mkdir()
        sound = Path(place) / "sound" / reader.file_name
        path = Path(place) / reader.file_name
        reader.write(sound)
        patient = Patient(reader, sound, path)
        ends = time.monotonic() + seconds
        case = 0
        while time.monotonic() < ends:
            case += 1
            damage(sound, path, random.Random(f"{seed} {reader.name} {case}"))
            outcome, details = patient.read()
            outcomes[outcome] += 1
            if outcome not in ("read", "refused"):
                reason = details.strip().splitlines()[-1][:200]
                failures[outcome, reason] += 1
                if failures[outcome, reason] > MOST_ALIKE:
                    continue
                slug = reader.name.replace(", ", "-").replace(" ", "-")
                kept = keep(path, folder, f"{slug}-{seed}-{case}", details)
                print(f"{reader.name}: {outcome}: {reason}; kept as {kept}", flush=True)
        patient.end()
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="for all readers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="readers whose name holds this")
    parser.add_argument("--keep", type=Path, default=Path("fuzzed"), help="folder for failures")
    options = parser.parse_args()
    chosen = [reader for reader in readers() if (options.only or "") in reader.name]
    if not chosen:
        parser.error(f"--only: no reader's name holds {options.only!r}")
    failures = 0
    for reader in chosen:
        outcomes = fuzz(reader, options.seconds / len(chosen), options.seed, options.keep)
        failures += sum(outcomes.values()) - outcomes["read"] - outcomes["refused"]
        shown = ", ".join(f"{name} {number:,}" for name, number in sorted(outcomes.items()))
        print(f"{reader.name:20} {shown}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
