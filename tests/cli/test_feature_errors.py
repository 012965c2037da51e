"""What commands say of features, subwords and vectors that cannot be: one line, status 2."""

import re

import pytest

from tests.support.feature_models import QUICK
from tests.support.programs import tree

NO_TEXT = "features: expected"
ERRORS = {
    "no features": ("train text.txt -o out --inputs features", r"got none; give them .*--features"),
    "features and words": (
        "train text.txt -o out --inputs words --features features.tsv",
        r"features: expected none with inputs='words', got some; use inputs='features'$",
    ),
    "features and subwords": (
        "train text.txt -o out --inputs subwords --features features.tsv",
        r"features: expected none with inputs='subwords', got some",
    ),
    "another objective's model": (
        "train text.txt -o out --objective negative --model cbow --inputs subwords",
        r"inputs: .* only model 'skipgram' looks at it, not 'cbow'; got 'subwords'$",
    ),
    "features of another objective": (
        "train text.txt -o out --objective hierarchical --features features.tsv",
        r"inputs: expected 'words' or 'subwords' with objective 'hierarchical', got 'features', ",
    ),
    "another model": (
        "train text.txt -o out --model cbow --inputs subwords",
        r"inputs: .* only model 'skipgram' looks at it, not 'cbow'; got 'subwords'$",
    ),
    "min_n above max_n": (
        "train text.txt -o out --inputs subwords --min-n 7",
        r"min_n: expected at most max_n=5, got 7$",
    ),
    "n-grams longer than every word": (
        "train text.txt -o out --inputs subwords --min-n 40 --max-n 50",
        r"min_n: .* got 40 to 50 characters where the longest word has \d+ with its frame; take",
    ),
    "n-grams longer than every word, on running text": (
        "train text.txt -o out --inputs subwords --objective negative --min-n 40 --max-n 50",
        r"min_n: .* got 40 to 50 characters",
    ),
    "no buckets": (
        "train text.txt -o out --inputs subwords --bucket 0",
        r"bucket: expected at least 1, got 0$",
    ),
    "too many buckets": (
        "train text.txt -o out --inputs subwords --bucket 2147483648",
        r"bucket: expected at most 2147483647, got 2147483648$",
    ),
    "n-grams of words": ("train text.txt -o out --min-n 3", r"min_n: .* only inputs 'subwords'"),
    "words outside": (
        "train text.txt -o out --features more.tsv",
        r"the 16 words of the vocabulary, got some for 'unseen'; leave them out",
    ),
    "rare words": (
        "train text.txt -o out --features features.tsv --max-final-vocab 9",
        r"those of the 9 words of the vocabulary, got some for .* and 4 more; leave them out",
    ),
    "no feature": (
        "train text.txt -o out --features lacking.tsv",
        r"at least one for each of 16 words, got none for 'river'; give the word itself",
    ),
    "twice": ("train text.txt -o out --features twice.tsv", r"'river' again at line 17"),
    "a table": (
        "train text.txt -o out --features table.csv",
        r"table\.csv: .*a tab.* at line 1, g",
    ),
    "bare words": ("train text.txt -o out --features bare.tsv", r"bare\.tsv: .* at line 1, got"),
    "blank": ("train text.txt -o out --features blank.tsv", r"blank\.tsv: .* the file is empty"),
    "empty": ("train text.txt -o out --features empty.tsv", r"empty\.tsv: .* the file is empty"),
    "utf-16": ("train text.txt -o out --features utf16.tsv", r"utf16\.tsv: expected UTF-8.*iconv"),
    "latin-1": (
        "train text.txt -o out --features latin.tsv",
        r"latin\.tsv: expected UTF-8.* offset",
    ),
    "binary": (
        "train text.txt -o out --features binary.tsv",
        r"binary\.tsv: expected UTF-8 text, got binary data",
    ),
    "gzip by another name": (
        "train text.txt -o out --features compressed.tsv",
        r"compressed\.tsv: expected UTF-8",
    ),
    "no gzip": ("train text.txt -o out --features fake.gz", r"fake\.gz: expected whole \.gz data"),
    "a folder": ("train text.txt -o out --features folder", r"folder: cannot be read"),
    "missing": ("train text.txt -o out --features missing.tsv", r"missing\.tsv: no such file"),
    "before the text": (
        "train missing.txt -o out --features missing.tsv",
        r"missing\.tsv: no such file",
    ),
    "vectors of no model": ("vectors missing river", r"missing: expected a model folder"),
    "vectors of a folder": ("vectors folder river", r"folder: expected a model folder"),
    "vectors of a text": ("vectors text.txt river", r"text\.txt: expected"),
    "an unknown word": ("vectors plain rivery", r"'rivery' is not among the 16 words.*close to it"),
    "an unknown word beside features": ("vectors features rivery", r"'rivery' is not among the 16"),
    "unknown n-grams": (
        "vectors subwords river qqq",
        r"'qqq' is not in the vocabulary, and none of its character n-grams of 2 to 5 characters",
    ),
    "unknown n-grams of a file": (
        "vectors model.bin qqq",
        r"'qqq' is not among the 16 words of the file, nor are its character n-grams$",
    ),
    "an unknown word of a file": (
        "vectors vectors.txt rivery",
        r"'rivery' is not among the 16 words of the file$",
    ),
    "unknown output vectors": ("vectors subwords rivery --table out", r"'rivery' is not among the"),
    "a table of a file": (
        "vectors model.bin river --table in",
        r"a model to choose the table 'in'",
    ),
    "a table of a tree": ("vectors tree river --table sum", r"vectors: expected 'in', got 'sum'"),
    "a format for nobody": (
        "vectors subwords river --format npz",
        r"--format: expected --output beside it, got 'npz'",
    ),
    "vectors to nowhere": (
        "vectors subwords river -o no/out",
        r"no/out: expected an existing folder",
    ),
    "vectors to a folder": ("vectors subwords river -o folder", r"folder: expected a file name"),
    "unknown neighbours": ("neighbors plain rivery", r"'rivery' is not among the 16 words"),
    "unknown neighbours of a file": ("neighbors vectors.txt rivery", r"the 16 words of the file$"),
    "neighbours of n-grams": ("neighbors model.bin qqq", r"nor are its character n-grams$"),
    "unknown words without a place": (
        "export plain out.bin --unknown-words",
        r"--unknown-words: expected --format fasttext-bin beside it",
    ),
    "unknown words in another format": (
        "export plain out.fasttext --unknown-words --format word2vec",
        r"--unknown-words: expected --format fasttext-bin beside it",
    ),
    "unknown words of a table": (
        "export plain out.fasttext --unknown-words --vectors in",
        r"--unknown-words: expected --vectors sum, .* got in; see",
    ),
    "unknown words twice": (
        "export subwords out.fasttext --unknown-words",
        r"expected a model with inputs='words', got one with inputs='subwords'",
    ),
    "unknown words of features": (
        "export features out.fasttext --unknown-words",
        r"expected a model with inputs='words', got one with inputs='features'",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_are_one_line_status_two_and_nothing_is_left(run, at, case):
    arguments, message = ERRORS[case]
    before = tree(at)
    more = QUICK if arguments.startswith("train") else []
    more += ["--quiet"] if arguments.startswith("export") else []
    status, shown, errors = run(*arguments.split(), *more)
    assert (status, shown) == (2, "")
    assert errors.startswith("fastw2v: ")
    assert errors.count("\n") == 1
    assert re.search(message, errors.removeprefix("fastw2v: ").rstrip("\n")), errors
    assert tree(at) == before


def test_features_are_refused_before_the_text_is_read(run, at, monkeypatch):
    def unread(*arguments, **options):
        raise AssertionError("the text was read")

    monkeypatch.setattr("fastw2v.training.fit.read_text", unread)
    early = [
        case for case, (_, message) in ERRORS.items() if "tsv: " in message or "inputs" in case
    ]
    assert len(early) > 5
    for case in early:
        arguments, _ = ERRORS[case]
        if arguments.startswith("train"):
            assert run(*arguments.split(), *QUICK)[0] == 2


def test_a_line_without_end_is_told_in_a_line(run, at):
    (at / "long.tsv").write_bytes(b"x" * 100_000_000)
    status, _, errors = run("train", "text.txt", "-o", "out", *QUICK, "--features", "long.tsv")
    assert status == 2
    assert "long.tsv: expected a word, a tab" in errors
    assert len(errors) < 300
