"""Kernels as parts of others: linked and not compiled for themselves, until Python calls them."""

import gc
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest
from numba.core import event
from numba.core.registry import cpu_target

from fastw2v.kernels.lean_compiling import Kernel
from fastw2v.system.children import child_environment

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


def compiled(function):
    """Return a kernel that is not kept on disk."""
    return Kernel(py_func=function, locals={}, targetoptions={"nopython": True, "nogil": True})


def two_kernels():
    """Return a kernel, and another one that it calls."""

    @compiled
    def part(values, n):
        if n > len(values):
            raise ValueError("more than there are")
        total = values.dtype.type(0)
        for i in range(n):
            total += values[i]
        return total

    @compiled
    def whole(values, n):
        room = np.empty(n, values.dtype)
        for i in range(n):
            room[i] = part(values, i + 1)
        return room

    return whole, part


def libraries(dispatcher):
    return [result.library for result in dispatcher.overloads.values()]


def is_code_for(library, caller):
    return any(function.name.startswith(caller) for function in library.get_defined_functions())


def nothing_is_left_behind():
    context = cpu_target.target_context
    own = {"_library_class", "set_env"} & set(vars(context.codegen()))
    return not own and "create_cfunc_wrapper" not in vars(context)


def test_a_part_becomes_machine_code_when_python_calls_it():
    whole, part = two_kernels()
    values = np.arange(5, dtype=np.int32)
    assert whole(values, 5).tolist() == [0, 1, 3, 6, 10]
    assert [library.is_called for library in libraries(whole)] == [True]
    assert [library.is_called for library in libraries(part)] == [False]
    assert not is_code_for(libraries(part)[0], "_ZN7cpython")
    assert part(values, 3) == 3
    assert [library.is_called for library in libraries(part)] == [True]
    assert whole(values, 5).tolist() == [0, 1, 3, 6, 10]
    assert nothing_is_left_behind()


def test_another_type_is_another_part():
    whole, part = two_kernels()
    assert whole(np.arange(5, dtype=np.int32), 3).dtype == np.int32
    assert part(np.full(5, 0.5), 3) == 1.5
    assert whole(np.full(5, 0.5), 3).tolist() == [0.5, 1, 1.5]
    assert part(np.arange(5, dtype=np.int32), 4) == 6
    assert all(library.is_called for library in libraries(part))


def test_python_is_told_what_a_part_raises():
    whole, part = two_kernels()
    values = np.zeros(2)
    for function in (whole, part, whole):
        with pytest.raises(ValueError, match="more than there are"):
            function(values, 3)


def test_a_kernel_that_python_called_first_is_a_part_too():
    whole, part = two_kernels()
    values = np.arange(4, dtype=np.int64)
    assert part(values, 4) == 6
    assert whole(values, 4).tolist() == [0, 1, 3, 6]


def test_what_is_no_kernel_is_compiled_as_ever():
    whole, part = two_kernels()
    values = np.arange(4, dtype=np.int16)
    whole(values, 4)

    @numba.njit
    def users(values):
        return np.empty(3, values.dtype).shape[0] + whole(values, 4)[-1] + part(values, 2)

    assert users(values) == 3 + 6 + 1
    assert is_code_for(libraries(users)[0], "cfunc")
    assert is_code_for(libraries(users)[0], "_ZN7cpython")
    assert type(libraries(users)[0]) is not type(libraries(whole)[0])


def watch_the_collector():
    """Return what `gc.isenabled` says in each of the compiler's passes."""
    seen = []

    class Passes(event.Listener):
        def on_start(self, event):
            seen.append(gc.isenabled())

        def on_end(self, event):
            pass

    return seen, event.install_listener("numba:run_pass", Passes())


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_the_garbage_collector_rests_and_is_then_as_it_was(is_on, fails):
    def sound(n):
        return n + 1

    def unsound(n):
        return n + "1"

    function = compiled(unsound if fails else sound)
    seen, watched = watch_the_collector()
    try:
        (gc.enable if is_on else gc.disable)()
        with watched:
            if fails:
                with pytest.raises(numba.TypingError):
                    function(3)
            else:
                assert function(3) == 4
        assert gc.isenabled() == is_on
    finally:
        gc.enable()
    assert seen
    assert not any(seen)
    assert nothing_is_left_behind()


def test_threads_compile_one_after_the_other():
    pairs = [two_kernels() for _ in range(4)]
    values = np.arange(6, dtype=np.uint8)
    found = {}

    def call(number):
        whole, part = pairs[number // 2]
        found[number] = int(whole(values, 6)[-1]) if number % 2 else int(part(values, 6))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(8), 15)
    assert gc.isenabled()
    assert nothing_is_left_behind()


OTHER_NUMBA = """
import numba

numba.__version__ = "0.99.1"
import numpy as np

from fastw2v.kernels.lean_compiling import Kernel
from fastw2v.kernels.softmax.updates import SGD, Rule, update_block

values, gradient = np.ones(16, np.float32), np.ones(16, np.float32)
rule = Rule(SGD, *np.array([0.5, 0, 0, 1, 1, 1], np.float32))
update_block(values, np.zeros((0, 16), np.float32), 0, gradient, 0, 16, rule)
assert values.tolist() == [0.5] * 16
print(isinstance(update_block, Kernel))
"""


def test_a_version_of_numba_that_nobody_knows_compiles_by_its_own_means(tmp_path):
    environment = child_environment() | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", OTHER_NUMBA]
    ended = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "False\n"), ended.stderr
