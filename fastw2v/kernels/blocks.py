"""The inner loop of every matrix product: a block of sums kept in registers.

All three products of the exact step (scores, gradient of the centre vectors, gradient of the
output vectors) are sums of outer products, C[i, j] += sum_k A[i, k] * B[k, j], where j runs
along vectors and A is read one scalar at a time. They differ only in how far apart i and k
lie in memory. The intrinsics below emit that loop for one block of C, held in registers from
the first k to the last: `ROWS` (or a part of it) times `VECTORS` (or one) vectors.

A *place* is a pair (one-dimensional float32 array, offset of the first element).
"""

from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastw2v.kernels.simd import (
    LANES,
    REGISTERS,
    VECTOR,
    element_pointer,
    exponential_of,
    maximum_of,
    multiply_add,
    splat,
    vector_load,
    vector_store,
)

# Two vectors of B times as many rows of A as leave registers for the operands.
VECTORS = 2
ROWS = 12 if REGISTERS >= 32 else 6
THIRD = ROWS // 3
PANEL = VECTORS * LANES

_INDEX = ir.IntType(64)
_ZERO = ir.Constant(VECTOR, [0.0] * LANES)


class Steps(NamedTuple):
    """Distances between neighbours, in elements, and the numbers of terms.

    The sum over k is two loops, one in the other, so that k may run through panels: k = (q, p)
    with q < `outer` and p < `inner`, both at least 1.
    """

    outer: int
    inner: int
    c_row: int
    a_row: int
    a_outer: int
    a_inner: int
    b_outer: int
    b_inner: int


class _Loop:
    """One counted loop in LLVM: values that change from turn to turn, as phi nodes."""

    def __init__(self, builder, name, before, initial):
        self.builder = builder
        self.block = builder.function.append_basic_block(name)
        builder.branch(self.block)
        builder.position_at_end(self.block)
        self.values = [builder.phi(value.type) for value in initial]
        for phi, value in zip(self.values, initial, strict=True):
            phi.add_incoming(value, before)

    def close(self, following, count):
        """Go round again with the `following` values while the first is below `count`."""
        builder = self.builder
        for phi, value in zip(self.values, following, strict=True):
            phi.add_incoming(value, builder.block)
        end = builder.function.append_basic_block("after")
        builder.cbranch(builder.icmp_signed("<", following[0], count), self.block, end)
        builder.position_at_end(end)


def _products(builder, shape, a, b, a_row, sums):
    """Emit sums[i, j] + A[i] * B[j] for one k."""
    rows, vectors = shape
    columns = [vector_load(builder, builder.gep(b, [_INDEX(j * LANES)])) for j in range(vectors)]
    following = []
    for i in range(rows):
        # One base pointer for three rows: the others are its neighbours at one and two steps,
        # so twelve rows need few address registers.
        base = builder.gep(a, [builder.mul(a_row, _INDEX(i - i % 3))])
        scalar = builder.load(builder.gep(base, [builder.mul(a_row, _INDEX(i % 3))]))
        factor = splat(builder, scalar)
        following += [
            multiply_add(builder, factor, columns[j], sums[i * vectors + j]) for j in range(vectors)
        ]
    return following


def _emit(builder, shape, pointers, steps, first):
    """Emit the two loops from the sums `first`; return the sums at the end."""
    a, b = pointers
    one = _INDEX(1)
    outer = _Loop(builder, "outer", builder.block, [_INDEX(0), a, b, *first])
    q, a_outer, b_outer, *sums = outer.values
    inner = _Loop(builder, "inner", builder.block, [_INDEX(0), a_outer, b_outer, *sums])
    p, a_inner, b_inner, *sums = inner.values
    sums = _products(builder, shape, a_inner, b_inner, steps.a_row, sums)
    a_next = builder.gep(a_inner, [steps.a_inner])
    b_next = builder.gep(b_inner, [steps.b_inner])
    inner.close([builder.add(p, one), a_next, b_next, *sums], steps.inner)
    a_next = builder.gep(a_outer, [steps.a_outer])
    b_next = builder.gep(b_outer, [steps.b_outer])
    outer.close([builder.add(q, one), a_next, b_next, *sums], steps.outer)
    return sums


def _place_pointer(context, builder, kind, place):
    array, offset = cgutils.unpack_tuple(builder, place, 2)
    return element_pointer(context, builder, kind[0], array, offset)


def _block_intrinsic(rows, vectors, start):
    """Make the intrinsic for a block of `rows` by `vectors`.

    `start` says what the sums begin with: "zero", "c" (what C holds), or "rows" (a value for
    each row, read from one more place).
    """
    shape = (rows, vectors)

    def generate(context, builder, signature, arguments):
        *places, packed_steps = arguments
        c, a, b, *row_values = [
            _place_pointer(context, builder, kind, place)
            for kind, place in zip(signature.args, places, strict=False)
        ]
        steps = Steps(*cgutils.unpack_tuple(builder, packed_steps, len(Steps._fields)))
        cells = []
        for i in range(rows):
            row = builder.gep(c, [builder.mul(steps.c_row, _INDEX(i))])
            cells += [builder.gep(row, [_INDEX(j * LANES)]) for j in range(vectors)]
        if start == "c":
            first = [vector_load(builder, cell) for cell in cells]
        elif start == "rows":
            values = [
                splat(builder, builder.load(builder.gep(row_values[0], [_INDEX(i)])))
                for i in range(rows)
            ]
            first = [values[i] for i in range(rows) for _ in range(vectors)]
        else:
            first = [_ZERO] * len(cells)
        for cell, total in zip(cells, _emit(builder, shape, (a, b), steps, first), strict=True):
            vector_store(builder, cell, total)
        return context.get_dummy_value()

    if start == "rows":

        @intrinsic
        def block_from_rows(typing_context, c, a, b, row_values, steps):
            return types.void(c, a, b, row_values, steps), generate

        return block_from_rows

    @intrinsic
    def block(typing_context, c, a, b, steps):
        return types.void(c, a, b, steps), generate

    return block


@intrinsic
def block_exponentials(typing_context, c, a, b, row_values, totals, steps):
    """C = exp(row values + A B), taken while the sums are still in registers.

    `totals` is the place of 2 * PANEL running values, updated: for each of the PANEL columns
    the sum of the exponentials, then the largest exponent.
    """

    def generate(context, builder, signature, arguments):
        *places, packed_steps = arguments
        c, a, b, row_values, totals = [
            _place_pointer(context, builder, kind, place)
            for kind, place in zip(signature.args, places, strict=False)
        ]
        steps = Steps(*cgutils.unpack_tuple(builder, packed_steps, len(Steps._fields)))
        starts = [
            splat(builder, builder.load(builder.gep(row_values, [_INDEX(i)]))) for i in range(ROWS)
        ]
        first = [starts[i] for i in range(ROWS) for _ in range(VECTORS)]
        exponents = _emit(builder, (ROWS, VECTORS), (a, b), steps, first)
        for j in range(VECTORS):
            sum_at = builder.gep(totals, [_INDEX(j * LANES)])
            peak_at = builder.gep(totals, [_INDEX(PANEL + j * LANES)])
            total, peak = vector_load(builder, sum_at), vector_load(builder, peak_at)
            for i in range(ROWS):
                exponent = exponents[i * VECTORS + j]
                peak = maximum_of(builder, peak, exponent)
                value = exponential_of(builder, exponent)
                total = builder.fadd(total, value)
                row = builder.gep(c, [builder.mul(steps.c_row, _INDEX(i))])
                vector_store(builder, builder.gep(row, [_INDEX(j * LANES)]), value)
            vector_store(builder, sum_at, total)
            vector_store(builder, peak_at, peak)
        return context.get_dummy_value()

    return types.void(c, a, b, row_values, totals, steps), generate


# C = row values + A B: scores that start from the bias of their word.
block_from_rows = _block_intrinsic(ROWS, VECTORS, "rows")
# C = A B, two vectors wide and one.
block = _block_intrinsic(ROWS, VECTORS, "zero")
block_one_vector = _block_intrinsic(ROWS, 1, "zero")
# C += A B, and what is left of the rows: one or two thirds of a block.
block_added = _block_intrinsic(ROWS, VECTORS, "c")
block_added_two_thirds = _block_intrinsic(2 * THIRD, VECTORS, "c")
block_added_third = _block_intrinsic(THIRD, VECTORS, "c")
