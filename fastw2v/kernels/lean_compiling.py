"""Numba's dispatcher without what no kernel needs, so that a first run waits less.

Of every function Numba makes machine code, code by which Python calls it, and code by which C does,
also if only other functions call it. It optimises each of these before they are linked, and again
in whatever they are linked into. Here a function that is compiled for another one, a part, is
linked into it as it is. What Python calls is optimised once, with its parts, and becomes machine
code. Numba is told so while its lock of compiling is held: what is no kernel is compiled as ever.

This is for the kernels that every first run waits for, of reading, counting and the exact softmax,
which are as fast so. Others were slower, by a tenth to a half (negative sampling): LLVM leaves
calls of parts that were not optimised where it would have put the parts in their place.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numba
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.compiler_lock import global_compiler_lock
from numba.core.environment import lookup_environment
from numba.core.registry import CPUDispatcher
from numba.core.sigutils import normalize_signature

from fastw2v.kernels.paused_collector import paused_collector

__all__ = ["compiles_part", "new_dispatcher"]

# No public part of Numba is changed here: other versions compile kernels by their own means.
_KNOWN_VERSIONS = ((0, 62), (0, 68))
_LEAN_ROOMS = tuple(f"fastw2v.kernels.{room}." for room in ("text", "counts", "softmax"))
_NOT_LEAN = "fastw2v.kernels.softmax.context_mean"
_ENVIRONMENT = "_ZN08NumbaEnv"
_set_env = getattr(JITCPUCodegen, "set_env", None)  # which has no types


def _knows_numba() -> bool:
    version = tuple(map(int, re.findall(r"\d+", numba.__version__)[:2]))
    return _KNOWN_VERSIONS[0] <= version <= _KNOWN_VERSIONS[1]


class _Nesting:
    """How many kernels are being compiled leanly, each for the one before; 0 where none is.

    Changed under Numba's lock. `others` counts those that are compiled as Numba does it.
    """

    depth = 0
    others = 0


def compiles_part() -> bool:
    """Return whether the kernel that is being compiled is a part of another one."""
    return _Nesting.depth > 1


class Kernel(CPUDispatcher):  # type: ignore[misc]
    """Numba's dispatcher; a signature is compiled for Python, or as a part of other kernels."""

    _compiler: Any
    is_lean = True  # if Python calls it; a part is compiled as what it is a part of

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._compiler._customize_flags = _without_wrappers

    def compile(self, sig: Any) -> Any:
        """Compile a signature, or read it from its file, unless that was done."""
        with global_compiler_lock:
            is_lean = _Nesting.depth > 0 or (self.is_lean and not _Nesting.others)
            with _lean_compiling(self.targetctx) if is_lean else _as_numba_does():
                types, _ = normalize_signature(sig)
                earlier: Any = self.overloads.get(tuple(types))
                if earlier is not None and not compiles_part() and _is_part(earlier):
                    del self.overloads[tuple(types)]  # which Python, or others, want to call now
                return super().compile(sig)

    def add_overload(self, cres: Any) -> None:
        """Take what was compiled; a part has nothing that Python could call."""
        if compiles_part():
            self.overloads[tuple(cres.signature.args)] = cres
        else:
            super().add_overload(cres)


def _is_part(result: Any) -> bool:
    return not getattr(result.library, "is_called", True)


def new_dispatcher(function: Any, options: dict[str, Any]) -> Any:
    """Return what compiles a function: leanly, in some rooms, by a known version of Numba."""
    settings = {"py_func": function, "locals": {}, "targetoptions": options}
    if not _knows_numba():
        return CPUDispatcher(**settings)
    compiled = Kernel(**settings)
    module = function.__module__
    compiled.is_lean = module.startswith(_LEAN_ROOMS) and module != _NOT_LEAN
    return compiled


def _without_wrappers(flags: Any) -> Any:
    flags.no_cfunc_wrapper = True
    flags.no_cpython_wrapper = compiles_part()
    return flags


class _Library(JITCodeLibrary):  # type: ignore[misc]
    """Code that is linked into other code as it is, and optimised if it is called."""

    is_called = False

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        """Wait until it is called."""

    def _finalize_final_module(self) -> None:
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return the address of a function, which becomes machine code; 0 if it is not in here."""
        self._ensure_finalized()
        if not self.is_called and self._defines(name):
            self._make_machine_code()
        address: int = super().get_pointer_to_function(name)
        return address

    def serialize_using_object_code(self) -> tuple[str, str, tuple[bytes, bytes]]:
        """Return name, kind, and machine code with bitcode; of a part there is only bitcode."""
        self._ensure_finalized()
        code: bytes = self._get_compiled_object() if self.is_called else b""
        return self.name, "object", (code, self._get_module_for_linking().as_bitcode())

    def _defines(self, name: str) -> bool:
        try:
            return not self._final_module.get_function(name).is_declaration
        except NameError:
            return False

    def _make_machine_code(self) -> None:
        self.is_called = True
        super()._optimize_final_module()
        self._final_module.verify()
        super()._finalize_final_module()
        for value in self._final_module.global_variables:
            if value.name.startswith(_ENVIRONMENT):  # of parts too
                environment = lookup_environment(value.name)
                if environment is not None:
                    _set_environment(self._codegen, value.name, environment)


@contextmanager
def _lean_compiling(context: Any) -> Iterator[None]:
    """Have Numba compile within as this module says; `context` is its target context."""
    _Nesting.depth += 1
    try:
        if compiles_part():
            yield
            return
        paused_collector.start()
        try:
            with _own_libraries(context):
                yield
        finally:
            paused_collector.stop()
    finally:
        _Nesting.depth -= 1


@contextmanager
def _as_numba_does() -> Iterator[None]:
    _Nesting.others += 1
    try:
        yield
    finally:
        _Nesting.others -= 1


@contextmanager
def _own_libraries(context: Any) -> Iterator[None]:
    codegen = context.codegen()
    codegen._library_class = _Library
    codegen.set_env = partial(_set_environment, codegen)
    context.create_cfunc_wrapper = _nothing  # of functions that Numba itself brings
    try:
        yield
    finally:
        del codegen._library_class, codegen.set_env, context.create_cfunc_wrapper


def _set_environment(codegen: Any, name: str, environment: Any) -> None:
    """Tell machine code where its environment is; a part has none of its own."""
    if codegen._engine.is_symbol_defined(name):
        assert _set_env is not None
        _set_env(codegen, name, environment)


def _nothing(*arguments: Any) -> None:
    """C calls no kernel."""
