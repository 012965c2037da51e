"""Each objective's own held-out loss, against loops over its plain formula."""

import numpy as np
import pytest

from fastw2v.errors import ConfigurationError, VocabularyError
from fastw2v.kernels.formulas.sigmoid_losses import (
    hierarchical_loss_and_gradients,
    negative_sampling_loss_and_gradients,
)
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.losses.objectives import hierarchical_loss, negative_sampling_loss
from fastw2v.objectives.losses.rows import CentreRows
from fastw2v.objectives.losses.scores import SoftmaxScores, TreeScores
from fastw2v.objectives.noise import noise_distribution
from fastw2v.system.threads import WorkerPool
from tests.objectives.test_rows import encoded
from tests.support.dense_scores import dense_of
from tests.support.dense_softmax import pair_counts, random_counts
from tests.support.negative_sampling_optimum import expected_loss

V, D, K = 30, 7, 4
DRAWS = 50
GENERATOR = np.random.default_rng(1)
V_IN = GENERATOR.standard_normal((V, D)).astype(np.float32)
U_OUT = GENERATOR.standard_normal((V, D)).astype(np.float32)
DENSE = random_counts(GENERATOR, V)
COUNTS = pair_counts(DENSE)
NOISE = noise_distribution(DENSE.sum(axis=0) + 1, 0.75)
TREE = huffman_tree(DENSE.sum(axis=0))
TOKENS = encoded([GENERATOR.integers(0, V, length).tolist() for length in (6, 1, 9, 0, 4)])


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2) as workers:
        yield workers


ROWS = {
    "skip-gram": CentreRows(V_IN, COUNTS),
    "cbow": CbowRows(V_IN, TOKENS, window=3, mean=True),
}


def pairs(rows):
    """Yield (input, word, weight) of every pair, in float64."""
    for batch in rows:
        for h, weights in zip(batch.inputs.astype(np.float64), dense_of(batch, V), strict=True):
            for word in np.flatnonzero(weights):
                yield h, word, weights[word]


def test_negative_sampling_has_its_expected_loss(pool):
    rows = ROWS["skip-gram"]
    found = negative_sampling_loss(SoftmaxScores(U_OUT, pool), rows, NOISE, K)
    assert found == pytest.approx(
        expected_loss(DENSE, NOISE, K, V_IN, U_OUT).loss / DENSE.sum(), rel=1e-6
    )
    for noise, negatives in ((NOISE[::-1], K), (NOISE, K + 1)):
        wrong = expected_loss(DENSE, noise, negatives, V_IN, U_OUT).loss / DENSE.sum()
        assert found != pytest.approx(wrong, rel=1e-3)


@pytest.mark.parametrize("kind", ROWS)
def test_negative_sampling_is_the_mean_over_drawn_noise(pool, kind):
    outputs = U_OUT.astype(np.float64)
    generator = np.random.default_rng(5)
    total, variance, weight = 0.0, 0.0, 0.0
    for h, word, share in pairs(ROWS[kind]):
        drawn = generator.choice(V, (DRAWS, K), p=NOISE)
        losses = [
            negative_sampling_loss_and_gradients(h, outputs[[word, *words]]).loss for words in drawn
        ]
        total += share * np.mean(losses)
        variance += share**2 * np.var(losses) / DRAWS
        weight += share
    drawn_loss, error = total / weight, np.sqrt(variance) / weight
    found = negative_sampling_loss(SoftmaxScores(U_OUT, pool), ROWS[kind], NOISE, K)
    assert abs(found - drawn_loss) < 4 * error < 0.2
    unlike = negative_sampling_loss(SoftmaxScores(U_OUT, pool), ROWS[kind], NOISE, K + 1)
    assert abs(unlike - drawn_loss) > 4 * error


@pytest.mark.parametrize("kind", ROWS)
def test_hierarchical_softmax_is_the_mean_over_ways(pool, kind):
    nodes = U_OUT[: V - 1].astype(np.float64)
    total, flipped, weight = 0.0, 0.0, 0.0
    for h, word, share in pairs(ROWS[kind]):
        way = slice(TREE.starts[word], TREE.starts[word + 1])
        points, codes = nodes[TREE.points[way]], TREE.codes[way]
        total += share * hierarchical_loss_and_gradients(h, points, codes).loss
        flipped += share * hierarchical_loss_and_gradients(h, points, 1 - codes).loss
        weight += share
    found = hierarchical_loss(TreeScores(U_OUT, TREE, pool), ROWS[kind])
    assert found == pytest.approx(total / weight, rel=1e-5)
    assert found != pytest.approx(flipped / weight, rel=1e-5)


def test_noise_and_negatives_that_cannot_be_used_are_refused(pool):
    scores = SoftmaxScores(U_OUT, pool)
    with pytest.raises(ConfigurationError, match="negatives: expected at least 1, got 0"):
        negative_sampling_loss(scores, ROWS["skip-gram"], NOISE, 0)
    for noise in (NOISE[1:], NOISE * 2, NOISE * np.nan):
        with pytest.raises(VocabularyError, match="noise: expected probabilities of 30 words"):
            negative_sampling_loss(scores, ROWS["skip-gram"], noise, K)
