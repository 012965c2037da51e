"""A digest of running text that can be made in pieces and put together.

Each token, and each end of a sentence, is an affine map h -> a h + b modulo 2**64, with a (odd) and
b drawn from the token by a mixing function (splitmix64: Steele, Lea and Flood 2014). A text is the
composition of its maps, which is again such a map, (a, b): it depends on the order of the text, and
that of two texts one after the other follows from theirs. Two independent lanes make 256 bits.
They tell texts apart that differ by chance or by damage; they are no defence against forgery.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.hashing import GOLDEN, mix

__all__ = ["IDENTITY", "SENTENCE_END", "absorb_text"]

IDENTITY = (1, 0, 1, 0)  # (a, b) of each lane, of no text at all
SENTENCE_END = np.uint64(2**32)  # an id that no word has


@njit(nogil=True, inline="always")
def _absorb(state, symbol):
    one = np.uint64(1)
    seed = mix(symbol + GOLDEN)
    for lane in range(2):
        factor = mix(seed + np.uint64(0x632BE59BD9B4E019) * np.uint64(2 * lane + 1)) | one
        offset = mix(seed + np.uint64(0x632BE59BD9B4E019) * np.uint64(2 * lane + 2))
        state[2 * lane] *= factor
        state[2 * lane + 1] = state[2 * lane + 1] * factor + offset


@kernel
def absorb_text(state, ids, ends):
    """Put the maps of a stretch of text behind those of `state`.

    Parameters
    ----------
    state : (4,) uint64
        (a, b) of each lane; changed in place.
    ids : (n,) int32
    ends : (m,) int64
        How many of these ids come before each end of a sentence; others than 0 to n, rising, do no
        harm, but have no meaning.
    """
    position = 0
    for end in ends:
        for i in range(position, min(end, ids.size)):
            _absorb(state, np.uint64(ids[i]))
        position = max(position, end)
        _absorb(state, SENTENCE_END)
    for i in range(position, ids.size):
        _absorb(state, np.uint64(ids[i]))
