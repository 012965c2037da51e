"""The file of finished runs: one corpus, every run written at once, so that none is lost."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quality.plan import PlannedRun

from fastw2v.errors import ConfigurationError, OutputError
from fastw2v.system.files import whole_file

try:
    import fcntl
except ImportError:  # as in fastw2v.system.renames
    fcntl = None  # type: ignore[assignment]

__all__ = ["FORMAT", "Results", "locked"]

FORMAT = "fastw2v-quality"
_FIXED = {
    "corpus": "another corpus; give another --json",
    "sets": "other test sets; give the same --pairs, or another --json",
}


class Results:
    """What has been measured on one corpus.

    Attributes
    ----------
    path : Path
    content : dict
        "title", "corpus", "sets" (digest by name), "planned" (key of every run by name), "seeds",
        "requests" (what a run was asked for, by key), and "results", one record a run.
    """

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self.path, self.content = path, content

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read a file that `add` wrote.

        Raises
        ------
        ConfigurationError
            If it is none.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise KeyError("format")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{path}: expected a file that this program wrote, cannot read it as one "
                f"({type(error).__name__}: {error}); give another name, or mend it"
            ) from error
        return cls(path, content)

    @classmethod
    def begin(
        cls, path: Path, *, title: str, corpus: dict[str, Any], sets: dict[str, str]
    ) -> "Results":
        """Return the runs that are in a file, or none if there is no file.

        Raises
        ------
        ConfigurationError
            If the file is of another corpus, or was measured on other test sets.
        """
        fixed = {"corpus": corpus, "sets": sets}
        if not path.exists():
            empty = {"planned": {}, "seeds": [], "requests": {}, "results": []}
            return cls(path, {"format": FORMAT, "title": title, **fixed, **empty})
        found = cls.read(path)
        for name, why in _FIXED.items():
            if found.content[name] != fixed[name]:
                raise ConfigurationError(
                    f"{path}: expected {fixed[name]}, got {found.content[name]}: it is of {why}"
                )
        if title:
            found.content["title"] = title
        return found

    def plan(self, runs: Sequence[PlannedRun], seeds: Sequence[int]) -> None:
        """Note what belongs into a whole table."""
        self.content["planned"] |= {run.name: run.key() for run in runs}
        self.content["seeds"] = sorted({*self.content["seeds"], *seeds})

    def has(self, run: PlannedRun, seed: int, sources: str | None = None) -> bool:
        """Return whether a run is there, with these very settings (and of these sources)."""
        return any(sources in (None, record["sources"]) for record in self._of(run.key(), seed))

    def _of(self, key: str, seed: int) -> list[dict[str, Any]]:
        results = self.content["results"]
        return [record for record in results if (record["key"], record["seed"]) == (key, seed)]

    def add(self, run: PlannedRun, record: dict[str, Any]) -> None:
        """Add the record of a finished run, in place of an earlier one, and write the file."""
        key = run.key()
        for earlier in self._of(key, record["seed"]):
            self.content["results"].remove(earlier)
        self.content["requests"][key] = run.identity()
        self.content["results"].append(
            {"run": run.name, "family": run.family, "key": key, **record}
        )
        self.write()

    def write(self) -> None:
        """Write the file, whole or not at all; a record is a line."""
        parts = []
        for name, value in self.content.items():
            text = json.dumps(value, allow_nan=False)
            if value and name in ("requests", "planned"):
                lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
                text = "{\n" + lines + "\n }"
            elif value and name == "results":
                lines = ",\n".join("  " + json.dumps(record, allow_nan=False) for record in value)
                text = "[\n" + lines + "\n ]"
            parts.append(f" {json.dumps(name)}: {text}")
        with whole_file(self.path) as temporary:
            temporary.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")

    def shown(self) -> dict[str, list[dict[str, Any]]]:
        """Return the records of each planned run that has some, in the order of the plan."""
        planned = self.content["planned"]
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in planned}
        for record in self.content["results"]:
            if planned.get(record["run"]) == record["key"]:
                found[record["run"]].append(record)
        return {name: records for name, records in found.items() if records}

    def missing(self) -> dict[str, list[int]]:
        """Return the seeds that planned runs lack."""
        found = {}
        for name in self.content["planned"]:
            there = {record["seed"] for record in self.shown().get(name, [])}
            lacking = [seed for seed in self.content["seeds"] if seed not in there]
            if lacking:
                found[name] = lacking
        return found

    def left_out(self) -> int:
        """Return how many records are of settings that are no longer planned."""
        return len(self.content["results"]) - sum(map(len, self.shown().values()))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from measuring into the same file, where the system has such locks.

    Raises
    ------
    OutputError
        If one does, or the folder cannot be written to.
    """
    if fcntl is None:
        yield
        return
    beside = path.with_name(f".{path.name}.lock")
    try:
        handle = os.open(beside, os.O_CREAT | os.O_RDWR, 0o666)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot write in {beside.parent} ({error.strerror}); choose another output"
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_held = os.path.samestat(os.fstat(handle), beside.stat())
        except OSError:
            is_held = False  # by another, or it has just been taken away by one that ends
        if not is_held:
            raise OutputError(
                f"{path}: expected no other process that writes to it, there is one; wait for "
                "its end"
            )
        try:
            yield
        finally:
            beside.unlink(missing_ok=True)
    finally:
        os.close(handle)
