"""The table of characters that words are made of: the same one under every Python."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from importlib.resources import files
from pathlib import Path

import pytest

import fastw2v
from corpora.unicode_words import code_points, table
from fastw2v import Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.counts.folder import read_counts
from fastw2v.counts.merged_folder import merge_counts
from fastw2v.errors import CorpusError
from fastw2v.text.rules import TextRules
from fastw2v.text.tokenizers import tokenize_text
from fastw2v.text.unicode_table import unicode_version, word_characters

DIGESTS = {
    "17.0.0": "c18d9833f7a1501d1418446398f3cab057d6695605f8a3d1357bd444dfc46b57",
}
DOTTED_CAPITAL_I = 0x130  # the only one whose lower case in Python is two code points


def test_a_version_has_one_table():
    content = files("fastw2v.text").joinpath("unicode_words.txt").read_bytes()
    assert hashlib.sha256(content).hexdigest() == DIGESTS[unicode_version()]


def test_what_this_python_knows_is_as_it_knows_it():
    lower = word_characters()
    assert len(lower) == 0x110000
    # Of a younger Unicode we know no more than that letters stay letters.
    is_younger = version_numbers(unicodedata.unidata_version) > version_numbers(unicode_version())
    wrong = []
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if code == DOTTED_CAPITAL_I or category == "Cn" or (is_younger and not lower[code]):
            continue
        is_cased = category in {"Lu", "Lt", "Nl"}
        expected = ord(chr(code).lower()) if is_cased else code * (category[0] in "LNM")
        if lower[code] != expected:
            wrong.append((hex(code), category, expected, lower[code]))
    assert not wrong
    assert lower[DOTTED_CAPITAL_I] == ord("i")


def version_numbers(version):
    return [int(number) for number in version.split(".")]


@pytest.mark.parametrize(
    ("since", "upper", "lower"),
    [(15, "\U00011f04", None), (16, "\U00010d50", "\U00010d70"), (17, "\U00016ea0", "\U00016ebb")],
)
def test_characters_younger_than_the_oldest_python_make_words(since, upper, lower):
    assert tokenize_text(f"{upper}a {upper} .", "words") == [
        [f"{lower or upper}a", lower or upper],
    ]


# As an interpreter of another year would have it: every table that Python itself has is wrong.
IN_ANOTHER_YEAR = """
import sys, unicodedata
import fastw2v.text.encoding  # whose source has a character by its name
class Wrong:
    unidata_version = "3.0.0"
    def __getattr__(self, name):
        raise AssertionError(f"unicodedata.{name} was asked")
sys.modules["unicodedata"] = Wrong()
from fastw2v.text.rules import TextRules
from fastw2v.text.rules import TextRules
from fastw2v.text.tokenizers import tokenize_text
print(ascii(tokenize_text(sys.argv[1], TextRules(language="any"))))
"""


def test_no_module_asks_the_interpreter():
    text = "É\u0301 x\U00010d50 \u2160 \u24b6\n"
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_YEAR, text],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ascii(tokenize_text(text, TextRules(language="any"))) + "\n", done.stderr
    package = Path(fastw2v.__file__).parent
    users = [
        path.name
        for path in package.rglob("*.py")
        if re.search(r"\bunicodedata\b|\bisal(num|pha)\(", path.read_text("utf-8"))
    ]
    assert users == ["normalization.py"]  # of a version that every Python has


UNICODE_DATA = """\
0041;LATIN CAPITAL LETTER A;Lu;0;L;;;;;N;;;;0061;
0042;LATIN CAPITAL LETTER B;Lu;0;L;;;;;N;;;;0062;
0061;LATIN SMALL LETTER A;Ll;0;L;;;;;N;;;0041;;0041
0062;LATIN SMALL LETTER B;Ll;0;L;;;;;N;;;0042;;0042
00A9;COPYRIGHT SIGN;So;0;ON;;;;;N;;;;;
0100;LATIN CAPITAL LETTER A WITH MACRON;Lu;0;L;0041 0304;;;;N;;;;0101;
0101;LATIN SMALL LETTER A WITH MACRON;Ll;0;L;0061 0304;;;;N;;;0100;;0100
0102;LATIN CAPITAL LETTER A WITH BREVE;Lu;0;L;0041 0306;;;;N;;;;0103;
0103;LATIN SMALL LETTER A WITH BREVE;Ll;0;L;0061 0306;;;;N;;;0102;;0102
0178;LATIN CAPITAL LETTER Y WITH DIAERESIS;Lu;0;L;0059 0308;;;;N;;;;00FF;
3400;<CJK Ideograph Extension A, First>;Lo;0;L;;;;;N;;;;;
4DBF;<CJK Ideograph Extension A, Last>;Lo;0;L;;;;;N;;;;;
"""


def test_the_table_is_built_from_unicodes_own_list(monkeypatch):
    lines = UNICODE_DATA.splitlines()
    made = table(lines, "1.2.3")
    rows = [line for line in made.splitlines() if not line.startswith("#")]
    assert rows == [
        *("41 42", "61 62", "100 103", "178 178", "3400 4DBF"),
        *("41 42 1 20", "100 102 2 1", "178 178 1 -79"),
    ]
    assert unicode_version() != "1.2.3"
    monkeypatch.setattr("fastw2v.text.unicode_table._lines", lambda: tuple(made.splitlines()))
    assert unicode_version() == "1.2.3"
    lower = word_characters()
    expected = {code: other or code for code, kind, other in code_points(lines) if kind[0] == "L"}
    assert {code: lower[code] for code in lower.nonzero()[0].tolist()} == expected


def test_models_keep_the_version_and_older_ones_load(tmp_path):
    sentences = [["a", "b", "c"], ["b", "a"]] * 5
    settings = {"vector_size": 4, "min_count": 1, "epochs": 1, "sample": 0}
    for objective in ("softmax", "negative"):
        model = Word2Vec(objective=objective, **settings).fit(sentences)
        assert model.summary.unicode_version == unicode_version()
    model.save(tmp_path / "model")
    assert Word2Vec.load(tmp_path / "model").summary.unicode_version == unicode_version()
    for tokenizer, version in (("words", unicode_version()), ("whitespace", None)):
        model = Word2Vec(model="cbow", tokenizer=tokenizer, **settings).fit(sentences)
        assert model.summary.unicode_version == version


def test_counts_keep_the_version_and_only_those_of_one_are_added(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("a b c\nb a\n" * 5)
    counting = CountingSettings(min_count=1)
    for name in ("one", "two"):
        counted = count_corpus(text, counting, tmp_path / name)
        assert counted.statistics.unicode_version == unicode_version()

    def with_version(version):
        manifest = tmp_path / "two" / "manifest.json"
        content = json.loads(manifest.read_text())
        content["corpus"].pop("unicode_version", None)
        content["corpus"] |= version
        manifest.write_text(json.dumps(content))

    folders = [tmp_path / "one", tmp_path / "two"]
    merged = merge_counts(folders, tmp_path / "sum")
    assert merged.statistics.unicode_version == unicode_version()
    shutil.rmtree(tmp_path / "sum")
    with_version({})  # as counts were written before
    assert read_counts(folders[1]).statistics.unicode_version is None
    assert merge_counts(folders, tmp_path / "sum").statistics.unicode_version is None
    with_version({"unicode_version": "16.0.0"})
    with pytest.raises(CorpusError, match=r"one version of Unicode, got 16\.0\.0 and 17\.0\.0"):
        merge_counts(folders, tmp_path / "other")
