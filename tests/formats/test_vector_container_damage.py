"""Archives, pickles, folders and tables that are not right are told by what is wrong in them."""

import io
import json
import os
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fastw2v.errors import ModelFormatError
from fastw2v.formats import read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors


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
NPZ_DAMAGE = {
    "no words": (npz_with(vectors=ONE), "KeyError: 'words'"),
    "no vectors": (npz_with(words=WORDS), "KeyError"),
    "integers": (npz_with(words=WORDS, vectors=ONE.astype(int)), "floating-point .* got int64"),
    "complex": (npz_with(words=WORDS, vectors=ONE + 1j), "floating-point .* got complex64"),
    "too large": (npz_with(words=WORDS, vectors=ONE.astype(float) * 1e39), "got inf at vector 0"),
    "flat": (npz_with(words=WORDS, vectors=ONE[0]), r"floating-point numbers \(V, D\)"),
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
    "no archive": (b"PK\x03\x04" + bytes(100), "a zip archive; unpack it"),
    "damaged archive": (npz_with(words=WORDS, vectors=ONE)[:-99], "BadZipFile"),
    "large counts": (
        npz_with(words=WORDS, vectors=ONE, counts=np.array([2**63, 1], np.uint64)),
        r"less than 2\^63",
    ),
    "words of fractions": (npz_with(words=[0.5, 1], vectors=ONE), "text or whole numbers"),
}


@pytest.mark.parametrize("damage", NPZ_DAMAGE)
def test_npz_that_is_not_right(tmp_path, damage):
    content, message = NPZ_DAMAGE[damage]
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


def in_bfloat16(folder):
    """Half of the bytes of each number, as torch would store them; numpy has no such kind."""
    path = folder / "model.safetensors"
    array = load_file(str(path))["embeddings"]
    data = array.view(np.uint16).reshape(*array.shape, 2)[..., 1].tobytes()
    entry = {"dtype": "BF16", "shape": array.shape, "data_offsets": [0, len(data)]}
    header = json.dumps({"embeddings": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)


FOLDER_DAMAGE = {
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
            "got a Unigram tokenizer .* does not read; save",
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
            "got quantised vectors of int32, which fastw2v does not read",
        ),
        "a quantised vocabulary": (
            change_arrays(lambda a: a | {"mapping": np.zeros(4, np.int64)}),
            "got a quantised vocabulary, .* does not read",
        ),
        "weights": (
            change_arrays(lambda a: a | {"weights": np.ones(4, np.float32)}),
            "got weights of words .* does not read",
        ),
        "bfloat16": (in_bfloat16, "got numbers of BF16, which fastw2v does not read"),
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
    ("form", "damage"),
    [(form, damage) for form, damages in FOLDER_DAMAGE.items() for damage in damages],
)
def test_folders_that_are_not_right(tmp_path, form, damage):
    make, message = FOLDER_DAMAGE[form][damage]
    vectors = Vectors(["a", "b", "c"], np.arange(6, dtype=np.float32).reshape(3, 2))
    write_vectors(vectors, tmp_path / "folder", form)
    make(tmp_path / "folder")
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


ARROW_DAMAGE = {
    "no words": ({"word": None}, "KeyError"),
    "no vectors": ({"vector": None}, "KeyError"),
    "fractions for words": ({"word": [1.5, 2]}, "words: expected text or whole numbers"),
    "a null word": ({"word": ["a", None]}, "words: expected text or whole numbers, got a NoneType"),
    "twice": ({"word": ["a", "a"]}, "'a' at row 0 and row 1"),
    "ragged": ({"vector": [[1.0, 2.0], [3.0]]}, r"expected lists of one length, got \[1, 2\]"),
    "a null vector": ({"vector": [[1.0, 2.0], None]}, "expected no nulls"),
    "a null number": ({"vector": [[1.0, 2.0], [None, 1.0]]}, "expected no nulls"),
    "nan": ({"vector": [[1.0, 2.0], [float("nan"), 1.0]]}, "got nan at row 1, number 1"),
    "too large": ({"vector": [[1e39, 2.0], [3.0, 4.0]]}, "got inf at row 0, number 1"),
    "large whole numbers": ({"vector": [[2**24 + 1, 2], [3, 4]]}, "floating-point numbers"),
    "text": ({"vector": ["x", "y"]}, "got others"),
    "flat": ({"vector": [1.0, 2.0]}, "got others"),
    "a null count": ({"count": [1, None]}, "got others"),
    "counts of floats": ({"count": [1.5, 1.0]}, "got others"),
}


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize("damage", ARROW_DAMAGE)
def test_tables_that_are_not_right(tmp_path, form, damage):
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
    columns, message = ARROW_DAMAGE[damage]
    write(arrow_table(**columns))
    with pytest.raises(ModelFormatError, match=message) as caught:
        read_vectors(tmp_path / "x")
    assert str(caught.value).startswith(f"{tmp_path / 'x'}: ")
