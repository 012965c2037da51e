"""The spectral start at full rank: products of vectors are the associations, stretched."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.objectives.softmax.initialization import STRETCH, spectral_vectors
from fastw2v.system.threads import WorkerPool
from tests.support.dense_softmax import pair_counts

WORDS = 14


@pytest.mark.parametrize("thinned", [False, True])
def test_products_are_positive_pointwise_mutual_information(thinned):
    generator = np.random.default_rng(2)
    half = generator.integers(0, 40, (WORDS, WORDS)) * (generator.random((WORDS, WORDS)) < 0.6)
    dense = half + half.T
    keep = generator.uniform(0.3, 1, WORDS) if thinned else np.ones(WORDS)
    with WorkerPool(2) as pool:
        settings = Hyperparameters(vector_size=WORDS)
        in_vectors, out_vectors = spectral_vectors(pair_counts(dense), keep, settings, pool)
    weighed = dense * keep[:, None] * keep
    masses = weighed.sum(axis=1)
    with np.errstate(divide="ignore"):
        information = np.log(weighed * weighed.sum() / (masses[:, None] * masses))
    positive = np.maximum(information, 0)
    products = in_vectors.astype(np.float64) @ out_vectors.T
    # The least eigenpairs come out of the iteration only roughly; the others carry the products.
    assert np.abs(products - STRETCH * positive).max() < 0.1
    above_log_2 = np.where(information > np.log(2), information, 0)
    for wrong in (above_log_2, information.clip(-1), positive / STRETCH):
        assert np.abs(products - STRETCH * wrong).max() > 0.3
