"""Products of either operand: float32 arrays, or planes of bfloat16 pairs, told apart by type.

A kernel calls these with places or arrays of the one or the other kind, and Numba compiles it for
the kind that it gets. See `fastw2v.kernels.simd.blocks` for places, steps and blocks.
"""

from numba import types
from numba.extending import intrinsic

from fastw2v.kernels.simd.bfloat16 import BFloatPairs
from fastw2v.kernels.simd.blocks import (
    ROWS,
    THIRD,
    VECTORS,
    SinglePrecision,
    exponentials_intrinsic,
    place_of,
    product_from_rows_intrinsic,
    product_intrinsic,
    scaled_product_intrinsic,
)
from fastw2v.kernels.simd.vectors import emit_prefetch, vector_type

__all__ = [
    "block",
    "block_exponentials",
    "block_from_rows",
    "block_one_vector",
    "block_rows",
    "block_scaled",
    "block_scaled_third",
    "block_scaled_two_thirds",
    "number_at",
    "numbers_per_element",
    "operand_of",
    "prefetch_element",
    "set_number",
    "store_numbers",
]


def operand_of(kind):
    """Return the operand that a Numba type holds: an array of float32, or a tuple of planes."""
    return BFloatPairs if isinstance(kind, types.BaseTuple) else SinglePrecision


def _block_of(rows, vectors):
    return lambda place: operand_of(place[0]).block(rows, vectors)


_FULL = _block_of(ROWS, VECTORS)

block = product_intrinsic(_FULL)
block_one_vector = product_intrinsic(_block_of(ROWS, 1))
block_from_rows = product_from_rows_intrinsic(_FULL)
block_exponentials = exponentials_intrinsic(_FULL)
# C += (A B) * scales, and what is left of the rows: one or two thirds of a block.
block_scaled = scaled_product_intrinsic(_FULL)
block_scaled_two_thirds = scaled_product_intrinsic(_block_of(2 * THIRD, VECTORS))
block_scaled_third = scaled_product_intrinsic(_block_of(THIRD, VECTORS))


def _constant_intrinsic(name):
    @intrinsic
    def constant(typing_context, elements):
        value = getattr(operand_of(elements), name)

        def generate(context, builder, signature, arguments):
            return context.get_constant(types.intp, value)

        return types.intp(elements), generate

    return constant


# How many numbers an element of an array (or of planes) holds, and how many rows of A a block has.
numbers_per_element = _constant_intrinsic("numbers")
block_rows = _constant_intrinsic("block_rows")


def _place(context, builder, signature, arguments):
    """Return the place of the element that the first two arguments name."""
    pair = context.make_tuple(builder, types.Tuple(signature.args[:2]), arguments[:2])
    return place_of(context, builder, signature.args[:2], pair)


def _first_place(context, builder, signature, arguments):
    """Return the place of the first element of the first argument."""
    zero = context.get_constant(types.intp, 0)
    pair = context.make_tuple(
        builder, types.Tuple((signature.args[0], types.intp)), (arguments[0], zero)
    )
    return place_of(context, builder, (signature.args[0], types.intp), pair)


@intrinsic
def number_at(typing_context, elements, index):
    """Return number `index` (not element: one may hold two) as a float32."""
    operand = operand_of(elements)

    def generate(context, builder, signature, arguments):
        place = _first_place(context, builder, signature, arguments)
        return operand.read(builder, place, arguments[1])

    return types.float32(elements, types.intp), generate


@intrinsic
def set_number(typing_context, elements, index, value):
    """Write the float32 `value` as number `index`."""
    operand = operand_of(elements)

    def generate(context, builder, signature, arguments):
        place = _first_place(context, builder, signature, arguments)
        operand.write(builder, place, *arguments[1:])
        return context.get_dummy_value()

    return types.void(elements, types.intp, types.float32), generate


@intrinsic
def store_numbers(typing_context, elements, index, first, second):
    """Write two vectors of float32 one after the other from element `index` on."""
    operand = operand_of(elements)

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, signature, arguments)
        operand.store_row(builder, place, arguments[2:])
        return context.get_dummy_value()

    return types.void(elements, types.intp, vector_type, vector_type), generate


@intrinsic
def prefetch_element(typing_context, elements, index):
    """Ask for the cache lines of element `index`, to be written soon; never faults."""

    def generate(context, builder, signature, arguments):
        for pointer in _place(context, builder, signature, arguments).planes:
            emit_prefetch(builder, pointer, for_write=True)
        return context.get_dummy_value()

    return types.void(elements, types.intp), generate
