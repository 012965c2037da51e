"""How likely a model finds each word for an input vector: scores z, whatever the objective.

A softmax or negative sampling has an output vector for each word, and z_w = u_w . h. A tree has a
vector for each inner node, and z_w = log q(w | h).
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import DivergenceError, VocabularyError
from fastw2v.kernels.formulas.huffman import HuffmanTree
from fastw2v.kernels.formulas.skipgram import check_sparse_rows
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
from fastw2v.objectives.losses.rows import RowBatch
from fastw2v.system.threads import WorkerPool

__all__ = ["ContextScores", "Floats", "SoftmaxScores", "TreeScores"]

Floats = NDArray[np.float32]

_STEP_COST = 8  # of a step on the way to one leaf; scoring a node for a whole panel is 1 a row


class ContextScores(Protocol):
    """Scores of all words for rows of input vectors."""

    n_words: int

    def observed(self, batch: RowBatch) -> NDArray[np.float64]:
        """Return z of every observed word, float64 (entries,), in the order of the entries."""
        ...

    def moments(
        self, batch: RowBatch, biases: Floats, temperature: float, bias_weight: float
    ) -> NDArray[np.float64]:
        """Return what is known of z and b under softmax(t z + s b), float64 (R, MOMENTS).

        The columns are: the log-sum-exp of t z + s b, the mean of z, the mean of b, the variance
        of z, the covariance, the variance of b.
        """
        ...


class SoftmaxScores:
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

    def __init__(self, out_vectors: Floats, pool: WorkerPool) -> None:
        self.n_words = len(out_vectors)
        self._outputs = _vectors("out_vectors", out_vectors)
        self._pool = pool

    def observed(self, batch: RowBatch) -> NDArray[np.float64]:
        """Return u_o . h of every observed word o, float64 (entries,)."""
        scores = np.empty(len(batch.contexts.indices), np.float64)
        inputs = _inputs(batch, self._outputs, self.n_words)
        self._pool.run_kernel(observed_scores, inputs, self._outputs, batch.contexts, scores)
        return scores

    def moments(
        self, batch: RowBatch, biases: Floats, temperature: float, bias_weight: float
    ) -> NDArray[np.float64]:
        """Return moments as `ContextScores` describes them."""
        inputs = _inputs(batch, self._outputs, self.n_words)
        _require_biases(biases, self.n_words)
        scale = np.array([temperature, bias_weight], np.float32)
        moments = np.empty((inputs.n_rows, MOMENTS), np.float64)
        self._pool.run_kernel(softmax_moments, inputs, self._outputs, biases, scale, moments)
        return moments

    def noise_losses(self, batch: RowBatch, noise: Floats) -> NDArray[np.float64]:
        """Return sum_w P(w) * -log sigma(-z_w) of every row, float64 (R,), exactly summed."""
        inputs = _inputs(batch, self._outputs, self.n_words)
        _require_biases(noise, self.n_words)
        losses = np.empty(inputs.n_rows, np.float64)
        self._pool.run_kernel(noise_losses, inputs, self._outputs, noise, losses)
        return losses


class TreeScores:
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

    def __init__(self, node_vectors: Floats, tree: HuffmanTree, pool: WorkerPool) -> None:
        self.n_words = len(tree.starts) - 1
        if len(node_vectors) < self.n_words - 1:
            raise VocabularyError(
                f"node_vectors: expected one for each of {self.n_words - 1} inner nodes, got "
                f"{len(node_vectors)}"
            )
        self._nodes = _vectors("node_vectors", node_vectors[: self.n_words - 1])
        self._tree = tree
        self._children = tree_children(*tree)
        self._pool = pool

    def observed(self, batch: RowBatch) -> NDArray[np.float64]:
        """Return log q(o | h) of every observed word o, float64 (entries,)."""
        logs = np.empty(len(batch.contexts.indices), np.float64)
        inputs = _inputs(batch, self._nodes, self.n_words)
        steps = np.diff(self._tree.starts)[batch.contexts.indices].sum()
        kernel: Callable[..., Any] = observed_leaves
        tree: Any = self._tree
        if _STEP_COST * steps > inputs.n_rows * self.n_words:
            kernel, tree = tree_scores, self._children
        self._pool.run_kernel(kernel, inputs, self._nodes, tree, batch.contexts, logs)
        return logs

    def moments(
        self, batch: RowBatch, biases: Floats, temperature: float, bias_weight: float
    ) -> NDArray[np.float64]:
        """Return moments as `ContextScores` describes them."""
        inputs = _inputs(batch, self._nodes, self.n_words)
        _require_biases(biases, self.n_words)
        scale = np.array([temperature, bias_weight], np.float32)
        moments = np.empty((inputs.n_rows, MOMENTS), np.float64)
        self._pool.run_kernel(
            tree_moments, inputs, self._nodes, self._children, biases, scale, moments
        )
        return moments


def _vectors(name: str, matrix: Floats) -> PaddedVectors:
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


def _inputs(batch: RowBatch, outputs: PaddedVectors, n_words: int) -> PaddedVectors:
    if batch.inputs.shape[1] != outputs.dimensions:
        raise VocabularyError(
            f"inputs: expected {outputs.dimensions} dimensions as the output vectors have, got "
            f"{batch.inputs.shape[1]}"
        )
    check_sparse_rows(batch.contexts, len(batch.inputs), n_words)
    return _vectors("inputs", batch.inputs)


def _require_biases(biases: Floats, n_words: int) -> None:
    if biases.shape != (n_words,) or biases.dtype != np.float32:
        raise VocabularyError(
            f"biases: expected float32 ({n_words},), one for each word, got {biases.dtype} "
            f"{biases.shape}"
        )
