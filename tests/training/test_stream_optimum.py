"""The trainer of negative sampling against its optimum in closed form, on a corpus of few words.

With as many dimensions as words every score can be what it should: log(n(c,o) / (K a_c P(o))).
Steps of noise remain, since single draws are followed; the tolerance allows for them.
"""

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.counts.pairs import count_pairs
from fastw2v.objectives.noise import noise_distribution
from fastw2v.text.reading import encode_corpus
from tests.support.corpora_made import chain_sentences
from tests.support.negative_sampling_optimum import NotTheOptimumError, assert_optimal

N_WORDS, WINDOW, NEGATIVE = 8, 2, 3
SENTENCES = chain_sentences(3, N_WORDS, sentences=400, length=15, noise=0.6, skew=1.0)
TOLERANCE_NATS = 0.15


def trained(**settings):
    return Word2Vec(
        objective="negative", vector_size=2 * N_WORDS, window=WINDOW, negative=NEGATIVE,
        min_count=1, sample=0, epochs=150, learning_rate=0.05, workers=1, **settings,
    ).fit(SENTENCES)  # fmt: skip


def check(model, negatives=NEGATIVE, exponent=0.75):
    tokens = encode_corpus(SENTENCES, model.vocabulary)
    counts = count_pairs(tokens, N_WORDS, WINDOW, workers=1)
    dense = np.zeros((N_WORDS, N_WORDS))
    for row in range(N_WORDS):
        entries = slice(counts.indptr[row], counts.indptr[row + 1])
        dense[row, counts.indices[entries]] = counts.values[entries] / WINDOW
    noise = noise_distribution(model.vocabulary.counts, exponent)
    scores = model.in_vectors.astype(np.float64) @ model.out_vectors.T.astype(np.float64)
    assert_optimal(scores, dense, noise, negatives, tolerance=TOLERANCE_NATS, least_count=20)


@pytest.mark.parametrize("shared", [True, False])
def test_scores_come_to_the_optimum(shared):
    model = trained(negatives_shared=shared)
    check(model)
    with pytest.raises(NotTheOptimumError):
        check(model, negatives=NEGATIVE + 1)
    with pytest.raises(NotTheOptimumError):
        check(model, exponent=0)


def test_another_noise_leads_elsewhere():
    model = trained(ns_exponent=0.0)
    check(model, exponent=0)
    with pytest.raises(NotTheOptimumError):
        check(model)
