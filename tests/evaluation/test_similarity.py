"""Word similarity against gensim, scipy and planted answers."""

import math
import warnings

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath
from scipy.stats import spearmanr

from fastw2v.errors import EvaluationError
from fastw2v.evaluation import WordTable, evaluate_similarity, scores
from fastw2v.evaluation.similarity import rank_correlations
from fastw2v.evaluation.test_sets import (
    BUNDLED_PAIRS,
    PairSet,
    bundled_analogies,
    bundled_pairs,
    read_labels,
    read_pairs,
)


def keyed_of(table):
    keyed = KeyedVectors(table.vectors.shape[1])
    keyed.add_vectors(list(table.words), table.vectors)
    return keyed


@pytest.fixture(scope="module")
def table():
    """Random vectors of a part of the words of the bundled sets, in mixed case."""
    words = {
        word
        for pairs in bundled_pairs()
        for first, second, _ in pairs.pairs
        for word in (first, second)
    }
    generator = np.random.default_rng(5)
    kept = [word for word in sorted(words) if generator.random() < 0.8]
    kept += [word.capitalize() for word in kept[::7] if word.capitalize() not in kept]
    order = generator.permutation(len(kept))
    vectors = generator.standard_normal((len(kept), 6), np.float32)
    return WordTable([kept[place] for place in order], vectors)


@pytest.mark.parametrize("name", BUNDLED_PAIRS)
def test_correlation_and_coverage_are_gensim_s(table, name):
    pairs = next(pairs for pairs in bundled_pairs() if pairs.name == name)
    result = evaluate_similarity(table, pairs)
    path = datapath(BUNDLED_PAIRS[name])
    _, (expected, _), unknown = keyed_of(table).evaluate_word_pairs(path)
    assert result.spearman == pytest.approx(expected, abs=1e-12)
    assert 100 * (1 - result.covered / result.total) == pytest.approx(unknown)
    assert 0 < result.covered < result.total
    assert result.low < result.spearman < result.high


def test_ties_share_their_ranks():
    generator = np.random.default_rng(1)
    first, second = generator.integers(0, 4, (2, 20, 30)).astype(float)
    expected = [spearmanr(*rows).statistic for rows in zip(first, second, strict=True)]
    np.testing.assert_allclose(rank_correlations(first, second), expected, atol=1e-12)
    by_order = [
        np.corrcoef(*(np.argsort(np.argsort(row)) for row in rows))[0, 1]
        for rows in zip(first, second, strict=True)
    ]
    assert np.abs(np.array(by_order) - expected).max() > 0.01  # ranks without ties are caught


def planted(noise, n_pairs=300, seed=0):
    """Pairs on a circle whose judgement is their cosine, plus noise."""
    generator = np.random.default_rng(seed)
    angles = generator.uniform(0, math.pi, n_pairs)
    vectors = np.zeros((2 * n_pairs, 2), np.float32)
    vectors[::2, 0] = 1
    vectors[1::2] = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    words = [f"w{k}" for k in range(2 * n_pairs)]
    judged = np.cos(angles) + noise * generator.standard_normal(n_pairs)
    pairs = [(words[2 * k], words[2 * k + 1], float(judged[k])) for k in range(n_pairs)]
    return WordTable(words, vectors * generator.uniform(0.5, 2, (2 * n_pairs, 1)).astype("f4")), (
        PairSet("planted", pairs)
    )


def test_planted_judgements_are_found_and_reversed_ones_too():
    table, pairs = planted(noise=0)
    assert evaluate_similarity(table, pairs).spearman == pytest.approx(1, abs=1e-4)
    reverse = PairSet("reverse", [(a, b, -judged) for a, b, judged in pairs.pairs])
    assert evaluate_similarity(table, reverse).spearman == pytest.approx(-1, abs=1e-4)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    cosines = np.cos(np.random.default_rng(1).uniform(0, math.pi, 200_000))
    judged = cosines + 0.7 * np.random.default_rng(2).standard_normal(len(cosines))
    truth = spearmanr(cosines, judged).statistic
    results = [evaluate_similarity(*planted(noise=0.7, n_pairs=60, seed=s)) for s in range(60)]
    held = sum(result.low <= truth <= result.high for result in results)
    assert held >= 50  # 57 expected; the chance of fewer than 50 is below 1 in 1,000
    narrow = sum(abs(r.spearman - truth) <= (r.high - r.low) / 12 for r in results)
    assert narrow < 50  # an interval of a third of the width is caught


def test_the_interval_follows_from_the_seed():
    table, pairs = planted(noise=1)
    first, again, other = (evaluate_similarity(table, pairs, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)
    assert first.spearman == other.spearman


@pytest.mark.parametrize("block_pairs", [1, 1000])
def test_resamples_are_ranked_some_at_a_time(monkeypatch, block_pairs):
    table, pairs = planted(noise=1)
    whole = evaluate_similarity(table, pairs, resamples=200)
    monkeypatch.setattr("fastw2v.evaluation.similarity._BLOCK_PAIRS", block_pairs)
    assert evaluate_similarity(table, pairs, resamples=200) == whole


@pytest.mark.parametrize("size", [1e-25, 1e19])
def test_the_length_of_vectors_means_nothing(size):
    """Their squares are beyond float32."""
    table, pairs = planted(noise=0)
    scaled = WordTable(table.words, np.float32(size) * table.vectors)
    found, expected = (evaluate_similarity(one, pairs, resamples=0) for one in (scaled, table))
    assert found.spearman == pytest.approx(expected.spearman, abs=1e-4)


def test_too_few_pairs_have_no_correlation():
    table = WordTable(["a", "b", "c"], np.eye(3, dtype=np.float32))
    result = evaluate_similarity(table, PairSet("few", [("a", "b", 1.0), ("x", "y", 2.0)]))
    assert math.isnan(result.spearman)
    assert result.as_dict() == {
        "name": "few", "spearman": None, "low": None, "high": None,
        "covered": 1, "total": 2, "coverage": 0.5,
    }  # fmt: skip


def test_equal_judgements_have_no_correlation_and_no_warning():
    table, pairs = planted(noise=0, n_pairs=5)
    flat = PairSet("flat", [(a, b, 1.0) for a, b, _ in pairs.pairs])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(evaluate_similarity(table, flat).spearman)


def test_the_usual_three_scores(table):
    found = {score.name: score for score in scores(keyed_of(table))}
    assert list(found) == ["WordSim-353", "SimLex-999", "Google analogies"]
    assert found["WordSim-353"].total == 353
    assert found["Google analogies"].total == sum(
        map(len, bundled_analogies()[0].sections.values())
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\t1\na\tb\n", "line 2: expected word<TAB>word<TAB>similarity, got 'a\\\\tb'"),
        ("a\tb\tmuch\n", "line 1: expected word<TAB>word<TAB>similarity"),
        ("a\tb\tnan\n", "line 1: expected a finite similarity"),
        ("# nothing\n\n", "expected lines of word<TAB>word<TAB>similarity, got none"),
    ],
)
def test_lines_that_are_no_pairs_are_refused(tmp_path, text, message):
    path = tmp_path / "pairs.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=message):
        read_pairs(path)


@pytest.mark.parametrize("separator", ["\t", ",", "  ", ", "])
def test_pairs_are_cut_at_tabs_commas_or_blanks(tmp_path, separator):
    path = tmp_path / "pairs"
    lines = [
        "# a comment",
        separator.join(["old", "new", "1.5"]),
        "",
        "  x" + separator + "y" + separator + "2  ",
    ]
    path.write_text("\r\n".join(lines), encoding="utf-8")
    assert read_pairs(path).pairs == [("old", "new", 1.5), ("x", "y", 2.0)]


def test_files_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(EvaluationError, match="missing: no such file"):
        read_pairs(tmp_path / "missing")
    (tmp_path / "latin").write_bytes("é\tb\t1".encode("latin-1"))
    with pytest.raises(EvaluationError, match=r"latin: expected UTF-8 text, .* at line 1"):
        read_pairs(tmp_path / "latin")


def test_labels_come_once_a_word(tmp_path):
    path = tmp_path / "labels.tsv"
    path.write_text("one\tnoun phrase\n#x\ntwo\tverb\n", encoding="utf-8")
    assert read_labels(path) == [("one", "noun phrase"), ("two", "verb")]
    path.write_text("one\tA\ntwo\tB\none\tA\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match="line 3: expected each word once, got 'one' again"):
        read_labels(path)
    path.write_text("one A\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match="line 1: expected word<TAB>label"):
        read_labels(path)
