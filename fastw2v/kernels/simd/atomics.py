"""Atomic counters and locks, for workers that share a list of tasks or a table."""

from typing import Any

from numba import types
from numba.extending import intrinsic

__all__ = ["exchange", "fetch_add", "fetch_add_in_order"]


def _emit_fetch_add(array, ordering):
    signature = types.int64(array, types.intp, types.int64)

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.gep(data, [arguments[1]])
        return builder.atomic_rmw("add", pointer, arguments[2], ordering)

    return signature, generate


def _fetch_add(typing_context, array, index, amount):
    """Add `amount` to ``array[index]`` (int64) atomically and return the value before."""
    return _emit_fetch_add(array, "monotonic")


def _fetch_add_in_order(typing_context, array, index, amount):
    """Do what `fetch_add` does; what was written before is seen by whoever finds the new value."""
    return _emit_fetch_add(array, "seq_cst")


# Called from kernels as fetch_add(array, index, amount), without the typing context.
fetch_add: Any = intrinsic(_fetch_add)
fetch_add_in_order: Any = intrinsic(_fetch_add_in_order)


def _exchange(typing_context, array, index, value):
    """Write `value` to ``array[index]`` (int64) atomically and return the value before.

    What was written before is seen by whoever finds the new value: a lock is taken by exchanging
    1 for 0, and given back by exchanging 0.
    """
    signature = types.int64(array, types.intp, types.int64)

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.gep(data, [arguments[1]])
        return builder.atomic_rmw("xchg", pointer, arguments[2], "seq_cst")

    return signature, generate


exchange: Any = intrinsic(_exchange)
