"""Files of features: every trap in one table, whose names are those of docs/input.md."""

import gzip
import re
from pathlib import Path

import pytest

from fastw2v import Word2Vec
from fastw2v.errors import ConfigurationError, CorpusError, FastW2VError, TextEncodingError
from fastw2v.text.feature_file import read_features

PAGE = Path(__file__).parents[2] / "docs" / "input.md"
TEXT = "rose tulip rose mast\nmast sail mast rose\n" * 5
READ = {"rose": ["rose", "plant"], "tulip": ["plant"], "mast": ["ship"], "sail": ["sail", "ship"]}
LINES = b"rose\trose plant\ntulip\tplant\nmast\tship\nsail\tsail ship\n"
QUICK = {"vector_size": 2, "min_count": 1, "epochs": 1}

# What is read, or the error and its message.
FILES = {
    "CRLF in a file of features": (LINES.replace(b"\n", b"\r\n"), READ),
    "its byte-order mark": (b"\xef\xbb\xbf" + LINES, READ),
    "its blank lines": (b"\n" + LINES.replace(b"\n", b"\n \n"), READ),
    "no newline at its end": (LINES[:-1], READ),
    "a tab behind the first": (LINES.replace(b"rose plant", b"rose\tplant"), READ),
    "a feature that is there twice in a line": (
        LINES.replace(b"mast\tship", b"mast\tship ship"),
        READ | {"mast": ["ship", "ship"]},
    ),
    "a compressed file of features": (gzip.compress(LINES), READ),
    "a line without a tab": (
        LINES.replace(b"mast\t", b"mast "),
        (CorpusError, "a word, a tab and its features.* at line 3, got 'mast ship'"),
    ),
    "a word without features": (
        LINES.replace(b"mast\tship", b"mast\t"),
        (CorpusError, "a word, a tab and its features.* at line 3"),
    ),
    "a tab without a word": (LINES + b"\tship\n", (CorpusError, "at line 5")),
    "a word with two lines": (LINES + b"rose\tplant\n", (CorpusError, "'rose' again at line 5")),
    "a file of features that is empty": (b"\n", (CorpusError, "the file is empty")),
    "one that is not UTF-8": (LINES + b"oar\t\xff\n", (TextEncodingError, "byte offset")),
    "one that is not there": (None, (CorpusError, "no such file|No such file")),
    "a word of the vocabulary without a line": (
        LINES.replace(b"mast\tship\n", b""),
        (ConfigurationError, "at least one for each of 4 words, got none for 'mast'"),
    ),
    "a word that is not in the vocabulary": (
        LINES + b"oar\tship\n",
        (ConfigurationError, "got some for 'oar'"),
    ),
    "a word in capitals": (
        LINES.replace(b"rose\t", b"Rose\t"),
        (ConfigurationError, "got some for 'Rose'"),
    ),
}


@pytest.fixture
def made(tmp_path):
    """Return what makes the file of a trap, beside a text."""
    (tmp_path / "corpus.txt").write_text(TEXT)

    def make(name):
        data = FILES[name][0]
        path = tmp_path / ("features.gz" if "compressed" in name else "features.tsv")
        if data is not None:
            path.write_bytes(data)
        return path

    return make


@pytest.mark.parametrize("name", FILES)
def test_a_trap_through_the_api(made, tmp_path, name):
    path, expected = made(name), FILES[name][1]
    model = Word2Vec(**QUICK)
    if isinstance(expected, dict):
        assert read_features(path) == expected
        from_file = model.fit(tmp_path / "corpus.txt", features=path)
        from_mapping = Word2Vec(**QUICK).fit(tmp_path / "corpus.txt", features=expected)
        assert (from_file.in_vectors == from_mapping.in_vectors).all()
        return
    error, message = expected
    with pytest.raises(error, match=message) as caught:
        model.fit(tmp_path / "corpus.txt", features=path)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, FastW2VError)
    assert model.summary is None


@pytest.mark.parametrize("name", FILES)
def test_a_trap_through_the_command_line(run, made, tmp_path, name):
    path, expected = made(name), FILES[name][1]
    output = tmp_path / "model"
    arguments = [f"--{key.replace('_', '-')}={value}" for key, value in QUICK.items()]
    status, shown, errors = run(
        "train", tmp_path / "corpus.txt", "-o", output, "--inputs", "features",
        "--features", path, *arguments,
    )  # fmt: skip
    if isinstance(expected, dict):
        assert status == 0, errors
        names = {feature for features in expected.values() for feature in features}
        assert set(Word2Vec.load(output).embeddings.named_features.names) == names
        return
    assert (status, shown) == (2, "")
    assert re.search(expected[1], errors.splitlines()[-1])
    assert "Traceback" not in errors
    assert not output.exists()


def test_the_page_lists_what_is_tested():
    section = PAGE.read_text(encoding="utf-8").split("## Files of features")[1].split("\n## ")[0]
    listed = re.findall(r"^\| (.+?) \| .+ \|$", section, re.MULTILINE)
    assert listed[0] == "what comes"
    assert sorted(listed[1:]) == sorted(FILES)
