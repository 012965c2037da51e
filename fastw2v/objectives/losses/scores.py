"""How likely a model finds each word for an input vector: scores z, whatever the objective.

A softmax or negative sampling has an output vector for each word, and z_w = u_w . h. A tree has a
vector for each inner node, and z_w = log q(w | h).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import DivergenceError, VocabularyError
from fastw2v.kernels.formulas.huffman import HuffmanTree
from fastw2v.kernels.formulas.skipgram import WordRows, check_sparse_rows
from fastw2v.kernels.simd.blocks import ROWS
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.softmax.observed_scores import observed_leaves, observed_scores, tree_children
from fastw2v.kernels.softmax.score_tiles import (
    MOMENTS,
    PaddedVectors,
    noise_losses,
    softmax_moments,
    tree_moments,
    tree_scores,
)
from fastw2v.kernels.softmax.share_tiles import (
    softmax_masses,
    softmax_share_bins,
    tree_masses,
    tree_share_bins,
)
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.losses.rows import RowBatch
from fastw2v.system.threads import WorkerPool

__all__ = ["ContextScores", "SoftmaxScores", "TreeScores"]

_LEAST_TEMPERATURE = 1e-9  # kernels divide by it
_GROUPS = 8  # of rows, whose masses are summed apart, so that workers do not meet
_STEP_COST = 8  # of a step on the way to one leaf; scoring a node for a whole panel is 1 a row


class ContextScores(ABC):
    """Scores of all words for rows of input vectors.

    Parameters
    ----------
    n_words : int
        V.
    outputs : PaddedVectors
        What inputs are multiplied with.
    pool : WorkerPool
        Who computes; results do not depend on how many there are.
    """

    def __init__(self, n_words: int, outputs: PaddedVectors, pool: WorkerPool) -> None:
        self.n_words = n_words
        self._outputs = outputs
        self._pool = pool

    @abstractmethod
    def observed(self, batch: RowBatch) -> NDArray[np.float64]:
        """Return z of every observed word, float64 (entries,), in the order of the entries."""

    @abstractmethod
    def _write_moments(self, inputs: PaddedVectors, *arrays: Any) -> None:
        """Call the kernel of `moments` with biases, scale, words left out, where it writes."""

    @abstractmethod
    def _add_shares(self, inputs: PaddedVectors, *arrays: Any) -> None:
        """Call the kernel of `share_bins` likewise."""

    @abstractmethod
    def _add_masses(self, inputs: PaddedVectors, masses: NDArray[np.float64], *arrays: Any) -> None:
        """Add to masses what the kernel finds that has the other arrays."""

    def moments(
        self, batch: RowBatch, biases: VectorArray, temperature: float, bias_weight: float
    ) -> NDArray[np.float64]:
        """Return what is known of z and b under softmax(t z + s b), float64 (R, MOMENTS).

        Rows that leave a word out have a softmax over the others.

        The columns are: the log-sum-exp of t z + s b, the mean of z, the mean of b, the variance
        of z, the covariance, the variance of b.
        """
        inputs = self._inputs(batch)
        moments = np.empty((inputs.n_rows, MOMENTS), np.float64)
        known = self._known(batch, biases, temperature, bias_weight)
        self._write_moments(inputs, *known, moments)
        return moments

    def log_sums(
        self, batch: RowBatch, biases: VectorArray, temperature: float
    ) -> NDArray[np.float64]:
        """Return the log-sum-exp of t z + b of every row, float64 (R,)."""
        return self.moments(batch, biases, temperature, 1.0)[:, 0].copy()

    def add_masses(
        self,
        batch: RowBatch,
        fit: tuple[float, VectorArray],
        log_sums: NDArray[np.float64],
        weights: NDArray[np.float64],
        masses: NDArray[np.float64],
    ) -> None:
        """Add to masses (V,) what each word has of the rows' softmax(t z + b), rows as they weigh.

        Parameters as of `share_bins`, and weights (R,).
        """
        known = self._known(batch, fit[1], fit[0], 1.0)
        self._add_masses(self._inputs(batch), masses, *known, log_sums, weights)

    def share_bins(
        self,
        batch: RowBatch,
        fit: tuple[float, VectorArray],
        log_sums: NDArray[np.float64],
        bins: tuple[float, float, int],
    ) -> NDArray[np.float64]:
        """Return sums of each row's softmax(t z + b), by its logarithm, (R, bins) float64.

        Parameters
        ----------
        batch : RowBatch
        fit : tuple of float and (V,) float32
            t and b.
        log_sums : (R,) float64
            With these.
        bins : tuple of float, float and int
            The lowest logarithm, how many bins a nat has, and how many there are.
        """
        low, per_nat, n_bins = bins
        shares = np.zeros((len(log_sums), n_bins))
        edges = np.array([low, per_nat], np.float32)
        known = self._known(batch, fit[1], fit[0], 1.0)
        self._add_shares(self._inputs(batch), *known, log_sums, edges, shares)
        return shares

    def _known(
        self, batch: RowBatch, biases: VectorArray, temperature: float, bias_weight: float
    ) -> tuple[VectorArray, VectorArray, WordRows]:
        """Return biases, scale and words left out, as kernels take them."""
        self._require_biases(biases)
        if abs(temperature) < _LEAST_TEMPERATURE:
            temperature = math.copysign(_LEAST_TEMPERATURE, temperature)
        scale = np.array([temperature, bias_weight], np.float32)
        nothing = WordRows(np.zeros(len(batch.inputs) + 1, np.int64), np.empty(0, np.int32))
        return biases, scale, nothing if batch.left_out is None else batch.left_out

    def _inputs(self, batch: RowBatch) -> PaddedVectors:
        if batch.inputs.shape[1] != self._outputs.dimensions:
            raise VocabularyError(
                f"inputs: expected {self._outputs.dimensions} dimensions as the output vectors "
                f"have, got {batch.inputs.shape[1]}"
            )
        check_sparse_rows(batch.contexts, len(batch.inputs), self.n_words)
        return _padded("inputs", batch.inputs)

    def _require_biases(self, biases: VectorArray) -> None:
        if biases.shape != (self.n_words,) or biases.dtype != np.float32:
            raise VocabularyError(
                f"biases: expected float32 ({self.n_words},), one for each word, got "
                f"{biases.dtype} {biases.shape}"
            )


class SoftmaxScores(ContextScores):
    """Scores u_w . h.

    Parameters
    ----------
    out_vectors : float32 array (V, D)
        u.
    pool : WorkerPool
        Who computes; results do not depend on how many there are.

    Raises
    ------
    DivergenceError
        If a vector is not finite.
    """

    def __init__(self, out_vectors: VectorArray, pool: WorkerPool) -> None:
        super().__init__(len(out_vectors), _padded("out_vectors", out_vectors), pool)

    def observed(self, batch: RowBatch) -> NDArray[np.float64]:
        """Return u_o . h of every observed word o, float64 (entries,)."""
        scores = np.empty(len(batch.contexts.indices), np.float64)
        inputs = self._inputs(batch)
        self._pool.run_kernel(observed_scores, inputs, self._outputs, batch.contexts, scores)
        return scores

    def _write_moments(self, inputs: PaddedVectors, *arrays: Any) -> None:
        self._pool.run_kernel(softmax_moments, inputs, self._outputs, *arrays)

    def _add_shares(self, inputs: PaddedVectors, *arrays: Any) -> None:
        self._pool.run_kernel(softmax_share_bins, inputs, self._outputs, *arrays)

    def _add_masses(self, inputs: PaddedVectors, masses: NDArray[np.float64], *arrays: Any) -> None:
        self._pool.run_kernel(softmax_masses, inputs, self._outputs, *arrays, masses)

    def noise_losses(self, batch: RowBatch, noise: VectorArray) -> NDArray[np.float64]:
        """Return sum_w P(w) * -log sigma(-z_w) of every row, float64 (R,), exactly summed."""
        inputs = self._inputs(batch)
        self._require_biases(noise)
        losses = np.empty(inputs.n_rows, np.float64)
        self._pool.run_kernel(noise_losses, inputs, self._outputs, noise, losses)
        return losses


class TreeScores(ContextScores):
    """Scores log q(w | h) of a hierarchical softmax.

    Parameters
    ----------
    node_vectors : float32 array (V - 1 or more, D)
        x; rows beyond V - 1 are not looked at.
    tree : HuffmanTree
        Of V words.
    pool : WorkerPool
        Who computes; results do not depend on how many there are.

    Raises
    ------
    DivergenceError
        If a vector is not finite.
    VocabularyError
        If there are fewer vectors than inner nodes.
    """

    def __init__(self, node_vectors: VectorArray, tree: HuffmanTree, pool: WorkerPool) -> None:
        n_nodes = len(tree.starts) - 2
        if len(node_vectors) < n_nodes:
            raise VocabularyError(
                f"node_vectors: expected one for each of {n_nodes} inner nodes, got "
                f"{len(node_vectors)}"
            )
        super().__init__(n_nodes + 1, _padded("node_vectors", node_vectors[:n_nodes]), pool)
        self._tree = tree
        self._children = tree_children(*tree)

    def observed(self, batch: RowBatch) -> NDArray[np.float64]:
        """Return log q(o | h) of every observed word o, float64 (entries,)."""
        logs = np.empty(len(batch.contexts.indices), np.float64)
        inputs = self._inputs(batch)
        steps = np.diff(self._tree.starts)[batch.contexts.indices].sum()
        kernel: Callable[..., Any] = observed_leaves
        tree: Any = self._tree
        if _STEP_COST * steps > inputs.n_rows * self.n_words:
            kernel, tree = tree_scores, self._children
        self._pool.run_kernel(kernel, inputs, self._outputs, tree, batch.contexts, logs)
        return logs

    def _write_moments(self, inputs: PaddedVectors, *arrays: Any) -> None:
        self._pool.run_kernel(tree_moments, inputs, self._outputs, self._children, *arrays)

    def _add_shares(self, inputs: PaddedVectors, *arrays: Any) -> None:
        self._pool.run_kernel(tree_share_bins, inputs, self._outputs, self._children, *arrays)

    def _add_masses(self, inputs: PaddedVectors, masses: NDArray[np.float64], *arrays: Any) -> None:
        parts = np.zeros((_GROUPS, self.n_words))
        self._pool.run_kernel(tree_masses, inputs, self._outputs, self._children, *arrays, parts)
        masses += parts.sum(axis=0)


def _padded(name: str, matrix: VectorArray) -> PaddedVectors:
    """Pad every row to whole registers, and the rows to whole blocks."""
    if not np.isfinite(matrix).all():
        raise DivergenceError(
            f"{name}: expected finite numbers, got others among them; train again with a smaller "
            "learning rate"
        )
    n_rows, dimensions = matrix.shape
    stride = -(-dimensions // LANES) * LANES
    padded = np.zeros((n_rows + ROWS, stride), np.float32)
    padded[:n_rows, :dimensions] = matrix
    return PaddedVectors(padded.reshape(-1), n_rows, dimensions, stride)
