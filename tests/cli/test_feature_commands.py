"""The command line with subwords, features and unknown words."""

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
from tests.support.feature_models import QUICK
from tests.support.programs import PROGRAM, program, tree


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
