"""The tokenizer by Unicode's word boundaries, against naive twins and Unicode's own cases."""

import hashlib
import itertools
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpora.unicode_breaks import table
from fastw2v.kernels.text.scan import PADDING
from fastw2v.kernels.text.word_breaks import WORD_BREAKS, segment_end
from fastw2v.text.rules import TextRules
from fastw2v.text.tokenizers import tokenize_text
from fastw2v.text.unicode_table import unicode_version, word_breaks
from tests.support.naive_tokens import PURE, WHOLE, naive_segments, naive_tokens

DIGESTS = {
    "17.0.0": "66069ba7d410ccd8d1ae84c376294cfc13f2ed85168df9ba30db16d81a83f177",
}
patient = settings(deadline=None)
PLAIN = TextRules("unicode", language="none")

# One or two of each class of UAX 29, pictographs among several of them.
OF_EACH_CLASS = (
    "\x01漢あ©⌚😀Ⓜ\r\n\x0b\u2028\u0308\U0001f3fd\ufe0f\u200c\u200d\u00ad\u2060🇦🇧カー\u05d0\u05d1"
    "aÉ'\"\u05f4.’‘:\u00b7,;\u066c1٣_\u202f\u203f \u3000"
)


def segments(text):
    data = text.encode()
    padded = np.frombuffer(data + b" " * PADDING, np.uint8)
    found, at = [], 0
    while at < len(data):
        end = segment_end(padded, at, len(data), word_breaks_once())
        found.append(data[at:end].decode())
        at = end
    return found


def word_breaks_once(kept=[]):  # noqa: B006 - the table of a megabyte, made once
    if not kept:
        kept.append(word_breaks())
    return kept[0]


def test_every_class_has_a_character_here():
    kinds = {WORD_BREAKS[PURE[ord(character)] & 31] for character in OF_EACH_CLASS}
    assert kinds == set(WORD_BREAKS)


def test_boundaries_between_all_pairs_are_those_of_the_rules():
    first_of_class = {PURE[ord(character)]: character for character in OF_EACH_CLASS}
    for pair in itertools.product(first_of_class.values(), repeat=2):
        for text in ("".join(pair), "\u0308".join(pair)):
            assert segments(text) == naive_segments(text), ascii(text)


@patient
@given(st.text(st.sampled_from(OF_EACH_CLASS), max_size=12))
@example("\u05d0'\u05d0\"\u05d0 a:\u0308b 1,\u200d2 🇦🇧🇦 👩\u200d👩")
def test_boundaries_are_those_of_the_rules(text):
    assert segments(text) == naive_segments(text)


CASES = os.environ.get("WORD_BREAK_TEST", "corpora/WordBreakTest.txt")


@pytest.mark.skipif(not Path(CASES).is_file(), reason="needs Unicode's WordBreakTest.txt")
def test_unicodes_own_cases():
    lines = Path(CASES).read_text(encoding="utf-8").splitlines()
    assert unicode_version() in lines[0]
    cases = [line.partition("#")[0].split() for line in lines if line and line[0] != "#"]
    assert len(cases) > 1000
    for marks in cases:
        expected = [""]
        for mark in marks[1:]:
            if mark == "÷":
                expected.append("")
            elif mark != "×":
                expected[-1] += chr(int(mark, 16))
        assert segments("".join(expected)) == expected[:-1], marks


PIECES = (
    *("a", "B", "é", "É", "Σ", "ß", "İ", "1", "23", "_", "'", "’", ".", ",", ":", ";", '"', "-"),
    *("#", "@", "*", "/", "//", "://", "http", "www.", "WWW", "x.com", "com", "io", "?", "!"),
    *("(", ")", "[", "]", "<", " ", "  ", "\t", "\r", "\u00ad", "\u200c", "\u200d", "\u0301"),
    *("\ufe0f", "\ufe0e", "\u20e3", "👍", "🏽", "👩", "❤", "©", "⌚", "🇩", "🇪", "漢", "か", "カ"),
    *("א", "״", "ส", "²", "½", "\u202f", "\u3000", "\x00", "＃", "%", "+", "٣", "한", "Ⓜ"),
)
NASTY = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@settings(deadline=None, max_examples=200)
@given(st.lists(NASTY, max_size=3))
@example(["first-last.name@mail.example.com, (https://x.com/a_(b)?c=1).", "a" * 70 + "@b.com"])
@example(["x-" * 40 + "y@b.com", "1.a1.a1@b.co.1", "é.john@x.com #漢字tag #12 C# @a_1 @1"])
@example(["a.b" + " " * 61 + "c,1", "x" * 63 + "'y", " " * 63 + "#a", "a" * 64 + ":" + "//b"])
@example(["a#\u20e3b 1*\ufe0f\u20e3 _#\u20e3#a a@b c#d \u6f22*\u20e3"])
@example(["http://é.com/ä漢 http://😀 a://b ab://c www.😀 wWw.a.), _a@b.cd"])
def test_tokens_are_those_of_the_twin(lines):
    text = "".join(f"{line}\n" for line in lines)
    assert tokenize_text(text, PLAIN) == [naive_tokens(line) for line in lines]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=15))
def test_tokens_of_any_text_are_those_of_the_twin(line):
    line = line.replace("\n", " ")
    assert tokenize_text(line + "\n", PLAIN) == [naive_tokens(line)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It cost 1,000 or 3.14, not -5%.", "it cost 1,000 or 3.14 not 5"),
        ("The U.S.A. and i.e. don’t can't", "the u.s.a and i.e don't can't"),
        ("mail John.Smith-x+1@mail.Example.com.", "mail john.smith-x+1@mail.example.com"),
        ("to https://x.com/a_b?c=1#d), www.foo.org/b.", "to https://x.com/a_b?c=1#d www.foo.org/b"),
        ("(https://de.wikipedia.org/wiki/K_(x))", "https://de.wikipedia.org/wiki/k_(x)"),
        ("#Python #2024 @Bob_1 a#b C#", "#python 2024 @bob_1 a b c"),
        ("👍🏽 👨‍👩‍👧 🇩🇪🇫🇷 ❤️ ❤ ☺ 1️⃣ #️⃣ © ©️", "👍🏽 👨‍👩‍👧 🇩🇪 🇫🇷 ❤️ ❤ ☺ 1️⃣ #️⃣ ©️"),
        ("good😀morning 🇩", "good 😀 morning"),
        ("m² ½ Straße", "m² ½ straße"),
        ("漢字かなカタカナ", "漢 字 か な カタカナ"),
        ("https://t.co/x你好 #东京塔", "https://t.co/x 你 好 #东京塔"),
        ("ผมไป 1\u202f000", "ผมไป 1 000"),
        ("co\u00adoperate می\u200cخواهم\u200c", "cooperate می\u200cخواهم"),
        ("ΟΔΟΣ ΣΑΣ.", "οδος σας"),
    ],
)  # fmt: skip
def test_what_people_expect(text, tokens):
    assert tokenize_text(text, "unicode") == [tokens.split(" ")]


def test_case_and_runs_can_be_kept():
    rules = TextRules("unicode", keep_case=True)
    assert tokenize_text("McX U.S. #Tag", rules) == [["McX", "U.S", "#Tag"]]
    assert all(PURE[code] & 31 or WHOLE[code] & 31 for code in range(0x4E00, 0x9FFF))


@patient
@given(NASTY, st.integers(0, 130))
def test_where_a_line_stands_does_not_matter(line, n_before):
    alone = tokenize_text(line + "\n", PLAIN)
    assert tokenize_text("." * n_before + "\n" + line + "\n", PLAIN)[1:] == alone


def test_the_table_is_built_from_runs():
    made = table({"ALetter": [(0x41, 0x5A)], "Emoji": [(0x23, 0x23)]}, "1.2.3").splitlines()
    assert made[0] == "# Unicode 1.2.3"
    assert made[-2:] == ["41 5A ALetter", "23 23 Emoji"]


def test_a_version_has_one_table():
    content = files("fastw2v.text").joinpath("unicode_breaks.txt").read_bytes()
    assert content.decode("ascii").splitlines()[0] == f"# Unicode {unicode_version()}"
    assert hashlib.sha256(content).hexdigest() == DIGESTS[unicode_version()]
