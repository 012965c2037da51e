"""Evaluation with unknown words: vectors that are made, what has none, all told apart."""

import json
import math

import numpy as np
import pytest
from gensim.models.fasttext import load_facebook_vectors
from scipy.stats import spearmanr

from fastw2v import Word2Vec
from fastw2v.evaluation import WordTable, evaluate_analogies, evaluate_similarity, scores
from fastw2v.evaluation.loading import load_table
from fastw2v.evaluation.test_sets import AnalogySet, PairSet
from tests.support.corpora_made import topic_sentences

PLACES = {"one": (1.0, 0.0), "two": (0.6, 0.8), "three": (0.0, 1.0), "four": (-0.6, 0.8)}
MADE = {"oneish": (0.8, 0.6), "threeish": (0.6, -0.8)}
PAIRS = [
    *[("one", "two", 3.0), ("one", "three", 2.0), ("two", "four", 1.5), ("one", "four", 0.5)],
    *[("ONEISH", "one", 4.0), ("threeish", "Three", 0.2), ("none", "one", 1.0)],
]


def make(words):
    return np.array([MADE.get(word, (0.0, 0.0)) for word in words], np.float32)


def table(maker=make):
    return WordTable(list(PLACES), np.array(list(PLACES.values()), np.float32), maker)


def twin(pairs, vectors):
    """Return Spearman's rho over all pairs, 0 for a word without a vector."""
    cosines = [np.dot(*(vectors.get(word.lower(), (0, 0)) for word in pair[:2])) for pair in pairs]
    return spearmanr(cosines, [judged for *_, judged in pairs]).statistic


def test_all_pairs_are_scored_and_told_apart():
    found = evaluate_similarity(table(), PairSet("mine", PAIRS))
    assert (found.covered, found.total) == (4, 7)
    assert found.spearman == pytest.approx(twin(PAIRS[:4], PLACES))
    every = found.with_unknown
    assert (every.made, every.lacking) == (2, 1)
    assert every.spearman == pytest.approx(twin(PAIRS, PLACES | MADE))
    assert every.spearman != pytest.approx(twin(PAIRS[:6], PLACES | MADE))  # 0, and not left out
    assert every.low <= every.spearman <= every.high
    assert found.as_dict()["with_unknown"] == every.as_dict()


def test_known_words_are_scored_as_without_unknown_ones():
    plain = evaluate_similarity(table(None), PairSet("mine", PAIRS))
    found = evaluate_similarity(table(), PairSet("mine", PAIRS))
    for name in ("spearman", "low", "high", "covered", "total"):
        assert getattr(found, name) == getattr(plain, name)
    assert plain.with_unknown is None
    assert "with_unknown" not in plain.as_dict()
    assert [s.covered for s in scores(table())] == [s.covered for s in scores(table(None))]


def test_too_few_pairs_have_no_correlation():
    found = evaluate_similarity(table(), PairSet("few", PAIRS[:2]))
    assert math.isnan(found.with_unknown.spearman)
    assert found.as_dict()["with_unknown"]["spearman"] is None


def test_made_vectors_lose_the_mean_too_and_what_has_none_stays_without():
    centred = table().centred()
    mean = np.array(list(PLACES.values())).mean(axis=0)
    assert np.allclose(centred.vectors, np.array(list(PLACES.values())) - mean)
    assert np.allclose(centred.make_unknown(["oneish", "none"]), [MADE["oneish"] - mean, (0, 0)])
    assert table(None).centred().make_unknown is None


def test_words_are_spelt_as_the_table_s():
    assert table().spelt("Oneish") == "oneish"
    mixed = WordTable(["One", "two"], np.eye(2, dtype=np.float32), make)
    assert mixed.spelt("Oneish") == "Oneish"
    assert len(table().with_words(["ONE", "oneish", "Oneish", "none"])) == 5


def planted_analogies():
    """Words whose vectors answer every question, of which the table knows a part."""
    generator = np.random.default_rng(3)
    stems, shift = generator.normal(size=(12, 8)), 2 * generator.normal(size=8)
    vectors = {f"s{k}": stem for k, stem in enumerate(stems)}
    vectors |= {f"s{k}x": stem + shift for k, stem in enumerate(stems)}
    four = [(f"s{a}", f"s{a}x", f"s{b}", f"s{b}x") for a in range(12) for b in range(12) if a != b]
    return vectors, [*four, ("s0", "s0x", "s1", "nothing")]


def test_all_questions_are_asked_and_told_apart():
    vectors, questions = planted_analogies()
    known = [word for word in vectors if word not in ("s3x", "s4")]

    def made(words):
        return np.array([vectors.get(word, np.zeros(8)) for word in words], np.float32)

    words = WordTable(known, made(known), made)
    restrict = len(known) - 2  # two known words are too rare to be asked, but for all questions
    asked = AnalogySet("mine", {"all": questions})
    found = evaluate_analogies(words, asked, restrict=restrict)
    plain = evaluate_analogies(WordTable(known, made(known)), asked, restrict=restrict)
    assert found.overall == plain.overall
    assert plain.with_unknown is None
    assert "with_unknown" not in plain.as_dict()
    every = found.with_unknown
    assert (every.total, every.lacking) == (133, 1)
    assert every.made == 132 - found.overall.covered > 0
    whole = WordTable(list(vectors), made(list(vectors)))
    assert every.cos_add == evaluate_analogies(whole, asked).overall.cos_add > 100
    assert found.as_dict()["with_unknown"]["cos_add_accuracy"] == every.cos_add / 133


@pytest.fixture(scope="module")
def subwords():
    settings = {"vector_size": 12, "min_count": 1, "epochs": 2, "bucket": 200_000}
    return Word2Vec(inputs="subwords", **settings).fit(topic_sentences(1, 300))


def pairs_of(model):
    """Return pairs of known words, of words with an ending that none has, and of digits."""
    words = model.vocabulary.words
    near = [(words[k], words[k + 1], float(k % 7)) for k in range(12)]
    made = [(f"{words[k]}{words[k + 3]}", words[k], float(k % 5)) for k in range(10)]
    return [*near, *made, ("qqqqq", words[0], 1.0)]


@pytest.mark.parametrize("vectors", ["sum", "in"])
def test_eval_of_a_subword_model(subwords, tmp_path, run, vectors):
    subwords.save(tmp_path / "model")
    pairs = pairs_of(subwords)
    lines = ["\t".join(map(str, pair)) for pair in pairs]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines), encoding="utf-8")
    asked = ("eval", tmp_path / "model", "--pairs", tmp_path / "pairs.tsv", "--vectors", vectors)
    status, out, _ = run(*asked, "--json", "--quiet")
    assert status == 0
    (found,) = json.loads(out)["similarity"]
    assert (found["covered"], found["total"]) == (12, 23)
    every = found["with_unknown"]
    assert (every["made"], every["lacking"]) == (10, 1)

    def unit(word):
        try:
            vector = subwords.vectors([word], vectors)[0].astype(float)
        except KeyError:
            return np.zeros(12)
        return vector / np.linalg.norm(vector)

    cosines = [unit(a) @ unit(b) for a, b, _ in pairs]
    expected = spearmanr(cosines, [judged for *_, judged in pairs]).statistic
    assert every["spearman"] == pytest.approx(expected, abs=0.01)  # float32 may change a rank
    status, out, _ = run(*asked, "--quiet")
    assert "12 of 23 pairs" in out
    assert "all 23 pairs, 10 by n-grams, 1 have no vector" in out
    assert "all 19,544, 0 by n-grams, " in out


def test_eval_of_output_vectors_has_no_unknown_words(subwords, tmp_path):
    subwords.save(tmp_path / "model")
    assert load_table(tmp_path / "model", "out")[0].make_unknown is None


def test_a_fasttext_file_is_scored_as_its_model(subwords, tmp_path):
    subwords.save(tmp_path / "model")
    subwords.export(tmp_path / "model.bin", "fasttext-bin")
    pairs = PairSet("mine", pairs_of(subwords))
    of_model, of_file = (load_table(tmp_path / name)[0] for name in ("model", "model.bin"))
    one, other = (evaluate_similarity(each, pairs).with_unknown for each in (of_model, of_file))
    assert (other.made, other.lacking) == (one.made, one.lacking) == (10, 1)
    assert other.spearman == pytest.approx(one.spearman, abs=0.01)
    keyed = load_facebook_vectors(str(tmp_path / "model.bin"))
    by_gensim = evaluate_similarity(WordTable.of_keyed(keyed), pairs).with_unknown
    assert (by_gensim.made, by_gensim.lacking) == (10, 1)
    assert by_gensim.spearman == pytest.approx(one.spearman, abs=0.01)
    assert WordTable.of_keyed(subwords.wv).make_unknown is not None
