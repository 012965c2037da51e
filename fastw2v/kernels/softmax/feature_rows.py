"""Input rows that are sums over features, and their gradient's way back.

    h_r = s_r sum over the entries k of row r of x_k z_f(k)
    dz_f = sum over the entries k of feature f, in the order of their rows, of x_k s_r dh_r

A feature is updated once a batch, by the sum over its rows in their order, so that results do not
depend on the number of workers. docs/math.md derives the gradient.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.kernels.simd.vectors import LANES, broadcast, load, store
from fastw2v.kernels.softmax.centre_rows import rule_of_visit
from fastw2v.kernels.softmax.updates import update_block

__all__ = [
    "FeatureRows",
    "RowsOfFeatures",
    "add_features",
    "feature_gradients",
    "sum_features",
    "update_features",
]

_FEATURES_OF_TASK = 16


class FeatureRows(NamedTuple):
    """The features of R rows, row by row.

    Attributes
    ----------
    starts : (R + 1,) int64
        The entries of row r are those from ``starts[r]`` to ``starts[r + 1]``.
    features : (E,) int32
    values : (E,) float32
        x: how much of its feature an entry takes.
    scales : (R,) float32
        s.
    """

    starts: NDArray[np.int64]
    features: NDArray[np.int32]
    values: NDArray[np.float32]
    scales: NDArray[np.float32]


class RowsOfFeatures(NamedTuple):
    """The same entries, feature by feature.

    Attributes
    ----------
    features : (M,) int32
        The distinct features of the rows, ascending.
    starts : (M + 1,) int64
    rows : (E,) int32
        Of each entry of a feature, ascending.
    values : (E,) float32
        x of each.
    """

    features: NDArray[np.int32]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    values: NDArray[np.float32]


@njit(nogil=True, inline="always")
def add_features(rows, row, source, stride, target, at):
    """Write h of one row to ``target[at : at + stride]``."""
    scale = broadcast(rows.scales[row])
    for d in range(0, stride, LANES):
        total = broadcast(np.float32(0))
        for k in range(rows.starts[row], rows.starts[row + 1]):
            part = load(source, np.int64(rows.features[k]) * stride + d)
            total = total + broadcast(rows.values[k]) * part
        store(target, at + d, scale * total)


@kernel
def sum_features(tasks, rows, source, stride, target):
    """Write h of every row to `target`.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    rows : FeatureRows
    source : (F * stride,) float32
        The features' vectors z.
    stride : int
        Numbers of a row.
    target : (at least R * stride,) float32
        Written.
    """
    while True:
        row = fetch_add(tasks, 0, 1)
        if row >= rows.scales.shape[0]:
            return
        add_features(rows, row, source, stride, target, row * stride)


@kernel
def feature_gradients(tasks, sizes, rows, gradients, factors, weights):
    """Turn dh_r of every row into s_r dh_r, and write what shared features take of it.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    sizes : (int, int)
        Numbers of a row, and how many of them are dimensions.
    rows : FeatureRows
    gradients : (at least R * stride,) float32
        The gradients of the input rows; in their place what a feature of the row alone receives.
    factors : (at least R,) float32
        Written: ``weights[r]`` by the root mean square of dh_r, 0 where that is 0.
    weights : (R,) float32
    """
    stride, dimensions = sizes
    while True:
        first = fetch_add(tasks, 0, PANEL)
        if first >= rows.scales.shape[0]:
            return
        for row in range(first, min(first + PANEL, rows.scales.shape[0])):
            scale = rows.scales[row]
            squares = 0.0
            for d in range(row * stride, row * stride + dimensions):
                part = gradients[d]
                gradients[d] = scale * part
                squares += np.float64(part) * part
            size = np.sqrt(squares / dimensions)
            factors[row] = np.float32(weights[row] / size) if size > 0 else np.float32(0)


@kernel
def update_features(tasks, stride, by_feature, is_shared, gradients, factors, state, rule):
    """Update every feature of a batch once, by the sum over its rows.

    Parameters
    ----------
    tasks, stride
        As in `sum_features`.
    by_feature : RowsOfFeatures
    is_shared : (F,) bool
        Whether a feature belongs to several words. Their gradients differ in size by orders of
        magnitude, so each of its rows counts with its factor; a feature of one word takes that
        word's gradient as it is, as plain words do.
    gradients, factors
        Of `feature_gradients`.
    state : CentreState
        The features' vectors; updated.
    rule : Rule
        Its `unbias_second` is replaced by that of each feature's own number of updates.
    """
    gradient = np.zeros(stride, np.float32)
    n_features = by_feature.features.shape[0]
    while True:
        first = fetch_add(tasks, 0, _FEATURES_OF_TASK)
        if first >= n_features:
            return
        for m in range(first, min(first + _FEATURES_OF_TASK, n_features)):
            feature = np.int64(by_feature.features[m])
            shared = is_shared[feature]
            for d in range(0, stride, LANES):
                total = broadcast(np.float32(0))
                for k in range(by_feature.starts[m], by_feature.starts[m + 1]):
                    row = np.int64(by_feature.rows[k])
                    part = by_feature.values[k]
                    if shared:
                        part *= factors[row]
                    total = total + broadcast(part) * load(gradients, row * stride + d)
                store(gradient, d, total)
            state.visits[feature] += 1
            feature_rule = rule_of_visit(rule, state.visits[feature])
            at = feature * stride
            update_block(state.vectors, state.moments, at, gradient, 0, stride, feature_rule)
