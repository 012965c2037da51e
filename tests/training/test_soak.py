"""The soak: nothing grows while all objectives train in a loop; what does grow is found."""

import gc
import tempfile
import threading
from pathlib import Path

import pytest

from bench.soak import Held, growth, rise, soak


def run_of(memory, files=(), threads=(), temporary=()):
    n_rounds = len(memory)
    return [
        Held(
            float(at),
            memory[at],
            *(counts[at] if counts else 5 for counts in (files, threads, temporary)),
        )
        for at in range(n_rounds)
    ]


def test_the_rule():
    flat = [300.0 + (at % 3) for at in range(40)]
    assert rise([1.0, 2.0, 3.0], [0.0, 10.0, 20.0]) == pytest.approx(2)
    assert growth(run_of(flat), 8) == []
    warming = [100.0] * 10 + [300.0] * 30  # the first half may grow
    assert growth(run_of(warming), 8) == []
    leaking = [300.0 + at for at in range(40)]
    assert growth(run_of(leaking), 8) == ["memory rises by 19.0 MiB, more than 8"]
    for name, kind in (
        ("open files", "files"),
        ("threads", "threads"),
        ("temporary files", "temporary"),
    ):
        counts = [5] * 35 + [6] * 5
        assert growth(run_of(flat, **{kind: counts}), 8) == [f"{name} grow from 5 to 6"]


@pytest.mark.slow
def test_a_minute_of_soak_shows_no_growth():
    seen, found = soak(1)
    assert found == []
    assert len(seen) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["memory", "open files", "threads", "temporary files"])
def test_a_leak_is_found(kind):
    kept, ended = [], threading.Event()
    leaks = {
        "memory": lambda: kept.append(bytearray(b"x" * (6 << 20))),
        "open files": lambda: kept.append(Path("/dev/null").open()),  # noqa: SIM115
        "threads": lambda: threading.Thread(target=ended.wait, daemon=True).start(),
        "temporary files": tempfile.mkstemp,
    }
    try:
        _, found = soak(0, sentences=200, extra=leaks[kind])
    finally:
        ended.set()
        for thing in kept:
            getattr(thing, "close", list)()
        kept.clear()
        gc.collect()
    assert any(sentence.startswith(kind) for sentence in found), found
