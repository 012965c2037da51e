"""Numba's compiler without what no kernel needs, so that a first run waits less.

Numba makes of each function that it compiles, also of those that only other functions call: machine
code, code by which Python calls it, code by which C calls it. Each is optimised before it is linked,
and again in whatever it is linked into. Here a function that is compiled for another one, a part,
is only linked into it. What Python calls is optimised once, with all its parts, and becomes machine
code. The garbage collector rests meanwhile: a compiler makes many objects, and keeps most of them.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.compiler_lock import global_compiler_lock
from numba.core.environment import lookup_environment

__all__ = ["Library", "lean_compiling"]

_ENVIRONMENT = "_ZN08NumbaEnv"


class Library(JITCodeLibrary):  # type: ignore[misc]
    """Code that is linked into other code, and becomes machine code if it is called."""

    def _optimize_functions(self, ll_module: Any) -> None:
        """Leave that to `_optimize_final_module`."""
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        """Leave that until it is known whether it will be called."""

    def _finalize_final_module(self) -> None:
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return the address of a function, compiled to machine code; 0 if it is not in here."""
        self._ensure_finalized()
        if not self._is_machine_code and self._defines(name):
            self._make_machine_code()
        address: int = super().get_pointer_to_function(name)
        return address

    _is_machine_code = False

    @property
    def is_called(self) -> bool:
        """Whether there is machine code of it."""
        return self._is_machine_code

    def _defines(self, name: str) -> bool:
        try:
            return not self._final_module.get_function(name).is_declaration
        except NameError:
            return False

    def _make_machine_code(self) -> None:
        self._is_machine_code = True
        super()._optimize_final_module()
        self._final_module.verify()
        super()._finalize_final_module()
        # Of parts, which have no address of their own.
        for value in self._final_module.global_variables:
            if value.name.startswith(_ENVIRONMENT):
                environment = lookup_environment(value.name)
                if environment is not None:
                    self._codegen.set_env(value.name, environment)

    def serialize_using_object_code(self) -> tuple[str, str, tuple[bytes, bytes]]:
        """Return name, kind, and machine code with bitcode; a part has no machine code."""
        self._ensure_finalized()
        code: bytes = self._get_compiled_object() if self._is_machine_code else b""
        return self.name, "object", (code, self._get_module_for_linking().as_bitcode())


_depth = 0


@contextmanager
def lean_compiling(context: Any) -> Iterator[bool]:
    """Have Numba compile within as this module says.

    Parameters
    ----------
    context : Numba's target context for the CPU

    Yields
    ------
    Whether what is compiled is a part, compiled for another kernel.
    """
    global _depth
    with global_compiler_lock:  # held by whoever compiles, so nobody else does meanwhile
        _depth += 1
        try:
            if _depth > 1:
                yield True
                return
            with _without_garbage_collection(), _lean(context):
                yield False
        finally:
            _depth -= 1


@contextmanager
def _lean(context: Any) -> Iterator[None]:
    codegen = context.codegen()
    codegen._library_class = Library
    codegen.set_env = partial(_set_environment, codegen)
    context.create_cfunc_wrapper = _nothing
    try:
        yield
    finally:
        del codegen._library_class
        del codegen.set_env
        del context.create_cfunc_wrapper


def _set_environment(codegen: Any, name: str, environment: Any) -> None:
    """Set what a function's code refers to, if it is machine code."""
    if codegen._engine.is_symbol_defined(name):
        JITCPUCodegen.set_env(codegen, name, environment)


def _nothing(*arguments: Any) -> None:
    """C calls no kernel."""


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
