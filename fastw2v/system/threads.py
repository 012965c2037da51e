"""A pool of threads that run compiled kernels side by side.

Kernels release the interpreter lock (``nogil=True``), so plain threads run them in parallel.
Unlike Numba's own ``prange`` this takes any number of workers, whatever was set before Numba
was imported, has no limits on forking or on being called from several threads, and kernels
need not be compiled as parallel ones. Work is cut into tasks by the caller; a
kernel takes tasks from a shared counter (`fastw2v.kernels.simd.atomics.fetch_add`), so results
must not depend on who does which.
"""

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

import numpy as np

from fastw2v.config.numbers import whole_number
from fastw2v.errors import ConfigurationError

__all__ = ["Result", "WorkerPool", "available_cores", "checked_workers"]

Result = TypeVar("Result")
_MOST_WORKERS = 4096  # beyond all machines; a slip of a digit should not start so many threads


def available_cores() -> int:
    """Return the number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker(Generic[Result]):
    """One thread that waits for a call, runs it, and reports back.

    `_call` is what it has to do, until that is done. The locks only wake who sleeps, and may do so
    for nothing: an interrupt between any two steps loses neither a call nor its end.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.result: Result | None = None
        self.error: BaseException | None = None
        self._call: Callable[[int], Result] | None = None
        self._is_ending = False
        self._wake, self._done = threading.Lock(), threading.Lock()
        self._wake.acquire()
        self._done.acquire()
        self.thread = threading.Thread(
            target=self._serve, name=f"fastw2v-worker-{index}", daemon=True
        )
        self.thread.start()

    def start(self, call: Callable[[int], Result]) -> None:
        self.wait()  # two interrupts at once may have ended the run before too early
        self.error = None
        self._call = call
        _release(self._wake)

    def wake(self) -> None:
        """Have it look again for something to do: an interrupt may have kept `start` from that."""
        _release(self._wake)

    def wait(self) -> None:
        """Wait until it has nothing to do."""
        while self._call is not None:
            self._done.acquire()

    def end(self) -> None:
        self._is_ending = True
        _release(self._wake)

    def _serve(self) -> None:
        while not self._is_ending:
            self._wake.acquire()
            call = self._call
            if call is None:
                continue
            try:
                self.result = call(self.index)
            except BaseException as error:
                self.error = error
            call = self._call = None  # while it waits it holds nothing that a call was given
            _release(self._done)


def _release(lock: threading.Lock) -> None:
    """Release a lock that nobody else releases, unless that is done."""
    if lock.locked():
        lock.release()


class WorkerPool:
    """A fixed number of workers; the calling thread is the first of them.

    Parameters
    ----------
    workers : int
        How many calls run side by side, at least 1. It may exceed the number of cores.

    Examples
    --------
    >>> with WorkerPool(3) as pool:
    ...     pool.run(lambda worker: worker * 10)
    [0, 10, 20]
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers = whole_number("workers", workers, low=1, high=_MOST_WORKERS)
        self._others: list[_Worker[object]] = []
        self._closed = False
        try:
            for index in range(1, workers):
                self._others.append(_Worker(index))
        except RuntimeError as error:
            self.close()
            raise ConfigurationError(
                f"workers: expected as many as the system has threads for, got {workers} "
                f"({error} after {len(self._others)}); {available_cores()} cores are at hand"
            ) from error

    def run(self, call: Callable[[int], Result]) -> list[Result]:
        """Run ``call(worker)`` once on every worker and return the results in worker order.

        The first error of any worker is raised, after all have ended.
        """
        if self._closed:
            raise RuntimeError("this WorkerPool is closed; make a new one")
        error: BaseException | None = None
        first: list[Result] = []
        try:
            for worker in self._others:
                worker.start(call)
            first.append(call(0))
        except BaseException as caught:
            error = caught
        while True:
            try:
                # Of the last one first: most others have ended by then, and need not wake this one.
                for worker in reversed(self._others):
                    if error is not None:
                        worker.wake()
                    worker.wait()
                break
            except BaseException as caught:  # a signal's; the others still use the arrays
                error = caught
        error = error or next((w.error for w in self._others if w.error is not None), None)
        if error is not None:
            raise error
        return first + [worker.result for worker in self._others]  # type: ignore[misc]

    def run_kernel(self, kernel: Callable[..., object], *arguments: object) -> None:
        """Run a kernel on all workers; its first argument is their common counter of tasks."""
        tasks = np.zeros(1, np.int64)
        self.run(lambda _: kernel(tasks, *arguments))

    def close(self) -> None:
        """End the threads. A closed pool cannot run."""
        self._closed = True
        for worker in self._others:
            worker.end()
        for worker in self._others:
            worker.thread.join()

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def checked_workers(workers: int | None) -> int:
    """Return how many workers were asked for; by default as many as there are cores.

    Raises
    ------
    ConfigurationError
        If that is no whole number from 1 to 4,096.
    """
    if workers is None:
        return available_cores()
    return whole_number("workers", workers, low=1, high=_MOST_WORKERS)
