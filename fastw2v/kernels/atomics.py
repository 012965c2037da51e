"""Atomic counters, for workers that take tasks from one shared list."""

from typing import Any

from numba import types
from numba.extending import intrinsic


def _fetch_add(typing_context, array, index, amount):
    """Add `amount` to ``array[index]`` (int64) atomically and return the value before."""
    signature = types.int64(array, types.intp, types.int64)

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.gep(data, [arguments[1]])
        return builder.atomic_rmw("add", pointer, arguments[2], "monotonic")

    return signature, generate


# Called from kernels as fetch_add(array, index, amount), without the typing context.
fetch_add: Any = intrinsic(_fetch_add)
