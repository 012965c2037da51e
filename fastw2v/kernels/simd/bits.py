"""Numbers of 64 bits in a few instructions: bits counted and found, products folded."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["count_ones", "folded_product", "lowest_bit"]


def _emit_lowest_bit(typing_context, bits):
    """Return the position of the lowest set bit; 64 if there is none."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


def _emit_count_ones(typing_context, bits):
    """Return the number of set bits."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def _emit_folded_product(typing_context, x, y):
    """Return the upper half of the product of 128 bits, exclusive or its lower half."""

    def generate(context, builder, signature, arguments):
        wide, narrow = ir.IntType(128), ir.IntType(64)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        upper = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), narrow)
        return builder.xor(upper, builder.trunc(product, narrow))

    return types.uint64(types.uint64, types.uint64), generate


# Called from kernels with numbers of uint64, without the typing context.
lowest_bit: Any = intrinsic(_emit_lowest_bit)
count_ones: Any = intrinsic(_emit_count_ones)
folded_product: Any = intrinsic(_emit_folded_product)
