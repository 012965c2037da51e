"""The exact step over a tile of output words, as functions on PyTorch's tensors.

The mathematics is that of `fastw2v.kernels.softmax.tiles`: the exponentials E of a tile are
relative to each row's largest score of the tile, G = diag(scale) (E - observed / scale), and the
scale goes to the rows, which are few. No function needs PyTorch but through its arguments.

Sums have one order: each goes along a dimension or is a product of matrices, and entries are
written to places of their own. Nothing is added up by atomics.
"""

from typing import Any, NamedTuple

import numpy as np

from fastw2v.kernels.softmax.updates import ADAGRAD, ADAM, RMSPROP, Rule

__all__ = [
    "Move",
    "adam",
    "errors",
    "exponentials",
    "exponentials_again",
    "log_sums",
    "move_of",
    "row_scales",
    "step",
]

Tensor = Any

# As on the CPU: a tile so far below the others has no share in a row, and can be divided by.
_SMALLEST_SCALE = 1e-30


def exponentials(scores: Tensor, bias: Tensor, dtype: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return a tile's exponentials, and each row's peak and sum of them.

    Parameters
    ----------
    scores : (B, n) float32
        Products.
    bias : (n,) float32
    dtype
        Of the exponentials; peaks and sums are float32.

    Returns
    -------
    exponentials : (B, n)
    peaks, sums : (B,) float32
    """
    shifted = scores + bias
    peaks = shifted.amax(1)
    exponents = (shifted - peaks[:, None]).exp()
    return exponents.to(dtype), peaks, exponents.sum(1)


def exponentials_again(scores: Tensor, bias: Tensor, peaks: Tensor, dtype: Any) -> Tensor:
    """Return what `exponentials` did, to the bit, where there was no room to keep it."""
    return ((scores + bias) - peaks[:, None]).exp().to(dtype)


def log_sums(peaks: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
    """Join the tiles' peaks and sums (T, B) into those of whole rows (B,), sums in float64."""
    highest = peaks.amax(0)
    parts = sums.double() * (peaks.double() - highest.double()).exp()
    return highest, parts.sum(0)


def row_scales(peaks: Tensor, highest: Tensor, total: Tensor) -> Tensor:
    """Return what makes a tile's exponentials probabilities, (B,) float32, kept from vanishing."""
    relative = (peaks - highest).exp() / total.float()
    return relative.clamp_(min=_SMALLEST_SCALE)


def errors(exponents: Tensor, places: Tensor, shares: Tensor) -> None:
    """Take observed shares off exponentials (B, n), in place.

    Parameters
    ----------
    exponents : (B, n)
    places : (E,) int64
        Which numbers, row by row; each once.
    shares : (E,) float32
        Weight by scale.
    """
    flat = exponents.view(-1)
    left = flat.index_select(0, places).float() - shares
    flat.index_copy_(0, places, left.to(exponents.dtype))


class Move(NamedTuple):
    """The scalars of a step as tensors' functions take them.

    `rate` and `unbias` are tensors of one number, so that compiled code need not be made anew when
    they change; the others are the same in all steps. Of columns, `rate`, `keep_first` and
    `keep_second` are tensors of one number for each row.
    """

    kind: int
    rate: Tensor
    unbias: Tensor
    keep_first: Any
    keep_second: Any
    take_first: float
    take_second: float
    epsilon: float


def move_of(rule: Rule, rate: Tensor, unbias: Tensor) -> Move:
    """Return a rule with these rates and corrections of the second moment."""
    one = np.float32(1)
    return Move(
        rule.kind,
        rate,
        unbias,
        float(rule.decay_first),
        float(rule.decay_second),
        float(one - rule.decay_first),
        float(one - rule.decay_second),
        float(rule.epsilon),
    )


def adam(
    values: Tensor,
    first: Tensor,
    second: Tensor,
    gradient: Tensor,
    rates: tuple[Tensor, Tensor],
    keeps: tuple[Any, Any],
    numbers: tuple[float, float, float],
) -> None:
    """Move values (N, D) by Adam, in place; what `Move` has comes in three parts."""
    (rate, unbias), (keep_first, keep_second) = rates, keeps
    take_first, take_second, epsilon = numbers
    first.mul_(keep_first).add_(gradient * take_first)
    second.mul_(keep_second).add_(gradient * gradient * take_second)
    values.sub_(rate * first / ((second * unbias).sqrt() + epsilon))


def step(values: Tensor, moments: list[Tensor], gradient: Tensor, move: Move, moved: Any) -> None:
    """Step values (N, D) against a gradient by any rule, in place.

    Parameters
    ----------
    values, gradient : (N, D) float32
    moments : list of (N, D) float32
    move : Move
    moved : callable
        `adam`, or what was compiled of it.
    """
    if move.kind == ADAM:
        keeps = move.keep_first, move.keep_second
        moved(values, *moments, gradient, (move.rate, move.unbias), keeps, tuple(move[5:]))
    elif move.kind == ADAGRAD:
        moments[0].add_(gradient * gradient)
        values.sub_(move.rate * gradient / (moments[0].sqrt() + move.epsilon))
    elif move.kind == RMSPROP:
        raise ValueError("rule: expected one of output vectors, got RMSprop")
    else:
        values.sub_(move.rate * gradient)
