"""The vector part of conjugate gradients, for all columns of a tall matrix at once.

Matrices are flat (rows * width,) float32, `width` a multiple of `LANES`; each column has rates of
its own. Tasks are fixed runs of rows, and each run's sums are kept apart, in float64, so that
results do not depend on the number of workers.

References
----------
Hestenes and Stiefel 1952, Journal of Research of the National Bureau of Standards 49.
"""

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.softmax.factorisation import RUN

__all__ = ["add_ridge", "move_along", "turn", "weigh_rows"]


@kernel
def add_ridge(tasks, ridge, direction, image, sums):
    """Add ``ridge[row]`` times the direction to its image, and sum their products by column.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter, set to zero by the caller.
    ridge : (rows,) float32
    direction, image : (rows * width,) float32
        The image is written.
    sums : (runs, width) float64
        Written: of each run of `RUN` rows.
    """
    width, n_rows = sums.shape[1], ridge.shape[0]
    while True:
        run = fetch_add(tasks, 0, 1)
        if run >= sums.shape[0]:
            return
        sums[run] = 0
        for row in range(run * RUN, min((run + 1) * RUN, n_rows)):
            for d in range(width):
                at = row * width + d
                image[at] += ridge[row] * direction[at]
                sums[run, d] += np.float64(direction[at]) * np.float64(image[at])


@kernel
def move_along(tasks, rates, direction, image, found, residual, sums):
    """Move what was found along the direction, and sum the squares of the residual by column.

    `rates` (width,) float32; the rest as in `add_ridge`.
    """
    width = sums.shape[1]
    n_rows = direction.shape[0] // width
    while True:
        run = fetch_add(tasks, 0, 1)
        if run >= sums.shape[0]:
            return
        sums[run] = 0
        for row in range(run * RUN, min((run + 1) * RUN, n_rows)):
            for d in range(width):
                at = row * width + d
                found[at] += rates[d] * direction[at]
                left = residual[at] - rates[d] * image[at]
                residual[at] = left
                sums[run, d] += np.float64(left) * np.float64(left)


@kernel
def turn(tasks, rates, residual, direction, runs):
    """Make the next direction: the residual and `rates` (width,) times the last direction."""
    width = rates.shape[0]
    n_rows = direction.shape[0] // width
    while True:
        run = fetch_add(tasks, 0, 1)
        if run >= runs:
            return
        for row in range(run * RUN, min((run + 1) * RUN, n_rows)):
            for d in range(width):
                at = row * width + d
                direction[at] = residual[at] + rates[d] * direction[at]


@kernel
def weigh_rows(tasks, weights, rows, width):
    """Multiply each row (width,) of `rows`, flat, by its weight (float32)."""
    n_rows = weights.shape[0]
    while True:
        first = fetch_add(tasks, 0, 1) * RUN
        if first >= n_rows:
            return
        for row in range(first, min(first + RUN, n_rows)):
            for d in range(width):
                rows[row * width + d] *= weights[row]
