"""Numbers as text into float32: against exact arithmetic, wherever rounding is hard."""

from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.formats.text import nearest_float32
from fastw2v.kernels.text.vector_text import (
    FINE,
    NO_NUMBER,
    NO_WORD,
    TOO_FEW,
    TOO_MANY,
    parse_lines,
)

finite_bits = st.integers(0, 2**32 - 1).filter(lambda bits: (bits >> 23) & 0xFF != 0xFF)
decimals = st.from_regex(r"\A[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?\Z").map(
    lambda text: "".join(str(int(c)) if c.isdigit() else c for c in text)
)


def parsed(data: bytes, dimensions: int):
    """Table, number of lines, open cells, problem and position of some lines."""
    room = data.count(b"\n")
    table = np.full((room, dimensions), 7, np.float32)
    ends, starts = np.empty(room, np.int64), np.empty(room, np.int64)
    open_cells = np.empty((room * dimensions, 2), np.int64)
    text = np.frombuffer(data, np.uint8)
    n_lines, n_open, problem, at = parse_lines(
        text, len(data), table, ends, starts, open_cells, ord(" "), False
    )
    words = [data[a:b] for a, b in zip(starts[:n_lines], ends[:n_lines], strict=True)]
    return table[:n_lines], words, open_cells[:n_open], problem, at


def float32_of(text: str) -> np.float32:
    """What the reader makes of one number: the kernel's answer, or the exact one it asks for."""
    table, _, open_cells, problem, _ = parsed(f"w {text}\n".encode(), 1)
    assert problem == FINE
    return nearest_float32(text) if len(open_cells) else table[0, 0]


def exactly_nearest(text: str) -> np.float32:
    """The nearest float32 by search over their integers; of two, the one with an even integer."""
    value = Fraction(Decimal(text))
    low, high = 0, 0x7F800000  # from zero to infinity, which stands for 2^128 here
    magnitude = abs(value)

    def size(bits):
        if bits == 0x7F800000:
            return Fraction(2) ** 128
        return Fraction(float(np.uint32(bits).view(np.float32)))

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) <= magnitude else (low, middle)
    bits = min((low, high), key=lambda b: (abs(size(b) - magnitude), b & 1))
    found = np.uint32(bits).view(np.float32)
    return np.copysign(found, np.float32(-1 if text.startswith("-") else 1))


@settings(deadline=None)
@given(finite_bits)
def test_the_shortest_text_of_a_float32_is_read_as_itself(bits):
    number = np.uint32(bits).view(np.float32)
    for text in (str(number), f"{number:.9g}", f"{number:.17g}", f"{number:.12e}"):
        assert float32_of(text).tobytes() == number.tobytes()


@settings(deadline=None)
@given(decimals)
def test_any_decimal_is_read_as_the_nearest(text):
    assert float32_of(text).tobytes() == exactly_nearest(text).tobytes()


@settings(deadline=None)
@given(finite_bits.filter(lambda bits: bits & 0x7FFFFFFF < 0x7F7FFFFF), st.integers(-1, 1))
def test_middles_between_two_numbers_and_what_is_next_to_them(bits, side):
    low, high = (np.uint32(b).view(np.float32) for b in (bits, bits + 1))
    middle = (Fraction(float(low)) + Fraction(float(high))) / 2
    middle += side * abs(middle) / 10**25
    exact = Context(prec=220).divide(Decimal(middle.numerator), Decimal(middle.denominator))
    text = f"{exact:e}"
    assert float32_of(text).tobytes() == exactly_nearest(text).tobytes()


def test_what_two_roundings_get_wrong_is_right():
    # Just above the middle of two float32: as float64 it is the middle, which goes to the even one.
    text = "1.00000017881393432617187499"
    twice_rounded = np.float32(float(text))
    assert exactly_nearest(text) != twice_rounded
    assert float32_of(text) == exactly_nearest(text) == nearest_float32(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("-0", -0.0),
        ("-0.0e5", -0.0),
        ("0e999999999999", 0.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("+2E+1", 20.0),
        ("1e-45", 1e-45),
        ("7e-46", 0.0),
        ("-7.1e-46", -1e-45),
        ("1e-999999999999", 0.0),
        ("3.4028235e38", 3.4028235e38),
        ("3.40282356e38", 3.4028235e38),
        ("3.4028236e38", np.inf),
        ("-1e39", -np.inf),
        ("1e999999999999", np.inf),
        ("0" * 5000 + "1" + "0" * 30 + "e-30", 1.0),
        ("0." + "0" * 30 + "1e31", 1.0),
        ("1" + "0" * 5000 + "e-5000", 1.0),
    ],
)
def test_edges(text, value):
    assert float32_of(text).tobytes() == np.float32(value).tobytes()


@pytest.mark.parametrize(
    ("line", "problem", "at"),
    [
        (b"w 1 2\n", FINE, 6),
        (b"w 1 2 \n", FINE, 7),
        (b"w 1 2 \t\r\n", FINE, 9),
        (b"a\tb\xc2\xa0 1 2\n", FINE, 10),
        (b"\n", NO_WORD, 0),
        (b" 1 2\n", NO_WORD, 0),
        (b"w\n", TOO_FEW, 0),
        (b"w \n", TOO_FEW, 0),
        (b"w 1\n", TOO_FEW, 0),
        (b"w 1 \r\n", TOO_FEW, 0),
        (b"w 1 2 3\n", TOO_MANY, 0),
        (b"w 1 2 x\n", TOO_MANY, 0),
        (b"w 1  2\n", NO_NUMBER, 4),
        (b"w 1 nan\n", NO_NUMBER, 4),
        (b"w inf 1\n", NO_NUMBER, 2),
        (b"w 1,5 1\n", NO_NUMBER, 2),
        (b"w 1 2x\n", NO_NUMBER, 4),
        (b"w 1 2e\n", NO_NUMBER, 4),
        (b"w 1 2e+\n", NO_NUMBER, 4),
        (b"w 1 .\n", NO_NUMBER, 4),
        (b"w 1 -\n", NO_NUMBER, 4),
        (b"w 1 1.2.3\n", NO_NUMBER, 4),
        (b"w 1 0x1\n", NO_NUMBER, 4),
        (b"w 1 1_000\n", NO_NUMBER, 4),
        (b"w 1 \xd9\xa3\n", NO_NUMBER, 4),
    ],
)
def test_lines_that_are_right_and_lines_that_are_not(line, problem, at):
    good = b"good 1 2\n"
    table, words, _, came, position = parsed(line, 2)
    assert (came, position) == (problem, at)
    assert len(table) == len(words) == (problem == FINE)
    table, words, _, came, position = parsed(good + line, 2)
    assert (came, position) == (problem, at + len(good))
    assert words[0] == b"good"
    assert table[0].tolist() == [1, 2]


def test_a_table_without_room_for_a_line_is_not_overrun():
    data = b"w 1 2\n"
    none = np.empty(0, np.int64)
    text = np.frombuffer(data, np.uint8)
    table = np.empty((0, 10**9), np.float32)
    result = parse_lines(
        text, len(data), table, none, none, np.empty((0, 2), np.int64), ord(" "), False
    )
    assert result == (0, 0, TOO_FEW, 0)
