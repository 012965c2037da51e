"""The command line with subwords, features and unknown words; each error is one line, status 2."""

import gzip
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gensim.models.fasttext import load_facebook_vectors

from fastw2v import Word2Vec
from fastw2v.formats import read_vectors
from tests.support.corpora_made import write_text
from tests.support.programs import PROGRAM, program, tree

QUICK = ["--vector-size", "6", "--min-count", "1", "--epochs", "2", "--quiet"]
STEMS, ENDINGS = ("river", "lake", "straße", "stone"), ("", "s", "ing", "er")
WORDS = [stem + ending for stem in STEMS for ending in ENDINGS]


def sentences():
    generator = np.random.default_rng(1)
    return [list(map(str, generator.choice(WORDS, 9))) for _ in range(120)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a text, features of its words, and models of each kind."""
    folder = tmp_path_factory.mktemp("trained")
    write_text(folder / "text.txt", sentences())
    lines = "".join(f"{word}\t{word} {word[:2]} size{len(word)}\n" for word in WORDS)
    (folder / "features.tsv").write_text(lines)
    settings = {"vector_size": 6, "min_count": 1, "epochs": 2}
    text = folder / "text.txt"
    subwords = Word2Vec(inputs="subwords", bucket=200_000, **settings).fit(text)
    subwords.save(folder / "subwords")
    subwords.export(folder / "model.bin", "fasttext-bin")
    Word2Vec(**settings).fit(text).save(folder / "plain")
    Word2Vec(**settings).fit(text, features=folder / "features.tsv").save(folder / "features")
    Word2Vec(objective="hierarchical", workers=1, **settings).fit(text).save(folder / "tree")
    subwords.export(folder / "vectors.txt", "word2vec")
    return folder


@pytest.fixture
def at(trained, tmp_path, monkeypatch):
    """A current folder with links to all of it, and features that are wrong."""
    for path in trained.iterdir():
        (tmp_path / path.name).symlink_to(path)
    lines = [f"{word}\t{word}\n" for word in WORDS]
    files = {
        "lacking.tsv": "".join(lines[1:]),
        "more.tsv": "".join([*lines, "unseen\tx\n"]),
        "twice.tsv": "".join([*lines, lines[0]]),
        "table.csv": "".join(lines).replace("\t", ","),
        "bare.tsv": "".join(f"{word}\t\n" for word in WORDS),
        "blank.tsv": "\n \n",
        "empty.tsv": "",
        "fake.gz": "".join(lines),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "utf16.tsv").write_bytes("".join(lines).encode("utf-16"))
    (tmp_path / "latin.tsv").write_bytes("".join(lines).encode("latin-1"))
    (tmp_path / "binary.tsv").write_bytes(bytes(range(256)))
    (tmp_path / "compressed.tsv").write_bytes(gzip.compress("".join(lines).encode()))
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "photo.jpg").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(shown):
    found = {}
    for line in shown.splitlines():
        word, *numbers = line.split(" ")
        found[word] = np.array(numbers, np.float32)
    return found


# Training


def test_training_with_subwords_and_features(run, at):
    options = ["--inputs", "subwords", "--min-n", "2", "--max-n", "4", "--bucket", "999"]
    assert run("train", "text.txt", "-o", "out", *QUICK, *options) == (0, "", "")
    settings = Word2Vec.load("out").settings
    assert (settings.inputs, settings.min_n, settings.max_n, settings.bucket) == (
        *("subwords", 2, 4, 999),
    )
    for options in (["--inputs", "features"], []):
        assert (
            run("train", "text.txt", "-o", "out", *QUICK, *options, "--features", "features.tsv")[0]
            == 0
        )
        model = Word2Vec.load("out")
        assert model.settings.inputs == "features"
        assert np.array_equal(model.in_vectors, Word2Vec.load("features").in_vectors)


def test_the_help_has_the_options(run):
    _, shown, _ = run("train", "--help")
    for option in ("--inputs", "--min-n", "--max-n", "--bucket", "--features FILE"):
        assert option in shown
    assert "words|subwords|features" in shown


def test_features_that_are_not_utf_8_may_be_repaired(run, at):
    options = ["--errors", "replace", "--features", "latin.tsv"]
    status, _, errors = run("train", "text.txt", "-o", "out", *QUICK[:-1], *options)
    assert status == 2
    assert "8 invalid UTF-8 sequences in 1 file replaced by U+FFFD" in errors
    assert "got some for 'stra\ufffde'" in errors


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


# Vectors


def test_vectors_are_those_of_the_model(run, at):
    model = Word2Vec.load("subwords")
    asked = ["river", "rivery", "straßeling", "lakes"]
    status, shown, errors = run("vectors", "subwords", *asked)
    assert (status, errors) == (0, "")
    rows = rows_of(shown)
    assert list(rows) == asked
    assert np.array_equal(list(rows.values()), model.vectors(asked))
    _, shown, _ = run("vectors", "subwords", "river", "river", "lake", "river")
    assert list(rows_of(shown)) == ["river", "lake"]
    for table in ("in", "sum"):
        _, shown, _ = run("vectors", "subwords", *asked, "--table", table)
        assert np.array_equal(list(rows_of(shown).values()), model.vectors(asked, table))
    _, shown, _ = run("vectors", "subwords", "river", "--table", "out")
    assert np.array_equal(rows_of(shown)["river"], model.vectors(["river"], "out")[0])


@pytest.mark.parametrize("form", ["word2vec", "word2vec-bin", "npz", "glove", "kv", "arrow"])
def test_vectors_are_written_in_any_format(run, at, form):
    target = at / "out.vectors"
    asked = ["river", "rivery", "lakes"]
    expected = (0, f"{target}\n", "")
    assert run("vectors", "subwords", *asked, "--output", target, "--format", form) == expected
    found = read_vectors(target, form)
    assert found.words == asked
    assert np.array_equal(found.vectors, Word2Vec.load("subwords").vectors(asked))


def test_vectors_of_files_of_vectors(run, at):
    model = Word2Vec.load("subwords")
    _, shown, _ = run("vectors", "vectors.txt", "river", "lakes")
    assert np.array_equal(list(rows_of(shown).values()), model.vectors(["river", "lakes"]))
    _, shown, _ = run("vectors", "model.bin", "river", "rivery")
    found = np.array(list(rows_of(shown).values()))
    assert np.allclose(found, model.vectors(["river", "rivery"]), atol=1e-6)


def standard_input(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_words_come_from_standard_input(run, at, monkeypatch):
    standard_input(monkeypatch, "\ufeffriver rivery\r\n\n\tstraße river".encode())
    status, shown, errors = run("vectors", "subwords")
    assert (status, errors) == (0, "")
    assert list(rows_of(shown)) == ["river", "rivery", "straße"]
    for data, message in (
        (b"", "standard input has no words either"),
        (b" \n", "standard input has no words either"),
        (b"river stra\xdfe", "standard input: expected words in UTF-8, got byte 0xdf at byte offs"),
    ):
        standard_input(monkeypatch, data)
        status, shown, errors = run("vectors", "subwords")
        assert (status, shown, errors.count("\n")) == (2, "", 1)
        assert message in errors


@pytest.mark.parametrize("word", ["river lake", "river\n", "river\u3000"])
def test_words_with_blanks_are_no_lines(run, at, word):
    status, shown, errors = run("vectors", "subwords", word)
    assert (status, shown) == (2, "")
    assert "expected words without blanks for standard output" in errors
    assert run("vectors", "subwords", word, "-o", "out.npz")[0] == 0
    assert read_vectors(at / "out.npz").words == [word]


def test_a_closed_standard_output_is_no_traceback(at):
    """As in `fastw2v vectors model < words | head -1`."""
    words = "\n".join(f"river{number}" for number in range(20_000)).encode()
    command = [PROGRAM, "vectors", "subwords"]
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **pipe)
    process.stdin.write(words)
    process.stdin.close()
    assert process.stdout.readline().startswith(b"river0 ")
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141  # as of a process that SIGPIPE ended
    assert b"Traceback" not in errors
    assert errors.count(b"\n") <= 1


def test_a_full_disk_is_told(at):
    with Path("/dev/full").open("wb") as full:
        command = [PROGRAM, "vectors", "subwords", "river"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"fastw2v: could not read or write:")


# Neighbours


def test_neighbours_of_unknown_words(run, at):
    model = Word2Vec.load("subwords")
    status, shown, errors = run("neighbors", "subwords", "river", "rivery", "--topn", "3")
    assert (status, errors) == (0, "")
    lines = shown.splitlines()
    assert lines[0] == f"river ({model.vocabulary.counts[model.vocabulary.index('river')]:,} times)"
    assert lines[4] == "rivery (unknown, from its n-grams)"
    for line, word in ((lines[1], "river"), (lines[5], "rivery")):
        expected = [f"{other} {x:.2f}" for other, x in model.wv.most_similar(word, topn=3)]
        assert line == "  near     " + ", ".join(expected)
    expected = [f"{other} {p:.2%}" for other, p in model.predict_context("rivery", topn=3)]
    assert lines[6] == "  context  " + ", ".join(expected)


def test_neighbours_in_files(run, at):
    _, of_model, _ = run("neighbors", "subwords", "river", "rivery", "--topn", "3")
    near = [line for line in of_model.splitlines() if line.startswith("  near")]
    _, of_bin, _ = run("neighbors", "model.bin", "river", "rivery", "--topn", "3")
    assert [line for line in of_bin.splitlines() if line.startswith("  near")] == near
    assert "context" not in of_bin
    assert "rivery (unknown, from its n-grams)" in of_bin
    _, of_text, _ = run("neighbors", "vectors.txt", "river", "--topn", "3")
    assert of_text == f"river\n{near[0]}\n"
    status, _, errors = run("neighbors", "model.bin", "river", "--vectors", "in")
    assert status == 2
    assert "expected a model to choose the table 'in' of" in errors


# Files


@pytest.mark.parametrize("kind", ["plain", "tree"])
def test_export_makes_vectors_of_unknown_words(run, at, kind):
    target = at / "made.bin"
    options = ("--unknown-words", "--format", "fasttext-bin", "--quiet")
    assert run("export", kind, target, *options) == (0, f"{target}\n", "")
    made = Word2Vec.load(kind).make_unknown_words()
    keyed = load_facebook_vectors(str(target))
    for word in ("river", "rivery", "straßeling"):
        assert np.allclose(keyed.get_vector(word), made.vector(word), atol=1e-5)
    assert "rivery" not in Word2Vec.load(kind).vocabulary
    assert Word2Vec.load(kind).embeddings.unknown is None


def test_fasttext_s_bin_is_converted(run, at):
    assert run("convert", "model.bin", "again.bin", "--format", "fasttext-bin", "--quiet")[0] == 0
    first, again = read_vectors(at / "model.bin"), read_vectors(at / "again.bin")
    assert again.words == first.words
    assert np.allclose(again.vectors, first.vectors, atol=1e-6)
    assert np.array_equal(again.ngrams.vectors, first.ngrams.vectors)
    for name in ("out.txt", "out.npz", "out.kv", "out.parquet"):
        assert run("convert", "model.bin", name, "--quiet")[0] == 0
        assert np.array_equal(read_vectors(at / name).vectors, first.vectors)


def test_every_format_reads_what_it_wrote_of_subwords(run, at):
    for form in ("word2vec", "word2vec-bin", "glove", "fasttext", "npz", "kv", "fasttext-bin"):
        assert run("export", "subwords", f"out.{form}", "--format", form, "--quiet")[0] == 0
        found = read_vectors(at / f"out.{form}", form)
        assert np.allclose(found.vectors, Word2Vec.load("subwords").embeddings.table(), atol=1e-6)


def test_more_buckets_than_the_disk_has_room_for(run, at, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 2**20}))
    before = tree(at)
    status, _, errors = run("export", "subwords", "big.fasttext", "--quiet")
    assert status == 2
    assert re.search(r"expected 0\.0 GiB of room for a row for each of 200,000 buckets", errors)
    assert tree(at) == before
    assert (
        run("export", "subwords", "big.fasttext.gz", "--format", "fasttext-bin", "--quiet")[0] == 0
    )


def test_perplexity_tells_of_unknown_words(run, at):
    (at / "more.txt").write_text("river rivery lake\nstones stoner qqq lakes\n")
    status, shown, _ = run("perplexity", "subwords", "more.txt", "--quiet")
    result = Word2Vec.load("subwords").perplexity(at / "more.txt")
    assert status == 0
    assert f"unknown     {result.unknown_loss_nats:.4f} nats a pair around 2 tokens" in shown
    status, shown, _ = run("perplexity", "plain", "more.txt", "--quiet")
    assert "unknown " not in shown


def test_the_program_itself(at):
    done = program("vectors", "subwords", cwd=at, input=b"river rivery\n")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") == 2
