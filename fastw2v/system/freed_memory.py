"""Memory that was freed, given back to the system."""

import ctypes
import sys

__all__ = ["give_back_freed"]


def give_back_freed() -> None:
    """Give memory that was freed back to the system where its allocator keeps it for later.

    glibc's does, up to tens of megabytes once large arrays were freed. It takes about a
    millisecond, so it belongs between stages. Elsewhere nothing is done.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
