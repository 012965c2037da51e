"""Products of rows of a table and one vector, as many rows at a time as a vector has lanes."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastw2v.kernels.simd.blocks import loop_once
from fastw2v.kernels.simd.vectors import (
    INT32,
    LANES,
    VECTOR,
    constant,
    element_pointer,
    emit_prefetch,
    multiply_add,
    packed_sums,
    vector_load,
    vector_type,
)

__all__ = ["row_products"]

_INDEX = ir.IntType(64)
_ROWS_AT_ONCE = 4  # so that memory is read nearly in its order


def _load_halves(builder, pointer):
    """Emit the load of a vector of float32 of which memory has the upper halves."""
    kind = ir.VectorType(ir.IntType(16), LANES)
    halves = builder.load(builder.bitcast(pointer, kind.as_pointer()), align=2)
    whole = ir.VectorType(INT32, LANES)
    bits = builder.shl(builder.zext(halves, whole), ir.Constant(whole, [16] * LANES))
    return builder.bitcast(bits, VECTOR)


@intrinsic
def row_products(typing_context, table, first, dimensions, query, at):
    """Return the products of LANES rows of a table and a query, in one vector.

    The first row begins at element `first` of the table, and has LANES numbers at least. The query
    is in whole vectors from element `at` on; the last of them is for the last LANES numbers of a
    row, with zeros where it overlaps the one before.

    The table has float32, or uint16, which are the upper halves of float32 (bfloat16).
    """
    number_load = _load_halves if table.dtype == types.uint16 else vector_load

    def generate(context, builder, signature, arguments):
        table, first, dimensions, query, at = arguments
        begin = element_pointer(context, builder, signature.args[0], table, first)
        query = element_pointer(context, builder, signature.args[3], query, at)
        last = builder.sub(dimensions, _INDEX(LANES))
        count = builder.sdiv(builder.add(dimensions, _INDEX(LANES - 1)), _INDEX(LANES))
        ahead = builder.mul(dimensions, _INDEX(LANES))
        sums = []
        for first_row in range(0, LANES, _ROWS_AT_ONCE):
            offsets = [builder.mul(dimensions, _INDEX(first_row + i)) for i in range(_ROWS_AT_ONCE)]
            rows = [builder.gep(begin, [offset]) for offset in offsets]

            def emit(number, totals, rows=rows):
                place = builder.mul(number, _INDEX(LANES))
                part = vector_load(builder, builder.gep(query, [place]))
                place = builder.select(builder.icmp_signed("<", place, last), place, last)
                pointers = [builder.gep(row, [place]) for row in rows]
                for pointer in pointers:
                    emit_prefetch(builder, builder.gep(pointer, [ahead]), for_write=False)
                return [
                    multiply_add(builder, number_load(builder, pointer), part, total)
                    for pointer, total in zip(pointers, totals, strict=True)
                ]

            sums += loop_once(builder, count, [constant(0.0)] * _ROWS_AT_ONCE, emit)
        (products,) = packed_sums(builder, sums)
        return products

    signature = vector_type(table, types.intp, types.intp, query, types.intp)
    return signature, generate
