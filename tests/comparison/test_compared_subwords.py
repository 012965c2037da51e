"""Trainers with subwords beside each other, and their n-grams."""

import json

import numpy as np
import pytest

from fastw2v.comparison.rivals import fasttext_inputs
from fastw2v.comparison.runs import train_once
from fastw2v.comparison.stored import StoredVectors
from tests.support.compared import QUICK, request

# fastText gives first values to ten equal parts: ten has to divide (91 + 2004) x 6.
BUCKET = 2004
SUBWORDS = ["--inputs", "subwords", "--min-n", "2", "--max-n", "4", "--bucket", str(BUCKET)]


def test_subwords_are_compared_over_all_pairs(run, topics, tmp_path, without_fasttext):
    target = tmp_path / "out.json"
    options = (*QUICK, *SUBWORDS, "--rounds", "1", "--json", target)
    rivals = "gensim,fasttext,fastw2v-negative"
    status, out, errors = run("compare", topics, "--rivals", rivals, *options)
    assert status == 0, errors
    found = json.loads(target.read_text())
    ours, gensim, fasttext, negative = found["results"]
    assert ours["settings"]["inputs"] == "subwords"
    assert [ours["settings"][name] for name in ("min_n", "max_n", "bucket")] == [2, 4, BUCKET]
    assert negative["settings"]["inputs"] == "subwords"
    assert set(ours["all_pairs"]) == {"in+out"}
    of_set = ours["all_pairs"]["in+out"]["WordSim-353"]
    assert of_set["made"] + of_set["lacking"] == 353  # words like t3w07 are in none of its pairs
    assert "all_pairs" not in gensim
    assert set(negative["all_pairs"]) == {"in"}  # the table that it hands out with subwords
    assert fasttext["is_missing"]
    assert "Unknown words" in out
    assert f"inputs subwords, min_n 2, max_n 4, bucket {BUCKET}" in out


@pytest.mark.slow
def test_fasttext_s_subwords_are_its_own(run, topics, tmp_path):
    fasttext = pytest.importorskip("fasttext")
    named = {"inputs": "subwords", "min_n": 2, "max_n": 4, "bucket": BUCKET}
    # Ten threads, so that it gives first values to all rows and can be repeated here.
    asked = request(
        "fasttext", topics, tmp_path, epochs=0, workers=10, settings={"t": 0.5}, **named
    )
    record = train_once(asked)
    assert "error" not in record
    assert [record["settings"][name] for name in ("minn", "maxn", "bucket", "t")] == [
        2,
        4,
        BUCKET,
        0.5,
    ]
    options = {"minn": 2, "maxn": 4, "bucket": BUCKET, "minCount": 2, "dim": 6, "epoch": 0}
    theirs = fasttext.train_unsupervised(str(topics), thread=10, verbose=0, **options)
    table = StoredVectors.read(asked.vectors).word_tables["in"]
    expected = np.array([theirs.get_word_vector(word) for word in table.words])
    np.testing.assert_allclose(table.vectors, expected, atol=1e-6)
    unknown = ["t0w0", "unheard"]
    expected = np.array([theirs.get_word_vector(word) for word in unknown])
    np.testing.assert_allclose(table.make_unknown(unknown), expected, atol=1e-6)


def test_sizes_of_n_grams_are_each_trainer_s_own_unless_they_are_given(tmp_path):
    asked = request("fasttext", tmp_path / "none", tmp_path, inputs="subwords", max_n=7)
    assert fasttext_inputs(asked) == {"minn": 3, "maxn": 7, "bucket": 2_000_000}
    assert asked.ngram_sizes() == {"max_n": 7}
    plain = fasttext_inputs(request("fasttext", tmp_path / "none", tmp_path))
    assert (plain["minn"], plain["maxn"]) == (0, 0)


@pytest.mark.slow
def test_fasttext_with_subwords_is_compared_for_real(run, topics, tmp_path):
    pytest.importorskip("fasttext")
    target = tmp_path / "out.json"
    # With fewer than ten threads a small table of n-grams is what fastText finds in memory.
    options = (*QUICK, *SUBWORDS, "--rounds", "2", "--fasttext-t", "0.001", "--json", target)
    options = (*options, "--workers", "10")
    status, out, errors = run("compare", topics, "--rivals", "fasttext:4", *options)
    assert status == 0, errors
    results = json.loads(target.read_text())["results"]
    assert [record.get("error") for record in results] == [None] * 4
    assert [set(record["all_pairs"]) for record in results[:2]] == [{"in+out"}, {"in"}]
    assert results[1]["settings"]["t"] == 0.001
    assert np.isfinite(results[1]["calibrated_nats"])
    assert "fasttext_t 0.001" in out
