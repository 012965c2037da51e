"""Scores of input rows against every output, panel by panel, and sums over each row.

A worker takes `PANEL` input rows at a time and goes over all outputs in tiles, so it needs memory
for one tile of scores only (for a tree: for one panel), however many rows there are. Lanes of a
vector run along the rows, as in `fastw2v.kernels.softmax.tiles`. Sums are float32 within a tile and
float64 over the tiles; every row has a place of its own, so results do not depend on the number of
workers.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL, ROWS
from fastw2v.kernels.simd.operands import block
from fastw2v.kernels.simd.vectors import (
    LANES,
    broadcast,
    exponential,
    load,
    logarithm,
    maximum,
    store,
)

__all__ = [
    "MOMENTS",
    "TILE",
    "Floats",
    "PaddedVectors",
    "leaf_scores",
    "leave_out",
    "noise_losses",
    "pack_panel",
    "score_outputs",
    "softmax_moments",
    "tree_moments",
    "tree_scores",
]

TILE = 20 * ROWS  # outputs of a tile
_LOWEST = np.float32(-3e38)
_PUT_DOWN_NATS = np.float32(1e6)  # an exponential of that is 0 beside any other word's
_MOST_PUT_DOWN = np.float32(1e16)  # whose square times the least exponential is still small
_SUMS = 7  # peak, then the sums of e, e z, e b, e z z, e z b, e b b
MOMENTS = 6  # log-sum-exp, E z, E b, Var z, Cov(z, b), Var b

Floats = NDArray[np.float32]


class PaddedVectors(NamedTuple):
    """Vectors for kernels: rows of `stride` floats, zero beyond `dimensions`.

    Attributes
    ----------
    rows : ndarray of float32, one-dimensional
        With zero rows behind the last, up to a whole number of `ROWS`.
    n_rows : int
    dimensions : int
    stride : int
        A multiple of `LANES`.
    """

    rows: Floats
    n_rows: int
    dimensions: int
    stride: int


@njit(nogil=True, inline="always")
def pack_panel(inputs, first, packed):
    """Lay `PANEL` inputs side by side, dimension by dimension; zeros behind the last."""
    for lane in range(PANEL):
        row = first + lane
        for d in range(inputs.dimensions):
            value = np.float32(0)
            if row < inputs.n_rows:
                value = inputs.rows[row * inputs.stride + d]
            packed[d * PANEL + lane] = value


@njit(nogil=True, inline="always")
def score_outputs(outputs, first, count, packed, scores, at):
    """Write the scores of a panel for `count` outputs from `first` on, rounded up to `ROWS`."""
    for word in range(0, count, ROWS):
        block(
            (scores, at + word * PANEL),
            (outputs.rows, (first + word) * outputs.stride),
            (packed, 0),
            (1, outputs.dimensions, PANEL, outputs.stride, 0, 1, 0, PANEL),
        )


@njit(nogil=True, inline="always")
def leave_out(scores, at, left_out, panel_first, first, count, temperature):
    """Put down the scores of words that rows leave out, in a panel's tile of words from `first`."""
    down = min(_PUT_DOWN_NATS / abs(temperature), _MOST_PUT_DOWN)
    if temperature < 0:
        down = -down
    for lane in range(min(PANEL, left_out.starts.shape[0] - 1 - panel_first)):
        row = panel_first + lane
        for entry in range(left_out.starts[row], left_out.starts[row + 1]):
            place = left_out.words[entry] - first
            if 0 <= place < count:
                scores[at + place * PANEL + lane] -= down


@njit(nogil=True, inline="always")
def _tile_sums(scores, at, biases, first, count, scale, sums):
    """Sum e^(x - peak), x = scale[0] z + scale[1] b, and its products with z and b, for a tile."""
    temperature = broadcast(scale[0])
    for lane in range(0, PANEL, LANES):
        peak = broadcast(_LOWEST)
        for word in range(count):
            z = load(scores, at + word * PANEL + lane)
            peak = maximum(peak, z * temperature + broadcast(scale[1] * biases[first + word]))
        total = broadcast(np.float32(0))
        sum_z, sum_b, sum_zz, sum_zb, sum_bb = total, total, total, total, total
        for word in range(count):
            z = load(scores, at + word * PANEL + lane)
            b = broadcast(biases[first + word])
            e = exponential(z * temperature + broadcast(scale[1] * biases[first + word]) - peak)
            e_z, e_b = e * z, e * b
            total = total + e
            sum_z = sum_z + e_z
            sum_b = sum_b + e_b
            sum_zz = sum_zz + e_z * z
            sum_zb = sum_zb + e_z * b
            sum_bb = sum_bb + e_b * b
        store(sums, lane, peak)
        store(sums, PANEL + lane, total)
        store(sums, 2 * PANEL + lane, sum_z)
        store(sums, 3 * PANEL + lane, sum_b)
        store(sums, 4 * PANEL + lane, sum_zz)
        store(sums, 5 * PANEL + lane, sum_zb)
        store(sums, 6 * PANEL + lane, sum_bb)


@kernel
def _join_sums(sums, joined):
    """Add the sums of a tile to those of the tiles before, relative to the higher peak."""
    for lane in range(PANEL):
        peak = np.float64(sums[lane])
        higher = max(peak, joined[0, lane])
        before, now = np.exp(joined[0, lane] - higher), np.exp(peak - higher)
        joined[0, lane] = higher
        for k in range(1, _SUMS):
            joined[k, lane] = joined[k, lane] * before + np.float64(sums[k * PANEL + lane]) * now


@kernel
def _write_moments(joined, first, moments):
    for lane in range(min(PANEL, moments.shape[0] - first)):
        total = joined[1, lane]
        mean_z, mean_b = joined[2, lane] / total, joined[3, lane] / total
        row = moments[first + lane]
        row[0] = joined[0, lane] + np.log(total)
        row[1] = mean_z
        row[2] = mean_b
        row[3] = joined[4, lane] / total - mean_z * mean_z
        row[4] = joined[5, lane] / total - mean_z * mean_b
        row[5] = joined[6, lane] / total - mean_b * mean_b


@kernel
def _start(joined):
    joined[0] = _LOWEST
    joined[1:] = 0


@kernel
def softmax_moments(tasks, inputs, outputs, biases, scale, left_out, moments):
    """Write the moments of scores and biases under softmax(t z + s b), row by row.

    Parameters
    ----------
    tasks : (1,) int64
        Shared counter; the caller sets it to zero, every worker calls with the same one.
    inputs : PaddedVectors
        R rows h.
    outputs : PaddedVectors
        V rows u; z_w = u_w . h.
    biases : (V,) float32
        b.
    scale : (2,) float32
        t and s; t is not 0.
    left_out : WordRows
        Words that the softmax of each of the R rows is not over.
    moments : (R, MOMENTS) float64
        Written: log sum_w e^(t z_w + s b_w), and with the probabilities softmax(t z + s b) the
        mean of z, the mean of b, the variance of z, the covariance, the variance of b.
    """
    packed = np.empty(inputs.dimensions * PANEL, np.float32)
    scores = np.empty(TILE * PANEL, np.float32)
    sums = np.empty(_SUMS * PANEL, np.float32)
    joined = np.empty((_SUMS, PANEL), np.float64)
    while True:
        panel_first = fetch_add(tasks, 0, 1) * PANEL
        if panel_first >= inputs.n_rows:
            return
        pack_panel(inputs, panel_first, packed)
        _start(joined)
        for first in range(0, outputs.n_rows, TILE):
            count = min(TILE, outputs.n_rows - first)
            score_outputs(outputs, first, count, packed, scores, 0)
            leave_out(scores, 0, left_out, panel_first, first, count, scale[0])
            _tile_sums(scores, 0, biases, first, count, scale, sums)
            _join_sums(sums, joined)
        _write_moments(joined, panel_first, moments)


@kernel
def noise_losses(tasks, inputs, outputs, noise, losses):
    """Write sum_w P(w) * -log sigma(-u_w . h) of every row: what one noise word costs on average.

    Parameters
    ----------
    tasks, inputs, outputs
        As in `softmax_moments`.
    noise : (V,) float32
        P.
    losses : (R,) float64
        Written, in nats.
    """
    packed = np.empty(inputs.dimensions * PANEL, np.float32)
    scores = np.empty(TILE * PANEL, np.float32)
    sums = np.empty(PANEL, np.float32)
    joined = np.empty(PANEL, np.float64)
    zero, one = broadcast(np.float32(0)), broadcast(np.float32(1))
    while True:
        panel_first = fetch_add(tasks, 0, 1) * PANEL
        if panel_first >= inputs.n_rows:
            return
        pack_panel(inputs, panel_first, packed)
        joined[:] = 0
        for first in range(0, outputs.n_rows, TILE):
            count = min(TILE, outputs.n_rows - first)
            score_outputs(outputs, first, count, packed, scores, 0)
            for lane in range(0, PANEL, LANES):
                total = zero
                for word in range(count):
                    z = load(scores, word * PANEL + lane)
                    rest = logarithm(one + exponential(zero - maximum(z, zero - z)))
                    total = total + broadcast(noise[first + word]) * (maximum(z, zero) + rest)
                store(sums, lane, total)
            for lane in range(PANEL):
                joined[lane] += np.float64(sums[lane])
        for lane in range(min(PANEL, inputs.n_rows - panel_first)):
            losses[panel_first + lane] = joined[lane]


@kernel
def leaf_scores(scores, children, node_logs, leaves):
    """Write log q of every leaf for a panel, going down from the root (the last node).

    sigma(x) of a node's probability goes to child 0, the rest to child 1.
    """
    n_nodes = children.shape[0]
    zero, one = broadcast(np.float32(0)), broadcast(np.float32(1))
    for lane in range(0, PANEL, LANES):
        # The only leaf of a tree without inner nodes has all the probability.
        store(leaves, lane, zero)
        if n_nodes > 0:
            store(node_logs, (n_nodes - 1) * PANEL + lane, zero)
        for node in range(n_nodes - 1, -1, -1):
            x = load(scores, node * PANEL + lane)
            own = load(node_logs, node * PANEL + lane)
            own = own - logarithm(one + exponential(zero - maximum(x, zero - x)))
            for side in range(2):
                log = own - maximum(zero - x, zero) if side == 0 else own - maximum(x, zero)
                child = children[node, side]
                if child >= 0:
                    store(node_logs, child * PANEL + lane, log)
                else:
                    store(leaves, ~child * PANEL + lane, log)


@kernel
def tree_scores(tasks, inputs, nodes, children, contexts, scores):
    """Write log q(o | h_r) for every observed word o of every row r, all leaves scored at once.

    Dearer than `fastw2v.kernels.softmax.observed_scores.observed_leaves` for rows of few words,
    cheaper for rows of many.

    Parameters
    ----------
    tasks, inputs, nodes, children
        As in `tree_moments`.
    contexts : SparseRows
        R rows of words below V.
    scores : (entries,) float64
        Written, in the order of the entries.
    """
    padded = (children.shape[0] + 1 + ROWS) * PANEL
    packed = np.empty(inputs.dimensions * PANEL, np.float32)
    node_scores, node_logs = np.empty(padded, np.float32), np.empty(padded, np.float32)
    leaves = np.empty(padded, np.float32)
    while True:
        first = fetch_add(tasks, 0, 1) * PANEL
        if first >= inputs.n_rows:
            return
        pack_panel(inputs, first, packed)
        score_outputs(nodes, 0, children.shape[0], packed, node_scores, 0)
        leaf_scores(node_scores, children, node_logs, leaves)
        for row in range(first, min(first + PANEL, inputs.n_rows)):
            for entry in range(contexts.indptr[row], contexts.indptr[row + 1]):
                scores[entry] = leaves[contexts.indices[entry] * PANEL + row - first]


@kernel
def tree_moments(tasks, inputs, nodes, children, biases, scale, left_out, moments):
    """Do as `softmax_moments`, with the leaves' log probabilities as scores z.

    Parameters
    ----------
    tasks, inputs, biases, scale, left_out, moments
        As in `softmax_moments`.
    nodes : PaddedVectors
        V - 1 rows: the inner nodes' vectors.
    children : (V - 1, 2) int32
        From `tree_children`.

    Notes
    -----
    Takes 12 * V * PANEL bytes a worker.
    """
    n_words = biases.shape[0]
    padded = (n_words + ROWS) * PANEL
    packed = np.empty(inputs.dimensions * PANEL, np.float32)
    scores, node_logs = np.empty(padded, np.float32), np.empty(padded, np.float32)
    leaves = np.empty(padded, np.float32)
    sums = np.empty(_SUMS * PANEL, np.float32)
    joined = np.empty((_SUMS, PANEL), np.float64)
    while True:
        panel_first = fetch_add(tasks, 0, 1) * PANEL
        if panel_first >= inputs.n_rows:
            return
        pack_panel(inputs, panel_first, packed)
        score_outputs(nodes, 0, n_words - 1, packed, scores, 0)
        leaf_scores(scores, children, node_logs, leaves)
        leave_out(leaves, 0, left_out, panel_first, 0, n_words, scale[0])
        _start(joined)
        for first in range(0, n_words, TILE):
            count = min(TILE, n_words - first)
            _tile_sums(leaves, first * PANEL, biases, first, count, scale, sums)
            _join_sums(sums, joined)
        _write_moments(joined, panel_first, moments)
