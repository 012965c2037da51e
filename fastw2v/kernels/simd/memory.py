"""Arrays of float32 that begin with a cache line."""

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

__all__ = ["LINE", "aligned_zeros"]

LINE = 16  # float32 in a cache line


@register_jitable
def aligned_zeros(size: int) -> NDArray[np.float32]:
    """Return `size` zeros that begin with a cache line; in kernels and outside."""
    room = np.zeros(size + LINE, np.float32)
    first = -(room.ctypes.data >> 2) & (LINE - 1)
    return room[first : first + size]
