"""Central differences: the judge of every gradient in these tests.

Use `assert_gradient` both for the real gradient and, inside ``pytest.raises``, for a sabotaged
one: a check that accepts a flipped sign proves nothing.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# The error of a central difference is least where truncation, h^2, and rounding, eps / h, are
# equal: h = eps^(1/3), about 6e-6, leaves about eps^(2/3) = 4e-11.
STEP = float(np.finfo(np.float64).eps ** (1 / 3))

TOLERANCE = 1e-6


class GradientMismatchError(AssertionError):
    """A gradient is not the slope of its function."""


def central_differences(
    function: Callable[[FloatArray], float], point: FloatArray, step: float = STEP
) -> FloatArray:
    """Return the slope of `function` at `point` along every element, shape of `point`.

    `step` is relative for elements above 1 and absolute below. Everything is float64: in
    float32 the differences would be noise.
    """
    point = np.array(point, np.float64)
    slopes = np.empty_like(point)
    for index in np.ndindex(point.shape):
        centre = point[index]
        above = centre + step * max(1.0, abs(centre))
        below = centre - (above - centre)
        point[index] = above
        upper = float(function(point.copy()))
        point[index] = below
        lower = float(function(point.copy()))
        point[index] = centre
        slopes[index] = (upper - lower) / (above - below)  # the step that was really taken
    return slopes


def relative_error(got: object, expected: object, *, small: float = 1e-3) -> float:
    """Return the largest difference of any element, relative to that element.

    Elements below `small` times the largest of all are measured against that, so that rounding
    around zero does not count; both all zero is 0. Infinite if anything is not a number.
    """
    first, second = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    if first.shape != second.shape:
        raise GradientMismatchError(f"expected shape {second.shape}, got {first.shape}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return float("inf")
    size = np.maximum(np.abs(first), np.abs(second))
    largest = size.max(initial=0.0)
    if largest == 0.0:
        return 0.0
    return float((np.abs(first - second) / np.maximum(size, small * largest)).max())


def assert_gradient(
    function: Callable[[FloatArray], float],
    point: FloatArray,
    gradient: object,
    *,
    tolerance: float = TOLERANCE,
    step: float = STEP,
) -> None:
    """Raise GradientMismatchError unless `gradient` is the slope of `function` at `point`."""
    slopes = central_differences(function, point, step)
    error = relative_error(gradient, slopes)
    if error > tolerance:
        raise GradientMismatchError(
            f"gradient differs from central differences: relative error {error:.2e}, expected "
            f"at most {tolerance:.0e}\ngot\n{gradient}\nexpected\n{slopes}"
        )
