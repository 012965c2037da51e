"""Sound files with numbers of other widths and orders, and words that are no plain text."""

import io
import pickle

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors

from fastw2v import Word2Vec, gensim_api
from fastw2v.errors import ModelFormatError
from fastw2v.formats import read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors

TABLE = np.array([[0.1, -2.5, 3], [4, 1e-3, 65504]])
KINDS = ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8")
KEYS = {
    "text": ["añ", "b"],
    "numpy's text": [np.str_("añ"), np.str_("b")],
    "empty text": [np.str_(""), "b"],
    "numbers": [5, 7],
    "negative numbers": [-5, 2**60],
    "numpy's numbers": [np.int64(5), np.uint8(7)],
    "an array of text": np.array(["añ", "b"]),
    "an array of text, turned": np.array(["añ", "b"]).astype(">U2"),
    "an array of numbers": np.array([5, 7], ">i4"),
    "an array of objects": np.array(["añ", 7], object),
}


def keyed_vectors(keys, kind):
    keyed = KeyedVectors(3, dtype=np.dtype(kind))
    keyed.index_to_key, keyed.vectors = keys, TABLE.astype(kind)
    keyed.key_to_index = {key: row for row, key in enumerate(keys)}
    return keyed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keys", KEYS)
def test_what_gensim_saves(tmp_path, kind, keys):
    keyed = keyed_vectors(KEYS[keys], kind)
    for protocol in (2, 3, 4, 5):
        for sep_limit in (0, 10**9):
            if sep_limit == 0 and keys == "an array of objects":
                continue  # a pickle within the .npy beside it
            keyed.save(str(tmp_path / "x.kv"), sep_limit=sep_limit, pickle_protocol=protocol)
            back = read_vectors(tmp_path / "x.kv")
            assert back.words == [str(key) for key in KEYS[keys]]
            assert {type(word) for word in back.words} == {str}
            assert back.vectors.tobytes() == TABLE.astype(kind).astype(np.float32).tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "words", [np.array(["añ", "b"]), np.array([5, 7], ">i2"), np.array([5, 7])]
)
def test_what_numpy_saves(tmp_path, kind, words):
    for counts in (np.array([3, 1], ">i4"), np.array([3, 1], np.uint8)):
        np.savez(tmp_path / "x.npz", words=words, vectors=TABLE.astype(kind), counts=counts)
        back = read_vectors(tmp_path / "x.npz")
        assert back.words == [str(word) for word in words.tolist()]
        assert back.vectors.tobytes() == TABLE.astype(kind).astype(np.float32).tobytes()
        assert back.counts.tolist() == [3, 1]


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8"])
@pytest.mark.parametrize("words", [["a", "b"], [5, 7]])
def test_what_pyarrow_saves(tmp_path, kind, words):
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"word": words, "vector": list(TABLE.astype(kind))})
    parquet.write_table(table, tmp_path / "x")
    back = read_vectors(tmp_path / "x")
    assert back.words == [str(word) for word in words]
    assert back.vectors.tobytes() == TABLE.astype(kind).astype(np.float32).tobytes()


def test_whole_numbers_that_become_the_same_word_are_told(tmp_path):
    keyed_vectors([5, "5"], "<f4").save(str(tmp_path / "x.kv"))
    with pytest.raises(ModelFormatError, match="expected all words to be different, got '5'"):
        read_vectors(tmp_path / "x.kv")


def test_what_this_project_s_own_vectors_save(tmp_path):
    model = gensim_api.Word2Vec([[3, 1, 2], [1, 2, 3]] * 5, vector_size=3, min_count=1, workers=1)
    model.wv.save(str(tmp_path / "x.kv"))
    back = read_vectors(tmp_path / "x.kv")
    assert back.words == [str(word) for word in model.wv.index_to_key]
    assert np.array_equal(back.vectors, model.wv.vectors)


@pytest.mark.parametrize("sep_limit", [0, 10**9])
def test_vectors_of_ngrams_come_along(tmp_path, sep_limit):
    sentences = [["river", "rivers", "straße"], ["sea", "seas", "river"]] * 10
    ours = Word2Vec(inputs="subwords", bucket=100, vector_size=4, min_count=1, epochs=1)
    theirs = FastText(sentences, vector_size=4, min_count=1, bucket=50, workers=1)
    for wv in (ours.fit(sentences).wv, theirs.wv):
        for protocol in (2, 4, 5):
            wv.save(str(tmp_path / "x.kv"), sep_limit=sep_limit, pickle_protocol=protocol)
            back = read_vectors(tmp_path / "x.kv")
            assert back.words == wv.index_to_key
            assert np.abs(back.vectors - wv.vectors).max() < 1e-6
            unknown = np.array([wv[word] for word in ("riverside", "seaside")])
            assert np.abs(back.ngrams.of(["riverside", "seaside"]) - unknown).max() < 1e-6
            assert np.abs(back.keyed_vectors()["riverside"] - unknown[0]).max() < 1e-6


def test_ngrams_without_buckets(tmp_path):
    theirs = FastText([["a", "b"]] * 9, vector_size=4, min_count=1, max_n=0, workers=1)
    theirs.wv.save(str(tmp_path / "x.kv"))
    back = read_vectors(tmp_path / "x.kv")
    assert back.ngrams is None
    assert np.array_equal(back.vectors, theirs.wv.vectors)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bucket": 10**12}, "expected sizes"),
        ({"bucket": 49}, "rows like the words'"),
        ({"bucket": None}, "TypeError"),
        ({"max_n": 10**9}, "expected sizes"),
        ({"compatible_hash": False}, "that of gensim before 3.8"),
        ({"vectors_ngrams": None}, "AttributeError"),
        ({"vectors_vocab": np.ones((1, 4), np.float32)}, "rows like the words'"),
    ],
)
def test_damaged_ngrams_are_told(tmp_path, change, message):
    theirs = FastText([["aaa", "bbb"]] * 9, vector_size=4, min_count=1, bucket=50, workers=1)
    for name, value in change.items():
        setattr(theirs.wv, name, value)
    with (tmp_path / "x.kv").open("wb") as file:
        pickle.dump(theirs.wv, file)
    with pytest.raises(ModelFormatError, match=message):
        read_vectors(tmp_path / "x.kv")


def test_a_scalar_that_is_no_word_is_told(tmp_path):
    for word in (0.5, np.float32(2), None, b"bytes", True, ("a",)):
        keyed_vectors([word, "b"], "<f4").save(str(tmp_path / "x.kv"))
        with pytest.raises(ModelFormatError, match=r"TypeError: words: expected text|asks for"):
            read_vectors(tmp_path / "x.kv")


def test_a_pickle_s_promise_takes_no_memory(tmp_path):
    """A dtype of a gigabyte a word, and an array that has not as many bytes."""
    keyed = keyed_vectors(np.array(["a", "b"]), "<f4")
    file = io.BytesIO()
    keyed.save(file, pickle_protocol=4)
    (tmp_path / "x.kv").write_bytes(file.getvalue().replace(b"U1", b"U9"))
    with pytest.raises(ModelFormatError, match="ValueError"):
        read_vectors(tmp_path / "x.kv")


def test_what_a_narrower_table_was_is_written_as_float32(tmp_path):
    np.savez(tmp_path / "x.npz", words=np.array(["a", "b"]), vectors=TABLE.astype("<f2"))
    vectors = read_vectors(tmp_path / "x.npz")
    write_vectors(vectors, tmp_path / "y.txt")
    assert read_vectors(tmp_path / "y.txt").vectors.tobytes() == vectors.vectors.tobytes()
    assert isinstance(vectors, Vectors)
