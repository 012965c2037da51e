"""Encoded corpora on disk: the same bits as in memory, in bounded memory, whole or not at all."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import CorpusError, OutputError, TextEncodingError, VocabularyError
from fastw2v.objectives.softmax.batches import TokenBatches
from fastw2v.system.memory_maps import mapped_file
from fastw2v.text import encoded_folder
from fastw2v.text.encoded_folder import open_encoded
from fastw2v.text.reading import encode_corpus, read_corpus
from tests.support.corpora_made import as_text, random_sentences
from tests.support.programs import default_signals

ROOT = Path(__file__).parents[2]
SENTENCES = random_sentences(1, 60, sentences=400)


@pytest.fixture(scope="module")
def text_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(as_text(SENTENCES), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def in_memory(text_file):
    return read_corpus(text_file, min_count=3)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "encoded"


@pytest.fixture
def written(text_file, folder):
    read_corpus(text_file, min_count=3, encoded_folder=folder, block_bytes=700)
    return folder


def assert_same(came, expected):
    vocabulary, tokens = came
    expected_vocabulary, expected_tokens = expected
    assert vocabulary.words == expected_vocabulary.words
    assert vocabulary.counts.tolist() == expected_vocabulary.counts.tolist()
    assert tokens.ids.tobytes() == expected_tokens.ids.tobytes()
    assert tokens.sentence_starts.tobytes() == expected_tokens.sentence_starts.tobytes()
    assert tokens.digest(vocabulary) == expected_tokens.digest(expected_vocabulary)
    for name in ("n_raw_tokens", "n_oov", "n_tokens", "n_sentences"):
        assert getattr(tokens, name) == getattr(expected_tokens, name)


# The same as in memory


def test_files_hold_what_memory_holds(text_file, in_memory, folder):
    for block_bytes in (100, 1 << 20):
        read = read_corpus(text_file, min_count=3, encoded_folder=folder, block_bytes=block_bytes)
        assert_same(read, in_memory)
        assert_same(open_encoded(folder), in_memory)
    assert sorted(path.name for path in folder.iterdir()) == [
        "corpus.json",
        "ids.int32",
        "starts.int64",
        "vocabulary.json",
    ]


@settings(deadline=None, max_examples=25)  # each example waits for the disk
@given(st.lists(st.lists(st.sampled_from("abcdé"), max_size=9), max_size=30), st.integers(1, 3))
def test_any_sentences_come_back(tmp_path_factory, sentences, min_count):
    folder = tmp_path_factory.mktemp("any") / "encoded"
    try:
        expected = read_corpus(sentences, min_count=min_count)
    except (CorpusError, VocabularyError) as error:
        with pytest.raises(type(error)):
            read_corpus(sentences, min_count=min_count, encoded_folder=folder)
        assert not folder.exists()
        return
    assert_same(read_corpus(sentences, min_count=min_count, encoded_folder=folder), expected)
    vocabulary, _ = open_encoded(folder)
    tokens = encode_corpus(sentences, vocabulary, encoded_folder=folder, block_bytes=20)
    assert_same((vocabulary, tokens), expected)


def test_many_blocks_of_numbers_are_joined(monkeypatch, text_file, in_memory, folder):
    monkeypatch.setattr(encoded_folder, "_BLOCK_NUMBERS", 7)
    assert_same(read_corpus(text_file, min_count=3, encoded_folder=folder), in_memory)
    assert_same(open_encoded(folder), in_memory)


def test_a_text_without_known_words_has_no_tokens(in_memory, folder):
    tokens = encode_corpus([["x", "y"], []], in_memory[0], encoded_folder=folder)
    assert (tokens.n_tokens, tokens.n_oov, tokens.sentence_starts.tolist()) == (0, 2, [0, 0, 0])
    assert tokens.ids.dtype == np.int32


def test_whatever_takes_tokens_takes_mapped_ones(written, in_memory):
    vocabulary, tokens = open_encoded(written)
    expected = in_memory[1]
    n_words = len(vocabulary)
    counts = [count_pairs(t, n_words, 3, workers=2) for t in (tokens, expected)]
    for name in ("indptr", "indices", "values"):
        np.testing.assert_array_equal(getattr(counts[0], name), getattr(counts[1], name))
    options = {"dimensions": 8, "window": 3, "stretch": 50, "total_weight": 1.0, "seed": 1}
    batches = [TokenBatches(t, np.ones(n_words), **options).batch(100) for t in (tokens, expected)]
    for mapped, plain in zip(*batches, strict=True):
        np.testing.assert_array_equal(mapped, plain)


def test_kernels_see_the_same_types_so_nothing_is_compiled_twice(written, in_memory):
    _, tokens = open_encoded(written)
    assert numba.typeof(tokens.ids) == numba.typeof(in_memory[1].ids)
    assert numba.typeof(tokens.sentence_starts) == numba.typeof(in_memory[1].sentence_starts)


def test_what_is_written_to_mapped_arrays_does_not_reach_the_files(written, in_memory):
    _, tokens = open_encoded(written)
    tokens.ids[:] = 7
    assert_same(open_encoded(written), in_memory)


@pytest.mark.skipif(sys.platform != "linux", reason="files with holes, and Linux's overcommit")
def test_files_far_larger_than_memory_can_be_mapped(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(2**42)
    ids = mapped_file(path, 2**40, "<i4")
    assert (ids.size, ids[0], ids[2**40 - 1]) == (2**40, 0, 0)


# Memory

PEAK = """
import sys
from fastw2v.text.reading import read_corpus

def peak_bytes():  # of this program alone: ru_maxrss would begin with what its parent took
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024

def read(path, folder):
    return read_corpus(path, tokenizer="whitespace", min_count=1, encoded_folder=folder or None)

small, large, folder = sys.argv[1:]
read(small, folder and folder + "-small")
before = peak_bytes()
_, tokens = read(large, folder)
print(tokens.n_tokens, peak_bytes() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_memory_is_bounded_by_a_block(tmp_path):
    line = " ".join(f"w{k}" for k in range(100)) + "\n"
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text(line * (2**23 // len(line)))  # two blocks: their buffers are in the base
    with large.open("w") as file:
        for _ in range(5):
            file.write(line * (2**23 // len(line)))

    def read(folder):
        run = subprocess.run(
            [sys.executable, "-c", PEAK, small, large, folder],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return map(int, run.stdout.split())

    bound = 24 * 2**20
    n_tokens, growth = read(str(tmp_path / "encoded"))
    assert n_tokens > 10_000_000
    assert growth < bound
    n_tokens, growth = read("")
    assert growth > max(bound, 4 * n_tokens)  # in memory it does not fit


# Whole or not at all


def nothing_left(folder):
    return not folder.exists() and not list(folder.parent.iterdir())


def test_nothing_but_the_folder_is_left_on_success(written):
    assert [path.name for path in written.parent.iterdir()] == [written.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, OSError])
def test_an_end_while_reading_leaves_nothing(text_file, folder, error):
    def stop(done, total):
        raise error

    with pytest.raises(error):
        read_corpus(text_file, min_count=3, encoded_folder=folder, progress=stop)
    assert nothing_left(folder)


KILLED = """
import os, sys
from fastw2v.text.reading import read_corpus

def stop(done, total):
    os.kill(os.getpid(), int(sys.argv[1]))

read_corpus([["a", "b"]] * 9, min_count=1, encoded_folder=sys.argv[2], progress=stop)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_signal_while_reading_leaves_nothing(folder, name):
    number = getattr(signal, name)
    arguments = [sys.executable, "-c", KILLED, str(int(number)), folder]
    with default_signals():
        run = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == -number, run.stderr
    assert nothing_left(folder)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_end_while_writing_leaves_nothing(monkeypatch, text_file, folder, error):
    def stop(*arguments):
        raise error

    monkeypatch.setattr(encoded_folder, "renumber", stop)
    with pytest.raises(error):
        read_corpus(text_file, min_count=3, encoded_folder=folder)
    assert nothing_left(folder)


def test_an_end_while_writing_leaves_the_earlier_corpus(monkeypatch, text_file, written, in_memory):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(encoded_folder, "renumber", stop)
    with pytest.raises(KeyboardInterrupt):
        read_corpus([["other"]], min_count=1, encoded_folder=written)
    assert_same(open_encoded(written), in_memory)


def test_errors_of_the_text_leave_nothing(tmp_path):
    text = tmp_path / "in" / "latin.txt"
    text.parent.mkdir()
    text.write_bytes(b"good\ncaf\xe9\n")
    folder = tmp_path / "out" / "encoded"
    folder.parent.mkdir()
    with pytest.raises(TextEncodingError):
        read_corpus(text, encoded_folder=folder)
    text.write_text("rare words\n")
    with pytest.raises(VocabularyError):
        read_corpus(text, encoded_folder=folder)
    assert nothing_left(folder)


def test_a_full_disk_is_an_error_that_names_the_folder(folder):
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

    store = encoded_folder.NumbersOnDisk(folder)
    store._file.close()
    store._file = Full()
    with pytest.raises(OutputError, match=r"encoded: could not be written .*No space left"):
        store.keep(np.zeros(3, np.int32))


@pytest.mark.parametrize(
    ("error", "name"), [(FileNotFoundError, "x"), (OutputError, "/x"), (OutputError, "{}/x")]
)
def test_only_what_a_temporary_folder_cannot_take_tells_of_its_room(error, name):
    with pytest.raises(error) as caught, encoded_folder.temporary_folder() as folder:  # noqa: PT012
        message = f"{name.format(folder)}: not written"
        raise error(message)
    assert str(caught.value).startswith(message)
    assert ("set TMPDIR" in str(caught.value)) == name.startswith("{}")


def test_other_peoples_folders_are_not_replaced(text_file, folder):
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    for corpus in (None, '{"name": "thesis"}'):
        if corpus is not None:
            (folder / "corpus.json").write_text(corpus)
        with pytest.raises(OutputError, match="holds other things"):
            read_corpus(text_file, encoded_folder=folder)
    with pytest.raises(OutputError, match="expected an existing folder to write to"):
        read_corpus(text_file, encoded_folder=folder / "no" / "such")
    assert (folder / "thesis.txt").read_text() == "years of work"


# What is not an encoded corpus


def test_what_is_no_encoded_corpus_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"found no corpus\.json in it"):
        open_encoded(tmp_path)
    for content, message in [("{", "cannot be read as JSON"), ("[]", "this is another program's")]:
        (tmp_path / "corpus.json").write_text(content)
        with pytest.raises(CorpusError, match=message):
            open_encoded(tmp_path)


def edit(folder, name, **changes):
    content = json.loads((folder / name).read_text()) | changes
    (folder / name).write_text(json.dumps(content))


def test_another_schema_is_refused(written):
    edit(written, "corpus.json", schema_version=2)
    with pytest.raises(CorpusError, match=r"schema version 1, got 2, .* or .*encode the text"):
        open_encoded(written)


def flip_a_bit(folder):
    data = bytearray((folder / "ids.int32").read_bytes())
    data[5] ^= 1
    (folder / "ids.int32").write_bytes(data)


DAMAGES = {
    "a bit of the ids": flip_a_bit,
    "ids cut short": lambda f: (f / "ids.int32").write_bytes((f / "ids.int32").read_bytes()[:-4]),
    "starts missing": lambda f: (f / "starts.int64").unlink(),
    "vocabulary missing": lambda f: (f / "vocabulary.json").unlink(),
    "words of another kind": lambda f: edit(f, "vocabulary.json", words=[1], counts=[1]),
    "counts missing": lambda f: edit(f, "vocabulary.json", counts=[]),
    "another digest": lambda f: edit(f, "corpus.json", digest="0" * 64),
    "a size of another kind": lambda f: edit(f, "corpus.json", n_tokens=None),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_found(written, damage):
    open_encoded(written)
    damage(written)
    with pytest.raises(CorpusError, match=r"the encoded corpus is damaged .*encode the text"):
        open_encoded(written)
