"""Machine code of kernels as it is kept in files, read with little memory.

Numba's own reader parses the source of every kernel that it reads, which only a kernel that is
compiled later may want, and compiles its runtime, which every kernel calls, in every process; LLVM
takes more memory for that than for all kernels together.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import binding
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime import nrtdynmod
from numba.core.runtime.nrt import rtsys

__all__ = ["Reading", "StoredLibrary", "initialize_runtime", "stored_library"]


class _Library(JITCodeLibrary):  # type: ignore[misc]
    """Compiled code of a file. Its source, for other kernels, is looked at when one asks for it."""

    is_called = True  # by Python: there is machine code of it
    _bitcode: bytes | None = None

    @classmethod
    def read(cls, codegen: Any, stored: "StoredLibrary") -> "_Library":
        """Return what `stored_library` took down."""
        library: _Library = cls(codegen, stored.name)
        library._bitcode = stored.bitcode
        if not stored.code:  # it is linked into other code
            library._finalized, library.is_called = True, False
            return library
        library.enable_object_caching()
        library._set_compiled_object(stored.code)
        library._finalize_final_module()
        codegen._engine._defined_symbols |= set(stored.symbols)
        return library

    def _get_module_for_linking(self) -> Any:
        if self._bitcode is not None:
            self._shared_module = binding.parse_bitcode(self._bitcode)
            self._bitcode = None
        return super()._get_module_for_linking()


class StoredLibrary(NamedTuple):
    """Machine code, what other kernels may inline of it, and the names that are defined there."""

    name: str
    code: bytes
    bitcode: bytes
    symbols: list[str]


def stored_library(library: Any) -> StoredLibrary:
    """Return a library of Numba's, compiled here, as it is kept."""
    name, _, (code, bitcode) = library.serialize_using_object_code()
    module = library._get_module_for_linking()
    values = (*module.functions, *module.global_variables)
    symbols = [value.name for value in values if not value.is_declaration]
    return StoredLibrary(name, code, bitcode, symbols)


class Reading:
    """A target of Numba's, while it reads what `stored_library` returned."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def codegen(self) -> "Reading":
        """Return the target's maker of code, likewise."""
        return Reading(self._target.codegen())

    def unserialize_library(self, stored: StoredLibrary) -> _Library:
        """Return a library, ready to be called."""
        return _Library.read(self._target, stored)


@global_compiler_lock  # type: ignore[untyped-decorator]
def initialize_runtime(
    target_context: Any,
    stored: Callable[[], StoredLibrary | None],
    keep: Callable[[StoredLibrary], None],
) -> None:
    """Have Numba's own runtime in place.

    Parameters
    ----------
    target_context : Numba's for the CPU
    stored : callable
        Returns what was kept of it, or None; then it is compiled.
    keep : callable
        Gets what was compiled.
    """
    if rtsys._init:
        return

    def runtime_library(target_context: Any) -> Any:
        found = stored()
        if found is not None:
            return _Library.read(target_context.codegen(), found)
        module, library = nrtdynmod.create_nrt_module(target_context)
        library.enable_object_caching()
        library.add_ir_module(module)
        library.finalize()
        keep(stored_library(library))
        return library

    compile_functions = nrtdynmod.compile_nrt_functions
    nrtdynmod.compile_nrt_functions = runtime_library
    try:
        rtsys.initialize(target_context)
    finally:
        nrtdynmod.compile_nrt_functions = compile_functions
