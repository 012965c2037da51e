"""Smallest vocabularies and vectors, settings beyond their range, workers, names of outputs."""

import gzip
import math
import os
import re
import subprocess
import threading
from dataclasses import fields
from typing import Literal, get_args, get_origin

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError, CorpusError
from tests.support.programs import PROGRAM, tree
from tests.support.traps_made import CELLS, QUICK, READERS, TEXT, WORDS, counts_of, holding, options

SENTENCES = [line.split() for line in TEXT.splitlines()]


SMALL = {
    "no word": [[], []],
    "1 word": [["a"] * 6, ["a"]],
    "2 words": [["a", "b", "a", "b"], ["b", "a"]],
}


@pytest.mark.parametrize("window", [1, 10_000])
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(("kind", "objective"), CELLS)
def test_vocabularies_of_0_1_and_2_words_in_one_dimension(tmp_path, kind, objective, name, window):
    settings = {"model": kind, "objective": objective, "window": window, "sample": 0, "epochs": 3}
    model, sentences = Word2Vec(vector_size=1, min_count=1, **settings), SMALL[name]
    if name == "no word":
        with pytest.raises(CorpusError, match="without a single token"):
            model.fit(sentences)
        return
    model.fit(sentences)
    words = sorted({word for sentence in sentences for word in sentence})
    assert sorted(model.vocabulary.words) == words
    assert model.in_vectors.shape == (len(words), 1)
    assert np.isfinite(model.in_vectors).all()
    assert np.isfinite(model.out_vectors).all()
    found = model.predict_context("a", topn=None)
    assert sorted(word for word, _ in found) == words
    assert sum(chance for _, chance in found) == pytest.approx(1, abs=1e-9)
    assert -1e-6 < model.perplexity(sentences).loss_nats < 2
    model.save(tmp_path / "model")
    again = Word2Vec.load(tmp_path / "model")
    assert again.in_vectors.tobytes() == model.in_vectors.tobytes()
    assert again.predict_context("a", topn=None) == found


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(("kind", "objective"), CELLS)
def test_small_vocabularies_on_the_command_line(run, tmp_path, kind, objective, name):
    path = holding("\n".join(map(" ".join, SMALL[name])))(tmp_path)
    settings = {
        "model": kind,
        "objective": objective,
        "sample": 0,
        "vector_size": 1,
        "min_count": 1,
    }
    status, _, errors = run("train", path, "-o", tmp_path / "model", *options(settings), "--quiet")
    if name == "no word":
        assert (status, errors.count("\n")) == (2, 1)
        return
    assert (status, errors) == (0, "")
    status, shown, errors = run("neighbors", tmp_path / "model", "a")
    assert (status, errors) == (0, "")
    assert "nan" not in shown
    assert run("perplexity", tmp_path / "model", path, "--quiet")[0] == 0
    for form, words_of in READERS.items():
        assert run("export", tmp_path / "model", tmp_path / form, "--format", form)[0] == 0
        assert sorted(words_of(tmp_path / form, form)) == ["a", "b"][: int(name[0])]


# Settings


def numbers_of_settings():
    """Every setting that is a number, with its type."""
    for item in fields(Hyperparameters):
        kinds = [kind for kind in get_args(item.type) if kind is not type(None)] or [item.type]
        if get_origin(item.type) is not Literal and kinds[0] in (int, float):
            yield item.name, kinds[0]


# Negative exponents prefer rare words, which word2vec allows.
NEGATIVE_IS_FINE = {"ns_exponent"}
USED_BY = {"negative": "negative", "ns_exponent": "negative"}
OF_PHRASES = {"phrase_min_count", "phrase_threshold"}


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1"])
@pytest.mark.parametrize(("name", "kind"), list(numbers_of_settings()))
def test_nan_infinite_and_negative_settings_are_refused(run, tmp_path, name, kind, value):
    objective = USED_BY.get(name, "softmax")
    beside = {"phrases": 1} if name in OF_PHRASES else {}
    if value == "-1" and name in NEGATIVE_IS_FINE:
        assert Hyperparameters(objective=objective, **{name: -1}).as_dict()[name] == -1
        return
    with pytest.raises(ConfigurationError, match=rf"^{name}: expected .*, got {float(value)!r}$"):
        Word2Vec(objective=objective, **{name: float(value)}, **beside)
    path = holding(TEXT)(tmp_path)
    words = ["--objective", objective, f"--{name.replace('_', '-')}={value}"]
    words += [f"--{other}={number}" for other, number in beside.items()]
    status, _, errors = run("train", path, "-o", tmp_path / "model", *words)
    assert (status, errors.count("\n")) == (2, 1)
    assert re.search(rf"{name}|--{name.replace('_', '-')}", errors)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("window", [0, -1, math.nan, 10_001])
def test_a_window_of_nothing_is_refused(window):
    with pytest.raises(ConfigurationError, match=rf"window: expected .*got {window!r}"):
        Word2Vec(window=window)


def test_workers_beyond_the_cores_change_nothing(run, tmp_path):
    path = holding(TEXT * 50)(tmp_path)
    settings = QUICK | {"vector_size": 3}
    one = Word2Vec(workers=1, **settings).fit(path)
    many = Word2Vec(workers=64, **settings).fit(path)
    assert one.in_vectors.tobytes() == many.in_vectors.tobytes()
    command = ["train", path, "-o", tmp_path / "model", *options(settings), "--workers", 64]
    assert run(*command)[0] == 0
    assert Word2Vec.load(tmp_path / "model").in_vectors.tobytes() == one.in_vectors.tobytes()
    negative = Word2Vec(objective="negative", vector_size=2, min_count=1, workers=64).fit(path)
    assert np.isfinite(negative.in_vectors).all()


@pytest.mark.parametrize("workers", [0, -3])
def test_no_workers_are_refused(run, tmp_path, workers):
    with pytest.raises(ConfigurationError, match=rf"workers: expected at least 1, got {workers}"):
        Word2Vec(workers=workers)
    path = holding(TEXT)(tmp_path)
    status, _, errors = run("train", path, "-o", tmp_path / "model", f"--workers={workers}")
    assert status == 2
    assert f"workers: expected at least 1, got {workers}" in errors


def test_more_workers_than_the_system_has_threads_for(monkeypatch):
    start, started = threading.Thread.start, []

    def start_three(thread):
        if len(started) == 3:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_three)
    with pytest.raises(ConfigurationError, match=r"workers: .*got 9 \(can't start .* after 3\)"):
        Word2Vec(workers=9, **QUICK).fit(SENTENCES)
    assert not any(thread.is_alive() for thread in started)


# Names of outputs


@pytest.mark.parametrize("name", ["two words", "Straße 汉字 😀", "-dash", os.fsdecode(b"caf\xe9")])
def test_outputs_with_strange_names(run, tmp_path, name):
    path = holding(TEXT)(tmp_path)
    status, _, errors = run("train", path, f"--output={tmp_path / name}", *options(QUICK))
    assert status == 0, errors
    model = Word2Vec.load(tmp_path / name)
    assert counts_of(model) == WORDS
    model.save(tmp_path / f"{name} again")
    assert tree(tmp_path / f"{name} again") == tree(tmp_path / name)
    assert run("export", "--", tmp_path / name, tmp_path / f"{name}.txt.gz")[0] == 0
    assert gzip.decompress((tmp_path / f"{name}.txt.gz").read_bytes()).startswith(b"6 2\n")


def test_a_full_standard_output_is_an_error(reference):
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("no /dev/full here")
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        command = [PROGRAM, "neighbors", reference, "w5"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"fastw2v: could not read or write: [Errno 28]")


def test_too_little_memory_is_an_error(run, tmp_path, monkeypatch):
    path = holding(TEXT)(tmp_path)
    words = options(QUICK | {"vector_size": 10**13})
    status, _, errors = run("train", path, "-o", tmp_path / "model", *words, "--quiet")
    assert status == 2
    assert errors.startswith("fastw2v: vector_size: expected at most 1048576, got 10000000000000")

    def fit(*_):
        raise MemoryError("Unable to allocate 4.00 TiB")

    monkeypatch.setattr("fastw2v.model.fitting.fit", fit)
    words = options(QUICK)
    status, _, errors = run("train", path, "-o", tmp_path / "model", *words, "--quiet")
    assert status == 2
    assert re.match(r"fastw2v: not enough memory \(.*\); use a smaller vector_size", errors), errors
