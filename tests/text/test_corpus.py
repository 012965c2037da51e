"""Sources of text: files of all kinds, folders, standard input, token lists, and their traps."""

import bz2
import gzip
import io
import lzma
import os
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import zstandard
from gensim.models.word2vec import LineSentence
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import CorpusError, TextEncodingError
from fastw2v.text.corpus import open_corpus

patient = settings(deadline=None)  # the first call may compile

COMPRESSORS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def text_of(corpus, block_bytes=1 << 20):
    """Return all text of a corpus, after checking what is promised of every block."""
    ends, texts = {}, []
    for block in open_corpus(corpus).pieces(block_bytes):
        assert block.data.endswith(b"\n")
        assert block.offset >= ends.get(block.source, 0)
        ends[block.source] = block.offset + len(block.data) - 1
        texts.append(block.data)
    return b"".join(texts)


def sentences_of(corpus, **options):
    """Return the sentences of a corpus of token lists, undone from their batches."""
    sentences = []
    for batch in open_corpus(corpus).pieces(**options):
        data, edges = batch.text.tobytes(), [0, *batch.token_ends.tolist()]
        tokens = [data[a:b].decode() for a, b in pairwise(edges)]
        starts = [0, *batch.sentence_ends.tolist()]
        sentences += [tokens[a:b] for a, b in pairwise(starts)]
    return sentences


@pytest.fixture(scope="module")
def scratch_file(tmp_path_factory):
    return tmp_path_factory.mktemp("blocks") / "text.txt"


@patient
@given(st.binary(max_size=60).map(lambda data: data.replace(b"\x03", b"\n")), st.integers(1, 70))
def test_blocks_hold_the_whole_file_whatever_their_size(scratch_file, data, block_bytes):
    data = data.decode("latin-1").encode()
    scratch_file.write_bytes(data)
    with_end = data if not data or data.endswith(b"\n") else data + b"\n"
    assert text_of(scratch_file, block_bytes) == with_end


def test_a_line_longer_than_a_block_stays_whole(tmp_path):
    path = tmp_path / "long.txt"
    path.write_bytes(b"short\n" + b"word " * 50_000 + b"\nend\n")
    blocks = list(open_corpus(path).pieces(1000))
    assert b"".join(block.data for block in blocks) == path.read_bytes()
    assert max(len(block.data) for block in blocks) > 250_000
    assert all(block.data.endswith(b"\n") for block in blocks)


@pytest.mark.parametrize("suffix", [".txt", *COMPRESSORS, ".GZ"])
def test_every_format_gives_the_same_text(tmp_path, suffix):
    text = "".join(f"line {i} é\n" for i in range(20_000)).encode()
    compress = COMPRESSORS.get(suffix.lower(), bytes)
    path = tmp_path / f"text{suffix}"
    # Two members, as appending to a compressed file makes them.
    path.write_bytes(compress(text[:1000]) + compress(text[1000:]))
    assert text_of(path, 4096) == text
    assert (open_corpus(path).total_bytes is None) == (suffix != ".txt")


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_compressed_data_cut_short_are_an_error(tmp_path, suffix):
    rng = np.random.default_rng(1)
    text = b"".join(b"%d\n" % number for number in rng.integers(0, 1 << 62, 50_000))
    data = COMPRESSORS[suffix](text)
    path = tmp_path / f"cut{suffix}"
    for kept in (len(data) // 2, len(data) - 1):
        path.write_bytes(data[:kept])
        with pytest.raises(CorpusError, match=rf"cut\{suffix}: expected whole \{suffix} data"):
            text_of(path)


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_plain_text_with_the_name_of_a_compressed_file_is_an_error(tmp_path, suffix):
    path = tmp_path / f"plain{suffix}"
    path.write_bytes(b"this is not compressed at all\n" * 10)
    with pytest.raises(CorpusError, match="rename it if it is not compressed"):
        text_of(path)


def test_damaged_deflate_data_are_an_error(tmp_path):
    data = bytearray(gzip.compress(b"some words\n" * 1000))
    data[20:30] = b"\xff" * 10
    path = tmp_path / "damaged.gz"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match="damaged"):
        text_of(path)


def test_byte_order_mark_is_dropped_at_the_start_of_each_file_only(tmp_path):
    one, two, three = (tmp_path / name for name in ("1.txt", "2.txt", "3.txt"))
    one.write_bytes(b"\xef\xbb\xbfone\n\xef\xbb\xbfstays\n")
    two.write_bytes(b"\xef\xbb\xbftwo")
    three.write_bytes(b"\xef\xbb\xbf")
    for block_bytes in (1, 2, 3, 5, 100):
        assert text_of([one, two, three], block_bytes) == b"one\n\xef\xbb\xbfstays\ntwo\n"


def test_the_last_line_of_a_file_does_not_join_the_next_file(tmp_path):
    (tmp_path / "a").write_bytes(b"first")
    (tmp_path / "b").write_bytes(b"second\n")
    assert text_of([tmp_path / "a", str(tmp_path / "b")]) == b"first\nsecond\n"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("suffix", [".txt", ".gz"])
def test_the_offset_of_a_wrong_byte_is_exact(tmp_path, mark, suffix):
    text = mark + "é line\n".encode() * 1000
    path = tmp_path / f"wrong{suffix}"
    wrongs = (b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xc0\x80", b"caf\xe9")
    for wrong in wrongs:
        for place in (len(mark), len(mark) + 8 * 500, len(text)):
            data = text[:place] + wrong + b"\n" + text[place:]
            with pytest.raises(UnicodeDecodeError) as python:
                data.decode()
            path.write_bytes(COMPRESSORS.get(suffix, bytes)(data))
            for block_bytes in (1, 100, 1 << 20):
                offset = python.value.start
                with pytest.raises(
                    TextEncodingError, match=rf"{suffix}: .* offset {offset} .*iconv"
                ):
                    text_of(path, block_bytes)


def test_a_wrong_byte_at_the_very_end_and_utf_16_are_told(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"good\nbad \xe2\x82")
    with pytest.raises(TextEncodingError, match=r"byte 0xe2 at byte offset 9 "):
        text_of(path)
    path.write_text("hello\n", "utf-16")
    with pytest.raises(TextEncodingError, match="iconv -f UTF-16"):
        text_of(path)


def test_a_folder_stands_for_its_visible_files_in_order(tmp_path):
    for name in ("b.txt", "a/z.txt", "a/b.txt", "c/d/e.txt", ".hidden", ".git/config", "a/.x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name + "\n")
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress(b"d.txt.gz\n"))
    (tmp_path / "c" / "up").symlink_to(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
    order = ["a/b.txt", "a/z.txt", "b.txt", "c/d/e.txt", "d.txt.gz"]
    assert text_of(tmp_path).decode().split() == order
    assert open_corpus(tmp_path).name == f"{tmp_path}/a/b.txt and 4 more files"


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.parametrize("pattern", ["*", "**", "**/*", "**/*.txt", "*/../**"])
def test_a_pattern_gives_each_file_once(tmp_path, scheme, pattern):
    for name in ("b.txt", "a/c.txt", "a/d/e.txt", "a/.hidden", ".git/config.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name + "\n")
    if not scheme:
        (tmp_path / "a" / "up").symlink_to(tmp_path)
    elif ".." in pattern or pytest.importorskip("fsspec") is None:
        return
    found = text_of(f"{scheme}{tmp_path}/{pattern}").decode().split()
    assert sorted(found) == ["a/c.txt", "a/d/e.txt", "b.txt"]


def test_total_and_progress_count_the_bytes_of_the_files(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"\xef\xbb\xbfone\n" * 100 + b"no line end")
    two.write_bytes(b"two\n" * 10)
    corpus, calls = open_corpus([one, two]), []
    total = one.stat().st_size + 40
    assert corpus.total_bytes == total
    for _ in corpus.pieces(64, lambda *call: calls.append(call)):
        pass
    assert [call[1] for call in calls] == [total] * len(calls)
    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert len(done) > 5
    assert done[-1] == total


def test_progress_of_token_lists_has_no_total():
    calls = []
    corpus = open_corpus([["é", "b"], ["c"]])
    assert len(list(corpus.pieces(4, lambda *call: calls.append(call)))) == 2
    assert calls == [(3, None), (4, None)]


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("é a\nb".encode())))
    assert text_of("-") == "é a\nb\n".encode()
    assert open_corpus("-").total_bytes is None
    with pytest.raises(CorpusError, match="once only"):
        open_corpus(["-", "-"])


def test_a_file_named_like_standard_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("-").write_text("a file\n")
    assert text_of(Path("-")) == b"a file\n"


def test_a_pipe_is_read_like_a_file(tmp_path):
    readable, writable = os.pipe()
    os.write(writable, b"through a pipe\n")
    os.close(writable)
    path = f"/dev/fd/{readable}"
    if not Path(path).exists():
        pytest.skip("no /dev/fd here")
    assert open_corpus(path).total_bytes is None
    assert text_of(path) == b"through a pipe\n"
    os.close(readable)


token_lists = st.lists(st.lists(st.text(max_size=5), max_size=6), min_size=1, max_size=20)


@patient
@given(token_lists, st.integers(1, 9))
def test_token_lists_come_through_whatever_is_in_them(sentences, batch_tokens):
    assert sentences_of(sentences, block_bytes=4 * batch_tokens) == sentences
    assert sentences_of(iter(sentences)) == sentences
    assert sentences_of(tuple(map(tuple, sentences))) == sentences


def test_more_sentences_than_a_batch_holds():
    sentences = [[f"token {i}"] for i in range(10_000)] + [[]]
    assert sentences_of(sentences) == sentences


def test_other_iterables_of_sentences(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a b\nc\n")
    assert sentences_of(LineSentence(str(path))) == [["a", "b"], ["c"]]
    assert sentences_of(np.array([["a", "b"], ["c", "d"]])) == [["a", "b"], ["c", "d"]]
    assert sentences_of((token for token in "ab") for _ in "12") == [["a", "b"], ["a", "b"]]


def test_the_kinds_of_corpora_are_told_apart(tmp_path):
    (tmp_path / "a").touch()
    assert open_corpus(str(tmp_path / "a")).files == (str(tmp_path / "a"),)
    assert open_corpus(iter([tmp_path / "a"])).files == (str(tmp_path / "a"),)
    assert open_corpus([["a"]]).sentences is not None


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("no/such/file.txt", r"^no/such/file\.txt: no such file or folder"),
        (Path("no/such/file.txt"), r"^no/such/file\.txt: no such file or folder$"),
        (Path("nul\0"), r"no such file"),
        ("the cat sat", r"expected lists of tokens, got a str; pass sentences as \[\["),
        ("", "'': no such file"),
        ("word " * 10_000, r"^'(word ){12}': no such file"),
        (["the", "cat"], r"^the: no such file .* expected lists of tokens, got a str"),
        (io.StringIO("the cat\n"), r"got a StringIO .*; pass its path"),
        (b"bytes", r"got a bytes \(b'bytes'\)"),
        ({"the": 3}, "expected a path or sentences, got a dict"),
        (None, "lists of tokens, got a NoneType"),
        (7, r"got an int \(7\)"),
        ([], "got an empty list"),
        (iter([]), "got an empty list_iterator; an iterator that was read before stays empty"),
        ([["a"], "the cat"], r"sentence 1 .*expected lists of tokens, got a str \('the cat'\)"),
        ([["a"], b"cat"], "sentence 1 .*got a bytes"),
        ([["a"], 3], "sentence 1 .*got an int"),
        ([{"a", "b"}], "sentence 0 .*got a set"),
        ([["a"], ["b", 5.5]], r"sentence 1, token 1 .*: expected a str, .*got a float \(5\.5\)"),
        ([["a", None]], "sentence 0, token 1 .*: expected a str, .*got a NoneType"),
        ([["a", {"b"}]], "expected a str, .*got a set"),
        ([["ok"], ["x\ud800"]], r"sentence 1, token 0 .*lone surrogate U\+D800"),
    ],
)
def test_traps_are_explained(corpus, message):
    with pytest.raises(CorpusError, match=message):
        sentences_of(corpus)


def test_the_number_of_a_wrong_sentence_counts_all_batches():
    sentences = [["a"]] * 5000 + [["b", 1.5]]
    with pytest.raises(CorpusError, match="sentence 5000, token 1 "):
        sentences_of(sentences)


def test_paths_and_sentences_do_not_mix(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(CorpusError, match=r"item 1 of the corpus: expected a path.*got a list"):
        open_corpus([tmp_path / "a", ["b"]])
    with pytest.raises(CorpusError, match=r"missing: no such file"):
        open_corpus([tmp_path / "a", tmp_path / "missing"])


def test_a_folder_without_files_and_unreadable_files(tmp_path, monkeypatch):
    (tmp_path / ".hidden").touch()
    with pytest.raises(CorpusError, match="got a folder without any visible file"):
        open_corpus(tmp_path)
    path = tmp_path / "secret"
    path.write_text("a\n")
    corpus = open_corpus(path)

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CorpusError, match=r"secret: cannot be read: Permission denied"):
        list(corpus.pieces())
    monkeypatch.undo()
    path.unlink()
    with pytest.raises(CorpusError, match=r"secret: no such file"):
        list(corpus.pieces())


def test_a_dead_link_in_a_folder_is_not_passed_over(tmp_path):
    (tmp_path / "a.txt").write_text("a\n")
    (tmp_path / "dead.txt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match=r"dead\.txt: no such file"):
        text_of(tmp_path)
