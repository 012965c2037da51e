"""Readers are strict: what is cut, ragged, twice there or not finite is told, with the place."""

import gzip
import io
import json
import os
import pickle
import shutil
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from fastw2v.errors import FastW2VError, ModelFormatError, TextEncodingError
from fastw2v.formats import FORMATS, read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors
from tests.programs import tree

ALL = tuple(form.name for form in FORMATS)
FILES = tuple(form.name for form in FORMATS if form.name not in ("model2vec", "projector"))


def binary(head: bytes, *rows: bytes) -> bytes:
    return head + b"\n" + b"".join(rows)


def row(word: bytes, *numbers: float) -> bytes:
    return word + b" " + np.array(numbers, "<f4").tobytes() + b"\n"


TEXT_TROUBLE = {
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
    "tabs": (b"2 2\na\t1\t2\nb\t3\t4\n", "2 numbers, parted by single spaces, at line 2, got 0"),
    "not a number": (b"2 2\na 1 2\nb nan 4\n", "a finite number at line 3, got 'nan'"),
    "infinite": (b"2 2\na 1 2\nb 3 -inf\n", "a finite number at line 3, got '-inf'"),
    "too large": (
        b"2 2\na 1 2\nb 3 1e39\n",
        "expected finite numbers, got inf at line 3, number 2",
    ),
    "a comma": (b"2 2\na 1 2\nb 3,5 4\n", "a finite number at line 3, got '3,5'"),
    "twice": (b"3 2\na 1 2\nb 3 4\na 5 6\n", "'a' at line 2 and line 4"),
    "a promise": (b"1000000000000 2\na 1 2\nb 3 4\n", "1,000,000,000,000 vectors, .*got 2"),
    "wide": (b"2 1000000000000\na 1 2\nb 3 4\n", "1,000,000,000,000 numbers, .*line 2, got 2"),
}


@pytest.mark.parametrize("trouble", TEXT_TROUBLE)
@pytest.mark.parametrize("suffix", [".txt", ".txt.gz"])
def test_text_that_is_not_right(tmp_path, trouble, suffix):
    content, message = TEXT_TROUBLE[trouble]
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


BINARY_TROUBLE = {
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


@pytest.mark.parametrize("trouble", BINARY_TROUBLE)
@pytest.mark.parametrize("suffix", [".bin", ".bin.gz"])
def test_binary_that_is_not_right(tmp_path, trouble, suffix):
    content, message = BINARY_TROUBLE[trouble]
    if suffix == ".bin.gz" and trouble == "cut to less":
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


def npz_with(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npz_promising(shape):
    """An archive whose `vectors` have a header of that shape and hardly any bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in (("words", np.array(["a"])),):
            member = io.BytesIO()
            np.save(member, array)
            archive.writestr(f"{name}.npy", member.getvalue())
        member = io.BytesIO()
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, header)
        archive.writestr("vectors.npy", member.getvalue() + bytes(8))
    return file.getvalue()


ONE, WORDS = np.ones((2, 2), np.float32), np.array(["a", "b"])
NPZ_TROUBLE = {
    "no words": (npz_with(vectors=ONE), "KeyError: 'words'"),
    "no vectors": (npz_with(words=WORDS), "KeyError"),
    "float64": (npz_with(words=WORDS, vectors=ONE.astype(float)), "expected float32"),
    "flat": (npz_with(words=WORDS, vectors=ONE[0]), r"expected float32 \(V, D\)"),
    "none": (npz_with(words=WORDS[:0], vectors=ONE[:0]), "at least one vector"),
    "a word short": (npz_with(words=WORDS[:1], vectors=ONE), r"words as vectors \(2\), got 1"),
    "a count short": (npz_with(words=WORDS, vectors=ONE, counts=[1]), "counts as vectors"),
    "counts of floats": (npz_with(words=WORDS, vectors=ONE, counts=[1.5, 1]), "expected integers"),
    "twice": (npz_with(words=WORDS[[0, 0]], vectors=ONE), "'a' at vector 0 and vector 1"),
    "nan": (npz_with(words=WORDS, vectors=ONE * np.nan), "got nan at vector 0, number 1"),
    "bytes": (npz_with(words=WORDS.astype(bytes), vectors=ONE), "expected one axis of text"),
    "objects": (npz_with(words=WORDS.astype(object), vectors=ONE), "ValueError"),
    "a promise": (npz_promising((10**12, 300)), "promises 1,200,000,000,000,000 bytes"),
    "an overflow": (npz_promising((2**40, 2**40)), "promises"),
    "no archive": (b"PK\x03\x04" + bytes(100), "BadZipFile"),
}


@pytest.mark.parametrize("trouble", NPZ_TROUBLE)
def test_npz_that_is_not_right(tmp_path, trouble):
    content, message = NPZ_TROUBLE[trouble]
    (tmp_path / "x.npz").write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ModelFormatError, match=message):
        read_vectors(tmp_path / "x.npz", "npz")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 40e6


class Dangerous:
    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


def test_a_pickle_that_runs_something_is_refused_and_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({"vectors": Dangerous()}, protocol=4)
    pickle.loads(content)  # the trap works
    os.rmdir("made-by-a-pickle")  # noqa: PTH106
    (tmp_path / "x.kv").write_bytes(content)
    with pytest.raises(ModelFormatError, match=r"asks for posix\.mkdir"):
        read_vectors(tmp_path / "x.kv")
    assert sorted(os.listdir()) == ["x.kv"]  # noqa: PTH208


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "TypeError"),
        ({"index_to_key": ["a"]}, "TypeError"),
        (np.float32, r"asks for numpy\.float32"),
    ],
)
def test_pickles_of_something_else(tmp_path, content, message):
    (tmp_path / "x.kv").write_bytes(pickle.dumps(content, protocol=4))
    with pytest.raises(ModelFormatError, match=message):
        read_vectors(tmp_path / "x.kv")


def test_keyed_vectors_with_arrays_beside_them(tmp_path):
    keyed = Vectors(["a", "b"], np.eye(2, dtype=np.float32), np.array([5, 3])).keyed_vectors()
    keyed.save(str(tmp_path / "x.kv"), sep_limit=0)
    assert "x.kv.vectors.npy" in os.listdir(tmp_path)  # noqa: PTH208
    back = read_vectors(tmp_path / "x.kv")
    assert back.words == ["a", "b"]
    assert np.array_equal(back.vectors, np.eye(2))
    (tmp_path / "x.kv.vectors.npy").unlink()
    with pytest.raises(ModelFormatError, match="No such file"):
        read_vectors(tmp_path / "x.kv")


def change_json(name, change):
    def damage(folder):
        content = json.loads((folder / name).read_text())
        change(content)
        (folder / name).write_text(json.dumps(content))

    return damage


def change_arrays(change):
    def damage(folder):
        arrays = change(load_file(str(folder / "model.safetensors")))
        save_file(arrays, str(folder / "model.safetensors"))

    return damage


FOLDER_TROUBLE = {
    "model2vec": {
        "no arrays": (lambda f: (f / "model.safetensors").unlink(), "FileNotFound"),
        "no words": (lambda f: (f / "tokenizer.json").unlink(), "FileNotFound"),
        "words cut": (lambda f: (f / "tokenizer.json").write_text("{"), "JSONDecodeError"),
        "a list": (lambda f: (f / "tokenizer.json").write_text("[]"), "TypeError"),
        "a word more": (
            change_json("tokenizer.json", lambda t: t["model"]["vocab"].update(x=9)),
            "expected the words to be numbered up to 4",
        ),
        "subwords": (
            change_json("tokenizer.json", lambda t: t["model"].update(vocab=[["a", 0.5]])),
            "expected a vocabulary of whole words",
        ),
        "another table": (change_arrays(lambda a: {"x": a["embeddings"]}), "StopIteration"),
        "a row short": (
            change_arrays(lambda a: {"embeddings": a["embeddings"][:-1].copy()}),
            "numbered up to 3",
        ),
        "nan": (
            change_arrays(lambda a: {"embeddings": a["embeddings"] * np.nan}),
            "expected finite numbers",
        ),
        "integers": (
            change_arrays(lambda a: {"embeddings": a["embeddings"].astype(np.int32)}),
            "expected float32, got int32",
        ),
    },
    "projector": {
        "no words": (lambda f: (f / "metadata.tsv").unlink(), "no such file"),
        "a word short": (
            lambda f: (f / "metadata.tsv").write_text("a\nb\n"),
            r"as many lines in metadata.tsv as in vectors.tsv \(3\), got 2",
        ),
        "a header": (
            lambda f: (f / "metadata.tsv").write_text("word\na\nb\nc\n"),
            "a header line in metadata.tsv has to go",
        ),
        "twice": (lambda f: (f / "metadata.tsv").write_text("a\nb\na\n"), "'a' at line 1 and lin"),
        "ragged": (
            lambda f: (f / "vectors.tsv").write_text("1\t2\n3\n5\t6\n"),
            "vectors.tsv: expected a word and 2 numbers.* at line 2, got 1",
        ),
        "nan": (
            lambda f: (f / "vectors.tsv").write_text("1\t2\n3\tnan\n5\t6\n"),
            "a finite number at line 2, got 'nan'",
        ),
        "empty": (lambda f: (f / "vectors.tsv").write_text(""), "the file is empty"),
    },
}


@pytest.mark.parametrize(
    ("form", "trouble"),
    [(form, trouble) for form, troubles in FOLDER_TROUBLE.items() for trouble in troubles],
)
def test_folders_that_are_not_right(tmp_path, form, trouble):
    damage, message = FOLDER_TROUBLE[form][trouble]
    vectors = Vectors(["a", "b", "c"], np.arange(6, dtype=np.float32).reshape(3, 2))
    write_vectors(vectors, tmp_path / "folder", form)
    damage(tmp_path / "folder")
    with pytest.raises(ModelFormatError, match=message) as caught:
        read_vectors(tmp_path / "folder", form)
    assert str(tmp_path / "folder") in str(caught.value)


def arrow_table(**columns):
    import pyarrow as pa

    good = {
        "word": ["a", "b"],
        "count": [2, 1],
        "vector": pa.array([[1, 2], [3, 4]], pa.list_(pa.float32())),
    }
    return pa.table(
        {name: column for name, column in (good | columns).items() if column is not None}
    )


ARROW_TROUBLE = {
    "no words": ({"word": None}, "KeyError"),
    "no vectors": ({"vector": None}, "KeyError"),
    "numbers for words": ({"word": [1, 2]}, "word: expected text in each row"),
    "a null word": ({"word": ["a", None]}, "word: expected text in each row"),
    "twice": ({"word": ["a", "a"]}, "'a' at row 0 and row 1"),
    "ragged": ({"vector": [[1.0, 2.0], [3.0]]}, r"expected lists of one length, got \[1, 2\]"),
    "a null vector": ({"vector": [[1.0, 2.0], None]}, "expected no nulls"),
    "a null number": ({"vector": [[1.0, 2.0], [None, 1.0]]}, "expected no nulls"),
    "nan": ({"vector": [[1.0, 2.0], [float("nan"), 1.0]]}, "got nan at row 1, number 1"),
    "too precise": ({"vector": [[0.1, 2.0], [3.0, 4.0]]}, "expected float32, got list<.*double"),
    "text": ({"vector": ["x", "y"]}, "got others"),
    "flat": ({"vector": [1.0, 2.0]}, "got others"),
    "a null count": ({"count": [1, None]}, "got others"),
    "counts of floats": ({"count": [1.5, 1.0]}, "got others"),
}


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize("trouble", ARROW_TROUBLE)
def test_tables_that_are_not_right(tmp_path, form, trouble):
    import pyarrow as pa
    from pyarrow import parquet

    def write(table):
        if form == "parquet":
            parquet.write_table(table, tmp_path / "x")
        else:
            with pa.ipc.new_file(str(tmp_path / "x"), table.schema) as writer:
                writer.write_table(table)

    write(arrow_table())
    assert read_vectors(tmp_path / "x").vectors.tolist() == [[1, 2], [3, 4]]
    columns, message = ARROW_TROUBLE[trouble]
    write(arrow_table(**columns))
    with pytest.raises(ModelFormatError, match=message) as caught:
        read_vectors(tmp_path / "x")
    assert str(caught.value).startswith(f"{tmp_path / 'x'}: ")


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
