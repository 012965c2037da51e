"""Readers are strict: what is cut, ragged, twice there or not finite is told, with the place."""

import gzip
import shutil
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastw2v.errors import FastW2VError, ModelFormatError, TextEncodingError
from fastw2v.formats import FORMATS, read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors
from tests.support.programs import tree

ALL = tuple(form.name for form in FORMATS)
FILES = tuple(form.name for form in FORMATS if form.name not in ("model2vec", "projector"))


def binary(head: bytes, *rows: bytes) -> bytes:
    return head + b"\n" + b"".join(rows)


def row(word: bytes, *numbers: float) -> bytes:
    return word + b" " + np.array(numbers, "<f4").tobytes() + b"\n"


TEXT_DAMAGE = {
    "empty": (b"", "the file is empty"),
    "no sizes": (b"a 1 2\n", "expected the number of vectors and that of dimensions at line 1"),
    "sizes cut": (b"2\na 1 2\n", "at line 1, got '2'"),
    "negative sizes": (b"2 -2\na 1 2\n", "at line 1, got '2 -2'"),
    "no vectors": (b"0 5\n", "at line 1, got '0 5'"),
    "no dimensions": (b"5 0\n", "at line 1, got '5 0'"),
    "a line too few": (b"3 2\na 1 2\nb 3 4\n", "expected 3 vectors, .*got 2 before its end"),
    "a line too many": (b"1 2\na 1 2\nb 3 4\n", "expected 1 vectors, .*got more at line 3"),
    "cut amid a line": (b"2 2\na 1 2\nb 3", "2 numbers, .*at line 3, got 1 numbers: 'b 3'"),
    "cut amid a number": (b"2 2\na 1 2\nb 3 4e", "a finite number at line 3, got '4e'"),
    "a number too many": (b"2 2\na 1 2\nb 3 4 5\n", "at line 3, got 3 numbers"),
    "an empty line": (b"2 2\na 1 2\n\nb 3 4\n", "expected a word at the beginning of line 3"),
    "an empty word": (b"2 2\na 1 2\n 3 4\n", "expected a word at the beginning of line 3"),
    "two blanks": (b"2 2\na 1 2\nb 3  4\n", "a finite number at line 3, got ''"),
    "tabs behind spaces": (b"2 2\na 1 2\nb\t3\t4\n", "parted by single spaces, at line 3, got 0"),
    "spaces behind tabs": (b"2 2\na\t1\t2\nb 3 4\n", "parted by single spaces, at line 3, got 0"),
    "a tab within a word": (b"2 2\na 1 2\nb\t3 4 5\n", r"ends at a blank at line 3, .*'b\\t3'"),
    "a word of two": (b"2 2\na 1 2\nNew York 3 4\n", "got 'York' in the row of 'New'; .*--split-r"),
    "a blank line amid": (b"2 2\na 1 2\n \t\nb 3 4\n", "expected a .* number at line 3|line 3"),
    "not a number": (b"2 2\na 1 2\nb nan 4\n", "a finite number at line 3, got 'nan'"),
    "infinite": (b"2 2\na 1 2\nb 3 -inf\n", "a finite number at line 3, got '-inf'"),
    "too large": (
        b"2 2\na 1 2\nb 3 1e39\n",
        "expected finite numbers, got inf at line 3, number 2",
    ),
    "a comma": (b"2 2\na 1 2\nb 3,5 4\n", "line 3, got '3,5' in the row of 'b'; numbers have a po"),
    "twice": (b"3 2\na 1 2\nb 3 4\na 5 6\n", "'a' at line 2 and line 4"),
    "a promise": (b"1000000000000 2\na 1 2\nb 3 4\n", "1,000,000,000,000 vectors, .*got 2"),
    "wide": (b"2 1000000000000\na 1 2\nb 3 4\n", "1,000,000,000,000 numbers, .*line 2, got 2"),
}


@pytest.mark.parametrize("damage", TEXT_DAMAGE)
@pytest.mark.parametrize("suffix", [".txt", ".txt.gz"])
def test_text_that_is_not_right(tmp_path, damage, suffix):
    content, message = TEXT_DAMAGE[damage]
    path = tmp_path / f"x{suffix}"
    path.write_bytes(gzip.compress(content) if suffix == ".txt.gz" else content)
    for form in ("word2vec", "fasttext"):
        with pytest.raises(ModelFormatError, match=message) as caught:
            read_vectors(path, form)
        assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"a\nb\n", "expected a word and its numbers at line 1, got 'a'"),
        (b"a 1 2\nb 3\n", "at line 2, got 1 numbers"),
        (b"a 1 2\nb 3 4 5\n", "at line 2, got 3 numbers"),
        (b"a 1 2\nat home 3 4\n", "a finite number at line 2, got 'home'"),
        (b"a 1 2\nb 3 nan\n", "a finite number at line 2, got 'nan'"),
        (b"a 1 2\na 3 4\n", "'a' at line 1 and line 2"),
    ],
)
def test_glove_that_is_not_right(tmp_path, content, message):
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(ModelFormatError, match=message):
        read_vectors(tmp_path / "x.txt", "glove")


@pytest.mark.parametrize("form", ["word2vec", "glove", "fasttext", "word2vec-bin"])
def test_words_that_are_not_utf_8(tmp_path, form):
    if form == "word2vec-bin":
        content = binary(b"2 1", row(b"a", 1), row(b"\xff", 2))
    else:
        content = (b"" if form == "glove" else b"2 2\n") + b"a 1 2\n\xff 3 4\n"
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(TextEncodingError, match=r"offset (6|10|11)") as caught:
        read_vectors(tmp_path / "x", form)
    assert str(tmp_path / "x") in str(caught.value)


BINARY_DAMAGE = {
    "empty": (b"", "the first line|in a first line, got b''"),
    "no sizes": (b"abc", "in a first line, got b'abc'"),
    "no line feed": (b"1" * 5000, "in a first line"),
    "no vectors": (b"0 1\n", "in a first line, got b'0 1'"),
    "cut": (binary(b"2 2", row(b"a", 1, 2), row(b"b", 3, 4)[:-3]), "2 vectors"),
    "cut to less": (binary(b"3 2", row(b"a", 1, 2), row(b"b", 3, 4)), "takes?|which take 30 bytes"),
    "more": (binary(b"1 1", row(b"a", 1), row(b"b", 3)), "got more bytes .* from offset 11 on"),
    "not a number": (
        binary(b"2 1", row(b"a", 1), row(b"b", np.nan)),
        r"got nan at vector 2 \(byte offset 11\), number 1",
    ),
    "infinite": (binary(b"1 2", row(b"a", 1, -np.inf)), r"got -inf at vector 1 .*number 2"),
    "twice": (
        binary(b"3 1", row(b"a", 1), row(b"b", 2), row(b"a", 3)),
        r"'a' at vector 1 \(byte offset 4\) and vector 3 \(byte offset 18\)",
    ),
    "an empty word": (binary(b"1 1", row(b"", 1)), "a word at byte offset 4 .*got a blank"),
    "a promise": (binary(b"1000000000000 2", row(b"a", 1, 2)), "1,000,000,000,000 vectors"),
    "wide": (binary(b"1 1000000000000", row(b"a", 1, 2)), "at most 1,048,576 dimensions"),
    "no blank": (binary(b"1 1", b"a" * 2_000_000), "got 0 whole ones up to byte offset 4"),
}


@pytest.mark.parametrize("damage", BINARY_DAMAGE)
@pytest.mark.parametrize("suffix", [".bin", ".bin.gz"])
def test_binary_that_is_not_right(tmp_path, damage, suffix):
    content, message = BINARY_DAMAGE[damage]
    if suffix == ".bin.gz" and damage == "cut to less":
        message = "expected 3 vectors, .*got 2 whole ones up to byte offset 26"
    path = tmp_path / f"x{suffix}"
    path.write_bytes(gzip.compress(content) if suffix == ".bin.gz" else content)
    with pytest.raises(ModelFormatError, match=message) as caught:
        read_vectors(path, "word2vec-bin")
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("word2vec", b"1000000000000 300\na" + b" 1" * 300 + b"\n"),
        ("word2vec", b"5 1000000000000\na 1\n"),
        ("word2vec-bin", binary(b"1000000000000 300", row(b"a", *[1] * 300))),
        ("word2vec-bin", binary(b"5 1000000000000", row(b"a", 1))),
        ("word2vec-bin", binary(b"5 1000000", row(b"a", 1))),
    ],
)
def test_promises_take_no_memory(tmp_path, form, content, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    good = Vectors(["a"], np.ones((1, 2), np.float32))
    write_vectors(good, tmp_path / "good", form)
    read_vectors(tmp_path / "good", form)  # kernels and modules are loaded
    tracemalloc.start()
    with pytest.raises(ModelFormatError):
        read_vectors(path, form)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 40e6


@pytest.mark.parametrize("form", ALL)
def test_missing_files(tmp_path, form):
    for named in (form, None):
        with pytest.raises(ModelFormatError) as caught:
            read_vectors(tmp_path / "missing", named)
        assert str(tmp_path / "missing") in str(caught.value)


def test_folders_and_files_that_are_something_else(tmp_path):
    with pytest.raises(ModelFormatError, match="expected a folder in one of the formats"):
        read_vectors(tmp_path)
    for form in FILES:
        with pytest.raises(ModelFormatError):
            read_vectors(tmp_path, form)
    (tmp_path / "empty").touch()
    with pytest.raises(ModelFormatError, match="the file is empty"):
        read_vectors(tmp_path / "empty")
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(FastW2VError, match="picture"):
        read_vectors(tmp_path / "picture")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A folder with a sound file or folder of each format."""
    folder = tmp_path_factory.mktemp("sound")
    table = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    vectors = Vectors([f"wörd{k}" for k in range(20)], table, np.arange(20, 0, -1))
    for form in ALL:
        write_vectors(vectors, folder / form, form)
    return folder


@pytest.mark.parametrize("form", ALL)
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_damage_is_an_error_of_ours_or_leaves_sound_vectors(sound, tmp_path, form, data):
    folder = sound
    target = tmp_path / "damaged"
    if target.is_dir():
        shutil.rmtree(target)
    files = [name for name, content in tree(folder).items() if content is not None]
    name = data.draw(st.sampled_from([n for n in files if n.split("/")[0] == form]))
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["cut", "set", "insert", "remove"]))
        if kind == "cut":
            del content[max(at, 1) :]
        elif kind == "set":
            content[at] = data.draw(st.integers(0, 255))
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=9))
        elif len(content) > 1:
            del content[at]
    if (folder / form).is_dir():
        shutil.copytree(folder / form, target)
        (target / name.split("/")[1]).write_bytes(content)
    else:
        target.write_bytes(content)
    back, refused = None, None
    try:
        back = read_vectors(target, form)
    except FastW2VError as error:
        refused = error
    if back is None:
        assert str(target) in str(refused)
        return
    assert len(set(back.words)) == len(back.words) == len(back.vectors)
    assert back.vectors.dtype == np.float32
    assert np.isfinite(back.vectors).all()
