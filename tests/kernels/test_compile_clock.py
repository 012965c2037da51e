"""The clock of compiling: each second once, whoever compiles, and no second of work."""

import gc
import threading
import time

import numba
import pytest
from numba.core import event

from fastw2v.kernels import compile_clock
from fastw2v.kernels.compile_clock import compiling, compiling_s, told_of_compiling, working_s


def test_what_is_compiled_at_once_or_within_counts_once():
    before_s, worked_s = compiling_s(), working_s()
    began_s = time.perf_counter()
    with compiling():
        others = [threading.Thread(target=wait) for _ in range(3)]
        for other in others:
            other.start()
        with compiling():
            time.sleep(0.02)
        assert compiling_s() > before_s  # while it goes on, too
        for other in others:
            other.join()
    took_s = time.perf_counter() - began_s
    assert 0.05 <= compiling_s() - before_s <= took_s
    assert working_s() - worked_s <= time.perf_counter() - began_s - 0.05


def wait():
    with compiling():
        time.sleep(0.05)


def test_the_working_clock_runs_while_nothing_is_compiled():
    before_s, worked_s = compiling_s(), working_s()
    time.sleep(0.01)
    assert compiling_s() == before_s
    assert working_s() - worked_s >= 0.01


def test_an_error_ends_it_too():
    with pytest.raises(ValueError, match="within"), compiling():
        raise ValueError("within")
    before_s = compiling_s()
    time.sleep(0.01)
    assert compiling_s() == before_s


def test_the_first_kernel_is_told_once():
    told = []
    with told_of_compiling(lambda: told.append(compiling_s())):
        assert told == []
        for _ in range(3):
            with compiling():
                pass
    with compiling():
        pass
    assert len(told) == 1
    with told_of_compiling(None), compiling():
        pass
    with told_of_compiling(lambda: told.append(1)):
        pass
    with compiling():
        pass
    assert len(told) == 1
    assert compile_clock._clock.listeners == []


@pytest.fixture
def compiled_within():
    """Compiles a kernel, and looks when it begins and ends."""

    def compiled(look):
        class Watched(event.Listener):
            def on_start(self, event):
                look()

            def on_end(self, event):
                look()

        with event.install_listener("numba:compile", Watched()):
            numba.njit(lambda number: number + 1)(1)

    return compiled


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_collector_of_garbage_rests_while_a_kernel_is_compiled(compiled_within, is_enabled):
    (gc.enable if is_enabled else gc.disable)()
    seen = []
    try:
        compiled_within(lambda: seen.append(gc.isenabled()))
        assert seen[0] is False  # told after the clock
        assert gc.isenabled() is is_enabled
        with compiling():  # waiting for another process is no compiling
            assert gc.isenabled() is is_enabled
    finally:
        gc.enable()


def test_it_works_again_after_a_kernel_that_cannot_be_compiled():
    with pytest.raises(numba.TypingError):
        numba.njit(lambda: undefined_name)()  # noqa: F821
    assert gc.isenabled()
