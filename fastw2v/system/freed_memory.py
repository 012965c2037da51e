"""Memory that was freed, given back to the system instead of kept by glibc's allocator.

Elsewhere nothing is done.
"""

import ctypes
import sys
from typing import Any

__all__ = ["give_back_freed", "map_large_arrays"]

_LARGE_BYTES = 2 * 2**20
_KEPT_BYTES = 8 * 2**20  # at the end of the heap, so that small arrays need not ask the system
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def give_back_freed() -> None:
    """Give freed memory back that the allocator keeps for later, up to tens of megabytes.

    It takes about a millisecond, so it belongs between stages.
    """
    trim = _function_of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def map_large_arrays() -> None:
    """Have arrays of 2 MiB and more in memory of their own, which goes when they do.

    glibc does so at first, but moves them to its heap, where they leave holes, once some were
    freed. It is for a program to decide, not for a library.
    """
    set_option = _function_of_glibc("mallopt")
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _LARGE_BYTES)
        set_option(_TRIM_THRESHOLD, _KEPT_BYTES)


def _function_of_glibc(name: str) -> Any:
    if sys.platform != "linux":
        return None
    program = ctypes.CDLL(None)
    has_glibc = hasattr(program, "gnu_get_libc_version")
    return getattr(program, name) if has_glibc else None
