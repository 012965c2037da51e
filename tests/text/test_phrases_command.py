"""`fastw2v phrases`: what it lists and writes, and what it refuses."""

import gzip
import sys
import types

import pytest
from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS

from fastw2v.errors import ConfigurationError, CorpusError, MissingDependencyError
from fastw2v.text.phrases import PhraseModel, PhraseSettings, find_phrases
from fastw2v.text.word_lists import stop_words

LINES = "In New York City\nthe bank of America, New York\nit is in the bank of America\n" * 6


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(LINES, encoding="utf-8")
    return path


def test_the_list_has_scores_counts_and_phrases_the_best_first(run, text):
    status, out, errors = run("phrases", text, "--min-count", "1", "--threshold", "0.5", "--quiet")
    assert (status, errors) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    expected = find_phrases(text, PhraseSettings(min_count=1, threshold=0.5)).scores()
    assert [row[2] for row in rows] == list(expected)
    assert [float(row[0]) for row in rows] == pytest.approx(list(expected.values()), rel=1e-5)
    assert {row[2]: row[1] for row in rows}["new_york"] == "12"


def test_files_are_those_of_python_and_join_in_other_texts(run, text, tmp_path):
    phrases, joined, again = (tmp_path / name for name in ("p.json", "joined.txt", "again.txt"))
    status, out, _ = run(
        *("phrases", text, "--min-count", "1", "--threshold", "0.3", "--passes", "2"),
        *("--connector-words", "english", "-o", phrases, "--text", joined, "--workers", "3"),
    )
    assert status == 0
    assert str(phrases) in out
    assert str(joined) in out
    chosen = PhraseSettings(
        min_count=1, threshold=0.3, passes=2, connector_words=ENGLISH_CONNECTOR_WORDS
    )
    model = find_phrases(text, chosen)
    assert PhraseModel.read(phrases).passes == model.passes
    assert "bank_of_america" in joined.read_text().split()
    status, _, _ = run("phrases", text, "--phrases", phrases, "--text", again, "--quiet")
    assert status == 0
    assert again.read_bytes() == joined.read_bytes()


def test_connector_words_come_from_a_file_which_may_be_compressed(run, text, tmp_path):
    words = tmp_path / "words.txt.gz"
    words.write_bytes(gzip.compress(b"\xef\xbb\xbfof\nthe in\n"))
    given = ("phrases", text, "--min-count", "1", "--threshold", "0.3", "--quiet")
    status, out, _ = run(*given, "--connector-words", words)
    assert status == 0
    assert "\tbank_of_america\n" in out
    assert "of_america" not in out.replace("bank_of_america", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--min-count", "0"], "min_count: expected at least 1"),
        (["--scoring", "npmi", "--threshold", "2"], "threshold: expected at most 1"),
        (["--threshold", "nan"], "threshold: expected a finite number"),
        (["--passes", "0"], "passes"),
        (["--connector-words", "nowhere.txt"], "nowhere.txt"),
        (["--phrases", "p.json", "--min-count", "3"], "--min-count"),
        (["--phrases", "p.json", "--output", "q.json"], "--output"),
        (["--phrases", "p.json"], "--text"),
        (["--phrases", "p.json", "--text", "t.txt"], "expected a file of phrases"),
        (["--stop-words", "english"], "--text"),
        (["--stop-words", "no.txt", "--text", "t.txt"], "no.txt"),
        (["--text", "nowhere/t.txt"], "nowhere"),
        (["--text", "t.txt", "--delimiter", " "], "white space"),
        (["--text", "t.txt", "--output", "./t.txt"], "--output, --text: expected two files"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_told_with_status_2(run, text, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    given = ["--threshold", "0.3", "--min-count", "1"] if "--delimiter" in options else []
    status, out, errors = run("phrases", text, *given, *options, "--quiet")
    assert status == 2
    assert message in errors
    assert out == ""
    assert not (tmp_path / "t.txt").exists()


def test_stop_words_are_left_out_once_phrases_are_joined(run, text, tmp_path):
    words, joined = tmp_path / "stop.txt", tmp_path / "joined.txt"
    words.write_text("of the\nin it is")
    status, out, _ = run(
        *("phrases", text, "--min-count", "1", "--threshold", "0.3", "--stop-words", words),
        *("--connector-words", "english", "--text", joined),
    )
    assert status == 0
    assert joined.read_text().splitlines()[:3] == [
        "new_york city",
        "bank_of_america new_york",
        "it_is bank_of_america",
    ]
    assert "stop words   24 of 60 tokens" in out


@pytest.fixture
def lists(monkeypatch):
    """A package stop-words with one language."""

    class StopWordError(Exception):
        pass

    def get_stop_words(language):
        if language not in ("english", "en"):
            raise StopWordError
        return ["the", "of"]

    made = types.ModuleType("stop_words")
    made.StopWordError, made.get_stop_words = StopWordError, get_stop_words
    made.AVAILABLE_LANGUAGES = ["english"]
    monkeypatch.setitem(sys.modules, "stop_words", made)


def test_stop_words_of_a_language_come_from_a_package(lists, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert stop_words("english") == stop_words("en") == {"the", "of"}
    with pytest.raises(ConfigurationError, match="'klingon'"):
        stop_words("klingon")
    (tmp_path / "klingon").write_text("a b")  # a file of that name comes first
    assert stop_words("klingon") == {"a", "b"}
    for name in ("none.txt", "folder/none"):
        with pytest.raises(CorpusError, match="none"):
            stop_words(name)
    monkeypatch.setitem(sys.modules, "stop_words", None)
    with pytest.raises(MissingDependencyError, match=r"fastw2v\[stopwords\]"):
        stop_words("english")


def test_the_real_package_has_what_is_asked_of_it():
    real = pytest.importorskip("stop_words")
    assert {"the", "of"} <= stop_words("en")
    assert "der" in stop_words("german")
    assert real.AVAILABLE_LANGUAGES
    with pytest.raises(ConfigurationError, match="klingon"):
        stop_words("klingon")
