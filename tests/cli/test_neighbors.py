"""`fastw2v neighbors`: words in any case, sums, several tables, JSON, unknown words."""

import json

import pytest

from fastw2v import Word2Vec


def lines_of(found, *arguments):
    status, shown, errors = found
    assert (status, errors) == (0, ""), (status, errors)
    return shown.splitlines()


def test_capitals_do_not_matter(run, reference):
    as_it_is = lines_of(run("neighbors", reference, "w5"))
    assert lines_of(run("neighbors", reference, "W5")) == as_it_is
    _, shown, _ = run("neighbors", reference, "W5", "--json")
    (found,) = json.loads(shown)["queries"]
    assert (found["query"], found["words"][0]["word"]) == ("W5", "w5")


def test_the_word_itself_comes_before_one_in_other_capitals(run, tmp_path):
    sentences = [["us", "US", "Us", "other", "more"] * 2] * 9
    Word2Vec(vector_size=3, min_count=1, epochs=1).fit([*sentences, ["US"] * 9]).save(
        tmp_path / "m"
    )
    heads = [lines_of(run("neighbors", tmp_path / "m", word))[0] for word in ("us", "Us", "uS")]
    assert heads == ["us (18 times)", "Us (18 times)", "US (27 times)"]  # the most frequent


def test_known_words_are_answered_beside_unknown_ones(run, reference):
    known = run("neighbors", reference, "w5", "w11")[1]
    status, shown, errors = run("neighbors", reference, "w5", "zebra", "w11", "quagga - w5")
    assert status == 2
    assert shown == known
    assert errors.count("\n") == 1
    assert "'zebra'" in errors
    assert "'quagga'" in errors
    status, shown, errors = run("neighbors", reference, "zebra", "w5", "--json")
    content = json.loads(shown)
    assert (status, len(content["queries"])) == (2, 1)
    assert content["unknown"][0]["query"] == "zebra"
    assert content["unknown"][0]["message"] in errors
    status, shown, _ = run("neighbors", reference, "zebra")
    assert (status, shown) == (2, "")


@pytest.mark.parametrize("given", [["w5 - w6 + W7"], ["w5", "-", "w6", "+", "w7"]])
def test_sums_are_answered_as_the_class_does(run, reference, given):
    found = lines_of(run("neighbors", reference, *given, "--topn", "4"))
    model = Word2Vec.load(reference)
    expected = [f"{w} {c:.2f}" for w, c in model.most_similar("w5 - w6 + w7", topn=4)]
    assert found == [" ".join(given), "  near     " + ", ".join(expected)]


def test_a_sign_without_a_word_is_wrong_use(run, reference):
    status, shown, errors = run("neighbors", reference, "w5 -")
    assert (status, shown) == (2, "")
    assert "a sign without a word" in errors


def test_several_tables_at_once(run, reference):
    model = Word2Vec.load(reference)
    tables = [option for name in ("in", "out", "both") for option in ("--vectors", name)]
    lines = lines_of(run("neighbors", reference, "w5", *tables, "--topn", "3"))
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["near", "in"], ["near", "out"], ["near", "both"],
    ]  # fmt: skip
    _, shown, _ = run("neighbors", reference, "w5", *tables, "--topn", "3", "--json")
    (found,) = json.loads(shown)["queries"]
    for name in ("in", "out", "both"):
        expected = model.most_similar("w5", topn=3, table=name)
        assert [(one["word"], one["cosine"]) for one in found["near"][name]] == expected


def test_json_has_all_that_lines_have(run, reference):
    model = Word2Vec.load(reference)
    _, shown, _ = run("neighbors", reference, "w5", "w5 + w6", "--topn", "3", "--json")
    content = json.loads(shown)
    assert content["model"] == str(reference)
    assert content["unknown"] == []
    word, total = content["queries"]
    count = model.wv.get_vecattr("w5", "count")
    assert word["words"] == [{"word": "w5", "weight": 1, "known": True, "count": count}]
    assert [(o["word"], o["probability"]) for o in word["context"]] == model.predict_context(
        "w5", topn=3
    )
    by_lift = model.predict_context("w5", topn=3, by="lift")
    assert [(one["word"], one["lift"]) for one in word["lift"]] == by_lift
    assert list(word["near"]) == ["sum"]
    assert total["context"] is None
    assert [one["weight"] for one in total["words"]] == [1, 1]


@pytest.mark.parametrize("form", ["word2vec", "word2vec-bin", "glove", "npz", "kv"])
def test_files_of_vectors_are_answered_alike(run, reference, tmp_path, form):
    target = tmp_path / "vectors"
    Word2Vec.load(reference).export(target, form, "in")
    queries, table = ["w5", "W11", "w5 - w6 + w7"], "sum" if form == "npz" else "in"
    _, of_model, _ = run("neighbors", reference, *queries, "--vectors", table, "--json")
    _, of_file, _ = run("neighbors", target, *queries, "--json")
    expected = [one["near"][table] for one in json.loads(of_model)["queries"]]
    found = json.loads(of_file)["queries"]
    assert [one["near"]["vectors"] for one in found] == expected
    assert {one["context"] for one in found} == {None}
    status, _, errors = run("neighbors", target, "w5", "--vectors", "in")
    assert status == 2
    assert "got a file of vectors" in errors
