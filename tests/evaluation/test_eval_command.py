"""`fastw2v eval`: what it prints, and what it refuses."""

import json

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.formats import FORMATS
from tests.conftest import N_WORDS


@pytest.fixture
def files(tmp_path):
    """A similarity set, an analogy set and labels for the words of the shared model."""
    pairs = [f"w{k}\tw{k + 1}\t{k % 7}" for k in range(0, 30, 2)]
    (tmp_path / "pairs.tsv").write_text("\n".join(pairs) + "\nw1\tunknown\t3\n")
    questions = [f"w{k} w{k + 1} w{k + 10} w{k + 11}" for k in range(20)]
    (tmp_path / "questions.txt").write_text(": next\n" + "\n".join(questions) + "\n")
    labels = [f"w{k}\t{'low' if k < N_WORDS // 2 else 'high'}" for k in range(N_WORDS)]
    (tmp_path / "labels.tsv").write_text("\n".join(labels) + "\n")
    return tmp_path


def asked(files):
    return ["--pairs", files / "pairs.tsv", "--analogies", files / "questions.txt"]


def test_json_has_every_measure(run, model_folder, model, chain_file, files):
    status, out, errors = run(
        *("eval", model_folder, *asked(files), "--probe", files / "labels.tsv", "--tune"),
        *("--hidden-size", "4", "--folds", "4", "--text", chain_file, "--json", "--quiet"),
    )
    assert (status, errors) == (0, "")
    found = json.loads(out)
    assert (found["words"], found["dimensions"]) == (N_WORDS, 12)
    (pairs,) = found["similarity"]
    assert (pairs["name"], pairs["covered"], pairs["total"]) == ("pairs", 15, 16)
    assert pairs["low"] <= pairs["spearman"] <= pairs["high"]
    (questions,) = found["analogies"]
    assert (questions["name"], questions["covered"]) == ("questions", 20)
    assert [section["name"] for section in questions["sections"]] == ["next"]
    assert found["perplexity"]["loss_nats"] == model.perplexity(chain_file).loss_nats
    probe = found["probe"]
    assert probe["labels"] == {"high": 20, "low": 20}
    assert probe["settings"]["folds"] == 4
    assert set(probe["tuned"]) == {"accuracy", "test_gain", "train_gain", "moved"}


def test_lines_for_a_person(run, model_folder, chain_file, files):
    status, out, errors = run(
        *("eval", model_folder, *asked(files), "--probe", files / "labels.tsv", "--tune"),
        *("--hidden-size", "4", "--text", chain_file, "--vectors", "in"),
    )
    assert status == 0
    assert "analogies: done" in errors
    assert "probe: done" in errors
    assert "15 of 16 pairs" in out
    assert "  next " in out
    assert "  all " in out
    assert "perplexity " in out
    assert "  majority label               0.500\n" in out
    assert "trained words" in out
    assert "words asked for get no gradient" in out


def test_files_of_every_format_are_measured_alike(run, model, files):
    found = {}
    for form in FORMATS:
        model.export(files / form.name, form.name)
        status, out, errors = run("eval", files / form.name, *asked(files), "--json", "--quiet")
        assert (status, errors) == (0, ""), form
        result = json.loads(out)
        found[form.name] = (result["similarity"], result["analogies"])
    assert all(measured == found["npz"] for measured in found.values()), found


def test_the_bundled_sets_are_the_default(run, model_folder):
    status, out, _ = run("eval", model_folder, "--quiet")
    assert status == 0
    assert "WordSim-353                  no correlation, 0 of 353 pairs known" in out
    assert "gram8-plural                     -       -  0 of 1,332" in out


def test_a_person_without_scikit_learn_is_told_what_to_install(
    run, model_folder, files, monkeypatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    status, out, _ = run("eval", model_folder, "--probe", files / "labels.tsv", "--quiet")
    assert status == 0
    assert "not compared: pip install 'fastw2v[sklearn]'" in out


@pytest.mark.parametrize("vectors", ["in", "out", "sum", "both"])
def test_the_table_that_is_asked_for_is_measured(run, model_folder, model, files, vectors):
    from fastw2v.evaluation import WordTable, evaluate_similarity
    from fastw2v.evaluation.test_sets import read_pairs

    _, out, _ = run("eval", model_folder, *asked(files), "--vectors", vectors, "--json", "--quiet")
    table = WordTable(model.vocabulary.words, model.embeddings.table(vectors))
    expected = evaluate_similarity(table, read_pairs(files / "pairs.tsv"))
    assert json.loads(out)["similarity"] == [expected.as_dict()]


def test_perplexity_without_bound_is_null_in_json(run, model_folder, tmp_path, chain_file, files):
    model = Word2Vec.load(model_folder)
    model.in_vectors[:] *= np.float32(1e4)
    model.save(tmp_path / "wild")
    status, out, _ = run(
        "eval", tmp_path / "wild", *asked(files), "--text", chain_file, "--json", "--quiet"
    )
    assert status == 0
    assert json.loads(out)["perplexity"]["perplexity"] is None


def test_what_cannot_be_measured_is_refused(run, model_folder, tmp_path, files):
    status, out, errors = run("eval", model_folder, "--tune")
    assert (status, out) == (2, "")
    assert errors == "fastw2v: --tune: expected --probe FILE with it, got none\n"
    status, _, errors = run("eval", model_folder, "--probe", tmp_path / "none.tsv")
    assert status == 2
    assert "none.tsv: no such file or folder" in errors
    status, _, errors = run("eval", tmp_path / "none")
    assert status == 2


@pytest.mark.parametrize("suffix", [".txt", ".bin", ".txt.gz"])
def test_vectors_of_other_programs_are_measured_alike(run, model, model_folder, files, suffix):
    path = files / f"vectors{suffix}"
    model.export(path, None if suffix != ".txt.gz" else "word2vec", vectors="in")
    _, expected, _ = run("eval", model_folder, *asked(files), "--vectors", "in", "--json")
    status, out, errors = run("eval", path, *asked(files), "--json", "--quiet")
    assert (status, errors) == (0, "")
    wanted = json.loads(expected)
    for name in ("words", "dimensions", "similarity", "analogies"):
        assert json.loads(out)[name] == wanted[name]
    status, _, errors = run("eval", path, "--vectors", "in")
    assert status == 2
    assert "which has one table only, got 'in'" in errors
    status, _, errors = run("eval", path, "--text", path)
    assert status == 2
    assert "expected a model folder, whose p(context | word) is measured" in errors


def test_words_are_put_in_the_order_of_their_counts(tmp_path):
    from fastw2v.evaluation.loading import load_table
    from fastw2v.formats import write_vectors
    from fastw2v.formats.vectors import Vectors

    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    stored = Vectors(["rare", "often", "some"], vectors, np.array([1, 9, 5]))
    write_vectors(stored, tmp_path / "vectors.npz")
    table, model = load_table(tmp_path / "vectors.npz")
    assert model is None
    assert list(table.words) == ["often", "some", "rare"]
    assert table.vectors.tolist() == [[2, 3], [4, 5], [0, 1]]
