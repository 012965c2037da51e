"""Numbers of 16 bits: pairs of bfloat16 as operands of a block, and how they are written.

A bfloat16 is the upper half of a float32. CPUs with AVX512-BF16 multiply two pairs of them and
add both products to a float32 in one instruction: twice the terms of a float32 multiply-add. AMX
does so for whole matrix tiles (`fastw2v.kernels.simd.amx`). An element is therefore a *pair*, two
neighbours along the summed index k, held in a uint32 with the first in the lower half.

Arrays come as planes, a tuple of one or two uint32 arrays. With one, a number is rounded to
bfloat16 (8 significant bits). With two it is split into its rounded value and the rounded rest
(16 bits together), and a product takes three terms: high*high + high*low + low*high.

Rounding is to nearest, ties to even; numbers below the normal range become zero.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from fastw2v.kernels.simd.amx import HAS_AMX, ROWS_OF_TILE, SoftwareTiles, TileBlock
from fastw2v.kernels.simd.blocks import ROWS, Block, planes_of
from fastw2v.kernels.simd.vectors import (
    FLOAT,
    INT32,
    LANES,
    TARGET_FEATURES,
    VECTOR,
    call_llvm,
    element_pointer,
    vector_type,
)

__all__ = [
    "HAS_BFLOAT16",
    "BFloatPairs",
    "new_planes",
    "pair_rows",
    "store_pairs",
    "transpose_pairs",
]

HAS_BFLOAT16 = "avx512bf16" in TARGET_FEATURES and LANES == 16


class _BFloatType(ir.Type):  # type: ignore[misc]
    """LLVM's bfloat, which llvmlite does not name."""

    def __str__(self):
        return "bfloat"

    def __eq__(self, other):
        return isinstance(other, _BFloatType)

    def __hash__(self):
        return hash(_BFloatType)


_INT16 = ir.IntType(16)
_PAIRS = ir.VectorType(INT32, LANES)
_SHORTS = ir.VectorType(_INT16, 2 * LANES)
_BFLOATS = ir.VectorType(_BFloatType(), 2 * LANES)


class BFloatPairs:
    """Operands of bfloat16: an element is a pair, a term two products."""

    numbers = 2  # in an element
    # AMX multiplies blocks of 16 rows; its tiles leave no odd rows over.
    block_rows = ROWS_OF_TILE if HAS_AMX else ROWS

    @staticmethod
    def block(rows, vectors):
        """Return a block of these operands; on AMX's tiles always a whole one."""
        if HAS_AMX:
            return TileBlock(BFloatPairs, ROWS_OF_TILE, vectors)
        return Block(BFloatPairs, rows, vectors)

    @staticmethod
    def plane_pairs(n_planes):
        """Return which plane of A meets which plane of B, small products first."""
        return ((0, 0),) if n_planes == 1 else ((0, 1), (1, 0), (0, 0))

    @staticmethod
    def column(builder, pointer):
        """Emit the load of a vector of pairs of B."""
        return builder.bitcast(_load(builder, pointer, _PAIRS), _BFLOATS)

    @staticmethod
    def factor(builder, pointer):
        """Emit the load of a pair of A into every lane."""
        undefined = ir.Constant(_PAIRS, ir.Undefined)
        first = builder.insert_element(undefined, builder.load(pointer), INT32(0))
        every = builder.shuffle_vector(first, undefined, ir.Constant(_PAIRS, [0] * LANES))
        return builder.bitcast(every, _BFLOATS)

    @staticmethod
    def multiply_add(builder, factor, column, total):
        """Emit total + the two products of each lane."""
        name = "llvm.x86.avx512bf16.dpbf16ps.512"
        return call_llvm(builder, name, VECTOR, [total, factor, column])

    @staticmethod
    def store_row(builder, place, values):
        """Emit the store of two vectors of float32, rounded, one after the other."""
        planes = _planes(builder, len(place.planes), *values)
        for pointer, shorts in zip(place.planes, planes, strict=True):
            _store(builder, pointer, shorts)

    @staticmethod
    def read(builder, place, index):
        """Emit the load of number `index` (not element: each holds two) from the place on."""
        total = None
        for pointer in place.planes:
            short = builder.load(_short_pointer(builder, pointer, index))
            bits = builder.shl(builder.zext(short, INT32), INT32(16))
            value = builder.bitcast(bits, FLOAT)
            total = value if total is None else builder.fadd(total, value)
        return total

    @staticmethod
    def write(builder, place, index, value):
        """Emit the store of a float32, rounded, as number `index` from the place on."""
        for pointer in place.planes:
            bits = builder.bitcast(value, INT32)
            tie = builder.and_(builder.lshr(bits, INT32(16)), INT32(1))
            bits = builder.add(bits, builder.add(tie, INT32(0x7FFF)))
            upper = builder.lshr(bits, INT32(16))
            short = builder.trunc(upper, _INT16)
            builder.store(short, _short_pointer(builder, pointer, index))
            whole = builder.bitcast(builder.shl(upper, INT32(16)), FLOAT)
            value = builder.fsub(value, whole)


def _short_pointer(builder, pointer, index):
    return builder.gep(builder.bitcast(pointer, _INT16.as_pointer()), [index])


def _load(builder, pointer, kind):
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=4)


def _store(builder, pointer, value):
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=4)


def _rounded_shorts(builder, first, second):
    """Emit both vectors rounded to bfloat16, as 16-bit integers, one after the other."""
    name = "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
    return builder.bitcast(call_llvm(builder, name, _BFLOATS, [second, first]), _SHORTS)


def _interleaved(builder, x, y, start):
    """Emit x[start], y[start], x[start + 1], ... as pairs."""
    order = [i + side for i in range(start, start + LANES) for side in (0, 2 * LANES)]
    kind = ir.VectorType(INT32, 2 * LANES)
    return builder.bitcast(builder.shuffle_vector(x, y, ir.Constant(kind, order)), _PAIRS)


def _widened(builder, shorts):
    """Emit the two float32 vectors that a vector of bfloat16 stands for."""
    zeros = ir.Constant(_SHORTS, [0] * (2 * LANES))
    return [
        builder.bitcast(_interleaved(builder, zeros, shorts, start), VECTOR) for start in (0, LANES)
    ]


def _planes(builder, n_planes, first, second):
    """Emit the shorts of two vectors for each plane: rounded, then what rounding left."""
    shorts = _rounded_shorts(builder, first, second)
    yield shorts
    if n_planes == 2:
        whole = _widened(builder, shorts)
        rest = [builder.fsub(x, y) for x, y in zip((first, second), whole, strict=True)]
        yield _rounded_shorts(builder, *rest)


def _pointers(context, builder, kind, arrays, index):
    return [
        element_pointer(context, builder, array, value, index)
        for array, value in planes_of(builder, kind, arrays)
    ]


@intrinsic
def store_pairs(typing_context, planes, index, first, second):
    """Write the pairs (first[i], second[i]) from element `index` on."""

    def generate(context, builder, signature, arguments):
        pointers = _pointers(context, builder, signature.args[0], *arguments[:2])
        for pointer, shorts in zip(
            pointers, _planes(builder, len(pointers), *arguments[2:]), strict=True
        ):
            order = [i + side for i in range(LANES) for side in (0, LANES)]
            mask = ir.Constant(ir.VectorType(INT32, 2 * LANES), order)
            pairs = builder.shuffle_vector(shorts, ir.Constant(_SHORTS, ir.Undefined), mask)
            _store(builder, pointer, pairs)
        return context.get_dummy_value()

    return types.void(planes, types.intp, vector_type, vector_type), generate


@intrinsic
def pair_rows(typing_context, target, index, source, first, second):
    """Write the pairs (x[i], y[i]) of two runs of 32 bfloat16 from element `index` on.

    `first` and `second` are the elements where x and y start in `source`.
    """

    def generate(context, builder, signature, arguments):
        target, index, source, first, second = arguments
        to = _pointers(context, builder, signature.args[0], target, index)
        x = _pointers(context, builder, signature.args[2], source, first)
        y = _pointers(context, builder, signature.args[2], source, second)
        for plane, from_x, from_y in zip(to, x, y, strict=True):
            rows = [_load(builder, pointer, _SHORTS) for pointer in (from_x, from_y)]
            for start in (0, LANES):
                at = builder.gep(plane, [ir.IntType(64)(start)])
                _store(builder, at, _interleaved(builder, *rows, start))
        return context.get_dummy_value()

    return types.void(target, types.intp, source, types.intp, types.intp), generate


def _transposed(builder, rows):
    """Emit the transpose of LANES vectors of as many pairs: four rounds of exchanges."""
    distance = 1
    while distance < LANES:
        following = list(rows)
        low = [i if not i & distance else LANES + i - distance for i in range(LANES)]
        high = [i + distance if not i & distance else LANES + i for i in range(LANES)]
        for i in range(LANES):
            if not i & distance:
                pair = rows[i], rows[i + distance]
                for place, order in ((i, low), (i + distance, high)):
                    mask = ir.Constant(_PAIRS, order)
                    following[place] = builder.shuffle_vector(*pair, mask)
        rows = following
        distance *= 2
    return rows


@intrinsic
def transpose_pairs(typing_context, target, target_place, source, source_place):
    """Write 16 by 16 pairs transposed; a place is (first element, step from row to row)."""

    def generate(context, builder, signature, arguments):
        target, target_place, source, source_place = arguments
        at, step = cgutils.unpack_tuple(builder, target_place, 2)
        from_at, from_step = cgutils.unpack_tuple(builder, source_place, 2)
        to = _pointers(context, builder, signature.args[0], target, at)
        origin = _pointers(context, builder, signature.args[2], source, from_at)
        for plane, start in zip(to, origin, strict=True):
            rows = [
                _load(
                    builder, builder.gep(start, [builder.mul(from_step, ir.IntType(64)(i))]), _PAIRS
                )
                for i in range(LANES)
            ]
            for i, row in enumerate(_transposed(builder, rows)):
                _store(builder, builder.gep(plane, [builder.mul(step, ir.IntType(64)(i))]), row)
        return context.get_dummy_value()

    return types.void(target, target_place, source, source_place), generate


def new_planes(like, size):
    """Return as many uint32 arrays of `size` as `like` has; for kernels."""
    raise NotImplementedError("new_planes works in compiled kernels only")


@overload(new_planes)
def _overload_new_planes(like, size):
    if len(like) == 1:
        return lambda like, size: (np.empty(size, np.uint32),)
    return lambda like, size: (np.empty(size, np.uint32), np.empty(size, np.uint32))


SoftwareTiles.multiply = BFloatPairs
