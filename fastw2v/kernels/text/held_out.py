"""Positions of a text that training predicts no word at, so that something is left to fit to."""

from numba import njit

from fastw2v.kernels.compilation import kernel

__all__ = ["first_held_out", "is_held_out"]


@kernel
def first_held_out(held_out, position):
    """Return the place of the first held-out position that is not before `position`.

    Their number if there is none.

    Parameters
    ----------
    held_out : (n_held_out,) int64
        Ascending.
    position : int
    """
    low, high = 0, held_out.size
    while low < high:
        middle = (low + high) // 2
        if held_out[middle] < position:
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, inline="always")
def is_held_out(held_out, place, position):
    """Return whether `position` is the held-out one at `place`; there may be none any more."""
    return place < held_out.size and held_out[place] == position
