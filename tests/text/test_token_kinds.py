"""Kinds of tokens: each comes back from JSON as what it was, and everything else is refused."""

import datetime
import decimal
import enum
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastw2v.errors import CorpusError, TokenKindError
from fastw2v.text.token_kinds import check_kinds, is_settled, tokens_from_json, tokens_to_json

plain = st.one_of(
    st.text(st.characters(codec=None, exclude_categories=())),  # lone surrogates, too
    st.integers(),
    st.integers(min_value=-(2**200), max_value=2**200),
    st.binary(),
    st.booleans(),
)
tokens = plain | st.tuples(plain) | st.tuples(plain, st.tuples(plain, plain)) | st.just(())


class Colour(enum.StrEnum):
    RED = "red"


class Number(enum.IntEnum):
    SEVEN = 7


@given(st.lists(tokens))
def test_every_kind_comes_back(values):
    check_kinds(values, "here")
    text = json.dumps(tokens_to_json(values))
    back = tokens_from_json(json.loads(text))
    assert back == values
    assert [type(value) for value in back] == [type(value) for value in values]
    assert tokens_from_json(json.loads(text.encode().decode())) == back


@pytest.mark.parametrize("kind", np.typecodes["AllInteger"])
def test_numbers_of_numpy_come_back_as_the_numbers_that_they_equal(kind):
    limits = np.iinfo(kind)
    values = list(np.array([limits.min, 0, 7, limits.max], kind))
    back = tokens_from_json(json.loads(json.dumps(tokens_to_json(values))))
    assert back == values
    assert {type(value) for value in back} == {int}
    assert {values[-1]: "found"}[back[-1]] == "found"


def test_kinds_of_kinds():
    values = [np.str_("a"), Colour.RED, Number.SEVEN, np.True_, 10**5000, (np.int8(3), (b"\xff",))]
    back = tokens_from_json(json.loads(json.dumps(tokens_to_json(values))))
    assert back == ["a", "red", 7, True, 10**5000, (3, (b"\xff",))]
    assert json.dumps(tokens_to_json(["a", 7, -(2**63), 2**64 - 1])) == (
        '["a", 7, -9223372036854775808, 18446744073709551615]'
    )


def nested(depth):
    return nested(depth - 1) if depth < 0 else ((nested(depth - 1),) if depth else "end")


REFUSED = {
    "None": (None, "got None, 3 times; leave missing values out"),
    "NaN": (float("nan"), r"got a float \(nan\), 3 times; leave missing values out"),
    "NaN of numpy": (np.float32("nan"), "leave missing values out"),
    "float": (0.5, r"got a float \(0.5\), 3 times; pass str\(token\)"),
    "whole float": (7.0, r"pass int\(token\), here 7"),
    "whole float of numpy": (np.float64(7), r"pass int\(token\), here 7"),
    "infinity": (float("inf"), r"pass str\(token\)"),
    "date": (datetime.date(2020, 1, 1), r"pass str\(token\)"),
    "date of numpy": (np.datetime64("2020-01-01"), r"pass str\(token\)"),
    "missing date of numpy": (np.datetime64("NaT"), "token"),
    "decimal": (decimal.Decimal(1), r"pass str\(token\)"),
    "complex": (1j, r"pass str\(token\)"),
    "set": (frozenset("a"), r"pass str\(token\)"),
    "object": (object(), r"pass str\(token\)"),
    "class": (int, r"pass str\(token\)"),
    "in a tuple": (("a", None), r"pass str\(token\)"),
    "deep": (nested(200), r"pass str\(token\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_a_token_is_told_with_its_place_and_count(name):
    value, message = REFUSED[name]
    assert not is_settled(value)
    with pytest.raises(TokenKindError, match=message) as caught:
        check_kinds(["a", value], "vocabulary", [5, 3])
    assert isinstance(caught.value, CorpusError)
    assert isinstance(caught.value, TypeError)
    assert str(caught.value).startswith("vocabulary: expected words that are str, whole numbers")
    with pytest.raises(TokenKindError):
        tokens_to_json(["a", value])


@pytest.mark.parametrize(
    "value",
    [
        *(None, 0.5, ["a"], {}, {"bytes": "0"}, {"bytes": 7}, {"int": "x"}, {"tuple": "a"}),
        *({"bytes": "00", "int": "0x1"}, {"other": 1}, {"tuple": [None]}),
    ],
)
def test_what_was_not_written_here_is_refused(value):
    with pytest.raises(ValueError, match=r"expected|non-hex|invalid literal"):
        tokens_from_json([value])
