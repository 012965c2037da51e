"""Counting in shards that is interrupted, or given what cannot be counted."""

import os
import resource
import signal
from contextlib import contextmanager

import pytest

from fastw2v.config import CountingSettings
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.counts.sharded import steps
from fastw2v.counts.sharded.shards import Shard, shards_of
from fastw2v.counts.sharded.work_folder import work_folder_of
from fastw2v.errors import (
    ConfigurationError,
    CorpusError,
    OutputError,
    TextEncodingError,
    VocabularyError,
)
from fastw2v.text.sources.parts import Part
from tests.support.programs import tree
from tests.support.sharded_counts import COUNTING, spilled

pytestmark = pytest.mark.usefixtures("small_pieces")


def stop_at(monkeypatch, name, number):
    """Let the call `number` of a step fail, as if the machine had been switched off."""
    calls = 0
    original = getattr(steps, name)

    def failing(*arguments):
        nonlocal calls
        calls += 1
        if calls == number:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(steps, name, failing)
    return lambda: calls


@pytest.mark.parametrize(
    ("step", "number"),
    [("count_words", 3), ("add_words", 1), ("choose_words", 2), ("count_windows", 4)],
)
def test_an_interrupted_count_goes_on_and_counts_nothing_twice(
    tmp_path, text_file, in_memory, monkeypatch, step, number
):
    output = tmp_path / "counts"
    with monkeypatch.context() as patch:
        stop_at(patch, step, number)
        with pytest.raises(KeyboardInterrupt):
            spilled([str(text_file)], output)
    assert not output.exists()
    assert work_folder_of(output).is_dir()
    with pytest.raises(OutputError, match=r"interrupted count is in the way.*--resume"):
        spilled([str(text_file)], output)
    with pytest.raises(ConfigurationError, match="counting: expected those of the interrupted"):
        spilled([str(text_file)], output, CountingSettings(min_count=1), resume=True)
    made = []
    original = steps.step_once
    monkeypatch.setattr(
        steps,
        "step_once",
        lambda folder, make: original(folder, lambda path: made.append(folder) or make(path)),
    )
    # The plan remembers how the text was cut.
    spilled([str(text_file)], output, resume=True, block_mib=1)
    assert tree(output) == in_memory
    assert not work_folder_of(output).exists()
    shards = len(list(shards_of([Part(str(text_file))], 1000)))
    again = [folder.name for folder in made if folder.name.startswith("words-0")]
    assert len(again) == (shards - number + 1 if step == "count_words" else 0)


def test_a_shard_that_cannot_be_read_is_named_and_what_was_counted_stays(
    tmp_path, text_file, in_memory
):
    good = text_file.read_bytes()
    path = tmp_path / "text.txt"
    bad_at = 5000
    path.write_bytes(good[:bad_at] + b"\xff" + good[bad_at + 1 :])
    with pytest.raises(TextEncodingError, match=rf"text\.txt: .*offset {bad_at} ") as caught:
        spilled([str(path)], tmp_path / "counts")
    assert "counts.counting" in caught.value.__notes__[0]
    assert not (tmp_path / "counts").exists()
    path.write_bytes(good)
    spilled([str(path)], tmp_path / "counts", resume=True)
    assert tree(tmp_path / "counts") == in_memory


def test_a_file_that_changed_since_is_named(tmp_path, text_file):
    for name in ("good.txt", "bad.txt"):
        (tmp_path / name).write_bytes(text_file.read_bytes())
    with (tmp_path / "bad.txt").open("ab") as file:
        file.write(b"caf\xe9\n")
    files = [str(tmp_path / name) for name in ("good.txt", "bad.txt")]
    with pytest.raises(TextEncodingError) as caught:
        spilled(files, tmp_path / "counts")
    assert "as long as files are as they were" in caught.value.__notes__[0]
    (tmp_path / "bad.txt").write_bytes(text_file.read_bytes())
    with pytest.raises(ConfigurationError, match=r"shards: .*other ones from .*bad\.txt on"):
        spilled(files, tmp_path / "counts", resume=True)


def test_a_file_that_grows_or_vanishes_is_an_error(tmp_path, text_file, monkeypatch):
    path = tmp_path / "text.txt"
    path.write_bytes(text_file.read_bytes())
    original = steps.count_windows

    def growing(*arguments):
        with path.open("ab") as file:
            file.write(b"more\n")
        return original(*arguments)

    monkeypatch.setattr(steps, "count_windows", growing)
    with pytest.raises(CorpusError, match=r"text\.txt: expected a file of \d+ bytes"):
        spilled([str(path)], tmp_path / "counts")
    path.unlink()
    with pytest.raises(CorpusError, match="no such file"):
        spilled([str(path)], tmp_path / "counts", resume=True)
    # As many bytes as before, but others.
    path.write_bytes(text_file.read_bytes())
    original_words = steps.count_words

    def changing(*arguments):
        found = original_words(*arguments)
        rewrite(path, text_file.read_bytes().replace(b"\n", b" ", 9))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(steps, "count_windows", original)
        patch.setattr(steps, "count_words", changing)
        with pytest.raises(CorpusError, match=r"text that was read for the vocabulary, [\d,]+ tok"):
            spilled([str(path)], tmp_path / "other", block_mib=1)
    path.unlink()
    shard = Shard(0, Part(str(path), "text", None, 0, 10, 10))
    with pytest.raises(CorpusError, match=r"text\.txt"):
        shard.read(None)


def rewrite(path, data, later_ns=0):
    """Write a file anew, so much later by its date."""
    status = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + later_ns))


@pytest.mark.parametrize(
    ("later_ns", "message"),
    [
        (10**9, r"text\.txt: .*of as many bytes that was written to since"),
        (0, r"text\.txt: .*whose words came 150 times, got 100; remove"),
    ],
)
def test_another_text_of_as_many_bytes_and_tokens_is_an_error(
    tmp_path, monkeypatch, later_ns, message
):
    path = tmp_path / "text.txt"
    path.write_text("hello world one\n" * 50)
    original = steps.count_words

    def changing(*arguments):
        found = original(*arguments)
        rewrite(path, b"apple world one\n" * 50, later_ns)
        return found

    monkeypatch.setattr(steps, "count_words", changing)
    with pytest.raises(CorpusError, match=message):
        spilled([str(path)], tmp_path / "counts", block_mib=1)


EMPTY = {
    "lines without tokens": ("\n\n", CorpusError, "got 2 lines or sentences without a single"),
    "words too rare": ("a b\nc d\n", VocabularyError, "min_count=2.*4 tokens of 4 types"),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_nothing_to_count_is_the_same_error_in_memory_and_in_shards(tmp_path, kind):
    text, error_type, message = EMPTY[kind]
    path = tmp_path / "text.txt"
    path.write_text(text)
    errors = []
    for shards in (None, ShardOptions(memory_mib=600), ShardOptions(block_mib=1e-6)):
        with pytest.raises((VocabularyError, CorpusError), match=message) as caught:
            count_corpus(path, COUNTING, tmp_path / "counts", workers=1, shards=shards)
        errors.append((type(caught.value), str(caught.value), caught.value.__dict__))
        assert [found.name for found in tmp_path.iterdir()] == ["text.txt"]
    assert errors[0][0] is error_type
    assert errors[1:] == errors[:1] * 2


@pytest.mark.parametrize("corpus", [5, b"text", {"a": 1}])
def test_what_is_no_corpus_is_the_same_error_in_shards(tmp_path, corpus):
    messages = set()
    for shards in (None, ShardOptions(memory_mib=600)):
        with pytest.raises(CorpusError, match="corpus: expected a path") as caught:
            count_corpus(corpus, COUNTING, tmp_path / "counts", workers=1, shards=shards)
        messages.add(str(caught.value))
    assert len(messages) == 1


@pytest.mark.parametrize("sentence", ["b c", ["b", 3.5], ["b", "\ud800"], {"b"}, 5])
def test_a_wrong_sentence_is_the_same_error_in_shards(tmp_path, sentence):
    messages = set()
    for shards in (None, ShardOptions(memory_mib=600)):
        corpus = iter([["a"], sentence])
        with pytest.raises(CorpusError, match=r"^sentence 1.*counted from 0") as caught:
            count_corpus(corpus, COUNTING, tmp_path / "counts", workers=1, shards=shards)
        messages.add(str(caught.value))
        assert not list(tmp_path.iterdir())
    assert len(messages) == 1


@pytest.mark.parametrize("given", ["text", "sentences"])
def test_a_text_without_tokens_is_refused_over_given_words_too(tmp_path, text_file, given):
    reference = count_corpus(text_file, COUNTING, tmp_path / "words", workers=1)
    (tmp_path / "empty.txt").write_text("\n\n")
    corpus = tmp_path / "empty.txt" if given == "text" else [[], []]
    messages = set()
    for shards in (None, ShardOptions(memory_mib=600)):
        with pytest.raises(CorpusError, match="got 2 lines or sentences without a") as caught:
            count_corpus(
                corpus, COUNTING, tmp_path / "c", workers=1, shards=shards, reference=reference
            )
        messages.add(str(caught.value))
        assert not list(tmp_path.glob("c*"))
    assert len(messages) == 1


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["/no/such/file"], "no such file"),
        (["/no/such/*.txt"], "files that match"),
        (["memory://no/such"], "no such file"),
        ([], "got an empty list"),
        ([["a"], "b c"], "sentence 1 .*lists of tokens"),
        ([["a"], ["b", 3.5]], "sentence 1, token 1 .*expected a str"),
    ],
)
def test_wrong_sources_are_refused_and_leave_nothing(tmp_path, sources, message):
    with pytest.raises(CorpusError, match=message):
        spilled(sources, tmp_path / "counts")
    assert not list(tmp_path.iterdir())


def test_options_that_make_no_sense_are_refused(tmp_path, text_file):
    with pytest.raises(ConfigurationError, match="memory: expected at least 512 MiB"):
        ShardOptions(memory_mib=100)
    with pytest.raises(ConfigurationError, match="block_mib"):
        ShardOptions(block_mib=0)
    (tmp_path / "counts.counting").mkdir()
    (tmp_path / "counts.counting" / "precious").write_text("precious")
    with pytest.raises(OutputError, match="something else"):
        spilled([str(text_file)], tmp_path / "counts", resume=True)


@pytest.mark.parametrize("output", [".", "/"])
def test_an_output_without_a_name_is_refused_alike_in_shards(
    tmp_path, text_file, monkeypatch, output
):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "precious").write_text("precious")
    monkeypatch.chdir(tmp_path / "work")
    messages = set()
    for shards in (None, ShardOptions(memory_mib=600)):
        with pytest.raises(OutputError) as caught:
            count_corpus(text_file, COUNTING, output, workers=1, shards=shards)
        messages.add(str(caught.value))
    assert len(messages) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@contextmanager
def limited_file_size(n_bytes):
    """What is larger cannot be written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_sentences_that_cannot_be_kept_are_told_of(tmp_path):
    sentences = [["word"] * 100] * 1000
    with limited_file_size(100_000), pytest.raises(OutputError, match="could not be kept there"):
        spilled(sentences, tmp_path / "counts")
    assert list(tmp_path.iterdir()) == []

    def broken():
        yield ["a", "b"]
        raise OSError("the sentences themselves")

    with pytest.raises(OSError, match=r"^the sentences themselves"):
        spilled(broken(), tmp_path / "counts")
