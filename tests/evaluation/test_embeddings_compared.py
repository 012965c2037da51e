"""Overlap of neighbours and Procrustes alignment on planted copies and on noise."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from fastw2v.errors import EvaluationError
from fastw2v.evaluation import WordTable
from fastw2v.evaluation.alignment import align
from fastw2v.evaluation.neighbours import common_words, nearest, neighbour_overlap

WORDS = [f"w{k}" for k in range(300)]


def random_table(seed, dimensions=10, words=WORDS):
    generator = np.random.default_rng(seed)
    return WordTable(words, generator.standard_normal((len(words), dimensions), np.float32))


def rotated(table, seed=1, noise=0.0):
    """A copy that is rotated, stretched word by word, in another order, with a word of its own."""
    generator = np.random.default_rng(seed)
    dimensions = table.vectors.shape[1]
    rotation = ortho_group.rvs(dimensions, random_state=seed)
    vectors = table.unit @ rotation + noise * generator.standard_normal(table.vectors.shape)
    vectors *= generator.uniform(0.2, 3, (len(table), 1))
    order = generator.permutation(len(table))
    words = ["new", *(table.words[k] for k in order)]
    mixed = np.concatenate([generator.standard_normal((1, dimensions)), vectors[order]])
    return WordTable(words, mixed.astype(np.float32))


def test_a_rotated_copy_agrees_wholly():
    table = random_table(0)
    overlap = neighbour_overlap(table, rotated(table))
    assert (overlap.precision, overlap.jaccard) == (1, 1)
    assert (overlap.k, overlap.sampled, overlap.common) == (10, 300, 300)
    found = align(table, rotated(table))
    assert found.residual < 1e-5
    assert found.mean_cosine == pytest.approx(1, abs=1e-6)
    assert (found.fitted, found.judged) == (150, 150)


def test_noise_agrees_as_far_as_chance_goes():
    overlap = neighbour_overlap(random_table(0), random_table(1))
    assert overlap.precision == pytest.approx(10 / 299, abs=0.02)
    assert overlap.jaccard < overlap.precision
    found = align(random_table(0), random_table(1))
    assert found.mean_cosine == pytest.approx(0, abs=0.1)
    assert found.residual == pytest.approx(np.sqrt(2), abs=0.1)


def test_a_direction_that_all_vectors_share_is_no_agreement():
    one, other = (random_table(seed) for seed in (0, 1))
    for table in (one, other):
        table.vectors[:, 0] += 10
    assert (one.unit @ one.unit.T).mean() > 0.9
    assert ((one.unit * other.unit).sum(axis=1)).mean() > 0.9  # what no centring would find
    found = align(one, other)
    assert found.mean_cosine == pytest.approx(0, abs=0.1)
    assert found.residual == pytest.approx(np.sqrt(2), abs=0.1)
    again = align(one, rotated(one))
    assert again.mean_cosine == pytest.approx(1, abs=1e-6)


def test_more_noise_agrees_less():
    table = random_table(0)
    copies = [rotated(table, noise=noise) for noise in (0.05, 0.2, 1.0)]
    overlaps = [neighbour_overlap(table, copy).precision for copy in copies]
    cosines = [align(table, copy).mean_cosine for copy in copies]
    residuals = [align(table, copy).residual for copy in copies]
    assert overlaps == sorted(overlaps, reverse=True)
    assert cosines == sorted(cosines, reverse=True)
    assert residuals == sorted(residuals)
    assert overlaps[0] > 3 * overlaps[-1]


def test_noise_of_few_words_would_fit_if_it_were_judged_on_the_fitted_ones():
    """Why the words are halved: 20 words of 40 dimensions can be rotated onto anything."""
    few = WORDS[:20]
    one, other = random_table(0, 40, few), random_table(1, 40, few)
    one, other = (WordTable(few, t.unit - t.unit.mean(axis=0)) for t in (one, other))
    left, _, right = np.linalg.svd(one.unit.T @ other.unit)
    fitted = ((one.unit @ left @ right) * other.unit).sum(axis=1).mean()
    assert fitted > 0.9
    assert abs(align(one, other).mean_cosine) < 0.2


def test_dimensions_may_differ():
    table = random_table(0, 6)
    wide = WordTable(WORDS, np.pad(table.vectors, ((0, 0), (0, 3))))
    assert align(table, rotated(wide)).mean_cosine == pytest.approx(1, abs=1e-6)
    assert align(rotated(wide), table).mean_cosine == pytest.approx(1, abs=1e-6)
    assert neighbour_overlap(table, rotated(wide)).precision == 1


def test_neighbours_are_those_of_a_loop():
    table = random_table(3)
    rows = np.arange(0, 300, 11)
    found = nearest(table, rows, 5)
    for row, near in zip(rows, found, strict=True):
        cosines = {other: float(table.unit[row] @ table.unit[other]) for other in range(300)}
        del cosines[int(row)]
        assert sorted(near.tolist()) == sorted(sorted(cosines, key=cosines.get)[-5:])


def test_a_word_is_no_neighbour_of_itself_among_many_with_its_vector():
    vectors = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0)
    found = nearest(WordTable([f"w{row}" for row in range(40)], vectors), np.array([3, 19]), 4)
    assert found.tolist() == [[0, 1, 2, 4], [0, 1, 2, 3]]


def test_the_sample_follows_from_the_seed(monkeypatch):
    monkeypatch.setattr("fastw2v.evaluation.neighbours.SAMPLED_WORDS", 30)
    table = random_table(0)
    copy = rotated(table, noise=0.3)
    first, again, other = (neighbour_overlap(table, copy, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert align(table, copy, seed=1) == align(table, copy, seed=1) != align(table, copy, seed=2)


def test_words_in_common_keep_the_first_order():
    one = WordTable(["a", "b", "c"], np.arange(6, dtype=np.float32).reshape(3, 2))
    other = WordTable(["c", "x", "a"], np.arange(6, dtype=np.float32).reshape(3, 2))
    first, second = common_words(one, other)
    assert list(first.words) == list(second.words) == ["a", "c"]
    assert second.vectors.tolist() == [[4, 5], [0, 1]]
    assert list(common_words(one, other, 1)[0].words) == ["a"]


@pytest.mark.parametrize("measure", [neighbour_overlap, align])
def test_nothing_in_common_is_an_error(measure):
    with pytest.raises(EvaluationError, match="words that both embeddings have, got none"):
        measure(random_table(0), WordTable(["other"], np.ones((1, 10), np.float32)))
    with pytest.raises(EvaluationError, match="at least two words in common, got one"):
        measure(random_table(0), WordTable(["w3"], np.ones((1, 10), np.float32)))


def test_vectors_must_be_finite_and_as_many_as_words():
    with pytest.raises(EvaluationError, match="one row for each of 2 words"):
        WordTable(["a", "b"], np.ones((3, 2), np.float32))
    with pytest.raises(EvaluationError, match="expected finite numbers, got others, first for 'b'"):
        WordTable(["a", "b"], np.array([[1, 2], [np.nan, 1]], np.float32))
