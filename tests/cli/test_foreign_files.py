"""Wherever the command line names a file, what is no text, or no vectors, is told there."""

import gzip
import re

import pytest

from fastw2v.cli.main import COMMANDS
from tests.support.foreign_files import FOREIGN, HOLDS_VECTORS, PLAIN, PLAIN_VECTORS, tarred
from tests.support.programs import tree

SMALL = ("--vector-size", "2", "--min-count", "1", "--epochs", "1", "--quiet")
# What is given for FILE is another kind of file.
PLACES = {
    "train": ("train", "FILE", "-o", "out", *SMALL),
    "train, whatever is no UTF-8": ("train", "FILE", "-o", "out", "--errors", "replace", *SMALL),
    "train, validation": ("train", "text", "--validation", "FILE", "-o", "out", *SMALL),
    "train, features": (
        *("train", "text", "--inputs", "features", "--features", "FILE", "-o", "out"),
        *SMALL,
    ),
    "train, start": ("train", "text", "--start-from", "FILE", "-o", "out", "--quiet"),
    "count": ("count", "FILE", "-o", "out", "--min-count", "1", "--quiet"),
    "convert": ("convert", "FILE", "out.npz"),
    "convert, named": ("convert", "FILE", "out.npz", "--from", "glove"),
    "info": ("info", "FILE"),
    "neighbors": ("neighbors", "FILE", "w1"),
    "vectors": ("vectors", "FILE", "w1"),
    "eval": ("eval", "FILE"),
    "eval, pairs": ("eval", "vectors.txt", "--pairs", "FILE"),
    "eval, analogies": ("eval", "vectors.txt", "--analogies", "FILE"),
    "eval, probe": ("eval", "vectors.txt", "--probe", "FILE"),
    "compare": ("compare", "FILE", "--rounds", "1", "--rivals", "gensim", "--json", "out"),
    "perplexity": ("perplexity", "MODEL", "FILE"),
    "calibration": ("calibration", "MODEL", "FILE"),
    "calibration, model": ("calibration", "FILE", "text"),
    "phrases": ("phrases", "FILE", "-o", "out"),
    "perplexity, model": ("perplexity", "FILE", "text"),
    "export": ("export", "FILE", "out.txt"),
    "report": ("report", "FILE", "-o", "out.html"),
    "report, columns": (
        *("report", "vectors.txt", "--columns", "FILE", "-o", "out.html", "--no-evaluation"),
    ),
    "plot": ("plot", "FILE", "-o", "out.png"),
    "counts": ("counts", "info", "FILE"),
    "counts, merged": ("counts", "merge", "FILE", "FILE", "-o", "out"),
    "train, counts": ("train", "--counts", "FILE", "-o", "out", "--quiet"),
    "eval, text": ("eval", "MODEL", "--pairs", "pairs", "--text", "FILE"),
}
READS_TEXT = ("train", "count", "eval, pairs", "convert, named", "perplexity")
READS_VECTORS = ("convert", "info", "neighbors", "eval")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text(PLAIN)
    (tmp_path / "vectors.txt").write_text(PLAIN_VECTORS)
    (tmp_path / "pairs").write_text("w1\tw2\t1\nw2\tw3\t2\nw1\tw3\t3\n")
    return tmp_path


def refused(run, place, model, command, content, name="strange"):
    """Run a command on a file of other bytes; return the one line that it must end with."""
    (place / name).write_bytes(content)
    before = sorted(path.name for path in place.iterdir())
    words = {"FILE": name, "MODEL": model}
    status, shown, errors = run(*(words.get(word, word) for word in PLACES[command]))
    assert (status, shown) == (2, ""), errors
    line = errors.splitlines()[-1]
    assert line.startswith("fastw2v: ")
    assert name in line
    assert "Traceback" not in errors
    assert sorted(path.name for path in place.iterdir()) == before
    return line


@pytest.mark.parametrize("command", PLACES)
@pytest.mark.parametrize("kind", ["tar, GNU", "page", "git-lfs", "zip", "SQLite"])
def test_wherever_a_file_is_named_its_kind_is_told(run, place, reference, command, kind):
    content, shown = FOREIGN[kind]
    assert re.search(shown, refused(run, place, reference, command, content))


@pytest.mark.parametrize("command", READS_TEXT + READS_VECTORS)
@pytest.mark.parametrize("kind", FOREIGN)
def test_every_kind_is_told(run, place, reference, command, kind):
    content, shown = FOREIGN[kind]
    line = refused(run, place, reference, command, content)
    if command in READS_TEXT or kind not in HOLDS_VECTORS:
        assert re.search(shown, line), line


@pytest.mark.parametrize("command", ["train", "train, whatever is no UTF-8", "count", "convert"])
@pytest.mark.parametrize("kind", ["tar, GNU", "tar, old", "gzip", "zip", "UTF-16", "PDF"])
def test_what_decompresses_to_no_text(run, place, reference, command, kind):
    content, shown = FOREIGN[kind]
    line = refused(run, place, reference, command, gzip.compress(content), "strange.gz")
    assert re.search(shown, line), line


def test_a_text_in_tar_is_read_once_it_is_unpacked(run, place):
    """The way out leads out: what the message says to do helps."""
    import tarfile

    (place / "t.tar.gz").write_bytes(gzip.compress(tarred()))
    assert "unpack it first" in run("train", "t.tar.gz", "-o", "out", *SMALL)[2]
    with tarfile.open(place / "t.tar.gz") as archive:
        (place / "text.txt").write_bytes(archive.extractfile("text.txt").read())
    assert run("train", "text.txt", "-o", "out", *SMALL)[0] == 0


def test_hints_name_options_that_the_command_has(run, place, reference):
    latin = "un caf\xe9 noir\n".encode("latin-1") * 3
    for command, template in PLACES.items():
        (place / "strange").write_bytes(latin)
        words = {"FILE": "strange", "MODEL": reference}
        status, _, errors = run(*(words.get(word, word) for word in template))
        offered = set(re.findall(r"--[a-z][a-z-]+", errors.splitlines()[-1] if errors else ""))
        if status == 0:
            assert command == "train, whatever is no UTF-8"
            continue
        if "fastw2v convert" in errors or "'convert" in errors or "train with" in errors:
            continue  # options of the command that is named beside them
        if offered - {"--help"}:
            help_text = run(template[0], "--help")[1]
            assert all(option in help_text for option in offered), (command, errors)


def test_every_command_that_opens_a_file_is_here():
    tried = {words[0] for words in PLACES.values()}
    assert set(COMMANDS) - tried == {"compile", "completion", "docs"}


# Folders of other programs, which have a file of the name that ours have, too.
TAKEN = {
    "train": ("config.json", '{"name": "app"}', ("train", "text", "-o", "DIR", *SMALL)),
    "count": (
        *("manifest.json", '{"manifest_version": 3}'),
        ("count", "text", "-o", "DIR", "--min-count", "1", "--quiet"),
    ),
    "model2vec": (
        *("model.safetensors", ""),
        ("convert", "vectors.txt", "DIR", "--format", "model2vec"),
    ),
    "projector": (
        *("vectors.tsv", "1\t2"),
        ("convert", "vectors.txt", "DIR", "--format", "projector"),
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_folder_of_another_program_stays_whatever_its_files_are_called(run, place, name):
    file, content, command = TAKEN[name]
    command = ["made" if part == "DIR" else part for part in command]
    for _ in range(2):  # an earlier result is replaced
        assert run(*command)[0] == 0
    (place / "other").mkdir()
    (place / "other" / file).write_text(content)
    (place / "made" / "events.out.tfevents.1").write_text("beside an earlier result")
    before = tree(place)
    for folder in ("other", "made"):
        status, _, errors = run(*(folder if part == "made" else part for part in command))
        assert (status, errors.count("\n")) == (2, 1)
        assert re.search(f"{folder}: expected a new name or an earlier result .*other thi", errors)
    assert tree(place) == before
