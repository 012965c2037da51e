"""Threads that are kept: every task once, by whoever comes, after a fork too."""

import multiprocessing
import os
import threading
import time

import numpy as np
import pytest
from numba import njit

from fastw2v.kernels.simd.atomics import fetch_add, fetch_add_in_order
from fastw2v.system import kept_threads
from fastw2v.system.kept_threads import run_tasks


@njit(nogil=True)
def take_all(tasks, n_tasks, taken):
    while True:
        task = fetch_add(tasks, 0, 1)
        if task >= n_tasks:
            return fetch_add_in_order(tasks, 1, 0)
        taken[task] += 1
        fetch_add_in_order(tasks, 1, 1)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("n_tasks", [0, 1, 100])
def test_every_task_is_done_once(workers, n_tasks):
    for _ in range(30):
        taken = np.zeros(n_tasks, np.int64)
        run_tasks(workers, n_tasks, take_all, taken)
        assert (taken == 1).all()


def test_tasks_that_others_are_at_are_waited_for():
    met = threading.Barrier(3, timeout=60)
    done = []
    while kept_threads._kept_threads._calls.qsize():  # of tests before
        time.sleep(0.01)

    def kernel(tasks, n_tasks):
        while True:
            task = int(tasks[0])
            tasks[0] += 1  # Python's lock makes that one step in this test's threads
            if task >= n_tasks:
                return int(tasks[1])
            met.wait()  # each task needs a thread of its own
            time.sleep(0.05 * (threading.current_thread() is not threading.main_thread()))
            done.append(task)
            tasks[1] += 1

    run_tasks(3, 3, kernel)
    assert sorted(done) == [0, 1, 2]


def test_a_system_without_threads_to_spare_leaves_all_to_the_caller(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(kept_threads, "_kept_threads", kept_threads._KeptThreads())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    taken = np.zeros(9, np.int64)
    run_tasks(3, 9, take_all, taken)
    assert (taken == 1).all()
    assert kept_threads._kept_threads._calls.empty()  # nothing is held that nobody will run


def test_threads_are_kept_and_errors_are_the_callers():
    run_tasks(3, 9, take_all, np.zeros(9, np.int64))
    before = threading.active_count()

    def failing(tasks, n_tasks):
        raise ValueError("no")

    for _ in range(20):
        with pytest.raises(ValueError, match="no"):
            run_tasks(3, 9, failing)
        taken = np.zeros(9, np.int64)
        run_tasks(3, 9, take_all, taken)
        assert (taken == 1).all()
    assert threading.active_count() == before


def _in_child(connection):
    taken = np.zeros(50, np.int64)
    run_tasks(3, 50, take_all, taken)
    connection.send(taken.tolist())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_forked_process_has_threads_of_its_own():
    run_tasks(3, 9, take_all, np.zeros(9, np.int64))
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_in_child, args=(there,))
    child.start()
    assert here.poll(60)
    assert here.recv() == [1] * 50
    child.join(60)
    assert child.exitcode == 0
