"""Lines of a word and its numbers, as text, into a table of float32.

A number is read as an integer of up to 19 digits and a power of ten, joined in float64. That is
wrong by some units in its last place at most, so wherever it is not very near the middle between
two float32 values, or too small or large to be an ordinary one, rounding it to float32 is right.
The few numbers that this leaves open are listed for the caller, who decides them exactly.
"""

import numpy as np
from numba.extending import register_jitable

from fastw2v.kernels.compilation import kernel

__all__ = ["FINE", "NO_NUMBER", "NO_WORD", "TOO_FEW", "TOO_MANY", "parse_lines"]

# What `parse_lines` found.
FINE = 0
NO_WORD = 1
TOO_FEW = 2
TOO_MANY = 3
NO_NUMBER = 4

_TAB, _LINE_FEED, _RETURN, _SPACE = 9, 10, 13, 32
_PLUS, _MINUS, _POINT, _ZERO, _NINE = 43, 45, 46, 48, 57
_SMALL_E, _LARGE_E = 101, 69
_MOST_DIGITS = 19  # that an unsigned integer of 64 bits holds whatever they are
_LARGEST_POWER = 60
_LARGEST_EXPONENT = 100_000  # beyond it, more digits of an exponent change nothing

_POWERS = np.array([float(f"1e{power}") for power in range(_LARGEST_POWER + 1)])
_SMALLEST_ORDINARY = 2.0**-126
_TOO_LARGE = 2.0**128 * (1 - 2.0**-25)  # from here on the nearest float32 is infinite
_CUT_BITS = (1 << 29) - 1  # of a float64's fraction, which a float32 does not have
_MIDDLE = 1 << 28
# Units in the last place of a float64: the integer, the power of ten and their product are each
# rounded, and digits beyond the 19th are cut off.
_NEAR = 8


@register_jitable(inline="always")
def _is_end(byte):  # type: ignore[no-untyped-def]
    return byte in (_SPACE, _LINE_FEED, _RETURN, _TAB)


@kernel
def _number(text, at, as_bits):  # type: ignore[no-untyped-def]
    """Read the number at `at`.

    Returns its value, the position behind it (-1: it is none), and whether the value is certain.
    """
    is_negative = text[at] == _MINUS
    if is_negative or text[at] == _PLUS:
        at += 1
    digits, power, n_digits, n_seen = np.uint64(0), 0, 0, 0
    seen_point = False
    while True:
        byte = text[at]
        if _ZERO <= byte <= _NINE:
            n_seen += 1
            if n_digits < _MOST_DIGITS:
                digits = digits * np.uint64(10) + np.uint64(byte - _ZERO)
                n_digits += digits > 0
                power -= seen_point
            else:
                power += not seen_point
        elif byte == _POINT and not seen_point:
            seen_point = True
        else:
            break
        at += 1
    if n_seen == 0:
        return 0.0, -1, True
    if byte in (_SMALL_E, _LARGE_E):
        at += 1
        is_below = text[at] == _MINUS
        if is_below or text[at] == _PLUS:
            at += 1
        exponent, first = 0, at
        while _ZERO <= text[at] <= _NINE:
            if exponent < _LARGEST_EXPONENT:
                exponent = exponent * 10 + np.int64(text[at] - _ZERO)
            at += 1
        if at == first:
            return 0.0, -1, True
        power += -exponent if is_below else exponent
    if not _is_end(text[at]):
        return 0.0, -1, True
    if digits == 0:
        return -0.0 if is_negative else 0.0, at, True
    if not -_LARGEST_POWER <= power <= _LARGEST_POWER:
        return 0.0, at, False
    value = np.float64(digits)
    value = value * _POWERS[power] if power >= 0 else value / _POWERS[-power]
    as_bits.view(np.float64)[0] = value
    from_middle = np.int64(as_bits[0] & _CUT_BITS) - _MIDDLE
    is_certain = _SMALLEST_ORDINARY <= value < _TOO_LARGE and not -_NEAR <= from_middle <= _NEAR
    return -value if is_negative else value, at, is_certain


@register_jitable
def _word_end_from_right(text, start, n_numbers):  # type: ignore[no-untyped-def]
    """Return where the word of a line ends that has so many fields behind it, or the line does."""
    line_end = start
    while text[line_end] != _LINE_FEED:
        line_end += 1
    end = line_end
    while end > start and _is_end(text[end - 1]):
        end -= 1
    for _ in range(n_numbers):
        while end > start and text[end - 1] not in (_SPACE, _TAB):
            end -= 1
        if end == start:
            return line_end
        end -= 1
    return end


@kernel
def parse_lines(  # type: ignore[no-untyped-def]
    text, n_bytes, table, word_ends, line_starts, open_cells, word_end, from_right
):
    """Read lines of a word and as many numbers as the table has columns.

    Fields are parted by one space, or by one `word_end`; spaces, tabs and a carriage return may
    stand before the line feed.

    Parameters
    ----------
    text : uint8 array (at least n_bytes,)
        Whole lines; the last byte is a line feed.
    n_bytes : int
    table : float32 array (R, D)
        Where the numbers go; R is at least the number of lines that can be right.
    word_ends, line_starts : int64 array (R,)
        Where each line begins, and its word ends.
    open_cells : int64 array (R * D, 2)
        Gets the number of the cell and the position of each number that is not certain.
    word_end : int
        The byte that ends a word: a space, or a tab.
    from_right : bool
        Whether a word is instead all that stands before the last D fields.

    Returns
    -------
    n_lines : int
        Lines that were read.
    n_open : int
        Numbers that were listed.
    problem : int
        What is wrong with the next line, or `FINE` at the end of the text.
    position : int
        Where that is.
    """
    dimensions = table.shape[1]
    as_bits = np.empty(1, np.int64)
    at, row, n_open = 0, 0, 0
    while at < n_bytes:
        start = at
        if from_right:
            at = _word_end_from_right(text, start, dimensions)
        else:
            while text[at] not in (word_end, _LINE_FEED):
                at += 1
        if at == start or text[at] == _LINE_FEED:
            return row, n_open, NO_WORD if at == start else TOO_FEW, start
        if row == len(table):
            return row, n_open, TOO_FEW, start
        line_starts[row], word_ends[row] = start, at
        for column in range(dimensions):
            if text[at] not in (_SPACE, word_end):
                return row, n_open, TOO_FEW, start
            value, end, is_certain = _number(text, at + 1, as_bits)
            if end < 0:
                behind = at + 1
                while _is_end(text[behind]) and text[behind] != _LINE_FEED:
                    behind += 1
                is_cut = text[behind] == _LINE_FEED
                return row, n_open, TOO_FEW if is_cut else NO_NUMBER, start if is_cut else at + 1
            table[row, column] = value
            if not is_certain:
                open_cells[n_open, 0], open_cells[n_open, 1] = row * dimensions + column, at + 1
                n_open += 1
            at = end
        while _is_end(text[at]) and text[at] != _LINE_FEED:
            at += 1
        if text[at] != _LINE_FEED:
            return row, n_open, TOO_MANY, start
        at += 1
        row += 1
    return row, n_open, FINE, at
