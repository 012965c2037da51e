"""Bytes of text, 64 at a time: masks of white space, of line ends, of what is not plain ASCII.

The intrinsics work on LLVM's own ``<64 x i8>``, which it lowers to whatever vectors the
processor has. Bit k of a mask tells about byte ``position + k``. All of them read (and
`store_plain_words` writes) 64 bytes from the position on, so text must be padded: see `PADDING`.
"""

import sys

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.bits import lowest_bit

__all__ = [
    "ONE",
    "PADDING",
    "blank_wide_spaces",
    "inner_mark_mask",
    "load_8",
    "newline_mask",
    "same_byte_mask",
    "sign_mask",
    "space_mask",
    "store_plain_words",
    "wide_mask",
    "wide_space_mask",
    "word_mask",
]

# Bytes that must be readable (and be spaces) behind the last byte of a text.
PADDING = 64

ONE = np.uint64(1)

_BYTE, _MASK = ir.IntType(8), ir.IntType(64)
_BYTES = ir.VectorType(_BYTE, 64)
_LANES = ir.VectorType(ir.IntType(32), 64)


def _pointer(context, builder, array_type, array, position, pointee):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [position]), pointee.as_pointer())


def _all(value):
    return ir.Constant(_BYTES, [value] * 64)


def _between(builder, values, low, high):
    return builder.icmp_unsigned("<=", builder.sub(values, _all(low)), _all(high - low))


def _mask(builder, lanes):
    mask = builder.bitcast(lanes, _MASK)
    return mask if sys.byteorder == "little" else builder.bitreverse(mask)


def _load(context, builder, signature, arguments):
    pointer = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], _BYTES)
    return builder.load(pointer, align=1)


@intrinsic
def space_mask(typing_context, text, position):
    """Return the mask of ASCII white space as `str.split` has it: 9 to 13 and 28 to 32."""

    def generate(context, builder, signature, arguments):
        values = _load(context, builder, signature, arguments)
        controls = _between(builder, values, 9, 13)
        return _mask(builder, builder.or_(controls, _between(builder, values, 28, 32)))

    return types.uint64(text, types.intp), generate


@intrinsic
def newline_mask(typing_context, text, position):
    """Return the mask of line feeds."""

    def generate(context, builder, signature, arguments):
        values = _load(context, builder, signature, arguments)
        return _mask(builder, builder.icmp_unsigned("==", values, _all(10)))

    return types.uint64(text, types.intp), generate


@intrinsic
def wide_space_mask(typing_context, text, position):
    """Return the mask of bytes that may begin a white space beyond ASCII: C2, E1, E2, E3."""

    def generate(context, builder, signature, arguments):
        values = _load(context, builder, signature, arguments)
        two = builder.icmp_unsigned("==", values, _all(0xC2))
        return _mask(builder, builder.or_(two, _between(builder, values, 0xE1, 0xE3)))

    return types.uint64(text, types.intp), generate


@intrinsic
def wide_mask(typing_context, text, position):
    """Return the mask of bytes beyond ASCII."""

    def generate(context, builder, signature, arguments):
        values = _load(context, builder, signature, arguments)
        return _mask(builder, _between(builder, values, 0x80, 0xFF))

    return types.uint64(text, types.intp), generate


@intrinsic
def word_mask(typing_context, text, position):
    """Return the mask of bytes of words: ASCII letters and digits, underscores, all else wide."""

    def generate(context, builder, signature, arguments):
        values = _load(context, builder, signature, arguments)
        lowered = builder.or_(values, _all(0x20))
        word = builder.or_(
            _between(builder, lowered, ord("a"), ord("z")),
            _between(builder, values, ord("0"), ord("9")),
        )
        word = builder.or_(word, builder.icmp_unsigned("==", values, _all(ord("_"))))
        return _mask(builder, builder.or_(word, _between(builder, values, 0x80, 0xFF)))

    return types.uint64(text, types.intp), generate


def _any_of(builder, values, bytes_meant):
    found = builder.icmp_unsigned("==", values, _all(bytes_meant[0]))
    for byte in bytes_meant[1:]:
        found = builder.or_(found, builder.icmp_unsigned("==", values, _all(byte)))
    return found


@intrinsic
def inner_mark_mask(typing_context, text, position):
    """Return the mask of ASCII marks that may stand within a token.

    They are " ' , . : and ;
    """

    def generate(context, builder, signature, arguments):
        values = _load(context, builder, signature, arguments)
        return _mask(builder, _any_of(builder, values, b"\"',.:;"))

    return types.uint64(text, types.intp), generate


@intrinsic
def sign_mask(typing_context, text, position):
    """Return the mask of ASCII signs that a token may begin with.

    They are # * and @
    """

    def generate(context, builder, signature, arguments):
        values = _load(context, builder, signature, arguments)
        return _mask(builder, _any_of(builder, values, b"#*@"))

    return types.uint64(text, types.intp), generate


@intrinsic
def same_byte_mask(typing_context, text, position, byte):
    """Return the mask of one byte, which is given as a number."""

    def generate(context, builder, signature, arguments):
        values = _load(context, builder, signature, arguments[:2])
        wanted = builder.trunc(arguments[2], _BYTE)
        wanted = builder.insert_element(ir.Constant(_BYTES, ir.Undefined), wanted, _BYTE(0))
        wanted = builder.shuffle_vector(wanted, wanted, ir.Constant(_LANES, [0] * 64))
        return _mask(builder, builder.icmp_unsigned("==", values, wanted))

    return types.uint64(text, types.intp, types.intp), generate


@intrinsic
def store_plain_words(typing_context, text, position, out, out_position, case_bit):
    """Write 64 bytes with all but words and line feeds blanked; capitals get `case_bit` set.

    That is 0x20 for lower case, and 0 to keep them. Returns the mask of the bytes whose result
    must be put right by someone who looks around: apostrophes and everything beyond ASCII.
    """

    def generate(context, builder, signature, arguments):
        values = _load(context, builder, signature, arguments[:2])
        upper = _between(builder, values, ord("A"), ord("Z"))
        lowered = builder.select(upper, builder.or_(values, _all(0x20)), values)
        bit = builder.trunc(arguments[4], _BYTE)
        bits = builder.insert_element(ir.Constant(_BYTES, ir.Undefined), bit, _BYTE(0))
        bits = builder.shuffle_vector(bits, bits, ir.Constant(_LANES, [0] * 64))
        stored = builder.select(upper, builder.or_(values, bits), values)
        word = builder.or_(
            builder.or_(
                _between(builder, lowered, ord("a"), ord("z")),
                _between(builder, values, ord("0"), ord("9")),
            ),
            builder.icmp_unsigned("==", values, _all(ord("_"))),
        )
        newline = builder.icmp_unsigned("==", values, _all(10))
        blanked = builder.select(newline, values, _all(32))
        target = _pointer(context, builder, signature.args[2], arguments[2], arguments[3], _BYTES)
        builder.store(builder.select(word, stored, blanked), target, align=1)
        apostrophe = builder.icmp_unsigned("==", values, _all(ord("'")))
        return _mask(builder, builder.or_(apostrophe, _between(builder, values, 0x80, 0xFF)))

    return types.uint64(text, types.intp, out, types.intp, types.intp), generate


@intrinsic
def load_8(typing_context, text, position):
    """Return 8 bytes as one integer, the first of them lowest."""

    def generate(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], _MASK)
        value = builder.load(pointer, align=1)
        return value if sys.byteorder == "little" else builder.bswap(value)

    return types.uint64(text, types.intp), generate


@kernel
def blank_wide_spaces(text, n_bytes):
    """Turn the white space beyond ASCII into ASCII spaces, byte for byte and in place.

    These are the code points for which `str.isspace` is true: U+0085, U+00A0, U+1680,
    U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F and U+3000.

    Parameters
    ----------
    text : uint8 array (at least n_bytes + PADDING,)
        Valid UTF-8 and its padding; changed in place.
    n_bytes : int
        Length of the text.
    """
    for position in range(0, n_bytes, 64):
        mask = wide_space_mask(text, position)
        while mask != 0:
            at = position + lowest_bit(mask)
            mask &= mask - ONE
            first, second, third = text[at], text[at + 1], text[at + 2]
            if first == 0xC2:
                if second in (0x85, 0xA0):
                    text[at : at + 2] = 32
                continue
            if first == 0xE1:
                is_space = second == 0x9A and third == 0x80
            elif first == 0xE2:
                is_space = (second == 0x80 and (third <= 0x8A or third in (0xA8, 0xA9, 0xAF))) or (
                    second == 0x81 and third == 0x9F
                )
            else:
                is_space = second == 0x80 and third == 0x80
            if is_space:
                text[at : at + 3] = 32
