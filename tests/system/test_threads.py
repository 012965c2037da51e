"""The pool of workers: every worker once, side by side, errors passed on, threads ended."""

import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
from numba import njit

from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.system.threads import WorkerPool, available_cores


@njit(cache=True, nogil=True)
def take_all(counter, taken):
    while True:
        task = fetch_add(counter, 0, 1)
        if task >= taken.shape[0]:
            return
        taken[task] += 1


def pool_threads():
    return [t for t in threading.enumerate() if t.name.startswith("fastw2v-worker")]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_runs_once_on_every_worker_in_order(workers):
    with WorkerPool(workers) as pool:
        for _ in range(50):
            assert pool.run(lambda worker: worker * 10) == [10 * w for w in range(workers)]


def test_workers_that_wait_hold_nothing_that_a_call_was_given():
    with WorkerPool(3) as pool:
        given = np.zeros(10)
        held = weakref.ref(given)
        pool.run(lambda _, given=given: len(given))
        del given
        assert held() is None


def test_the_caller_is_the_first_worker():
    with WorkerPool(3) as pool:
        names = pool.run(lambda _: threading.current_thread().name)
    assert names[0] == threading.current_thread().name
    assert len(set(names)) == 3


def test_workers_run_side_by_side():
    together = threading.Barrier(4)
    with WorkerPool(4) as pool:
        places = pool.run(lambda _: together.wait(timeout=10))  # breaks unless all are there
    assert sorted(places) == [0, 1, 2, 3]


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_kernels_share_out_tasks_and_each_is_done_once(workers):
    taken = np.zeros(200_000, np.int64)
    counter = np.zeros(1, np.int64)
    with WorkerPool(workers) as pool:
        pool.run(lambda _: take_all(counter, taken))
    assert (taken == 1).all()
    assert counter[0] == len(taken) + workers


@pytest.mark.parametrize("failing", [0, 2])
def test_an_error_is_raised_after_all_have_ended_and_the_pool_goes_on(failing):
    ended = []

    def call(worker):
        if worker == failing:
            raise ValueError(f"worker {worker}")
        time.sleep(0.02)
        ended.append(worker)

    with WorkerPool(3) as pool:
        with pytest.raises(ValueError, match=f"worker {failing}"):
            pool.run(call)
        assert sorted(ended) == sorted({0, 1, 2} - {failing})
        assert pool.run(lambda worker: worker) == [0, 1, 2]


def test_closing_ends_the_threads_and_a_closed_pool_refuses():
    before = len(pool_threads())
    pool = WorkerPool(4)
    assert len(pool_threads()) == before + 3
    pool.close()
    pool.close()
    assert len(pool_threads()) == before
    with pytest.raises(RuntimeError, match="closed"):
        pool.run(lambda worker: worker)


INTERRUPTED = """
import random, signal
from fastw2v.system.threads import WorkerPool

def interrupt(number, frame):
    raise KeyboardInterrupt

def call(worker):
    running.add(worker)
    sum(range(50))
    running.discard(worker)

signal.signal(signal.SIGALRM, interrupt)
random.seed(0)
for _ in range(400):
    running = set()
    with WorkerPool(3) as pool:
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.001, 0.003))
            while True:
                pool.run(call)
        except KeyboardInterrupt:
            assert not running - {0}, running
        assert pool.run(lambda worker: worker) == [0, 1, 2]
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="a system without timers")
def test_interrupts_at_any_moment_lose_no_worker():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_error_in_the_body_still_ends_the_threads():
    before = len(pool_threads())
    with pytest.raises(KeyError), WorkerPool(3):
        raise KeyError
    assert len(pool_threads()) == before


def test_no_workers_are_refused():
    with pytest.raises(ConfigurationError, match="workers: expected at least 1, got 0"):
        WorkerPool(0)


def test_there_is_a_core():
    assert available_cores() >= 1
