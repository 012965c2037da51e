"""The inner loop of every matrix product: a block of sums kept in registers.

All three products of the exact step (scores, gradient of the centre vectors, gradient of the
output vectors) are sums of outer products, C[i, j] = sum_k A[i, k] * B[k, j], where j runs
along vectors and A is read one element at a time. They differ only in how far apart i and k
lie in memory. The intrinsics below emit that loop for one block of C, held in registers from
the first k to the last: `ROWS` (or a part of it) times `VECTORS` (or one) vectors.

What an element is, and how two of them multiply, is an *operand*: a float32 here, a pair of
bfloat16 in `fastw2v.kernels.simd.bfloat16`. A *place* is a pair (one-dimensional array, offset of
the first element); instead of one array it may hold a tuple of them, the planes whose sum is
the number. `fastw2v.kernels.simd.operands` has the intrinsics for both, told apart by the place.
"""

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastw2v.kernels.simd.vectors import (
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

__all__ = [
    "PANEL",
    "ROWS",
    "THIRD",
    "VECTORS",
    "Block",
    "Place",
    "SinglePrecision",
    "Steps",
    "exponentials_intrinsic",
    "loop_once",
    "loop_over",
    "place_of",
    "planes_of",
    "product_from_rows_intrinsic",
    "product_intrinsic",
    "scaled_product_intrinsic",
    "unpacked",
]

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


def loop_once(builder, count, initial, emit):
    """Emit a loop around ``emit(number, values)``, at least once; return the values at its end."""
    start = [_INDEX(0), *initial]
    loop = _Loop(builder, "loop", builder.block, start)
    number, *values = loop.values
    following = emit(number, values)
    loop.close([builder.add(number, _INDEX(1)), *following], count)
    return following


class SinglePrecision:
    """Operands of float32: an element is one number, a term one multiply-add."""

    numbers = 1  # in an element
    block_rows = ROWS

    @staticmethod
    def block(rows, vectors):
        """Return a block of these operands."""
        return Block(SinglePrecision, rows, vectors)

    @staticmethod
    def plane_pairs(n_planes):
        """Return which plane of A meets which plane of B."""
        return ((0, 0),) * n_planes

    @staticmethod
    def column(builder, pointer):
        """Emit the load of a vector of B."""
        return vector_load(builder, pointer)

    @staticmethod
    def factor(builder, pointer):
        """Emit the load of an element of A into every lane."""
        return splat(builder, builder.load(pointer))

    @staticmethod
    def multiply_add(builder, factor, column, total):
        """Emit total + factor * column."""
        return multiply_add(builder, factor, column, total)

    @staticmethod
    def store_row(builder, place, values):
        """Emit the store of vectors of float32 one after the other."""
        for j, value in enumerate(values):
            vector_store(builder, builder.gep(place.planes[0], [_INDEX(j * LANES)]), value)

    @staticmethod
    def read(builder, place, index):
        """Emit the load of number `index` from the place on."""
        return builder.load(place.at(builder, index).planes[0])

    @staticmethod
    def write(builder, place, index, value):
        """Emit the store of a float32 as number `index` from the place on."""
        builder.store(value, place.at(builder, index).planes[0])


class Place(NamedTuple):
    """LLVM pointers to the first element of each plane of an operand."""

    planes: tuple[Any, ...]

    def at(self, builder, offset):
        """Return the place `offset` elements on."""
        return Place(tuple(builder.gep(plane, [offset]) for plane in self.planes))


def planes_of(builder, kind, arrays):
    """Return (type, value) of each plane of an array or a tuple of arrays."""
    if isinstance(kind, types.BaseTuple):
        return list(zip(kind, cgutils.unpack_tuple(builder, arrays, len(kind)), strict=True))
    return [(kind, arrays)]


def place_of(context, builder, kind, place):
    """Return the `Place` of a Numba pair."""
    arrays, offset = cgutils.unpack_tuple(builder, place, 2)
    planes = planes_of(builder, kind[0], arrays)
    return Place(
        tuple(element_pointer(context, builder, array, value, offset) for array, value in planes)
    )


def _terms(builder, block, a, b, a_row, sums):
    """Emit sums[i, j] + A[i] * B[j] for one k."""
    operand = block.operand
    pairs = operand.plane_pairs(len(a.planes))
    columns = {
        (plane, j): operand.column(builder, builder.gep(b.planes[plane], [_INDEX(j * LANES)]))
        for plane in sorted({pair[1] for pair in pairs})
        for j in range(block.vectors)
    }
    following = []
    for i in range(block.rows):
        # One base pointer for three rows: the others are its neighbours at one and two steps,
        # so twelve rows need few address registers.
        base = a.at(builder, builder.mul(a_row, _INDEX(i - i % 3)))
        row = base.at(builder, builder.mul(a_row, _INDEX(i % 3)))
        factors = [
            operand.factor(builder, row.planes[plane])
            for plane in range(max(pair[0] for pair in pairs) + 1)
        ]
        for j in range(block.vectors):
            total = sums[i * block.vectors + j]
            for of_a, of_b in pairs:
                total = operand.multiply_add(builder, factors[of_a], columns[of_b, j], total)
            following.append(total)
    return following


def loop_over(builder, operands, steps, inner_step, emit):
    """Emit both loops over k, `inner_step` elements at a time, around what `emit(a, b)` emits."""
    a, b = operands
    n_a = len(a.planes)
    outer = _Loop(builder, "outer", builder.block, [_INDEX(0), *a.planes, *b.planes])
    q, *at_outer = outer.values
    inner = _Loop(builder, "inner", builder.block, [_INDEX(0), *at_outer])
    p, *at_inner = inner.values
    emit(Place(tuple(at_inner[:n_a])), Place(tuple(at_inner[n_a:])))
    a_step = builder.mul(steps.a_inner, _INDEX(inner_step))
    b_step = builder.mul(steps.b_inner, _INDEX(inner_step))
    following = [builder.gep(x, [a_step]) for x in at_inner[:n_a]]
    following += [builder.gep(x, [b_step]) for x in at_inner[n_a:]]
    inner.close([builder.add(p, _INDEX(inner_step)), *following], steps.inner)
    following = [builder.gep(x, [steps.a_outer]) for x in at_outer[:n_a]]
    following += [builder.gep(x, [steps.b_outer]) for x in at_outer[n_a:]]
    outer.close([builder.add(q, _INDEX(1)), *following], steps.outer)


class Block(NamedTuple):
    """A block of `rows` times `vectors` sums over terms of an `operand`."""

    operand: type
    rows: int
    vectors: int

    def zeros(self):
        """Return sums that start from nothing."""
        return [_ZERO] * (self.rows * self.vectors)

    def row_values(self, builder, pointer):
        """Emit sums that start from a value for each row."""
        values = [
            splat(builder, builder.load(builder.gep(pointer, [_INDEX(i)])))
            for i in range(self.rows)
        ]
        return [values[i] for i in range(self.rows) for _ in range(self.vectors)]

    def sums(self, builder, a, b, steps, first):
        """Emit the two loops over k from the sums `first`; return the sums at the end."""
        one = _INDEX(1)
        n_a, n_b = len(a.planes), len(b.planes)

        def split(values):
            return (
                Place(tuple(values[:n_a])),
                Place(tuple(values[n_a : n_a + n_b])),
                values[n_a + n_b :],
            )

        start = [_INDEX(0), *a.planes, *b.planes, *first]
        outer = _Loop(builder, "outer", builder.block, start)
        q, *values = outer.values
        a_outer, b_outer, sums = split(values)
        inner = _Loop(builder, "inner", builder.block, [_INDEX(0), *values])
        p, *values = inner.values
        a_inner, b_inner, sums = split(values)
        sums = _terms(builder, self, a_inner, b_inner, steps.a_row, sums)
        a_next, b_next = a_inner.at(builder, steps.a_inner), b_inner.at(builder, steps.b_inner)
        inner.close([builder.add(p, one), *a_next.planes, *b_next.planes, *sums], steps.inner)
        a_next, b_next = a_outer.at(builder, steps.a_outer), b_outer.at(builder, steps.b_outer)
        outer.close([builder.add(q, one), *a_next.planes, *b_next.planes, *sums], steps.outer)
        return sums

    def cells(self, builder, c, steps):
        """Return the pointer to each vector of C, row by row."""
        rows = [builder.gep(c, [builder.mul(steps.c_row, _INDEX(i))]) for i in range(self.rows)]
        return [builder.gep(row, [_INDEX(j * LANES)]) for row in rows for j in range(self.vectors)]


def unpacked(context, builder, signature, arguments):
    """Return the places and the steps of an intrinsic's arguments."""
    *places, packed_steps = arguments
    kinds = signature.args
    places = [place_of(context, builder, *pair) for pair in zip(kinds, places, strict=False)]
    return places, Steps(*cgutils.unpack_tuple(builder, packed_steps, len(Steps._fields)))


def product_intrinsic(block_of):
    """Make the intrinsic that writes C = A B.

    This and the following take ``block_of(kind)``, the block for places A of a Numba type.
    """

    @intrinsic
    def product(typing_context, c, a, b, steps):
        block = block_of(a)

        def generate(context, builder, signature, arguments):
            (c, a, b), steps = unpacked(context, builder, signature, arguments)
            sums = block.sums(builder, a, b, steps, block.zeros())
            for cell, total in zip(block.cells(builder, c.planes[0], steps), sums, strict=True):
                vector_store(builder, cell, total)
            return context.get_dummy_value()

        return types.void(c, a, b, steps), generate

    return product


def product_from_rows_intrinsic(block_of):
    """Make the intrinsic that writes C = row values + A B."""

    @intrinsic
    def product_from_rows(typing_context, c, a, b, row_values, steps):
        block = block_of(a)

        def generate(context, builder, signature, arguments):
            (c, a, b, values), steps = unpacked(context, builder, signature, arguments)
            first = block.row_values(builder, values.planes[0])
            sums = block.sums(builder, a, b, steps, first)
            for cell, total in zip(block.cells(builder, c.planes[0], steps), sums, strict=True):
                vector_store(builder, cell, total)
            return context.get_dummy_value()

        return types.void(c, a, b, row_values, steps), generate

    return product_from_rows


def scaled_product_intrinsic(block_of):
    """Make the intrinsic that adds to C the product A B with its columns scaled."""

    @intrinsic
    def scaled_product(typing_context, c, a, b, scales, steps):
        block = block_of(a)

        def generate(context, builder, signature, arguments):
            (c, a, b, scales), steps = unpacked(context, builder, signature, arguments)
            sums = block.sums(builder, a, b, steps, block.zeros())
            factors = [
                vector_load(builder, builder.gep(scales.planes[0], [_INDEX(j * LANES)]))
                for j in range(block.vectors)
            ]
            for i, cell in enumerate(block.cells(builder, c.planes[0], steps)):
                held = vector_load(builder, cell)
                factor = factors[i % block.vectors]
                vector_store(builder, cell, multiply_add(builder, factor, sums[i], held))
            return context.get_dummy_value()

        return types.void(c, a, b, scales, steps), generate

    return scaled_product


def exponentials_intrinsic(block_of):
    """Make the intrinsic that writes C = exp(row values + A B) from registers.

    Its `totals` is the place of 2 * PANEL running values, updated: for each of the PANEL columns
    the sum of the exponentials, then the largest exponent. C has the elements of A.
    """

    @intrinsic
    def exponentials(typing_context, c, a, b, row_values, totals, steps):
        block = block_of(a)

        def generate(context, builder, signature, arguments):
            (c, a, b, values, totals), steps = unpacked(context, builder, signature, arguments)
            first = block.row_values(builder, values.planes[0])
            exponents = block.sums(builder, a, b, steps, first)
            cells = [
                totals.at(builder, _INDEX(lane)).planes[0] for lane in range(0, 2 * PANEL, LANES)
            ]
            sums = [vector_load(builder, cell) for cell in cells[: block.vectors]]
            peaks = [vector_load(builder, cell) for cell in cells[block.vectors :]]
            for i in range(block.rows):
                row = []
                for j in range(block.vectors):
                    exponent = exponents[i * block.vectors + j]
                    peaks[j] = maximum_of(builder, peaks[j], exponent)
                    row.append(exponential_of(builder, exponent))
                    sums[j] = builder.fadd(sums[j], row[j])
                target = c.at(builder, builder.mul(steps.c_row, _INDEX(i)))
                block.operand.store_row(builder, target, row)
            for cell, value in zip(cells, sums + peaks, strict=True):
                vector_store(builder, cell, value)
            return context.get_dummy_value()

        return types.void(c, a, b, row_values, totals, steps), generate

    return exponentials
