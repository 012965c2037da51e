"""Text that changes or goes away while it is read, or that can be read only once."""

import gzip
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from fastw2v import Word2Vec
from fastw2v.errors import CorpusError
from tests.support.programs import PROGRAM, program
from tests.support.traps_made import CELLS, QUICK, TEXT, WORDS, counts_of, fifo, holding, options


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "input").mkdir()
    return tmp_path / "input"


@pytest.fixture
def output(tmp_path):
    (tmp_path / "output").mkdir()
    return tmp_path / "output"


def change_at_first_progress(path, change):
    done = []

    def stage(*_):
        if not done:
            done.append(change(path))

    return stage


def append(path):
    with path.open("a") as file:
        file.write("more\n")


def same_size(path):
    data = path.read_bytes()
    path.write_bytes(data[::-1])
    os.utime(path, (1, 1))


def replace_by_another(path):
    (path.parent / "other").write_text("something else\n")
    (path.parent / "other").replace(path)


CHANGES = {
    "a file that grows while it is read": append,
    "a file that is cut while it is read": lambda path: os.truncate(path, 5),
    "a file that is rewritten while it is read": same_size,
}
REMOVALS = {
    "a file that is removed while it is read": Path.unlink,
    "a file that is replaced while it is read": replace_by_another,
}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_changes_while_it_is_read(run, folder, output, monkeypatch, name, suffix):
    data = (TEXT * 9).encode()
    data = gzip.compress(data) if suffix else data
    message = rf"text{suffix}: .*changed while it was read: {len(data)} bytes at first, now "
    path = holding(data, f"text{suffix}")(folder)
    with pytest.raises(CorpusError, match=message):
        Word2Vec(**QUICK).fit(path, progress=change_at_first_progress(path, CHANGES[name]))
    path = holding(data, f"text{suffix}")(folder)
    stage = change_at_first_progress(path, CHANGES[name])
    monkeypatch.setattr("fastw2v.cli.display.Display.stage", lambda _, *call: stage(*call))
    status, _, errors = run("train", path, "-o", output / "model", *options(QUICK))
    assert status == 2
    assert re.search(message, errors)
    assert list(output.iterdir()) == []


@pytest.mark.parametrize("name", REMOVALS)
def test_a_file_that_is_gone_while_it_is_read_is_whole(run, folder, output, monkeypatch, name):
    path = holding(TEXT * 9)(folder)
    stage = change_at_first_progress(path, REMOVALS[name])
    expected = Counter({word: 9 * count for word, count in WORDS.items()})
    assert counts_of(Word2Vec(**QUICK).fit(path, progress=stage)) == expected
    path = holding(TEXT * 9)(folder)
    again = change_at_first_progress(path, REMOVALS[name])
    monkeypatch.setattr("fastw2v.cli.display.Display.stage", lambda _, *call: again(*call))
    assert run("train", path, "-o", output / "model", *options(QUICK))[0] == 0
    assert counts_of(Word2Vec.load(output / "model")) == expected


def test_a_file_that_vanishes_before_it_is_read(run, folder, output, monkeypatch):
    first, second = holding(TEXT, "1")(folder), holding(TEXT, "2")(folder)
    stage = change_at_first_progress(second, Path.unlink)
    with pytest.raises(CorpusError, match=r"2: no such file"):
        Word2Vec(**QUICK).fit([first, second], progress=stage)
    second = holding(TEXT, "2")(folder)
    again = change_at_first_progress(second, Path.unlink)
    monkeypatch.setattr("fastw2v.cli.display.Display.stage", lambda _, *call: again(*call))
    status, _, errors = run("train", first, second, "-o", output / "model", *options(QUICK))
    assert status == 2
    assert errors == f"fastw2v: {second}: no such file or folder\n"


@pytest.mark.parametrize(("kind", "objective"), CELLS)
def test_every_objective_reads_a_fifo_once_and_says_so(folder, kind, objective):
    settings = {"model": kind, "objective": objective, "sample": 0, "epochs": 2}
    settings |= {"vector_size": 2, "min_count": 1}
    notices = []
    text = TEXT * 20
    piped = Word2Vec(workers=1, **settings).fit(fifo(folder, text), notice=notices.append)
    stored = Word2Vec(workers=1, **settings).fit(holding(text)(folder))
    assert piped.in_vectors.tobytes() == stored.in_vectors.tobytes()
    assert piped.corpus_digest == stored.corpus_digest
    place = "memory" if objective == "softmax" else "fastw2v-"
    notices = [notice for notice in notices if "cannot be read again" in notice]
    assert len(notices) == 1
    assert re.search(rf"fifo cannot be read again: its words are kept in .*{place}", notices[0])


def test_standard_input_is_told_of_and_can_be_closed(folder):
    done = program("train", "-", "-o", "model", *options(QUICK), cwd=folder, input=TEXT.encode())
    assert done.returncode == 0, done.stderr
    assert b"standard input cannot be read again: its words are kept in memory" in done.stderr
    assert counts_of(Word2Vec.load(folder / "model")) == WORDS
    command = ["sh", "-c", 'exec "$0" train - -o other <&-', PROGRAM]
    closed = subprocess.run(command, capture_output=True, check=False, timeout=120, cwd=folder)
    assert closed.returncode == 2
    assert closed.stderr == (
        b"fastw2v: standard input: expected text, got a closed one; name a file instead\n"
    )
