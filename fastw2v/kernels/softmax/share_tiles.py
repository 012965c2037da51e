"""Probabilities of a softmax over all outputs, added up: by how large they are, and by output.

Scores are made panel by panel as in `fastw2v.kernels.softmax.score_tiles`, and results do not
depend on the number of workers: each row, or each output, has a place of its own.
"""

import numpy as np
from numba import njit

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.simd.blocks import PANEL, ROWS
from fastw2v.kernels.simd.vectors import LANES, broadcast, exponential, load, store
from fastw2v.kernels.softmax.score_tiles import (
    TILE,
    leaf_scores,
    leave_out,
    pack_panel,
    score_outputs,
)

__all__ = ["softmax_masses", "softmax_share_bins", "tree_masses", "tree_share_bins"]


@njit(nogil=True, inline="always")
def _add_shares(scores, at, biases, first, scale, sums, bins, room, shares):
    """Add the probabilities of a tile's outputs to the bins of a panel's rows (rows, bins)."""
    logs, told = room
    temperature = broadcast(scale[0])
    count = min(TILE, biases.shape[0] - first)
    for lane in range(0, PANEL, LANES):
        log_sum = load(sums, lane)
        for word in range(count):
            z = load(scores, at + word * PANEL + lane)
            x = z * temperature + broadcast(scale[1] * biases[first + word]) - log_sum
            store(logs, word * PANEL + lane, x)
            store(told, word * PANEL + lane, exponential(x))
    for word in range(count):
        for lane in range(shares.shape[0]):
            above = logs[word * PANEL + lane] - bins[0]
            if above >= 0:
                place = min(np.int64(above * bins[1]), shares.shape[1] - 1)
                shares[lane, place] += told[word * PANEL + lane]


@njit(nogil=True, inline="always")
def _share_room():
    """Return room for the logarithms of a tile's probabilities, and for these."""
    return np.empty(TILE * PANEL, np.float32), np.empty(TILE * PANEL, np.float32)


@kernel
def softmax_share_bins(tasks, inputs, outputs, biases, scale, left_out, log_sums, bins, shares):
    """Add up the probabilities of each row by how large their logarithms are.

    Parameters
    ----------
    tasks, inputs, outputs, biases, scale, left_out
        As in `softmax_moments`.
    log_sums : (R,) float64
        Its first column.
    bins : (2,) float32
        The lowest logarithm, and how many bins a nat has. Smaller ones are in no bin, larger ones
        than there are bins in the last.
    shares : (R, bins) float64
        Zeros, to which the sums of probabilities are added.
    """
    packed = np.empty(inputs.dimensions * PANEL, np.float32)
    scores = np.empty(TILE * PANEL, np.float32)
    sums, room = np.zeros(PANEL, np.float32), _share_room()
    while True:
        panel_first = fetch_add(tasks, 0, 1) * PANEL
        if panel_first >= inputs.n_rows:
            return
        last = min(panel_first + PANEL, inputs.n_rows)
        pack_panel(inputs, panel_first, packed)
        for row in range(panel_first, last):
            sums[row - panel_first] = log_sums[row]
        own = shares[panel_first:last]
        for first in range(0, outputs.n_rows, TILE):
            count = min(TILE, outputs.n_rows - first)
            score_outputs(outputs, first, count, packed, scores, 0)
            leave_out(scores, 0, left_out, panel_first, first, count, scale[0])
            _add_shares(scores, 0, biases, first, scale, sums, bins, room, own)


@kernel
def tree_share_bins(
    tasks, inputs, nodes, children, biases, scale, left_out, log_sums, bins, shares
):
    """Do as `softmax_share_bins`, with the leaves' log probabilities as scores.

    Parameters
    ----------
    tasks, inputs, biases, scale, left_out, log_sums, bins, shares
        As in `softmax_share_bins`.
    nodes, children
        As in `tree_moments`.
    """
    n_words = biases.shape[0]
    padded = (n_words + ROWS) * PANEL
    packed = np.empty(inputs.dimensions * PANEL, np.float32)
    scores, node_logs = np.empty(padded, np.float32), np.empty(padded, np.float32)
    leaves = np.empty(padded, np.float32)
    sums, room = np.zeros(PANEL, np.float32), _share_room()
    while True:
        panel_first = fetch_add(tasks, 0, 1) * PANEL
        if panel_first >= inputs.n_rows:
            return
        last = min(panel_first + PANEL, inputs.n_rows)
        pack_panel(inputs, panel_first, packed)
        for row in range(panel_first, last):
            sums[row - panel_first] = log_sums[row]
        score_outputs(nodes, 0, n_words - 1, packed, scores, 0)
        leaf_scores(scores, children, node_logs, leaves)
        leave_out(leaves, 0, left_out, panel_first, 0, n_words, scale[0])
        own = shares[panel_first:last]
        for first in range(0, n_words, TILE):
            _add_shares(leaves, first * PANEL, biases, first, scale, sums, bins, room, own)


@njit(nogil=True, inline="always")
def _of_panel(panel_first, log_sums, row_weights, sums, weights):
    """Write log sums and weights of a panel's rows; what is beyond the last weighs nothing."""
    sums[:] = 0
    weights[:] = 0
    for lane in range(min(PANEL, len(log_sums) - panel_first)):
        sums[lane] = log_sums[panel_first + lane]
        weights[lane] = row_weights[panel_first + lane]


@njit(nogil=True, inline="always")
def _add_masses(scores, at, biases, first, scale, of_rows, masses):
    """Add the probabilities of a tile's outputs, over a panel's rows as they weigh."""
    sums, weights, lanes = of_rows
    temperature = broadcast(scale[0])
    for word in range(min(TILE, biases.shape[0] - first)):
        bias = broadcast(scale[1] * biases[first + word])
        total = broadcast(np.float32(0))
        for lane in range(0, PANEL, LANES):
            z = load(scores, at + word * PANEL + lane)
            told = exponential(z * temperature + bias - load(sums, lane))
            total = total + told * load(weights, lane)
        store(lanes, 0, total)
        for lane in range(LANES):
            masses[first + word] += lanes[lane]


@kernel
def softmax_masses(tasks, inputs, outputs, biases, scale, left_out, log_sums, row_weights, masses):
    """Write how much probability each output has, over all rows as they weigh.

    Parameters
    ----------
    tasks, inputs, outputs, biases, scale, left_out, log_sums
        As in `softmax_share_bins`.
    row_weights : (R,) float64
    masses : (V,) float64
        The sums are added to it.
    """
    packed = np.empty(inputs.dimensions * PANEL, np.float32)
    scores = np.empty(TILE * PANEL, np.float32)
    sums, weights = np.empty(PANEL, np.float32), np.empty(PANEL, np.float32)
    lanes = np.empty(LANES, np.float32)
    while True:
        first = fetch_add(tasks, 0, 1) * TILE
        if first >= outputs.n_rows:
            return
        count = min(TILE, outputs.n_rows - first)
        for panel_first in range(0, inputs.n_rows, PANEL):
            pack_panel(inputs, panel_first, packed)
            _of_panel(panel_first, log_sums, row_weights, sums, weights)
            score_outputs(outputs, first, count, packed, scores, 0)
            leave_out(scores, 0, left_out, panel_first, first, count, scale[0])
            _add_masses(scores, 0, biases, first, scale, (sums, weights, lanes), masses)


@kernel
def tree_masses(
    tasks, inputs, nodes, children, biases, scale, left_out, log_sums, row_weights, parts
):
    """Do as `softmax_masses`, with the leaves' log probabilities as scores.

    All leaves of a row come at once, so that rows are shared out among workers and not outputs.

    Parameters
    ----------
    tasks, inputs, biases, scale, left_out, log_sums, row_weights
        As in `softmax_masses`.
    nodes, children
        As in `tree_moments`.
    parts : (groups, V) float64
        Zeros, to which the sums of every so manieth panel are added.
    """
    n_words, groups = biases.shape[0], parts.shape[0]
    padded = (n_words + ROWS) * PANEL
    packed = np.empty(inputs.dimensions * PANEL, np.float32)
    scores, node_logs = np.empty(padded, np.float32), np.empty(padded, np.float32)
    leaves = np.empty(padded, np.float32)
    sums, weights = np.empty(PANEL, np.float32), np.empty(PANEL, np.float32)
    lanes = np.empty(LANES, np.float32)
    while True:
        group = fetch_add(tasks, 0, 1)
        if group >= groups:
            return
        for panel_first in range(group * PANEL, inputs.n_rows, groups * PANEL):
            pack_panel(inputs, panel_first, packed)
            _of_panel(panel_first, log_sums, row_weights, sums, weights)
            score_outputs(nodes, 0, n_words - 1, packed, scores, 0)
            leaf_scores(scores, children, node_logs, leaves)
            leave_out(leaves, 0, left_out, panel_first, 0, n_words, scale[0])
            own = (sums, weights, lanes)
            for first in range(0, n_words, TILE):
                _add_masses(leaves, first * PANEL, biases, first, scale, own, parts[group])
