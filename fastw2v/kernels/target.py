"""The CPU that Numba compiles for, as Numba itself says it: name and features.

What stands here obeys ``NUMBA_CPU_NAME``, ``NUMBA_CPU_FEATURES`` and ``NUMBA_ENABLE_AVX``, and
knows the CPUs for which Numba leaves AVX out. The host's own features would be more than the
compiler may use, and an instruction that it may not use ends the process.
"""

from llvmlite import binding
from numba.core import codegen, config

__all__ = ["target_cpu", "target_features"]


def _features() -> str:
    """Return the features as LLVM is given them: ``+sse2,-avx512f``."""
    chosen: str | None = getattr(config, "CPU_FEATURES")  # noqa: B009 - set at run time
    host: str = codegen.get_host_cpu_features()
    return host if chosen is None else chosen


def target_features() -> frozenset[str]:
    """Return the names of the features that compiled code may use."""
    return frozenset(name[1:] for name in _features().split(",") if name.startswith("+"))


def target_cpu() -> tuple[str, str]:
    """Return name and features of the CPU, on which compiled code depends."""
    name: str | None = getattr(config, "CPU_NAME")  # noqa: B009
    return name or binding.get_host_cpu_name(), ",".join(sorted(_features().split(",")))
