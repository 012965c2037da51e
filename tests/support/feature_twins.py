"""Sums over features in plain float64 numpy on a dense matrix: the slow twin."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from fastw2v.objectives.features import FeatureMatrix
from tests.support.dense_softmax import exact


def dense(matrix):
    """Return x (V, F): a feature that stands in a row twice counts twice."""
    table = np.zeros((matrix.n_words, matrix.n_features))
    for word in range(matrix.n_words):
        entries = slice(matrix.starts[word], matrix.starts[word + 1])
        np.add.at(table[word], matrix.indices[entries], matrix.values[entries])
    return table


def scaled(matrix):
    """Return G (V, F) = s x, with s by the norm of the entries as they are listed."""
    table = dense(matrix)
    for word in range(matrix.n_words):
        values = matrix.values[matrix.starts[word] : matrix.starts[word + 1]].astype(float)
        if values.any():
            table[word] /= np.linalg.norm(values, 1 / matrix.power)
    return table


def random_features(generator, n_words, n_features, most=6, repeats=True):
    """Words of 1 to `most` features, some of which stand in a row several times."""
    sizes = generator.integers(1, most + 1, n_words)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    indices = generator.integers(0, n_features, starts[-1]).astype(np.int32)
    if repeats:
        for first, last in pairwise(starts):
            if last - first > 2:
                indices[last - 1] = indices[first]
    values = generator.uniform(0.5, 2, starts[-1]).astype(np.float32)
    return FeatureMatrix(starts, indices, values, n_features)


class Step(NamedTuple):
    """What one batch says of every parameter: what it is moved along."""

    loss: float
    features: np.ndarray
    outputs: np.ndarray
    bias: np.ndarray


def gradients(matrix, weights, tables):
    """Return the loss and its gradients for `weights` (V, V): dz = G^T dh, the closed form."""
    g = scaled(matrix)
    vectors = g @ tables[0].astype(np.float64)
    found = exact(weights, vectors, *tables[1:])
    return Step(found.loss, g.T @ found.centre_gradient, found.output_gradient, found.bias_gradient)


def directions(matrix, weights, tables, of_words):
    """Return what a step moves along: shared features add rows by their sizes and weights.

    `of_words` (V,) is how much each word's gradient counts there.
    """
    g = scaled(matrix)
    found = exact(weights, g @ tables[0].astype(np.float64), *tables[1:])
    rows = found.centre_gradient
    size = np.sqrt((rows**2).mean(axis=1))
    factors = np.divide(of_words, size, out=np.zeros_like(size), where=size > 0)
    shared = (dense(matrix) != 0).sum(axis=0) > 1
    along = np.where(shared[:, None], g.T @ (factors[:, None] * rows), g.T @ rows)
    return Step(found.loss, along, found.output_gradient, found.bias_gradient)
