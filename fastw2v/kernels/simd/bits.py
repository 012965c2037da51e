"""The bits of a number of 64 bits, each counted or found by one instruction."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["count_ones", "lowest_bit"]


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


# Called from kernels with one uint64, without the typing context.
lowest_bit: Any = intrinsic(_emit_lowest_bit)
count_ones: Any = intrinsic(_emit_count_ones)
