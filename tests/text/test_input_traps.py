"""Every trap of text in one table, through the API and through the command line.

The names are those of docs/input.md, which says what happens; `test_sentence_traps.py` has the
traps of lists and settings, `test_changing_input.py` those of files that change under way.
`test_corpus.py` and `test_tokens.py` look at the readers themselves.
"""

import bz2
import gzip
import lzma
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import zstandard

from fastw2v import Word2Vec
from fastw2v.errors import CorpusError, FastW2VError, TextEncodingError
from fastw2v.text.files import TextBlock
from tests.support.foreign_files import tarred
from tests.support.traps_made import (
    QUICK,
    TEXT,
    WORDS,
    counts_of,
    fifo,
    holding,
    open_folder,
    options,
    without_privileges,
)


@pytest.fixture
def folder():
    with open_folder() as made:
        yield made


@pytest.fixture
def output():
    with open_folder() as made:
        yield made


@dataclass
class Trap:
    """What is given, and what must come of it: words and their counts, or an error."""

    make: Callable[[Path], object]
    """Puts the input into a folder; returns what is to be trained on."""
    words: Mapping[str, int] | None = None
    error: type[FastW2VError] = CorpusError
    message: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    n_invalid: int = 0


def fifo_twice(folder):
    os.mkfifo(folder / "fifo")
    return [folder / "fifo"] * 2


def dead_link(folder):
    (folder / "link.txt").symlink_to(folder / "nowhere.txt")
    return folder


def unreadable(folder, name="secret.txt"):
    path = holding(TEXT, name)(folder)
    path.chmod(0)
    return path


def unreadable_folder(folder):
    unreadable(folder, "inner/secret.txt").parent.chmod(0)
    return folder / "inner"


def folder_of(names):
    def make(folder):
        for name, text in names.items():
            holding(text, f"texts/{name}")(folder)
        return folder / "texts"

    return make


def damaged_part(compress):
    """Two compressed texts behind each other, as some programs write them; the second is wrong."""
    first, second = compress(TEXT.encode()), bytearray(compress(TEXT.encode()))
    second[0] ^= 1
    return first + second


COMPRESSORS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
INVALID = b"caf\xe9 noir\ngood \xe2\x82 \xff\xfe\n"
UTF_16 = "plain words\n".encode("utf-16")
TEXT_TRAPS = {
    "no such file": Trap(
        lambda folder: folder / "missing.txt", message=r"missing\.txt: no such file"
    ),
    "empty file": Trap(holding(""), message="expected text, got 0 lines"),
    "empty and blank lines": Trap(holding("\n\n \t\n" + TEXT + "\n\n"), WORDS),
    "nothing but blank lines": Trap(holding("\n \n\t\n"), message="got 3 lines .* single token"),
    "lines of one word": Trap(holding("one\ntwo\n"), message="pair .* 2 tokens that stand alone"),
    "no newline at the end": Trap(holding(TEXT.rstrip()), WORDS),
    "CRLF": Trap(holding(TEXT.replace("\n", "\r\n")), WORDS),
    "CRLF, cut at white space": Trap(
        holding(TEXT.replace("\n", "\r\n")), WORDS, settings={"tokenizer": "whitespace"}
    ),
    "byte-order mark": Trap(holding("\ufeff" + TEXT), WORDS),
    "NUL bytes": Trap(holding("a\0b a\n"), {"a": 2, "b": 1}),
    "NUL bytes, cut at white space": Trap(
        holding("a\0b a\n"), {"a\0b": 1, "a": 1}, settings={"tokenizer": "whitespace"}
    ),
    "invalid UTF-8": Trap(
        holding(INVALID),
        error=TextEncodingError,
        message=r"text\.txt: .*byte 0xe9 at byte offset 3 .*iconv.*--errors",
    ),
    "invalid UTF-8, replaced": Trap(
        holding(INVALID),
        {"caf\ufffd": 1, "noir": 1, "good": 1, "\ufffd": 1, "\ufffd\ufffd": 1},
        settings={"tokenizer": "whitespace", "errors": "replace"},
        n_invalid=4,
    ),
    "invalid UTF-8, left out": Trap(
        holding(INVALID),
        {"caf": 1, "noir": 1, "good": 1},
        settings={"errors": "ignore"},
        n_invalid=4,
    ),
    "UTF-16": Trap(
        holding(UTF_16),
        error=TextEncodingError,
        message="iconv -f UTF-16",
    ),
    "UTF-16, to be replaced": Trap(
        holding(UTF_16),
        error=TextEncodingError,
        message="iconv -f UTF-16",
        settings={"errors": "replace"},
    ),
    "compressed file cut short": Trap(
        holding(gzip.compress(TEXT.encode())[:-9], "text.gz"), message=r"expected whole \.gz data"
    ),
    **{
        f"a later part of a {suffix} file damaged": Trap(
            holding(damaged_part(compress), f"text{suffix}"), message="got damaged or cut ones"
        )
        for suffix, compress in COMPRESSORS.items()
    },
    "no compressed file in spite of its name": Trap(
        holding(TEXT, "text.bz2"), message="rename it if it is not compressed"
    ),
    "a path with spaces and other scripts": Trap(
        holding(bz2.compress(TEXT.encode()), "two words/Straße 汉字 😀.txt.bz2"), WORDS
    ),
    "a file name that is not UTF-8": Trap(holding(TEXT, os.fsdecode(b"caf\xe9.txt")), WORDS),
    "a wrong file whose name is not UTF-8": Trap(
        holding(b"\xff", os.fsdecode(b"caf\xe9.txt")), error=TextEncodingError, message="offset 0"
    ),
    "a folder": Trap(folder_of({"a.txt": TEXT, "b/c.txt": TEXT}), WORDS + WORDS),
    "a folder without files": Trap(
        lambda folder: folder, message="got a folder without any visible"
    ),
    "a folder without text": Trap(
        folder_of({"a.txt": "", "b.txt": "\n"}), message=r"a\.txt and 1 more files: expected text"
    ),
    "a folder with a picture": Trap(
        folder_of({"a.txt": TEXT, "b.png": b"\x89PNG\r\n\x1a\n"}),
        message=r"b\.png: expected UTF-8 text, got a picture \(PNG\)",
    ),
    "an archive": Trap(holding(tarred()), message="got a tar archive; unpack it first"),
    "an archive within a .gz file": Trap(
        holding(gzip.compress(tarred()), "text.tar.gz"), message="got a tar archive; unpack it"
    ),
    "compressed data without their suffix": Trap(
        holding(gzip.compress(TEXT.encode())), message=r"got gzip data; .* let its name end in \.gz"
    ),
    "a page of the web": Trap(
        holding("<!DOCTYPE html>\n<html>\n"), message="got a page of the web .*take the text out"
    ),
    "UTF-16 without a mark": Trap(
        holding((TEXT * 9).encode("utf-16-le")),
        error=TextEncodingError,
        message="iconv -f UTF-16LE",
    ),
    "whole numbers in binary, to be replaced": Trap(
        holding(bytes(range(4)) * 200), message="binary data", settings={"errors": "replace"}
    ),
    "a dead link in a folder": Trap(dead_link, message=r"link\.txt: no such file"),
    "unreadable file": Trap(unreadable, message=r"secret\.txt: cannot be read: Permission denied"),
    "unreadable folder": Trap(unreadable_folder, message="inner: cannot be read: Permission"),
    "a fifo": Trap(fifo, WORDS),
    "a fifo named twice": Trap(fifo_twice, message="fifo can be read once only, got it 2 times"),
    "the word </s>": Trap(
        holding("</s> a </s>\n"), {"</s>": 2, "a": 1}, settings={"tokenizer": "whitespace"}
    ),
    "no word frequent enough": Trap(
        holding(TEXT),
        error=FastW2VError,
        message="min_count=9 .*lower min_count",
        settings={"min_count": 9},
    ),
}


@pytest.mark.parametrize("name", TEXT_TRAPS)
def test_a_trap_through_the_api(folder, name):
    trap = TEXT_TRAPS[name]
    source, notices = trap.make(folder), []
    model = Word2Vec(**QUICK | trap.settings)
    with without_privileges(only_if=name.startswith("unreadable")):
        if trap.words is None:
            with pytest.raises(trap.error, match=trap.message) as caught:
                model.fit(source)
            assert "\n" not in str(caught.value)
            assert model.summary is None
            return
        model.fit(source, notice=notices.append)
    assert counts_of(model) == trap.words
    assert model.summary.n_invalid == trap.n_invalid
    notices = [notice for notice in notices if "MiB of memory" not in notice]
    assert bool(notices) == (trap.n_invalid > 0 or name == "a fifo")


@pytest.mark.parametrize("name", TEXT_TRAPS)
def test_a_trap_through_the_command_line(run, folder, output, name):
    trap = TEXT_TRAPS[name]
    source = trap.make(folder)
    sources = source if isinstance(source, list) else [source]
    with without_privileges(only_if=name.startswith("unreadable")):
        status, shown, errors = run(
            "train", *sources, "-o", output / "model", *options(QUICK | trap.settings)
        )
    if trap.words is None:
        assert (status, shown) == (2, "")
        last = errors.splitlines()[-1]  # behind the stages that were done
        assert last.startswith("fastw2v: ")
        assert re.search(trap.message, last), last
        assert "Traceback" not in errors
        assert list(output.iterdir()) == []
        return
    assert status == 0, errors
    assert counts_of(Word2Vec.load(output / "model")) == trap.words
    assert ("not UTF-8 " in shown) == (trap.n_invalid > 0)


def test_the_table_catches_a_reader_that_loses_a_line(folder, monkeypatch):
    """Sabotage: what is compared would show a text without its last line."""
    monkeypatch.setattr("fastw2v.text.sources.parts.blocks_of", sabotaged_blocks)
    model = Word2Vec(**QUICK).fit(TEXT_TRAPS["CRLF"].make(folder))
    assert counts_of(model) != WORDS


def sabotaged_blocks(_chunks, file, *_):
    data = Path(file).read_bytes()
    yield TextBlock(data[: data.rindex(b"\r\nthe end") + 2], file, 0), len(data)
