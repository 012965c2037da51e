"""Atomic counters, for workers that take tasks from one shared list."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def fetch_add(typing_context, array, index, amount):  # type: ignore[no-untyped-def]
    """Add `amount` to ``array[index]`` (int64) atomically and return the value before."""
    signature = types.int64(array, types.intp, types.int64)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.gep(data, [arguments[1]])
        amount = (
            builder.sext(arguments[2], ir.IntType(64))
            if (arguments[2].type != ir.IntType(64))
            else arguments[2]
        )
        return builder.atomic_rmw("add", pointer, amount, "monotonic")

    return signature, generate
