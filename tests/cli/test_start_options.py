"""`train --start-from`: what it takes, what it says, and what it refuses."""

import json

import pytest

from fastw2v import StartFrom, Word2Vec
from tests.support.corpora_made import chain_sentences, write_text

QUICK = ["--epochs", "2", "--workers", "1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("starts")
    yesterday = chain_sentences(1, 20, sentences=200)
    today = [["w3", "new", "w4", "new"], *chain_sentences(2, 20, sentences=100)] * 2
    write_text(folder / "yesterday.txt", yesterday)
    write_text(folder / "today.txt", today)
    settings = {"vector_size": 5, "min_count": 1, "window": 3, "workers": 1}
    model = Word2Vec(**settings, window_sample=0.0).fit(folder / "yesterday.txt")
    model.save(folder / "model")
    model.export(folder / "vectors.txt")
    return folder


def arrays(folder):
    return (folder / "arrays.safetensors").read_bytes()


def test_a_model_goes_on(run, place, tmp_path):
    arguments = ("train", place / "today.txt", "-o", tmp_path / "new", *QUICK)
    status, shown, errors = run(*arguments, "--start-from", place / "model")
    assert status == 0
    assert f"20 of 21 words, 100% of the text, have vectors of {place / 'model'}" in errors
    assert "training is on the new text alone" in errors
    assert f"start        20 known words, 1 new ones, from {place / 'model'}\n" in shown
    same = Word2Vec(epochs=2, workers=1).fit(place / "today.txt", start=place / "model")
    same.save(tmp_path / "same")
    assert arrays(tmp_path / "new") == arrays(tmp_path / "same")
    record = json.loads((tmp_path / "new" / "config.json").read_text())["run"]["start"]
    assert record == same.run_record.start
    assert set(record) == {
        *("path", "digest", "vocabulary", "lock_known", "counts", "counts_digest"),
        *("is_counted", "n_known", "n_words"),
    }


def test_every_option_is_heard(run, place, tmp_path):
    counted = ("--window", "3", "--window-sample", "0", "--min-count", "1", "--quiet")
    assert run("count", place / "yesterday.txt", "-o", tmp_path / "before", *counted)[0] == 0
    options = {
        "keep": (["--start-vocabulary", "keep"], {"vocabulary": "keep"}),
        "lock": (["--lock-known"], {"lock_known": True}),
        "counts": (["--start-counts", tmp_path / "before"], {"counts": tmp_path / "before"}),
    }
    found = {}
    for name, (words, asked) in options.items():
        arguments = ("train", place / "today.txt", "-o", tmp_path / name, *QUICK, "--quiet")
        status, _, errors = run(*arguments, "--start-from", place / "model", *words)
        assert (status, errors) == (0, "")
        start = StartFrom(place / "model", **asked)
        Word2Vec(epochs=2, workers=1).fit(place / "today.txt", start=start).save(tmp_path / "same")
        found[name] = arrays(tmp_path / name)
        assert found[name] == arrays(tmp_path / "same")
    assert len(set(found.values())) == 3


def test_counts_and_files_of_vectors(run, place, tmp_path):
    assert run("count", place / "today.txt", "-o", tmp_path / "counts", "--quiet")[0] == 0
    for name, words in (
        ("of counts", ("--counts", tmp_path / "counts", "--start-from", place / "model")),
        ("of vectors", (place / "today.txt", "--start-from", place / "vectors.txt")),
    ):
        status, _, errors = run("train", *words, "-o", tmp_path / name, *QUICK, "--quiet")
        assert (status, errors) == (0, "")
        assert Word2Vec.load(tmp_path / name).settings.vector_size == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lock-known"], "--lock-known: expected --start-from beside it, got none"),
        (["--start-vocabulary", "keep"], "--start-vocabulary: expected --start-from beside it"),
        (["--start-counts", "x"], "--start-counts: expected --start-from beside it"),
        (["--start-from", "missing"], "missing: no such file or folder"),
        (["--start-from", "MODEL", "--vector-size", "7"], "vector_size: expected 5, as"),
        (["--start-from", "MODEL", "--tokenizer", "whitespace"], "tokenizer: expected 'words'"),
        (["--start-from", "MODEL", "--start-counts", "x"], "x: expected a folder written by"),
        (["--start-from", "MODEL", "--dry-run", "--vector-size", "7"], "vector_size: expected 5"),
        (["--start-from", "missing", "--dry-run"], "missing: no such file or folder"),
        (["--lock-known", "--dry-run"], "--lock-known: expected --start-from beside it, got none"),
        (["--start-from", "MODEL", "--dry-run", "--phrases", "1"], "phrases: expected none to be"),
        (["--start-from", "MODEL", "--start-vocabulary", "shrink"], "shrink"),
    ],
)
def test_what_is_refused(run, place, tmp_path, words, message):
    words = [str(place / "model") if word == "MODEL" else word for word in words]
    status, shown, errors = run("train", place / "today.txt", "-o", tmp_path / "new", *words)
    assert (status, shown) == (2, "")
    assert message in errors
    assert not list(tmp_path.iterdir())
