"""`intersect_word2vec_format` reads what people have: one dimension, marks, tabs, blanks."""

import gzip

import numpy as np
import pytest
from gensim.models import KeyedVectors

from fastw2v.errors import ConfigurationError, ModelFormatError, TextEncodingError
from fastw2v.gensim_api import Word2Vec
from tests.support.foreign_files import FOREIGN

WORDS = ["the", "café", "New York", "3"]


def model(dimensions=2):
    return Word2Vec([WORDS] * 3, vector_size=dimensions, min_count=1, epochs=1, workers=1)


ROWS = {"the": [0.5, -1], "café": [2, 3], "New York": [4, 5e-1]}
READ = {
    "GloVe's": "the 0.5 -1\ncafé 2 3\nNew York 4 .5\nother 1 1\n",
    "a header": "4 2\nthe 0.5 -1\ncafé 2 3\nNew York 4 .5\nother 1 1\n",
    "a wide header": " 4   2 \r\nthe 0.5 -1\ncafé 2 3\nNew York 4 .5\nother 1 1\n",
    "a byte-order mark": "\ufeff4 2\nthe 0.5 -1\ncafé 2 3\nNew York 4 .5\nother 1 1\n",
    "a byte-order mark, none": "\ufeffthe 0.5 -1\ncafé 2 3\nNew York 4 .5\nother 1 1\n",
    "a tab behind words": "the\t0.5 -1\ncafé\t2 3\nNew York\t4 .5\nother\t1 1\n",
    "tabs": "4 2\nthe\t0.5\t-1\ncafé\t2\t3\nNew York\t4\t.5\nother\t1\t1\n",
    "a blank last line": "the 0.5 -1\ncafé 2 3\nNew York 4 .5\nother 1 1\n\n",
    "a word twice": "the 0.5 -1\ncafé 2 3\nthe 9 9\nNew York 4 .5\nother 1 1\n",
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("encoding", ["utf8", "latin-1", "utf-16"])
def test_text_of_other_programs(tmp_path, name, encoding):
    if encoding == "latin-1" and "mark" in name:
        pytest.skip("Latin-1 has no mark")
    path = tmp_path / "x.txt"
    path.write_bytes(READ[name].encode(encoding))
    given = model()
    before = given.wv["3"].copy()
    assert given.intersect_word2vec_format(path, lockf=0.25, encoding=encoding) == 3
    for word, row in ROWS.items():
        assert given.wv[word].tolist() == row
        assert given.wv.vectors_lockf[given.wv.key_to_index[word]] == 0.25
    assert np.array_equal(given.wv["3"], before)
    assert given.wv.vectors_lockf[given.wv.key_to_index["3"]] == 1
    path = tmp_path / "x.txt.gz"
    path.write_bytes(gzip.compress(READ[name].encode(encoding)))
    assert model().intersect_word2vec_format(path, encoding=encoding) == 3


@pytest.mark.parametrize(
    ("text", "no_header"),
    [
        ("the 0.5\ncafé 2\n", None),
        ("the 0.5\ncafé 2\n", True),
        ("2 1\nthe 0.5\ncafé 2\n", None),
        ("2 1\nthe 0.5\ncafé 2\n", False),
        ("3 7\nthe 0.5\ncafé 2\n", None),
    ],
)
def test_one_dimension(tmp_path, text, no_header):
    (tmp_path / "x").write_text(text, encoding="utf-8")
    given = model(1)
    n_found = given.intersect_word2vec_format(tmp_path / "x", no_header=no_header)
    assert n_found == 2 + text.startswith("3 7")
    assert (given.wv["the"].item(), given.wv["café"].item()) == (0.5, 2)
    if text.startswith("3 7"):  # a row: the model's vectors have one number, not seven
        assert given.wv["3"].item() == 7


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("dimensions", [1, 2])
def test_what_gensim_writes(tmp_path, binary, dimensions):
    keyed = KeyedVectors(dimensions)
    words = [word for word in WORDS if binary is False or " " not in word]
    table = np.random.default_rng(1).normal(size=(len(words), dimensions)).astype(np.float32)
    keyed.add_vectors(words, table)
    keyed.save_word2vec_format(str(tmp_path / "x"), binary=binary)
    given = model(dimensions)
    assert given.intersect_word2vec_format(tmp_path / "x", binary=binary) == len(words)
    assert np.array_equal(given.wv[words], table)


def test_errors_say_what_and_where(tmp_path):
    given = model()
    before = given.wv.vectors.copy()
    path = tmp_path / "x"
    for content, error, message in (
        (
            b"the 1 2\ncaf\xe9 3 4\n",
            TextEncodingError,
            "0xe9 .* at line 2; give the right enc",
        ),
        (b"the 1 2\nofthe\n", ModelFormatError, "2 numbers, .* at line 2, got 0"),
        (b"the 1 2\nof 1,5 2,5\n", ModelFormatError, "line 2, got '1,5' .*a point before"),
        (b"2 2\nthe 1 2\n", ModelFormatError, "expected 2 vectors, .* got 1 before its end"),
        (b"2 3\nthe 1 2 3\nof 1 2 3\n", ConfigurationError, "of 2 dimensions, .* got 3"),
        (b"the 1 2 3\nof 1 2 3\n", ConfigurationError, "of 2 dimensions, .* got 3"),
        (b"", ModelFormatError, "the file is empty"),
        (FOREIGN["tar, GNU"][0], ModelFormatError, "got a tar archive; unpack it"),
        (FOREIGN["page"][0], ModelFormatError, "got a page of the web"),
    ):
        path.write_bytes(content)
        with pytest.raises(error, match=message) as caught:
            given.intersect_word2vec_format(path)
        assert str(path) in str(caught.value)
    path.write_bytes(b"the 1 2\n")
    with pytest.raises(ModelFormatError, match=r"word2vec's binary .*text needs binary=False"):
        given.intersect_word2vec_format(path, binary=True)
    with pytest.raises(ModelFormatError, match="no such file"):
        given.intersect_word2vec_format(tmp_path / "missing")
    assert np.array_equal(given.wv.vectors, before)


def test_words_that_are_not_in_the_encoding_can_be_ignored(tmp_path):
    (tmp_path / "x").write_bytes(b"the 0.5 -1\ncaf\xe9 3 4\n")
    assert model().intersect_word2vec_format(tmp_path / "x", unicode_errors="ignore") == 1
