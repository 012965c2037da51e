"""Everything that can be wrong: one clear line, exit status 2, no traceback, nothing left."""

import gzip
import re
from pathlib import Path

import pytest

from tests.support.programs import program, tree

QUICK = ["--vector-size", "4", "--min-count", "1", "--epochs", "2", "--quiet"]

ERRORS = {
    "missing file": ("train missing.txt -o out", r"missing\.txt: no such file or folder$"),
    "missing among several": ("train text.txt missing.txt -o out", r"missing\.txt: no such"),
    "empty file": ("train empty.txt -o out", r"empty\.txt: expected text, got 0 lines"),
    "blank lines": ("train blank.txt -o out", r"blank\.txt: .* without a single token"),
    "empty folder": ("train folder -o out", r"folder: expected text files, got a folder without"),
    "rare words": ("train text.txt -o out --min-count 9999", r"min_count=9999.*lower min_count"),
    "lone words": ("train lone.txt -o out --min-count 1", r"at least one pair .* stand alone"),
    "latin-1": ("train latin.txt -o out", r"latin\.txt: expected UTF-8.* byte offset 6 .*iconv"),
    "utf-16": ("train utf16.txt -o out", r"utf16\.txt: expected UTF-8 text.*iconv -f UTF-16"),
    "cut gzip": ("train cut.gz -o out", r"cut\.gz: expected whole \.gz data"),
    "no gzip": ("train fake.gz -o out", r"fake\.gz: expected whole \.gz data"),
    "diverged": (
        "train text.txt -o out --optimizer sgd --learning-rate 1e30",
        r"training diverged: expected .*smaller --learning-rate",
    ),
    "below a file": ("train text.txt -o text.txt/out", r"text\.txt/out: expected an existing fold"),
    "missing parent": ("train text.txt -o no/out", r"no/out: expected an existing folder.*create"),
    "foreign folder": ("train text.txt -o foreign", r"foreign: .*holds other things.*choose anoth"),
    "reads beside counts": (
        "train --counts missing -o out --field text",
        r"--field: expected none beside --counts",
    ),
    "reads without text": ("eval model --read-as csv", r"--read-as: expected --text beside it"),
    "report without text": ("report model -o out --field x", r"--field: expected --text beside it"),
    "a file": ("train text.txt -o empty.txt", r"empty\.txt: expected a folder or a new name"),
    "not a number": ("train text.txt -o out --window five", r"'--window': 'five' is not a valid"),
    "out of range": ("train text.txt -o out --window 0", r"window: expected at least 1, got 0$"),
    "bad rate": ("train text.txt -o out --learning-rate nan", r"learning_rate: expected a finite"),
    "bad workers": ("train text.txt -o out --workers 0", r"workers: expected at least 1, got 0$"),
    **{
        f"bad {name}": (
            f"train text.txt -o out --{name} quux",
            rf"Invalid value for '--{name}': 'quux' is not one of '.*'; see 'fastw2v \w+ --help'$",
        )
        for name in ("batches", "optimizer", "bias", "start", "tokenizer")
    },
    "unknown option": (
        "train text.txt -o out --windows 3",
        r"[Nn]o such option.*--windows.*--help",
    ),
    "no output": ("train text.txt", r"Missing option '--output'"),
    "no corpus": ("train -o out", r"Missing argument 'CORPUS"),
    "unknown command": ("trian text.txt", r"No such command 'trian'.*--help"),
    "unknown format": ("export model out --format csv", r"'csv' is not one of 'word2vec', "),
    "unknown table": ("export model out --vectors best", r"'best' is not one of 'in', "),
    "export no model": ("export missing out", r"missing: expected a model folder written by"),
    "export foreign": ("export foreign out", r"foreign: expected a model folder written by"),
    "export to folder": ("export model folder", r"folder: expected a file name, this is a folder"),
    "export, target first": ("export missing folder", r"folder: expected a file name"),
    "export below a file": ("export model text.txt/out", r"text\.txt/out: expected an existing fo"),
    "export missing parent": ("export model no/out", r"no/out: expected an existing folder"),
    "unknown word": ("neighbors model w99", r"'w99' is not among the 40 words.*close to it"),
    "neighbors no model": ("neighbors missing w5", r"missing: expected a model folder"),
    "perplexity no model": ("perplexity missing text.txt", r"missing: expected a model folder"),
    "perplexity no text": ("perplexity model missing.txt", r"missing\.txt: no such file"),
    "perplexity empty": ("perplexity model empty.txt", r"empty\.txt: expected text, got 0 lines"),
    "perplexity latin-1": ("perplexity model latin.txt --json", r"latin\.txt: expected UTF-8"),
    "perplexity unknown": ("perplexity model lone.txt", r"text: .* got 0 known and 2 unknown tok"),
}


@pytest.fixture
def workplace(tmp_path, text, reference, monkeypatch):
    """A current folder full of things to trip over."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "blank.txt").write_text("\n \n\n")
    (tmp_path / "lone.txt").write_text("alone\nsingle\n")
    (tmp_path / "latin.txt").write_bytes(b"un caf\xe9 noir\n")
    (tmp_path / "utf16.txt").write_bytes("plain words\n".encode("utf-16"))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(text.encode())[:-20])
    (tmp_path / "fake.gz").write_text(text)
    (tmp_path / "folder").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "photo.jpg").write_bytes(b"precious")
    (tmp_path / "model").symlink_to(reference)
    return tmp_path


@pytest.mark.parametrize("case", ERRORS)
def test_errors_are_one_line_status_two_and_nothing_is_left(run, workplace, case):
    arguments, message = ERRORS[case]
    before = tree(workplace)
    more = ["--quiet"] if arguments.split()[0] in ("train", "perplexity") else []
    status, shown, errors = run(*arguments.split(), *more)
    assert status == 2
    assert shown == ""
    assert errors.startswith("fastw2v: ")
    assert errors.endswith("\n")
    assert errors.count("\n") == 1
    assert "Traceback" not in errors
    assert not errors.endswith("..\n")
    assert_matches(message, errors.removeprefix("fastw2v: ").rstrip("\n"))
    assert tree(workplace) == before


def assert_matches(pattern, text):
    assert re.search(pattern, text), text


PROGRAM_ERRORS = ["missing file", "latin-1", "below a file", "unknown option", "unknown word"]


@pytest.mark.parametrize("case", PROGRAM_ERRORS)
def test_the_program_s_errors(workplace, case):
    arguments, message = ERRORS[case]
    before = tree(workplace)
    done = program(*arguments.split(), cwd=workplace)
    errors = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert errors.startswith("fastw2v: ")
    assert errors.count("\n") == 1
    assert_matches(message, errors.removeprefix("fastw2v: ").rstrip("\n"))
    assert tree(workplace) == before


def test_an_empty_standard_input_is_an_error(tmp_path):
    done = program("train", "-", "-o", "out", cwd=tmp_path, input=b"")
    assert done.returncode == 2
    assert done.stderr.startswith(b"fastw2v: standard input: expected text, got 0 lines")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
def test_a_folder_that_takes_no_files(run, workplace):
    """Permissions would not stop a superuser; /proc stops everyone."""
    for arguments in (["train", "text.txt", "-o"], ["export", "model"]):
        status, shown, errors = run(*arguments, "/proc/out")
        assert (status, shown) == (2, "")
        assert errors.startswith("fastw2v: /proc/out: cannot write in /proc")
        assert errors.count("\n") == 1


def test_outputs_are_checked_before_the_work(run, workplace):
    """A corpus that is read would complain first: this one is not even there."""
    _, _, errors = run("train", "missing.txt", "-o", "no/out")
    assert errors.startswith("fastw2v: no/out: expected an existing folder")


def test_a_failed_run_leaves_the_earlier_model(run, workplace):
    assert run("train", "text.txt", "-o", "own", *QUICK)[0] == 0
    before = tree(workplace)
    for failing in (["empty.txt"], ["text.txt", "--optimizer", "sgd", "--learning-rate", "1e30"]):
        assert run("train", *failing, "-o", "own", "--quiet")[0] == 2
        assert tree(workplace) == before


def test_an_interrupted_run_says_so_and_leaves_nothing(run, workplace, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastw2v.training.loop.prefetched", interrupted)
    before = tree(workplace)
    status, shown, errors = run("train", "text.txt", "-o", "out", "--quiet")
    assert (status, shown, errors.strip()) == (
        130,
        "",
        "fastw2v: interrupted; there was nothing to save yet",
    )
    assert tree(workplace) == before
