"""Threads that a process keeps, to help with calls so short that starting threads would show.

The caller works as well and never waits for a thread to wake up: it takes tasks until none are
left, then waits for those that others are at. A helper that comes late finds nothing to do.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

__all__ = ["run_tasks"]


class _KeptThreads:
    """As many threads as were ever asked for, and what they are to help with."""

    def __init__(self) -> None:
        self.forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Begin anew: a forked process has none of the threads."""
        self._lock = threading.Lock()
        self._calls: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._n_threads = 0

    def ask(self, n_helpers: int, call: Callable[[], object]) -> None:
        """Have a call made by so many threads, or by fewer where some are busy or do not start."""
        if n_helpers > self._n_threads:
            with self._lock, contextlib.suppress(RuntimeError):  # the system has no more threads
                for number in range(self._n_threads, n_helpers):
                    name = f"fastw2v-helper-{number + 1}"
                    threading.Thread(
                        target=_serve, args=(self._calls,), name=name, daemon=True
                    ).start()
                    self._n_threads = number + 1
        # What is not begun yet is not heaped up.
        for _ in range(min(n_helpers, self._n_threads) - self._calls.qsize()):
            self._calls.put(call)


def _serve(calls: "SimpleQueue[Callable[[], object]]") -> None:
    while True:
        call = calls.get()
        with contextlib.suppress(BaseException):  # the caller meets the same, and raises it
            call()
        del call  # while it waits it holds nothing that a call was given


_kept_threads = _KeptThreads()


def run_tasks(workers: int, n_tasks: int, kernel: Callable[..., int], *arguments: object) -> None:
    """Run a kernel on the calling thread and on up to ``workers - 1`` others.

    Parameters
    ----------
    workers : int
    n_tasks : int
    kernel : callable
        Gets an array (2,) int64 of the numbers of tasks begun and done, `n_tasks`, and `arguments`.
        It takes tasks by `fastw2v.kernels.simd.atomics.fetch_add` until all are begun, reports each
        by `fetch_add_in_order`, and returns by that how many are done. What can fail comes before
        the first task.
    *arguments
    """
    tasks = np.zeros(2, np.int64)
    n_helpers = min(workers, n_tasks) - 1
    if n_helpers > 0:
        _kept_threads.ask(n_helpers, lambda: kernel(tasks, n_tasks, *arguments))
    while kernel(tasks, n_tasks, *arguments) < n_tasks:
        time.sleep(0)
