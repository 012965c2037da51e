"""Sums of rows and steps to rows: what CBOW does with a window's contexts and its outputs.

Both come with one factor for all rows (contexts) and with one for each row (outputs and their
errors).
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastw2v.kernels.simd.vectors import (
    LANES,
    VECTOR,
    constant,
    element_pointer,
    multiply_add,
    splat,
    vector_load,
    vector_store,
)

__all__ = ["move_rows", "move_rows_by", "sum_rows", "weigh_rows"]

_INDEX = ir.IntType(64)
_WIDTH = 4  # vectors side by side where the length of rows is not known when compiling


def _along_rows(builder, vectors, kind, emit):
    """Call ``emit(offset, width)`` for all parts of a row of `vectors` vectors.

    `vectors` is a number or, by its type, a tuple of as many zeros: then there is one part.
    """
    if isinstance(kind, types.BaseTuple):
        emit(_INDEX(0), kind.count)
        return
    whole = builder.udiv(vectors, _INDEX(_WIDTH))
    with cgutils.for_range(builder, whole) as loop:
        emit(builder.mul(loop.index, _INDEX(_WIDTH * LANES)), _WIDTH)
    done = builder.mul(whole, _INDEX(_WIDTH))
    with cgutils.for_range(builder, builder.sub(vectors, done)) as loop:
        emit(builder.mul(builder.add(done, loop.index), _INDEX(LANES)), 1)


def _parts(builder, row, offset, width):
    return [builder.gep(row, [builder.add(offset, _INDEX(k * LANES))]) for k in range(width)]


def _variables(builder, values):
    """Return memory that holds vectors, which the compiler turns into registers."""
    places = []
    for value in values:
        place = cgutils.alloca_once(builder, VECTOR)
        builder.store(value, place)
        places.append(place)
    return places


def _starts(context, builder, signature, arguments, which):
    """Return pointers to the first elements of some array arguments."""
    return [
        element_pointer(context, builder, signature.args[k], arguments[k], _INDEX(0)) for k in which
    ]


@intrinsic
def sum_rows(typing_context, rows, at, n_rows, total, scale, vectors):
    """Write `scale` times the sum of rows to ``total[0:]``.

    `rows` (float32) holds the rows, ``at[:n_rows]`` (int64) says where they begin; `n_rows` is at
    least 1.
    """

    def generate(context, builder, signature, arguments):
        _, _, n_rows, _, scale, vectors = arguments
        rows, at, total = _starts(context, builder, signature, arguments, (0, 1, 3))

        def emit(offset, width):
            first = builder.gep(rows, [builder.load(at)])
            parts = _parts(builder, first, offset, width)
            sums = _variables(builder, [vector_load(builder, part) for part in parts])
            with cgutils.for_range_slice(builder, _INDEX(1), n_rows, _INDEX(1)) as (index, _):
                row = builder.gep(rows, [builder.load(builder.gep(at, [index]))])
                for place, part in zip(sums, _parts(builder, row, offset, width), strict=True):
                    added = builder.fadd(builder.load(place), vector_load(builder, part))
                    builder.store(added, place)
            factor = splat(builder, scale)
            for place, part in zip(sums, _parts(builder, total, offset, width), strict=True):
                vector_store(builder, part, builder.fmul(builder.load(place), factor))

        _along_rows(builder, vectors, signature.args[5], emit)
        return context.get_dummy_value()

    return types.void(rows, at, types.int64, total, types.float32, vectors), generate


@intrinsic
def move_rows(typing_context, rows, at, n_rows, step, scale, vectors):
    """Add `scale` times ``step[0:]`` to rows, one after the other; as for `sum_rows`."""

    def generate(context, builder, signature, arguments):
        _, _, n_rows, _, scale, vectors = arguments
        rows, at, step = _starts(context, builder, signature, arguments, (0, 1, 3))

        def emit(offset, width):
            factor = splat(builder, scale)
            steps = [
                builder.fmul(vector_load(builder, part), factor)
                for part in _parts(builder, step, offset, width)
            ]
            with cgutils.for_range(builder, n_rows) as loop:
                row = builder.gep(rows, [builder.load(builder.gep(at, [loop.index]))])
                for value, part in zip(steps, _parts(builder, row, offset, width), strict=True):
                    vector_store(builder, part, builder.fadd(vector_load(builder, part), value))

        _along_rows(builder, vectors, signature.args[5], emit)
        return context.get_dummy_value()

    return types.void(rows, at, types.int64, step, types.float32, vectors), generate


@intrinsic
def weigh_rows(typing_context, rows, at, n_rows, total, weights, vectors):
    """Write the sum of ``weights[j]`` times row j to ``total[0:]``; as for `sum_rows`."""

    def generate(context, builder, signature, arguments):
        n_rows, vectors = arguments[2], arguments[5]
        rows, at, total, weights = _starts(context, builder, signature, arguments, (0, 1, 3, 4))

        def emit(offset, width):
            sums = _variables(builder, [constant(0.0)] * width)
            with cgutils.for_range(builder, n_rows) as loop:
                row = builder.gep(rows, [builder.load(builder.gep(at, [loop.index]))])
                weight = splat(builder, builder.load(builder.gep(weights, [loop.index])))
                for place, part in zip(sums, _parts(builder, row, offset, width), strict=True):
                    value = vector_load(builder, part)
                    added = multiply_add(builder, weight, value, builder.load(place))
                    builder.store(added, place)
            for place, part in zip(sums, _parts(builder, total, offset, width), strict=True):
                vector_store(builder, part, builder.load(place))

        _along_rows(builder, vectors, signature.args[5], emit)
        return context.get_dummy_value()

    return types.void(rows, at, types.int64, total, weights, vectors), generate


@intrinsic
def move_rows_by(typing_context, rows, at, n_rows, step, weights, vectors):
    """Add ``weights[j]`` times ``step[0:]`` to row j, one after the other; as for `sum_rows`."""

    def generate(context, builder, signature, arguments):
        n_rows, vectors = arguments[2], arguments[5]
        rows, at, step, weights = _starts(context, builder, signature, arguments, (0, 1, 3, 4))

        def emit(offset, width):
            steps = [vector_load(builder, part) for part in _parts(builder, step, offset, width)]
            with cgutils.for_range(builder, n_rows) as loop:
                row = builder.gep(rows, [builder.load(builder.gep(at, [loop.index]))])
                weight = splat(builder, builder.load(builder.gep(weights, [loop.index])))
                for value, part in zip(steps, _parts(builder, row, offset, width), strict=True):
                    moved = multiply_add(builder, weight, value, vector_load(builder, part))
                    vector_store(builder, part, moved)

        _along_rows(builder, vectors, signature.args[5], emit)
        return context.get_dummy_value()

    return types.void(rows, at, types.int64, step, weights, vectors), generate
