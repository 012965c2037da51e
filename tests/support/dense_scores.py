"""Scores, losses and calibration in plain float64 numpy on dense matrices: the slow twins."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from fastw2v.kernels.formulas.skipgram import SparseRows
from fastw2v.objectives.losses.rows import RowBatch


def row_batch(inputs, dense):
    """Turn inputs (R, D) and weights (R, V), no row of them empty, into a `RowBatch`."""
    rows, columns = np.nonzero(dense)
    indptr = np.concatenate([[0], np.cumsum((np.asarray(dense) > 0).sum(axis=1))]).astype(np.int64)
    weights = np.asarray(dense)[rows, columns].astype(np.float64)
    return RowBatch(
        np.asarray(inputs, np.float32), SparseRows(indptr, columns.astype(np.int32), weights)
    )


def dense_of(batch, n_words):
    """Return the weights of a batch, float64 (R, V)."""
    dense = np.zeros((len(batch.inputs), n_words))
    rows = np.repeat(np.arange(len(batch.inputs)), np.diff(batch.contexts.indptr))
    np.add.at(dense, (rows, batch.contexts.indices), batch.contexts.weights)
    return dense


def tree_scores(inputs, nodes, tree):
    """log q of every leaf, float64 (R, V), way by way."""
    scores = inputs.astype(np.float64) @ nodes.astype(np.float64).T
    logs = np.zeros((len(inputs), len(tree.starts) - 1))
    for word in range(logs.shape[1]):
        for place in range(tree.starts[word], tree.starts[word + 1]):
            turned = scores[:, tree.points[place]] * (1 - 2 * int(tree.codes[place]))
            logs[:, word] -= np.logaddexp(0, -turned)
    return logs


def moments(scores, biases, t, s, left_out=None):
    """The six columns of `ContextScores.moments`; rows may leave a word out."""
    z, b = scores, np.broadcast_to(np.asarray(biases, np.float64), scores.shape)
    x = t * z + s * b
    if left_out is not None:
        x[np.arange(len(x)), left_out] = -np.inf
    log_sum = logsumexp(x, axis=1)
    p = np.exp(x - log_sum[:, None])

    def mean(values):
        return (p * values).sum(axis=1)

    z_mean, b_mean = mean(z), mean(b)
    z_off, b_off = z - z_mean[:, None], b - b_mean[:, None]
    parts = (log_sum, z_mean, b_mean, mean(z_off**2), mean(z_off * b_off), mean(b_off**2))
    return np.stack(parts, axis=1)


def softmax_loss(scores, biases, dense, t, s):
    """Mean of -log softmax(t z + s b) over the weighted pairs."""
    x = t * scores + s * np.asarray(biases, np.float64)
    logs = x - logsumexp(x, axis=1, keepdims=True)
    return float(-(dense * logs).sum() / dense.sum())


def best_calibration(scores, biases, dense):
    """Return (t, s, loss) at the minimum, found without gradients of ours."""
    found = minimize(
        lambda point: softmax_loss(scores, biases, dense, *point), [1.0, 1.0], method="BFGS",
        options={"gtol": 1e-9},
    )  # fmt: skip
    return *found.x, found.fun
