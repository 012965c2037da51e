"""Running text into lower-cased words: UTF-8 in, space-separated UTF-8 words out.

A word is a run of word characters (the driver's table says which those are). Apostrophes
and zero-width joiners stay where they stand directly between two word characters, soft hyphens
vanish without a trace, and all the rest separates. Line feeds stay.
"""

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.bits import lowest_bit
from fastw2v.kernels.text.scan import PADDING, store_plain_words, wide_mask

__all__ = [
    "APOSTROPHE",
    "CAPITAL_SIGMA",
    "DOTTED_CAPITAL_I",
    "JOINER",
    "SEPARATOR",
    "SOFT_HYPHEN",
    "code_point",
    "ends_word",
    "first_of",
    "put_code_point",
    "write_words",
]

# What the table holds for a code point: its lower case (> 0) if it belongs to words, or one of
SEPARATOR = 0
SOFT_HYPHEN = -1
APOSTROPHE = -2  # written as '
JOINER = -3  # written as it is
DOTTED_CAPITAL_I = -4  # U+0130: the one code point whose lower case is two, i and U+0307
CAPITAL_SIGMA = -5  # U+03A3: U+03C2 at the end of a word of several letters, else U+03C3

_SPACE = np.uint8(32)


@kernel
def code_point(text, at):  # type: ignore[no-untyped-def]
    """Return the code point that begins at ``text[at]``, and its length in bytes."""
    first = np.int64(text[at])
    if first < 0x80:
        return first, 1
    second = np.int64(text[at + 1]) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, 2
    third = np.int64(text[at + 2]) & 0x3F
    if first < 0xF0:
        return (first & 0x0F) << 12 | second << 6 | third, 3
    return (first & 0x07) << 18 | second << 12 | third << 6 | np.int64(text[at + 3]) & 0x3F, 4


@kernel
def put_code_point(code, out, at):  # type: ignore[no-untyped-def]
    """Write a code point as UTF-8 at ``out[at]`` and return the position behind it."""
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at] = 0xC0 | code >> 6
        out[at + 1] = 0x80 | code & 0x3F
        return at + 2
    if code < 0x10000:
        out[at] = 0xE0 | code >> 12
        out[at + 1] = 0x80 | code >> 6 & 0x3F
        out[at + 2] = 0x80 | code & 0x3F
        return at + 3
    out[at] = 0xF0 | code >> 18
    out[at + 1] = 0x80 | code >> 12 & 0x3F
    out[at + 2] = 0x80 | code >> 6 & 0x3F
    out[at + 3] = 0x80 | code & 0x3F
    return at + 4


@kernel
def _word_follows(text, at, kinds):  # type: ignore[no-untyped-def]
    """Tell whether the next code point, soft hyphens apart, belongs to words."""
    while True:
        code, width = code_point(text, at)
        kind = kinds[code]
        if kind != SOFT_HYPHEN:
            return kind > 0 or kind <= DOTTED_CAPITAL_I
        at += width


@kernel
def first_of(text, start, n_bytes, chosen):  # type: ignore[no-untyped-def]
    """Return where the first of chosen code points beyond ASCII begins, or `n_bytes`.

    Parameters
    ----------
    text : uint8 array (at least n_bytes + PADDING,)
        Valid UTF-8 and its padding of spaces.
    start, n_bytes : int
        Where to begin, at a code point, and the length of the text.
    chosen : bool array (0x110000,)
        Which code points those are.
    """
    at = start
    while at < n_bytes:
        plain = lowest_bit(wide_mask(text, at))
        at += plain
        while at < n_bytes and text[at] >= 0x80:
            code, width = code_point(text, at)
            if chosen[code]:
                return at
            at += width
    return n_bytes


@kernel
def ends_word(text, at, kinds):  # type: ignore[no-untyped-def]
    """Tell whether a word ends before ``text[at]``; an apostrophe within one does not end it."""
    while True:
        code, width = code_point(text, at)
        kind = kinds[code]
        at += width
        if kind > 0 or kind <= DOTTED_CAPITAL_I:
            return False
        if kind in (APOSTROPHE, JOINER):
            return not _word_follows(text, at, kinds)
        if kind != SOFT_HYPHEN:
            return True


@kernel
def write_words(text, n_bytes, kinds, out, case_bit):  # type: ignore[no-untyped-def]
    """Write the words of a text, with spaces between them and its line feeds.

    Plain ASCII is done 64 bytes at a time; only apostrophes and longer code points are looked
    at one by one.

    Parameters
    ----------
    text : uint8 array (at least n_bytes + PADDING,)
        Valid UTF-8, ending in a line feed, and its padding of spaces.
    n_bytes : int
        Length of the text.
    kinds : int32 array (128,) or (0x110000,)
        What each code point is: its lower case if it belongs to words, else one of the
        constants of this module. 128 entries do if the text is ASCII.
    out : uint8 array (at least 3 * n_bytes / 2 + 2 * PADDING,)
        Where the words go. A code point of n bytes becomes at most 3n/2.
    case_bit : int
        0x20 to write ASCII in lower case, 0 to keep its capitals, as `kinds` has them too.

    Returns
    -------
    n_out : int
        Length of what was written; padding of spaces stands behind it.
    """
    at, end = 0, 0
    while at < n_bytes:
        plain = lowest_bit(store_plain_words(text, at, out, end, case_bit))
        plain = min(plain, n_bytes - at)
        at += plain
        end += plain
        while at < n_bytes:
            code, width = code_point(text, at)
            if code < 0x80 and code != 0x27:
                break
            at += width
            kind = kinds[code]
            if kind > 0:
                end = put_code_point(kind, out, end)
            elif kind == DOTTED_CAPITAL_I:
                end = put_code_point(0x307, out, put_code_point(0x69, out, end))
            elif kind == CAPITAL_SIGMA:
                is_last = end > 0 and out[end - 1] > _SPACE and ends_word(text, at, kinds)
                end = put_code_point(0x3C2 if is_last else 0x3C3, out, end)
            elif kind != SOFT_HYPHEN:
                inside = kind != SEPARATOR and end > 0 and out[end - 1] > _SPACE
                if inside and _word_follows(text, at, kinds):
                    end = put_code_point(0x27 if kind == APOSTROPHE else code, out, end)
                else:
                    out[end] = _SPACE
                    end += 1
    out[end : end + PADDING] = _SPACE
    return end
