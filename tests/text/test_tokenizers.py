"""Both tokenizers against naive Python twins, on text meant to trip them."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastw2v.errors import ConfigurationError, TextEncodingError
from fastw2v.text.rules import TextRules
from fastw2v.text.tokenizers import TextNormalizer, tokenize_text
from fastw2v.text.unicode_table import word_characters

patient = settings(deadline=None)  # the first call may compile

# Letters that change length in lower case, marks, joiners, odd spaces, odd dashes, controls.
ODD = (
    "aZ_9'’‘`-.,\u00ad\u200c\u200d\u200b\ufeff\u2060\x00\x01\x1c\x1f\x7f\x85\xa0"
    "éÉßẞİıſKÅΩΣσςȺȾⱯꙊჀᏠꭰǅ\u0301\u0307\u20dd\ufe0f\u3000\u2028\u2029\u205f\u1680"
    "漢字カ゛가๑१٣²½ⅧⓂ€–—…«»„“ \t\r\n\v\f😀👍🏽𝒳𐐀𞤀𑄱\U000e0100\U0010fffd\U00050000"
)
nasty_text = st.text(
    st.one_of(
        st.sampled_from(ODD),
        st.sampled_from("ab'’\u00ad\u200d \n"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=200,
)


def lines_of(text):
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


LOWER = word_characters().tolist()  # test_unicode_table.py compares it with Python's own


def naive_words(line):
    """Naive twin of the words tokenizer, from its description."""
    characters = [c for c in line if c != "\u00ad"]
    in_word = [c == "_" or LOWER[ord(c)] > 0 for c in characters]
    written = ""
    for place, c in enumerate(characters):
        is_inside = 0 < place < len(characters) - 1 and in_word[place - 1] and in_word[place + 1]
        if in_word[place]:
            written += c.lower() if c in "_İ" else chr(LOWER[ord(c)])
        elif is_inside and c in "'’\u200c\u200d":
            written += "'" if c in "'’" else c
        else:
            written += " "
    return [word for word in written.split(" ") if word]


def expected(text, tokenizer):
    if tokenizer == "whitespace":
        return [line.split() for line in lines_of(text)]
    return [naive_words(line) for line in lines_of(text)]


@patient
@given(nasty_text, st.sampled_from(["words", "whitespace"]))
@example("'a' 'b", "words")
@example("a\u00ad'\u00ad\u00adb a'\u00ad' b", "words")
@example("İİ" * 60, "words")
def test_tokens_are_those_of_the_naive_twin(text, tokenizer):
    assert tokenize_text(text, TextRules(tokenizer)) == expected(text, tokenizer)


@patient
@given(st.integers(0, 130), nasty_text)
def test_nothing_depends_on_the_place_in_a_block(shift, text):
    shifted = "x" * shift + "\n" + text
    assert tokenize_text(shifted, TextRules())[1:] == expected(text, "words")
    assert tokenize_text(shifted, "whitespace")[1:] == expected(text, "whitespace")


@pytest.mark.parametrize("tokenizer", ["words", "whitespace"])
def test_every_code_point_is_treated_as_described(tokenizer):
    """One line with each: inside a word, at its end, and alone."""
    for first in range(0, 0x110000, 0x8000):
        codes = [c for c in range(first, first + 0x8000) if not 0xD800 <= c < 0xE000 and c != 10]
        if not any(LOWER[c] for c in codes):
            codes = codes[::97]  # private or reserved, and all alike
        text = "".join(f"x{chr(c)}y z{chr(c)} {chr(c)}\n" for c in codes)
        assert tokenize_text(text, TextRules(tokenizer)) == expected(text, tokenizer)


def test_words_of_many_scripts():
    text = (
        "Don’t PANIC: it's 'quoted' rock-n-roll!\n"
        "Ça c’est l'ÉTÉ; co\u00adoperate.\n"
        "Straße — ИМЕНИ_1 ΕΛΛΆΣ\n"
        "می\u200cخواهم हिन्दी 漢字、かな\n"
        "e\u0301te\u0301 ²m Ⅷ İ\n"
    )
    assert tokenize_text(text, TextRules(language="any")) == [
        ["don't", "panic", "it's", "quoted", "rock", "n", "roll"],
        ["ça", "c'est", "l'été", "cooperate"],
        ["straße", "имени_1", "ελλάς"],
        ["می\u200cخواهم", "हिन्दी", "漢字", "かな"],
        ["e\u0301te\u0301", "²m", "ⅷ", "i\u0307"],
    ]


def test_lines_are_kept_apart_even_by_a_soft_hyphen_or_an_apostrophe():
    assert tokenize_text("a'\nb\u00ad\nc\n\n\nd", "words") == [["a"], ["b"], ["c"], [], [], ["d"]]


def test_lines_without_and_with_a_last_line_feed():
    for tokenizer in ("words", "whitespace"):
        assert tokenize_text("", tokenizer) == []
        assert tokenize_text("\n", tokenizer) == [[]]
        assert tokenize_text("a", tokenizer) == tokenize_text("a\n", tokenizer) == [["a"]]
        assert tokenize_text("a\r\nb\r\n", tokenizer) == [["a"], ["b"]]


def test_nul_is_an_ordinary_character_of_the_whitespace_tokenizer_only():
    assert tokenize_text("a\0b \0", "whitespace") == [["a\0b", "\0"]]
    assert tokenize_text("a\0b \0", "words") == [["a", "b"]]


def test_text_that_grows_in_lower_case_has_room():
    """U+023E (2 bytes) becomes U+2C66 (3 bytes), the steepest growth there is."""
    steepest = max(
        len(chr(lower).encode()) / len(chr(code).encode())
        for code, lower in enumerate(LOWER)
        if lower
    )
    assert steepest == 1.5
    assert tokenize_text("Ⱦ" * 100_000) == [["ⱦ" * 100_000]]


def test_a_normalizer_serves_blocks_of_any_size_one_after_the_other():
    normalizer = TextNormalizer("words")
    for data in (b"A\n", b"B" * 1000 + b"\n", b"C\n", "É\n".encode()):
        text, n_bytes = normalizer.normalize(data)
        assert text[:n_bytes].tobytes().decode() == data.decode().lower()
        assert (text[n_bytes : n_bytes + 64] == 32).all()
        assert text.dtype == np.uint8


def test_a_lone_surrogate_is_named():
    with pytest.raises(TextEncodingError, match=r"U\+DC80 at character 3"):
        tokenize_text("abc\udc80")


def test_an_unknown_tokenizer_is_refused():
    with pytest.raises(ConfigurationError, match=r"'words', 'unicode', .*, got 'sentences'"):
        tokenize_text("a", "sentences")
