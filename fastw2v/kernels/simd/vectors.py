"""Explicit vectors of float32: one Numba type, as wide as the CPU's registers.

Numba's own loops are vectorised only when the compiler sees that it may; here the vector is a
value of its own, ``<LANES x float>`` in LLVM, which lowers it to whatever the CPU has. Every
operation below is an intrinsic of one or a few instructions. Indices count float32 elements
of a one-dimensional array; nothing is checked against its bounds, and nothing need be aligned.

`LANES` and `REGISTERS` follow the features of the CPU that Numba compiles for
(`fastw2v.kernels.target`).

The file has more than 400 lines because every operation comes with its types and its LLVM.
"""

import operator

from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

from fastw2v.kernels.target import target_features

__all__ = [
    "FLOAT",
    "INT32",
    "LANES",
    "REGISTERS",
    "TARGET_FEATURES",
    "VECTOR",
    "VectorType",
    "any_above",
    "broadcast",
    "call_llvm",
    "constant",
    "element_pointer",
    "emit_prefetch",
    "exponential",
    "exponential_of",
    "load",
    "logarithm",
    "maximum",
    "maximum_of",
    "multiply_add",
    "packed_sums",
    "prefetch",
    "prefetch_read",
    "shuffle",
    "sigmoid_of",
    "splat",
    "square_root",
    "store",
    "vector_load",
    "vector_store",
    "vector_type",
]


def _register_file(features: frozenset[str]) -> tuple[int, int]:
    """Return (floats in a vector register, number of vector registers)."""
    if "avx512f" in features:
        return 16, 32
    if "avx" in features:
        return 8, 16
    machine = binding.get_default_triple().split("-")[0]
    return (4, 32) if machine in ("aarch64", "arm64") else (4, 16)


TARGET_FEATURES = target_features()
LANES, REGISTERS = _register_file(TARGET_FEATURES)

FLOAT = ir.FloatType()
INT32 = ir.IntType(32)
VECTOR = ir.VectorType(FLOAT, LANES)
_INT_VECTOR = ir.VectorType(INT32, LANES)
_CONTRACT = ("contract",)


class VectorType(types.Type):
    """Numba's view of a vector of `LANES` float32."""

    def __init__(self) -> None:
        super().__init__(name=f"Float32x{LANES}")


vector_type = VectorType()


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, VECTOR)


def constant(value: float) -> ir.Constant:
    """Return an LLVM vector constant with `value` in every lane."""
    return ir.Constant(VECTOR, [value] * LANES)


def element_pointer(context, builder, array_type, array, index):
    """Return the LLVM pointer to element `index` of a one-dimensional array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def call_llvm(builder, name, result, arguments):
    """Call the LLVM intrinsic `name`."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def multiply_add(builder, x, y, z):
    """Emit x*y + z, which the compiler contracts where the CPU can.

    ``llvm.fma`` would become a library call on a CPU without the instruction.
    """
    product = builder.fmul(x, y, flags=_CONTRACT)
    return builder.fadd(product, z, flags=_CONTRACT)


def splat(builder, scalar):
    """Emit a vector with `scalar` in every lane."""
    undefined = ir.Constant(VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(INT32, 0))
    zeros = ir.Constant(_INT_VECTOR, [0] * LANES)
    return builder.shuffle_vector(first, undefined, zeros)


def vector_load(builder, pointer):
    """Emit an unaligned load of a vector from a pointer to float."""
    return builder.load(builder.bitcast(pointer, VECTOR.as_pointer()), align=4)


def vector_store(builder, pointer, value):
    """Emit an unaligned store of a vector to a pointer to float."""
    builder.store(value, builder.bitcast(pointer, VECTOR.as_pointer()), align=4)


def maximum_of(builder, x, y):
    """Emit the lane-wise maximum as compare and select: one instruction where there is one."""
    return builder.select(builder.fcmp_ordered(">", x, y), x, y)


def shuffle(builder, x, y, lanes):
    """Emit a vector of chosen lanes of two: 0 to LANES - 1 of `x`, LANES and up of `y`."""
    return builder.shuffle_vector(x, y, ir.Constant(_INT_VECTOR, lanes))


def _fold_lanes():
    """Return the (first, second) lanes to add at each stage of `packed_sums`.

    The first two stages stay within 128 bits, where shuffles are quickest on every CPU.
    """
    quarters = range(0, LANES, 4)
    y = LANES
    pairs = [k for q in quarters for k in (q, y + q, q + 1, y + q + 1)]
    fours = [k for q in quarters for k in (q, q + 1, y + q, y + q + 1)]
    stages = [(pairs, [k + 2 for k in pairs]), (fours, [k + 2 for k in fours])]
    if LANES == 16:
        halves = [*range(8), *range(y, y + 8)]
        stages.append((halves, [k + 8 for k in halves]))
    if LANES >= 8:
        even = [q + k for q in range(0, 2 * LANES, 8) for k in range(4)]
        stages.append((even, [k + 4 for k in even]))
    return stages


def packed_sums(builder, vectors):
    """Emit the sums over the lanes of each of `vectors`, packed into as few vectors as hold them.

    Sum k is lane k % LANES of vector k // LANES of the result; lanes left over hold anything.
    """
    for first, second in _fold_lanes():
        pairs = [vectors[k : k + 2] for k in range(0, len(vectors), 2)]
        vectors = [
            builder.fadd(
                shuffle(builder, pair[0], pair[-1], first),
                shuffle(builder, pair[0], pair[-1], second),
            )
            for pair in pairs
        ]
    return vectors


@intrinsic
def load(typing_context, array, index):
    """Return the vector ``array[index : index + LANES]``."""

    def generate(context, builder, signature, arguments):
        pointer = element_pointer(context, builder, signature.args[0], *arguments)
        return vector_load(builder, pointer)

    return vector_type(array, types.intp), generate


@intrinsic
def store(typing_context, array, index, value):
    """Write the vector `value` to ``array[index : index + LANES]``."""

    def generate(context, builder, signature, arguments):
        pointer = element_pointer(context, builder, signature.args[0], *arguments[:2])
        vector_store(builder, pointer, arguments[2])
        return context.get_dummy_value()

    return types.void(array, types.intp, vector_type), generate


@intrinsic
def broadcast(typing_context, scalar):
    """Return a vector with the float32 `scalar` in every lane."""

    def generate(context, builder, signature, arguments):
        return splat(builder, arguments[0])

    return vector_type(types.float32), generate


def _binary_intrinsic(emit):
    @intrinsic
    def operation(typing_context, x, y):
        def generate(context, builder, signature, arguments):
            return emit(builder, *arguments)

        return vector_type(vector_type, vector_type), generate

    return operation


_add = _binary_intrinsic(lambda builder, x, y: builder.fadd(x, y, flags=_CONTRACT))
_subtract = _binary_intrinsic(lambda builder, x, y: builder.fsub(x, y, flags=_CONTRACT))
_multiply = _binary_intrinsic(lambda builder, x, y: builder.fmul(x, y, flags=_CONTRACT))
_divide = _binary_intrinsic(lambda builder, x, y: builder.fdiv(x, y))
maximum = _binary_intrinsic(maximum_of)


@intrinsic
def square_root(typing_context, x):
    """Return the lane-wise square root."""

    def generate(context, builder, signature, arguments):
        return call_llvm(builder, f"llvm.sqrt.v{LANES}f32", VECTOR, arguments)

    return vector_type(vector_type), generate


@intrinsic
def any_above(typing_context, x, y):
    """Return whether `x` is greater than `y` in any lane."""

    def generate(context, builder, signature, arguments):
        bits = ir.IntType(LANES)
        above = builder.bitcast(builder.fcmp_ordered(">", *arguments), bits)
        return builder.icmp_unsigned("!=", above, ir.Constant(bits, 0))

    return types.boolean(vector_type, vector_type), generate


def _implementation(x, y, operation):
    both = isinstance(x, VectorType) and isinstance(y, VectorType)
    return operation if both else None


@overload(operator.add)
def _overload_add(x, y):
    return _implementation(x, y, lambda x, y: _add(x, y))  # noqa: PLW0108


@overload(operator.sub)
def _overload_sub(x, y):
    return _implementation(x, y, lambda x, y: _subtract(x, y))  # noqa: PLW0108


@overload(operator.mul)
def _overload_mul(x, y):
    return _implementation(x, y, lambda x, y: _multiply(x, y))  # noqa: PLW0108


@overload(operator.truediv)
def _overload_truediv(x, y):
    return _implementation(x, y, lambda x, y: _divide(x, y))  # noqa: PLW0108


# exp(x) = 2^n * e^r with n = round(x / ln 2), |r| <= ln(2)/2. ln 2 is subtracted in two parts,
# so that r keeps its last bits. e^r = 1 + r + r^2 q(r), with q of degree 4 fitted for the least
# largest relative error (3e-9 before rounding), highest power first.
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 0.693359375
_LN2_LOW = -2.12194440054690583e-4
_SERIES = (
    0.001381459180265665,
    0.008368716575205326,
    0.04166838899254799,
    0.1666652113199234,
    0.4999999403953552,
)
_ROUNDER = 12582912.0  # 1.5 * 2^23: adding it rounds to a whole number in the low bits
_SMALLEST_EXPONENT = -87.33654
_LARGEST_EXPONENT = 88.0


def exponential_of(builder, x):
    """Emit e^x lane by lane: relative error below 2e-7; below -87.3 the smallest normal."""
    x = maximum_of(builder, x, constant(_SMALLEST_EXPONENT))
    high = constant(_LARGEST_EXPONENT)
    x = builder.select(builder.fcmp_ordered("<", x, high), x, high)
    rounded = multiply_add(builder, x, constant(_LOG2_E), constant(_ROUNDER))
    whole = builder.fsub(rounded, constant(_ROUNDER))
    rest = multiply_add(builder, whole, constant(-_LN2_HIGH), x)
    rest = multiply_add(builder, whole, constant(-_LN2_LOW), rest)
    series = constant(_SERIES[0])
    for coefficient in _SERIES[1:]:
        series = multiply_add(builder, series, rest, constant(coefficient))
    square = builder.fmul(rest, rest)
    series = builder.fadd(multiply_add(builder, square, series, rest), constant(1.0))
    shift = ir.Constant(_INT_VECTOR, [23] * LANES)
    exponent = builder.shl(builder.bitcast(rounded, _INT_VECTOR), shift)
    return builder.bitcast(builder.add(builder.bitcast(series, _INT_VECTOR), exponent), VECTOR)


@intrinsic
def exponential(typing_context, x):
    """Return e^x lane by lane (float32, relative error below 2e-7).

    Arguments below -87.3 give the smallest normal number instead of zero, above 88 e^88.
    """

    def generate(context, builder, signature, arguments):
        return exponential_of(builder, arguments[0])

    return vector_type(vector_type), generate


# 2^f for |f| <= 1/2, lowest power first, fitted for the least largest relative error (9e-8).
_POWER_SERIES = (
    1.0,
    0.6931469775963454,
    0.2402224208156827,
    0.05550733745925146,
    0.00967151287816792,
    0.0013264727029125426,
)
_SIGMOID_END = 87.0


def sigmoid_of(builder, x):
    """Emit 1 / (1 + e^-x) lane by lane, made for few steps one after the other.

    The relative error is below 7e-7 for x from -8 to 8, and below 4.5e-6 from -87
    to 87, where it ends: of the exponent only what one float32 holds is left.
    """
    x = maximum_of(builder, x, constant(-_SIGMOID_END))
    end = constant(_SIGMOID_END)
    x = builder.select(builder.fcmp_ordered("<", x, end), x, end)
    rounded = multiply_add(builder, x, constant(-_LOG2_E), constant(_ROUNDER))
    whole = builder.fsub(constant(_ROUNDER), rounded)
    f = multiply_add(builder, x, constant(-_LOG2_E), whole)
    square = builder.fmul(f, f)
    pairs = [
        multiply_add(builder, f, constant(_POWER_SERIES[k + 1]), constant(_POWER_SERIES[k]))
        for k in (0, 2, 4)
    ]
    series = multiply_add(builder, square, pairs[2], pairs[1])
    series = multiply_add(builder, square, series, pairs[0])
    shift = ir.Constant(_INT_VECTOR, [23] * LANES)
    exponent = builder.shl(builder.bitcast(rounded, _INT_VECTOR), shift)
    power = builder.bitcast(builder.add(builder.bitcast(series, _INT_VECTOR), exponent), VECTOR)
    return builder.fdiv(constant(1.0), builder.fadd(power, constant(1.0)))


# log(x) = e ln 2 + log(m) with m in [sqrt(1/2), sqrt(2)), t = m - 1, and
# log(1 + t) = t - t^2/2 + t^3 q(t), q of degree 6 fitted for the least largest relative error
# (3e-8 before rounding), highest power first.
_LOG_SERIES = (
    0.08700481802225113,
    -0.14267490804195404,
    0.14914758503437042,
    -0.1657758504152298,
    0.19963064789772034,
    -0.2500133812427521,
    0.3333390951156616,
)
_HALF_ROOT_BITS = 0x3F3504F3  # of sqrt(1/2)


@intrinsic
def logarithm(typing_context, x):
    """Return log(x) lane by lane for normal positive float32 x (relative error below 2e-7).

    Next to x = 1 the error is below 2e-7 of log(x) too; other arguments give no useful value.
    """

    def generate(context, builder, signature, arguments):
        def whole(value):
            return ir.Constant(_INT_VECTOR, [value] * LANES)

        bits = builder.bitcast(arguments[0], _INT_VECTOR)
        exponent = builder.ashr(builder.sub(bits, whole(_HALF_ROOT_BITS)), whole(23))
        mantissa = builder.sub(bits, builder.shl(exponent, whole(23)))
        t = builder.fsub(builder.bitcast(mantissa, VECTOR), constant(1.0))
        series = constant(_LOG_SERIES[0])
        for coefficient in _LOG_SERIES[1:]:
            series = multiply_add(builder, series, t, constant(coefficient))
        square = builder.fmul(t, t)
        series = multiply_add(builder, series, t, constant(-0.5))
        power = builder.sitofp(exponent, VECTOR)
        rest = multiply_add(builder, power, constant(_LN2_LOW), builder.fmul(square, series))
        return multiply_add(builder, power, constant(_LN2_HIGH), builder.fadd(t, rest))

    return vector_type(vector_type), generate


def emit_prefetch(builder, pointer, *, for_write):
    """Emit a request for the cache line of a pointer: to be written soon, or only read at once."""
    byte_pointer = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte_pointer, INT32, INT32, INT32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    locality, data = INT32(2 if for_write else 3), INT32(1)
    address = builder.bitcast(pointer, byte_pointer)
    builder.call(function, [address, INT32(int(for_write)), locality, data])


def _prefetch_intrinsic(for_write):
    @intrinsic
    def fetch(typing_context, array, index):
        def generate(context, builder, signature, arguments):
            pointer = element_pointer(context, builder, signature.args[0], *arguments)
            emit_prefetch(builder, pointer, for_write=for_write)
            return context.get_dummy_value()

        return types.void(array, types.intp), generate

    return fetch


# Ask for the cache line of ``array[index]``, to be written soon, or only read; never faults.
prefetch = _prefetch_intrinsic(for_write=True)
prefetch_read = _prefetch_intrinsic(for_write=False)
