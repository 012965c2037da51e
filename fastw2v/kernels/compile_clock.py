"""How long this process has waited for kernels to be compiled, kept apart from its work."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event

from fastw2v.kernels.paused_collector import paused_collector

__all__ = ["compiling", "compiling_s", "told_of_compiling", "working_s"]


class _Clock(event.Listener):  # type: ignore[misc]
    """Runs while at least one thread compiles; what calls one another compiles within."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._began_s = 0.0
        self._total_s = 0.0
        self.listeners: list[Callable[[], None]] = []

    def on_start(self, event: Any) -> None:
        self.start()
        paused_collector.start()

    def on_end(self, event: Any) -> None:
        paused_collector.stop()
        self.stop()

    def start(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth > 1:
                return
            self._began_s = time.perf_counter()
            listeners, self.listeners = self.listeners, []
        for tell in listeners:
            tell()

    def stop(self) -> None:
        with self._lock:
            self._depth -= 1
            if not self._depth:
                self._total_s += time.perf_counter() - self._began_s

    def read(self) -> float:
        with self._lock:
            running_s = time.perf_counter() - self._began_s if self._depth else 0.0
            return self._total_s + running_s


_clock = _Clock()
event.register("numba:compile", _clock)


def compiling_s() -> float:
    """Return the seconds of compiling so far, in all threads together, each second once."""
    return _clock.read()


def working_s() -> float:
    """Return a clock in seconds, as `time.perf_counter`, that stands still while it compiles."""
    return time.perf_counter() - _clock.read()


@contextmanager
def compiling() -> Iterator[None]:
    """Count what is done within as compiling: waiting for another process that compiles."""
    _clock.start()
    try:
        yield
    finally:
        _clock.stop()


@contextmanager
def told_of_compiling(tell: Callable[[], None] | None) -> Iterator[None]:
    """Call `tell` once, as soon as something is compiled within; in the thread that does."""
    if tell is None:
        yield
        return
    _clock.listeners.append(tell)
    try:
        yield
    finally:
        if tell in _clock.listeners:
            _clock.listeners.remove(tell)
