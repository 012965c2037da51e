"""Text as other programs write it; text that is no vectors is told with line and word."""

import io

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import ConfigurationError, ModelFormatError, TextEncodingError
from fastw2v.formats import read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors

READ = {
    "wikipedia2vec's default": b"oven\t0.91 0.5\nNew York\t0.25 1\n",
    "tabs": b"oven\t0.91\t0.5\nNew York\t0.25\t1\n",
    "tabs behind a header": b"2 2\noven\t0.91\t0.5\nNew York\t0.25\t1\n",
    "a byte-order mark, header": b"\xef\xbb\xbf2 2\noven 0.91 0.5\nNew_York 0.25 1\n",
    "a byte-order mark, none": b"\xef\xbb\xbfoven 0.91 0.5\nNew_York 0.25 1\n",
    "a wide header": b"2  2\noven 0.91 0.5\nNew_York 0.25 1\n",
    "a blank before the header": b" 2 2\noven 0.91 0.5\nNew_York 0.25 1\n",
    "a tab in the header": b"2\t2 \r\noven 0.91 0.5\nNew_York 0.25 1\n",
    "a blank last line": b"2 2\noven 0.91 0.5\nNew_York 0.25 1\n\n",
    "blank last lines, none": b"oven 0.91 0.5\nNew_York 0.25 1\n\r\n \t\n\n",
    "no line feed at the end": b"2 2\noven 0.91 0.5\nNew_York 0.25 1",
    "blanks behind the numbers": b"2 2 \noven 0.91 0.5 \nNew_York 0.25 1 \n",
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("suffix", [".txt", ".vec", ""])
def test_text_of_other_programs(tmp_path, name, suffix):
    (tmp_path / f"x{suffix}").write_bytes(READ[name])
    back = read_vectors(tmp_path / f"x{suffix}")
    assert [word.replace(" ", "_") for word in back.words] == ["oven", "New_York"]
    assert back.vectors.tolist() == [[np.float32(0.91), 0.5], [0.25, 1]]


@pytest.mark.parametrize(
    "name", [name for name in READ if "tab" not in name and "wiki" not in name]
)
def test_gensim_reads_what_it_can_of_it_alike(tmp_path, name):
    (tmp_path / "x").write_bytes(READ[name])
    if "mark" in name or "blank last lines" in name:
        pytest.skip("gensim takes a mark for a part of the first field, and ends at a blank line")
    bare = name.endswith("none")
    theirs = KeyedVectors.load_word2vec_format(str(tmp_path / "x"), no_header=bare)
    ours = read_vectors(tmp_path / "x")
    assert ours.words == theirs.index_to_key
    assert ours.vectors.tobytes() == theirs.vectors.tobytes()


TOLD = {
    "a word of two": (
        b"2 3\nNew York 0.1 0.2 0.3\nb 1 2 3\n",
        "line 2, got 'York' in the row of 'New'",
    ),
    "a word of two, none": (
        b"New York 0.1 0.2 0.3\nb 1 2 3\n",
        "line 1, got 'York' in the row of 'Ne",
    ),
    "a later word of two": (
        b"2 2\na 1 2\nNew York 1 2\n",
        "line 3, got 'York' in the row of 'New'",
    ),
    "decimal commas": (
        b"2 2\nder 0,12 0,13\nb 1 2\n",
        "line 2, got '0,12' in the row of 'der'; .*po",
    ),
    "decimal commas, none": (b"der 0,12 0,13\nb 1 2\n", "line 1, got '0,12' in the row of 'der'"),
    "not a number": (b"a nan 0.5\nb 1 2\n", "line 1, got 'nan' in the row of 'a'"),
    "Latin-1": (b"2 2\ncaf\xe9 0.5 1\nb 1 2\n", r"byte 0xe9 .*, in 'caf\xe9' at line 2; .*iconv"),
    "Latin-1, none": (
        b"a 0.5 1\ncaf\xe9 0.5 1\n",
        r"byte 0xe9 .*, in 'caf\xe9' at line 2; .*iconv",
    ),
    "UTF-16": ("2 2\na 1 2\nb 1 2\n".encode("utf-16"), "got UTF-16; .*iconv -f UTF-16"),
    "prose": (b"The cat sat on the mat.\n", "begins as none of them: 'The cat sat on the mat.'"),
    "prose with numbers": (b"In 1984 the 3 cats\n", "begins as none of them"),
    "frequencies": (b"the 12345\nof 345\n", "begins as none of them: 'the 12345'"),
    "frequencies, tabs": (b"the\t12345\nof\t345\n", "begins as none of them"),
    "prices": (b"apple 1.25\npear 2.5\n", "begins as none of them"),
    "ranks and frequencies": (b"the 1 12345\nof 2 345\n", "begins as none of them"),
    "two columns": (b"3 4\n5 6\n", "begins as none of them"),
    "CSV": (b"the,0.1,0.2\nof,0.3,0.4\n", "begins as none of them"),
    "JSON": (b'{"the": [0.1, 0.2]}\n', "begins as none of them"),
    "pairs": (b"tiger\tcat\t7.35\n", "begins as none of them"),
    "labels": (b"tiger\tANIMAL\n", "begins as none of them"),
    "numbers alone": (b"0.5\n0.25\n", "begins as none of them"),
    "a word alone": (b"word\n", "begins as none of them: 'word'"),
    "two kinds of rows": (
        b"the 0.1 0.2\noven\t0.9 0.2 0.3\n",
        r"at line 2, .* behind a tab: 'oven",
    ),
    "integers": (np.arange(999, dtype="<i4").tobytes(), "got binary data"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_no_vectors_never_becomes_some(tmp_path, name):
    content, message = TOLD[name]
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises((ModelFormatError, TextEncodingError), match=message) as caught:
        read_vectors(tmp_path / "x.txt")
    assert str(caught.value).startswith(f"{tmp_path / 'x.txt'}: ")
    assert "--errors" not in str(caught.value)


@settings(deadline=None)
@given(
    lines=st.lists(
        st.lists(st.text(st.characters(categories=["L"]), min_size=1), min_size=1, max_size=9),
        min_size=1,
    ),
    ending=st.sampled_from([".", " 7", " 3.5", "\t12", ",0.5", " 12:30"]),
)
def test_no_prose_becomes_vectors(tmp_path_factory, lines, ending):
    path = tmp_path_factory.mktemp("prose") / "x"
    path.write_text("".join(" ".join(line) + ending + "\n" for line in lines), encoding="utf-8")
    with pytest.raises((ModelFormatError, TextEncodingError)):
        read_vectors(path)


def test_a_pipe_is_read_if_its_format_is_named(tmp_path):
    """Its beginning would be gone once it was looked at, and reading it again wait for ever."""
    import os
    import threading

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFormatError, match=r"got a pipe or device; name the format"):
        read_vectors(tmp_path / "pipe")
    text = "a 0.5 1\nb 2 3\n"
    threading.Thread(target=(tmp_path / "pipe").write_text, args=(text,), daemon=True).start()
    assert read_vectors(tmp_path / "pipe", "glove").words == ["a", "b"]


def test_a_named_format_is_held_to_its_name(tmp_path):
    (tmp_path / "x").write_bytes(b"the 12345\nof 345\n")
    assert read_vectors(tmp_path / "x", "glove").vectors.tolist() == [[12345], [345]]
    file = io.BytesIO()
    np.savez(file, words=np.array(["a"]), vectors=np.ones((1, 2), np.float32))
    (tmp_path / "x").write_bytes(file.getvalue())
    with pytest.raises(ModelFormatError, match=r"format 'glove', got .*\(.npz\), which is .*'npz'"):
        read_vectors(tmp_path / "x", "glove")


DOTS = ". . . 0.5 -1\nat name@domain.com 2 3\n1 2 7 8\nplain 4 5e-1\n"
WORDS = [". . .", "at name@domain.com", "1 2", "plain"]


@pytest.mark.parametrize("header", ["", "4 2\n", "\ufeff4 2\n"])
def test_words_with_blanks_are_split_from_the_right(tmp_path, header):
    (tmp_path / "x").write_text(header + DOTS, encoding="utf-8")
    with pytest.raises(ModelFormatError, match=r"got '\.' in the row of '\.'; .*--split-right"):
        read_vectors(tmp_path / "x")
    back = read_vectors(tmp_path / "x", split_right=True)
    assert back.words == WORDS
    assert back.vectors.tolist() == [[0.5, -1], [2, 3], [7, 8], [4, 0.5]]


def test_splitting_from_the_right_is_as_strict(tmp_path):
    for content, message in (
        ("2 2\n. . 1 2\nb 1\n", "2 numbers, .*line 3, got 1 numbers"),
        ("2 2\n. . 1 2\n\nb 1 2\n", "a word at the beginning of line 3"),
        ("2 2\n. . 1 2\nb x 1 y\n", "a finite number at line 3, got 'y'"),
        ("2 2\n. . 1 2\n 1 2\n", "a word at the beginning of line 3"),
        ("2 2\n. . 1 2\n. . 3 4\n", "'. .' at line 2 and line 3"),
    ):
        (tmp_path / "x").write_text(content)
        with pytest.raises(ModelFormatError, match=message):
            read_vectors(tmp_path / "x", "word2vec", split_right=True)
    write_vectors(Vectors(["a"], np.ones((1, 2), np.float32)), tmp_path / "x.npz")
    with pytest.raises(ConfigurationError, match=r"a file of text beside it, .*'npz'"):
        read_vectors(tmp_path / "x.npz", split_right=True)


@settings(deadline=None, max_examples=50)
@given(
    words=st.lists(
        st.lists(st.sampled_from([".", "a", "é", "12", "0.5", "-"]), min_size=1, max_size=4),
        min_size=1,
        max_size=6,
        unique_by=tuple,
    ),
    seed=st.integers(0, 99),
)
def test_splitting_gives_back_words_and_bits(tmp_path_factory, words, seed):
    """The oracle: lines joined here by hand, and a header that says the dimensions."""
    path = tmp_path_factory.mktemp("split") / "x"
    table = np.random.default_rng(seed).normal(size=(len(words), 3)).astype(np.float32)
    rows = [" ".join([*word, *map(str, row)]) for word, row in zip(words, table, strict=True)]
    path.write_text(f"{len(words)} 3\n" + "\n".join(rows) + "\n", encoding="utf-8")
    back = read_vectors(path, "word2vec", split_right=True)
    assert back.words == [" ".join(word) for word in words]
    assert back.vectors.tobytes() == table.tobytes()


def test_converting_glove_s_largest_file_end_to_end(run, tmp_path):
    (tmp_path / "glove.txt").write_text(DOTS)
    status, _, errors = run("convert", tmp_path / "glove.txt", tmp_path / "x.npz")
    assert status == 2
    assert "fastw2v convert --split-right" in errors
    assert run("convert", tmp_path / "glove.txt", tmp_path / "x.npz", "--split-right")[0] == 0
    assert read_vectors(tmp_path / "x.npz").words == WORDS
    status, _, errors = run("convert", tmp_path / "x.npz", tmp_path / "x.bin")
    assert status == 2
    assert "'. . .'" in errors
    assert errors.rstrip().endswith("or leave out such words by --skip-unwritable")


ODD = ["a", "b\u00a0c", "\u0085", "d e", "f\u2028"]


@pytest.mark.parametrize("quiet", [[], ["--quiet"], ["--log-json"]])
def test_unwritable_words_are_left_out_counted_and_named(run, tmp_path, quiet):
    vectors = Vectors(
        [*ODD, "g"], np.arange(12, dtype=np.float32).reshape(6, 2), np.arange(6, 0, -1)
    )
    write_vectors(vectors, tmp_path / "x.parquet")
    target = tmp_path / "out.txt"
    assert run("convert", tmp_path / "x.parquet", target, *quiet)[0] == 2
    assert not target.exists()
    status, _, errors = run("convert", tmp_path / "x.parquet", target, "--skip-unwritable", *quiet)
    assert status == 0
    assert "4 of 6 words left out: 'b\\xa0c', '\\x85', 'd e', 'f\\u2028'" in errors.replace(
        "\\\\", "\\"
    )
    back = read_vectors(target)
    assert back.words == ["a", "g"]
    assert back.vectors.tolist() == [[0, 1], [10, 11]]
    status, _, errors = run(
        "convert", tmp_path / "x.parquet", tmp_path / "x.kv", "--skip-unwritable", *quiet
    )
    assert status == 0
    assert "left out" not in errors
    assert read_vectors(tmp_path / "x.kv").words == vectors.words


def test_a_word_that_only_the_beginning_of_a_file_refuses(run, tmp_path):
    vectors = Vectors(["\ufeffa", "\ufeffb", "c", "\ufeffd"], np.eye(4, dtype=np.float32))
    write_vectors(vectors, tmp_path / "x.npz")
    arguments = ("convert", tmp_path / "x.npz", tmp_path / "x.glove", "--skip-unwritable")
    assert "2 of 4 words left out" in run(*arguments)[2]
    assert read_vectors(tmp_path / "x.glove").words == ["c", "\ufeffd"]


def test_nothing_to_write_is_refused(run, tmp_path):
    write_vectors(Vectors(["a b"], np.ones((1, 2), np.float32)), tmp_path / "x.npz")
    status, _, errors = run("convert", tmp_path / "x.npz", tmp_path / "y.txt", "--skip-unwritable")
    assert status == 2
    assert "expected words that the word2vec format can hold, got none among 1" in errors


def test_exporting_leaves_words_out_too(run, tmp_path):
    from fastw2v import Word2Vec

    settings = {"vector_size": 2, "min_count": 1, "epochs": 1, "start": "random"}
    model = Word2Vec(**settings).fit([["a", "b\u00a0c", "d"]] * 3)
    model.save(tmp_path / "model")
    status, _, errors = run("export", tmp_path / "model", tmp_path / "x.txt")
    assert status == 2
    assert "--skip-unwritable" in errors
    status, _, errors = run("export", tmp_path / "model", tmp_path / "x.txt", "--skip-unwritable")
    assert status == 0
    assert "1 of 3 words left out: 'b\\xa0c'" in errors
    back = read_vectors(tmp_path / "x.txt")
    assert back.words == [word for word in model.vocabulary.words if word != "b\u00a0c"]
    assert np.array_equal(back.vectors, [model.wv[word] for word in back.words])
    status, _, errors = run("export", tmp_path / "model", tmp_path / "x.npz", "--skip-unwritable")
    assert status == 2
    assert "holds one table" in errors
