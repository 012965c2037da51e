"""Phrases and stop words: every trap in one table, whose names are those of docs/input.md."""

import json
import pickle
import re
from pathlib import Path

import pytest

from fastw2v import Word2Vec
from fastw2v.errors import FastW2VError
from fastw2v.text.phrases import PhraseSettings, find_phrases

PAGE = Path(__file__).parents[2] / "docs" / "input.md"
QUICK = {"vector_size": 2, "min_count": 1, "epochs": 1, "sample": 0}
TEXT = "New York is new\nin New York it is new_york of late\n" * 6
# What is given beside the text of a file or of JSON lines of whole numbers, and what comes of it:
# words that are and are not in the vocabulary, or what is said.
TRAPS = {
    "phrases to be found in whole numbers": (
        {"source": "items.jsonl", "phrases": 1},
        r"expected tokens of text, which phrases are joined of, got 1;",
    ),
    "phrases of a file, to be joined in whole numbers": (
        {"source": "items.jsonl", "phrases": "phrases.json"},
        r"which phrases are joined of, got 1; .*leave out phrases",
    ),
    "a file of phrases that is not there": (
        {"phrases": "nothing.json"},
        r"nothing\.json: expected a file of phrases.*got none",
    ),
    "a file of phrases that is other JSON": ({"phrases": "other.json"}, "got other JSON"),
    "a pickle of gensim's phrases": (
        {"phrases": "gensim.pkl"},
        "a pickle, as gensim saves them; load it with gensim",
    ),
    "phrases that are joined no more than once": (
        {"phrases": "phrases.json", "min_count": 7},
        ({"new_york"}, {"new", "york", "in"}),
    ),
    "a word that is a phrase already": (
        {"phrases": "phrases.json"},
        ({"new_york", "is"}, {"york"}),
    ),
    "no phrase at all": ({"phrases": 1}, ({"new", "york"}, {"new york"})),
    "a file of stop words that is empty": ({"stop_words": "empty.txt"}, "expected words, the file"),
    "a language without stop words": ({"stop_words": "klingon"}, "one of the languages .*english"),
    "a text of stop words alone": ({"stop_words": "all.txt"}, "without a single token"),
    "stop words in capitals": ({"stop_words": "capitals.txt"}, ({"is", "of"}, {"IS"})),
    "whole numbers among stop words": (
        {"source": "items.jsonl", "stop_words": "numbers.txt"},
        ({2, 3}, {1, "1"}),
    ),
}
OF_COMMANDS = {"passes and phrases of a file", "phrases of a file beside counts"}
OF_MEMORY = {"more candidates than memory"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(TEXT)
    Path("items.jsonl").write_text('{"x": [1, 2, 3]}\n{"x": [3, 2]}\n' * 4)
    sentences = [line.lower().split() for line in TEXT.splitlines()]
    found = find_phrases(sentences, PhraseSettings(min_count=1, threshold=0.1))
    assert found.scores().keys() >= {"new_york"}
    only = [phrase for phrase in found.passes[0] if phrase.parts == ("new", "york")]
    type(found)(found.settings, (only,)).write("phrases.json")
    Path("other.json").write_text(json.dumps({"format": "another"}))
    Path("gensim.pkl").write_bytes(pickle.dumps(["new_york"]))
    Path("empty.txt").write_text(" \n")
    Path("all.txt").write_text("new york is in it new_york of late")
    Path("capitals.txt").write_text("IS Of")
    Path("numbers.txt").write_text("1\n")
    return tmp_path


def asked(name):
    given = dict(TRAPS[name][0])
    if given.get("stop_words") == "klingon":
        pytest.importorskip("stop_words")
    return given, TRAPS[name][1]


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_through_the_api(place, name):
    given, expected = asked(name)
    source = given.pop("source", "text.txt")
    settings = {**QUICK, "min_count": given.pop("min_count", 1)}
    if isinstance(given.get("phrases"), int):
        settings["phrases"] = given.pop("phrases")
    field = "x" if source.endswith(".jsonl") else None
    model = Word2Vec(workers=1, **settings)
    if isinstance(expected, str):
        with pytest.raises(FastW2VError, match=expected) as caught:
            model.fit(source, field=field, **given)
        assert "\n" not in str(caught.value)
        return
    model.fit(source, field=field, **given)
    words = set(model.vocabulary.words)
    assert expected[0] <= words
    assert not expected[1] & words


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_through_the_command_line(run, place, name):
    given, expected = asked(name)
    source = given.pop("source", "text.txt")
    options = {**QUICK, **given, **({"field": "x"} if source.endswith(".jsonl") else {})}
    arguments = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
    status, shown, errors = run("train", source, "-o", "model", *arguments)
    if isinstance(expected, str):
        assert (status, shown) == (2, "")
        assert re.search(expected, errors.splitlines()[-1])
        assert not Path("model").exists()
        return
    assert status == 0, errors
    model = Word2Vec.load("model")
    assert expected[0] <= set(model.vocabulary.words)
    assert not expected[1] & set(model.vocabulary.words)
    if "stop_words" in given:
        assert f"stop words   {len(model.stop_words)}, left out\n" in shown
    else:
        sizes = [len(found) for found in model.phrases.passes]
        assert f"phrases      {', then '.join(map(str, sizes)) or 'none'}\n" in shown


def test_phrases_are_given_once(run, place):
    quick = [f"--{key.replace('_', '-')}={value}" for key, value in QUICK.items()]
    status, _, errors = run("count", "text.txt", "-o", "counts", "--phrases", "1", "--min-count=1")
    assert status == 0, errors
    for option in (["--phrases", "phrases.json"], ["--stop-words", "all.txt"]):
        status, _, errors = run("train", "--counts", "counts", "-o", "model", *quick, *option)
        assert status == 2
        assert "expected none beside --counts, which have their own" in errors
    status, _, errors = run(
        *("count", "text.txt", "-o", "more", "--vocabulary", "counts", "--phrases", "phrases.json")
    )
    assert status == 2
    assert "those of the counts that are referred to" in errors
    with pytest.raises(FastW2VError, match="passes that find some, or phrases that are there"):
        Word2Vec(phrases=1, **QUICK).fit("text.txt", phrases="phrases.json")
    status, _, errors = run("train", "text.txt", "-o", "model", "--phrases", "-1")
    assert status == 2
    assert "phrases: expected at least 0, got -1" in errors


def test_neighbours_of_a_phrase_are_asked_for_by_its_words(run, place):
    quick = [f"--{key.replace('_', '-')}={value}" for key, value in QUICK.items()]
    done = run("train", "text.txt", "-o", "model", "--phrases", "phrases.json", *quick)
    assert done[0] == 0, done
    status, shown, _ = run("neighbors", "model", "New York", "--topn", "2")
    assert status == 0
    assert shown.startswith("new_york (18 times)\n  near ")
    assert "  context  " in shown
    status, vectors, _ = run("vectors", "model", "new_york")
    assert run("vectors", "model", "new york") == (0, vectors, "")
    status, _, errors = run("neighbors", "model", "york new")
    assert status == 2
    assert "'york new' is not among the" in errors
    assert vectors.startswith("new_york ")


def test_the_page_lists_what_is_tested():
    section = PAGE.read_text(encoding="utf-8").split("## Phrases and stop words")[1]
    listed = re.findall(r"^\| (.+?) \| .+ \|$", section.split("\n## ")[0], re.MULTILINE)
    assert listed[0] == "what comes"
    # Of the last one: tests/text/test_word_rules.py.
    assert sorted(listed[1:]) == sorted([*TRAPS, *OF_COMMANDS, *OF_MEMORY])
