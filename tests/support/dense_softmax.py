"""The exact objective in plain float64 numpy on a dense matrix of weights: the slow twin."""

from typing import NamedTuple

import numpy as np

from fastw2v.counts.matrix import PairCounts


class Dense(NamedTuple):
    loss: float
    centre_gradient: np.ndarray
    output_gradient: np.ndarray
    bias_gradient: np.ndarray


def exact(weights, in_vectors, out_vectors, out_bias):
    """Loss and gradients for `weights` (V, V), row c = weighted contexts of centre c."""
    v, u = in_vectors.astype(np.float64), out_vectors.astype(np.float64)
    scores = v @ u.T + out_bias.astype(np.float64)
    peak = scores.max(axis=1, keepdims=True)
    log_sum = peak + np.log(np.exp(scores - peak).sum(axis=1, keepdims=True))
    log_p = scores - log_sum
    errors = weights.sum(axis=1, keepdims=True) * np.exp(log_p) - weights
    loss = -np.sum(np.where(weights > 0, weights * log_p, 0.0))
    return Dense(loss, errors @ u, errors.T @ v, errors.sum(axis=0))


def pair_counts(dense, window=5):
    """Turn a dense integer matrix into `PairCounts`."""
    dense = np.asarray(dense)
    indptr = np.concatenate([[0], np.cumsum((dense > 0).sum(axis=1))]).astype(np.int64)
    rows, columns = np.nonzero(dense)
    return PairCounts(
        indptr, columns.astype(np.int32), dense[rows, columns].astype(np.int32), window
    )


def random_counts(generator, n_words, density=0.3):
    """Counts with empty rows and columns among them."""
    dense = generator.integers(1, 30, (n_words, n_words))
    return dense * (generator.random((n_words, n_words)) < density)
