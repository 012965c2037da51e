"""Every format of the table: what is written is read again, by the bit, and found by itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v import Word2Vec
from fastw2v.errors import (
    ConfigurationError,
    MissingDependencyError,
    ModelFormatError,
    OutputError,
    TextEncodingError,
)
from fastw2v.formats import FORMATS, export, format_named, read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors
from fastw2v.text.files import BLOCK_BYTES
from tests.formats.test_formats import SCRIPTS, made, names

TEXT = ("word2vec", "glove", "fasttext")
ALL = tuple(form.name for form in FORMATS)
KEEPS_COUNTS = ("npz", "kv", "parquet", "arrow", "fasttext-bin")
FOLDERS = ("model2vec", "projector")
WORDS = [word for word in SCRIPTS if not word.startswith("\ufeff")]


def words_for(form):
    """Return words that a format can hold: fastText's dictionary ends words with a zero."""
    return [word for word in WORDS if form != "fasttext-bin" or "\0" not in word]


def table_of(embeddings, form, vectors="sum"):
    return embeddings.table("sum" if format_named(form).holds_model else vectors)


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("vectors", ["in", "out", "sum", "both"])
def test_what_is_written_is_read_again(tmp_path, form, vectors):
    words = words_for(form)
    embeddings = made(words)
    export(embeddings, tmp_path / "vectors", form, vectors)
    for named in (form, None):
        back = read_vectors(tmp_path / "vectors", named)
        assert back.words == words
        assert back.vectors.dtype == np.float32
        assert back.vectors.tobytes() == table_of(embeddings, form, vectors).tobytes()
        assert back.vectors.flags.c_contiguous
        if form in KEEPS_COUNTS:
            assert back.counts.dtype == np.int64
            assert back.counts.tolist() == embeddings.vocabulary.counts.tolist()
        else:
            assert back.counts is None


@pytest.mark.parametrize("form", ALL)
def test_tables_without_counts(tmp_path, form):
    vectors = Vectors(["a", "b"], np.array([[0.1, -2], [3, 4e-30]], np.float32))
    write_vectors(vectors, tmp_path / "vectors", form)
    back = read_vectors(tmp_path / "vectors")
    assert (back.words, back.counts) == (["a", "b"], None)
    assert back.vectors.tobytes() == vectors.vectors.tobytes()


@pytest.mark.parametrize("form", ALL)
@settings(deadline=None, max_examples=20)
@given(
    words=st.lists(
        st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1),
        min_size=1,
        max_size=8,
        unique=True,
    ),
    dimensions=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_any_words_and_any_numbers(tmp_path_factory, form, words, dimensions, seed):
    target = tmp_path_factory.mktemp("any") / "vectors"
    bits = np.random.default_rng(seed).integers(0, 2**32, (len(words), dimensions), np.uint32)
    table = bits.view(np.float32)
    table[~np.isfinite(table)] = 1
    write_vectors(Vectors(words, table), target, form)
    back = read_vectors(target, form)
    assert back.words == words
    assert back.vectors.tobytes() == table.tobytes()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *((f"x{suffix}", form.name) for form in FORMATS for suffix in form.suffixes),
        *(
            (f"x{form.suffixes[0]}{zipped}", form.name)
            for form in FORMATS
            for zipped in (".gz", ".bz2", ".xz", ".zst")
            if form.is_stream
        ),
        ("x.VEC.GZ", "fasttext"),
        ("x", "word2vec"),
        ("x.gz", "word2vec"),
        ("x.csv", "word2vec"),
    ],
)
def test_suffixes_choose_the_format_to_write_and_need_not_be_there_to_read(tmp_path, name, form):
    vectors = Vectors(["a", "b"], np.arange(12, dtype=np.float32).reshape(2, 6))
    write_vectors(vectors, tmp_path / name)
    write_vectors(vectors, tmp_path / ("as" + name), form)
    written = (tmp_path / name).read_bytes()
    assert written == (tmp_path / ("as" + name)).read_bytes()
    assert np.array_equal(read_vectors(tmp_path / name).vectors, vectors.vectors)
    if not name.lower().endswith((".gz", ".bz2", ".xz", ".zst")):
        (tmp_path / "renamed").write_bytes(written)
        assert np.array_equal(read_vectors(tmp_path / "renamed").vectors, vectors.vectors)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("form", [*TEXT, "word2vec-bin"])
def test_compressed_files_are_whole_and_smaller(tmp_path, form, suffix):
    vectors = Vectors([f"w{i}" for i in range(2000)], np.ones((2000, 4), np.float32))
    write_vectors(vectors, tmp_path / f"x{suffix}", form)
    size = (tmp_path / f"x{suffix}").stat().st_size
    assert size < 20_000
    assert read_vectors(tmp_path / f"x{suffix}", form).words == vectors.words
    content = (tmp_path / f"x{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(content[: size // 2])
    with pytest.raises(ModelFormatError, match="got damaged or cut ones"):
        read_vectors(tmp_path / f"cut{suffix}", form)


def test_words_that_look_like_something_else_are_told_apart(tmp_path):
    cases = {
        "glove": ["12", "PAR1", "ARROW1", "PK\x03\x04", "7"],
        "word2vec": ["1", "2", "3"],
        "word2vec-bin": ["1", "2", "3"],
    }
    for form, words in cases.items():
        for dimensions in (1, 2, 5):
            for turn in range(len(words)):
                turned = words[turn:] + words[:turn]
                table = np.arange(len(words) * dimensions, dtype=np.float32)
                vectors = Vectors(turned, table.reshape(-1, dimensions) + 0.5)
                write_vectors(vectors, tmp_path / "x", form)
                # A word with one number may be anything: that it is GloVe's has to be said.
                is_named = form == "glove" and dimensions == 1
                back = read_vectors(tmp_path / "x", form if is_named else None)
                assert back.words == turned
                assert np.array_equal(back.vectors, vectors.vectors)


def test_binary_vectors_are_not_taken_for_text(tmp_path):
    generator = np.random.default_rng(1)
    for _ in range(40):
        dimensions = int(generator.integers(1, 4))
        table = generator.normal(size=(3, dimensions)).astype(np.float32)
        vectors = Vectors(["a", "b", "c"], table)
        write_vectors(vectors, tmp_path / "x", "word2vec-bin")
        assert read_vectors(tmp_path / "x").vectors.tobytes() == table.tobytes()


REFUSED = {
    "a b": ("word2vec", "glove", "fasttext", "word2vec-bin", "model2vec"),
    "a\nb": ("word2vec", "glove", "fasttext", "word2vec-bin", "model2vec", "projector"),
    "a\tb": ("word2vec", "glove", "fasttext", "model2vec", "projector"),
    "a\rb": ("word2vec", "glove", "fasttext", "model2vec", "projector"),
    "a\u00a0b": ("word2vec", "glove", "fasttext", "model2vec"),
    "\u3000": ("word2vec", "glove", "fasttext", "model2vec", "projector"),
    " a": ("word2vec", "glove", "fasttext", "word2vec-bin", "model2vec", "projector"),
    "\ufeffa": ("glove", "projector"),
    "": ("word2vec", "glove", "fasttext", "word2vec-bin", "fasttext-bin", "model2vec", "projector"),
    "a\0": ("npz", "fasttext-bin"),
    "</s>": (),
    "<unk>": (),
    "[UNK]": (),
    "[[UNK]]": (),
    "nan": (),
}


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("word", REFUSED)
def test_a_word_comes_back_or_is_refused_before_anything_is_written(tmp_path, form, word):
    vectors = Vectors([word, "b", "[UNK]"][: 2 + (word != "[UNK]")], np.ones((3, 2), np.float32))
    vectors = Vectors(vectors.words, vectors.vectors[: len(vectors.words)])
    target = tmp_path / "vectors"
    if form in REFUSED[word]:
        with pytest.raises(OutputError) as caught:
            write_vectors(vectors, target, form)
        assert repr(word) in str(caught.value)
        assert str(target) in str(caught.value)
        assert names(tmp_path) == []
    else:
        write_vectors(vectors, target, form)
        assert read_vectors(target, form).words == vectors.words


@pytest.mark.parametrize("form", ALL)
def test_vectors_that_are_not_finite_are_not_written(tmp_path, form):
    for bad in (np.nan, np.inf):
        vectors = Vectors(["a", "b"], np.array([[1, 2], [3, bad]], np.float32))
        with pytest.raises(OutputError, match="expected finite vectors"):
            write_vectors(vectors, tmp_path / "vectors", form)
    assert names(tmp_path) == []


@pytest.mark.parametrize("form", ALL)
def test_words_with_half_a_character_are_not_written(tmp_path, form):
    with pytest.raises(OutputError, match=r"expected words that UTF-8 holds, got 'a\\ud800b'"):
        write_vectors(Vectors(["c", "a\ud800b"], np.ones((2, 2), np.float32)), tmp_path / "x", form)
    assert names(tmp_path) == []


@pytest.mark.parametrize("form", ["npz", "kv", "model2vec"])
def test_words_with_half_a_character_are_not_read(run, tmp_path, form):
    table = np.ones((2, 2), np.float32)
    target = tmp_path / "x"
    if form == "npz":
        with target.open("wb") as file:
            np.savez(file, words=np.array(["c", "\ud800"]), vectors=table)
    elif form == "kv":
        keyed = KeyedVectors(2)
        keyed.add_vectors(["c", "\ud800"], table)
        keyed.save(str(target))
    else:
        write_vectors(Vectors(["c", "d"], table), target, form)
        words = (target / "tokenizer.json").read_text()
        (target / "tokenizer.json").write_text(words.replace('"d"', '"\\ud800"'))
    with pytest.raises(TextEncodingError, match=r"x: .* got '\\ud800' at vector 1, which has half"):
        read_vectors(target)
    status, _, errors = run("convert", target, tmp_path / "y.txt", "--skip-unwritable")
    assert (status, errors.count("\n")) == (2, 1)


@pytest.mark.parametrize("form", [form.name for form in FORMATS if form.is_stream])
def test_a_pipe_is_read_as_a_file_is(tmp_path, form):
    if not Path("/dev/fd").exists():
        pytest.skip("no /dev/fd here")
    vectors = Vectors(["a", "b"], np.ones((2, 3), np.float32))
    write_vectors(vectors, tmp_path / "x", form)
    readable, writable = os.pipe()
    os.write(writable, (tmp_path / "x").read_bytes())
    os.close(writable)
    try:
        assert read_vectors(Path(f"/dev/fd/{readable}"), form).words == vectors.words
    finally:
        os.close(readable)


@pytest.mark.parametrize("form", FOLDERS)
def test_folders_replace_only_their_like(tmp_path, form):
    vectors = Vectors(["a"], np.ones((1, 2), np.float32))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").write_text("x")
    with pytest.raises(OutputError, match="holds other things"):
        write_vectors(vectors, tmp_path / "other", form)
    assert names(tmp_path / "other") == ["precious"]
    for word in ("a", "b"):
        write_vectors(Vectors([word], vectors.vectors), tmp_path / "mine", form)
    assert read_vectors(tmp_path / "mine").words == ["b"]


def test_lines_longer_than_a_block(tmp_path):
    table = np.random.default_rng(1).normal(size=(2, 600_000)).astype(np.float32)
    for form in (*TEXT, "word2vec-bin"):
        write_vectors(Vectors(["a", "b"], table), tmp_path / form, form)
        assert (tmp_path / form).stat().st_size > BLOCK_BYTES
        assert np.array_equal(read_vectors(tmp_path / form).vectors, table)


FULL_DISK = """
import os, resource, signal, sys
import numpy as np
from pathlib import Path
from fastw2v.errors import OutputError
from fastw2v.formats import FORMATS, write_vectors
from fastw2v.formats.vectors import Vectors

for form in FORMATS:
    form.implementation()
import pyarrow.parquet
folder = Path(sys.argv[1])
table = np.random.default_rng(1).normal(size=(3000, 50)).astype(np.float32)
vectors = Vectors([f"w{k}" for k in range(3000)], table)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for form in FORMATS:
    try:
        write_vectors(vectors, folder / "x", form.name)
    except OutputError as error:
        print(form.name, str(folder / "x") in str(error), os.listdir(folder))
"""


@pytest.mark.slow
def test_a_disk_that_is_full_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.splitlines() == [f"{form} True []" for form in ALL], done.stderr


@pytest.mark.parametrize("form", ALL)
def test_the_same_vectors_give_the_same_bytes(tmp_path, form):
    vectors = Vectors(["a", "b"], np.ones((2, 2), np.float32), np.array([2, 1]))
    written = []
    for name in ("one", "two"):
        write_vectors(vectors, tmp_path / name, form)
        path = tmp_path / name
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]


def test_a_model_s_tokenizer_goes_into_a_model2vec_folder(tmp_path, model):
    for tokenizer in ("words", "whitespace"):
        fresh = Word2Vec(tokenizer=tokenizer, vector_size=2, min_count=1, epochs=1)
        fresh.fit([["a", "b"], ["b", "a"]]).export(tmp_path / tokenizer, "model2vec")
        stored = json.loads((tmp_path / tokenizer / "tokenizer.json").read_text())
        assert (stored["normalizer"] is None) == (tokenizer == "whitespace")


def test_the_projector_s_files_have_equal_length(tmp_path):
    export(made(["a", "b", "c"]), tmp_path / "folder", "projector", "in")
    vectors, metadata = (
        (tmp_path / "folder" / name).read_text().splitlines()
        for name in ("vectors.tsv", "metadata.tsv")
    )
    assert len(vectors) == len(metadata) == 3
    assert metadata == ["a", "b", "c"]


def test_reading_a_model_folder_says_what_to_do(model_folder):
    with pytest.raises(ModelFormatError, match=r"this is a model of fastw2v; export it"):
        read_vectors(model_folder)


def test_unknown_formats_are_told(tmp_path):
    (tmp_path / "x").write_text("a 1\n")
    with pytest.raises(ConfigurationError, match=r"format: expected one of 'word2vec', .*'csv'"):
        read_vectors(tmp_path / "x", "csv")


def test_keyed_vectors_of_what_was_read(tmp_path):
    embeddings = made(WORDS)
    export(embeddings, tmp_path / "x.parquet", vectors="in")
    keyed = read_vectors(tmp_path / "x.parquet").keyed_vectors()
    assert keyed.index_to_key == WORDS
    assert keyed.get_vecattr(WORDS[3], "count") == embeddings.vocabulary.counts[3]
    assert np.array_equal(keyed.vectors, embeddings.in_vectors)


def test_convert_on_the_command_line(run, tmp_path, reference):
    assert run("export", reference, tmp_path / "a.vec.gz")[0] == 0
    code, out, err = run("convert", tmp_path / "a.vec.gz", tmp_path / "b.bin")
    assert (code, out) == (0, f"{tmp_path / 'b.bin'}\n")
    assert "writing: done (" in err
    assert run("convert", tmp_path / "b.bin", tmp_path / "quiet.bin", "--quiet")[2] == ""
    code, _, _ = run("convert", tmp_path / "b.bin", tmp_path / "c", "--format", "projector")
    assert code == 0
    assert run("convert", tmp_path / "c", tmp_path / "d.npz")[0] == 0
    expected = Word2Vec.load(reference)
    back = read_vectors(tmp_path / "d.npz")
    assert back.words == expected.vocabulary.words
    assert back.vectors.tobytes() == expected.embeddings.table("sum").tobytes()
    code, out, err = run("convert", tmp_path / "d.npz", tmp_path / "e", "--from", "parquet")
    assert (code, out) == (2, "")
    assert err.startswith(f"fastw2v: {tmp_path / 'd.npz'}: expected vectors in the format 'parq")
    assert "which is the format 'npz'" in err
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize("form", ALL)
def test_progress_never_falls_and_ends_with_all(tmp_path, form):
    seen = []
    vectors = Vectors([f"w{k}" for k in range(3000)], np.ones((3000, 90), np.float32))
    write_vectors(vectors, tmp_path / "x", form, lambda *told: seen.append(told))
    assert seen[-1] == (3000, 3000)
    assert seen == sorted(seen)
    is_stream = format_named(form).is_stream
    assert (len(seen) > 1) == is_stream
    seen.clear()
    read_vectors(tmp_path / "x", form, lambda *told: seen.append(told))
    if is_stream:
        size = (tmp_path / "x").stat().st_size
        assert all(total == size for _, total in seen)
        assert seen == sorted(seen)
        assert seen[-1][0] in (size, size - 1)  # but for a last line feed
    else:
        assert seen == []


GUIDE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def test_the_guide_s_table_is_the_program_s():
    rows = [line.split("|") for line in GUIDE.splitlines() if line.startswith("| `")]
    assert [row[1].strip(" `") for row in rows] == list(ALL)
    for row, form in zip(rows, FORMATS, strict=True):
        suffixes = tuple(part.strip(" `") for part in row[2].split(",") if "." in part)
        assert suffixes == form.suffixes
        assert ("both tables" in row[4]) == form.holds_model
        assert ("counts" in row[4]) == (form.name in KEEPS_COUNTS)


def test_the_guide_s_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec(GUIDE.split("```python\n")[1].split("```")[0], namespace)
    assert names(tmp_path) == ["folder", "vectors.parquet", "vectors.txt.gz"]
    assert namespace["keyed"].index_to_key == namespace["vectors"].words


def test_without_pyarrow_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    vectors = Vectors(["a"], np.ones((1, 2), np.float32))
    for form in ("parquet", "arrow"):
        with pytest.raises(MissingDependencyError, match=r"pip install 'fastw2v\[arrow\]'"):
            write_vectors(vectors, tmp_path / "x", form)
    assert names(tmp_path) == []
